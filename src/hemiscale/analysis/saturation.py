"""Log-linear or saturating: does the score keep growing with the log of size.

The log-linear law ``a + b log(n)`` is held against a power law that saturates,
``ceiling - gain * (n / n_smallest) ** -exponent``. The first is the limit of the second for a small
exponent, so the second always fits at least as well; AICc charges it for the parameter, and the
leave-one-out error asks the models themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from hemiscale.analysis.regression import least_squares

__all__ = ["FEWEST_FOR_SATURATION", "Comparison", "Saturating", "compare_laws", "fit_saturating"]

FEWEST_FOR_SATURATION = 6
"""AICc of a law with three parameters and a noise variance exists from six models on."""

# The bend (exponent times the range of log size) between a straight line and a step.
_LEAST_BEND, _MOST_BEND = 1e-2, 30.0


@dataclass(frozen=True)
class Saturating:
    """The fitted power law ``ceiling - gain * (n / n_smallest) ** -exponent``.

    Attributes
    ----------
    ceiling : float
        The score of an infinitely large model.
    gain : float
        How far the smallest model is below it.
    exponent : float
        Per e-fold of size.
    smallest : float
        The size the gain refers to.
    residuals : (n,) array
    bounded : bool
        False where the best exponent is at the edge of what was searched: the data do not bend (or
        step), and `ceiling` is not to be quoted.
    """

    ceiling: float
    gain: float
    exponent: float
    smallest: float
    residuals: NDArray[np.float64]
    bounded: bool

    def __call__(self, size: ArrayLike) -> NDArray[np.float64]:
        """Score expected at a size."""
        ratio = np.asarray(size, dtype=np.float64) / self.smallest
        return self.ceiling - self.gain * ratio**-self.exponent


@dataclass(frozen=True)
class Comparison:
    """Log-linear against saturating.

    Attributes
    ----------
    saturating : Saturating
    aicc_log_linear, aicc_saturating : float
        Corrected Akaike criterion; lower is better.
    error_log_linear, error_saturating : float
        Root mean squared error on models left out one by one, in units of the score.
    family_error_log_linear, family_error_saturating : float
        The same with whole families left out; NaN without families. A sibling in the fit makes a
        model easy to predict, so this is the harder and fairer test where families differ.
    favoured : {"log-linear", "saturating", "undecided"}
        The law that all of these prefer, AICc by at least 2; else undecided.
    """

    saturating: Saturating
    aicc_log_linear: float
    aicc_saturating: float
    error_log_linear: float
    error_saturating: float
    family_error_log_linear: float
    family_error_saturating: float
    favoured: str


def fit_saturating(size: ArrayLike, score: ArrayLike) -> Saturating:
    """Fit the saturating power law by least squares.

    For a given exponent the law is a line in ``n ** -exponent``; only the exponent is searched, on
    a grid and then by golden section around the best point, so that no start value is needed.

    Parameters
    ----------
    size, score : (n,) arrays
        Sizes are positive and not all equal.

    Returns
    -------
    Saturating
    """
    x = np.log(np.asarray(size, dtype=np.float64))
    y = np.asarray(score, dtype=np.float64)
    reach = x.max() - x.min()
    if not reach > 0:
        raise ValueError("sizes must differ to fit a law")
    u = (x - x.min()) / reach

    def rest(log_bend: float) -> float:
        return float((_line_in(u, y, np.exp(log_bend))[2] ** 2).sum())

    grid = np.linspace(np.log(_LEAST_BEND), np.log(_MOST_BEND), 60)
    values = _rests(u, y, np.exp(grid))
    best = int(np.argmin(values))
    edges = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    refined = optimize.minimize_scalar(rest, bounds=edges, method="bounded")
    log_bend = float(refined.x) if refined.fun < values[best] else float(grid[best])
    ceiling, gain, residuals = _line_in(u, y, np.exp(log_bend))
    return Saturating(
        ceiling=ceiling,
        gain=gain,
        exponent=float(np.exp(log_bend) / reach),
        smallest=float(np.exp(x.min())),
        residuals=residuals,
        bounded=bool(grid[1] < log_bend < grid[-2]),
    )


def compare_laws(
    size: ArrayLike, score: ArrayLike, *, family: Sequence[str] | None = None
) -> Comparison:
    """Hold the log-linear law against the saturating one.

    Parameters
    ----------
    size, score : (n,) arrays
        At least `FEWEST_FOR_SATURATION` models.
    family : sequence of str, (n,), optional
        Also leave out whole families.

    Returns
    -------
    Comparison
    """
    sizes = np.asarray(size, dtype=np.float64)
    y = np.asarray(score, dtype=np.float64)
    if len(y) < FEWEST_FOR_SATURATION:
        raise ValueError(f"comparing laws needs at least {FEWEST_FOR_SATURATION} models")
    line = least_squares(np.column_stack([np.ones(len(y)), np.log(sizes)]), y)
    curve = fit_saturating(sizes, y)
    aicc_line, aicc_curve = _aicc(line.residuals, 3), _aicc(curve.residuals, 4)
    line_errors = [_error_left_out(sizes, y, np.arange(len(y)), _line)]
    curve_errors = [_error_left_out(sizes, y, np.arange(len(y)), fit_saturating)]
    if family is not None:
        groups = np.unique([str(name) for name in family], return_inverse=True)[1]
        line_errors.append(_error_left_out(sizes, y, groups, _line))
        curve_errors.append(_error_left_out(sizes, y, groups, fit_saturating))
    pairs = list(zip(line_errors, curve_errors, strict=True))
    favoured = "undecided"
    if aicc_curve + 2 <= aicc_line and all(bent < straight for straight, bent in pairs):
        favoured = "saturating"
    elif aicc_line + 2 <= aicc_curve and all(straight <= bent for straight, bent in pairs):
        favoured = "log-linear"
    by_family = pairs[1] if family is not None else (float("nan"), float("nan"))
    return Comparison(curve, aicc_line, aicc_curve, *pairs[0], *by_family, favoured)


def _line(
    size: NDArray[np.float64], score: NDArray[np.float64]
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Fit the log-linear law."""
    fit = least_squares(np.column_stack([np.ones(len(size)), np.log(size)]), score)
    return lambda new: fit.coefficients[0] + fit.coefficients[1] * np.log(new)


