"""The regions of a voxel study as figures show them: one for each pair of mirror images, named."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hemiscale.report.load import Results

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "PAPER_NAMES",
    "PERCENTILE",
    "PLAIN_SELECTIONS",
    "ShownRegion",
    "named_regions",
    "parcel_values",
    "parcels",
    "selection_names",
    "shown_name",
]

PERCENTILE = "90th percentile"
PLAIN_SELECTIONS = ("all", "reliable", "best 10 %", PERCENTILE)
"""Selections of voxels that are no named region."""

PAPER_NAMES = {
    **{name: name for name in ("TP", "aSTS", "pSTS", "BA44", "BA45", "BA47")},
    "AG_TPJ": "AG/TPJ",
}
"""The paper's regions, as it spells them."""

# An atlas with fewer parcels than this has a panel for each of them, as regions have.
_FEW = 12


@dataclass(frozen=True)
class ShownRegion:
    """A region with its mirror image.

    Attributes
    ----------
    key : str
        Its name in the tables; of a pair, that of the left one.
    name : str
        As figures show it.
    """

    key: str
    name: str


def named_regions(results: Results) -> list[ShownRegion]:
    """Name the regions that have a panel each: all, but for those of an atlas with many parcels."""
    many = {region.key for region in parcels(results)}
    return [region for region in _pairs(results) if region.key not in many]


def parcels(results: Results) -> list[ShownRegion]:
    """Name the parcels of the study's atlas; none where it names no atlas or one of few parcels."""
    recordings = results.study.get("recordings", {})
    if not recordings.get("atlas"):
        return []
    others = {*recordings.get("spheres", {}), *recordings.get("region_masks", {})}
    if recordings.get("paper_regions"):
        others |= set(PAPER_NAMES)
    found = [region for region in _pairs(results) if _base(region.key) not in others]
    return found if len(found) >= _FEW else []


def selection_names(results: Results) -> dict[str, str]:
    """Map the selections of voxels that have a panel or rows of their own to their names.

    Returns
    -------
    dict
        Plain selections and named regions, each pair of mirror images once; not parcels.
    """
    names = {selection: selection for selection in PLAIN_SELECTIONS}
    return names | {region.key: region.name for region in named_regions(results)}


def shown_name(key: str) -> str:
    """Write a region's name for figures: ``AG_TPJ_left`` becomes ``AG/TPJ, left``."""
    base = _base(key)
    name = PAPER_NAMES.get(base, base.replace("_", " "))
    side = key[len(base) + 1 :]
    return f"{name}, {side}" if side else name


def parcel_values(results: Results, values: dict[str, float]) -> pd.DataFrame:
    """Paint each parcel's value on its voxels of the left hemisphere.

    Parameters
    ----------
    results : Results
    values : dict
        A value for each region's name in the tables.

    Returns
    -------
    DataFrame
        ``x, y, z, value``; NaN where no parcel is. Empty where the results do not say which voxels
        a region has.
    """
    import pandas as pd

    voxels = results.voxels
    if voxels is None or "region" not in voxels:
        return pd.DataFrame(columns=["x", "y", "z", "value"])
    painted = np.full(voxels.sizes["target"], np.nan)
    members = voxels["region"].transpose("region_name", "target").values.astype(bool)
    mirror = voxels["mirror"].values
    for name, inside in zip(voxels["region_name"].values.astype(str), members, strict=True):
        if name in values:
            partners = mirror[inside]
            painted[inside] = values[name]
            painted[partners[partners >= 0]] = values[name]
    painted[voxels["x"].values >= 0] = np.nan
    places = {axis: voxels[axis].values for axis in ("x", "y", "z")}
    return pd.DataFrame({**places, "value": painted})


def _pairs(results: Results) -> list[ShownRegion]:
    """Drop each right region whose mirror image on the left stands for both."""
    keys = [key for key in dict.fromkeys(results.regions["region"]) if key not in PLAIN_SELECTIONS]
    mirrors = _homologues(results)
    present = set(keys)
    found = []
    for key in keys:
        side, homologue = mirrors.get(key, ("", ""))
        if side == "right" and homologue in present:
            continue
        paired = side == "left" and homologue in present
        # Where a name without its side says it all, figures do without it.
        plain = paired and _base(homologue) == _base(key)
        found.append(ShownRegion(key, shown_name(_base(key) if plain else key)))
    return found


def _homologues(results: Results) -> dict[str, tuple[str, str]]:
    voxels = results.voxels
    if voxels is None or "region_homologue" not in voxels.coords:
        return {}
    columns = (voxels[name].values.astype(str) for name in _REGION_COLUMNS)
    return {name: (side, homologue) for name, side, homologue in zip(*columns, strict=True)}


_REGION_COLUMNS = ("region_name", "region_hemisphere", "region_homologue")


def _base(key: str) -> str:
    return re.sub(r"_(left|right)$", "", key)
