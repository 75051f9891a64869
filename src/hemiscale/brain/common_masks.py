"""A mask of what is brain in all recordings, where none is given."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from hemiscale.brain.grids import Grid
from hemiscale.brain.homologues import symmetric_mask
from hemiscale.brain.nifti import open_nifti, scan_blocks
from hemiscale.errors import InputError

__all__ = ["agreed_mask", "brain_of_recording", "common_mask"]


def common_mask(
    paths: Iterable[str | Path], grid: Grid, *, share: float = 1.0, symmetric: bool = True
) -> tuple[Any, int]:
    """Make a mask of the voxels that are brain in all recordings, one recording at a time.

    As nilearn's `compute_multi_epi_mask`: a voxel counts as brain in a recording where
    `compute_epi_mask` finds it so in the mean over scans, brought to `grid`; of what enough
    recordings agree on, the largest connected piece is kept. A voxel that is not finite, or never
    changes, in some recording is left out.

    Parameters
    ----------
    paths : iterable of str or Path
        4D NIfTI files of all runs and subjects.
    grid : Grid
        The grid of the analysis; see `symmetric_grid`.
    share : float
        More than this share of the recordings must agree; 1 is all, .5 the paper's.
    symmetric : bool
        Leave out voxels whose mirror image is not in the mask.

    Returns
    -------
    mask_img : Nifti1Image
    n_lost : int
        Voxels that symmetry cost; 0 without it.

    Raises
    ------
    InputError
        Where a file is not whole or holds no brain.
    ValueError
        Where there are no recordings, or nothing is common to them.
    """
    found = (brain_of_recording(path, grid) for path in paths)
    return agreed_mask(found, grid, share=share, symmetric=symmetric)


def agreed_mask(
    found: Iterable[tuple[np.ndarray, np.ndarray]],
    grid: Grid,
    *,
    share: float = 1.0,
    symmetric: bool = True,
) -> tuple[Any, int]:
    """Make the mask of `common_mask` from what was found of each recording.

    Parameters
    ----------
    found : iterable of (brain, alive)
        From `brain_of_recording`, one at a time, in any order.
    grid, share, symmetric
        As for `common_mask`.

    Returns
    -------
    mask_img, n_lost
        As `common_mask`.

    Raises
    ------
    ValueError
        Where there are no recordings, or nothing is common to them.
    """
    from nibabel import Nifti1Image

    if not 0 <= share <= 1:
        raise ValueError(f"share is {share:g} where a number from 0 to 1 is expected")
    votes = np.zeros(grid.shape, dtype=np.int64)
    living = np.ones(grid.shape, dtype=bool)
    n_recordings = 0
    for brain, alive in found:
        votes += brain
        living &= alive
        n_recordings += 1
    if not n_recordings:
        raise ValueError("there are no recordings to make a mask of")
    mask = _largest_piece(votes > min(share, 0.99999) * n_recordings) & living
    if not mask.any():
        raise ValueError(
            f"no voxel is brain in {share:.0%} of the {n_recordings} recordings; "
            "are they all in one space?"
        )
    image = Nifti1Image(mask.astype(np.uint8), grid.matrix)
    return symmetric_mask(image) if symmetric else (image, 0)


def _largest_piece(mask: np.ndarray) -> np.ndarray:
    from scipy.ndimage import label

    pieces, n_pieces = label(mask)
    if n_pieces < 2:
        return mask
    sizes = np.bincount(pieces.ravel())
    return np.asarray(pieces == 1 + sizes[1:].argmax())


def brain_of_recording(path: str | Path, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Tell what is brain in a recording, and what is finite and changes.

    Parameters
    ----------
    path : str or Path
        A 4D NIfTI file.
    grid : Grid

    Returns
    -------
    brain, alive : bool arrays of the shape of the grid

    Raises
    ------
    InputError
        Where the file is not whole or holds no brain.
    """
    from nibabel import Nifti1Image
    from nilearn.image import resample_img
    from nilearn.masking import compute_epi_mask

    image = open_nifti(path, dimensions=4)
    total = np.zeros(image.shape[:3])
    low = np.full(image.shape[:3], np.inf, dtype=np.float32)
    high = -low
    broken = np.zeros(image.shape[:3], dtype=bool)
    for _, block in scan_blocks(path, image):
        finite = np.isfinite(block)
        broken |= ~finite.all(axis=3)
        block[~finite] = 0
        total += block.sum(axis=3, dtype=np.float64)
        np.minimum(low, block.min(axis=3), out=low)
        np.maximum(high, block.max(axis=3), out=high)
    alive = (high > low) & ~broken
    if not alive.any():
        raise InputError(f"{path}: all voxels are zero or constant; the recording is empty.")
    # What never changes is no brain; the resampled share of living voxels must be full.
    mean = Nifti1Image((total / image.shape[3]).astype(np.float32), image.affine)
    living = Nifti1Image(alive.astype(np.float32), image.affine)
    if not Grid.of(image).matches(grid):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Resampling binary images")
            # As scans are resampled, so that the mask is that of the resampled recording; clipped
            # because splines overshoot at the edge of the brain.
            mean, living = (
                resample_img(
                    volume,
                    target_affine=grid.matrix,
                    target_shape=grid.shape,
                    interpolation=interpolation,
                    clip=True,
                )
                for volume, interpolation in ((mean, "continuous"), (living, "linear"))
            )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            brain = np.asarray(compute_epi_mask(mean).dataobj) > 0
    except Exception as error:
        raise InputError(
            f"{path}: no brain can be told from the background "
            f"({str(error).splitlines()[0] if str(error) else type(error).__name__}); "
            "give a mask image."
        ) from None
    return brain, np.asarray(np.asarray(living.dataobj) > 0.999)
