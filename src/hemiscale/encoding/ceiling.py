"""The ceiling: how well one half of the listeners predicts the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hemiscale.encoding.fit import DEFAULT_ALPHAS, fit_runs

__all__ = ["intersubject_reliability"]

Array = np.ndarray


def intersubject_reliability(
    subjects: Sequence[Sequence[Array]],
    *,
    n_splits: int = 10,
    seed: int,
    alphas: Sequence[float] | Array = DEFAULT_ALPHAS,
    progress: Callable[[int, int], None] | None = None,
) -> Array:
    """Predict the average of one random half of the subjects from that of the other half.

    Parameters
    ----------
    subjects : sequence over subjects of sequences over runs of (n_scans, n_targets) arrays
        Standardised per run *before* the first and last scans were cut off, and not again since.
    n_splits : int
        Number of random halves.
    seed : int
        The halves depend on this and on the number of the split alone.
    alphas : (n_alphas,) array
        Penalties to choose from.
    progress : callable, optional
        Called with (splits done, splits in all).

    Returns
    -------
    (n_splits, n_targets) float32 array
        Mean over left-out runs of Pearson r.
    """
    n_subjects, n_runs = len(subjects), len(subjects[0])
    if n_subjects < 2:
        raise ValueError(f"{n_subjects} subject(s) given; two halves need at least two.")
    reliability = []
    for split in range(n_splits):
        order = np.random.default_rng([seed, split]).permutation(n_subjects)
        halves = order[: n_subjects // 2], order[n_subjects // 2 :]
        predictors, targets = (
            [np.mean([subjects[s][r] for s in half], axis=0) for r in range(n_runs)]
            for half in halves
        )
        reliability.append(fit_runs(predictors, targets, alphas=alphas, standardise=False).mean)
        if progress is not None:
            progress(split + 1, n_splits)
    return np.array(reliability, dtype=np.float32)
