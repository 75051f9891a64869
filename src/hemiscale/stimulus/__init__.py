"""The stimulus: words with onsets, the text, and which characters belong to which word."""

from hemiscale.stimulus.alignment import align_words
from hemiscale.stimulus.doubtful import DoubtfulWord, doubtful_words
from hemiscale.stimulus.text import read_text
from hemiscale.stimulus.words import read_words

__all__ = ["DoubtfulWord", "align_words", "doubtful_words", "read_text", "read_words"]
