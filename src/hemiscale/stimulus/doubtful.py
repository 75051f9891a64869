"""Words whose place in the text is worth a look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hemiscale.stimulus.letters import normalise

__all__ = ["DoubtfulWord", "doubtful_words"]


@dataclass(frozen=True)
class DoubtfulWord:
    """A word that is not in the text as it was annotated.

    Attributes
    ----------
    index : int
        From 0.
    word : str
        As annotated.
    matched : str
        The characters of the text it was given.
    reason : str
        "not in the text", "other word", "other spelling" or "numeral".
    """

    index: int
    word: str
    matched: str
    reason: str


def doubtful_words(words: Sequence[str], text: str, spans: np.ndarray) -> list[DoubtfulWord]:
    """List the words that differ from the characters they were given.

    Parameters
    ----------
    words : sequence of str
    text : str
    spans : (n_words, 2) int array
        From `align_words`.

    Returns
    -------
    list of DoubtfulWord
        Those whose letters (lower case, without accents and punctuation) are not those of the
        text.
    """
    doubtful = []
    for index, (word, (start, stop)) in enumerate(zip(words, spans, strict=True)):
        matched = text[start:stop]
        said, read = normalise(str(word)), normalise(matched)
        if said == read and said:
            continue
        if any(c.isdigit() for c in said) != any(c.isdigit() for c in read):
            reason = "numeral"
        elif not read or not said:
            reason = "not in the text"
        elif len(set(said) & set(read)) * 2 < len(set(said)):
            reason = "other word"
        else:
            reason = "other spelling"
        doubtful.append(DoubtfulWord(index, str(word), matched, reason))
    return doubtful
