"""The ceiling: how well one half of the listeners predicts the other."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hemiscale.encoding.bank import TargetBank
from hemiscale.encoding.devices import select_backend
from hemiscale.encoding.fit import DEFAULT_ALPHAS, fit_runs
from hemiscale.encoding.kernels import Kernel
from hemiscale.encoding.standardise import varies
from hemiscale.errors import HemiscaleWarning

__all__ = ["intersubject_reliability", "random_halves"]

Array = np.ndarray

#: With this many regressors per scan the dual form takes less work, whatever else.
_WIDE = 2


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
        halves = random_halves(len(subjects), seed=seed, split=split)
        mean = _one_from_the_other(subjects, *halves, alphas, device)
        unusable = max(unusable, int(np.count_nonzero(np.isnan(mean))))
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


def _one_from_the_other(
    subjects: Sequence[Sequence[Array]],
    one: Array,
    other: Array,
    alphas: Sequence[float] | Array,
    device: str,
) -> Array:
    """Predict the average of the half `other` from that of the half `one`: (n_targets,) float32.

    One copy of the data is in memory at a time: the predictors, until their kernel is known, then
    the targets. Hence a look at the targets' first run: what it lacks (voxels outside of a
    listener's own mask lack in all runs) is left out of the predictors at once.
    """
    shapes: dict[int, tuple[int, tuple[int, ...]]] = {}
    predictors, targets = _Average(subjects, one, shapes), _Average(subjects, other, shapes)
    usable = varies(targets.ahead(0))
    while True:
        features, usable = _columns_that_vary(predictors, usable)
        lengths = [len(run) for run in features]
        regressors = _predictors_or_kernel(features, device)
        del features
        bank = TargetBank(targets, lengths=lengths, among=usable, device=device, standardise=False)
        if bank.n_usable == np.count_nonzero(usable):
            break
        # A target is broken in a later run only; it must not predict the others either.
        usable = bank.usable
        del bank
    fit = fit_runs(regressors, bank, alphas=alphas, standardise=False)
    return fit.mean.astype(np.float32)


def _columns_that_vary(runs: Sequence[Array], among: Array) -> tuple[list[Array], Array]:
    """Hold those of the named columns that vary in every run; tell which they are."""
    held = []
    usable = among.copy()
    for number in range(len(runs)):
        held.append(runs[number])
        usable &= varies(held[-1])
    if not usable.any():
        raise ValueError("Every target is constant or not finite in some subject and run.")
    if not usable.all():
        for number, run in enumerate(held):  # one by one: two copies would be too much
            held[number] = run[:, usable]
    return held, usable


def _predictors_or_kernel(features: list[Array], device: str) -> list[Array] | Kernel:
    """Keep few predictors: the primal form may be quicker, and memory is no matter."""
    if features[0].shape[1] < _WIDE * sum(len(run) for run in features):
        return features
    return Kernel.of(features, select_backend(device))


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


class _Average(Sequence[Array]):
    """The average of some subjects, run by run, made when it is asked for.

    Sums are in float64, and one subject's run is in memory beside them.

    Parameters
    ----------
    subjects : sequence over subjects of sequences over runs of (n_scans, n_targets) arrays
    half : (n_half,) int array
        Which of them.
    shapes : dict
        Of each run the first subject that was read and its shape, for all others to agree with.
    """

    def __init__(
        self,
        subjects: Sequence[Sequence[Array]],
        half: Array,
        shapes: dict[int, tuple[int, tuple[int, ...]]],
    ) -> None:
        self._subjects, self._half, self._shapes = subjects, half, shapes
        self._ahead: dict[int, Array] = {}

    def __len__(self) -> int:
        return len(self._subjects[0])

    def ahead(self, run: int) -> Array:
        """Return a run, and keep it for when it is asked for the next time."""
        self._ahead[run] = self._made(run)
        return self._ahead[run]

    def __getitem__(self, run: Any) -> Any:
        return self._ahead.pop(run) if run in self._ahead else self._made(run)

    def _made(self, run: int) -> Array:
        total, dtype = None, np.dtype(np.float32)
        for number in self._half:
            one = np.asarray(self._subjects[number][run])
            first, shape = self._shapes.setdefault(run, (int(number), one.shape))
            if one.shape != shape:
                raise ValueError(
                    f"Run {run + 1}: subject {number + 1} has an array of shape {one.shape}, "
                    f"subject {first + 1} one of {shape}."
                )
            dtype = np.result_type(dtype, one.dtype)
            if total is None:
                total = one.astype(np.float64)
            else:
                total += one
            del one  # before the next is read
        assert total is not None
        total /= len(self._half)
        return total.astype(dtype)
