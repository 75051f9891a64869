"""From words to scans: each word is a boxcar, convolved with the haemodynamic response.

Convolution and sampling are linear, so that one matrix per run serves every feature of every
layer of every model: ``design @ activations`` instead of one convolution per feature.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np

from hemiscale.errors import HemiscaleWarning

__all__ = ["HRF_MODELS", "convolved_features", "haemodynamic_kernels", "hrf_design"]

Array = np.ndarray

_GLOVER = {
    "delay": 6.0,
    "undershoot": 12.0,
    "dispersion": 0.9,
    "undershoot_dispersion": 0.9,
    "ratio": 0.48,
}
_SPM = {
    "delay": 6.0,
    "undershoot": 16.0,
    "dispersion": 1.0,
    "undershoot_dispersion": 1.0,
    "ratio": 0.167,
}
_FAMILIES = {"glover": _GLOVER, "spm": _SPM}
_VARIANTS = ("", " + derivative", " + derivative + dispersion")

#: The names that ``hrf_model`` understands; they mean what they mean in nilearn.
HRF_MODELS: tuple[str, ...] = (
    *(family + variant for family in _FAMILIES for variant in _VARIANTS),
    "fir",
)


def _gamma_density(x: Array, shape: float, location: float, scale: float) -> Array:
    """Density of a gamma distribution; zero up to and at ``location`` (``shape`` > 1)."""
    y = (x - location) / scale
    density = np.zeros_like(y)
    positive = y > 0
    y = y[positive]
    density[positive] = np.exp((shape - 1) * np.log(y) - y - math.lgamma(shape)) / scale
    return density


def _difference_of_gammas(
    t_r: float,
    oversampling: int,
    *,
    delay: float,
    undershoot: float,
    dispersion: float,
    undershoot_dispersion: float,
    ratio: float,
    onset: float = 0.0,
    length: float = 32.0,
) -> Array:
    """Sample a peak minus an undershoot on the fine time grid; it sums to one."""
    step = t_r / oversampling
    times = np.linspace(0.0, length, round(length / step)) - onset
    peak = _gamma_density(times, delay / dispersion, step, dispersion)
    dip = _gamma_density(times, undershoot / undershoot_dispersion, step, undershoot_dispersion)
    kernel = peak - ratio * dip
    return kernel / kernel.sum()


def haemodynamic_kernels(
    hrf_model: str,
    t_r: float,
    *,
    oversampling: int = 50,
    fir_delays: Sequence[int] = (1, 2, 3, 4),
) -> list[Array]:
    """Return the responses that a model of the haemodynamics is made of.

    Parameters
    ----------
    hrf_model : str
        One of `HRF_MODELS`.
    t_r : float
        Time between scans, in seconds.
    oversampling : int
        Samples of the fine time grid per scan.
    fir_delays : sequence of int
        For ``"fir"``: delays in scans, one kernel each.

    Returns
    -------
    list of ndarray, each (n_samples,)
        One kernel, or two or three for the models with derivatives.

    Raises
    ------
    ValueError
        Where the model is not known.

    References
    ----------
    Glover (1999), NeuroImage 9, 416-429; Friston et al. (1998), NeuroImage 7, 30-40.
    Parameters and derivatives (0.1 s for time, 0.01 for dispersion) are those of nilearn.
    """
    if hrf_model == "fir":
        box = np.ones(oversampling) / oversampling
        return [np.concatenate([np.zeros(int(d) * oversampling), box]) for d in fir_delays]
    if hrf_model not in HRF_MODELS:
        raise ValueError(f"hrf_model is {hrf_model!r}; expected one of {', '.join(HRF_MODELS)}.")
    parameters = _FAMILIES[hrf_model.split(" ")[0]]
    kernel = _difference_of_gammas(t_r, oversampling, **parameters)
    kernels = [kernel]
    if "derivative" in hrf_model:
        later = _difference_of_gammas(t_r, oversampling, **parameters, onset=0.1)
        kernels.append((kernel - later) / 0.1)
    if "dispersion" in hrf_model:
        # nilearn leaves the undershoot's dispersion at 1 here, for Glover's response too.
        peak = parameters | {"undershoot_dispersion": 1.0}
        wider = peak | {"dispersion": peak["dispersion"] + 0.01}
        difference = _difference_of_gammas(t_r, oversampling, **peak) - _difference_of_gammas(
            t_r, oversampling, **wider
        )
        kernels.append(difference / 0.01)
    return kernels


def _checked_events(onsets: Array, durations: Array) -> tuple[Array, Array]:
    onsets = np.asarray(onsets, dtype=np.float64)
    durations = np.asarray(durations, dtype=np.float64)
    if onsets.ndim != 1 or onsets.shape != durations.shape:
        raise ValueError(
            f"onsets and durations must be vectors of one length; "
            f"their shapes are {onsets.shape} and {durations.shape}."
        )
    bad = np.flatnonzero(~np.isfinite(onsets) | ~np.isfinite(durations) | (durations < 0))
    if bad.size:
        raise ValueError(
            f"Word {bad[0]} has onset {onsets[bad[0]]} and duration {durations[bad[0]]}; "
            f"onsets must be finite and durations zero or more ({bad.size} such words)."
        )
    return onsets, durations


def _scan_times(n_scans: int, t_r: float, slice_time_ref: float) -> Array:
    if n_scans < 2:
        raise ValueError(f"n_scans is {n_scans}; at least two scans are needed.")
    if not t_r > 0:
        raise ValueError(f"t_r is {t_r}; it must be more than zero seconds.")
    if not 0 <= slice_time_ref <= 1:
        raise ValueError(f"slice_time_ref is {slice_time_ref}; it must lie between 0 and 1.")
    return (np.arange(n_scans) + slice_time_ref) * t_r


def _fine_grid(scan_times: Array, oversampling: int, min_onset: float) -> Array:
    """Return the fine time grid, with nilearn's end points and number of samples."""
    n_scans = scan_times.size
    first, last = scan_times.min(), scan_times.max()
    end = last * (1 + 1.0 / (n_scans - 1))
    n_samples = (n_scans - 1) * 1.0 / (last - first) * (end - first - min_onset) * oversampling + 1
    return np.linspace(first + min_onset, end, int(np.rint(n_samples)))


