"""What a model adds to a baseline: the difference of scores, and the variance only it explains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["OverBaseline", "over_baseline", "unique_variance"]


@dataclass(frozen=True)
class OverBaseline:
    """A model set against a baseline, with the axes of the scores.

    Attributes
    ----------
    difference : ndarray
        Score of the model minus that of the baseline.
    unique : ndarray or None
        Share of variance that the model explains and the baseline does not; None without the scores
        of the joint model.
    """

    difference: NDArray[np.float64]
    unique: NDArray[np.float64] | None


def over_baseline(
    model: ArrayLike, baseline: ArrayLike, joint: ArrayLike | None = None
) -> OverBaseline:
    """Set the scores of a model against those of a baseline.

    Parameters
    ----------
    model, baseline : arrays of the same shape
        Pearson r on left-out runs, of each by itself.
    joint : array of that shape, optional
        Of one ridge regression on the features of both.

    Returns
    -------
    OverBaseline

    Raises
    ------
    ValueError
        If shapes differ.
    """
    m, b = np.asarray(model, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    if m.shape != b.shape:
        raise ValueError(f"model {m.shape} and baseline {b.shape} must have the same shape")
    return OverBaseline(m - b, None if joint is None else unique_variance(joint, b))


def unique_variance(joint: ArrayLike, baseline: ArrayLike) -> NDArray[np.float64]:
    """Give the variance that a model explains beyond a baseline, as r² of the joint model minus r².

    Parameters
    ----------
    joint, baseline : arrays of the same shape
        Pearson r on left-out runs. A negative r explains nothing and counts as zero. Average over
        runs and listeners after this, not before: the square of a mean is not the mean of squares.

    Returns
    -------
    float64 array
        Not bounded below by zero: on left-out runs more features may explain less. Means of it have
        intervals like any score (`interval_over_listeners`, `interval_over_runs`).

    Raises
    ------
    ValueError
        If shapes differ.
    """
    both, alone = (np.asarray(r, dtype=np.float64) for r in (joint, baseline))
    if both.shape != alone.shape:
        raise ValueError(f"joint {both.shape} and baseline {alone.shape} must have the same shape")
    return np.maximum(both, 0.0) ** 2 - np.maximum(alone, 0.0) ** 2
