"""Numbers as people read them: scores, sizes, times, with real minus signs."""

from __future__ import annotations

import math

__all__ = [
    "bounds",
    "count",
    "duration",
    "first_upper",
    "in_words",
    "parameters",
    "score",
    "size_of_file",
    "with_interval",
]

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"

_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve"),
)


def score(value: float | None, *, sign: bool = False, digits: int = 3) -> str:
    """Write a correlation, or a difference of two.

    Parameters
    ----------
    value : float or None
        None and NaN become a dash.
    sign : bool
        Whether to put a plus before positive values.
    digits : int
        Decimals.

    Returns
    -------
    str
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{abs(value):.{digits}f}"
    zero = float(text) == 0
    before = MINUS if value < 0 and not zero else "+" if sign and not zero else ""
    return before + text


def bounds(low: float | None, high: float | None, *, sign: bool = False, digits: int = 3) -> str:
    """Write an interval: ``[low, high]``, or nothing where there is none."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"[{score(low, sign=sign, digits=digits)}, {score(high, sign=sign, digits=digits)}]"


def with_interval(
    value: float | None, low: float | None, high: float | None, *, sign: bool = False
) -> str:
    """Write an estimate with its interval."""
    return f"{score(value, sign=sign)} {bounds(low, high, sign=sign)}".strip()


def parameters(value: float | None) -> str:
    """Write a number of parameters: ``105 k``, ``1.12 M``, ``6.9 B``."""
    if value is None or not math.isfinite(value) or value <= 0:
        return NOTHING
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= 0.9995 * unit:
            return f"{value / unit:.3g} {name}"
    return f"{value:.0f}"


def count(value: float | None) -> str:
    """Write a whole number with thin spaces between thousands."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}").replace("-", MINUS)


def duration(seconds: float | None) -> str:
    """Write a time span: ``< 0.1 s``, ``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 0.05:
        return "< 0.1 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size_of_file(n_bytes: float | None) -> str:
    """Write a number of bytes: ``410 MB``, ``1.9 GB``."""
    if n_bytes is None or not math.isfinite(n_bytes) or n_bytes <= 0:
        return NOTHING
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"


def in_words(number: float) -> str:
    """Write a whole number up to twelve as a word, a larger one in digits."""
    whole = round(number)
    return _WORDS[whole] if 0 <= whole < len(_WORDS) else str(whole)


def first_upper(text: str) -> str:
    """Begin a sentence with a capital, and leave the rest as it is."""
    return text[:1].upper() + text[1:]