def _step_response(kernel: Array, samples: Array) -> Array:
    """Value, at sample numbers counted from its start, of the response to a lasting step."""
    response = np.concatenate([[0.0], np.cumsum(kernel)])
    return response[np.clip(samples + 1, 0, kernel.size)]


def hrf_design(
    onsets: Array,
    durations: Array,
    n_scans: int,
    t_r: float,
    *,
    hrf_model: str = "glover",
    slice_time_ref: float = 0.5,
    oversampling: int = 50,
    min_onset: float = -24.0,
    fir_delays: Sequence[int] = (1, 2, 3, 4),
) -> Array:
    """Return the matrix that turns a value per word into a value per scan.

    A word is a boxcar from its onset to its offset, with the value as its height. On a fine time
    grid it is convolved with the haemodynamic response and sampled at ``slice_time_ref`` of every
    scan. All this is linear in the values, hence a matrix: one column per word.

    Parameters
    ----------
    onsets, durations : (n_words,) array
        In seconds from the start of the first scan. A duration of zero counts as one sample of
        the fine grid; words past the end of the recording get a column of zeros.
    n_scans : int
        Number of scans.
    t_r : float
        Time between scans, in seconds.
    hrf_model : str
        One of `HRF_MODELS`, with the meaning they have in nilearn.
    slice_time_ref : float
        When in the scan it is sampled, from 0 (start) to 1 (end).
    oversampling : int
        Samples of the fine time grid per scan.
    min_onset : float
        Where the fine grid starts, in seconds relative to the first scan.
    fir_delays : sequence of int
        For ``hrf_model="fir"``: delays in scans.

    Returns
    -------
    (n_scans, n_words) float64 array
        For ``"glover"`` and ``"spm"``: ``design @ activations`` equals nilearn's
        ``compute_regressor`` for every column of ``activations``. For models of several kernels
        (derivatives, FIR): (n_kernels, n_scans, n_words), to be used with `convolved_features`.

    Raises
    ------
    ValueError
        Where an onset or duration is not finite, a duration negative, or the model unknown.

    Notes
    -----
    The response to a boxcar is the difference of two step responses, so that a column costs two
    look-ups per scan and no convolution.
    """
    onsets, durations = _checked_events(onsets, durations)
    scan_times = _scan_times(n_scans, t_r, slice_time_ref)
    grid = _fine_grid(scan_times, oversampling, min_onset)
    early = int(np.count_nonzero(onsets < scan_times[0] + min_onset))
    if early:
        warnings.warn(
            f"{early} of {onsets.size} words start more than {-min_onset:g} s before the first "
            "scan; they are taken to start there.",
            HemiscaleWarning,
            stacklevel=2,
        )
    last_sample = grid.size - 1
    start = np.minimum(np.searchsorted(grid, onsets), last_sample)
    stop = np.minimum(np.searchsorted(grid, onsets + durations), last_sample)
    stop[(stop == start) & (stop < last_sample)] += 1

    # As in nilearn, FIR boxes are read one box later than the grid says.
    shift = oversampling - 1 if hrf_model == "fir" and oversampling > 1 else 0
    read_times = grid[: grid.size - shift]
    upper = np.clip(np.searchsorted(read_times, scan_times), 1, read_times.size - 1)
    lower = upper - 1
    weight = (scan_times - read_times[lower]) / (read_times[upper] - read_times[lower])

    spacing = float(np.min(np.diff(scan_times)))
    kernels = haemodynamic_kernels(
        hrf_model, spacing, oversampling=oversampling, fir_delays=fir_delays
    )
    designs = np.empty((len(kernels), n_scans, onsets.size))
    for kernel, design in zip(kernels, designs, strict=True):
        for scan in range(n_scans):
            below, above = lower[scan] + shift, upper[scan] + shift
            at_lower = _step_response(kernel, below - start) - _step_response(kernel, below - stop)
            at_upper = _step_response(kernel, above - start) - _step_response(kernel, above - stop)
            design[scan] = at_lower + weight[scan] * (at_upper - at_lower)
    return designs[0] if len(kernels) == 1 and hrf_model != "fir" else designs


def convolved_features(design: Array, activations: Array, *, orthogonal: bool = True) -> Array:
    """Turn values per word into values per scan, for designs of one or several kernels.

    Parameters
    ----------
    design : (n_scans, n_words) or (n_kernels, n_scans, n_words) array
        From `hrf_design`.
    activations : (n_words, n_features) array
        A value per word and feature.
    orthogonal : bool
        Make a feature's derivative orthogonal to the feature, and its dispersion to both, as
        nilearn does for all models but FIR. This is not linear, hence no part of the design.

    Returns
    -------
    (n_scans, n_features) or (n_scans, n_kernels * n_features) array
        For several kernels: the columns of the first kernel for all features, then those of the
        second, and so on.
    """
    if design.ndim == 2:
        return design @ activations
    columns = design @ activations
    if orthogonal:
        # One small basis per feature: (n_features, n_scans, number of kernels before this one).
        for kernel in range(1, len(columns)):
            before = np.moveaxis(columns[:kernel], 0, -1).swapaxes(0, 1)
            current = columns[kernel].T[:, :, None]
            weights = np.linalg.pinv(before) @ current
            columns[kernel] -= (before @ weights)[:, :, 0].T
    return np.concatenate(list(columns), axis=1)
