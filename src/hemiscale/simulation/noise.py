"""Noise as recordings have it: smooth in space, autocorrelated in time, with slow drifts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse, spatial

__all__ = ["SmoothNoise", "drifts"]

# A Gaussian kernel is cut where it has fallen to 4 % of its peak.
_CUT = 2.5


class SmoothNoise:
    """Gaussian noise with unit variance, smooth in space and of first order in time.

    Parameters
    ----------
    coordinates : (n_voxels, 3) array
        Places of the voxels, in mm.
    fwhm : float
        Full width at half maximum of the smoothing kernel, in mm; 0 for none. The correlation of
        two voxels then falls with their distance like a Gaussian that is √2 as wide.
    autocorrelation : float
        Correlation of neighbouring scans, from 0 to below 1.

    Raises
    ------
    ValueError
        If a value is out of range.
    """

    def __init__(
        self, coordinates: ArrayLike, *, fwhm: float = 8.0, autocorrelation: float = 0.4
    ) -> None:
        places = np.asarray(coordinates, dtype=np.float64)
        if places.ndim != 2 or places.shape[1] != 3:
            raise ValueError(f"coordinates must be (n_voxels, 3), got {places.shape}")
        if fwhm < 0 or not 0 <= autocorrelation < 1:
            raise ValueError("fwhm must not be negative, autocorrelation from 0 to below 1")
        self.n_voxels = len(places)
        self.autocorrelation = autocorrelation
        self._smoother = _smoother(places, fwhm / np.sqrt(8 * np.log(2)))

    def maps(self, generator: np.random.Generator, n_maps: int) -> NDArray[np.float32]:
        """Draw smooth maps, (n_maps, n_voxels), each voxel with unit variance over draws."""
        white = generator.standard_normal((self.n_voxels, n_maps), dtype=np.float32)
        if self._smoother is None:
            return np.ascontiguousarray(white.T)
        return np.ascontiguousarray((self._smoother @ white).T)

    def time_courses(self, generator: np.random.Generator, n_scans: int) -> NDArray[np.float32]:
        """Draw a recording of noise, (n_scans, n_voxels), unit variance and no trend."""
        return autoregressive(self.maps(generator, n_scans), self.autocorrelation)


def autoregressive(white: NDArray[np.float32], autocorrelation: float) -> NDArray[np.float32]:
    """Give white noise of unit variance, scans first, a correlation between neighbouring scans."""
    if autocorrelation == 0:
        return white
    driven = white * np.float32(np.sqrt(1 - autocorrelation**2))
    driven[0] = white[0]  # the first scan already has the variance of all others
    # Scan by scan, all voxels at once: many times faster than a filter along the first axis.
    weight = np.float32(autocorrelation)
    for scan in range(1, len(driven)):
        driven[scan] += weight * driven[scan - 1]
    return driven


def drifts(n_scans: int, t_r: float, *, shortest: float = 200.0) -> NDArray[np.float32]:
    """Slow courses that a scanner adds: a line and cosines with long periods.

    Parameters
    ----------
    n_scans : int
    t_r : float
        Seconds.
    shortest : float
        Shortest period in seconds.

    Returns
    -------
    (n_drifts, n_scans) float32 array
        Each of unit variance.
    """
    n_cosines = max(int(2 * n_scans * t_r / shortest), 1)
    times = (np.arange(n_scans) + 0.5) / n_scans
    courses = [times - times.mean()]
    courses += [np.cos(np.pi * k * times) for k in range(1, n_cosines + 1)]
    rows = np.stack(courses)
    return (rows / np.maximum(rows.std(axis=1, keepdims=True), 1e-12)).astype(np.float32)


def _smoother(places: NDArray[np.float64], sd: float) -> sparse.csr_matrix | None:
    """Kernel weights between neighbours; rows of unit length keep the variance at one."""
    if sd == 0:
        return None
    near = spatial.cKDTree(places).query_pairs(_CUT * sd, output_type="ndarray")
    own = np.arange(len(places))
    rows = np.concatenate([near[:, 0], near[:, 1], own])
    columns = np.concatenate([near[:, 1], near[:, 0], own])
    squares = ((places[rows] - places[columns]) ** 2).sum(axis=1)
    weights = np.exp(-squares / (2 * sd**2))
    length = np.sqrt(np.bincount(rows, weights**2, minlength=len(places)))
    data = (weights / length[rows]).astype(np.float32)
    return sparse.csr_matrix((data, (rows, columns)), shape=(len(places), len(places)))
