"""How sure an interval is meant to be, checked in one place."""

from __future__ import annotations

__all__ = ["checked_confidence"]


def checked_confidence(confidence: float) -> float:
    """Give the confidence back if it is a share.

    Parameters
    ----------
    confidence : float
        Share of intervals meant to hold the truth.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If it is not between 0 and 1: ``95`` would give intervals of NaN.
    """
    if not 0 < confidence < 1:
        raise ValueError(
            f"confidence must be a share between 0 and 1 (such as 0.95), got {confidence!r}"
        )
    return confidence
