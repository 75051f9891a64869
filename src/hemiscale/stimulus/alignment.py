"""Which characters of the text belong to which annotated word.

Both sides are reduced to normalised letters and aligned once, character by character: stretches
that are unique in both anchor the alignment, and what lies between is aligned optimally. There
is no list of special cases; numerals are compared in the spelling that the other side uses.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hemiscale.errors import HemiscaleWarning, InputError
from hemiscale.stimulus.anchors import find_anchors
from hemiscale.stimulus.gap_alignment import align_letters
from hemiscale.stimulus.letters import Letters, letters_of
from hemiscale.stimulus.numerals import spell_numerals

__all__ = ["align_words"]


def align_words(words: Sequence[str], text: str, *, max_lost: float = 0.03) -> np.ndarray:
    """Find the annotated words in the text.

    Parameters
    ----------
    words : sequence of str
        As annotated, in order. They may be parts of printed words ("do", "n't").
    text : str
        As given to the model, with punctuation, in any script.
    max_lost : float
        Largest share of words that may have no counterpart in the text.

    Returns
    -------
    (n_words, 2) int64 array
        Start and stop of every word's characters in `text`; in order, not overlapping. A word
        without counterpart gets (a share of) the characters between its neighbours, which may
        be none.

    Raises
    ------
    InputError
        Where the text is empty, or more than `max_lost` of the words have no counterpart.

    Warns
    -----
    HemiscaleWarning
        Where some words have no counterpart; it lists them.

    Notes
    -----
    A word is found where at least half of its letters are in the text, at their place.
    """
    words = [str(word) for word in words]
    printed = letters_of(text)
    if not words:
        return np.zeros((0, 2), dtype=np.int64)
    if not printed.letters:
        raise InputError("The text is empty: there is nothing to align the words with.")
    spoken = _join(words)
    anchors = find_anchors(printed.letters, spoken.letters.letters)
    readable = spell_numerals(text, printed, spoken.letters.letters, anchors)
    spoken = spoken.spell(readable.letters)
    partners = _align(spoken.letters, readable)
    found = _found(spoken, readable, partners)
    lost = np.flatnonzero(~found)
    if len(lost) > max_lost * len(words):
        raise InputError(_too_many_lost(words, lost, max_lost))
    # Letters that a lost word shares with the text by chance belong to its neighbours.
    partners = np.where(found[spoken.owners], partners, -1)
    spans = _spans(words, text, spoken, readable, partners)
    if len(lost):
        warnings.warn(_some_lost(words, lost), HemiscaleWarning, stacklevel=2)
    return spans


@dataclass(frozen=True)
class _Spoken:
    """Letters of all words in a row, and which word each belongs to."""

    words: list[str]
    letters: Letters
    owners: np.ndarray

    def spell(self, printed: str) -> _Spoken:
        """Numerals among the words in the spelling that the text uses."""
        if not any(letter.isdigit() for letter in self.letters.letters):
            return self
        anchors = find_anchors(self.letters.letters, printed)
        parts, offset = [], 0
        for word in self.words:
            letters = letters_of(word)
            parts.append(spell_numerals(word, letters, printed, anchors, offset).letters)
            offset += len(letters.letters)
        return _from_parts(self.words, parts)


def _join(words: list[str]) -> _Spoken:
    return _from_parts(words, [letters_of(word).letters for word in words])


def _from_parts(words: list[str], parts: list[str]) -> _Spoken:
    sizes = np.array([len(part) for part in parts])
    owners = np.repeat(np.arange(len(words)), sizes)
    starts = np.concatenate([[True], np.diff(owners) > 0])[: len(owners)]
    return _Spoken(words, Letters("".join(parts), np.arange(len(owners)), starts), owners)


def _align(spoken: Letters, printed: Letters) -> np.ndarray:
    a, b = spoken.letters, printed.letters
    partners = np.full(len(a), -1, dtype=np.int64)
    i = j = 0
    for start, other, size in [*find_anchors(a, b), (len(a), len(b), 0)]:
        gap = align_letters(a[i:start], b[j:other], spoken.starts[i:start], printed.starts[j:other])
        partners[i:start] = np.where(gap >= 0, gap + j, -1)
        partners[start : start + size] = np.arange(other, other + size)
        i, j = start + size, other + size
    return partners


def _found(spoken: _Spoken, printed: Letters, partners: np.ndarray) -> np.ndarray:
    """Words of which at least half of the letters stand in the text."""
    said = np.array(list(spoken.letters.letters))
    read = np.array([*printed.letters, ""])  # the last one for letters without partner
    equal = said == read[partners] if len(said) else np.zeros(0, bool)
    n_words = len(spoken.words)
    matched = np.bincount(spoken.owners, weights=equal, minlength=n_words)
    total = np.bincount(spoken.owners, minlength=n_words)
    return (total > 0) & (matched >= total / 2)


def _spans(
    words: list[str], text: str, spoken: _Spoken, printed: Letters, partners: np.ndarray
) -> np.ndarray:
    n_words = len(words)
    spans = np.full((n_words, 2), -1, dtype=np.int64)
    for letter in np.flatnonzero(partners >= 0):
        word, position = spoken.owners[letter], printed.positions[partners[letter]]
        if spans[word, 0] < 0:
            spans[word, 0] = position
        spans[word, 1] = position + 1
    placed = np.flatnonzero(spans[:, 0] >= 0)
    # Words that share a character (the parts of a spelt-out numeral) follow each other.
    for before, word in pairwise(placed):
        spans[before, 1] = min(spans[before, 1], spans[word, 0])
        spans[before, 1] = max(spans[before, 1], spans[before, 0])
    _claim_letters(text, spans, placed)
    _fill(words, text, spans, placed)
    return spans


def _claim_letters(text: str, spans: np.ndarray, placed: np.ndarray) -> None:
    """Give the letters of a printed word that nobody has to the words that have its rest."""
    for k, word in enumerate(placed):
        start = spans[word, 0]
        floor = spans[placed[k - 1], 1] if k else 0
        while start > floor and text[start - 1].isalnum() and _same_script(text, start):
            start -= 1
        spans[word, 0] = start
        stop = spans[word, 1]
        ceiling = spans[placed[k + 1], 0] if k + 1 < len(placed) else len(text)
        while spans[word, 0] < stop < ceiling and text[stop].isalnum() and _same_script(text, stop):
            stop += 1
        spans[word, 1] = stop


def _same_script(text: str, position: int) -> bool:
    """Whether a printed word can go on over this border; scripts without spaces say nothing."""
    return not (_without_spaces(text[position - 1]) or _without_spaces(text[position]))


def _without_spaces(character: str) -> bool:
    return character > "\u2e7f" and character.isalpha() and character.lower() == character.upper()


def _fill(words: list[str], text: str, spans: np.ndarray, placed: np.ndarray) -> None:
    """Share the characters between two found words out to the words without counterpart."""
    borders = [-1, *placed.tolist(), len(words)]
    for before, after in pairwise(borders):
        if after - before < 2:
            continue
        start = int(spans[before, 1]) if before >= 0 else 0
        stop = int(spans[after, 0]) if after < len(words) else len(text)
        while start < stop and not text[start].isalnum():
            start += 1
        while stop > start and not text[stop - 1].isalnum():
            stop -= 1
        weights = [max(1, len(word)) for word in words[before + 1 : after]]
        edges = start + np.rint(np.cumsum([0, *weights]) / sum(weights) * (stop - start))
        spans[before + 1 : after, 0] = edges[:-1]
        spans[before + 1 : after, 1] = edges[1:]


def _listed(words: list[str], lost: np.ndarray) -> str:
    first = ", ".join(f"{words[k]!r} (word {k + 1})" for k in lost[:10])
    return first + (f" and {len(lost) - 10} more" if len(lost) > 10 else "")


def _some_lost(words: list[str], lost: np.ndarray) -> str:
    return (
        f"{len(lost)} of {len(words)} words have no counterpart in the text and get the "
        f"characters between their neighbours: {_listed(words, lost)}."
    )


def _too_many_lost(words: list[str], lost: np.ndarray, max_lost: float) -> str:
    return (
        f"{len(lost)} of {len(words)} words ({len(lost) / len(words):.1%}) have no counterpart in "
        f"the text, more than the {max_lost:.0%} allowed: {_listed(words, lost)}; check that words "
        "and text are of the same story, run and language."
    )
