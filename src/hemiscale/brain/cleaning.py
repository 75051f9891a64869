"""From raw time courses to what is predicted: detrended, high-passed, standardised per run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

__all__ = ["average_subject", "clean_time_courses"]

Drift = Literal["cosine", "butterworth"]


def clean_time_courses(
    time_courses: np.ndarray,
    t_r: float,
    *,
    high_pass: float,
    drift: Drift = "cosine",
    confounds: np.ndarray | None = None,
) -> np.ndarray:
    """Remove slow drifts and confounds, then standardise; nilearn does the work.

    Parameters
    ----------
    time_courses : (n_scans, n_targets) array
        One run of one subject.
    t_r : float
        Seconds between scans.
    high_pass : float
        Cut-off period in seconds (128 is usual); 0 removes only the mean and the linear trend.
    drift : str
        ``"cosine"``: regression on a cosine basis up to the cut-off, as in SPM.
        ``"butterworth"``: linear detrending and a Butterworth filter of order 5, forwards and
        backwards; this is what nilearn's maskers do and what Bonnasse-Gahot and Pallier 2024 used.
    confounds : (n_scans, n_confounds) array, optional
        Regressed out at the same time, after the same filter.

    Returns
    -------
    (n_scans, n_targets) float64 array
        Each column has mean 0 and standard deviation 1.

    Raises
    ------
    ValueError
        Where the confounds have another length, or leave no degrees of freedom.
    """
    from nilearn.signal import clean

    values = np.asarray(time_courses, dtype=np.float64)
    regressors = _confounds(confounds, len(values))
    cosine = drift == "cosine" and bool(high_pass)
    if high_pass and drift == "butterworth" and regressors is None:
        return _filtered(values, t_r, high_pass)
    return np.asarray(
        clean(
            values,
            t_r=t_r,
            detrend=not cosine,  # the cosine basis follows trends as well
            standardize="zscore_sample",
            filter=drift if high_pass else False,
            high_pass=1 / high_pass if high_pass else None,
            confounds=regressors,
        )
    )


def _filtered(values: np.ndarray, t_r: float, high_pass: float) -> np.ndarray:
    """Do as `clean` does with a Butterworth filter, which there takes one column at a time."""
    from nilearn.signal import butterworth, clean

    detrended = clean(values, detrend=True, standardize=None)
    filtered = butterworth(detrended, sampling_rate=1 / t_r, high_pass=1 / high_pass, copy=True)
    return np.asarray(clean(filtered, detrend=False, standardize="zscore_sample"))


def _confounds(confounds: np.ndarray | None, n_scans: int) -> np.ndarray | None:
    if confounds is None:
        return None
    regressors = np.asarray(confounds, dtype=np.float64)
    if regressors.ndim != 2 or len(regressors) != n_scans:
        raise ValueError(f"confounds are {regressors.shape} where ({n_scans}, n) is expected")
    regressors = regressors[:, np.ptp(regressors, axis=0) > 0]  # a constant explains nothing
    if regressors.shape[1] >= n_scans - 1:
        raise ValueError(f"{regressors.shape[1]} confounds leave nothing of {n_scans} scans")
    # Centred, so that the mean of the signal is not taken for theirs.
    return regressors - regressors.mean(axis=0) if regressors.shape[1] else None


def average_subject(subjects: Iterable[np.ndarray]) -> np.ndarray:
    """Average the standardised time courses of several subjects, one at a time.

    Parameters
    ----------
    subjects : iterable of (n_scans, n_targets) arrays
        One run, each subject cleaned and standardised, so that all weigh the same. They are added
        up in float64 as they come; no two need be in memory together.

    Returns
    -------
    (n_scans, n_targets) float64 array
        Standardised again.

    Raises
    ------
    ValueError
        Where there is no subject, or one has another shape.
    """
    total: np.ndarray | None = None
    n_subjects = 0
    for subject in subjects:
        values = np.asarray(subject)
        if total is None:
            total = np.zeros(values.shape)
        if values.shape != total.shape:
            raise ValueError(
                f"subject {n_subjects + 1} is {values.shape} where the others are {total.shape}"
            )
        total += values
        n_subjects += 1
    if total is None:
        raise ValueError("there is no subject to average")
    total /= n_subjects
    total -= total.mean(axis=0)
    total /= total.std(axis=0, ddof=1)
    return total
