"""What is known of every voxel of a voxelwise study, and maps of it as NIfTI images."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.errors import InputError
from hemiscale.results import safe_name, write_atomically
from hemiscale.study import Study, Volumes

if TYPE_CHECKING:
    import xarray as xr

    from hemiscale.brain import VoxelRegion

__all__ = ["describe_voxels", "named_images", "region_members", "voxel_labels", "write_maps"]


def voxel_labels(mask: Any) -> dict[str, Any]:
    """Coordinates of the dimension target: side, place and mirror image of every voxel.

    Parameters
    ----------
    mask : Nifti1Image
        Symmetric.

    Returns
    -------
    dict
        ``target``, ``hemisphere`` (left, right, midline), ``x``, ``y``, ``z`` (mm) and ``mirror``
        (index of the homologous voxel, -1 on the midline).
    """
    from hemiscale.brain import homologous_voxels, voxel_coordinates

    homologues = homologous_voxels(mask)
    world = voxel_coordinates(mask).astype(np.float32)
    mirror = np.full(homologues.n_voxels, -1, dtype=np.int64)
    mirror[homologues.left], mirror[homologues.right] = homologues.right, homologues.left
    side = np.full(homologues.n_voxels, "midline", dtype=object)
    side[homologues.left], side[homologues.right] = "left", "right"
    return {
        "target": np.arange(homologues.n_voxels),
        "hemisphere": ("target", side.astype(str)),
        **{axis: ("target", world[:, k]) for k, axis in enumerate("xyz")},
        "mirror": ("target", mirror),
    }


def describe_voxels(study: Study, recordings: Volumes, mask: Any) -> xr.Dataset:
    """Make what ``voxels.nc`` holds: mask, affine, and which voxels belong to which region.

    Parameters
    ----------
    study : Study
    recordings : Volumes
    mask : Nifti1Image
        Symmetric.

    Returns
    -------
    xarray.Dataset
        ``mask (i, j, k)``, ``affine (row, column)``, ``region (region_name, target)``.

    Raises
    ------
    InputError
        Where a region cannot be read, has no voxel in the mask, or two have one name.
    """
    dataset = region_members(study, _regions(study, recordings, mask), voxel_labels(mask))
    return dataset.assign(
        mask=(("i", "j", "k"), np.asarray(mask.dataobj) > 0),
        affine=(("row", "column"), np.asarray(mask.affine, dtype=np.float64)),
    )


def region_members(study: Study, regions: list[VoxelRegion], labels: dict[str, Any]) -> xr.Dataset:
    """Tell which targets belong to which region.

    Parameters
    ----------
    study : Study
    regions : list of VoxelRegion
    labels : dict
        Coordinates of the dimension target.

    Returns
    -------
    xarray.Dataset
        ``region (region_name, target)``.

    Raises
    ------
    InputError
        Where two regions have one name.
    """
    import xarray as xr

    names = [region.name for region in regions]
    again = sorted({name for name in names if names.count(name) > 1})
    if again:
        raise InputError(f"study {study.name}: two regions would be named {', '.join(again)}.")
    members = np.zeros((len(regions), len(labels["target"])), dtype=bool)
    for row, region in zip(members, regions, strict=True):
        row[region.voxels] = True
    return xr.Dataset(
        {"region": (("region_name", "target"), members)},
        coords={
            "region_name": np.array(names, dtype=str),
            "region_hemisphere": ("region_name", np.array([r.hemisphere for r in regions], str)),
            "region_homologue": ("region_name", np.array([r.homologue for r in regions], str)),
            **labels,
        },
    )


def write_maps(
    maps: xr.Dataset, voxels: xr.Dataset, folder: Path, *, simulated: bool
) -> list[Path]:
    """Write every map as a NIfTI image on the grid of the mask.

    Parameters
    ----------
    maps : xarray.Dataset
        Variables on ``target``, some also on ``model``.
    voxels : xarray.Dataset
        From `describe_voxels`.
    folder : Path
    simulated : bool
        Say so in the header of every image.

    Returns
    -------
    list of Path
        ``score_MODEL.nii.gz``, ``slope.nii.gz`` and so on. Outside the mask there is NaN.
    """
    written = []
    for stem, values in named_images(maps).items():
        path = folder / f"{stem}.nii.gz"
        _write_image(path, values, voxels, "simulated data" if simulated else "hemiscale")
        written.append(path)
    return written


def named_images(maps: xr.Dataset) -> dict[str, np.ndarray]:
    """Name the files of maps, without their endings.

    Parameters
    ----------
    maps : xarray.Dataset
        Variables on ``target``, some also on ``model``.

    Returns
    -------
    dict of (n_targets,) arrays
        ``score_MODEL``, ``slope`` and so on.
    """
    images = {}
    for name, variable in maps.data_vars.items():
        if "model" not in variable.dims:
            images[str(name)] = variable.values
            continue
        for model in maps["model"].values:
            images[f"{name}_{safe_name(str(model))}"] = variable.sel(model=model).values
    return images


def _write_image(path: Path, values: np.ndarray, voxels: xr.Dataset, description: str) -> None:
    import gzip

    from nibabel import Nifti1Image

    mask = voxels["mask"].values.astype(bool)
    volume = np.full(mask.shape, np.nan, dtype=np.float32)
    volume[mask] = values
    image = Nifti1Image(volume, voxels["affine"].values)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = description.encode()
    with write_atomically(path) as temporary:
        # Without a time stamp, so that the same map has the same bytes.
        temporary.write_bytes(gzip.compress(image.to_bytes(), mtime=0))


def _regions(study: Study, recordings: Volumes, mask: Any) -> list[VoxelRegion]:
    from hemiscale.brain import (
        VoxelRegion,
        atlas_regions,
        mask_regions,
        paper_regions,
        read_mask,
        sphere,
    )

    folder = Path(study.folder)
    found: list[VoxelRegion] = []
    try:
        if recordings.paper_regions:
            found += paper_regions(mask, radius=recordings.sphere_radius)
        for name, (x, y, z) in recordings.spheres.items():
            for side, other, sign in (("left", "right", -1), ("right", "left", 1)):
                voxels = sphere(mask, (sign * abs(x), y, z), recordings.sphere_radius)
                if not voxels.any():
                    raise ValueError(f"no voxel of the mask lies in the sphere {name}_{side}")
                found.append(
                    VoxelRegion(f"{name}_{side}", side, f"{name}_{other}", np.flatnonzero(voxels))
                )
        if recordings.region_masks:
            masks = {n: read_mask(folder / path) for n, path in recordings.region_masks.items()}
            found += mask_regions(masks, mask)
        if recordings.atlas:
            image, names = _atlas(folder, recordings.atlas, recordings.atlas_names)
            found += atlas_regions(image, mask, names=names)
    except ValueError as error:
        raise InputError(f"study {study.name}: {error}.") from None
    return found


def _atlas(folder: Path, atlas: str, table: str | None) -> tuple[Any, dict[int, str] | None]:
    """Image and names of an atlas: a file, or one that nilearn knows."""
    from hemiscale.brain import NAMED_ATLASES, fetch_named_atlas, open_nifti

    path = folder / atlas
    if path.exists() or Path(atlas).suffix:
        return open_nifti(path, dimensions=3), _atlas_names(folder / table) if table else None
    if atlas in NAMED_ATLASES:
        return fetch_named_atlas(atlas)
    near = difflib.get_close_matches(atlas, NAMED_ATLASES, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(NAMED_ATLASES)}."
    raise InputError(f"{path}: there is no such file, nor an atlas named {atlas!r}; {hint}")


def _atlas_names(path: Path) -> dict[int, str]:
    import pandas as pd

    try:
        table = pd.read_csv(path, sep=None, engine="python")
        columns = {str(column).strip().lower(): column for column in table.columns}
        numbers = table[columns["index"]].astype(int)
        return dict(zip(numbers, table[columns["name"]].astype(str), strict=True))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such table of the atlas's names.") from None
    except (KeyError, ValueError):
        raise InputError(
            f"{path}: expected a table with the columns index (whole numbers) and name."
        ) from None
