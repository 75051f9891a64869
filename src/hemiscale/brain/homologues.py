"""Which voxel mirrors which; masks made symmetric; reliable voxels; the published cut in half."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = [
    "Homologues",
    "halves_of_masked_array",
    "homologous_voxels",
    "reliable_voxels",
    "symmetric_mask",
]


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

    @property
    def n_voxels(self) -> int:
        """Voxels of the mask."""
        return 2 * len(self.left) + len(self.midline) + len(self.unpaired)


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
        Where the grid does not map onto itself (an oblique image, or one off centre): resample it
        to a `symmetric_grid` first.
    """
    mask, affine = _mask_and_affine(mask_img)
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


def symmetric_mask(mask_img: Any) -> tuple[Any, int]:
    """Leave out the voxels of a mask whose mirror image is not in the mask.

    Parameters
    ----------
    mask_img : Niimg-like
        A mask on a grid that maps onto itself under x -> -x.

    Returns
    -------
    mask_img : Nifti1Image
        The symmetric mask, on the same grid.
    n_lost : int
        How many voxels that cost.

    Raises
    ------
    ValueError
        Where the grid does not map onto itself, or nothing is left.
    """
    from nibabel import Nifti1Image

    mask, affine = _mask_and_affine(mask_img)
    lost = homologous_voxels(mask_img).unpaired
    voxels = np.argwhere(mask)
    mask[tuple(voxels[lost].T)] = False
    if not mask.any():
        raise ValueError(
            f"none of the {len(voxels)} voxels of the mask has a mirror image in it: it is not "
            "centred on the midline, or too small, as one is that was computed from recordings "
            "without a dark background; name another mask"
        )
    return Nifti1Image(mask.astype(np.uint8), affine), len(lost)


def halves_of_masked_array(mask_img: Any) -> tuple[np.ndarray, np.ndarray]:
    """Cut the masked array in its middle, as published; not the way to tell left from right.

    Bonnasse-Gahot and Pallier 2024 take the first half of the masked array for the left hemisphere
    and the second for the right, which gives each side one half of the voxels on the midline. It is
    offered to reproduce their numbers; use `homologous_voxels` for anything else.

    Parameters
    ----------
    mask_img : Niimg-like
        A symmetric mask whose first axis runs from left to right.

    Returns
    -------
    first, second : int arrays
        Indices into the masked array.

    Raises
    ------
    ValueError
        Where the first axis does not run from left to right: the cut would mean something else.
    """
    mask, affine = _mask_and_affine(mask_img)
    if affine[0, 0] <= 0 or np.abs(affine[0, 1:3]).max() > 1e-3 * affine[0, 0]:
        raise ValueError(
            "the first axis of the mask does not run from left to right, so its masked array "
            "cannot be cut in two halves; use homologous_voxels"
        )
    index = np.arange(int(mask.sum()))
    return index[: len(index) // 2], index[len(index) // 2 :]


def reliable_voxels(
    reliability: np.ndarray,
    homologues: Homologues | None = None,
    *,
    pairs: bool = True,
    fraction: float = 0.25,
) -> np.ndarray:
    """Choose the voxels whose time courses the listeners share most.

    Parameters
    ----------
    reliability : (n_voxels,) or (n_splits, n_voxels) array
        Inter-subject reliability; splits are averaged. Voxels with NaN are never chosen.
    homologues : Homologues, optional
        Needed with `pairs`.
    pairs : bool
        A pair of homologous voxels is in or out as one, by the mean of the two, so that the choice
        itself favours no hemisphere; voxels without a mirror image in the mask are out. Otherwise
        each voxel counts for itself (as published).
    fraction : float
        Share of the voxels to choose, rounded to whole voxels; with `pairs`, one voxel more where
        the last of them would otherwise be one half of a pair.

    Returns
    -------
    (n_voxels,) bool array

    Raises
    ------
    ValueError
        Where the shapes do not agree, the fraction is not in (0, 1], or homologues are missing.
    """
    mean = np.asarray(reliability, dtype=np.float64)
    if mean.ndim == 2:
        mean = mean.mean(axis=0)
    if mean.ndim != 1 or not mean.size:
        raise ValueError("reliability must be (n_voxels,) or (n_splits, n_voxels), not empty")
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction is {fraction:g} where a number above 0 and up to 1 is expected")
    value = np.where(np.isnan(mean), -np.inf, mean)
    if pairs:
        if homologues is None:
            raise ValueError("pairs=True needs the homologues of the mask (homologous_voxels)")
        if homologues.n_voxels != len(value):
            raise ValueError(
                f"reliability has {len(value)} voxels but the homologues have "
                f"{homologues.n_voxels}; they are not of one mask"
            )
        both = (value[homologues.left] + value[homologues.right]) / 2
        value = value.copy()
        value[homologues.left] = value[homologues.right] = both
        value[homologues.unpaired] = -np.inf
    n_chosen = max(int(len(value) * fraction + 0.5), 1)
    threshold = np.sort(value)[-n_chosen]
    return (value >= threshold) & np.isfinite(value)


def _mask_and_affine(mask_img: Any) -> tuple[np.ndarray, np.ndarray]:
    from nilearn.image import load_img

    image = load_img(mask_img)
    if len(image.shape) != 3:
        raise ValueError(f"the mask has {len(image.shape)} dimensions where 3 are expected")
    return np.asarray(image.dataobj) > 0, np.asarray(image.affine, dtype=np.float64)
