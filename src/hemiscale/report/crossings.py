"""Where a law crosses zero: which of its intervals to read, and how to say it.

An interval may have no bound on one side or on both; that is an answer, and is said. A bounded
interval of another kind, which takes models as independent, is never put in its place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from hemiscale.report import numbers

__all__ = ["CrossingInterval", "describe_crossing", "interval_of_crossing", "say_interval"]

# Fields of laws.json: bounds of the crossing, the slope's bound of the same kind, what it is over.
_KINDS = (
    ("crossing_over_both", "slope_over_both_low", "over families and listeners"),
    ("crossing_families", "over_families_low", "over families"),
    ("zero_crossing", "slope_low", "over models"),
)
_SIZE = "log parameters"


class CrossingInterval(NamedTuple):
    """The 95 % interval of a crossing; None where it has no bound on that side."""

    low: float | None
    high: float | None
    over: str


def interval_of_crossing(law: Mapping[str, Any]) -> CrossingInterval | None:
    """Take the interval to read: that which generalises to most.

    Parameters
    ----------
    law : mapping
        An entry of ``laws.json``.

    Returns
    -------
    CrossingInterval or None
        None where there is none of any kind (two models on an exact line).
    """
    for crossing, slope, over in _KINDS:
        ends = f"{crossing}_low", f"{crossing}_high"
        if not any(end in law for end in ends):
            continue  # never looked for, rather than without bounds
        low, high = (law.get(end) for end in ends)
        if law.get(slope) is None and low is None and high is None:
            continue  # not there at all
        lowest = 0.0 if law.get("predictor", _SIZE) == _SIZE else -math.inf
        return CrossingInterval(
            low if low is not None and lowest < low < math.inf else None,
            high if high is not None and lowest < high < math.inf else None,
            over,
        )
    return None


def say_interval(found: CrossingInterval, *, sizes: bool = True) -> str:
    """Write the interval in words: ``95 % from 40 M to 0.3 B over families``.

    Parameters
    ----------
    found : CrossingInterval
    sizes : bool
        The bounds are numbers of parameters.
    """
    low, high = (
        None if end is None else numbers.parameters(end) if sizes else f"{end:.3g}"
        for end in (found.low, found.high)
    )
    if low is None and high is None:
        return f"no bounds at 95 % {found.over}"
    if high is None:
        return f"95 % from {low} {found.over}, no upper bound"
    if low is None:
        return f"95 % up to {high} {found.over}, no lower bound"
    return f"95 % from {low} to {high} {found.over}"


def describe_crossing(law: Mapping[str, Any]) -> str:
    """Write the size at which a law crosses zero, with the interval to read.

    Parameters
    ----------
    law : mapping
        An entry of ``laws.json`` whose ``zero_crossing`` is known.
    """
    text = f"{numbers.parameters(law['zero_crossing'])} parameters"
    found = interval_of_crossing(law)
    return f"{text} ({say_interval(found)})" if found else f"{text} (no interval)"
