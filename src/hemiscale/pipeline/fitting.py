"""Ridge regression of one layer as the study asks for it, on all its features or on fewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.study import Encoding

if TYPE_CHECKING:
    from hemiscale.encoding import RunScores

__all__ = ["fit_layer"]


def fit_layer(
    features: list[np.ndarray], bank: Any, encoding: Encoding, **options: Any
) -> RunScores:
    """Fit one layer.

    Parameters
    ----------
    features : list over runs of (n_scans, n_features) arrays
        Standardised per run.
    bank : TargetBank
    encoding : Encoding
        With `dimensions`, layers that are wider are projected to that many features first; at
        random, or to principal components of all runs but the test run.
    **options
        For `fit_runs`.

    Returns
    -------
    RunScores
    """
    from hemiscale.encoding import fit_runs
    from hemiscale.models.reduction import principal_components, project, random_projection

    width, dimensions = features[0].shape[1], encoding.dimensions
    if dimensions is None or width <= dimensions:
        return fit_runs(features, bank, **options)
    if encoding.reduction == "random projection":
        matrix = random_projection(width, dimensions, seed=encoding.reduction_seed)
        return fit_runs(project(features, matrix), bank, **options)
    # Components know nothing of the test run, so each test run has its own.
    fits = []
    for test in range(len(features)):
        training = [run for k, run in enumerate(features) if k != test]
        reduced = project(features, principal_components(training, dimensions))
        # Components keep their relative sizes: the small ones are shrunk more.
        fits.append(fit_runs(reduced, bank, standardise=False, **options))
    return type(fits[0])(
        scores=np.stack([fit.scores[k] for k, fit in enumerate(fits)]),
        alphas=np.stack([fit.alphas[k] for k, fit in enumerate(fits)]),
        validation_scores=np.stack([fit.validation_scores[k] for k, fit in enumerate(fits)]),
        operations=sum(fit.operations for fit in fits),
    )