def _error_left_out(
    size: NDArray[np.float64],
    score: NDArray[np.float64],
    groups: NDArray[np.int64],
    fit: Callable[..., Callable[[NDArray[np.float64]], NDArray[np.float64]]],
) -> float:
    """Root mean squared error of predicting each group from the others; NaN if one cannot be."""
    errors = np.empty(len(score))
    for group in np.unique(groups):
        out = groups == group
        if out.all() or np.ptp(size[~out]) == 0:
            return float("nan")
        errors[out] = score[out] - fit(size[~out], score[~out])(size[out])
    return float(np.sqrt(np.mean(errors**2)))


def _line_in(
    u: NDArray[np.float64], y: NDArray[np.float64], bend: float
) -> tuple[float, float, NDArray[np.float64]]:
    """Ceiling, gain and residuals of the best law with this bend; u is log size from 0 to 1."""
    z = np.exp(-bend * u)
    centred = z - z.mean()
    slope = float(centred @ (y - y.mean()) / (centred @ centred))
    ceiling = float(y.mean() - slope * z.mean())
    return ceiling, -slope, y - ceiling - slope * z


def _rests(
    u: NDArray[np.float64], y: NDArray[np.float64], bends: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sum of squared residuals of the best law with each of many bends, (n_bends,)."""
    z = np.exp(-bends[:, None] * u)
    centred = z - z.mean(axis=1, keepdims=True)
    deviation = y - y.mean()
    slopes = centred @ deviation / (centred**2).sum(axis=1)
    return ((deviation - slopes[:, None] * centred) ** 2).sum(axis=1)


def _aicc(residuals: NDArray[np.float64], n_parameters: int) -> float:
    """AICc of a least squares fit; the noise variance counts as a parameter."""
    n, k = len(residuals), n_parameters
    mean_square = float(np.mean(residuals**2))
    if mean_square <= 0:
        return float("-inf")
    return n * np.log(mean_square) + 2 * k + 2 * k * (k + 1) / (n - k - 1)
