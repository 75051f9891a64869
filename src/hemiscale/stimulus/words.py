"""Read word tables: which word is heard from when to when."""

from __future__ import annotations

import csv
import math
import warnings
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pandas as pd

from hemiscale.errors import HemiscaleWarning, InputError
from hemiscale.stimulus.table_columns import Columns, find_columns, is_gentle_row
from hemiscale.stimulus.text import decode_text
from hemiscale.stimulus.textgrid import read_tier

__all__ = ["read_words"]

_SHOWN = 20  # problems of one file that are spelt out
_SAME_TIME = 1e-6  # seconds


@dataclass
class _Row:
    number: int  # as an editor shows it
    word: str
    onset: str
    end: str
    end_is_duration: bool = False


def read_words(
    path: str | Path, *, section: str | int | None = None, tier: str | None = None
) -> pd.DataFrame:
    """Read a table of words with their times.

    Parameters
    ----------
    path : str or Path
        A csv, tsv or semicolon-separated table with a header: a column of words (``word``,
        ``text``, ``trial_type`` ...), ``onset`` (or ``start`` ...), and ``offset`` (``end`` ...)
        or ``duration``; gentle's ``align.csv``; or a Praat ``.TextGrid``.
    section : str or int, optional
        Run to read, where a table holds several (column ``section`` or ``run``).
    tier : str, optional
        Tier of a TextGrid; default: the one named "words", or the only one.

    Returns
    -------
    DataFrame
        Columns ``word`` (str), ``onset`` and ``offset`` (float, seconds), in the file's order.

    Raises
    ------
    InputError
        With all problems of the file: unknown columns, empty words, times that are missing, no
        numbers or infinite, offsets before onsets, onsets that decrease.

    Warns
    -----
    HemiscaleWarning
        Where gentle could not time some words: they are left out. Where rows have times but no
        word, and begin where the word before ends (the rest of a contraction, as in the English
        table of Le Petit Prince): their time is added to that word.
    """
    path = Path(path)
    content = decode_text(path)
    if path.suffix.casefold() == ".textgrid" or content.lstrip().startswith('File type = "oo'):
        rows = [
            _Row(number, label, repr(start), repr(end))
            for label, start, end, number in read_tier(path, content, tier)
        ]
        row_name = "interval"
    else:
        rows = _read_table(path, content, section)
        row_name = "row"
    if not rows:
        raise InputError(f"{path}: holds no words.")
    words, problems = _check(path, rows, row_name)
    if problems:
        hidden = len(problems) - _SHOWN
        if hidden > 1:
            problems[_SHOWN:] = [f"{path}: and {hidden} more problems like these."]
        raise InputError(*problems)
    return words


def _read_table(path: Path, content: str, section: str | int | None) -> list[_Row]:
    first_line = next((line for line in content.split("\n") if line.strip()), "")
    delimiter = max("\t;,", key=first_line.count)
    # In tab-separated files a quotation mark is a character like any other.
    lines = content.split("\n")
    if delimiter == "\t":
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(lines, delimiter=delimiter)
    cells = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    if delimiter == "\t":
        cells = [(number, [_unquote(cell) for cell in row]) for number, row in cells]
    if not cells:
        raise InputError(f"{path}: the table is empty.")
    columns = find_columns(cells[0][1])
    if columns is not None:
        return _rows(path, cells[1:], columns, section)
    if delimiter == "," and is_gentle_row(cells[0][1]):
        return _gentle_rows(path, cells)
    shown = ", ".join(repr(cell) for cell in cells[0][1][:12])
    raise InputError(
        f"{path}, row {cells[0][0]}: expected a header with columns word, onset, and offset or "
        f"duration; found {shown}."
    )


def _rows(
    path: Path,
    cells: list[tuple[int, list[str]]],
    columns: Columns,
    section: str | int | None,
) -> list[_Row]:
    end = columns.offset if columns.offset is not None else columns.duration
    assert end is not None
    width = max(columns.word, columns.onset, end) + 1
    short = [number for number, row in cells if len(row) < width]
    if short:
        raise InputError(*[f"{path}, row {n}: has too few columns." for n in short[:_SHOWN]])
    if columns.section is not None:
        at = columns.section
        found = list(dict.fromkeys(row[at].strip() for _, row in cells if len(row) > at))
        if section is not None:
            cells = [(n, row) for n, row in cells if row[at : at + 1] == [str(section)]]
            if not cells:
                raise InputError(f"{path}: no section {section}; it has {', '.join(found[:20])}.")
        elif len(found) > 1 and _restarts(cells, columns):
            raise InputError(
                f"{path}: holds {len(found)} runs ({', '.join(found[:20])}); "
                "write one file per run, or say which section to read."
            )
    return [
        _Row(n, row[columns.word], row[columns.onset], row[end], columns.offset is None)
        for n, row in cells
    ]


