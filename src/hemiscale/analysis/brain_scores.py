"""Brain scores of a map: all voxels, the reliable ones, the 90th percentile; both sides and each.

Which voxels count is decided by something other than the scores that are averaged (reliability, a
mask), with one exception that says so: the quantile over voxels, which the paper shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemiscale.analysis.averages import mean_correlation
from hemiscale.analysis.hemispheres import Homologues, sides_of

__all__ = [
    "BrainScore",
    "brain_score",
    "over_ceiling",
    "reliable_pairs",
    "reliable_targets",
]


@dataclass(frozen=True)
class BrainScore:
    """Scores of a map, over one choice of voxels; arrays have the leading axes of the scores.

    Attributes
    ----------
    both, left, right, left_minus_right : ndarray
        `both` is over all chosen targets, midline included; the sides are over homologous pairs.
    n_targets, n_pairs : int
        How many were chosen.
    """

    both: NDArray[np.float64]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    left_minus_right: NDArray[np.float64]
    n_targets: int
    n_pairs: int


def brain_score(
    scores: ArrayLike,
    homologues: Homologues | tuple[ArrayLike, ArrayLike],
    *,
    targets: ArrayLike | None = None,
    pairs: ArrayLike | None = None,
    quantile: float | None = None,
) -> BrainScore:
    """Reduce a map of scores to both sides, left, right, and left minus right.

    Parameters
    ----------
    scores : (..., n_targets) array
        NaN where there is no score; a pair with one missing side counts on neither.
    homologues : object with `left` and `right`, or a tuple of the two
        Positions along the targets; entry k of one mirrors entry k of the other.
    targets : (n_targets,) bool array, optional
        Which targets `both` is over; all by default.
    pairs : (n_pairs,) bool array, optional
        Which pairs the sides are over; all by default.
    quantile : float, optional
        Take this quantile over voxels in place of the mean: 0.9 is the paper's "best ten percent".
        It picks voxels by the very score it reports, so it is higher for noisier maps; compare it
        only between maps of the same data. `left_minus_right` is then the difference of the two
        quantiles, as in the paper, and not a mean of paired differences.

    Returns
    -------
    BrainScore

    Raises
    ------
    ValueError
        If a mask does not fit, or `quantile` is not between 0 and 1.
    """
    r = np.asarray(scores, dtype=np.float64)
    on_left, on_right = sides_of(homologues, r.shape[-1])
    chosen = _mask(targets, r.shape[-1], "targets")
    paired = _mask(pairs, len(on_left), "pairs")
    if quantile is not None and not 0 < quantile < 1:
        raise ValueError(f"quantile must be between 0 and 1, got {quantile}")
    left, right = r[..., on_left[paired]], r[..., on_right[paired]]
    both_sides = np.isfinite(left - right)
    left, right = np.where(both_sides, left, np.nan), np.where(both_sides, right, np.nan)
    sides = [_reduced(values, quantile) for values in (r[..., chosen], left, right)]
    return BrainScore(
        both=sides[0],
        left=sides[1],
        right=sides[2],
        left_minus_right=sides[1] - sides[2],
        n_targets=int(chosen.sum()),
        n_pairs=int(paired.sum()),
    )


def reliable_targets(reliability: ArrayLike, share: float = 0.25) -> NDArray[np.bool_]:
    """Choose the most reliable targets, one by one, as in the paper.

    Chosen one by one, more of them are on the left (the ceiling itself is left-biased), so that
    their left minus right is not that of homologous voxels: see `reliable_pairs`.

    Parameters
    ----------
    reliability : (n_targets,) or (n_splits, n_targets) array
        Splits are averaged.
    share : float
        The share of targets to choose.

    Returns
    -------
    (n_targets,) bool array
    """
    return _top(_over_splits(reliability), share)


def reliable_pairs(
    reliability: ArrayLike,
    homologues: Homologues | tuple[ArrayLike, ArrayLike],
    share: float = 0.25,
) -> NDArray[np.bool_]:
    """Choose the most reliable homologous pairs, by the mean reliability of the two sides.

    A pair is in or out as one, so the choice itself is symmetric: it cannot make an asymmetry.

    Parameters
    ----------
    reliability : (n_targets,) or (n_splits, n_targets) array
    homologues : object with `left` and `right`, or a tuple of the two
    share : float
        The share of pairs to choose.

    Returns
    -------
    (n_pairs,) bool array
    """
    mean = _over_splits(reliability)
    on_left, on_right = sides_of(homologues, len(mean))
    return _top((mean[on_left] + mean[on_right]) / 2, share)


def over_ceiling(
    scores: ArrayLike, reliability: ArrayLike, *, lowest: float = 0.1
) -> NDArray[np.float64]:
    """Divide scores by the ceiling of their voxel.

    Parameters
    ----------
    scores : (..., n_targets) array
    reliability : (n_targets,) or (n_splits, n_targets) array
        Correlation that a perfect model could reach (splits are averaged).
    lowest : float
        Voxels below this ceiling get NaN: dividing by almost nothing makes noise large.

    Returns
    -------
    (..., n_targets) float64 array
        Shares of the ceiling. Not bounded by one: the ceiling is an estimate.
    """
    ceiling = _over_splits(reliability)
    usable = np.where(ceiling >= lowest, ceiling, np.nan)
    return np.asarray(scores, dtype=np.float64) / usable


def _over_splits(reliability: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(reliability, dtype=np.float64)
    return mean_correlation(values, axis=0) if values.ndim == 2 else values


def _top(values: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    """Mark the values at or above the quantile that leaves `share`; NaN is never marked."""
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, got {share}")
    known = np.isfinite(values)
    if not known.any():
        return known
    with np.errstate(invalid="ignore"):
        return values >= np.quantile(values[known], 1 - share)


def _mask(mask: ArrayLike | None, n: int, name: str) -> NDArray[np.bool_]:
    if mask is None:
        return np.ones(n, dtype=bool)
    given = np.asarray(mask)
    if given.dtype != bool or given.shape != (n,):
        raise ValueError(
            f"{name} must be {n} true or false values, got {given.dtype} {given.shape}"
        )
    return given


def _reduced(values: NDArray[np.float64], quantile: float | None) -> NDArray[np.float64]:
    if quantile is None:
        return mean_correlation(values)
    rows = values.reshape(-1, values.shape[-1])
    found = np.full(len(rows), np.nan)
    for k, row in enumerate(rows):
        known = row[np.isfinite(row)]
        if known.size:
            found[k] = float(np.quantile(known, quantile))
    return found.reshape(values.shape[:-1])
