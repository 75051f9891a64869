"""The ceiling: how well one half of the listeners predicts the other."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np

from hemiscale.encoding.bank import TargetBank
from hemiscale.encoding.fit import DEFAULT_ALPHAS, fit_runs
from hemiscale.errors import HemiscaleWarning

__all__ = ["intersubject_reliability", "random_halves"]

Array = np.ndarray


def intersubject_reliability(
    subjects: Sequence[Sequence[Array]],
    *,
    n_splits: int = 10,
    first_split: int = 0,
    seed: int,
    alphas: Sequence[float] | Array = DEFAULT_ALPHAS,
    device: str = "cpu",
    progress: Callable[[int, int], None] | None = None,
) -> Array:
    """Predict the average of one random half of the subjects from that of the other half.

    All targets of one half are the regressors of every target of the other. There are more of
    them than scans, hence the dual form, and a split costs about as much as a layer.

    Parameters
    ----------
    subjects : sequence over subjects of sequences over runs of (n_scans, n_targets) arrays
        Standardised per run *before* the first and last scans were cut off, and not again since.
        Each array is asked for once per split and let go, so that they may be read from disk.
    n_splits : int
        Number of random halves; with an odd number of subjects the second half is the larger.
    first_split : int
        Number of the first of them, to make some here and some elsewhere.
    seed : int
        The halves depend on this and on the number of the split alone.
    alphas : (n_alphas,) array
        Penalties to choose from.
    device : str
        See `fit_runs`.
    progress : callable, optional
        Called with (splits done, splits in all).

    Returns
    -------
    (n_splits, n_targets) float32 array
        Mean over left-out runs of Pearson r. NaN, with a warning, for targets that are constant
        or not finite in some subject and run.

    Raises
    ------
    ValueError
        Where there are fewer than two subjects, or they differ in runs, scans or targets.
    """
    _check(subjects, n_splits)
    reliability, unusable = [], 0
    for done, split in enumerate(range(first_split, first_split + n_splits), start=1):
        one, other = random_halves(len(subjects), seed=seed, split=split)
        # Two copies of the data at a time: targets and bank, then bank and predictors.
        bank, varying = _bank(subjects, other, device)
        predictors = _averages(subjects, one)
        usable = varying & _varying(predictors)
        unusable = max(unusable, int(np.count_nonzero(~usable)))
        if not usable.all():
            predictors = [run[:, usable] for run in predictors]
        if (usable != varying).any():
            bank, _ = _bank(subjects, other, device, usable)
        mean = np.full(usable.size, np.nan, dtype=np.float32)
        mean[usable] = fit_runs(predictors, bank, alphas=alphas, standardise=False).mean
        reliability.append(mean)
        if progress is not None:
            progress(done, n_splits)
    if unusable:
        warnings.warn(
            f"{unusable} of {reliability[0].size} targets are constant or not finite in some "
            "subject and run; their reliability is NaN.",
            HemiscaleWarning,
            stacklevel=2,
        )
    return np.array(reliability, dtype=np.float32)


def random_halves(n_subjects: int, *, seed: int, split: int) -> tuple[Array, Array]:
    """Draw two halves of the subjects.

    Parameters
    ----------
    n_subjects : int
    seed : int
    split : int
        Number of the split.

    Returns
    -------
    predictors, targets : int arrays
        Ascending, so that the same halves give the same averages to the last bit. Few subjects have
        few different halves: three have three.
    """
    order = np.random.default_rng([seed, split]).permutation(n_subjects)
    return np.sort(order[: n_subjects // 2]), np.sort(order[n_subjects // 2 :])


def _check(subjects: Sequence[Sequence[Array]], n_splits: int) -> None:
    if len(subjects) < 2:
        raise ValueError(f"{len(subjects)} subject(s) given; two halves need at least two.")
    if n_splits < 1:
        raise ValueError(f"n_splits is {n_splits}; at least one is needed.")
    n_runs = {len(subject) for subject in subjects}
    if len(n_runs) != 1:
        raise ValueError(f"Subjects differ in their number of runs: {sorted(n_runs)}.")


def _bank(
    subjects: Sequence[Sequence[Array]], half: Array, device: str, usable: Array | None = None
) -> tuple[TargetBank, Array]:
    """Hold the average of a half, without targets that are not usable; by default: do not vary."""
    targets = _averages(subjects, half)
    if usable is None:
        usable = _varying(targets)
    if not usable.all():
        targets = [run[:, usable] for run in targets]
    return TargetBank(targets, device=device, standardise=False), usable


def _averages(subjects: Sequence[Sequence[Array]], half: Array) -> list[Array]:
    """Average a half, run by run, adding in float64 and holding one subject's run at a time."""
    averages = []
    for run in range(len(subjects[0])):
        total, dtype = None, np.dtype(np.float32)
        for number in half:
            one = np.asarray(subjects[number][run])
            dtype = np.result_type(dtype, one.dtype)
            if total is None:
                total = one.astype(np.float64)
            elif one.shape != total.shape:
                raise ValueError(
                    f"Run {run + 1}: subject {number + 1} has an array of shape {one.shape}, "
                    f"subject {half[0] + 1} one of {total.shape}."
                )
            else:
                total += one
        assert total is not None
        total /= len(half)
        averages.append(total.astype(dtype))
    return averages


def _varying(runs: Sequence[Array]) -> Array:
    """Tell which columns are finite and vary in every run."""
    varying = np.ones(runs[0].shape[1], dtype=bool)
    for run in runs:
        with np.errstate(invalid="ignore"):
            low, high = run.min(axis=0), run.max(axis=0)
        varying &= np.isfinite(low) & np.isfinite(high) & (high > low)
    return varying
