"""Read the intervals of a Praat TextGrid, in its long or its short text format."""

from __future__ import annotations

import re
from pathlib import Path

from hemiscale.errors import InputError

__all__ = ["read_tier"]

_SILENCE = {"", "sp", "sil", "spn", "<eps>", "<sil>", "<p:>", "#", "<s>", "</s>", "<unk>"}
_VALUE = re.compile(r'"((?:[^"]|"")*)"|<exists>|<absent>|([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)')


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
        Where it is not a TextGrid, or the tier cannot be told.
    """
    try:
        tiers = _tiers(content)
    except (StopIteration, ValueError, RuntimeError):
        raise InputError(f"{path}: not a complete Praat TextGrid in text format.") from None
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


def _tiers(content: str) -> list[tuple[str, list[tuple[float, float, str]]]]:
    # Numbers in brackets count items in the long format; they are no values.
    values = iter(_VALUE.finditer(re.sub(r"\[\d*\]", "", content)))

    def text() -> str:
        match = next(values)
        if match[1] is None:
            raise ValueError("expected a text")
        return match[1].replace('""', '"')

    def number() -> float:
        match = next(values)
        if match[2] is None:
            raise ValueError("expected a number")
        return float(match[2])

    if text() != "ooTextFile" or text() != "TextGrid":
        raise ValueError("not a TextGrid")
    number(), number()
    next(values)  # <exists>
    tiers = []
    for _ in range(int(number())):
        kind, name = text(), text()
        number(), number()
        entries = range(int(number()))
        if kind == "IntervalTier":
            tiers.append((name, [(number(), number(), text()) for _ in entries]))
        else:
            for _ in entries:
                number(), text()
    return tiers
