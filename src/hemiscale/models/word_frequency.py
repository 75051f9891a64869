"""How frequent each word is: from a table that the user gives, or from the wordfreq package."""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hemiscale.errors import HemiscaleWarning, InputError
from hemiscale.models.baselines import word_type
from hemiscale.stimulus.text import decode_text

__all__ = ["read_frequencies", "word_frequency"]

_WORD = ("word", "words", "ortho", "token", "form")
_LOGARITHM = ("logfreq", "log_freq", "log_frequency", "lg10wf", "zipf", "zipf_frequency")
_COUNT = ("frequency", "freq", "count", "freqcount", "occurrences")
_MANY_UNKNOWN = 0.05


def read_frequencies(path: str | Path) -> dict[str, float]:
    """Read a table of word frequencies.

    Parameters
    ----------
    path : str or Path
        A csv or tsv file with a header: a column ``word``, and a column of logarithms
        (``logfreq``, ``log_frequency``, ``Lg10WF``, ``zipf``), taken as they are, or of counts
        (``frequency``, ``count``), of which the logarithm to base 10 is taken after adding 1.

    Returns
    -------
    dict of float
        By word type. Spellings of one type: the highest.

    Raises
    ------
    InputError
        Where a column is missing or a value is no number.
    """
    path = Path(path)
    lines = decode_text(path).split("\n")
    delimiter = max("\t;,", key=(lines[0] if lines else "").count)
    rows = csv.reader(lines, delimiter=delimiter)
    names = [name.strip().casefold() for name in next(rows, [])]
    word = next((names.index(name) for name in _WORD if name in names), None)
    value = next((names.index(name) for name in (*_LOGARITHM, *_COUNT) if name in names), None)
    if word is None or value is None:
        raise InputError(
            f"{path}, row 1: expected a column 'word' and a column 'logfreq' (logarithms) or "
            f"'count'; found {', '.join(map(repr, names[:12]))}."
        )
    counted = names[value] in _COUNT
    frequencies: dict[str, float] = {}
    problems = []
    for row in rows:
        if len(row) <= max(word, value) or not row[word].strip():
            continue
        number = _number(row[value])
        if number is None or (counted and number < 0):
            problems.append(
                f"{path}, row {rows.line_num}: the {names[value]} {row[value].strip()!r} of "
                f"{row[word]!r} is not a number{' of occurrences' if counted else ''}."
            )
            continue
        logarithm = math.log10(1 + number) if counted else number
        kind = word_type(row[word])
        frequencies[kind] = max(logarithm, frequencies.get(kind, -math.inf))
    if problems:
        raise InputError(*problems[:20])
    if not frequencies:
        raise InputError(f"{path}: holds no words.")
    return frequencies


def word_frequency(words: Sequence[str], source: str, *, language: str = "en") -> np.ndarray:
    """Look the logarithm of every word's frequency up.

    Parameters
    ----------
    words : sequence of str
    source : str
        "wordfreq" (Zipf frequencies of the package of this name), or a file for
        `read_frequencies`.
    language : str
        For wordfreq: "en", "fr", "zh" ("cn" is understood) ...

    Returns
    -------
    (n_words, 1) float32 array
        Words that the table does not know get its lowest value; wordfreq gives them 0.

    Raises
    ------
    InputError
        Where the package is not installed or does not know the language, or the file is wrong.

    Warns
    -----
    HemiscaleWarning
        Where more than 5 % of the words are not in the table.
    """
    if source == "wordfreq":
        return _from_wordfreq(words, {"cn": "zh"}.get(language, language))
    frequencies = read_frequencies(source)
    lowest = min(frequencies.values())
    kinds = [word_type(word) for word in words]
    unknown = [word for word, kind in zip(words, kinds, strict=True) if kind not in frequencies]
    if len(unknown) > _MANY_UNKNOWN * len(words):
        shown = ", ".join(map(repr, list(dict.fromkeys(unknown))[:10]))
        warnings.warn(
            f"{source}: {len(unknown)} of {len(words)} words are not in the table of frequencies "
            f"and count as its rarest: {shown}.",
            HemiscaleWarning,
            stacklevel=2,
        )
    values = [frequencies.get(kind, lowest) for kind in kinds]
    return np.array(values, dtype=np.float32).reshape(-1, 1)


def _from_wordfreq(words: Sequence[str], language: str) -> np.ndarray:
    try:
        from wordfreq import available_languages, zipf_frequency
    except ImportError:
        raise InputError(
            "word frequencies: the package wordfreq is not installed; install it with "
            "'pip install hemiscale[frequency]', or name a table of your own."
        ) from None
    if language not in available_languages():
        raise InputError(f"word frequencies: wordfreq has no words of the language {language!r}.")
    # Chinese and Japanese words are looked up whole: cutting them takes further packages.
    from wordfreq import get_frequency_dict

    if language in ("zh", "ja"):
        known = get_frequency_dict(language)
        values = [_zipf(known.get(word_type(word), 0.0)) for word in words]
    else:
        values = [zipf_frequency(word, language) for word in words]
    return np.array(values, dtype=np.float32).reshape(-1, 1)


def _zipf(frequency: float) -> float:
    """Logarithm (base 10) of occurrences per billion words, as wordfreq rounds it."""
    return round(math.log10(frequency) + 9, 2) if frequency > 0 else 0.0


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
