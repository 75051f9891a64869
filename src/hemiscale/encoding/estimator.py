"""The engine with scikit-learn's face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from hemiscale.encoding.backend import Dtype
from hemiscale.encoding.fit import DEFAULT_ALPHAS, fit_runs
from hemiscale.encoding.ridge import ridge_weights
from hemiscale.encoding.standardise import standardise as standardise_columns

__all__ = ["RidgeRuns"]

Array = np.ndarray


class RidgeRuns(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Leave-one-run-out ridge regression as a scikit-learn estimator.

    `fit` does what `fit_runs` does, and then fits a model on all runs, which `predict` uses.

    Parameters
    ----------
    alphas : (n_alphas,) array
        Penalties to choose from.
    validation : {"first", "all"}
        See `fit_runs`; so for the following three.
    search : {"adaptive", "exhaustive"}
    alpha_per_target : bool
    dtype : {"float32", "float64"}
    device : str
    standardise : bool
        Give every column mean 0 and standard deviation 1 within each run, in `fit` and in
        `predict`. False: columns are taken as they are, which should have mean 0, for there is no
        intercept.

    Attributes
    ----------
    scores_ : (n_runs, n_targets) array
        Pearson r on each left-out run; (n_runs,) where y is a vector. Runs are in the order of
        their first scan.
    validation_scores_ : (n_runs, n_runs, n_targets) array
        See `RunScores`.
    alphas_ : (n_runs,) or (n_runs, n_targets) array
        The penalty chosen for each left-out run.
    alpha_ : float or (n_targets,) array
        The penalty of the model on all runs: the (lower) median of `alphas_` over runs.
    coef_ : (n_targets, n_features) or (n_features,) array
        Weights of that model; NaN for targets without scores.
    runs_ : (n_runs,) array
        The runs' labels.
    n_features_in_ : int

    Examples
    --------
    >>> import numpy as np
    >>> from hemiscale.encoding import RidgeRuns
    >>> rng = np.random.default_rng(0)
    >>> X, noise = rng.standard_normal((90, 5)), rng.standard_normal((90, 2))
    >>> y = X[:, :2] + noise
    >>> ridge = RidgeRuns(alphas=[1.0, 10.0]).fit(X, y, groups=np.repeat([1, 2, 3], 30))
    >>> ridge.scores_.shape
    (3, 2)
    """

    def __init__(
        self,
        alphas: Sequence[float] | Array = DEFAULT_ALPHAS,
        *,
        validation: Literal["first", "all"] = "first",
        search: Literal["adaptive", "exhaustive"] = "adaptive",
        alpha_per_target: bool = False,
        dtype: Dtype = "float32",
        device: str = "cpu",
        standardise: bool = True,
    ) -> None:
        self.alphas = alphas
        self.validation = validation
        self.search = search
        self.alpha_per_target = alpha_per_target
        self.dtype = dtype
        self.device = device
        self.standardise = standardise

    def fit(self, X: Array, y: Array, groups: Array | None = None) -> RidgeRuns:
        """Score every run with a model of the others, then fit a model on all of them.

        Parameters
        ----------
        X : (n_scans, n_features) array
        y : (n_scans, n_targets) or (n_scans,) array
            Targets that are constant or not finite in some run get NaN, with a warning.
        groups : (n_scans,) array
            The run that each scan belongs to. In a pipeline: ``fit(X, y, ridgeruns__groups=...)``.

        Returns
        -------
        RidgeRuns

        Raises
        ------
        ValueError
            Where `groups` is missing, shapes do not fit, or a feature is constant within a run.
        """
        if groups is None:
            raise ValueError(
                "RidgeRuns needs groups, the run that each scan belongs to: fit(X, y, groups). "
                "contiguous_blocks cuts a single run."
            )
        X, y = validate_data(
            self,
            X,
            y,
            dtype=[np.float64, np.float32],
            validate_separately=(
                {"dtype": [np.float64, np.float32], "ensure_min_samples": 2},
                {
                    "dtype": [np.float64, np.float32],
                    "ensure_2d": False,
                    "ensure_all_finite": False,
                },
            ),
        )
        if len(y) != len(X):
            raise ValueError(f"X has {len(X)} scans and y has {len(y)}.")
        vector = y.ndim == 1
        runs, labels = _runs(np.asarray(groups), len(X))
        features = [X[rows] for rows in runs]
        targets = [y[rows, None] if vector else y[rows] for rows in runs]
        fitted = fit_runs(
            features,
            targets,
            alphas=self.alphas,
            validation=self.validation,
            search=self.search,
            device=self.device,
            dtype=self.dtype,
            alpha_per_target=self.alpha_per_target,
            standardise=self.standardise,
        )
        # The lower median is always one of the penalties that were given.
        middle = (len(runs) - 1) // 2
        alpha = np.sort(fitted.alphas, axis=0)[middle]
        if self.standardise:
            features = [standardise_columns(x) for x in features]
            targets = [standardise_columns(t, on_constant="nan") for t in targets]
        usable = np.isfinite(fitted.scores).all(axis=0)
        weights = ridge_weights(
            np.concatenate(features),
            np.concatenate(targets)[:, usable],
            alpha if np.ndim(alpha) == 0 else alpha[usable],
        )
        coef = np.full((usable.size, X.shape[1]), np.nan, dtype=weights.dtype)
        coef[usable] = weights.T
        self.runs_ = labels
        self.alphas_ = fitted.alphas[:, 0] if vector and fitted.alphas.ndim == 2 else fitted.alphas
        self.alpha_ = float(np.ravel(alpha)[0]) if vector or np.ndim(alpha) == 0 else alpha
        self.scores_ = fitted.scores[:, 0] if vector else fitted.scores
        self.validation_scores_ = (
            fitted.validation_scores[..., 0] if vector else fitted.validation_scores
        )
        self.coef_ = coef[0] if vector else coef
        return self

    def predict(self, X: Array, groups: Array | None = None) -> Array:
        """Predict with the model on all runs.

        Parameters
        ----------
        X : (n_scans, n_features) array
        groups : (n_scans,) array, optional
            The run that each scan belongs to, where `standardise` is true; by default one run.

        Returns
        -------
        (n_scans, n_targets) or (n_scans,) array
            In standard deviations of the targets, where `standardise` is true.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        if self.standardise:
            result = np.empty_like(X)
            runs = [np.arange(len(X))] if groups is None else _runs(np.asarray(groups), len(X))[0]
            for rows in runs:
                result[rows] = standardise_columns(X[rows], name="X")
            X = result
        return X @ self.coef_.T

    def __sklearn_tags__(self) -> Any:
        """Say that scores need runs and that there is no intercept."""
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


def _runs(groups: Array, n_scans: int) -> tuple[list[Array], Array]:
    """Return each run's scans, and the labels, in the order in which runs first come."""
    if groups.shape != (n_scans,):
        raise ValueError(f"groups has shape {groups.shape}; one label per scan, {n_scans}.")
    labels, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return [np.flatnonzero(inverse == k) for k in order], labels[order]
