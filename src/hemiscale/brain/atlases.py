"""Regions from a label image (an atlas) or from mask images, split at the midline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hemiscale.brain.grids import Grid, voxel_coordinates
from hemiscale.brain.homologues import Homologues, homologous_voxels
from hemiscale.brain.spheres import VoxelRegion

__all__ = ["atlas_regions", "mask_regions"]

SPILL = 0.1  # a label with less than this share of its voxels on one side belongs to the other
LEAST_OVERLAP = 0.5  # Dice overlap from which two one-sided labels count as mirror images


def atlas_regions(
    labels_img: Any, mask_img: Any, *, names: Mapping[int, str] | Sequence[str] | None = None
) -> list[VoxelRegion]:
    """Turn an atlas into regions, each on one side.

    A label that lies on both sides is split at x = 0 into ``NAME_left`` and ``NAME_right``; voxels
    on the midline plane go to neither. A label that lies on one side (all but a tenth of its
    voxels) keeps its name and loses what spills over; its homologue is the label of the other side
    that its mirror image covers best, where both agree and the Dice overlap is at least one half.

    Parameters
    ----------
    labels_img : Niimg-like
        Whole numbers, 0 outside; brought to the mask's grid by nearest neighbour.
    mask_img : Niimg-like
        A symmetric mask.
    names : mapping from label to name, or sequence indexed by label, optional
        As nilearn's atlases come (``"Background"`` at 0). Default: ``label-7`` and so on.

    Returns
    -------
    list of VoxelRegion
        In the order of the labels. Labels with no voxel in the mask are left out.

    Raises
    ------
    ValueError
        Where the image is not one of labels, or a label has no name.
    """
    from nilearn.image import load_img, resample_img

    mask = load_img(mask_img)
    image = load_img(labels_img)
    if len(image.shape) != 3:
        raise ValueError(
            f"the atlas has {len(image.shape)} dimensions where 3 are expected; a probabilistic "
            "atlas must be made into labels first"
        )
    grid = Grid.of(mask)
    if not Grid.of(image).matches(grid):
        image = resample_img(
            image,
            target_affine=grid.matrix,
            target_shape=grid.shape,
            interpolation="nearest",
        )
    values = np.asarray(image.dataobj)[np.asarray(mask.dataobj) > 0]
    labels = np.rint(values).astype(int)
    if not np.allclose(values, labels):
        raise ValueError("the atlas holds values that are not whole numbers; is it a label image?")
    present = [int(label) for label in np.unique(labels) if label != 0]
    if not present:
        raise ValueError("no label of the atlas lies in the mask; are they in the same space?")
    return _sided({_name(label, names): np.flatnonzero(labels == label) for label in present}, mask)


def mask_regions(masks: Mapping[str, Any], mask_img: Any) -> list[VoxelRegion]:
    """Turn mask images into regions, each on one side.

    Parameters
    ----------
    masks : mapping from name to Niimg-like
        Brought to the grid of `mask_img` by nearest neighbour; they may overlap.
    mask_img : Niimg-like
        The mask of the analysis, symmetric.

    Returns
    -------
    list of VoxelRegion
        Split and paired as in `atlas_regions`.

    Raises
    ------
    ValueError
        Where an image has no voxel in the mask.
    """
    from nilearn.image import load_img

    from hemiscale.brain.grids import resample_mask

    mask = load_img(mask_img)
    inside = np.asarray(mask.dataobj) > 0
    voxels = {}
    for name, image in masks.items():
        moved = resample_mask(image, Grid.of(mask), interpolation="nearest")
        voxels[name] = np.flatnonzero(np.asarray(moved.dataobj)[inside])
        if not len(voxels[name]):
            raise ValueError(f"region {name} has no voxel in the mask; is it in the same space?")
    return _sided(voxels, mask)


def _name(label: int, names: Mapping[int, str] | Sequence[str] | None) -> str:
    if names is None:
        return f"label-{label}"
    try:
        if label < 0:
            raise IndexError
        name = names[label]
    except (KeyError, IndexError):
        raise ValueError(f"label {label} of the atlas has no name") from None
    return name.decode() if isinstance(name, bytes) else str(name)


def _sided(regions: Mapping[str, np.ndarray], mask: Any) -> list[VoxelRegion]:
    x = voxel_coordinates(mask)[:, 0]
    side = np.where(np.abs(x) < 1e-3, 0, np.sign(x)).astype(int)
    found: list[VoxelRegion] = []
    whole: list[VoxelRegion] = []
    for name, voxels in regions.items():
        left, right = voxels[side[voxels] < 0], voxels[side[voxels] > 0]
        if not len(left) and not len(right):
            found.append(VoxelRegion(name, "midline", "", voxels))
        elif min(len(left), len(right)) < SPILL * (len(left) + len(right)):
            which, kept = ("left", left) if len(left) > len(right) else ("right", right)
            whole.append(VoxelRegion(name, which, "", kept))
            found.append(whole[-1])
        else:
            found.append(VoxelRegion(f"{name}_left", "left", f"{name}_right", left))
            found.append(VoxelRegion(f"{name}_right", "right", f"{name}_left", right))
    partner = _mirror_images(whole, homologous_voxels(mask)) if whole else {}
    return [
        VoxelRegion(r.name, r.hemisphere, partner.get(r.name, r.homologue), r.voxels) for r in found
    ]


def _mirror_images(regions: list[VoxelRegion], homologues: Homologues) -> dict[str, str]:
    mirror = np.full(homologues.n_voxels, -1)
    mirror[homologues.left], mirror[homologues.right] = homologues.right, homologues.left
    left = [r for r in regions if r.hemisphere == "left"]
    right = [r for r in regions if r.hemisphere == "right"]
    if not left or not right:
        return {}
    overlap = np.array(
        [
            [
                2
                * len(np.intersect1d(mirror[a.voxels], b.voxels))
                / (len(a.voxels) + len(b.voxels))
                for b in right
            ]
            for a in left
        ]
    )
    partner = {}
    for i, a in enumerate(left):
        j = int(overlap[i].argmax())
        if overlap[i, j] >= LEAST_OVERLAP and int(overlap[:, j].argmax()) == i:
            partner[a.name], partner[right[j].name] = right[j].name, a.name
    return partner
