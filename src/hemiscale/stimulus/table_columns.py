"""Which columns of a word table hold words and times: the usual names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Columns", "find_columns", "is_gentle_row"]

_WORD = ("word", "words", "token", "text", "label", "value", "trial_type")
_ONSET = ("onset", "onsets", "start", "start_time", "word onset", "begin", "tmin", "xmin")
_OFFSET = ("offset", "offsets", "end", "end_time", "word offset", "stop", "tmax", "xmax")
_DURATION = ("duration", "durations", "dur")
_SECTION = ("section", "run", "run_id", "run-id")


@dataclass(frozen=True)
class Columns:
    """Column numbers, from 0.

    Attributes
    ----------
    word, onset : int
    offset, duration : int or None
        One of them is there.
    section : int or None
        Which run a word belongs to.
    """

    word: int
    onset: int
    offset: int | None
    duration: int | None
    section: int | None


def find_columns(header: Sequence[str]) -> Columns | None:
    """Recognise the columns of a word table by their names.

    Parameters
    ----------
    header : sequence of str

    Returns
    -------
    Columns or None
        None where no word, no onset, or neither offset nor duration is among them.
    """
    names = [name.strip().casefold() for name in header]

    def first(known: tuple[str, ...]) -> int | None:
        return next((names.index(name) for name in known if name in names), None)

    word, onset, offset, duration = map(first, (_WORD, _ONSET, _OFFSET, _DURATION))
    if word is None or onset is None or (offset is None and duration is None):
        return None
    return Columns(word, onset, offset, duration, first(_SECTION))


def is_gentle_row(row: Sequence[str]) -> bool:
    """Whether a first row is that of gentle's align.csv: word, aligned word, start, end; no header.

    Parameters
    ----------
    row : sequence of str

    Returns
    -------
    bool
    """
    if len(row) != 4 or not row[0].strip():
        return False
    times = [cell.strip() for cell in row[2:]]
    if times == ["", ""]:
        return True
    try:
        return float(times[0]) <= float(times[1])
    except ValueError:
        return False
