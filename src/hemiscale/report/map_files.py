"""Read the maps of a voxel study: NIfTI or GIFTI files of the targets in ``voxels.nc``."""

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
        As ``voxels.nc`` holds it; None for a region study, and for a surface without a mesh.
    """
    path = folder / "voxels.nc"
    if not path.is_file():
        return None
    try:
        voxels = read_dataset(path)
        if "vertex" in voxels and "x" not in voxels:
            return None  # a surface without a mesh: nobody knows where its vertices are
        for name in ("vertex" if "vertex" in voxels else "mask", "x", "y", "z", "mirror"):
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
    places = {axis: ("target", voxels[axis].values) for axis in ("x", "y", "z")}
    found = {name: _read(folder, f"score_{safe_name(name)}", voxels, problems) for name in models}
    scores = {name: values for name, values in found.items() if values is not None}
    single = {name: _read(folder, name, voxels, problems) for name in _SINGLE}
    variables = {name: ("target", values) for name, values in single.items() if values is not None}
    if not scores and not variables:
        return None
    stacked = np.array(list(scores.values()), dtype=np.float32).reshape(-1, voxels.sizes["target"])
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
    folder: Path, stem: str, voxels: xr.Dataset, problems: list[str]
) -> NDArray[np.float32] | None:
    endings = ("_hemi-L.func.gii", "_hemi-R.func.gii") if "vertex" in voxels else (".nii.gz",)
    paths = [folder / "maps" / f"{stem}{ending}" for ending in endings]
    if not all(path.is_file() for path in paths):
        return None
    try:
        return _of_surface(paths, voxels) if "vertex" in voxels else _of_volume(paths[0], voxels)
    except Exception as error:
        problems.append(f"maps/{paths[0].name} could not be read ({error}).")
        return None


def _of_volume(path: Path, voxels: xr.Dataset) -> NDArray[np.float32]:
    import nibabel

    mask = voxels["mask"].values.astype(bool)
    volume = np.asarray(nibabel.load(path).dataobj, dtype=np.float32)
    if volume.shape != mask.shape:
        raise ValueError(f"its shape is {volume.shape}, that of the mask {mask.shape}")
    return volume[mask]


def _of_surface(paths: list[Path], voxels: xr.Dataset) -> NDArray[np.float32]:
    import nibabel

    sides = voxels["hemisphere"].values.astype(str)
    values = np.full(len(sides), np.nan, dtype=np.float32)
    for path, side in zip(paths, ("left", "right"), strict=True):
        whole = np.asarray(nibabel.load(path).darrays[0].data, dtype=np.float32)
        if len(whole) != int(voxels.attrs["n_template"]):
            raise ValueError(f"it has {len(whole)} vertices, not {voxels.attrs['n_template']}")
        values[sides == side] = whole[voxels["vertex"].values[sides == side]]
    return values
