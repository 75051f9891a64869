"""Which form and which validator take the least work."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hemiscale.encoding.bank import TargetBank
from hemiscale.encoding.cost import dual_operations, primal_operations
from hemiscale.encoding.dual import DualSystem
from hemiscale.encoding.kernels import Kernel
from hemiscale.encoding.primal import PrimalSystem, decomposes
from hemiscale.encoding.validators import (
    PairValidator,
    PredictorValidator,
    System,
    Validator,
)

__all__ = ["plan"]


def plan(
    features: Sequence[np.ndarray] | Kernel,
    bank: TargetBank,
    partners: Sequence[Sequence[int]],
    alphas: np.ndarray,
    *,
    adaptive: bool,
    form: str = "auto",
    centred: bool = False,
) -> tuple[System, Validator]:
    """Choose between primal and dual, and between the two ways to validate, by cost.

    Parameters
    ----------
    features : sequence over runs of (n_scans, n_features) arrays, or Kernel
        Of a kernel the form is dual.
    bank : TargetBank
    partners : sequence over test runs of validation runs
    alphas : (n_alphas,) array
    adaptive : bool
        Whether penalties will be dropped on the way.
    form : {"auto", "primal", "dual"}
    centred : bool
        Features have mean zero in every run.
    """
    n_alphas = len(alphas)
    n_features = features.n_features if isinstance(features, Kernel) else features[0].shape[1]
    n_scans, longest = sum(bank.lengths), max(bank.lengths)
    n_directed = sum(len(runs) for runs in partners)
    pairs = {(min(t, v), max(t, v)) for t, runs in enumerate(partners) for v in runs}
    # The race sees all penalties on the first block, then about one and a half on the rest.
    share = bank.columns[0].stop / bank.n_usable
    evaluations = n_alphas * share + 1.5 if adaptive else float(n_alphas)

    # Products per target and penalty: a predictor per directed pair, or one B for all pairs.
    by_pairs = float(n_scans) ** 2 + 3.0 * len(pairs) * longest**2
    by_predictors = n_directed * longest * n_scans * (1 - 2 / bank.n_runs)
    in_pairs = n_directed > len(pairs) and by_pairs < by_predictors
    work_dual = by_pairs if in_pairs else by_predictors
    work_primal = float(n_directed * longest * n_features)
    streamed = 2.0 * bank.n_usable * evaluations
    decomposed = decomposes(bank.backend, bank.dtype, n_features, len(pairs), n_alphas)
    primal_cost = streamed * work_primal + primal_operations(
        bank.lengths,
        n_features,
        bank.n_usable,
        n_alphas,
        len(pairs),
        decomposed=decomposed,
    )
    dual_cost = streamed * work_dual + dual_operations(
        bank.lengths, n_features, bank.n_usable, n_alphas
    )
    primal_is_quicker = form == "primal" or (form == "auto" and primal_cost < dual_cost)
    if primal_is_quicker and not isinstance(features, Kernel):
        primal = PrimalSystem(features, bank.slices, bank.backend, centred=centred)
        return primal, PredictorValidator(primal, partners, decomposed=decomposed)
    dual = DualSystem(features, bank.slices, bank.backend, centred=centred)
    return dual, (PairValidator if in_pairs else PredictorValidator)(dual, partners)
