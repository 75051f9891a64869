"""Along training: when a curve rises, and which rises first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from hemiscale.analysis.confidence import checked_confidence

__all__ = ["SURE_ORDER", "Rise", "rise_of", "rises_before"]

SURE_ORDER = 0.975
"""Share of draws above which one curve is said to rise before another: a two-sided test at 5 %."""

FEWEST_UNITS = 3
"""Of two units the drawn curves are too wild: of two curves that rise together one was said to rise
first in 8 to 11 % of simulated trainings."""


@dataclass(frozen=True)
class Rise:
    """When a curve has done a given share of its rise.

    Attributes
    ----------
    step : float
        Training step, interpolated on log step; NaN where the mean curve ends no higher than it
        starts.
    low, high : float
        Interval over listeners or runs. NaN with fewer than three of them, and where it is not sure
        that the curve rises at all. It does not go beyond the checkpoints at hand.
    drawn : (n_draws,) array
        The step in each draw of the mean curve, for `rises_before`; of a curve alone, its step.
        All NaN where there is no interval.
    notes : tuple of str
    """

    step: float
    low: float
    high: float
    drawn: NDArray[np.float64]
    notes: tuple[str, ...]


def rise_of(
    steps: ArrayLike,
    curves: ArrayLike,
    *,
    share: float = 0.5,
    confidence: float = 0.95,
    n_draws: int = 2000,
    seed: int = 0,
    are_runs: bool = False,
) -> Rise:
    """Find the step at which the mean curve has done `share` of its rise from first to last.

    A noisy curve crosses the level more than once, and the first passage is early. What is taken is
    the crossing with the least of the curve on the wrong side, below the level after it or above
    before it. Isotonic regression passes the level between the same two checkpoints.

    The interval: mean curves are drawn around the observed one from Student's distribution, with
    the covariance that the units show, and each has its step; for whatever is a line in the scores
    that is Student's interval, for any number of units. On simulated trainings it holds the step as
    often as it says (`hemiscale calibrate`), for half of the rise; other shares were not counted.
    Where Student's interval of the rise itself, last less first, holds zero, there is no interval.

    Parameters
    ----------
    steps : (n_steps,) array
        Training steps of the checkpoints, rising; a first step of 0 is taken as 1.
    curves : (n_steps, n_units) or (n_steps,) array
        A score of each unit (listener, run) at each checkpoint; a curve alone is taken as known.
    share : float
        Of the way from the first to the last checkpoint.
    confidence : float
        Of the interval over units.
    n_draws, seed : int
        The same seed and number of units give the same draws, so that two curves of the same
        listeners can be compared draw by draw.
    are_runs : bool
        Units are runs, which share training data: the variance is that of Nadeau and Bengio (2003),
        too large where runs share little.

    Returns
    -------
    Rise

    Raises
    ------
    ValueError
        If steps do not rise, shapes do not match, or `confidence` is not between 0 and 1.
    """
    checked_confidence(confidence)
    x = np.asarray(steps, dtype=np.float64)
    y = np.asarray(curves, dtype=np.float64)
    y = y[:, None] if y.ndim == 1 else y
    if y.ndim != 2 or x.shape != y.shape[:1] or len(x) < 2:
        raise ValueError(f"steps {x.shape} and curves {y.shape} must match, two steps at least")
    if np.any(np.diff(x) <= 0) or x[0] < 0:
        raise ValueError("steps must rise, and not be negative")
    if not 0 < share < 1:
        raise ValueError(f"share must be between 0 and 1, got {share}")
    place = np.log(np.maximum(x, 1.0))
    complete = np.isfinite(y).all(axis=0)
    y = y[:, complete]
    notes = []
    if not complete.all():
        notes.append(f"{int((~complete).sum())} units left out: not scored at every checkpoint.")
    n_units = y.shape[1]
    nan = float("nan")
    if n_units == 0:
        return Rise(nan, nan, nan, np.empty(0), (*notes, "No unit has all scores."))
    step = float(_crossings(place, y.mean(axis=1)[None], share)[0])
    if not np.isfinite(step):
        notes.append("The curve does not rise from the first checkpoint to the last.")
    if complete.size == 1:
        notes.append("One unit: no interval.")
        return Rise(step, nan, nan, np.array([step]), tuple(notes))
    unknown = np.full(n_draws, nan)
    if n_units < FEWEST_UNITS:
        notes.append(
            f"Fewer than {FEWEST_UNITS} units: neither an interval nor an order can be told."
        )
        return Rise(step, nan, nan, unknown, tuple(notes))
    tail = (1 - confidence) / 2
    rise = y[-1] - y[0]
    error = rise.std(ddof=1) * np.sqrt(_variance_of_mean(n_units, are_runs))
    if not rise.mean() > stats.t.ppf(1 - tail, n_units - 1) * error:
        if np.isfinite(step):
            notes.append(
                f"With these {n_units} {'runs' if are_runs else 'units'} it is not sure that the "
                "curve rises at all: neither an interval nor an order can be told."
            )
        return Rise(step, nan, nan, unknown, tuple(notes))
    weights = _drawn_weights(n_units, n_draws, seed, are_runs)
    # einsum, not BLAS: the same sum in the same order whatever the number of threads.
    drawn = _crossings(place, np.einsum("bu,su->bs", weights, y), share)
    # A sure rise is one that all but `tail` of the draws show; the others have no step.
    low, high = np.quantile(drawn[np.isfinite(drawn)], [tail, 1 - tail])
    return Rise(step, float(low), float(high), drawn, tuple(notes))


def rises_before(first: Rise, second: Rise) -> float:
    """Give the share of draws in which one curve rises before the other (ties count by half).

    Parameters
    ----------
    first, second : Rise
        With the same number of draws; for curves of the same listeners also the same seed. A curve
        alone is set against all draws of the other.

    Returns
    -------
    float
        Above `SURE_ORDER`: `first` rises first; below 1 less that: `second` does. NaN where it
        cannot be told: one of them may not rise at all or has too few units, or both stand alone.
    """
    a, b = first.drawn, second.drawn
    fewer, more = sorted((a.size, b.size))
    if fewer == 0 or more == 1:
        return float("nan")
    if fewer not in (1, more):
        raise ValueError("the two rises must have the same number of draws")
    a, b = np.broadcast_arrays(a, b)
    both = np.isfinite(a) & np.isfinite(b)
    if not both.any():
        return float("nan")
    return float(np.mean((a[both] < b[both]) + 0.5 * (a[both] == b[both])))


def _variance_of_mean(n_units: int, are_runs: bool) -> float:
    """Variance of a mean over units, as a multiple of their variance."""
    return 1 / n_units + (1 / (n_units - 1) if are_runs else 0.0)


@lru_cache(maxsize=8)
def _drawn_weights(n_units: int, n_draws: int, seed: int, are_runs: bool) -> NDArray[np.float64]:
    """Weights of units that draw their mean from Student's distribution, (n_draws, n_units)."""
    generator = np.random.default_rng([seed, n_units])
    normal = generator.standard_normal((n_draws, n_units))
    normal -= normal.mean(axis=1, keepdims=True)
    length = np.sqrt((n_units - 1) / generator.chisquare(n_units - 1, size=(n_draws, 1)))
    variance = _variance_of_mean(n_units, are_runs) / (n_units - 1)
    weights = 1 / n_units + normal * length * np.sqrt(variance)
    weights.flags.writeable = False  # shared by all callers
    return weights


def _crossings(
    place: NDArray[np.float64], curves: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """Step at which each curve passes its share of the rise, (n,); NaN if it ends no higher.

    Isotonic regression passes a level where the sum of the curve less the level, from the first
    checkpoint on, is smallest. The level is that of the observed ends: the ends of the regression
    are the higher and the lower the more checkpoints are near them, so that early rises would be
    late and late ones early.
    """
    first, last = curves[:, :1], curves[:, -1:]
    above = curves - (first + share * (last - first))
    before = np.cumsum(above, axis=1)[:, :-1].argmin(axis=1)
    each = np.arange(len(curves))
    under, over = above[each, before], above[each, before + 1]
    # Of a curve that rises, the smallest sum has a value below the level, and none below after it.
    rises = (last > first)[:, 0]
    part = np.where(rises, under, 0.0) / np.where(rises, under - over, 1.0)
    found = np.exp(place[before] + part * (place[before + 1] - place[before]))
    return np.where(rises, found, np.nan)
