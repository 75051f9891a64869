"""Read the intervals of a Praat TextGrid, in its long or its short text format, through praatio."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from hemiscale.errors import InputError

__all__ = ["read_tier"]

_SILENCE = {"", "sp", "sil", "spn", "<eps>", "<sil>", "<p:>", "#", "<s>", "</s>", "<unk>"}
# Head of an interval tier in both formats: class, name, start, end, number of intervals.
_HEAD = re.compile(
    r'"IntervalTier"\s*(?:name ?= ?)?"(?:[^"]|"")*"\s*(?:xmin ?= ?)?\S+\s*(?:xmax ?= ?)?\S+\s*'
    r"(?:intervals ?: ?size ?= ?)?(\d+)"
)
_N_TIERS = re.compile(r"<exists>\s*(?:size ?= ?)?(\d+)")
_NEGATIVE_TIME = re.compile(r"^\s*(?:xmin|xmax)\s*=\s*-[0.]*[1-9]", re.MULTILINE)


def read_tier(path: Path, content: str, tier: str | None) -> list[tuple[str, float, float, int]]:
    """List the labelled intervals of one tier.

    Parameters
    ----------
    path : Path
        For error messages.
    content : str
    tier : str or None
        Its name; by default the one named "words" or "word", or the only one.

    Returns
    -------
    list of (label, start, end, number of the interval)
        Silences left out.

    Raises
    ------
    InputError
        Where it is not a TextGrid, it is cut off, or the tier cannot be told.
    """
    tiers = _tiers(path, content)
    names = [name for name, _ in tiers]
    wanted = tier.casefold() if tier is not None else None
    matching = [
        intervals
        for name, intervals in tiers
        if (name.casefold() == wanted if wanted else name.casefold() in ("words", "word"))
    ]
    if not matching and wanted is None and len(tiers) == 1:
        matching = [tiers[0][1]]
    if not matching:
        known = ", ".join(map(repr, names)) or "none"
        asked = f"no interval tier named {tier!r}" if tier else "no tier named 'words'"
        raise InputError(f"{path}: has {asked}; its interval tiers: {known}.")
    return [
        (label.strip(), start, end, number)
        for number, (start, end, label) in enumerate(matching[0], start=1)
        if label.strip().casefold() not in _SILENCE
    ]


def _tiers(path: Path, content: str) -> list[tuple[str, Sequence[tuple[float, float, str]]]]:
    from praatio.utilities.textgrid_io import parseTextgridStr

    damaged = InputError(f"{path}: not a complete Praat TextGrid in text format.")
    if "TextGrid" not in content[:200]:
        raise damaged
    # praatio reads a negative time as a positive one.
    if _NEGATIVE_TIME.search(content):
        raise InputError(f"{path}: has negative times; count them from the start of the recording.")
    try:
        # praatio wants a line end after the last label.
        parsed = parseTextgridStr(content + "\n", includeEmptyIntervals=True)
        tiers: list[tuple[str, Sequence[tuple[float, float, str]]]] = [
            (str(tier["name"]), [(float(a), float(b), str(c)) for a, b, c in tier["entries"]])
            for tier in parsed["tiers"]
            if tier["class"] == "IntervalTier"
        ]
    except Exception:  # whatever praatio's parser trips over
        raise damaged from None
    # praatio takes what is there; a file that was cut off says more than it holds.
    sizes = [int(size) for size in _HEAD.findall(content)]
    n_tiers = _N_TIERS.search(content)
    if sizes != [len(intervals) for _, intervals in tiers] or (
        n_tiers is None or int(n_tiers[1]) != len(parsed["tiers"])
    ):
        raise damaged
    return tiers
