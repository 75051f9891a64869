"""Templates of the cortical surface: where their vertices lie, and which vertex mirrors which.

In fs_LR (CIFTI of the Human Connectome Project, fMRIPrep's ``fsLR``) vertex k of the left
hemisphere corresponds to vertex k of the right (Van Essen et al. 2012). In fsaverage it does not:
the two hemispheres were registered apart, and a number means different places on both sides. There
a vertex is paired with the vertex of the other side that lies nearest to its mirror image, on the
white and the pial surface together, so that the two banks of a sulcus are not confused. Pairs that
lie farther apart than one edge of the mesh are no pairs.

References
----------
Van Essen, D. C., Glasser, M. F., Dierker, D. L., Harwell, J., & Coalson, T. (2012).
Parcellations and hemispheric asymmetries of human cerebral cortex analyzed on surface-based
atlases. Cerebral Cortex, 22, 2241-2262.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hemiscale.brain.surface_recordings import refuse_values_elsewhere
from hemiscale.errors import InputError

__all__ = [
    "FSAVERAGE_VERTICES",
    "FSLR_VERTICES",
    "SurfaceTemplate",
    "mirror_pairs",
    "surface_template",
]

FSAVERAGE_VERTICES = {"fsaverage5": 10_242, "fsaverage6": 40_962, "fsaverage": 163_842}
"""Vertices of one hemisphere, by template."""

FSLR_VERTICES = (4_002, 7_842, 32_492, 59_292, 163_842)
"""Vertices of one hemisphere of fs_LR, in the densities in which it is shared."""

FREESURFER = ("orig", "pial", "sphere", "white", "inflated")
"""How the names of meshes end that nilearn reads as FreeSurfer geometry, which has no outline."""

Side = Sequence[str | Path]


@dataclass(frozen=True)
class SurfaceTemplate:
    """The mesh that recordings on the surface share.

    Attributes
    ----------
    name : str
    n_vertices : int
        Of one hemisphere.
    places : (left, right) or None
        (n_vertices, 3) arrays, mm; None where the study names no mesh.
    partner : (n_vertices,) int array
        For each vertex on the left its mirror vertex on the right, -1 for none.
    distance : (n_vertices,) array or None
        Millimetres between the mirror image of a left vertex and its partner, NaN for none.
    how : str
        How vertices were paired, one sentence.
    """

    name: str
    n_vertices: int
    places: tuple[np.ndarray, np.ndarray] | None
    partner: np.ndarray
    distance: np.ndarray | None
    how: str


def surface_template(
    name: str | None,
    n_vertices: int,
    *,
    left: Side = (),
    right: Side = (),
    pairing: str | None = None,
) -> SurfaceTemplate:
    """Find the mesh of a template, and pair its hemispheres.

    Parameters
    ----------
    name : str or None
        ``"fsaverage5"`` (which nilearn carries), ``"fsaverage6"``, ``"fsaverage"`` (which nilearn
        downloads), ``"fsLR"``, or None for a mesh of the user's own.
    n_vertices : int
        Vertices of one hemisphere of the recordings.
    left, right : sequences of paths
        Surfaces of each hemisphere: GIFTI (``.surf.gii``) or FreeSurfer geometry; white and pial,
        or one between them. They take the place of the template's.
    pairing : {"number", "position"}, optional
        By default by number in fsLR, otherwise by position.

    Returns
    -------
    SurfaceTemplate

    Raises
    ------
    InputError
        Where the mesh is not that of the recordings, cannot be had, or cannot be paired.
    """
    label = name or "own mesh"
    known = FSLR_VERTICES if name == "fsLR" else (FSAVERAGE_VERTICES.get(name or "", n_vertices),)
    if n_vertices not in known:
        expected = " or ".join(f"{n:,}" for n in known)
        raise InputError(
            f"template {name!r}: the recordings have {n_vertices:,} vertices on each side where "
            f"{expected} are expected; are they of another template?"
        )
    if left or right:
        meshes = [_read_surfaces(side, n_vertices) for side in (left, right)]
    elif name in FSAVERAGE_VERTICES:
        meshes = _fsaverage(name, n_vertices)
    else:
        meshes = []
    places = None
    if meshes:
        on_left, on_right = (np.mean(surfaces, axis=0) for surfaces, _ in meshes)
        if on_left[:, 0].mean() >= on_right[:, 0].mean():
            raise InputError(
                f"template {label!r}: the left mesh does not lie to the left of the right one; "
                "are they exchanged, or one named twice?"
            )
        places = (on_left, on_right)
    if (pairing or ("number" if name == "fsLR" else "position")) == "number":
        if name in FSAVERAGE_VERTICES:
            raise InputError(
                f"template {name!r}: its hemispheres do not correspond by the number of the "
                'vertex; pair them by position (pairing = "position").'
            )
        partner = np.arange(n_vertices)
        how = "homologous vertices have the same number on both sides"
    elif places is None:
        raise InputError(
            f"template {label!r}: homologous vertices cannot be told without a mesh; name "
            "mesh_left and mesh_right."
        )
    else:
        limit = float(np.median([_edges(surfaces, faces) for surfaces, faces in meshes]))
        both = [np.hstack(surfaces) / np.sqrt(len(surfaces)) for surfaces, _ in meshes]
        partner = mirror_pairs(both[0], both[1], limit)
        if (partner < 0).all():
            raise InputError(
                f"template {label!r}: no vertex of the left mesh has one on the right near its "
                "mirror image; are the meshes in one space, with the midline at x = 0?"
            )
        how = (
            "homologous vertices are those nearest to each other's mirror image, at most "
            f"{limit:.1f} mm (the median edge of the mesh) apart"
        )
    return SurfaceTemplate(label, n_vertices, places, partner, _distance(places, partner), how)


def mirror_pairs(left: np.ndarray, right: np.ndarray, limit: float) -> np.ndarray:
    """Pair points on the left with points on the right that are nearest to their mirror image.

    Nearest first: of all pairs whose members are both free, the closest is taken, until none is
    left within the limit.

    Parameters
    ----------
    left, right : (n, 3 * n_surfaces) arrays
        x, y, z on each surface; x from left to right.
    limit : float
        The largest distance of a pair.

    Returns
    -------
    (n_left,) int array
        Partner on the right, -1 for none. No two have the same.
    """
    from scipy.spatial import cKDTree

    mirror = np.tile([-1.0, 1.0, 1.0], left.shape[1] // 3)
    near = cKDTree(left * mirror).sparse_distance_matrix(
        cKDTree(right), limit, output_type="ndarray"
    )
    # Rounded, so that ties do not hang on the last digits of a processor.
    order = np.lexsort((near["j"], near["i"], np.round(near["v"], 6)))
    partner = np.full(len(left), -1)
    taken = np.zeros(len(right), dtype=bool)
    for one, other in zip(near["i"][order].tolist(), near["j"][order].tolist(), strict=True):
        if partner[one] < 0 and not taken[other]:
            partner[one], taken[other] = other, True
    return partner


def _distance(
    places: tuple[np.ndarray, np.ndarray] | None, partner: np.ndarray
) -> np.ndarray | None:
    if places is None:
        return None
    distance = np.full(len(partner), np.nan)
    paired = np.flatnonzero(partner >= 0)
    mirrored = places[0][paired] * np.array([-1.0, 1.0, 1.0])
    distance[paired] = np.linalg.norm(mirrored - places[1][partner[paired]], axis=1)
    return distance


def _edges(surfaces: list[np.ndarray], faces: np.ndarray) -> float:
    middle = np.mean(surfaces, axis=0)
    ends = middle[faces[:, [0, 1, 2]]] - middle[faces[:, [1, 2, 0]]]
    return float(np.median(np.linalg.norm(ends, axis=2)))


def _fsaverage(name: str, n_vertices: int) -> list[tuple[list[np.ndarray], np.ndarray]]:
    from nilearn.datasets import fetch_surf_fsaverage

    try:
        files = fetch_surf_fsaverage(name)
    except Exception as error:  # whatever the network and nilearn have
        raise InputError(
            f"template {name!r}: nilearn cannot get its mesh ({type(error).__name__}); connect to "
            "the network once, or name mesh_left and mesh_right."
        ) from None
    return [
        _read_surfaces([files[f"white_{side}"], files[f"pial_{side}"]], n_vertices)
        for side in ("left", "right")
    ]


def _read_surfaces(paths: Side, n_vertices: int) -> tuple[list[np.ndarray], np.ndarray]:
    from nilearn.surface import load_surf_mesh

    surfaces, faces = [], np.zeros((0, 3), dtype=int)
    for path in map(Path, paths):
        if not path.is_file():
            raise InputError(f"{path}: there is no such mesh.")
        try:
            if not path.name.endswith(FREESURFER):
                refuse_values_elsewhere(path)
            mesh: Any = load_surf_mesh(path)
            places, faces = np.asarray(mesh.coordinates, dtype=float), np.asarray(mesh.faces)
            if places.ndim != 2 or places.shape[1] != 3 or not np.isfinite(places).all():
                raise ValueError("places are not three numbers each")
        except InputError:
            raise
        except Exception:  # whatever a damaged file raises
            raise InputError(
                f"{path}: is no mesh (.surf.gii or FreeSurfer geometry), or is cut off."
            ) from None
        if len(places) != n_vertices:
            raise InputError(
                f"{path}: has {len(places):,} vertices where the recordings have {n_vertices:,}; "
                "it is of another template."
            )
        surfaces.append(places)
    return surfaces, faces
