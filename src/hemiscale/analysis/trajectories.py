"""Along training: when a curve rises, and which rises first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemiscale.analysis.intervals import bootstrap_counts

__all__ = ["Rise", "rise_of", "rises_before"]


@dataclass(frozen=True)
class Rise:
    """When a curve has done a given share of its rise.

    Attributes
    ----------
    step : float
        Training step, interpolated on log step; NaN where the curve does not rise.
    low, high : float
        Percentile interval over resampled listeners, or draws of runs; NaN with fewer than two
        units. A side is the first or last step where it lies beyond the checkpoints at hand.
    resampled : (n_resamples,) array
        The step in each resample, for `rises_before`.
    notes : tuple of str
    """

    step: float
    low: float
    high: float
    resampled: NDArray[np.float64]
    notes: tuple[str, ...]


def rise_of(
    steps: ArrayLike,
    curves: ArrayLike,
    *,
    share: float = 0.5,
    confidence: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
    are_runs: bool = False,
) -> Rise:
    """Find the step at which the mean curve has done `share` of its rise from first to last.

    Parameters
    ----------
    steps : (n_steps,) array
        Training steps of the checkpoints, rising; a first step of 0 is taken as 1.
    curves : (n_steps, n_units) or (n_steps,) array
        A score of each unit (listener, run; items of a test) at each checkpoint.
    share : float
        Of the way from the first to the last checkpoint.
    confidence : float
        Of the interval over units.
    n_resamples, seed : int
        Units are resampled; the same seed and number of units give the same resamples, so that two
        curves of the same listeners can be compared within resamples.
    are_runs : bool
        Units are runs, which share training data and are too few to be resampled: mean curves are
        drawn from Student's distribution, with the variance of Nadeau and Bengio (2003).

    Returns
    -------
    Rise

    Raises
    ------
    ValueError
        If steps do not rise, or shapes do not match.
    """
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
    if n_units == 0:
        nothing = float("nan")
        return Rise(nothing, nothing, nothing, np.empty(0), (*notes, "No unit has all scores."))
    step = _crossing(place, y.mean(axis=1), share)
    if not np.isfinite(step):
        notes.append("The curve does not rise from the first checkpoint to the last.")
    if n_units < 2:
        notes.append("One unit: no interval.")
        return Rise(step, float("nan"), float("nan"), np.array([step]), tuple(notes))
    if are_runs:
        weights = _drawn_weights(n_units, n_resamples, seed)
    else:
        weights = bootstrap_counts(n_units, n_resamples, seed) / n_units
    means = np.einsum("bu,su->bs", weights, y)
    resampled = np.array([_crossing(place, curve, share) for curve in means])
    missing = int((~np.isfinite(resampled)).sum())
    if missing:
        notes.append(
            f"In {missing / n_resamples:.0%} of resamples the curve does not rise: "
            "the interval is over the others, and too short."
        )
    tail = (1 - confidence) / 2
    known = resampled[np.isfinite(resampled)]
    low, high = np.quantile(known, [tail, 1 - tail]) if known.size else (np.nan, np.nan)
    return Rise(step, float(low), float(high), resampled, tuple(notes))


def rises_before(first: Rise, second: Rise) -> float:
    """Give the share of resamples in which one curve rises before the other (ties count by half).

    Parameters
    ----------
    first, second : Rise
        With the same number of resamples; for curves of the same listeners also the same seed.

    Returns
    -------
    float
        Near 1: `first` rises first; near 0: `second` does; NaN if they never both rise.
    """
    a, b = first.resampled, second.resampled
    if a.shape != b.shape:
        raise ValueError("the two rises must have the same number of resamples")
    both = np.isfinite(a) & np.isfinite(b)
    if not both.any():
        return float("nan")
    return float(np.mean((a[both] < b[both]) + 0.5 * (a[both] == b[both])))


def _drawn_weights(n_runs: int, n_draws: int, seed: int) -> NDArray[np.float64]:
    """Weights of runs that draw their mean from Student's distribution, (n_draws, n_runs)."""
    generator = np.random.default_rng([seed, n_runs])
    normal = generator.standard_normal((n_draws, n_runs))
    normal -= normal.mean(axis=1, keepdims=True)
    length = np.sqrt((n_runs - 1) / generator.chisquare(n_runs - 1, size=(n_draws, 1)))
    variance = (1 / n_runs + 1 / (n_runs - 1)) / (n_runs - 1)
    return 1 / n_runs + normal * length * np.sqrt(variance)


def _crossing(place: NDArray[np.float64], curve: NDArray[np.float64], share: float) -> float:
    """Step at which a curve first passes its share of the rise; NaN if it ends no higher."""
    if not curve[-1] > curve[0]:
        return float("nan")
    level = curve[0] + share * (curve[-1] - curve[0])
    k = int(np.argmax(curve >= level))  # never 0: the curve starts below the level
    part = (level - curve[k - 1]) / (curve[k] - curve[k - 1])
    return float(np.exp(place[k - 1] + part * (place[k] - place[k - 1])))
