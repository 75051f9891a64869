"""Recordings on the surface of the cortex: GIFTI files by hemisphere, or CIFTI with both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hemiscale.brain.homologues import Homologues
from hemiscale.errors import InputError

__all__ = [
    "SurfaceVertices",
    "describe_cifti",
    "homologous_vertices",
    "read_cifti",
    "read_gifti_pair",
]

LEFT, RIGHT = "CIFTI_STRUCTURE_CORTEX_LEFT", "CIFTI_STRUCTURE_CORTEX_RIGHT"


@dataclass(frozen=True)
class SurfaceVertices:
    """Which vertex each column of a surface recording is.

    Attributes
    ----------
    left, right : (n_left,), (n_right,) int arrays
        Numbers of the vertices in their template: the left columns come first.
    n_template : int
        Vertices of one hemisphere of the template (32,492 in fsLR 32k).
    """

    left: np.ndarray
    right: np.ndarray
    n_template: int

    @property
    def n_columns(self) -> int:
        """Columns of both hemispheres."""
        return len(self.left) + len(self.right)


def homologous_vertices(vertices: SurfaceVertices, partner: np.ndarray | None = None) -> Homologues:
    """Pair the columns of a surface recording.

    Parameters
    ----------
    vertices : SurfaceVertices
    partner : (n_template,) int array, optional
        For each vertex of the left hemisphere its mirror vertex on the right, -1 for none; see
        `surface_template`. By default vertices with the same number are homologous, as in fsLR
        (and not in fsaverage).

    Returns
    -------
    Homologues
        Without a midline; `unpaired` are vertices without a partner, or whose partner is not among
        the columns (the medial wall is not quite the same on both sides).
    """
    if partner is None:
        partner = np.arange(vertices.n_template)
    column = np.full(vertices.n_template, -1)
    column[vertices.right] = len(vertices.left) + np.arange(len(vertices.right))
    mirror = partner[vertices.left]
    mirror = np.where(mirror >= 0, column[mirror], -1)
    left = np.flatnonzero(mirror >= 0)
    right = mirror[left]
    unpaired = np.setdiff1d(np.arange(vertices.n_columns), np.concatenate([left, right]))
    return Homologues(left, right, np.zeros(0, dtype=int), unpaired)


def read_cifti(
    path: str | Path, *, without_still: bool = False
) -> tuple[np.ndarray, SurfaceVertices, float | None]:
    """Read the cortex of both hemispheres from a CIFTI series (``.dtseries.nii``).

    Parameters
    ----------
    path : str or Path
        Also a ``.dscalar.nii`` with one map per scan.
    without_still : bool
        Leave out vertices that never change, instead of refusing them.

    Returns
    -------
    scans : (n_scans, n_vertices) float32 array
        The left hemisphere's vertices, then the right's; grey matter below the cortex is left out.
    vertices : SurfaceVertices
    t_r : float or None
        Seconds between scans, where the file says.

    Raises
    ------
    InputError
        Where the file is no CIFTI series with both cortices, is not whole, or holds values that are
        not finite or never change.
    """
    path = Path(path)
    image = _load(path)
    vertices, columns, _, t_r = _cifti_axes(path, image)
    try:
        values = np.asarray(image.dataobj, dtype=np.float32)
    except Exception:  # whatever a damaged file raises
        raise InputError(f"{path}: the file is cut off or damaged; download it again.") from None
    parts = [values[:, where] for where in columns]
    del values
    if without_still:
        alive = [~_still(part) for part in parts]
        parts = [part[:, k] for part, k in zip(parts, alive, strict=True)]
        vertices = SurfaceVertices(
            vertices.left[alive[0]], vertices.right[alive[1]], vertices.n_template
        )
    _check_alive(path, parts)
    scans = np.concatenate(parts, axis=1)
    _check(path, scans, vertices)
    return scans, vertices, t_r


def describe_cifti(path: str | Path) -> tuple[int, int, float | None]:
    """Read the header of a CIFTI series.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    n_scans, n_template : int
    t_r : float or None

    Raises
    ------
    InputError
        As `read_cifti`.
    """
    vertices, _, n_scans, t_r = _cifti_axes(Path(path), _load(Path(path)))
    return n_scans, vertices.n_template, t_r


def _cifti_axes(
    path: Path, image: Any
) -> tuple[SurfaceVertices, tuple[Any, Any], int, float | None]:
    """Vertices and columns of both cortices, number of scans and TR."""
    from nibabel.cifti2 import ScalarAxis, SeriesAxis

    no_series = InputError(f"{path}: is not a CIFTI series of vertices over time (.dtseries.nii).")
    try:
        series, models = (image.header.get_axis(k) for k in (0, 1))
        structures = {str(name): (where, part) for name, where, part in models.iter_structures()}
    except AttributeError:
        raise no_series from None
    except Exception:  # whatever a damaged header raises
        raise InputError(f"{path}: the file is cut off or damaged; download it again.") from None
    if not isinstance(series, (SeriesAxis, ScalarAxis)):
        raise no_series
    missing = [name for name in (LEFT, RIGHT) if name not in structures]
    if missing:
        raise InputError(f"{path}: has no {' and no '.join(missing)}.")
    sizes = {int(models.nvertices[name]) for name in (LEFT, RIGHT)}
    if len(sizes) > 1:
        raise InputError(
            f"{path}: the hemispheres have {' and '.join(map(str, sorted(sizes)))} vertices; they "
            "are not of one template."
        )
    if len(series) < 2:
        raise InputError(f"{path}: holds one map where a series of scans is expected.")
    vertices = SurfaceVertices(
        np.asarray(structures[LEFT][1].vertex, dtype=int),
        np.asarray(structures[RIGHT][1].vertex, dtype=int),
        sizes.pop(),
    )
    for side in ("left", "right"):
        numbers = getattr(vertices, side)
        ascending = (np.diff(numbers) > 0).all()
        if not (
            len(numbers) and ascending and 0 <= numbers[0] <= numbers[-1] < vertices.n_template
        ):
            raise InputError(
                f"{path}: its vertices on the {side} are not numbers below "
                f"{vertices.n_template:,} in ascending order; the file is damaged."
            )
    in_seconds = getattr(series, "unit", "") == "SECOND" and float(series.step) > 0
    return (
        vertices,
        (structures[LEFT][0], structures[RIGHT][0]),
        len(series),
        float(series.step) if in_seconds else None,
    )


def read_gifti_pair(
    left: str | Path, right: str | Path, *, without_still: bool = True
) -> tuple[np.ndarray, SurfaceVertices, float | None]:
    """Read a series of both hemispheres from two GIFTI files (``.func.gii``).

    Parameters
    ----------
    left, right : str or Path
        ``..._hemi-L_..._bold.func.gii`` and ``..._hemi-R_...``.
    without_still : bool
        Leave out vertices that never change: the medial wall, where GIFTI holds zeros or NaN.

    Returns
    -------
    scans : (n_scans, n_vertices) float32 array
        The left hemisphere's vertices, then the right's.
    vertices : SurfaceVertices
    t_r : float or None
        Seconds between scans, where the files say.

    Raises
    ------
    InputError
        Where a file is no GIFTI series, the two do not belong together, they are exchanged, or
        values are not finite.
    """
    paths = [Path(left), Path(right)]
    images = [_load(path) for path in paths]
    for path, image, side in zip(paths, images, ("Left", "Right"), strict=True):
        stated = dict(getattr(image, "meta", {}) or {}).get("AnatomicalStructurePrimary", "")
        if stated.startswith("Cortex") and stated != f"Cortex{side}":
            raise InputError(
                f"{path}: says that it is of {stated} where Cortex{side} is expected; are the "
                "hemispheres exchanged?"
            )
    series = [_series(path, image) for path, image in zip(paths, images, strict=True)]
    if len(series[0]) != len(series[1]):
        raise InputError(
            f"{paths[0]} has {len(series[0])} scans and {paths[1]} {len(series[1])}; they are not "
            "of one run."
        )
    if series[0].shape[1] != series[1].shape[1]:
        raise InputError(
            f"{paths[0]} has {series[0].shape[1]} vertices and {paths[1]} {series[1].shape[1]}; "
            "they are not of one template."
        )
    kept = [
        np.flatnonzero(~_still(part)) if without_still else np.arange(part.shape[1])
        for part in series
    ]
    vertices = SurfaceVertices(kept[0], kept[1], n_template=series[0].shape[1])
    parts = [part[:, k] for part, k in zip(series, kept, strict=True)]
    for path, part in zip(paths, parts, strict=True):
        _check_alive(path, [part])
    scans = np.concatenate(parts, axis=1)
    _check(paths[0], scans, vertices, path_right=paths[1])
    return scans, vertices, _gifti_t_r(images[0])


def _load(path: Path) -> Any:
    import nibabel

    if not path.is_file():
        raise InputError(f"{path}: there is no such file.")
    try:
        # Mapped into memory, a file that becomes shorter meanwhile would end the process.
        return nibabel.load(path, mmap=False)
    except Exception:  # whatever a damaged file raises
        raise InputError(
            f"{path}: is no GIFTI or CIFTI file, or is cut off; download it again."
        ) from None


def _series(path: Path, image: Any) -> np.ndarray:
    arrays = getattr(image, "darrays", None)
    if not arrays:
        raise InputError(f"{path}: is not a GIFTI series (.func.gii).")
    shapes = {tuple(np.shape(array.data)) for array in arrays}
    if len(shapes) > 1:
        raise InputError(f"{path}: its scans have different numbers of vertices.")
    if len(arrays) > 1 and len(shapes.pop()) != 1:
        raise InputError(f"{path}: its scans are no lists of one value for each vertex.")
    if len(arrays) == 1 and arrays[0].data.ndim == 2:
        return np.asarray(arrays[0].data, dtype=np.float32).T  # one array of vertices x scans
    if len(arrays) < 2:
        raise InputError(f"{path}: holds one map where a series of scans is expected.")
    return np.stack([np.asarray(array.data, dtype=np.float32) for array in arrays])


def _gifti_t_r(image: Any) -> float | None:
    for meta in (getattr(image, "meta", None), getattr(image.darrays[0], "meta", None)):
        stated = dict(meta or {}).get("TimeStep")
        try:
            value = float(str(stated)) / 1000  # milliseconds, as Workbench writes
        except ValueError:
            continue
        if value > 0:
            return value
    return None


def _still(part: np.ndarray) -> np.ndarray:
    """Which columns never change, or are NaN in every scan."""
    with np.errstate(invalid="ignore"):
        return np.asarray((part == part[0]).all(axis=0) | np.isnan(part).all(axis=0))


def _check_alive(path: Path, parts: list[np.ndarray]) -> None:
    for part in parts:
        if not part.shape[1]:
            raise InputError(
                f"{path}: all vertices of a hemisphere are constant or NaN; the recording is empty."
            )


def _check(
    path: Path, scans: np.ndarray, vertices: SurfaceVertices, path_right: Path | None = None
) -> None:
    low, high = scans.min(axis=0), scans.max(axis=0)
    problems = []
    for what, bad in (
        ("hold values that are not finite", ~(np.isfinite(low) & np.isfinite(high))),
        ("never change", low == high),
    ):
        columns = np.flatnonzero(bad)
        if len(columns):
            first, n_left = int(columns[0]), len(vertices.left)
            side = "left" if first < n_left else "right"
            number = vertices.left[first] if first < n_left else vertices.right[first - n_left]
            where = path if path_right is None or first < n_left else path_right
            problems.append(
                f"{where}: {len(columns)} of {vertices.n_columns} vertices {what}, the first is "
                f"vertex {number} on the {side}."
            )
    if problems:
        raise InputError(*problems)
