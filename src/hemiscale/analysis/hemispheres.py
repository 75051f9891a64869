"""Left minus right on homologous voxels, paired, with what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemiscale.analysis.averages import mean_correlation
from hemiscale.analysis.confidence import checked_confidence
from hemiscale.analysis.intervals import Interval, interval_over_listeners
from hemiscale.analysis.over_runs import interval_over_runs

__all__ = ["Asymmetry", "Homologues", "asymmetry", "sides_of"]


class Homologues(Protocol):
    """Anything with `left` and `right`, as `hemiscale.brain.homologous_voxels` returns."""

    @property
    def left(self) -> NDArray[np.int64]:
        """Positions of the left targets."""

    @property
    def right(self) -> NDArray[np.int64]:
        """Positions of their mirror targets on the right."""


@dataclass(frozen=True)
class Asymmetry:
    """Left minus right, averaged over homologous pairs.

    Attributes
    ----------
    left, right, left_minus_right : float
        Means over pairs, runs and listeners, of the pairs whose both sides have a score.
    index : float
        (left - right) / (left + right) of the means; NaN unless both are positive, where it would
        be a ratio of noise.
    over_listeners : Interval or None
        Of `left_minus_right`; None with one subject.
    over_runs : Interval or None
        Of `left_minus_right`, runs averaged over listeners first; None with one run.
    per_pair : (n_pairs,) array
        Left minus right of each pair, averaged over runs and listeners. No interval is made from
        these: neighbouring voxels are not independent.
    n_listeners, n_runs, n_pairs : int
    notes : tuple of str
        What cannot be said.
    """

    left: float
    right: float
    left_minus_right: float
    index: float
    over_listeners: Interval | None
    over_runs: Interval | None
    per_pair: NDArray[np.float64]
    n_listeners: int
    n_runs: int
    n_pairs: int
    notes: tuple[str, ...]


def asymmetry(
    scores: ArrayLike,
    homologues: Homologues | tuple[ArrayLike, ArrayLike],
    *,
    pairs: ArrayLike | None = None,
    without: ArrayLike | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Asymmetry:
    """Subtract the right hemisphere's scores from the left's, pair by pair.

    Parameters
    ----------
    scores : (n_listeners, n_runs, n_targets) or (n_runs, n_targets) array
        Scores with the layer already chosen; NaN where there is none.
    homologues : object with `left` and `right`, or a tuple of the two
        Positions along the targets; entry k of one mirrors entry k of the other.
    pairs : bool or int array, optional
        Which pairs to use (see `hemiscale.analysis.reliable_pairs`); all by default.
    without : array of the shape of `scores`, optional
        For each run the mean of the other runs with all done without it, for the interval over runs
        (see `interval_over_runs`): of a single layer the engine's ``validation_mean``. Without it
        runs count as independent, which runs that train each other's models are not.
    confidence : float
        Coverage of the intervals.
    seed : int
        Of the bootstrap over listeners.

    Returns
    -------
    Asymmetry

    Raises
    ------
    ValueError
        If the positions do not fit the scores or each other.
    """
    checked_confidence(confidence)
    r = np.asarray(scores, dtype=np.float64)
    if r.ndim == 2:
        r = r[None]
    if r.ndim != 3:
        raise ValueError(
            f"scores must be (listeners, runs, targets) or (runs, targets), got shape {r.shape}"
        )
    on_left, on_right = sides_of(homologues)
    if pairs is not None:
        on_left, on_right = on_left[np.asarray(pairs)], on_right[np.asarray(pairs)]
    if on_left.size and max(on_left.max(), on_right.max()) >= r.shape[2]:
        raise ValueError(f"homologues point beyond the {r.shape[2]} targets")
    left, right = r[..., on_left], r[..., on_right]
    difference = left - right
    both = np.isfinite(difference)
    left, right = np.where(both, left, np.nan), np.where(both, right, np.nan)

    def overall(values: NDArray[np.float64]) -> float:
        # Pairs first, then runs, then listeners: each listener counts once.
        return float(mean_correlation(mean_correlation(mean_correlation(values))))

    by_run = mean_correlation(difference)
    n_listeners, n_runs = by_run.shape
    others = None
    if without is not None:
        w = np.asarray(without, dtype=np.float64).reshape(r.shape)
        others = mean_correlation(mean_correlation(w[..., on_left] - w[..., on_right]), axis=0)
    notes = []
    if not both.any():
        notes.append("No homologous pair has a score on both sides.")
    if on_left.size == 1:
        notes.append("One homologous pair: this says nothing about the hemispheres at large.")
    if n_listeners < 2:
        notes.append("One subject: nothing is said about other people.")
    if n_runs < 2:
        notes.append("One run: nothing is said about how the difference varies from run to run.")
    mean_left, mean_right = overall(left), overall(right)
    positive = mean_left > 0 and mean_right > 0
    return Asymmetry(
        left=mean_left,
        right=mean_right,
        left_minus_right=overall(difference),
        index=(mean_left - mean_right) / (mean_left + mean_right) if positive else float("nan"),
        over_listeners=(
            interval_over_listeners(
                mean_correlation(by_run, axis=1), confidence=confidence, seed=seed
            )
            if n_listeners > 1
            else None
        ),
        over_runs=(
            interval_over_runs(mean_correlation(by_run, axis=0), others, confidence=confidence)
            if n_runs > 1
            else None
        ),
        per_pair=mean_correlation(mean_correlation(difference, axis=1), axis=0),
        n_listeners=n_listeners,
        n_runs=n_runs,
        n_pairs=int(on_left.size),
        notes=tuple(notes),
    )


def sides_of(
    homologues: Homologues | tuple[ArrayLike, ArrayLike],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read the positions of the left targets and of their mirrors.

    Parameters
    ----------
    homologues : object with `left` and `right`, or a tuple of the two

    Returns
    -------
    left, right : (n_pairs,) int64 arrays

    Raises
    ------
    ValueError
        If they are not two lists of equal length.
    """
    sides = homologues if isinstance(homologues, tuple) else (homologues.left, homologues.right)
    left, right = (np.asarray(side, dtype=np.int64) for side in sides)
    if left.shape != right.shape or left.ndim != 1:
        raise ValueError("left and right must be two lists of equal length")
    return left, right
