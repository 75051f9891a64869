"""How sure a mean over runs is, when runs train and choose for each other.

The scores of different runs are not independent. Every run helps to train the models that are
tested on the others, and to choose their layers: a layer that does well on one run by chance is
taken for the others, and the other way round. Their scatter says too little, then; Student's
interval holds the expected score in 82 to 92 % of simulated studies in place of 95 %.

What is missing can be seen by doing everything again without a run. A run's own score and the mean
score of the others, from models and layers that never saw it, are independent. So their covariance
over runs is, but for the sign, that of each score with the means that contain it: the variance of
the mean over runs. That counts what pairs of runs do for each other, but not all of what a run does
to every other alike, as a good run to train on. The jackknife counts all of that, and pairs twice
[1]_. A share of what the jackknife has more than Student is added, 1.6 / n, and 1.6 / 6 with fewer
than six runs. It was found on simulated studies, 2,000 of each kind with four, six and nine runs;
with other random numbers docs/calibration.md shows what the intervals hold. The means without a run
come from nested cross-validation [2]_.

.. [1] Efron & Stein (1981), The jackknife estimate of variance. Annals of Statistics 9.
.. [2] Bates, Hastie & Tibshirani (2024), Cross-validation: what does it estimate and how well does
   it do it? JASA 119.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from hemiscale.analysis.confidence import checked_confidence
from hemiscale.analysis.intervals import Interval, as_units, mean_of_present, t_interval
from hemiscale.analysis.regression import all_equal, fieller_crossing

__all__ = ["interval_over_runs", "line_over_runs"]

_Array = NDArray[np.float64]

_SHARE = 1.6
"""Of the jackknife's excess, over the number of runs."""
_FEW = 6
"""With fewer runs the share grows no more."""


def interval_over_runs(
    values: ArrayLike, without: ArrayLike | None = None, *, confidence: float = 0.95
) -> Interval:
    """Interval for the mean over runs (or blocks of one run) of one subject.

    It says where the score would be expected in other recordings of this subject, made and analysed
    in the same way, and nothing about other people.

    Parameters
    ----------
    values : (n_runs, ...) array
        A value per run; NaN marks a missing one.
    without : (n_runs, ...) array, optional
        For each run, the mean of the *other* runs with everything done without it: models trained
        and layers chosen without that run. Of single layers this is
        ``RunScores.validation_mean``. A column in which it is not known (NaN beside a value) gets
        the correction of Nadeau and Bengio [1]_, which is wider where little is shared.
        Without it runs count as independent, and the interval is Student's: right only for values
        that share neither training data nor a choice.
    confidence : float
        Coverage aimed at.

    Returns
    -------
    Interval
        With Student's quantile for n - 1 degrees of freedom. `method` is ``"nested"``, or ``"t"``.

    References
    ----------
    .. [1] Nadeau & Bengio (2003), Inference for the generalization error. Machine Learning 52.
    """
    checked_confidence(confidence)
    if without is None:
        return t_interval(values, confidence=confidence)
    a, w = as_units(values), np.asarray(without, dtype=np.float64)
    if a.shape != w.shape:
        raise ValueError(f"values {a.shape} and without {w.shape} must have the same shape")
    present = np.isfinite(a)
    n = present.sum(axis=0)
    mean = mean_of_present(a, present, n)
    enough = n > 1
    with np.errstate(invalid="ignore"):
        variance = _variance_of_mean(a - mean, w, present)
    half = stats.t.ppf(0.5 + confidence / 2, np.where(enough, n - 1, 1)) * np.sqrt(variance)
    half = np.where(enough, half, np.nan)
    return Interval(mean, mean - half, mean + half, n.astype(np.int64), "nested")


