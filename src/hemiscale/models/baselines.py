"""Features that know nothing of language, or only single words.

All are (n_words, n_features) float32 arrays, to be used as a model's activations are.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence

import numpy as np

from hemiscale.errors import HemiscaleWarning
from hemiscale.models.static_tables import StaticTable, read_static_table

__all__ = [
    "random_embeddings",
    "random_vectors",
    "read_static_table",
    "static_embeddings",
    "word_length",
    "word_position",
    "word_rate",
    "word_type",
]

_MANY_UNKNOWN = 0.05  # share of words without a vector from which a table is worth a warning


def word_rate(n_words: int) -> np.ndarray:
    """One for every word: after the HRF, how much speech there is at each scan.

    Parameters
    ----------
    n_words : int

    Returns
    -------
    (n_words, 1) float32 array
    """
    return np.ones((n_words, 1), dtype=np.float32)


def word_length(words: Sequence[str]) -> np.ndarray:
    """Letters and digits in every word.

    Parameters
    ----------
    words : sequence of str

    Returns
    -------
    (n_words, 1) float32 array
    """
    lengths = [sum(character.isalnum() for character in word) for word in words]
    return np.array(lengths, dtype=np.float32).reshape(-1, 1)


def word_position(n_words: int) -> np.ndarray:
    """Place of every word in its run, from 0.

    Parameters
    ----------
    n_words : int

    Returns
    -------
    (n_words, 1) float32 array
    """
    return np.arange(n_words, dtype=np.float32).reshape(-1, 1)


def random_vectors(n_words: int, width: int, *, seed: int | tuple[int, ...]) -> np.ndarray:
    """Draw a vector for every word token: what any features of this width reach by chance.

    Parameters
    ----------
    n_words, width : int
    seed : int or tuple of int
        For several runs, (seed, run), so that vectors do not repeat from run to run.

    Returns
    -------
    (n_words, width) float32 array
        Standard normal.
    """
    entropy = (seed,) if isinstance(seed, int) else tuple(seed)
    # The width is part of the seed: draws of different widths share nothing.
    generator = np.random.default_rng([*entropy, width])
    return generator.standard_normal((n_words, width), dtype=np.float32)


def random_embeddings(words: Sequence[str], width: int, *, seed: int) -> np.ndarray:
    """Draw a vector for every word type: it tells words apart, and knows nothing else of them.

    Parameters
    ----------
    words : sequence of str
    width, seed : int

    Returns
    -------
    (n_words, width) float32 array
        Standard normal. A type has the same vector in every run and every story, whatever the
        other words are. Types do not differ in case or in punctuation around them.
    """
    vectors: dict[str, np.ndarray] = {}
    rows = np.empty((len(words), width), dtype=np.float32)
    for row, word in zip(rows, words, strict=True):
        kind = word_type(word)
        if kind not in vectors:
            digest = hashlib.sha256(kind.encode("utf-8")).digest()
            entropy = [seed, width, *np.frombuffer(digest, dtype="<u4").tolist()]
            generator = np.random.default_rng(entropy)
            vectors[kind] = generator.standard_normal(width, dtype=np.float32)
        row[:] = vectors[kind]
    return rows


def word_type(word: str) -> str:
    """Form in which two tokens of a word are equal: lower case, no punctuation around it.

    Parameters
    ----------
    word : str

    Returns
    -------
    str
    """
    lower = word.casefold().replace("\u2019", "'")
    inside = [k for k, character in enumerate(lower) if character.isalnum()]
    return lower[inside[0] : inside[-1] + 1] if inside else lower.strip()


def static_embeddings(words: Sequence[str], table: StaticTable) -> np.ndarray:
    """Look every word up in a table of word vectors.

    Parameters
    ----------
    words : sequence of str
    table : StaticTable
        From `read_static_table`.

    Returns
    -------
    (n_words, n_dimensions) float32 array
        Words that the table does not know have zeros; words known in parts only (hyphens,
        contractions) the mean over their parts.

    Warns
    -----
    HemiscaleWarning
        Where more than 5 % of the words are unknown.
    """
    rows = np.zeros((len(words), table.n_dimensions), dtype=np.float32)
    cache = {word: table.find(word) for word in dict.fromkeys(words)}
    unknown = []
    for row, word in zip(rows, words, strict=True):
        vector = cache[word]
        if vector is None:
            unknown.append(word)
        else:
            row[:] = vector
    if len(unknown) > _MANY_UNKNOWN * len(words):
        shown = ", ".join(map(repr, list(dict.fromkeys(unknown))[:10]))
        warnings.warn(
            f"{len(unknown)} of {len(words)} words are not in the table of word vectors and get "
            f"zeros: {shown}; is the table in the language of the story?",
            HemiscaleWarning,
            stacklevel=2,
        )
    return rows
