"""Clean recordings on the surface, on disk as those of volumes are, one run at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hemiscale.brain.cleaning import Drift, average_subject, clean_time_courses
from hemiscale.brain.prepared import Prepared, prepared_file, read_prepared, store_scans
from hemiscale.brain.surface_recordings import SurfaceRecording, read_surface
from hemiscale.brain.surfaces import SurfaceVertices
from hemiscale.errors import InputError
from hemiscale.results import fingerprint, stored_fingerprint

__all__ = [
    "SurfaceCleaning",
    "common_vertices",
    "prepare_surface",
    "prepare_surface_average",
    "surface_fingerprint",
]

RECIPE = 1  # raise when the same settings give other numbers than before


@dataclass(frozen=True)
class SurfaceCleaning:
    """How scans on the surface become time courses; as `Cleaning`, without what moves voxels.

    Attributes
    ----------
    t_r : float
        Seconds between scans.
    high_pass : float
        Cut-off period in seconds; 0: only the mean and the linear trend go.
    drift : str
        See `clean_time_courses`.
    """

    t_r: float
    high_pass: float = 128.0
    drift: Drift = "cosine"


def common_vertices(vertices: Sequence[SurfaceVertices]) -> SurfaceVertices:
    """Keep the vertices that all recordings have: the cortex without the medial wall.

    Parameters
    ----------
    vertices : sequence of SurfaceVertices
        Those that change over time, of each recording.

    Returns
    -------
    SurfaceVertices

    Raises
    ------
    ValueError
        Where a hemisphere has none, or the templates differ.
    """
    sizes = {one.n_template for one in vertices}
    if len(sizes) != 1:
        raise ValueError(f"the recordings have {sorted(sizes)} vertices")
    sides = []
    for side in ("left", "right"):
        common = getattr(vertices[0], side)
        for one in vertices[1:]:
            common = np.intersect1d(common, getattr(one, side), assume_unique=True)
        if not len(common):
            raise ValueError(f"no vertex on the {side} changes in all recordings")
        sides.append(np.sort(common))
    return SurfaceVertices(sides[0], sides[1], sizes.pop())


def prepare_surface(
    recording: SurfaceRecording,
    vertices: SurfaceVertices,
    cleaning: SurfaceCleaning,
    folder: str | Path,
    mark: str,
    *,
    confounds: np.ndarray | None = None,
    before_storing: Callable[[], None] | None = None,
) -> Prepared:
    """Clean one run of one subject and store it, unless that is done already.

    Parameters
    ----------
    recording : SurfaceRecording
    vertices : SurfaceVertices
        The columns to keep; all are among those of the recording.
    cleaning : SurfaceCleaning
    folder : str or Path
    mark : str
        From `surface_fingerprint`.
    confounds : (n_scans, n_confounds) array, optional
    before_storing : callable, optional
        As in `prepare_recording`.

    Returns
    -------
    Prepared
        As `prepare_recording`.

    Raises
    ------
    InputError
        As `read_surface`; also where a vertex does not change that should.
    """
    path = prepared_file(folder, recording.subject, recording.run)
    if stored_fingerprint(path) == mark:
        return Prepared(path, mark)
    scans, own = read_surface(recording.paths)
    for side in ("left", "right"):
        absent = np.setdiff1d(getattr(vertices, side), getattr(own, side))
        if len(absent):
            raise InputError(
                f"{recording.path}: {len(absent)} vertices never change that change in the other "
                f"recordings, the first is vertex {absent[0]} on the {side}; was the file changed?"
            )
    columns = np.concatenate(
        [
            np.searchsorted(own.left, vertices.left),
            len(own.left) + np.searchsorted(own.right, vertices.right),
        ]
    )
    cleaned = clean_time_courses(
        scans[:, columns],
        cleaning.t_r,
        high_pass=cleaning.high_pass,
        drift=cleaning.drift,
        confounds=confounds,
    )
    if before_storing is not None:
        before_storing()
    store_scans(path, cleaned.astype(np.float32), mark, asdict(cleaning), n_subjects=1)
    return Prepared(path, mark)


def prepare_surface_average(
    subjects: Sequence[str], run: int, marks: Sequence[str], folder: str | Path
) -> Prepared:
    """Average a clean run of all subjects, one in memory at a time.

    Parameters
    ----------
    subjects : sequence of str
        Whose runs `prepare_surface` stored.
    run : int
        From 1.
    marks : sequence over subjects of str
        Fingerprints of what was stored.
    folder : str or Path

    Returns
    -------
    Prepared

    Raises
    ------
    HemiscaleError
        Where what is stored of a subject has another fingerprint.
    """
    mark = fingerprint(average_of=sorted(marks), recipe=RECIPE)
    path = prepared_file(folder, "average", run)
    if stored_fingerprint(path) != mark:
        average = average_subject(
            read_prepared(prepared_file(folder, subject, run), own)
            for subject, own in zip(subjects, marks, strict=True)
        )
        store_scans(path, average.astype(np.float32), mark, {}, n_subjects=len(subjects))
    return Prepared(path, mark)


def surface_fingerprint(
    digests: Sequence[str],
    vertices: SurfaceVertices,
    cleaning: SurfaceCleaning,
    confounds: np.ndarray | None = None,
) -> str:
    """Fingerprint of all that makes the clean scans of one recording.

    Parameters
    ----------
    digests : sequence of str
        Of its files.
    vertices : SurfaceVertices
    cleaning : SurfaceCleaning
    confounds : (n_scans, n_confounds) array, optional

    Returns
    -------
    str
    """
    return fingerprint(
        source=list(digests),
        left=vertices.left,
        right=vertices.right,
        n_template=vertices.n_template,
        cleaning=asdict(cleaning),
        confounds=np.zeros(0) if confounds is None else np.asarray(confounds, dtype=np.float64),
        recipe=RECIPE,
    )
