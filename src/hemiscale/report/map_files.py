"""Read the maps of a voxel study: NIfTI images on the grid that ``voxels.nc`` describes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hemiscale.results import read_dataset, safe_name

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

__all__ = ["read_ceiling_map", "read_maps", "read_voxels"]

_SINGLE = ("slope", "slope_q", "asymmetry_slope", "asymmetry_slope_q")


def read_voxels(folder: Path, problems: list[str]) -> xr.Dataset | None:
    """Read where the voxels of a voxel study are, and which regions they belong to.

    Parameters
    ----------
    folder : Path
        The results folder.
    problems : list of str
        A sentence is added where ``voxels.nc`` cannot be read.

    Returns
    -------
    xarray.Dataset or None
        As ``voxels.nc`` holds it; None for a region study.
    """
    path = folder / "voxels.nc"
    if not path.is_file():
        return None
    try:
        voxels = read_dataset(path)
        for name in ("mask", "x", "y", "z", "mirror"):
            voxels[name]  # what every map needs
    except Exception as error:  # whatever is wrong with a file must not take the page down
        problems.append(f"voxels.nc could not be read ({error}).")
        return None
    return voxels


def read_maps(
    folder: Path, voxels: xr.Dataset | None, models: list[str], problems: list[str]
) -> xr.Dataset | None:
    """Read scores and slopes of every voxel.

    Parameters
    ----------
    folder : Path
        The results folder, with ``maps/``.
    voxels : xarray.Dataset or None
        From `read_voxels`.
    models : list of str
        Names of models or groups.
    problems : list of str
        A sentence is added for each file that cannot be read.

    Returns
    -------
    xarray.Dataset or None
        ``score`` (model, target), ``slope`` and ``asymmetry_slope`` with their ``_q`` (target), as
        far as they are there, with the coordinates x, y, z of `target`; None without any map.
    """
    import xarray as xr

    if voxels is None or not (folder / "maps").is_dir():
        return None
    mask = voxels["mask"].values.astype(bool)
    places = {axis: ("target", voxels[axis].values) for axis in ("x", "y", "z")}
    found = {name: _read(folder, f"score_{safe_name(name)}", mask, problems) for name in models}
    scores = {name: values for name, values in found.items() if values is not None}
    single = {name: _read(folder, name, mask, problems) for name in _SINGLE}
    variables = {name: ("target", values) for name, values in single.items() if values is not None}
    if not scores and not variables:
        return None
    stacked = np.array(list(scores.values()), dtype=np.float32).reshape(-1, int(mask.sum()))
    return xr.Dataset(
        {"score": (("model", "target"), stacked), **variables},
        coords={"model": list(scores), **places},
    )


def read_ceiling_map(path: Path, problems: list[str]) -> pd.DataFrame | None:
    """Read the mean reliability of each voxel.

    Parameters
    ----------
    path : Path
        ``ceiling.nc``.
    problems : list of str
        As in `read_maps`.

    Returns
    -------
    DataFrame or None
        ``x, y, z, hemisphere, value``; None for a region study, or without the file.
    """
    import pandas as pd

    if not path.is_file():
        return None
    try:
        stored = read_dataset(path)
        if not {"x", "y", "z"} <= set(stored.coords):
            return None
        values = stored["reliability"].transpose("split", "target").values.astype(np.float64)
        places = {name: stored[name].values for name in ("x", "y", "z")}
        sides = stored["hemisphere"].values.astype(str)
    except Exception as error:
        problems.append(f"{path.name} could not be read ({error}).")
        return None
    known = np.isfinite(values).any(axis=0)
    mean = np.full(values.shape[1], np.nan)
    mean[known] = np.nanmean(values[:, known], axis=0)
    return pd.DataFrame({**places, "hemisphere": sides, "value": mean})


def _read(
    folder: Path, stem: str, mask: NDArray[np.bool_], problems: list[str]
) -> NDArray[np.float32] | None:
    import nibabel

    path = folder / "maps" / f"{stem}.nii.gz"
    if not path.is_file():
        return None
    try:
        volume = np.asarray(nibabel.load(path).dataobj, dtype=np.float32)
        if volume.shape != mask.shape:
            raise ValueError(f"its shape is {volume.shape}, that of the mask {mask.shape}")
    except Exception as error:
        problems.append(f"maps/{path.name} could not be read ({error}).")
        return None
    return volume[mask]
