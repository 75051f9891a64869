"""What the engine is measured against: scikit-learn penalty by penalty, and himalaya.

Both are used as their documentation says. Both are timed on a part of the work, a whole number of
fits or of test runs, and scaled to the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from hemiscale.bench.measure import cpu_seconds
from hemiscale.bench.problem import Problem

__all__ = ["Part", "himalaya_part", "scikit_learn_part"]

Array = np.ndarray

#: Targets per batch in himalaya: predictions of all penalties for a batch lie in memory at once.
_BATCH = 1024


@dataclass(frozen=True)
class Part:
    """A part of the work, timed.

    Attributes
    ----------
    measured : float
        CPU seconds measured.
    whole : float
        The same, scaled to all test runs and penalties.
    said : str
        What was measured.
    scores : dict of int to (n_voxels,) array
        Pearson r on a test run (counted from 0).
    alphas : dict of int to float
        The penalty of that model.
    """

    measured: float
    whole: float
    said: str
    scores: dict[int, Array]
    alphas: dict[int, float]


def _stacked(runs: Sequence[Array], left_out: Sequence[int], dtype: type) -> Array:
    kept = [run for number, run in enumerate(runs) if number not in left_out]
    return np.concatenate(kept).astype(dtype)


def _columnwise_correlation(a: Array, b: Array) -> Array:
    return np.array([np.corrcoef(a[:, j], b[:, j])[0, 1] for j in range(a.shape[1])])


def scikit_learn_part(
    problem: Problem, n_alphas: int, alpha: float, *, dtype: type = np.float64, repeats: int = 1
) -> Part:
    """Time one validation fit and one final fit of `sklearn.linear_model.Ridge`.

    The whole is a validation fit per test run and penalty, and a final fit per test run, each
    with predictions and ``np.corrcoef`` voxel by voxel.

    Parameters
    ----------
    problem : Problem
    n_alphas : int
        Penalties of the whole.
    alpha : float
        The penalty to fit with; the time does not depend on it.
    dtype : type
        Precision; scikit-learn keeps what it is given.
    repeats : int
        How often each fit is done; the shortest time counts.
    """
    from sklearn.linear_model import Ridge

    def fit_and_score(left_out: Sequence[int], run: int) -> Array:
        X = _stacked(problem.features, left_out, dtype)
        Y = _stacked(problem.targets, left_out, dtype)
        ridge = Ridge(alpha=alpha, fit_intercept=False).fit(X, Y)
        prediction = ridge.predict(problem.features[run].astype(dtype))
        return _columnwise_correlation(prediction, problem.targets[run])

    n_runs = len(problem.features)
    validation, _ = cpu_seconds(lambda: fit_and_score((0, 1), 1), repeats=repeats)
    final, scores = cpu_seconds(lambda: fit_and_score((0,), 0), repeats=repeats)
    return Part(
        validation + final,
        n_runs * (n_alphas * validation + final),
        f"one of {n_runs * n_alphas} validation fits and one of {n_runs} final fits, scaled",
        {0: scores},
        {0: alpha},
    )


def himalaya_part(
    problem: Problem,
    alphas: Sequence[float] | Array,
    *,
    n_tests: int = 1,
    backend: str = "numpy",
    repeats: int = 1,
) -> Part:
    """Time himalaya's cross-validated ridge on the first test runs, one penalty for all voxels.

    Its singular-value solver where there are fewer features than scans, its kernel solver
    otherwise; float32, Pearson's r, the first remaining run for validation.

    Parameters
    ----------
    problem : Problem
    alphas : (n_alphas,) array
    n_tests : int
        Test runs to do.
    backend : {"numpy", "torch"}
    repeats : int
        How often each test run is done; the shortest time counts.
    """
    from himalaya.backend import set_backend
    from himalaya.kernel_ridge import solve_kernel_ridge_cv_eigenvalues
    from himalaya.ridge import solve_ridge_cv_svd
    from himalaya.scoring import correlation_score

    active = set_backend(backend)
    n_runs = len(problem.features)
    primal = problem.features[0].shape[1] < problem.n_scans
    options = {
        "score_func": correlation_score,
        "local_alpha": False,
        "n_targets_batch": _BATCH,
    }
    penalties = active.asarray(np.asarray(alphas, dtype=np.float32))

    def one(test: int) -> tuple[float, Array]:
        X = active.asarray(_stacked(problem.features, (test,), np.float32))
        Y = active.asarray(_stacked(problem.targets, (test,), np.float32))
        first = len(problem.features[1 if test == 0 else 0])
        split = [(np.arange(first, len(X)), np.arange(first))]
        x_test = active.asarray(problem.features[test])
        if primal:
            best, weights, _ = solve_ridge_cv_svd(X, Y, penalties, cv=split, **options)
            prediction = x_test @ weights
        else:
            best, dual, _ = solve_kernel_ridge_cv_eigenvalues(
                X @ X.T, Y, penalties, cv=split, **options
            )
            prediction = (x_test @ X.T) @ dual
        scores = correlation_score(active.asarray(problem.targets[test]), prediction)
        return float(active.to_numpy(best)[0]), active.to_numpy(scores)

    scores, chosen, seconds = {}, {}, 0.0
    for test in range(n_tests):
        took, (chosen[test], scores[test]) = cpu_seconds(partial(one, test), repeats=repeats)
        seconds += took
    solver = "solve_ridge_cv_svd" if primal else "solve_kernel_ridge_cv_eigenvalues"
    said = f"{n_tests} of {n_runs} test runs, scaled ({solver})"
    return Part(seconds, seconds * n_runs / n_tests, said, scores, chosen)
