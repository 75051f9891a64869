"""Which voxel mirrors which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Homologues", "homologous_voxels"]


@dataclass(frozen=True)
class Homologues:
    """Mirror images among the voxels of a mask, as indices into the masked array.

    Attributes
    ----------
    left, right : (n_pairs,) int arrays
        Index k of one mirrors index k of the other.
    midline : (n_midline,) int array
        Voxels on the plane x = 0: they belong to neither side.
    unpaired : (n_unpaired,) int array
        Voxels whose mirror image lies outside the mask.
    """

    left: np.ndarray
    right: np.ndarray
    midline: np.ndarray
    unpaired: np.ndarray


def homologous_voxels(mask_img: Any) -> Homologues:
    """Pair the voxels of a mask with their mirror images across the plane x = 0.

    Sides are told by world coordinate, so flipped images come out right whatever their affine.

    Parameters
    ----------
    mask_img : Niimg-like
        A mask on a grid that maps onto itself under x -> -x (voxel centres to voxel centres).

    Returns
    -------
    Homologues

    Raises
    ------
    ValueError
        Where the grid does not map onto itself: resample the image first.
    """
    from nilearn.image import load_img

    image = load_img(mask_img)
    if len(image.shape) != 3:
        raise ValueError(f"the mask has {len(image.shape)} dimensions where 3 are expected")
    mask = np.asarray(image.dataobj) > 0
    affine = np.asarray(image.affine, dtype=np.float64)
    voxels = np.argwhere(mask)  # in the order of the masked array
    world = voxels @ affine[:3, :3].T + affine[:3, 3]
    mirrored = world * np.array([-1.0, 1.0, 1.0])
    back = (mirrored - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T
    nearest = np.rint(back).astype(int)
    if len(voxels) and np.abs(back - nearest).max() > 1e-3:
        raise ValueError(
            "the mask's grid does not map onto itself under x -> -x "
            f"(off by up to {np.abs(back - nearest).max():.2f} voxels); resample it to a grid "
            "that is symmetric about x = 0 first"
        )
    index = np.full(mask.shape, -1)
    index[mask] = np.arange(len(voxels))
    inside = np.all((nearest >= 0) & (nearest < mask.shape), axis=1)
    partner = np.full(len(voxels), -1)
    partner[inside] = index[tuple(nearest[inside].T)]
    own = np.arange(len(voxels))
    midline = partner == own
    paired = (partner >= 0) & ~midline
    left = own[paired & (world[:, 0] < 0)]
    return Homologues(left, partner[left], own[midline], own[(partner < 0)])
