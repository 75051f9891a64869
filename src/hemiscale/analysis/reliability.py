"""Scores and slopes of parcels against their reliability: does the law follow the ceiling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from hemiscale.analysis.confidence import checked_confidence
from hemiscale.analysis.intervals import Interval, interval_over_listeners
from hemiscale.analysis.over_runs import interval_over_runs
from hemiscale.analysis.regression import all_equal

__all__ = ["ReliabilityRelation", "relation_to_reliability"]

_FEWEST_FOR_R = 3


@dataclass(frozen=True)
class ReliabilityRelation:
    """How what models do in parcels goes with how reliable the parcels are.

    Attributes
    ----------
    r : float
        Correlation over parcels with the mean over units. Noise in the means draws it towards zero,
        so it has no interval here: one that resamples units holds the correlation without noise in
        20 to 80 % of simulated studies. That noise does not draw the slope, zero when r is.
    slope, low, high : float
        Of the values on the reliability as given, with its interval over units; NaN for fewer than
        two. Noise of the reliability draws it towards zero, by the share of the reliability's
        variance over parcels that is noise.
    n_units : int
        Listeners, or runs.
    p_parcels_as_independent : float
        As published: parcels counted as independent, which neighbours are not.
    n_parcels : int
    """

    r: float
    slope: float
    low: float
    high: float
    n_units: int
    p_parcels_as_independent: float
    n_parcels: int


def relation_to_reliability(
    values: ArrayLike,
    reliability: ArrayLike,
    *,
    without: ArrayLike | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> ReliabilityRelation:
    """Set parcels' values against their reliability.

    Parameters
    ----------
    values : (n_parcels,) or (n_units, n_parcels) array
        Scores of listeners or of runs, or slopes, or left minus right of parcel pairs. Parcels that
        are unknown in some unit are left out.
    reliability : (n_parcels,) array
        Of the parcels, or left minus right of it. Taken as given.
    without : (n_units, n_parcels) array, optional
        Units are runs: the mean of the others with all done without each (see
        `interval_over_runs`). Otherwise units are listeners.
    confidence : float
    seed : int
        Of the bootstrap over listeners.

    Returns
    -------
    ReliabilityRelation
        NaN with fewer than three parcels.

    Raises
    ------
    ValueError
        If shapes differ.
    """
    checked_confidence(confidence)
    y = np.atleast_2d(np.asarray(values, dtype=np.float64))
    x = np.asarray(reliability, dtype=np.float64)
    if y.shape[1:] != x.shape:
        raise ValueError(f"values {y.shape} and reliability {x.shape} are of other parcels")
    known = np.isfinite(x) & np.isfinite(y).all(axis=0)
    x, y = x[known], y[:, known]
    nothing = float("nan")
    n_units, n_parcels = len(y), int(known.sum())
    mean = y.mean(axis=0) if n_units else np.empty(0)
    if n_parcels < _FEWEST_FOR_R or all_equal(x) or all_equal(mean):
        return ReliabilityRelation(nothing, nothing, nothing, nothing, n_units, nothing, n_parcels)
    found = stats.pearsonr(x, mean)
    slope_of = (x - x.mean()) / ((x - x.mean()) ** 2).sum()  # each unit's own slope is linear in it
    around: Interval
    if without is not None:
        others = np.asarray(without, dtype=np.float64)[:, known] @ slope_of
        around = interval_over_runs(y @ slope_of, others, confidence=confidence)
    else:
        around = interval_over_listeners(y @ slope_of, confidence=confidence, seed=seed)
    return ReliabilityRelation(
        r=float(found.statistic),
        slope=float(around.estimate),
        low=float(around.low),
        high=float(around.high),
        n_units=n_units,
        p_parcels_as_independent=float(found.pvalue),
        n_parcels=n_parcels,
    )
