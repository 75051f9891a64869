"""Leave-one-run-out ridge regression with the penalty chosen on runs that are left out too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from hemiscale.encoding.backend import Dtype
from hemiscale.encoding.bank import TargetBank
from hemiscale.encoding.engine import Engine
from hemiscale.encoding.kernels import Kernel
from hemiscale.encoding.plan import plan
from hemiscale.encoding.scores import RunScores
from hemiscale.encoding.standardise import checked_features
from hemiscale.encoding.validators import validation_runs

__all__ = ["DEFAULT_ALPHAS", "fit_runs"]

#: Sixteen penalties from 1e2 to 1e7, evenly spaced in their logarithm.
DEFAULT_ALPHAS: tuple[float, ...] = tuple(np.logspace(2, 7, 16).tolist())


def fit_runs(
    features: Sequence[np.ndarray] | Kernel,
    targets: Sequence[np.ndarray] | TargetBank,
    *,
    alphas: Sequence[float] | np.ndarray = DEFAULT_ALPHAS,
    validation: Literal["first", "all"] = "first",
    search: Literal["adaptive", "exhaustive"] = "adaptive",
    device: str = "cpu",
    dtype: Dtype = "float32",
    alpha_per_target: bool = False,
    penalty_groups: np.ndarray | Sequence[int] | None = None,
    form: Literal["auto", "primal", "dual"] = "auto",
    standardise: bool = True,
) -> RunScores:
    """Predict each run's targets from a ridge regression fitted on the other runs.

    Each run in turn is the test run. For each penalty a model is fitted without the test run and
    a validation run, and scored on the latter; the penalty with the highest mean score over
    targets (and over validation runs) wins, and a model with it, fitted on all runs but the test
    run, is scored on the test run. There is no intercept: every column of features and targets is
    given mean 0 and standard deviation 1 within each run first.

    Parameters
    ----------
    features : sequence over runs of (n_scans, n_features) arrays, or Kernel
        As they are; see `standardise`. A kernel stands for features that were checked and let go;
        it needs ``standardise=False``, and the form is dual.
    targets : sequence over runs of (n_scans, n_targets) arrays, or TargetBank
        Likewise. A bank is made once and used for many feature sets. Targets that are constant or
        not finite in some run get NaN and a warning.
    alphas : (n_alphas,) array
        Penalties to choose from.
    validation : {"first", "all"}
        Which of the remaining runs choose the penalty: the first, or each in turn (their mean).
    search : {"adaptive", "exhaustive"}
        Drop penalties once they are surely behind, or evaluate all of them on all targets. Both
        give the same penalties. Where targets or groups have penalties of their own, the search
        is always exhaustive.
    device : str
        ``"cpu"``, ``"cuda"``, ``"cuda:N"`` or ``"torch-cpu"``; a bank brings its own.
    dtype : {"float32", "float64"}
        Precision of the bulk of the work. Final models are factored in float64, ties are resolved
        in float64, and small problems are done in float64 altogether. A bank brings its own.
    alpha_per_target : bool
        A penalty for every target instead of one for all.
    penalty_groups : (n_targets,) int array, optional
        Labels; one penalty is chosen for the targets that share a label.
    form : {"auto", "primal", "dual"}
        Solve in the space of features or of scans; by default whichever takes less work.
    standardise : bool
        False: features and targets are taken as they are, for data that are standardised before
        they are cut into runs. A bank brings its own for the targets.

    Returns
    -------
    RunScores

    Raises
    ------
    ValueError
        Where shapes do not fit, a feature is constant or not finite, or a penalty is not positive.

    References
    ----------
    Leave-one-run-out with the first remaining run for the penalty: Bonnasse-Gahot & Pallier
    (2024). Left-out sets from one inverse: see `dual`, and Stone (1974) for single scans.
    """
    if not isinstance(features, Kernel):
        features = [np.asarray(x) for x in features]
    elif standardise or form == "primal":
        raise ValueError("A kernel needs standardise=False, and a form that is not primal.")
    alphas = _checked_alphas(alphas)
    if search not in ("adaptive", "exhaustive"):
        raise ValueError(f"search is {search!r}; expected 'adaptive' or 'exhaustive'.")
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype is {dtype!r}; expected 'float32' or 'float64'.")
    if alpha_per_target and penalty_groups is not None:
        raise ValueError("alpha_per_target and penalty_groups exclude each other.")
    if isinstance(targets, TargetBank):
        bank = targets
    else:
        bank = TargetBank(
            targets,
            dtype=None if dtype == "float32" else dtype,
            device=device,
            standardise=standardise,
        )
    _check_shapes(features, bank)
    if form not in ("auto", "primal", "dual"):
        raise ValueError(f"form is {form!r}; expected 'auto', 'primal' or 'dual'.")
    if not isinstance(features, Kernel):
        features = checked_features(features, bank.backend.standardised if standardise else None)
    bank.backend.check()
    groups, n_groups = _groups(bank, alpha_per_target, penalty_groups)
    adaptive = search == "adaptive" and n_groups == 1 and len(bank) > 1

    operations_before = bank.backend.operations.total()
    partners = validation_runs(bank.n_runs, validation)
    system, validator = plan(
        features, bank, partners, alphas, adaptive=adaptive, form=form, centred=standardise
    )
    del features  # the dual form needs their kernel only
    engine = Engine(system, validator, bank, alphas, groups, n_groups)
    if adaptive:
        engine.race_adaptively()
    else:
        engine.evaluate_all()
    chosen, scores = engine.finish()

    validation_scores = np.full((bank.n_runs, bank.n_runs, bank.n_usable), np.nan, np.float32)
    for t, runs in enumerate(partners):
        for i in np.unique(chosen[t]):
            here = (chosen[t] == i)[groups]
            validation_scores[t][np.ix_(runs, here)] = engine.race.curves[t, i][:, here]
    return RunScores(
        scores=bank.original_order(scores),
        alphas=alphas[chosen[:, 0]]
        if n_groups == 1 and not alpha_per_target and penalty_groups is None
        else bank.original_order(alphas[chosen[:, groups]]),
        validation_scores=bank.original_order(validation_scores),
        operations=float(bank.backend.operations.total() - operations_before),
    )


def _checked_alphas(alphas: Sequence[float] | np.ndarray) -> np.ndarray:
    alphas = np.asarray(alphas, dtype=np.float64)
    if alphas.ndim != 1 or alphas.size == 0 or not (np.isfinite(alphas) & (alphas > 0)).all():
        raise ValueError(f"alphas must be a list of numbers above zero; they are {alphas}.")
    return alphas


def _check_shapes(features: Sequence[np.ndarray] | Kernel, bank: TargetBank) -> None:
    if bank.n_runs < 3:
        raise ValueError(
            f"{bank.n_runs} runs given; three are needed: one to test, one to choose the penalty, "
            "one to fit. Cut a single run with contiguous_blocks."
        )
    if isinstance(features, Kernel):
        if features.lengths != bank.lengths:
            raise ValueError(
                f"The kernel is of runs of {features.lengths} scans, the targets have "
                f"{bank.lengths}."
            )
        return
    if len(features) != bank.n_runs:
        raise ValueError(f"features have {len(features)} runs, targets {bank.n_runs}.")
    for number, (x, length) in enumerate(zip(features, bank.lengths, strict=True), start=1):
        if x.ndim != 2 or len(x) != length or x.shape[1] != features[0].shape[1]:
            raise ValueError(
                f"Run {number}: features have shape {x.shape}; expected {length} scans as the "
                f"targets have, and {features[0].shape[-1]} columns as run 1 has."
            )
        if x.shape[1] == 0:
            raise ValueError(f"Run {number}: there are no features.")


def _groups(
    bank: TargetBank,
    alpha_per_target: bool,
    penalty_groups: np.ndarray | Sequence[int] | None,
) -> tuple[np.ndarray, int]:
    """Return a group number for each target of the bank, and how many there are."""
    if alpha_per_target:
        return np.arange(bank.n_usable), bank.n_usable
    if penalty_groups is None:
        return np.zeros(bank.n_usable, dtype=int), 1
    labels = np.asarray(penalty_groups)
    if labels.shape != (bank.n_targets,):
        raise ValueError(
            f"penalty_groups has shape {labels.shape}; one label for each of the "
            f"{bank.n_targets} targets was expected."
        )
    names, groups = np.unique(labels[bank.order], return_inverse=True)
    return groups, len(names)
