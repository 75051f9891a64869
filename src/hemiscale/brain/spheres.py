"""Regions as sets of voxels: spheres at given coordinates, and the paper's seven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hemiscale.brain.grids import voxel_coordinates

__all__ = ["PAPER_REGIONS", "VoxelRegion", "paper_regions", "places_in_sphere", "sphere"]

PAPER_REGIONS: Mapping[str, tuple[float, float, float]] = {
    "TP": (-48.0, 15.0, -27.0),
    "aSTS": (-54.0, -12.0, -12.0),
    "pSTS": (-51.0, -39.0, 3.0),
    "AG_TPJ": (-52.0, -56.0, 22.0),
    "BA44": (-50.0, 12.0, 16.0),
    "BA45": (-52.0, 28.0, 10.0),
    "BA47": (-44.0, 34.0, -8.0),
}
"""Centres (MNI, mm) of the seven left regions of Bonnasse-Gahot and Pallier 2024."""


@dataclass(frozen=True)
class VoxelRegion:
    """A named set of voxels of a mask.

    Attributes
    ----------
    name : str
    hemisphere : str
        ``"left"``, ``"right"``, ``"midline"`` or ``"unknown"`` (on both sides).
    homologue : str
        Name of the region that mirrors this one, or ``""``.
    voxels : (n,) int array
        Indices into the masked array, ascending.
    """

    name: str
    hemisphere: str
    homologue: str
    voxels: np.ndarray


def sphere(mask_img: Any, centre: Sequence[float], radius: float) -> np.ndarray:
    """Voxels of a mask whose centres lie within a sphere.

    Parameters
    ----------
    mask_img : Niimg-like
    centre : three floats
        World coordinates in millimetres.
    radius : float
        Millimetres; a voxel centre exactly on the surface is in.

    Returns
    -------
    (n_voxels,) bool array
        In the order of the masked array.

    Raises
    ------
    ValueError
        Where the radius is not positive or the centre is not three numbers.
    """
    return places_in_sphere(voxel_coordinates(mask_img), centre, radius)


def places_in_sphere(places: np.ndarray, centre: Sequence[float], radius: float) -> np.ndarray:
    """Tell which places lie within a sphere.

    Parameters
    ----------
    places : (n, 3) array
        Millimetres.
    centre : three floats
    radius : float
        A place exactly on the surface is in.

    Returns
    -------
    (n,) bool array

    Raises
    ------
    ValueError
        As `sphere`.
    """
    middle = np.asarray(centre, dtype=np.float64)
    if middle.shape != (3,) or not np.isfinite(middle).all():
        raise ValueError(f"centre {centre} where three coordinates in millimetres are expected")
    if not radius > 0:
        raise ValueError(f"radius {radius} where positive millimetres are expected")
    distance = np.linalg.norm(places - middle, axis=1)
    return np.asarray(distance <= radius + 1e-6)  # affines are stored in float32


def paper_regions(mask_img: Any, *, radius: float = 10.0) -> list[VoxelRegion]:
    """Make the paper's seven regions and their mirror images.

    Within the published English mask the seven left ones equal the published masks voxel for voxel;
    the full spheres have 11 more voxels at TP and 3 more at BA45, which lie outside the mask.

    Parameters
    ----------
    mask_img : Niimg-like
    radius : float
        Millimetres.

    Returns
    -------
    list of VoxelRegion
        ``TP_left``, ``TP_right``, ``aSTS_left`` and so on. On a symmetric mask, the voxels of a
        region mirror those of its homologue.

    Raises
    ------
    ValueError
        Where a sphere holds no voxel of the mask: the mask is of another space.
    """
    regions = []
    for name, centre in PAPER_REGIONS.items():
        for side, other, sign in (("left", "right", 1.0), ("right", "left", -1.0)):
            inside = sphere(mask_img, (sign * centre[0], *centre[1:]), radius)
            if not inside.any():
                raise ValueError(
                    f"no voxel of the mask lies within {radius:g} mm of {name}_{side}; "
                    "is the mask in MNI space?"
                )
            regions.append(
                VoxelRegion(f"{name}_{side}", side, f"{name}_{other}", np.flatnonzero(inside))
            )
    return regions
