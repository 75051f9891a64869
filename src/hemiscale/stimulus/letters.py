"""Letters of a text in a form in which spellings can be compared, and where they stand."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np

__all__ = ["Letters", "letters_of", "normalise"]

# What Unicode's compatibility decomposition leaves whole.
_LIGATURES = {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d"}


@dataclass(frozen=True)
class Letters:
    """Normalised letters and digits of a text.

    Attributes
    ----------
    letters : str
        Lower case, without accents, punctuation and spaces.
    positions : (n_letters,) int array
        For each letter, the character of the text it comes from.
    starts : (n_letters,) bool array
        Whether it begins a stretch of letters (a printed word).
    """

    letters: str
    positions: np.ndarray
    starts: np.ndarray


def normalise(text: str) -> str:
    """Reduce a text to letters and digits: lower case, no accents, punctuation or spaces.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    return letters_of(text).letters


def letters_of(text: str) -> Letters:
    """Normalise a text and keep track of where its letters come from.

    Parameters
    ----------
    text : str

    Returns
    -------
    Letters
    """
    letters: list[str] = []
    positions: list[int] = []
    starts: list[bool] = []
    in_word = False
    for position, character in enumerate(text):
        folded = fold(character)
        if not folded:
            # A combining mark continues the word it stands in.
            in_word = in_word and unicodedata.combining(character) > 0
            continue
        for k, letter in enumerate(folded):
            letters.append(letter)
            positions.append(position)
            starts.append(k == 0 and not in_word)
        in_word = True
    return Letters("".join(letters), np.array(positions, dtype=np.int64), np.array(starts, bool))


def fold(character: str) -> str:
    """Normalise one character: lower case, no accent; "" for what is no letter or digit.

    Parameters
    ----------
    character : str

    Returns
    -------
    str
        None, one or several letters.
    """
    if character.isascii():
        return character.lower() if character.isalnum() else ""
    folded = unicodedata.normalize("NFKD", character).casefold()
    folded = "".join(_LIGATURES.get(letter, letter) for letter in folded)
    return "".join(letter for letter in folded if letter.isalnum())
