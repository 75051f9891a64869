"""Where the voxels of an image lie, and grids that are symmetric about the midline."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np

__all__ = ["Grid", "resample_mask", "symmetric_grid", "voxel_coordinates"]


@dataclass(frozen=True)
class Grid:
    """Shape of an image in space and the affine that maps voxel indices to millimetres.

    Parameters
    ----------
    shape : tuple of three ints
    affine : (4, 4) nested tuple of floats
        Can be compared and hashed; `matrix` is the same as an array.
    """

    shape: tuple[int, int, int]
    affine: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, image: Any) -> Grid:
        """Read the grid of an image (the first three dimensions of it).

        Parameters
        ----------
        image : nibabel image

        Returns
        -------
        Grid
        """
        affine = np.asarray(image.affine, dtype=np.float64)
        x, y, z = (int(n) for n in image.shape[:3])
        return cls((x, y, z), tuple(tuple(row) for row in affine.tolist()))

    @property
    def matrix(self) -> np.ndarray:
        """The affine as a (4, 4) float64 array."""
        return np.array(self.affine)

    @property
    def voxel_size(self) -> tuple[float, ...]:
        """Edge lengths of a voxel in millimetres."""
        return tuple(np.linalg.norm(self.matrix[:3, :3], axis=0).tolist())

    def matches(self, other: Grid, *, tolerance: float = 1e-3) -> bool:
        """Tell whether two grids are the same.

        Parameters
        ----------
        other : Grid
        tolerance : float
            Millimetres (and millimetres per voxel) by which the affines may differ.

        Returns
        -------
        bool
        """
        return self.shape == other.shape and bool(
            np.abs(self.matrix - other.matrix).max() <= tolerance
        )

    def corners(self) -> np.ndarray:
        """World coordinates of the centres of the eight corner voxels, (8, 3)."""
        indices = np.array(list(product(*((0, n - 1) for n in self.shape))), dtype=np.float64)
        return indices @ self.matrix[:3, :3].T + self.matrix[:3, 3]

    def __str__(self) -> str:
        size = " x ".join(f"{edge:.3g}" for edge in self.voxel_size)
        return f"{' x '.join(map(str, self.shape))} voxels of {size} mm"


def voxel_coordinates(mask_img: Any) -> np.ndarray:
    """World coordinates of the voxels of a mask, in the order of the masked array.

    Parameters
    ----------
    mask_img : Niimg-like

    Returns
    -------
    (n_voxels, 3) float64 array
        Millimetres; x grows to the right.
    """
    from nilearn.image import load_img

    image = load_img(mask_img)
    affine = np.asarray(image.affine, dtype=np.float64)
    return np.argwhere(np.asarray(image.dataobj) > 0) @ affine[:3, :3].T + affine[:3, 3]


def symmetric_grid(image: Any, *, voxel_size: float | Sequence[float] = 4.0) -> Grid:
    """Lay a grid over an image that maps onto itself under x -> -x.

    The grid is not oblique, its first axis runs from left to right, and one plane of voxel centres
    lies on x = 0. It covers the image, and as much on the other side of the midline.

    Parameters
    ----------
    image : Niimg-like
        Only where its voxels lie matters.
    voxel_size : float or three floats
        Millimetres.

    Returns
    -------
    Grid

    Raises
    ------
    ValueError
        Where a voxel size is not positive.
    """
    from nilearn.image import load_img

    size = np.broadcast_to(np.asarray(voxel_size, dtype=np.float64), (3,))
    if not (size > 0).all():
        raise ValueError(f"voxel size {voxel_size} where positive millimetres are expected")
    corners = Grid.of(load_img(image)).corners()
    low, high = corners.min(axis=0), corners.max(axis=0)
    reach = int(np.ceil(max(-low[0], high[0], 0) / size[0] - 1e-6))
    # Whole voxel sizes from the origin, so that images of one space fall on one grid.
    first = np.floor(low / size + 1e-6)
    last = np.ceil(high / size - 1e-6)
    shape = (last - first).astype(int) + 1
    affine = np.diag([*size, 1.0])
    affine[:3, 3] = first * size
    affine[0, 3] = -reach * size[0]
    return Grid(
        (2 * reach + 1, int(shape[1]), int(shape[2])), tuple(tuple(row) for row in affine.tolist())
    )


def resample_mask(
    mask_img: Any, grid: Grid, *, interpolation: Literal["nearest", "linear"] = "linear"
) -> Any:
    """Bring a mask, oblique or not, to another grid.

    Parameters
    ----------
    mask_img : Niimg-like
    grid : Grid
    interpolation : str
        ``"linear"`` takes a voxel in where at least half of it is in the mask; ``"nearest"`` where
        the nearest voxel is.

    Returns
    -------
    Nifti1Image
        Zeros and ones.
    """
    from nibabel import Nifti1Image
    from nilearn.image import load_img, resample_img

    image = load_img(mask_img)
    mask = (np.asarray(image.dataobj) > 0).astype(np.float32)
    if not Grid.of(image).matches(grid):
        with warnings.catch_warnings():
            # nilearn doubts that one wants shares of a mask; here they are cut at one half.
            warnings.filterwarnings("ignore", message="Resampling binary images")
            moved = resample_img(
                Nifti1Image(mask, image.affine),
                target_affine=grid.matrix,
                target_shape=grid.shape,
                interpolation=interpolation,
            )
        mask = np.asarray(moved.dataobj)
    return Nifti1Image((mask >= 0.5).astype(np.uint8), grid.matrix)
