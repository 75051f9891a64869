"""Le Petit Prince in three languages (Li et al. 2022, OpenNeuro ds003643, CC0).

The package carries the English mask, regions and reliability; the recordings are fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "SCANS",
    "T_R",
    "petit_prince_mask",
    "petit_prince_region_masks",
    "petit_prince_reliability",
    "petit_prince_words",
]

T_R = 2.0
"""Seconds between scans, in all three languages."""

SCANS: Mapping[str, tuple[int, ...]] = {
    "en": (282, 298, 340, 303, 265, 343, 325, 292, 368),
    "fr": (309, 326, 354, 315, 293, 378, 332, 294, 336),
    "cn": (283, 322, 322, 307, 293, 392, 364, 293, 401),
}
"""Scans of the nine preprocessed runs, as the data set's own README (version 2.0.6) states them."""

_FOLDER = Path(__file__).parent


def petit_prince_mask() -> Path:
    """Find the mask common to the 49 English listeners (4 mm, symmetric, 25,870 voxels).

    Returns
    -------
    Path
        A NIfTI file.
    """
    return _FOLDER / "mask_en.nii.gz"


def petit_prince_region_masks() -> dict[str, Path]:
    """Find the paper's seven left regions, as published.

    Returns
    -------
    dict
        NIfTI file by region name.
    """
    return {
        path.name.removesuffix(".nii.gz"): path
        for path in sorted((_FOLDER / "regions").glob("*.nii.gz"))
    }


def petit_prince_reliability() -> np.ndarray:
    """Read the inter-subject reliability of the English listeners, as published.

    Returns
    -------
    (10, 25870) float32 array
        Split by voxel, in the order of the masked array of `petit_prince_mask`.
    """
    import numpy as np

    with np.load(_FOLDER / "reliability_en.npz", allow_pickle=False) as content:
        return np.asarray(content["isc"])


def petit_prince_words() -> Path:
    """Find the timed words of the English story.

    Returns
    -------
    Path
        A csv file for `hemiscale.stimulus.read_words`, with the nine runs as sections 1 to 9.
    """
    return _FOLDER / "words_en.csv"
