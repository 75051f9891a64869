"""Regions on the surface from label files: GIFTI (``.label.gii``) or FreeSurfer (``.annot``)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hemiscale.brain.spheres import VoxelRegion
from hemiscale.brain.surface_recordings import refuse_values_elsewhere
from hemiscale.brain.surfaces import SurfaceVertices
from hemiscale.errors import InputError

__all__ = ["label_regions", "read_labels"]

NO_REGION = {"", "???", "unknown", "medial_wall", "medial wall", "corpuscallosum"}


def read_labels(path: str | Path, n_vertices: int) -> tuple[np.ndarray, dict[int, str]]:
    """Read which region each vertex of a hemisphere belongs to.

    Parameters
    ----------
    path : str or Path
    n_vertices : int
        Of the hemisphere.

    Returns
    -------
    labels : (n_vertices,) int array
    names : dict
        By label; labels that are no region (the medial wall, ``???``) are not in it.

    Raises
    ------
    InputError
        Where the file is none of labels, or of another template.
    """
    import nibabel

    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file of labels.")
    try:
        if path.suffix == ".annot":
            labels, _, found = nibabel.freesurfer.read_annot(path)
            names = {k: name.decode("utf-8", "replace") for k, name in enumerate(found)}
        else:
            refuse_values_elsewhere(path)
            image = nibabel.load(path)
            labels = np.asarray(image.darrays[0].data).reshape(-1)
            names = {int(k): str(name) for k, name in image.labeltable.get_labels_as_dict().items()}
            if not names:
                raise ValueError("no table of names")
    except InputError:
        raise
    except Exception:  # whatever a damaged file raises
        raise InputError(
            f"{path}: is no file of labels with names (.label.gii or .annot), or is cut off."
        ) from None
    if len(labels) != n_vertices:
        raise InputError(
            f"{path}: has {len(labels):,} vertices where the recordings have {n_vertices:,}; it is "
            "of another template."
        )
    names = {k: name for k, name in names.items() if name.strip().lower() not in NO_REGION}
    met: set[str] = set()
    there = set(np.unique(labels).tolist())
    for name in (name for k, name in names.items() if k in there):
        plain = _without_side(name)
        if plain in met:
            raise InputError(f"{path}: two regions are named {name!r}.")
        met.add(plain)
    return np.asarray(labels, dtype=int), names


def label_regions(
    left: str | Path, right: str | Path, vertices: SurfaceVertices
) -> list[VoxelRegion]:
    """Make regions of both hemispheres; those of one name are homologous.

    Parameters
    ----------
    left, right : str or Path
        Files of labels.
    vertices : SurfaceVertices
        The columns of the data.

    Returns
    -------
    list of VoxelRegion
        ``NAME_left`` and ``NAME_right``; a region of which no column is left is not among them.

    Raises
    ------
    InputError
        As `read_labels`; also where a name stands twice.
    """
    found: dict[str, dict[str, np.ndarray]] = {}
    offset = 0
    for path, side, numbers in ((left, "left", vertices.left), (right, "right", vertices.right)):
        labels, names = read_labels(path, vertices.n_template)
        here = labels[numbers]
        for label, name in names.items():
            plain = _without_side(name)
            columns = offset + np.flatnonzero(here == label)
            if len(columns):
                found.setdefault(plain, {})[side] = columns
        offset += len(numbers)
    regions = []
    for name, sides in found.items():
        for side, columns in sides.items():
            other = "right" if side == "left" else "left"
            homologue = f"{name}_{other}" if other in sides else ""
            regions.append(VoxelRegion(f"{name}_{side}", side, homologue, columns))
    return regions


def _without_side(name: str) -> str:
    return name.removeprefix("L_").removeprefix("R_")
