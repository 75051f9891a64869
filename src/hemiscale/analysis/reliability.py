"""Scores and slopes of parcels against their reliability: does the law follow the ceiling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from hemiscale.analysis.intervals import bootstrap_counts

__all__ = ["ReliabilityRelation", "relation_to_reliability"]


@dataclass(frozen=True)
class ReliabilityRelation:
    """Correlation over parcels between what models do there and how reliable they are.

    Attributes
    ----------
    r : float
    low, high : float
        Percentile interval over listeners (resampled whole); NaN for fewer than two.
    p_parcels_as_independent : float
        As published: parcels counted as independent, which neighbours are not.
    n_parcels : int
    """

    r: float
    low: float
    high: float
    p_parcels_as_independent: float
    n_parcels: int


def relation_to_reliability(
    values: ArrayLike,
    reliability: ArrayLike,
    *,
    confidence: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> ReliabilityRelation:
    """Correlate parcels' values with their reliability.

    Parameters
    ----------
    values : (n_parcels,) or (n_listeners, n_parcels) array
        Mean scores, or slopes, or slopes of left minus right of parcel pairs.
    reliability : (n_parcels,) array
        Of the parcels, or left minus right of it.
    confidence, n_resamples, seed
        Of the interval over listeners. The reliability is taken as given.

    Returns
    -------
    ReliabilityRelation
        NaN with fewer than three parcels.

    Raises
    ------
    ValueError
        If shapes differ.
    """
    y = np.atleast_2d(np.asarray(values, dtype=np.float64))
    x = np.asarray(reliability, dtype=np.float64)
    if y.shape[1:] != x.shape:
        raise ValueError(f"values {y.shape} and reliability {x.shape} are of other parcels")
    known = np.isfinite(x) & np.isfinite(y).all(axis=0)
    x, y = x[known], y[:, known]
    mean = y.mean(axis=0) if len(y) else np.empty(0)
    nothing = float("nan")
    n_parcels = int(known.sum())
    if n_parcels < 3 or np.ptp(x) == 0 or np.ptp(mean) == 0:
        return ReliabilityRelation(nothing, nothing, nothing, nothing, n_parcels)
    found = stats.pearsonr(x, mean)
    low = high = nothing
    if len(y) > 1:
        resampled = np.einsum("bl,lp->bp", bootstrap_counts(len(y), n_resamples, seed), y)
        resampled -= resampled.mean(axis=1, keepdims=True)
        centred = x - x.mean()
        length = np.sqrt((resampled**2).sum(axis=1) * (centred @ centred))
        with np.errstate(invalid="ignore"):
            rs = resampled @ centred / length
        tail = (1 - confidence) / 2
        low, high = (float(q) for q in np.nanquantile(rs, [tail, 1 - tail]))
    return ReliabilityRelation(float(found.statistic), low, high, float(found.pvalue), n_parcels)
