"""Is a score above chance? Shifted time, and corrections for many voxels.

The plain p of Pearson's r takes scans as independent. They are not: signals and predictions are
both smooth in time, so chance correlations are larger than it says. Here chance is measured: the
prediction is set against the signal shifted in time, which keeps everything but their alignment.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

__all__ = [
    "ShiftTest",
    "VoxelTest",
    "false_discovery_rate",
    "shift_test",
    "voxels_as_independent_test",
]

# With this many times as many different shifts as draws, hardly any is drawn twice.
_HARDLY_EVER_TWICE = 1000


@dataclass(frozen=True)
class ShiftTest:
    """Scores against those of shifted time.

    Attributes
    ----------
    scores : (n_targets,) array
        Pearson r, mean over runs.
    p : (n_targets,) array
        One-sided: how often a shift scores at least as high.
    p_over_all : (n_targets,) array
        The same against the highest target of each shift: holds for all targets at once
        (family-wise), whatever their correlation.
    p_mean : float
        Of the mean over targets.
    n_shifts : int
        Different shifts that p rests on: as many as were asked for, or all there are.
    notes : tuple of str
        What cannot be said.
    """

    scores: NDArray[np.float64]
    p: NDArray[np.float64]
    p_over_all: NDArray[np.float64]
    p_mean: float
    n_shifts: int
    notes: tuple[str, ...] = ()


def shift_test(
    predictions: Sequence[ArrayLike],
    targets: Sequence[ArrayLike],
    *,
    n_shifts: int = 1000,
    shortest: int = 10,
    seed: int = 0,
) -> ShiftTest:
    """Compare scores with those of circularly shifted signals.

    In each draw every run is shifted by its own number of scans, the same for all targets, so that
    their spatial correlation stays as it is; all shifts of a run come from one Fourier transform.

    For p to be right for short recordings too, a run may also stay in place, as long as not all do
    (else draws would have more in common with each other than with the truth: with two runs of 60
    scans p would be .002 or less in .5 % of cases), and the same shifts of all runs are not drawn
    again (else p would get smaller than the number of different shifts allows).

    Parameters
    ----------
    predictions, targets : lists over runs of (n_scans_r, n_targets) arrays
        Predicted and measured signals of left-out runs.
    n_shifts : int
        Draws. Where there are fewer different shifts (a single run has fewer than scans), all of
        them are taken, and `notes` says so.
    shortest : int
        Least shift, in scans, either way: a shorter one leaves part of the alignment.
    seed : int

    Returns
    -------
    ShiftTest
        p is never 0: the true alignment counts as one of the draws.

    Raises
    ------
    ValueError
        If the runs do not match, or one is too short to be shifted, or no draw is asked for.
    """
    if n_shifts < 1:
        raise ValueError(f"n_shifts must be 1 or more, got {n_shifts}")
    if len(predictions) != len(targets) or not len(targets):
        raise ValueError("predictions and targets must be lists over the same runs, at least one")
    at_lag = [
        _correlation_at_every_shift(np.asarray(p, float), np.asarray(y, float), k, shortest)
        for k, (p, y) in enumerate(zip(predictions, targets, strict=True))
    ]
    scores = np.mean([r[0] for r in at_lag], axis=0)
    known = np.isfinite(scores)
    lags = _lags([len(r) for r in at_lag], shortest, n_shifts, seed)
    asked_for, n_shifts = n_shifts, lags.shape[1]
    as_high = np.zeros(scores.shape)
    all_as_high = np.zeros(scores.shape)
    mean_as_high = 0
    at_once = max(1, 4_000_000 // max(len(scores), 1))  # draws held in memory together
    for start in range(0, n_shifts if known.any() else 0, at_once):
        part = slice(start, start + at_once)
        null = np.mean([r[lag[part]] for r, lag in zip(at_lag, lags, strict=True)], axis=0)
        as_high += (null >= scores).sum(axis=0)
        highest = null[:, known].max(axis=1)
        all_as_high[known] += (highest[:, None] >= scores[known]).sum(axis=0)
        mean_as_high += int((null[:, known].mean(axis=1) >= scores[known].mean()).sum())
    return ShiftTest(
        scores=scores,
        p=np.where(known, (1 + as_high) / (1 + n_shifts), np.nan),
        p_over_all=np.where(known, (1 + all_as_high) / (1 + n_shifts), np.nan),
        p_mean=(1 + mean_as_high) / (1 + n_shifts) if known.any() else float("nan"),
        n_shifts=n_shifts,
        notes=(_few_shifts(n_shifts, asked_for),) if n_shifts < asked_for else (),
    )


def false_discovery_rate(p: ArrayLike, *, dependence: str = "positive") -> NDArray[np.float64]:
    """Adjust p-values for the false discovery rate; NaN stays NaN and does not count.

    Parameters
    ----------
    p : array of p-values
    dependence : {"positive", "any"}
        ``"positive"``: Benjamini & Hochberg (1995), valid for independent and positively dependent
        tests, such as neighbouring voxels. ``"any"``: Benjamini & Yekutieli (2001).

    Returns
    -------
    float64 array
        q-values: the least rate at which each test counts as a discovery.
    """
    if dependence not in {"positive", "any"}:
        raise ValueError(f"dependence must be 'positive' or 'any', got {dependence!r}")
    values = np.asarray(p, dtype=np.float64)
    known = np.isfinite(values)
    q = np.full(values.shape, np.nan)
    if known.any():
        method: Literal["bh", "by"] = "bh" if dependence == "positive" else "by"
        q[known] = stats.false_discovery_control(values[known], method=method)
    return q


@dataclass(frozen=True)
class VoxelTest:
    """A t-test with voxels as if they were independent: for comparison with published figures only.

    Attributes
    ----------
    difference : float
    t, p : float
    n_voxels : int
    """

    difference: float
    t: float
    p: float
    n_voxels: int


def voxels_as_independent_test(left: ArrayLike, right: ArrayLike) -> VoxelTest:
    """Test left against right over voxels, as published: **not** a valid test.

    Neighbouring voxels share their noise, so p is far too small, the more so the smoother the data;
    and nothing is said about other runs, listeners or models. It is here so that published figures
    can be compared; `asymmetry` and `scaling_law` have the intervals to trust.

    Parameters
    ----------
    left, right : (n_voxels,) arrays
        Scores of homologous voxels; a pair with a missing side is left out.

    Returns
    -------
    VoxelTest
        Paired t-test.
    """
    a, b = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"left and right must be lists of equal length, got {a.shape}, {b.shape}")
    known = np.isfinite(a - b)
    n = int(known.sum())
    if n < 2:
        return VoxelTest(float("nan"), float("nan"), float("nan"), n)
    found = stats.ttest_rel(a[known], b[known])
    return VoxelTest(float((a - b)[known].mean()), float(found.statistic), float(found.pvalue), n)


def _lags(n_scans: Sequence[int], shortest: int, n_shifts: int, seed: int) -> NDArray[np.int64]:
    """Draw a lag of each run, (n_runs, n), not all of them zero; all where there are fewer."""
    places = [np.r_[0, shortest : n - shortest + 1] for n in n_scans]
    sizes = [len(one) for one in places]
    n_different = math.prod(sizes) - 1
    generator = np.random.default_rng(seed)
    if n_different <= n_shifts:
        drawn = np.unravel_index(1 + np.arange(n_different), sizes)
    elif n_different < _HARDLY_EVER_TWICE * n_shifts:
        numbers = generator.choice(n_different, n_shifts, replace=False)
        drawn = np.unravel_index(1 + numbers, sizes)
    else:
        drawn = tuple(generator.integers(0, size, size=n_shifts) for size in sizes)
    return np.stack([one[k] for one, k in zip(places, drawn, strict=True)])


def _few_shifts(n_different: int, asked_for: int) -> str:
    """Say in a sentence what few different shifts mean for p."""
    sentence = (
        f"The recording has {n_different} different shifts in time, fewer than the {asked_for} "
        f"asked for: all of them were taken, and p is at least {1 / (1 + n_different):.2g}"
    )
    if n_different < 19:
        return f"{sentence}, so that no score can be told from chance at the 5 % level."
    return f"{sentence}."


def _correlation_at_every_shift(
    prediction: NDArray[np.float64], target: NDArray[np.float64], run: int, shortest: int
) -> NDArray[np.float64]:
    """Pearson r of the prediction with the target shifted by 0, 1, 2, ... scans, (n_scans, n)."""
    if prediction.shape != target.shape or target.ndim != 2:
        raise ValueError(
            f"run {run + 1}: predictions {prediction.shape} and targets {target.shape} must be "
            "(scans, targets) arrays of the same shape"
        )
    n_scans = len(target)
    if n_scans < 2 * shortest + 1:
        raise ValueError(
            f"run {run + 1}: {n_scans} scans are too few for shifts of at least {shortest}"
        )
    p = prediction - prediction.mean(axis=0)
    y = target - target.mean(axis=0)
    size = np.sqrt((p**2).sum(axis=0) * (y**2).sum(axis=0))
    spectrum = np.fft.rfft(p, axis=0) * np.conj(np.fft.rfft(y, axis=0))
    product = np.fft.irfft(spectrum, n=n_scans, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(size > 0, product / size, np.nan)
