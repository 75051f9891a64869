"""A scaling law in every voxel: slopes over models, with their errors and false discovery rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from hemiscale.analysis.families import FEWEST_FAMILIES
from hemiscale.analysis.family_design import family_names
from hemiscale.analysis.family_robust import FamilyRobust
from hemiscale.analysis.hemispheres import Homologues, sides_of
from hemiscale.analysis.regression import all_equal
from hemiscale.analysis.significance import false_discovery_rate

__all__ = ["SlopeMaps", "asymmetry_slope_maps", "slope_maps"]


@dataclass(frozen=True)
class SlopeMaps:
    """One line per target over the same models.

    Attributes
    ----------
    slope, error, intercept, r, p, q : (n_targets,) arrays
        `p` is of each slope over models, `q` its false discovery rate over targets. NaN where a
        model has no score, or all sizes are equal; `error`, `r` and `p` also where all scores of a
        target are equal.
    n_models : int
        Models with a size.
    error_over : {"families", "models"}
        What `error` and `p` count as independent.
    notes : tuple of str
        What cannot be said.
    """

    slope: NDArray[np.float64]
    error: NDArray[np.float64]
    intercept: NDArray[np.float64]
    r: NDArray[np.float64]
    p: NDArray[np.float64]
    q: NDArray[np.float64]
    n_models: int
    error_over: str = "models"
    notes: tuple[str, ...] = ()


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
        Models with NaN are left out and counted in `notes`.
    scores : (n_models, n_targets) array
    scale : {"log", "linear"}
        As in `scaling_law`.
    family : sequence of str, (n_models,), optional
        With three families or more, some of them of several models, errors are robust to whatever
        models of one family have in common (see `robust_line`). Otherwise models count as
        independent.

    Returns
    -------
    SlopeMaps
        The mean of `slope` over targets is the slope of their mean score; its interval is not to be
        had from the map (neighbouring targets are not independent): take `scaling_law` of the mean.

    Raises
    ------
    ValueError
        If shapes do not fit together, a size is not positive on the log scale, or some models have
        no family.
    """
    x = np.asarray(size, dtype=np.float64)
    y = np.asarray(scores, dtype=np.float64)
    if y.ndim != 2 or x.shape != y.shape[:1]:
        raise ValueError(
            f"size {x.shape} and scores {y.shape} must be (models,), (models, targets)"
        )
    if scale not in {"log", "linear"}:
        raise ValueError(f"scale must be 'log' or 'linear', got {scale!r}")
    if family is not None and len(family) != len(x):
        raise ValueError(f"{len(family)} families for {len(x)} models")
    known = np.isfinite(x)
    notes: tuple[str, ...] = ()
    if not known.all():
        notes = (f"{(~known).sum()} of {len(x)} models left out: their size is not known.",)
    if scale == "log":
        if np.any(x[known] <= 0):
            raise ValueError("sizes must be positive on the log scale; leave out the baselines")
        x = np.log(x, where=known, out=np.full(x.shape, np.nan))
    x, y = x[known], y[known]
    names = None
    if family is not None:
        names = [name for name, keep in zip(family_names(family), known, strict=True) if keep]
    n = len(x)
    centred = x - x.mean() if n else x
    spread = float(centred @ centred)
    if n < 2 or spread <= 1e-18 * max(1.0, float(x @ x)):
        nothing = np.full(y.shape[1], np.nan)
        notes += ("No slopes: fewer than two models, or all of the same size.",)
        return SlopeMaps(nothing, nothing, nothing, nothing, nothing, nothing, n, "models", notes)
    mean = y.mean(axis=0)
    # Where all scores are equal, what is left of slope and error is rounding.
    flat = all_equal(y)
    y = np.where(flat, 0.0, y - mean)
    slope = centred @ y / spread
    residuals = y - np.outer(centred, slope)
    rest, total = (residuals**2).sum(axis=0), (y**2).sum(axis=0)
    robust = _robust(centred, names)
    freedom = float(n - 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        if robust is not None:
            error = np.sqrt((robust.influences(residuals)[:, 1] ** 2).sum(axis=0))
            freedom = float(robust.freedom([0.0, 1.0])[0])
        else:
            error = np.sqrt(rest / (n - 2) / spread) if n > 2 else np.full(slope.shape, np.nan)
        error = np.where(flat, np.nan, error)
        r = np.where(flat, np.nan, slope * np.sqrt(spread / total))
        p = 2 * stats.t.sf(np.abs(slope / error), max(freedom, 1.0))
    p = np.where(np.isfinite(error), p, np.nan)
    r = np.where(n > 2, r, np.nan)
    over = "models" if robust is None else "families"
    q = false_discovery_rate(p)
    return SlopeMaps(slope, error, mean - slope * x.mean(), r, p, q, n, over, notes)


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
    if y.ndim != 2:
        raise ValueError(f"scores must be (models, targets), got shape {y.shape}")
    left, right = sides_of(homologues, y.shape[1])
    return slope_maps(size, y[:, left] - y[:, right], scale=scale, family=family)


def _robust(centred: NDArray[np.float64], family: Sequence[str] | None) -> FamilyRobust | None:
    """Make the sandwich over families; None where families cannot be told from models."""
    if family is None:
        return None
    if not FEWEST_FAMILIES <= len(set(family)) < len(family):
        return None
    return FamilyRobust(np.column_stack([np.ones(len(centred)), centred]), family)
