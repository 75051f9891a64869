"""Errors of a line that hold whatever models of one family have in common.

The sandwich over families, corrected for their small number (CR2), with degrees of freedom of each
question's own (Bell & McCaffrey). Of the ways to take families into account, the one whose
intervals hold what was planted whether families differ in level, in slope or not at all: see
docs/calibration.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from hemiscale.analysis.confidence import checked_confidence
from hemiscale.analysis.family_design import family_names, on_one_scale
from hemiscale.analysis.regression import all_equal

__all__ = ["FamilyRobust", "RobustLine", "crossing_bounds", "robust_line"]

# How far from the models at hand a crossing is looked for, in standard deviations of log size.
_FARTHEST = 1e3


class FamilyRobust:
    """The sandwich over families of one design; responses may be many.

    Parameters
    ----------
    design : (n, p) array
        The first column is the constant.
    family : sequence of str, (n,)

    References
    ----------
    Bell & McCaffrey (2002), Bias reduction in standard errors for linear regression with
    multi-stage samples. Survey Methodology 28. Imbens & Kolesár (2016), Robust standard errors in
    small samples: some practical advice. Review of Economics and Statistics 98.
    """

    def __init__(self, design: ArrayLike, family: Sequence[str]) -> None:
        X = np.asarray(design, dtype=np.float64)
        groups = np.unique(family_names(family), return_inverse=True)[1]
        if X.ndim != 2 or len(groups) != len(X):
            raise ValueError(f"design {X.shape} and {len(groups)} families do not fit together")
        self.n_families = int(groups.max()) + 1
        self.fitter = np.linalg.pinv(X)  # (p, n): coefficients of a response
        self.design = X
        maker = np.eye(len(X)) - X @ self.fitter
        self._weights = np.zeros((self.n_families, X.shape[1], len(X)))
        parts = np.zeros((self.n_families, X.shape[1], len(X)))
        for k in range(self.n_families):
            rows = np.flatnonzero(groups == k)
            values, vectors = np.linalg.eigh(maker[np.ix_(rows, rows)])
            # A family that fixes a coefficient alone leaves no residual there: nothing to adjust.
            inverse = np.where(values > 1e-8, 1 / np.sqrt(np.maximum(values, 1e-12)), 0.0)
            adjusted = self.fitter[:, rows] @ (vectors * inverse) @ vectors.T
            self._weights[k][:, rows] = adjusted
            parts[k] = adjusted @ maker[rows]
        self._products = np.einsum("kpn,lqn->klpq", parts, parts)

    def influences(self, residuals: ArrayLike) -> NDArray[np.float64]:
        """Contribution of each family to the error of each coefficient: (n_families, p, ...).

        Parameters
        ----------
        residuals : (n, ...) array
        """
        return np.tensordot(self._weights, np.asarray(residuals, dtype=np.float64), axes=(2, 0))

    def covariance(self, residuals: ArrayLike) -> NDArray[np.float64]:
        """Covariance of the coefficients, (p, p), of one response."""
        u = self.influences(residuals)
        return u.T @ u

    def freedom(self, contrasts: ArrayLike) -> NDArray[np.float64]:
        """Degrees of freedom of combinations of coefficients, (m,).

        Parameters
        ----------
        contrasts : (m, p) array
        """
        c = np.atleast_2d(np.asarray(contrasts, dtype=np.float64))
        gram = np.einsum("mp,klpq,mq->mkl", c, self._products, c)
        trace = np.trace(gram, axis1=1, axis2=2)
        squares = (gram**2).sum(axis=(1, 2))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(squares > 0, trace**2 / squares, np.nan)


@dataclass(frozen=True)
class RobustLine:
    """A line with intervals over families.

    Attributes
    ----------
    slope, slope_low, slope_high, p : float
        Of the first predictor, in the units of the design.
    freedom : float
        Degrees of freedom of the slope.
    crossing_low, crossing_high : float
        Bounds of the predictor at which the line is zero, other predictors at their means; ∓inf
        where there is none.
    """

    slope: float
    slope_low: float
    slope_high: float
    p: float
    freedom: float
    crossing_low: float
    crossing_high: float


def robust_line(
    design: ArrayLike, response: ArrayLike, family: Sequence[str], *, confidence: float = 0.95
) -> RobustLine:
    """Fit by least squares, with errors that hold whatever families have in common.

    Parameters
    ----------
    design : (n, p) array
        Constant, the predictor whose slope is asked for, then covariates.
    response : (n,) array
    family : sequence of str, (n,)
    confidence : float

    Returns
    -------
    RobustLine
        The crossing's interval holds every predictor value at which the line does not differ from
        zero, each judged with its own degrees of freedom.
    """
    X = np.asarray(design, dtype=np.float64)
    y = np.asarray(response, dtype=np.float64)
    checked_confidence(confidence)
    if y.size and all_equal(y):
        y = np.zeros(y.shape)  # what is left of slope and error is rounding
    Z, centre, scale = on_one_scale(X)
    robust = FamilyRobust(Z, family)
    fit = robust.fitter @ y
    covariance = robust.covariance(y - Z @ fit)
    freedom = float(robust.freedom(np.eye(Z.shape[1])[1])[0])
    error = float(np.sqrt(covariance[1, 1]))
    if not freedom > 0 or not error > 0:
        nothing = float("nan")
        slope = float(fit[1] / scale[1])
        return RobustLine(slope, nothing, nothing, nothing, nothing, nothing, nothing)
    half = float(stats.t.ppf(0.5 + confidence / 2, freedom)) * error
    low, high = crossing_bounds(fit[:2], covariance[:2, :2], robust, confidence)
    return RobustLine(
        slope=float(fit[1] / scale[1]),
        slope_low=float((fit[1] - half) / scale[1]),
        slope_high=float((fit[1] + half) / scale[1]),
        p=float(2 * stats.t.sf(abs(fit[1]) / error, freedom)),
        freedom=freedom,
        crossing_low=float(centre[1] + scale[1] * low),
        crossing_high=float(centre[1] + scale[1] * high),
    )


def crossing_bounds(
    line: NDArray[np.float64],
    covariance: NDArray[np.float64],
    robust: FamilyRobust,
    confidence: float,
    *,
    most: float = float("inf"),
) -> tuple[float, float]:
    """Find how far from its crossing, either way, a line cannot be told from zero.

    Parameters
    ----------
    line : (2,) array
        Height at zero and slope.
    covariance : (2, 2) array
    robust : FamilyRobust
        Of the same (scaled) design, for the degrees of freedom.
    confidence : float
    most : float
        Degrees of freedom at the most, where the covariance rests on something else as well.

    Returns
    -------
    low, high : float
        ∓inf where the line is never told from zero on that side.
    """
    if line[1] == 0:
        return float("-inf"), float("inf")
    crossing = -line[0] / line[1]

    def beyond(points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the line differs from zero at each point."""
        c = np.column_stack([np.ones(len(points)), points])
        height = np.abs(c @ line)
        error = np.sqrt(np.einsum("mp,pq,mq->m", c, covariance, c))
        whole = np.zeros((len(points), robust.design.shape[1]))
        whole[:, :2] = c
        freedom = np.minimum(robust.freedom(whole), most)
        return height > stats.t.ppf(0.5 + confidence / 2, freedom) * error

    bounds = []
    for side in (-1.0, 1.0):
        steps = np.geomspace(1e-6, _FARTHEST, 400)
        told = beyond(crossing + side * steps)
        # The last point out to which it cannot be told: intervals are without holes.
        if not told[-1]:
            bounds.append(side * float("inf"))
            continue
        inside = int(np.flatnonzero(~told).max(initial=-1))
        near = steps[inside] if inside >= 0 else 0.0
        far = steps[inside + 1]
        fine = np.linspace(near, far, 200)
        first = int(np.argmax(beyond(crossing + side * fine)))
        bounds.append(crossing + side * fine[first])
    return bounds[0], bounds[1]
