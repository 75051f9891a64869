"""Files of word vectors: GloVe, word2vec and fastText text, word2vec binary, npy with words.

Read row by row, so that a table of any size needs the memory of the wanted words alone.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from pathlib import Path

import numpy as np

from hemiscale.errors import InputError

__all__ = ["read_vector_file"]

Vectors = dict[str, np.ndarray]


def read_vector_file(path: Path, wanted: AbstractSet[str]) -> tuple[Vectors, int]:
    """Read the vectors of some words from a file.

    Parameters
    ----------
    path : Path
        ``.bin``: word2vec binary. ``.npy``: a matrix, with a text file of the same name and
        ending ``.txt`` beside it that has a word per line. Others: text with a word and its
        numbers per line, with or without a first line that says how many (word2vec and fastText
        have it, GloVe has none).
    wanted : set of str

    Returns
    -------
    vectors : dict of (n_dimensions,) float32 arrays
        Of the wanted words that are there; of words that stand twice, the first.
    n_dimensions : int

    Raises
    ------
    InputError
        Where the file is not there or not in its format.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file of word vectors.")
    if path.suffix == ".npy":
        return _read_npy(path, wanted)
    if path.suffix == ".bin":
        return _read_binary(path, wanted)
    return _read_text(path, wanted)


def _read_text(path: Path, wanted: AbstractSet[str]) -> tuple[Vectors, int]:
    vectors: Vectors = {}
    n_dimensions = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            cells = line.rstrip().removeprefix(b"\xef\xbb\xbf").split(b" ")
            if number == 1 and len(cells) == 2 and all(cell.isdigit() for cell in cells):
                n_dimensions = int(cells[1])
                continue
            if not n_dimensions:
                n_dimensions = len(cells) - 1
            # A few words of GloVe 840B hold spaces: the numbers are the last cells.
            word = b" ".join(cells[:-n_dimensions]).decode("utf-8", errors="replace")
            if n_dimensions < 2 or len(cells) <= n_dimensions:
                raise InputError(
                    f"{path}, line {number}: expected a word and {max(n_dimensions, 2)} numbers "
                    "separated by single spaces, as in GloVe, word2vec and fastText text files."
                )
            if word in wanted and word not in vectors:
                vectors[word] = _numbers(path, number, word, cells[-n_dimensions:])
    if not n_dimensions:
        raise InputError(f"{path}: the file of word vectors is empty.")
    return vectors, n_dimensions


def _numbers(path: Path, number: int, word: str, cells: list[bytes]) -> np.ndarray:
    try:
        vector = np.array([float(cell) for cell in cells], dtype=np.float32)
    except ValueError:
        vector = np.array([np.nan], dtype=np.float32)
    if not np.isfinite(vector).all():
        raise InputError(f"{path}, line {number}: the vector of {word!r} holds what is no number.")
    return vector


def _read_binary(path: Path, wanted: AbstractSet[str]) -> tuple[Vectors, int]:
    vectors: Vectors = {}
    with path.open("rb") as file:
        header = file.readline(64).split()
        if len(header) != 2 or not all(cell.isdigit() for cell in header):
            raise InputError(
                f"{path}: not a word2vec binary file (its first line should say how many words and "
                "dimensions it has); export other formats, such as fastText's .bin, as text (.vec)."
            )
        n_words, n_dimensions = map(int, header)
        for index in range(n_words):
            word = bytearray()
            while (character := file.read(1)) != b" ":
                if not character:
                    raise InputError(
                        f"{path}: ends after {index} of {n_words} words; fetch it again."
                    )
                word += character
            row = file.read(4 * n_dimensions)
            if len(row) < 4 * n_dimensions:
                raise InputError(f"{path}: ends after {index} of {n_words} words; fetch it again.")
            # Some writers end each row with a line end, others do not.
            name = word.lstrip(b"\n").decode("utf-8", errors="replace")
            if name in wanted and name not in vectors:
                vectors[name] = np.frombuffer(row, dtype="<f4").astype(np.float32)
                if not np.isfinite(vectors[name]).all():
                    raise InputError(f"{path}: the vector of {name!r} is not finite.")
    return vectors, n_dimensions


def _read_npy(path: Path, wanted: AbstractSet[str]) -> tuple[Vectors, int]:
    words_path = path.with_suffix(".txt")
    try:
        matrix = np.load(path, mmap_mode="r")
        words = words_path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise InputError(
            f"{words_path}: missing; it should hold the words of {path.name}, one per line."
        ) from None
    except ValueError:
        raise InputError(f"{path}: not a matrix of numbers in npy format.") from None
    if matrix.ndim != 2 or matrix.dtype.kind != "f" or len(words) != len(matrix):
        raise InputError(
            f"{path}: has shape {matrix.shape} and type {matrix.dtype}; expected a matrix of "
            f"floating-point numbers with a row for each of the {len(words)} words in "
            f"{words_path.name}."
        )
    vectors: Vectors = {}
    for row, word in enumerate(words):
        if word in wanted and word not in vectors:
            vectors[word] = np.array(matrix[row], dtype=np.float32)
    return vectors, matrix.shape[1]
