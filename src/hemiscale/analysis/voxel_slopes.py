"""A scaling law in every voxel: slopes over models, with their errors and false discovery rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from hemiscale.analysis.families import FEWEST_TO_RESAMPLE
from hemiscale.analysis.hemispheres import Homologues, sides_of
from hemiscale.analysis.significance import false_discovery_rate

__all__ = ["SlopeMaps", "asymmetry_slope_maps", "slope_maps"]


@dataclass(frozen=True)
class SlopeMaps:
    """One line per target over the same models.

    Attributes
    ----------
    slope, error, intercept, r, p, q : (n_targets,) arrays
        `p` is of each slope over models, `q` its false discovery rate over targets. NaN where a
        model has no score, or all sizes are equal.
    n_models : int
    error_over : {"families", "models"}
        What `error` and `p` count as independent.
    """

    slope: NDArray[np.float64]
    error: NDArray[np.float64]
    intercept: NDArray[np.float64]
    r: NDArray[np.float64]
    p: NDArray[np.float64]
    q: NDArray[np.float64]
    n_models: int
    error_over: str = "models"


def slope_maps(
    size: ArrayLike,
    scores: ArrayLike,
    *,
    scale: str = "log",
    family: Sequence[str] | None = None,
) -> SlopeMaps:
    """Fit `scaling_law`'s line in every target at once.

    Parameters
    ----------
    size : (n_models,) array
    scores : (n_models, n_targets) array
    scale : {"log", "linear"}
        As in `scaling_law`.
    family : sequence of str, (n_models,), optional
        With five families or more, some of them of several models, the error of each slope is the
        jackknife's over families, with Student's distribution on families minus one degrees of
        freedom: simulated on the published sizes and families, its 95 % interval covers 93 to 97 %
        whether families differ in level, in slope, or not at all. Otherwise models count as
        independent.

    Returns
    -------
    SlopeMaps
        The mean of `slope` over targets is the slope of their mean score; its interval is not to be
        had from the map (neighbouring targets are not independent): take `scaling_law` of the mean.
    """
    x = np.asarray(size, dtype=np.float64)
    y = np.asarray(scores, dtype=np.float64)
    if y.ndim != 2 or x.shape != y.shape[:1]:
        raise ValueError(
            f"size {x.shape} and scores {y.shape} must be (models,), (models, targets)"
        )
    if scale not in {"log", "linear"}:
        raise ValueError(f"scale must be 'log' or 'linear', got {scale!r}")
    if scale == "log":
        if np.any(x <= 0):
            raise ValueError("sizes must be positive on the log scale; leave out the baselines")
        x = np.log(x)
    n = len(x)
    centred = x - x.mean() if n else x
    spread = float(centred @ centred)
    if n < 2 or spread <= 1e-18 * max(1.0, float(x @ x)):
        nothing = np.full(y.shape[1], np.nan)
        return SlopeMaps(nothing, nothing, nothing, nothing, nothing, nothing, n)
    slope = centred @ y / spread
    mean = y.mean(axis=0)
    rest = ((y - mean - np.outer(centred, slope)) ** 2).sum(axis=0)
    total = ((y - mean) ** 2).sum(axis=0)
    groups = _groups(family, n)
    freedom = n - 2 if groups is None else int(groups.max())
    with np.errstate(divide="ignore", invalid="ignore"):
        if groups is not None:
            error = _jackknife_error(x, y, slope, groups)
        else:
            error = np.sqrt(rest / (n - 2) / spread) if n > 2 else np.full(slope.shape, np.nan)
        r = np.where(total > 0, slope * np.sqrt(spread / total), np.nan)
        p = 2 * stats.t.sf(np.abs(slope / error), max(freedom, 1))
    p = np.where(np.isfinite(error) & (total > 0), p, np.nan)
    r = np.where(n > 2, r, np.nan)
    over = "models" if groups is None else "families"
    return SlopeMaps(slope, error, mean - slope * x.mean(), r, p, false_discovery_rate(p), n, over)


def asymmetry_slope_maps(
    size: ArrayLike,
    scores: ArrayLike,
    homologues: Homologues | tuple[ArrayLike, ArrayLike],
    *,
    scale: str = "log",
    family: Sequence[str] | None = None,
) -> SlopeMaps:
    """Fit the slope of left minus right in every homologous pair, FDR over pairs.

    Parameters
    ----------
    size : (n_models,) array
    scores : (n_models, n_targets) array
    homologues : object with `left` and `right`, or a tuple of the two
    scale : {"log", "linear"}
    family : sequence of str, (n_models,), optional
        As in `slope_maps`.

    Returns
    -------
    SlopeMaps
        One entry per pair.
    """
    y = np.asarray(scores, dtype=np.float64)
    left, right = sides_of(homologues)
    return slope_maps(size, y[:, left] - y[:, right], scale=scale, family=family)


def _groups(family: Sequence[str] | None, n_models: int) -> NDArray[np.int64] | None:
    """Give each family a number; None where a jackknife over them is not worth its name."""
    if family is None:
        return None
    if len(family) != n_models:
        raise ValueError(f"{len(family)} families for {n_models} models")
    names, groups = np.unique([str(name) for name in family], return_inverse=True)
    return groups if FEWEST_TO_RESAMPLE <= len(names) < n_models else None


def _jackknife_error(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    slope: NDArray[np.float64],
    groups: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Take the standard error of each slope from the slopes without each family."""
    n_groups = int(groups.max()) + 1
    squares = np.zeros(slope.shape)
    for group in range(n_groups):
        rest = groups != group
        centred = x[rest] - x[rest].mean()
        spread = float(centred @ centred)
        if spread <= 1e-18 * max(1.0, float(x @ x)):
            return np.full(slope.shape, np.nan)
        squares += (centred @ y[rest] / spread - slope) ** 2
    return np.sqrt((n_groups - 1) / n_groups * squares)
