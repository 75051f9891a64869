"""A line with a random intercept per family: families that differ in level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from hemiscale.analysis.confidence import checked_confidence
from hemiscale.analysis.family_design import checked_families, on_one_scale
from hemiscale.analysis.regression import LeastSquares, all_equal, least_squares

__all__ = ["MixedFit", "mixed_fit"]


@dataclass(frozen=True)
class MixedFit:
    """A line with a random intercept per family.

    Attributes
    ----------
    slope, slope_low, slope_high, slope_error, p : float
        Of the first predictor; Student's interval with the degrees of freedom within families.
    intercept : float
    family_sd, residual_sd : float
        Standard deviations between families and within them, in units of the score.
    freedom : int
        Degrees of freedom of the interval.
    method : str
        ``"mixed model"``, or ``"least squares"`` when that is what it comes to.
    notice : str
        Why not; empty when all went well.
    """

    slope: float
    slope_low: float
    slope_high: float
    slope_error: float
    p: float
    intercept: float
    family_sd: float
    residual_sd: float
    freedom: int
    method: str
    notice: str


def mixed_fit(
    design: ArrayLike, response: ArrayLike, family: Sequence[str], *, confidence: float = 0.95
) -> MixedFit:
    """Fit a random intercept per family by REML.

    With one random intercept, REML has a single unknown: the ratio of the variances between and
    within families. It is searched along its profile, on a grid that closes in, so the
    optimum is found whenever there is one. (General optimisers are less sure: statsmodels' MixedLM
    with L-BFGS reports zero variance, converged, for all five of the paper's responses, far below
    the maximum that its other optimisers, and this profile, agree on.)

    The interval of the slope is Student's with the degrees of freedom within families (models
    minus families minus predictors) [1]_. When the best ratio is zero the model *is* least
    squares, and `notice` says so. Families that differ in slope as well are not covered: see
    `robust_line`.

    Parameters
    ----------
    design : (n, p) array
        Constant, the predictor whose slope is asked for, then covariates.
    response : (n,) array
    family : sequence of str, (n,)
    confidence : float

    Returns
    -------
    MixedFit

    References
    ----------
    .. [1] Pinheiro & Bates (2000), Mixed-effects models in S and S-PLUS, section 2.4.2.
    """
    checked_confidence(confidence)
    X, y, labels = checked_families(design, response, family)
    groups = np.unique(labels, return_inverse=True)[1]
    freedom = len(y) - len(set(labels)) - (X.shape[1] - 1)
    notice = ""
    ratio = 0.0
    level = float(y.mean()) if len(y) and all_equal(y) else 0.0
    if len(y) and all_equal(y):
        y = np.zeros(y.shape)  # what would be left of slope and error is rounding
        notice = "All scores are equal: families cannot differ."
    elif freedom < 1:
        notice = "Too few models per family for a family effect: least squares, families ignored."
    else:
        ratio = _best_ratio(X, y, groups)
        if ratio == 0:
            notice = "No variance between families was found: the mixed model is least squares."
    fit = _given_ratio(X, y, groups, ratio)
    freedom = freedom if ratio > 0 else fit.freedom
    residual_sd = np.sqrt(fit.residuals @ fit.residuals / fit.freedom) if fit.freedom else np.nan
    slope, error = float(fit.coefficients[1]), float(fit.errors[1])
    half = float(stats.t.ppf(0.5 + confidence / 2, freedom)) * error if freedom > 0 else np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        p = (
            float(2 * stats.t.sf(np.abs(np.divide(slope, error)), freedom))
            if freedom > 0
            else np.nan
        )
    return MixedFit(
        slope=slope,
        slope_low=slope - half,
        slope_high=slope + half,
        slope_error=error,
        p=p,
        intercept=float(fit.coefficients[0]) + level,
        family_sd=float(np.sqrt(ratio) * residual_sd),
        residual_sd=float(residual_sd),
        freedom=freedom,
        method="mixed model" if ratio > 0 else "least squares",
        notice=notice,
    )


def _given_ratio(
    X: NDArray[np.float64], y: NDArray[np.float64], groups: NDArray[np.int64], ratio: float
) -> LeastSquares:
    """Generalised least squares at a given ratio of variances.

    With V = I + ratio Z Z' the transformation V^(-1/2) subtracts a share of each family's mean, so
    that ordinary least squares on the transformed columns is the generalised fit.
    """
    sizes = np.bincount(groups).astype(np.float64)
    share = 1.0 - 1.0 / np.sqrt(1.0 + sizes * ratio)
    both = np.column_stack([X, y])
    means = np.stack([np.bincount(groups, column) for column in both.T], axis=1) / sizes[:, None]
    both = both - (share[:, None] * means)[groups]
    return least_squares(both[:, :-1], both[:, -1])


def _restricted_log_likelihood(
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    groups: NDArray[np.int64],
    ratios: NDArray[np.float64],
) -> NDArray[np.float64]:
    """REML profile over ratios of variances, up to a constant.

    All ratios at once: V^-1 = I - sum over families of (ratio / (1 + n ratio)) 1 1', so the normal
    equations are those of least squares less a weighted sum of outer products of family sums.
    """
    sizes = np.bincount(groups).astype(np.float64)
    both = np.column_stack([X, y])
    sums = np.stack([np.bincount(groups, column) for column in both.T], axis=1)
    weights = ratios[:, None] / (1.0 + sizes * ratios[:, None])
    normal = both.T @ both - np.einsum("rf,fi,fj->rij", weights, sums, sums)
    gram, moment = normal[:, :-1, :-1], normal[:, :-1, -1]
    explained = np.einsum("ri,ri->r", moment, np.linalg.solve(gram, moment[..., None])[..., 0])
    rest = np.maximum(normal[:, -1, -1] - explained, np.finfo(float).tiny)
    return -0.5 * (
        (len(y) - X.shape[1]) * np.log(rest)
        + np.log1p(sizes * ratios[:, None]).sum(axis=1)
        + np.linalg.slogdet(gram)[1]
    )


def _best_ratio(X: NDArray[np.float64], y: NDArray[np.float64], groups: NDArray[np.int64]) -> float:
    """Ratio of the variances between and within families with the highest restricted likelihood."""
    # Scaled columns: the ratio does not depend on units, the rounding does.
    Z = on_one_scale(X)[0]
    u = (y - y.mean()) / y.std()
    grid = np.geomspace(1e-4, 1e4, 65)
    for _ in range(4):  # each round zooms in on the two neighbours of the best point
        value = _restricted_log_likelihood(Z, u, groups, grid)
        best = int(np.argmax(value))
        ratio, highest = float(grid[best]), float(value[best])
        grid = np.geomspace(grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)], 33)
    zero = _restricted_log_likelihood(Z, u, groups, np.zeros(1))[0]
    return 0.0 if zero >= highest else ratio