def _restarts(cells: list[tuple[int, list[str]]], columns: Columns) -> bool:
    """Whether onsets start again where the section changes."""
    assert columns.section is not None
    for (_, before), (_, row) in pairwise(cells):
        if before[columns.section] != row[columns.section]:
            onset = _number(row[columns.onset])
            last = _number(before[columns.onset])
            return onset is not None and last is not None and onset < last
    return False


def _gentle_rows(path: Path, cells: list[tuple[int, list[str]]]) -> list[_Row]:
    short = [number for number, row in cells if len(row) != 4]
    if short:
        raise InputError(*[f"{path}, row {n}: expected four columns." for n in short[:_SHOWN]])
    rows = [_Row(number, row[0], row[2], row[3]) for number, row in cells]
    timed = [row for row in rows if row.onset.strip() or row.end.strip()]
    if len(timed) < len(rows):
        lost = [row for row in rows if row not in timed]
        listed = ", ".join(f"{row.word!r} (row {row.number})" for row in lost[:10])
        more = f" and {len(lost) - 10} more" if len(lost) > 10 else ""
        warnings.warn(
            f"{path}: gentle gave no times for {len(lost)} of {len(rows)} words; "
            f"they are left out: {listed}{more}.",
            HemiscaleWarning,
            stacklevel=4,
        )
    return timed


def _check(path: Path, rows: list[_Row], row_name: str) -> tuple[pd.DataFrame, list[str]]:
    problems: list[str] = []
    words: list[str] = []
    onsets: list[float] = []
    offsets: list[float] = []
    rests: list[int] = []
    latest = (-math.inf, 0)  # onset, row
    for row in rows:
        where = f"{path}, {row_name} {row.number}"
        word = row.word.strip()
        onset, end = _number(row.onset), _number(row.end)
        if not word and offsets and onset is not None and end is not None:
            # "hasnt" and a row without a word: a contraction whose rest was timed but not written.
            offset = onset + end if row.end_is_duration else end
            if abs(onset - offsets[-1]) < _SAME_TIME and offset >= onset:
                offsets[-1] = offset
                rests.append(row.number)
                continue
        if not word:
            problems.append(f"{where}: the word is empty.")
        end_name = "duration" if row.end_is_duration else "offset"
        for name, value, given in (("onset", onset, row.onset), (end_name, end, row.end)):
            if value is None:
                problems.append(f"{where}: the {name} {given.strip()!r} is not a number (seconds).")
        if onset is None or end is None:
            continue
        offset = onset + end if row.end_is_duration else end
        if offset < onset:
            problems.append(
                f"{where}: {word!r} ends ({offset:g} s) before it begins ({onset:g} s)."
            )
        if onset < latest[0]:
            problems.append(
                f"{where}: the onset {onset:g} s is before that of {row_name} {latest[1]} "
                f"({latest[0]:g} s); words must be in the order in which they are heard."
            )
        else:
            latest = (onset, row.number)
        words.append(word)
        onsets.append(onset)
        offsets.append(offset)
    if rests:
        listed = ", ".join(map(str, rests[:10])) + (", ..." if len(rests) > 10 else "")
        warnings.warn(
            f"{path}: {len(rests)} {row_name}(s) without a word begin where the word before ends "
            f"and are taken as its rest ({row_name} {listed}).",
            HemiscaleWarning,
            stacklevel=3,
        )
    frame = pd.DataFrame(
        {
            "word": pd.Series(words, dtype=object),
            "onset": pd.Series(onsets, dtype="float64"),
            "offset": pd.Series(offsets, dtype="float64"),
        }
    )
    return frame, problems


def _unquote(word: str) -> str:
    """Take off the quotation marks that spreadsheets put around a cell of a tsv file."""
    word = word.strip()
    if len(word) > 2 and word[0] == word[-1] == '"':
        return word[1:-1].replace('""', '"').strip()
    return word


def _number(cell: str) -> float | None:
    try:
        value = float(cell.strip())
    except ValueError:
        return None
    return value if math.isfinite(value) else None
