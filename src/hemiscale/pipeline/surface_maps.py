"""What is known of every vertex of a study on the surface, and maps of it as GIFTI files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.errors import InputError
from hemiscale.pipeline.voxels import named_images, region_members
from hemiscale.results import write_atomically
from hemiscale.study import Study, SurfaceFiles

if TYPE_CHECKING:
    import xarray as xr

    from hemiscale.brain import SurfaceTemplate, SurfaceVertices, VoxelRegion

__all__ = ["describe_vertices", "write_surface_maps"]


def describe_vertices(
    study: Study,
    recordings: SurfaceFiles,
    template: SurfaceTemplate,
    vertices: SurfaceVertices,
    labels: dict[str, Any],
) -> xr.Dataset:
    """Make what ``voxels.nc`` holds of a study on the surface.

    Parameters
    ----------
    study : Study
    recordings : SurfaceFiles
    template : SurfaceTemplate
    vertices : SurfaceVertices
    labels : dict
        From `vertex_labels`.

    Returns
    -------
    xarray.Dataset
        ``region (region_name, target)``; attributes ``template``, ``n_template`` (vertices of one
        hemisphere) and ``pairing``.

    Raises
    ------
    InputError
        Where a region cannot be read, has no vertex, or two have one name.
    """
    dataset = region_members(study, _regions(study, recordings, template, vertices), labels)
    return dataset.assign_attrs(
        template=template.name, n_template=template.n_vertices, pairing=template.how
    )


def write_surface_maps(
    maps: xr.Dataset, voxels: xr.Dataset, folder: Path, *, simulated: bool
) -> list[Path]:
    """Write every map as two GIFTI files, one for each hemisphere of the template.

    Parameters
    ----------
    maps : xarray.Dataset
        Variables on ``target``, some also on ``model``.
    voxels : xarray.Dataset
        From `describe_vertices`.
    folder : Path
    simulated : bool
        Say so in every file.

    Returns
    -------
    list of Path
        ``score_MODEL_hemi-L.func.gii``, ``score_MODEL_hemi-R.func.gii`` and so on. Vertices
        without a value (the medial wall) hold NaN.
    """
    from nibabel.gifti import GiftiDataArray, GiftiImage, GiftiMetaData

    sides = voxels["hemisphere"].values.astype(str)
    numbers = voxels["vertex"].values
    written = []
    for stem, values in named_images(maps).items():
        for letter, side in (("L", "left"), ("R", "right")):
            whole = np.full(int(voxels.attrs["n_template"]), np.nan, dtype=np.float32)
            whole[numbers[sides == side]] = values[sides == side]
            array = GiftiDataArray(
                whole, intent="NIFTI_INTENT_SHAPE", meta=GiftiMetaData({"Name": stem})
            )
            facts = {
                "AnatomicalStructurePrimary": f"Cortex{side.capitalize()}",
                "Description": "simulated data" if simulated else "hemiscale",
            }
            image = GiftiImage(darrays=[array], meta=GiftiMetaData(facts))
            path = folder / f"{stem}_hemi-{letter}.func.gii"
            with write_atomically(path) as temporary:
                temporary.write_bytes(image.to_bytes())
            written.append(path)
    return written


def _regions(
    study: Study, recordings: SurfaceFiles, template: SurfaceTemplate, vertices: SurfaceVertices
) -> list[VoxelRegion]:
    from hemiscale.brain import PAPER_REGIONS, VoxelRegion, label_regions, places_in_sphere

    centres = dict(PAPER_REGIONS) if recordings.paper_regions else {}
    again = sorted(set(centres) & set(recordings.spheres))
    if again:
        raise InputError(f"study {study.name}: two regions would be named {', '.join(again)}.")
    found: list[VoxelRegion] = []
    for name, (x, y, z) in (centres | recordings.spheres).items():
        assert template.places is not None  # the study file was refused otherwise
        offset = 0
        for k, (side, other, sign, numbers) in enumerate(
            (("left", "right", -1, vertices.left), ("right", "left", 1, vertices.right))
        ):
            inside = places_in_sphere(
                template.places[k][numbers], (sign * abs(x), y, z), recordings.sphere_radius
            )
            if not inside.any():
                raise InputError(
                    f"study {study.name}: no vertex lies within {recordings.sphere_radius:g} mm of "
                    f"{name}_{side}; are centre and mesh in millimetres of one space?"
                )
            columns = offset + np.flatnonzero(inside)
            found.append(VoxelRegion(f"{name}_{side}", side, f"{name}_{other}", columns))
            offset += len(numbers)
    if recordings.labels_left and recordings.labels_right:
        folder = Path(study.folder)
        found += label_regions(
            folder / recordings.labels_left, folder / recordings.labels_right, vertices
        )
    return found
