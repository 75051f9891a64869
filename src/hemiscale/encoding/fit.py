"""Leave-one-run-out ridge regression with the penalty chosen on runs that are left out too."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np

from hemiscale.encoding.folds import run_slices
from hemiscale.encoding.scores import RunScores
from hemiscale.encoding.standardise import check_features
from hemiscale.errors import HemiscaleWarning

__all__ = ["fit_runs"]

Array = np.ndarray


def fit_runs(
    features: Sequence[Array],
    targets: Sequence[Array],
    *,
    alphas: Array | None = None,
    validation: Literal["first", "all"] = "first",
    search: Literal["adaptive", "exhaustive"] = "adaptive",
    device: str = "cpu",
    dtype: Literal["float32", "float64"] = "float32",
    alpha_per_target: bool = False,
    penalty_groups: Array | None = None,
) -> RunScores:
    """Predict each run's targets from a ridge regression fitted on the other runs.

    Parameters
    ----------
    features : sequence over runs of (n_scans, n_features) arrays
        Standardised per run (see `standardise_runs`); not standardised again here.
    targets : sequence over runs of (n_scans, n_targets) arrays
        Likewise. Targets that are constant or not finite in some run get NaN and a warning.
    alphas : (n_alphas,) array, optional
        Penalties to choose from; 16 from 1e2 to 1e7 by default.
    validation : {"first", "all"}
        Which of the remaining runs choose the penalty: the first, or each in turn (their mean).
    search : {"adaptive", "exhaustive"}
        Drop penalties once they are surely behind, or evaluate all on all targets.
    device, dtype : str
        Where and in which precision the bulk of the work is done.
    alpha_per_target : bool
        A penalty for every target instead of one for all.
    penalty_groups : (n_targets,) int array, optional
        Labels; one penalty is chosen for the targets that share a label.

    Returns
    -------
    RunScores

    Raises
    ------
    ValueError
        Where shapes do not fit, or a feature is constant or not finite.
    """
    alphas = np.logspace(2, 7, 16) if alphas is None else np.asarray(alphas, dtype=float)
    x_runs = [np.asarray(x, dtype=np.float64) for x in features]
    y_runs = [np.asarray(y, dtype=np.float64) for y in targets]
    check_features(x_runs)
    n_runs, n_targets = len(x_runs), y_runs[0].shape[1]
    usable = np.all([np.isfinite(y).all(axis=0) & (np.ptp(y, axis=0) > 0) for y in y_runs], axis=0)
    if not usable.all():
        warnings.warn(
            f"{np.count_nonzero(~usable)} of {n_targets} targets are constant or not finite in "
            "some run; their scores are NaN.",
            HemiscaleWarning,
            stacklevel=2,
        )
    y_runs = [y[:, usable] for y in y_runs]
    if alpha_per_target:
        groups = np.arange(np.count_nonzero(usable))
    elif penalty_groups is not None:
        groups = np.unique(np.asarray(penalty_groups)[usable], return_inverse=True)[1]
    else:
        groups = np.zeros(np.count_nonzero(usable), dtype=int)

    X, Y = np.concatenate(x_runs), np.concatenate(y_runs)
    slices = run_slices([len(x) for x in x_runs])

    def predictions(left_out: set[int], penalty: float) -> dict[int, Array]:
        rows = np.concatenate(
            [np.arange(s.start, s.stop) for r, s in enumerate(slices) if r not in left_out]
        )
        A, b = X[rows], Y[rows]
        if A.shape[1] <= A.shape[0]:
            W = np.linalg.solve(A.T @ A + penalty * np.eye(A.shape[1]), A.T @ b)
        else:
            W = A.T @ np.linalg.solve(A @ A.T + penalty * np.eye(A.shape[0]), b)
        return {r: X[slices[r]] @ W for r in left_out}

    def correlations(run: int, prediction: Array) -> Array:
        p = prediction - prediction.mean(axis=0)
        y = Y[slices[run]] - Y[slices[run]].mean(axis=0)
        norms = np.sqrt((p * p).sum(axis=0) * (y * y).sum(axis=0))
        return np.divide((p * y).sum(axis=0), norms, out=np.zeros(len(norms)), where=norms > 0)

    partners = {
        t: [v for v in range(n_runs) if v != t][: 1 if validation == "first" else None]
        for t in range(n_runs)
    }
    pairs = {tuple(sorted((t, v))) for t, others in partners.items() for v in others}
    n_kept = Y.shape[1]
    val = np.full((len(alphas), n_runs, n_runs, n_kept), np.nan)
    for i, penalty in enumerate(alphas):
        for a, b in pairs:
            for v, prediction in predictions({a, b}, penalty).items():
                t = b if v == a else a
                if v in partners[t]:
                    val[i, t, v] = correlations(v, prediction)
    chosen = np.empty((n_runs, n_kept), dtype=int)
    for t, others in partners.items():
        mean = val[:, t, others].mean(axis=1)
        by_group = np.stack([np.bincount(groups, m) for m in mean])
        chosen[t] = by_group.argmax(axis=0)[groups]
    scores = np.empty((n_runs, n_kept))
    for t in range(n_runs):
        for i in np.unique(chosen[t]):
            here = chosen[t] == i
            scores[t, here] = correlations(t, predictions({t}, alphas[i])[t])[here]

    all_scores = np.full((n_runs, n_targets), np.nan)
    all_scores[:, usable] = scores
    all_val = np.full((n_runs, n_runs, n_targets), np.nan, dtype=np.float32)
    for t in range(n_runs):
        all_val[t][:, usable] = np.take_along_axis(val[:, t], chosen[t][None, None], axis=0)[0]
    if alpha_per_target or penalty_groups is not None:
        all_alphas = np.full((n_runs, n_targets), np.nan)
        all_alphas[:, usable] = alphas[chosen]
    else:
        all_alphas = alphas[chosen[:, 0]]
    return RunScores(all_scores, all_alphas, all_val)
