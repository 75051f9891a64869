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
        Of `left_minus_right`; None with fewer than two listeners.
    over_runs : Interval or None
        Of `left_minus_right`, runs averaged over listeners first; None with fewer than two runs.
    per_pair : (n_pairs,) array
        Left minus right of each pair, averaged over runs and listeners. No interval is made from
        these: neighbouring voxels are not independent.
    n_listeners, n_runs : int
        Those with a score on both sides of any pair.
    n_pairs : int
        Pairs asked for.
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
        If the positions, `pairs` or `without` do not fit the scores or each other, or `confidence`
        is not between 0 and 1.
    """
    checked_confidence(confidence)
    r = np.asarray(scores, dtype=np.float64)
    if r.ndim == 2:
        r = r[None]
    if r.ndim != 3:
        raise ValueError(
            f"scores must be (listeners, runs, targets) or (runs, targets), got shape {r.shape}"
        )
    on_left, on_right = sides_of(homologues, r.shape[2])
    if pairs is not None:
        used = _chosen(pairs, len(on_left))
        on_left, on_right = on_left[used], on_right[used]
    left, right = r[..., on_left], r[..., on_right]
    difference = left - right
    both = np.isfinite(difference)
    left, right = np.where(both, left, np.nan), np.where(both, right, np.nan)

    def overall(values: NDArray[np.float64]) -> float:
        # Pairs first, then runs, then listeners: each listener counts once.
        return float(mean_correlation(mean_correlation(mean_correlation(values))))

    by_run = mean_correlation(difference)
    n_listeners = int(np.isfinite(by_run).any(axis=1).sum())
    n_runs = int(np.isfinite(by_run).any(axis=0).sum())
    others = None
    if without is not None:
        w = np.asarray(without, dtype=np.float64)
        if w.shape != np.shape(scores):
            raise ValueError(
                f"without must have the shape of scores, {np.shape(scores)}, got {w.shape}"
            )
        w = w.reshape(r.shape)
        others = mean_correlation(mean_correlation(w[..., on_left] - w[..., on_right]), axis=0)
    notes = _notes(both, by_run, others)
    mean_left, mean_right = overall(left), overall(right)
    positive = mean_left > 0 and mean_right > 0
    if both.any() and not positive:
        notes.append(
            "Left and right are not both above zero: (left - right) / (left + right) would be a "
            "ratio of noise."
        )
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


def _notes(
    both: NDArray[np.bool_], by_run: NDArray[np.float64], others: NDArray[np.float64] | None
) -> list[str]:
    """Say in sentences what these scores cannot tell.

    Parameters
    ----------
    both : (n_listeners, n_runs, n_pairs) bool array
        Which pairs have both sides.
    by_run : (n_listeners, n_runs) array
    others : (n_runs,) array or None
        What the other runs show without each.
    """
    notes = []
    if not both.any():
        return ["No homologous pair has a score on both sides."]
    if both.shape[2] == 1:
        notes.append("One homologous pair: this says nothing about the hemispheres at large.")
    listeners = np.asarray(np.isfinite(by_run).any(axis=1))
    runs = np.asarray(np.isfinite(by_run).any(axis=0))
    for what, present in (("listeners", listeners), ("runs", runs)):
        if not present.all():
            notes.append(
                f"{(~present).sum()} of {len(present)} {what} left out: no homologous pair has a "
                "score on both sides."
            )
    if listeners.sum() < 2:
        notes.append("One subject: nothing is said about other people.")
    if runs.sum() < 2:
        notes.append("One run: nothing is said about how the difference varies from run to run.")
    elif others is None:
        notes.append(
            f"The interval over {runs.sum()} runs takes them as independent, and is too short if "
            "they train each other's models or choose each other's layers: give `without`."
        )
    elif runs.sum() == 2 or not np.isfinite(others[runs]).all():
        notes.append(
            f"{runs.sum()} runs, and not known what the others show without each: the interval "
            "over runs is corrected for shared training data only."
        )
    return notes


def _chosen(pairs: ArrayLike, n_pairs: int) -> NDArray[np.generic]:
    """Check which pairs are asked for: a mask over all of them, or their numbers."""
    used = np.asarray(pairs)
    if used.size == 0 and used.ndim == 1:
        used = used.astype(np.int64)
    if used.dtype == bool and used.shape != (n_pairs,):
        raise ValueError(f"pairs is a mask of shape {used.shape} for {n_pairs} pairs")
    if used.dtype != bool:
        if used.ndim != 1 or not np.issubdtype(used.dtype, np.integer):
            raise ValueError("pairs must be a mask over the pairs, or a list of their numbers")
        if used.size and not (used.min() >= 0 and used.max() < n_pairs):
            raise ValueError(f"pairs must be numbers from 0 to {n_pairs - 1}")
    return used


def sides_of(
    homologues: Homologues | tuple[ArrayLike, ArrayLike], n_targets: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read the positions of the left targets and of their mirrors.

    Parameters
    ----------
    homologues : object with `left` and `right`, or a tuple of the two
    n_targets : int, optional
        How many targets there are.

    Returns
    -------
    left, right : (n_pairs,) int64 arrays

    Raises
    ------
    ValueError
        If they are not two lists of equal length, or not positions of targets.
    """
    sides = homologues if isinstance(homologues, tuple) else (homologues.left, homologues.right)
    if len(sides) != 2:
        raise ValueError(f"homologues must be left and right, got {len(sides)} lists")
    left, right = (np.asarray(side) for side in sides)
    if left.shape != right.shape or left.ndim != 1:
        raise ValueError("left and right must be two lists of equal length")
    for name, side in (("left", left), ("right", right)):
        if side.size and not np.issubdtype(side.dtype, np.integer):
            raise ValueError(
                f"{name} must hold positions of targets (whole numbers), got {side.dtype} values"
            )
        if side.size and side.min() < 0:
            raise ValueError(f"{name} must hold positions of targets from 0 on, got {side.min()}")
        if n_targets is not None and side.size and side.max() >= n_targets:
            raise ValueError(
                f"homologues point beyond the {n_targets} targets: {name} holds {side.max()}"
            )
    return left.astype(np.int64), right.astype(np.int64)
