"""From words to scans without a fixed response: Lanczos resampling and delayed copies.

Language encoding studies often sample the words' values at the scans' times with a Lanczos filter
and let the ridge regression find the response from copies of the features, each some scans late.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["delayed", "delayed_design", "lanczos_design"]

Array = np.ndarray


def lanczos_design(
    times: Array,
    n_scans: int,
    t_r: float,
    *,
    window: int = 3,
    cutoff: float = 1.0,
    slice_time_ref: float = 0.5,
) -> Array:
    """Return the matrix that resamples a value per word to a value per scan.

    Every word is a point in time; a scan takes the words around it with the weights
    ``sinc(t) sinc(t / window)``, t being the distance in scans times `cutoff`.

    Parameters
    ----------
    times : (n_words,) array
        Usually the middle of each word, in seconds from the start of the first scan.
    n_scans : int
    t_r : float
        Time between scans, in seconds.
    window : int
        Lobes of the filter on each side.
    cutoff : float
        Cut-off frequency as a multiple of the scans' frequency.
    slice_time_ref : float
        When in the scan it is sampled, from 0 (start) to 1 (end).

    Returns
    -------
    (n_scans, n_words) float64 array
        To be followed by `delayed`.

    Raises
    ------
    ValueError
        Where a time is not finite or a number makes no sense.

    References
    ----------
    Huth et al. (2016), Nature 532, 453-458: three lobes, cut-off at the scans' frequency.
    """
    times = np.asarray(times, dtype=np.float64)
    if times.ndim != 1 or not np.isfinite(times).all():
        raise ValueError("times must be a vector of finite numbers of seconds.")
    if n_scans < 1 or window < 1 or not t_r > 0 or not cutoff > 0 or not 0 <= slice_time_ref <= 1:
        raise ValueError(
            f"n_scans is {n_scans}, t_r {t_r}, window {window}, cutoff {cutoff}, slice_time_ref "
            f"{slice_time_ref}; the first four must be above zero and the last from 0 to 1."
        )
    scans = (np.arange(n_scans) + slice_time_ref) * t_r
    distance = (scans[:, None] - times) * (cutoff / t_r)
    return np.where(np.abs(distance) <= window, np.sinc(distance) * np.sinc(distance / window), 0.0)


def delayed(features: Array, delays: Sequence[int] = (1, 2, 3, 4)) -> Array:
    """Put copies of one run's features side by side, each some scans late.

    Parameters
    ----------
    features : (n_scans, n_features) array
        One run: nothing may pass from one run into another.
    delays : sequence of int
        In scans; a negative one looks ahead.

    Returns
    -------
    (n_scans, n_delays * n_features) array
        All features with the first delay, then all with the second, and so on. Scans before the
        first one (or after the last) count as zero.
    """
    n_scans = len(features)
    copies = []
    for delay in delays:
        copy = np.zeros_like(features)
        if abs(delay) < n_scans:
            into = slice(max(delay, 0), n_scans + min(delay, 0))
            out_of = slice(max(-delay, 0), n_scans - max(delay, 0))
            copy[into] = features[out_of]
        copies.append(copy)
    return np.concatenate(copies, axis=1)


def delayed_design(design: Array, delays: Sequence[int] = (1, 2, 3, 4)) -> Array:
    """Stack copies of a run's design matrix, each some scans late.

    Parameters
    ----------
    design : (n_scans, n_words) array
        From `lanczos_design`, say.
    delays : sequence of int
        See `delayed`.

    Returns
    -------
    (n_delays, n_scans, n_words) array
        ``convolved_features(stack, activations, orthogonal=False)`` is
        ``delayed(design @ activations, delays)``.
    """
    return np.stack([delayed(design, [delay]) for delay in delays])
