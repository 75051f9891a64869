"""From raw time courses to what is predicted: detrended, high-passed, standardised per run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["average_subject", "clean_time_courses"]


def clean_time_courses(time_courses: np.ndarray, t_r: float, *, high_pass: float) -> np.ndarray:
    """Remove slow drifts with discrete cosines, then standardise.

    The drift model is that of SPM (a cosine basis up to the cut-off), fitted by nilearn.

    Parameters
    ----------
    time_courses : (n_scans, n_targets) array
        One run of one subject.
    t_r : float
        Seconds between scans.
    high_pass : float
        Cut-off period in seconds (128 is usual); 0 removes only the mean and the linear trend.

    Returns
    -------
    (n_scans, n_targets) float64 array
        Each column has mean 0 and standard deviation 1.
    """
    from nilearn.signal import clean

    return np.asarray(
        clean(
            np.asarray(time_courses, dtype=np.float64),
            t_r=t_r,
            detrend=not high_pass,  # the cosine basis comes with its own constant and trend
            standardize="zscore_sample",
            filter="cosine" if high_pass else False,
            high_pass=1 / high_pass if high_pass else None,
        )
    )


def average_subject(subjects: Sequence[np.ndarray]) -> np.ndarray:
    """Average the standardised time courses of several subjects.

    Parameters
    ----------
    subjects : sequence of (n_scans, n_targets) arrays
        One run, each subject cleaned and standardised, so that all weigh the same.

    Returns
    -------
    (n_scans, n_targets) float64 array
        Standardised again.
    """
    mean = np.mean(np.stack([np.asarray(s, dtype=np.float64) for s in subjects]), axis=0)
    mean -= mean.mean(axis=0)
    return mean / mean.std(axis=0, ddof=1)
