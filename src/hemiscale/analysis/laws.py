"""Scaling laws: how a score grows with the size (or any other property) of the models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemiscale.analysis.confidence import checked_confidence
from hemiscale.analysis.families import FamilyEffect
from hemiscale.analysis.law_checks import (
    comparison_of,
    families_of,
    few_models,
    gather,
    why_no_line,
)
from hemiscale.analysis.regression import (
    LeastSquares,
    all_equal,
    correlation_interval,
    fieller_crossing,
    least_squares,
)
from hemiscale.analysis.saturation import Comparison

__all__ = ["FEW_MODELS", "Prediction", "ScalingLaw", "scaling_law"]

FEW_MODELS = 5
"""A line through fewer models than this is shown with a warning beside it."""

_NAN = float("nan")


@dataclass(frozen=True)
class Prediction:
    """Scores expected of models not measured.

    Attributes
    ----------
    score, low, high : (m,) arrays
        The interval is for the score of a *new* model of that size, not for the line.
    """

    score: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True)
class ScalingLaw:
    """A law ``score = intercept + slope * log(size)``, by ordinary least squares, and its checks.

    Everything that the models at hand cannot tell is NaN or None, and `notes` says why.

    Attributes
    ----------
    scale : {"log", "linear"}
        Whether the predictor is log(size) (natural) or the column itself.
    n_models : int
        Models with a size and a score.
    slope, slope_low, slope_high, slope_error : float
        Per e-fold of size (per unit if `scale` is linear). Models count as independent; see
        `families` for when they are not.
    slope_per_tenfold, slope_per_tenfold_low, slope_per_tenfold_high : float
        The same per tenfold of size; NaN if `scale` is linear.
    intercept, intercept_low, intercept_high : float
    r, r_low, r_high, p : float
        Pearson correlation (with covariates: the partial correlation), Fisher's interval from four
        models on, and the two-sided p of the slope.
    r_squared, f : float
        Of the whole fit, covariates included.
    zero_crossing, zero_crossing_low, zero_crossing_high : float
        The size at which the score is zero (with covariates: at their means), Fieller's interval.
        Unbounded sides are 0 or inf (linear: ∓inf).
    families : FamilyEffect or None
        Random family effect, robust interval and bootstrap over families, leave one family out.
        Their crossings are sizes, like `zero_crossing`.
    comparison : Comparison or None
        The saturating alternative.
    favoured : {"log-linear", "saturating", "undecided"}
        Which of the two the data favour.
    covariates : tuple of str
    fit : LeastSquares or None
        Coefficients in the order: constant, predictor, covariates.
    notes : tuple of str
        Sentences: what can and cannot be said.
    """

    scale: str
    n_models: int
    slope: float
    slope_low: float
    slope_high: float
    slope_error: float
    slope_per_tenfold: float
    slope_per_tenfold_low: float
    slope_per_tenfold_high: float
    intercept: float
    intercept_low: float
    intercept_high: float
    r: float
    r_low: float
    r_high: float
    p: float
    r_squared: float
    f: float
    zero_crossing: float
    zero_crossing_low: float
    zero_crossing_high: float
    families: FamilyEffect | None
    comparison: Comparison | None
    favoured: str
    covariates: tuple[str, ...]
    fit: LeastSquares | None
    notes: tuple[str, ...]

    def predict(
        self,
        size: ArrayLike,
        *,
        covariates: Mapping[str, ArrayLike] | None = None,
        confidence: float = 0.95,
    ) -> Prediction:
        """Predict the score of models of sizes that were not measured.

        Parameters
        ----------
        size : array, (m,) or a number
        covariates : mapping of {name: (m,) array}
            One for each of `self.covariates`.
        confidence : float
            Share of new models meant to fall inside, if they are like these ones and models are
            independent. On the sizes of the published models, 95 % intervals at 70 billion
            parameters hold a model of a new family in 93 % of simulations where families differ in
            level, and in 82 % where they differ in slope as well.

        Returns
        -------
        Prediction
            NaN intervals when there was no freedom to estimate the noise.

        Raises
        ------
        ValueError
            If a size is not positive on the log scale, covariates are not those of the law, or
            `confidence` is not between 0 and 1.
        """
        checked_confidence(confidence)
        x = np.atleast_1d(np.asarray(size, dtype=np.float64))
        if self.scale == "log" and np.any(x <= 0):
            raise ValueError(f"sizes must be positive on the log scale, got {x[x <= 0][0]:g}")
        given = dict(covariates or {})
        if set(given) != set(self.covariates):
            raise ValueError(
                f"the law has the covariates {list(self.covariates)}, got {list(given)}"
            )
        if self.fit is None:
            nothing = np.full(x.shape, np.nan)
            return Prediction(nothing, nothing, nothing)
        columns = [np.ones(x.shape), np.log(x) if self.scale == "log" else x]
        columns += [
            np.broadcast_to(np.asarray(given[name], float), x.shape) for name in self.covariates
        ]
        return Prediction(*self.fit.predict(np.column_stack(columns), confidence))


def scaling_law(
    size: ArrayLike,
    score: ArrayLike,
    *,
    family: Sequence[str] | None = None,
    covariates: Mapping[str, ArrayLike] | None = None,
    scale: str = "log",
    confidence: float = 0.95,
    n_resamples: int = 5000,
    seed: int = 0,
) -> ScalingLaw:
    """Fit score against log size, with all that should be known before it is believed.

    Parameters
    ----------
    size : (n_models,) array
        Number of parameters, or any column (perplexity, accuracy): see `scale`.
    score : (n_models,) array
        One score per model. Models with NaN in either are left out and counted in `notes`.
    family : sequence of str, (n_models,), optional
        Which models are not independent of each other. None for all: as if it were not given.
    covariates : mapping of {name: (n_models,) array}, optional
        Held constant: their columns enter the regression as they are.
    scale : {"log", "linear"}
        ``"log"`` regresses on log(size), natural logarithm, as published; ``"linear"`` on the
        column itself.
    confidence : float
        Coverage of all intervals.
    n_resamples, seed : int
        For the bootstrap over families.

    Returns
    -------
    ScalingLaw
        Also for input that is too poor for a law: then with NaN and with notes that say why.

    Raises
    ------
    ValueError
        If lengths differ, a size is not positive on the log scale, some models have a family and
        others none, or `confidence` is not between 0 and 1.
    """
    checked_confidence(confidence)
    x, y, labels, extra, notes = gather(size, score, family, covariates, scale)
    columns = [np.ones(len(x)), x, *extra.values()]
    n = len(x)
    flat = n > 1 and bool(all_equal(y))
    fit: LeastSquares | None = None
    if n >= 2:
        try:
            fit = least_squares(np.column_stack(columns), y)
            if flat:
                fit = _level(fit, float(y.mean()))
        except ValueError:
            notes.append(why_no_line(x, n, list(extra)))
    else:
        notes.append(f"{n} model{'s' * (n != 1)} with a size and a score: no law can be fitted.")
    if fit is None:
        return _empty_law(scale, n, tuple(extra), tuple(notes))
    if n < FEW_MODELS:
        notes.append(few_models(n, fit.freedom))
    elif fit.freedom < 3:
        notes.append(
            f"{n} models for {len(columns)} coefficients: {fit.freedom} degrees of freedom are "
            "left, and intervals are wide or missing."
        )
    if flat:
        notes.append(
            f"All {n} scores are equal: the slope is zero, and without scatter nothing can be said "
            "about its uncertainty."
        )
    bounds = fit.interval(confidence)
    r, p = _correlation(fit, y)
    r_low, r_high = correlation_interval(r, n - len(extra), confidence)
    crossing = _crossing(fit, extra, scale, confidence, notes)
    families, comparison = None, None
    if not flat:
        families = families_of(
            np.column_stack(columns), y, labels, scale, confidence, n_resamples, seed, notes
        )
        grouped = labels if families is not None else None
        comparison = comparison_of(x, y, grouped, scale, bool(extra), notes)
    tenfold = np.log(10.0) if scale == "log" else np.nan
    slope, intercept = float(fit.coefficients[1]), float(fit.coefficients[0])
    return ScalingLaw(
        scale=scale,
        n_models=n,
        slope=slope,
        slope_low=float(bounds[1, 0]),
        slope_high=float(bounds[1, 1]),
        slope_error=float(fit.errors[1]),
        slope_per_tenfold=float(slope * tenfold),
        slope_per_tenfold_low=float(bounds[1, 0] * tenfold),
        slope_per_tenfold_high=float(bounds[1, 1] * tenfold),
        intercept=intercept,
        intercept_low=float(bounds[0, 0]),
        intercept_high=float(bounds[0, 1]),
        r=r,
        r_low=r_low,
        r_high=r_high,
        p=p,
        r_squared=fit.r_squared,
        f=fit.f,
        zero_crossing=crossing[0],
        zero_crossing_low=crossing[1],
        zero_crossing_high=crossing[2],
        families=families,
        comparison=comparison,
        favoured=comparison.favoured if comparison else "undecided",
        covariates=tuple(extra),
        fit=fit,
        notes=tuple(notes),
    )


def _level(fit: LeastSquares, height: float) -> LeastSquares:
    """Make the fit of equal scores: what is left of slopes and residuals is rounding."""
    flat = np.zeros(fit.coefficients.shape)
    flat[0] = height
    return replace(
        fit,
        coefficients=flat,
        covariance=np.full(fit.covariance.shape, np.nan),
        residuals=np.zeros(fit.residuals.shape),
        r_squared=_NAN,
        f=_NAN,
        f_p=_NAN,
    )


def _correlation(fit: LeastSquares, y: NDArray[np.float64]) -> tuple[float, float]:
    """(Partial) correlation of predictor and score from the t of the slope, and its p."""
    if fit.freedom < 1 or all_equal(y):
        return _NAN, _NAN
    slope, error = fit.coefficients[1], fit.errors[1]
    if error == 0:
        return float(np.sign(slope)), 0.0
    t = slope / error
    return float(t / np.sqrt(t**2 + fit.freedom)), float(fit.p_values[1])


def _crossing(
    fit: LeastSquares,
    extra: dict[str, NDArray[np.float64]],
    scale: str,
    confidence: float,
    notes: list[str],
) -> tuple[float, float, float]:
    """Size at which the score is zero, with covariates at their means."""
    rows = np.zeros((2, len(fit.coefficients)))
    rows[0, 0] = rows[1, 1] = 1.0
    for k, column in enumerate(extra.values()):
        rows[0, 2 + k] = column.mean()
    intercept, slope = rows @ fit.coefficients
    found = fieller_crossing(
        float(intercept), float(slope), rows @ fit.covariance @ rows.T, fit.freedom, confidence
    )
    if np.isinf(found[1]):
        notes.append(
            "The slope cannot be told from zero, so the size at which the score crosses zero has "
            "no bound."
        )
    if scale == "linear":
        return found
    with np.errstate(over="ignore"):
        low, at, high = np.exp([found[1], found[0], found[2]])
    at = at if 0 < at < np.inf else np.nan  # too far away to be a number at all
    return float(at), float(low), float(high)


def _empty_law(
    scale: str, n: int, covariates: tuple[str, ...], notes: tuple[str, ...]
) -> ScalingLaw:
    return ScalingLaw(
        scale=scale,
        n_models=n,
        slope=_NAN,
        slope_low=_NAN,
        slope_high=_NAN,
        slope_error=_NAN,
        slope_per_tenfold=_NAN,
        slope_per_tenfold_low=_NAN,
        slope_per_tenfold_high=_NAN,
        intercept=_NAN,
        intercept_low=_NAN,
        intercept_high=_NAN,
        r=_NAN,
        r_low=_NAN,
        r_high=_NAN,
        p=_NAN,
        r_squared=_NAN,
        f=_NAN,
        zero_crossing=_NAN,
        zero_crossing_low=_NAN,
        zero_crossing_high=_NAN,
        families=None,
        comparison=None,
        favoured="undecided",
        covariates=covariates,
        fit=None,
        notes=notes,
    )
