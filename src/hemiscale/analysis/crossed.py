"""A law for other models and other people at once: families and listeners both vary.

The interval over families takes the listeners as given, the interval over listeners takes the
models as given. A claim about language models and brains generalises to both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from hemiscale.analysis.confidence import checked_confidence
from hemiscale.analysis.families import FEWEST_TO_RESAMPLE
from hemiscale.analysis.family_design import family_names
from hemiscale.analysis.family_robust import FamilyRobust, crossing_bounds
from hemiscale.analysis.regression import all_equal

__all__ = ["CrossedLine", "line_over_families_and_listeners"]


@dataclass(frozen=True)
class CrossedLine:
    """A line with intervals over families of models and listeners at once.

    Attributes
    ----------
    slope, slope_low, slope_high, p : float
        Per unit of the predictor; p is two-sided.
    crossing, crossing_low, crossing_high : float
        Predictor at which the line is zero; ∓inf where it has no bound.
    freedom : float
        Degrees of freedom: the smaller of those over families and over listeners.
    families_error, listeners_error : float
        The two parts of the slope's standard error.
    """

    slope: float
    slope_low: float
    slope_high: float
    p: float
    crossing: float
    crossing_low: float
    crossing_high: float
    freedom: float
    families_error: float
    listeners_error: float


def line_over_families_and_listeners(
    predictor: ArrayLike,
    scores: ArrayLike,
    family: Sequence[str],
    *,
    confidence: float = 0.95,
) -> CrossedLine | None:
    """Fit one line to the mean over listeners; its error is that over families and listeners.

    The variances of the line over families (see `FamilyRobust`) and over listeners (each listener's
    own line) add up; noise that belongs to single families in single listeners is in both, and is
    taken off once [1]_. The result is never below the larger of the two.

    Parameters
    ----------
    predictor : (n_models,) array
        As it enters the regression (log parameters).
    scores : (n_models, n_listeners) array
        Listeners without a score for every model are left out.
    family : sequence of str, (n_models,)
    confidence : float

    Returns
    -------
    CrossedLine or None
        None with fewer than five families or two listeners, where all models are of one size, or
        where no listener's scores differ between models.

    Raises
    ------
    ValueError
        If shapes disagree, a model has no family, or `confidence` is not between 0 and 1.

    References
    ----------
    .. [1] Cameron, Gelbach & Miller (2011), Robust inference with multiway clustering. Journal of
       Business & Economic Statistics 29.
    """
    checked_confidence(confidence)
    x = np.asarray(predictor, dtype=np.float64)
    y = np.asarray(scores, dtype=np.float64)
    if y.ndim != 2 or y.shape[0] != len(x) or len(family) != len(x):
        raise ValueError(f"predictor {x.shape}, scores {y.shape}, {len(family)} families disagree")
    family = family_names(family)
    y = y[:, np.isfinite(y).all(axis=0)]
    n_families, n_listeners = len(set(family)), y.shape[1]
    if n_families < FEWEST_TO_RESAMPLE or n_listeners < 2:
        return None
    if all_equal(y).all():
        return None
    centre = x.mean()
    if not np.ptp(x) > 1e-9 * max(1.0, float(np.abs(x).max())):
        return None
    robust = FamilyRobust(np.column_stack([np.ones(len(x)), x - centre]), family)
    each = robust.fitter @ y  # each listener's own line
    line = each.mean(axis=1)
    residuals = y - robust.design @ line[:, None]
    u = robust.influences(residuals / n_listeners)  # family × coefficient × listener
    over_families = robust.covariance(residuals.mean(axis=1))
    over_listeners = np.cov(each) / n_listeners
    of_both = np.einsum("gpl,gql->pq", u, u) * n_listeners / (n_listeners - 1)
    parts = over_families[1, 1], over_listeners[1, 1]
    covariance = over_families + over_listeners - of_both
    if covariance[1, 1] < max(parts) or np.linalg.eigvalsh(covariance)[0] <= 0:
        covariance = over_families if parts[0] >= parts[1] else over_listeners
    total = float(covariance[1, 1])
    if not total > 0:
        return None
    freedom = min(float(robust.freedom([0.0, 1.0])[0]), float(n_listeners - 1))
    half = float(stats.t.ppf(0.5 + confidence / 2, freedom)) * np.sqrt(total)
    low, high = crossing_bounds(line, covariance, robust, confidence, most=n_listeners - 1)
    crossing = -line[0] / line[1] if line[1] != 0 else np.nan
    return CrossedLine(
        slope=float(line[1]),
        slope_low=float(line[1] - half),
        slope_high=float(line[1] + half),
        p=float(2 * stats.t.sf(abs(line[1]) / np.sqrt(total), freedom)),
        crossing=float(crossing + centre),
        crossing_low=float(low + centre),
        crossing_high=float(high + centre),
        freedom=float(freedom),
        families_error=float(np.sqrt(parts[0])),
        listeners_error=float(np.sqrt(parts[1])),
    )