def _variance_of_mean(
    deviation: NDArray[np.float64], w: NDArray[np.float64], present: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Variance of the mean over the first axis, of what is present."""
    n = np.maximum(present.sum(axis=0), 2)
    known = (np.isfinite(w) | ~present).all(axis=0) & (n > 2)
    a = np.where(present, deviation, 0.0)
    others = np.where(present, w - mean_of_present(w, present, n), 0.0)
    own, both, rest = (
        (x * y).sum(axis=0) / (n - 1) for x, y in ((a, a), (a, others), (others, others))
    )
    # What runs share cannot make them more certain than independent ones.
    nested = np.maximum(_nested(own, both, rest, n), own / n)
    corrected = own * (1 / n + 1 / (n - 1))
    return np.where(known, nested, corrected)


def _nested(own: _Array, both: _Array, rest: _Array, n: _Array | int) -> _Array:
    """Variance of a mean of n from (co)variances over runs: own scores, and the others' means."""
    jackknife = (n - 1) ** 2 / n * rest
    share = _SHARE / np.maximum(n, _FEW)
    return np.asarray(-(n - 1) / n * both + share * (jackknife - own / n))


def line_over_runs(
    predictor: ArrayLike,
    scores: ArrayLike,
    without: ArrayLike,
    *,
    confidence: float = 0.95,
) -> dict[str, float]:
    """Slope and crossing of a law with intervals over runs, these models and subjects as given.

    Parameters
    ----------
    predictor : (n_models,) array
        As it enters the regression (log parameters, or the column itself).
    scores, without : (n_models, n_runs) arrays
        As in `interval_over_runs`; runs without a score for every model are left out.
    confidence : float

    Returns
    -------
    dict
        ``slope_over_runs_low``, ``slope_over_runs_high``, ``crossing_over_runs_low``,
        ``crossing_over_runs_high`` (in units of the predictor; ∓inf where there is no bound) and
        ``n_runs``. NaN where there is no line, scores of all models are equal, or there are fewer
        than two runs.
    """
    checked_confidence(confidence)
    x = np.asarray(predictor, dtype=np.float64)
    a, w = np.asarray(scores, dtype=np.float64), np.asarray(without, dtype=np.float64)
    complete = np.isfinite(a).all(axis=0)
    a, w = a[:, complete], w[:, complete]
    nothing = float("nan")
    names = [f"{what}_over_runs_{end}" for what in ("slope", "crossing") for end in ("low", "high")]
    n_runs = int(complete.sum())
    centred = x - x.mean() if len(x) else x
    spread = float(centred @ centred)
    if len(x) < 2 or n_runs < 2 or not spread > 1e-18 or all_equal(a).all():
        return {**dict.fromkeys(names, nothing), "n_runs": n_runs}
    fitter = np.stack([np.full(len(x), 1 / len(x)), centred / spread])  # height at mean, slope
    lines, left_out = fitter @ a, fitter @ w
    slope = interval_over_runs(lines[1], left_out[1], confidence=confidence)
    low, high = _crossing(lines, left_out, confidence)
    values = (slope.low, slope.high, x.mean() + low, x.mean() + high)
    return {**dict(zip(names, map(float, values), strict=True)), "n_runs": n_runs}


def _crossing(
    lines: NDArray[np.float64], left_out: NDArray[np.float64], confidence: float
) -> tuple[float, float]:
    """Find where lines of height and slope, (2, n_runs), cannot be told from zero.

    Fieller's interval needs the variance of every combination of height and slope. That of
    `interval_over_runs` is the larger of two (with and without what runs share), so that the set
    is the union of two of Fieller's.
    """
    n = lines.shape[1]
    mean = lines.mean(axis=1)
    whole = np.cov(lines, left_out)
    own, both, rest = whole[:2, :2], whole[:2, 2:], whole[2:, 2:]
    if n > 2 and np.isfinite(left_out).all():
        candidates = [own / n, _nested(own, (both + both.T) / 2, rest, n)]
    else:
        candidates = [own * (1 / n + 1 / (n - 1))]
    found = [fieller_crossing(mean[0], mean[1], one, n - 1, confidence) for one in candidates]
    return min(one[1] for one in found), max(one[2] for one in found)
