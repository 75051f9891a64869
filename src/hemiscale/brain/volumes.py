"""From the volumes of one run to a clean (n_scans, n_voxels) array on the grid of the mask."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from hemiscale.brain.cleaning import Drift, clean_time_courses
from hemiscale.brain.grids import Grid
from hemiscale.brain.nifti import open_nifti, scan_blocks
from hemiscale.errors import InputError

__all__ = ["Cleaning", "clean_volumes", "masked_scans", "whole_volumes"]


@dataclass(frozen=True)
class Cleaning:
    """How volumes become time courses.

    Attributes
    ----------
    t_r : float
        Seconds between scans.
    high_pass : float
        Cut-off period in seconds; 0: only the mean and the linear trend go.
    drift : str
        ``"cosine"`` or ``"butterworth"`` (the paper's); see `clean_time_courses`.
    smoothing : float or None
        Full width at half maximum of a Gaussian, in millimetres (4 for the paper's individuals).
    interpolation : str
        Where the recording is on another grid than the mask: ``"continuous"`` (third-order
        splines, nilearn's default), ``"linear"`` (several times faster) or ``"nearest"``.
    """

    t_r: float
    high_pass: float = 128.0
    drift: Drift = "cosine"
    smoothing: float | None = None
    interpolation: Literal["continuous", "linear", "nearest"] = "continuous"


def clean_volumes(
    path: str | Path, mask_img: Any, cleaning: Cleaning, *, confounds: np.ndarray | None = None
) -> np.ndarray:
    """Read one run of one subject: resampled, smoothed, masked, cleaned, standardised.

    Parameters
    ----------
    path : str or Path
        A 4D NIfTI file.
    mask_img : Niimg-like
        Its grid is the grid of the analysis.
    cleaning : Cleaning
    confounds : (n_scans, n_confounds) array, optional
        Regressed out.

    Returns
    -------
    (n_scans, n_voxels) float32 array
        In the order of the masked array; mean 0 and standard deviation 1 in each column.

    Raises
    ------
    InputError
        Where the file is not whole, or voxels of the mask are not finite or never change.
    """
    scans = masked_scans(
        path, mask_img, smoothing=cleaning.smoothing, interpolation=cleaning.interpolation
    )
    if confounds is not None and len(confounds) != len(scans):
        raise InputError(
            f"{path}: has {len(scans)} scans but there are {len(confounds)} rows of confounds."
        )
    cleaned = clean_time_courses(
        scans,
        cleaning.t_r,
        high_pass=cleaning.high_pass,
        drift=cleaning.drift,
        confounds=confounds,
    )
    return cleaned.astype(np.float32)


def masked_scans(
    path: str | Path,
    mask_img: Any,
    *,
    smoothing: float | None = None,
    interpolation: Literal["continuous", "linear", "nearest"] = "continuous",
) -> np.ndarray:
    """Read the voxels of a mask from one run, a few scans at a time.

    Parameters
    ----------
    path : str or Path
        A 4D NIfTI file.
    mask_img : Niimg-like
    smoothing : float, optional
        Full width at half maximum in millimetres, after resampling.
    interpolation : str
        Used only where the grids differ.

    Returns
    -------
    (n_scans, n_voxels) float32 array
        In the units of the file.

    Raises
    ------
    InputError
        Where the file is not whole, or voxels of the mask are not finite or never change.
    """
    from nilearn.image import load_img

    mask = load_img(mask_img)
    inside = np.asarray(mask.dataobj) > 0
    if inside.ndim != 3 or not inside.any():
        raise ValueError("the mask must be one volume with at least one voxel in it")
    grid = Grid.of(mask)
    image = open_nifti(path, dimensions=4)
    resample = not Grid.of(image).matches(grid)
    values = np.empty((image.shape[3], int(inside.sum())), dtype=np.float32)
    broken = np.zeros(image.shape[:3], dtype=bool)
    for scans, block in scan_blocks(path, image):
        finite = np.isfinite(block)
        if not finite.all():
            # Outside the mask this is usual; inside it is told below.
            broken |= ~finite.all(axis=3)
            block[~finite] = 0
        if resample or smoothing:
            block = _moved(block, image, grid if resample else None, smoothing, interpolation)
        values[scans] = block[inside].T
    problem = _broken_voxels(path, broken, image, mask) or _still_voxels(path, values, mask)
    if problem:
        raise InputError(problem)
    return values


def whole_volumes(path: str | Path) -> None:
    """Read a recording through, a few scans at a time, where there is no mask to look into.

    Parameters
    ----------
    path : str or Path
        A 4D NIfTI file.

    Raises
    ------
    InputError
        Where the file is not whole, or all its voxels are constant.
    """
    alive = False
    first: np.ndarray | None = None
    for _, block in scan_blocks(path, open_nifti(path, dimensions=4)):
        first = block[..., 0].copy() if first is None else first
        # NaN differs from everything: what is not finite is no sign of life.
        alive = alive or bool((np.isfinite(block) & (block != first[..., None])).any())
    if not alive:
        raise InputError(f"{path}: all voxels are zero or constant; the recording is empty.")


def _moved(
    block: np.ndarray, image: Any, grid: Grid | None, smoothing: float | None, interpolation: str
) -> np.ndarray:
    from nibabel import Nifti1Image
    from nilearn.image import resample_img, smooth_img

    volumes = Nifti1Image(block, image.affine)
    with warnings.catch_warnings():
        # Counts and masks are resampled on purpose where they come.
        warnings.filterwarnings("ignore", message="Resampling binary images")
        if grid is not None:
            volumes = resample_img(
                volumes,
                target_affine=grid.matrix,
                target_shape=grid.shape,
                interpolation=interpolation,
                # Clipping to the range of the data would depend on how many scans are read at once.
                clip=False,
            )
        if smoothing:
            volumes = smooth_img(volumes, smoothing)
    return np.asarray(volumes.dataobj)


def _broken_voxels(path: str | Path, broken: np.ndarray, image: Any, mask: Any) -> str | None:
    if not broken.any():
        return None
    grid = Grid.of(mask)
    if not Grid.of(image).matches(grid):
        from nibabel import Nifti1Image
        from nilearn.image import resample_img

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Resampling binary images")
            share = resample_img(
                Nifti1Image(broken.astype(np.float32), image.affine),
                target_affine=grid.matrix,
                target_shape=grid.shape,
                interpolation="linear",
            )
        broken = np.asarray(share.dataobj) > 1e-3  # its neighbours count among them
    inside = np.asarray(mask.dataobj) > 0
    where = np.argwhere(broken & inside)
    if not len(where):
        return None
    return (
        f"{path}: {len(where)} of {inside.sum()} voxels of the mask hold values that are not "
        f"finite (NaN or infinity), the first at {_place(where[0], grid)}; "
        "leave those voxels out of the mask or repair the recording."
    )


def _still_voxels(path: str | Path, values: np.ndarray, mask: Any) -> str | None:
    still = np.flatnonzero(np.ptp(values, axis=0) == 0)
    n_voxels = values.shape[1]
    if not len(still):
        return None
    if len(still) == n_voxels:
        what = "zero" if not values.any() else "constant"
        return f"{path}: all voxels of the mask are {what}; the recording is empty."
    first = np.argwhere(np.asarray(mask.dataobj) > 0)[still[0]]
    zero = "are zero in all scans" if not values[:, still].any() else "never change"
    return (
        f"{path}: {len(still)} of {n_voxels} voxels of the mask {zero}, the first at "
        f"{_place(first, Grid.of(mask))}; use a mask common to all recordings (common_mask), "
        "or is the mask in another space?"
    )


def _place(voxel: np.ndarray, grid: Grid) -> str:
    x, y, z = grid.matrix[:3, :3] @ voxel + grid.matrix[:3, 3]
    return f"({x:g}, {y:g}, {z:g}) mm"
