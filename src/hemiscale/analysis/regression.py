"""Ordinary least squares with what a law needs: errors, tests, prediction, zero crossing.

Written out in numpy (a law has a handful of models, and statsmodels takes a second to import);
the tests hold it against statsmodels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from hemiscale.analysis.confidence import checked_confidence

__all__ = ["LeastSquares", "all_equal", "correlation_interval", "fieller_crossing", "least_squares"]

# Values that differ by a smaller share than this differ by rounding only.
_ROUNDING = 1e-12


def all_equal(values: ArrayLike) -> NDArray[np.bool_]:
    """Whether values are equal but for rounding, along the first axis; False where one is NaN.

    Parameters
    ----------
    values : (n, ...) array, n > 0

    Returns
    -------
    (...) bool array
    """
    x = np.asarray(values, dtype=np.float64)
    return np.asarray(np.ptp(x, axis=0) <= _ROUNDING * np.abs(x).max(axis=0))


@dataclass(frozen=True)
class LeastSquares:
    """A linear fit ``y = X b``.

    Attributes
    ----------
    coefficients : (p,) array
    covariance : (p, p) array
        Of the coefficients; NaN when no degree of freedom is left.
    residuals : (n,) array
    leverage : (n,) array
        The diagonal of the hat matrix.
    freedom : int
        Residual degrees of freedom, n - p.
    r_squared, f, f_p : float
        Of the whole fit against the constant alone (the first column is the constant).
    """

    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    residuals: NDArray[np.float64]
    leverage: NDArray[np.float64]
    freedom: int
    r_squared: float
    f: float
    f_p: float

    @property
    def errors(self) -> NDArray[np.float64]:
        """Standard errors of the coefficients."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def p_values(self) -> NDArray[np.float64]:
        """Two-sided p of each coefficient against zero; NaN without residual freedom."""
        if self.freedom < 1:
            return np.full(self.coefficients.shape, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.abs(self.coefficients) / self.errors
        return 2 * stats.t.sf(t, self.freedom)

    def interval(self, confidence: float = 0.95) -> NDArray[np.float64]:
        """Student's intervals of the coefficients, (p, 2); NaN without residual freedom."""
        half = _quantile(confidence, self.freedom) * self.errors
        return np.column_stack([self.coefficients - half, self.coefficients + half])

    def predict(
        self, design: ArrayLike, confidence: float = 0.95
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Predict new observations, with the interval in which a new one falls.

        Parameters
        ----------
        design : (m, p) array
            Rows like those of the fit.
        confidence : float
            Share of new observations meant to fall inside.

        Returns
        -------
        mean, low, high : (m,) arrays
        """
        rows = np.asarray(design, dtype=np.float64)
        mean = rows @ self.coefficients
        noise = (self.residuals**2).sum() / self.freedom if self.freedom > 0 else np.nan
        variance = noise + np.einsum("ij,jk,ik->i", rows, self.covariance, rows)
        half = _quantile(confidence, self.freedom) * np.sqrt(variance)
        return mean, mean - half, mean + half

    def leave_one_out_error(self) -> float:
        """Root mean squared error of predicting each observation from all others (PRESS)."""
        slack = 1.0 - self.leverage
        if np.any(slack < 1e-12):
            return float("nan")
        return float(np.sqrt(np.mean((self.residuals / slack) ** 2)))


def least_squares(design: ArrayLike, response: ArrayLike) -> LeastSquares:
    """Fit ``response = design @ coefficients``; the first column of the design is the constant.

    Parameters
    ----------
    design : (n, p) array
    response : (n,) array

    Returns
    -------
    LeastSquares

    Raises
    ------
    ValueError
        If shapes do not match, values are not finite, or columns are linearly dependent.
    """
    X = np.asarray(design, dtype=np.float64)
    y = np.asarray(response, dtype=np.float64)
    if X.ndim != 2 or y.shape != X.shape[:1]:
        raise ValueError(f"design {X.shape} and response {y.shape} do not fit together")
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise ValueError("design and response must be finite")
    n, p = X.shape
    # Columns of very different size (a constant and a width) are scaled before the rank is judged.
    scale = np.sqrt((X**2).sum(axis=0))
    if n < p or np.any(scale == 0) or np.linalg.matrix_rank(X / scale, tol=1e-10) < p:
        raise ValueError("the predictors are linearly dependent: no unique fit exists")
    Q, R = np.linalg.qr(X / scale)
    coefficients = np.linalg.solve(R, Q.T @ y) / scale
    inverse = np.linalg.inv(R) / scale[:, None]
    residuals = y - X @ coefficients
    freedom = n - p
    rest = float((residuals**2).sum())
    total = float(((y - y.mean()) ** 2).sum())
    noise = rest / freedom if freedom > 0 else np.nan
    r_squared = 1 - rest / total if total > 0 else np.nan
    f = f_p = np.nan
    if freedom > 0 and p > 1 and total > 0:
        f = ((total - rest) / (p - 1)) / noise if noise > 0 else np.inf
        f_p = float(stats.f.sf(f, p - 1, freedom))
    return LeastSquares(
        coefficients=coefficients,
        covariance=noise * (inverse @ inverse.T),
        residuals=residuals,
        leverage=(Q**2).sum(axis=1),
        freedom=freedom,
        r_squared=float(r_squared),
        f=float(f),
        f_p=f_p,
    )


def correlation_interval(r: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Fisher's interval of a Pearson correlation over n independent models.

    Returns NaN for fewer than four, where Fisher's z has no variance estimate, and for r = ±1.
    """
    checked_confidence(confidence)
    if n < 4 or not np.isfinite(r) or abs(r) >= 1:
        return float("nan"), float("nan")
    half = float(stats.norm.ppf(0.5 + confidence / 2)) / np.sqrt(n - 3)
    z = np.arctanh(r)
    return float(np.tanh(z - half)), float(np.tanh(z + half))


def fieller_crossing(
    intercept: float,
    slope: float,
    covariance: ArrayLike,
    freedom: float,
    confidence: float = 0.95,
) -> tuple[float, float, float]:
    """Where a line crosses zero, with Fieller's interval.

    The interval holds every x at which the line does not differ significantly from zero; it is
    exact for normal errors [1]_. When the slope itself does not differ from zero, any x will do
    and the interval is unbounded; that is the right answer, and the reason why it is not got from
    the delta method, which always returns a finite one.

    Parameters
    ----------
    intercept, slope : float
    covariance : (2, 2) array
        Of intercept and slope.
    freedom : float
        Residual degrees of freedom.
    confidence : float
        Coverage aimed at.

    Returns
    -------
    crossing, low, high : float
        `low`, `high` are ∓inf when unbounded, NaN when nothing can be said (no freedom left).

    References
    ----------
    .. [1] Fieller (1954), Some problems in interval estimation. JRSS B 16.
    """
    checked_confidence(confidence)
    if not np.isfinite(slope) or slope == 0:
        return float("nan"), float("nan"), float("nan")
    crossing = -intercept / slope
    V = np.asarray(covariance, dtype=np.float64)
    if freedom < 1 or not np.isfinite(V).all():
        return crossing, float("nan"), float("nan")
    t2 = _quantile(confidence, freedom) ** 2
    # (intercept + slope x)^2 <= t^2 Var(intercept + slope x): a quadratic in x.
    a = slope**2 - t2 * V[1, 1]
    b = intercept * slope - t2 * V[0, 1]
    c = intercept**2 - t2 * V[0, 0]
    if a <= 0:
        return crossing, float("-inf"), float("inf")
    root = np.sqrt(max(b * b - a * c, 0.0))
    return crossing, float((-b - root) / a), float((-b + root) / a)


def _quantile(confidence: float, freedom: float) -> float:
    checked_confidence(confidence)
    return float(stats.t.ppf(0.5 + confidence / 2, freedom)) if freedom > 0 else float("nan")
