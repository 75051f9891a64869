"""Recordings on the surface: found, described, checked against story, template and each other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hemiscale.errors import InputError
from hemiscale.pipeline.stories import collect
from hemiscale.pipeline.volume_inputs import common_t_r
from hemiscale.study import AVERAGE, Study, SurfaceFiles

if TYPE_CHECKING:
    from hemiscale.brain import SurfaceRecording, SurfaceTemplate

__all__ = [
    "SurfaceInputs",
    "find_surfaces",
    "surface_files",
    "template_of",
    "unreadable_surfaces",
]


@dataclass(frozen=True)
class SurfaceInputs:
    """The recordings of a study on the surface.

    Attributes
    ----------
    recordings : list of SurfaceRecording
        Subject by subject, run by run.
    t_r : float
        Seconds between scans.
    confounds : dict
        (n_scans, n_confounds) arrays by (first) path of the recording.
    """

    recordings: list[SurfaceRecording]
    t_r: float
    confounds: dict[Path, np.ndarray]


def find_surfaces(
    study: Study,
    recordings: SurfaceFiles,
    story_ends: list[float] | None,
    problems: list[str],
) -> SurfaceInputs | None:
    """Find all recordings, describe them by their headers, and check them.

    Parameters
    ----------
    study : Study
    recordings : SurfaceFiles
    story_ends : list of float or None
        When the last word of each run ends; None where the stories have problems of their own.
    problems : list of str
        Sentences are added to it.

    Returns
    -------
    SurfaceInputs or None
        None where there are no recordings to go on with.
    """
    from hemiscale.brain import check_runs, describe_surface

    try:
        files = _files(study, recordings)
    except InputError as error:
        problems += error.problems
        return None
    described = []
    for (subject, run), paths in files.items():
        with collect(problems):
            described.append(describe_surface(paths, subject=subject, run=run))
    if len(described) < len(files):
        return None  # what is wrong with files has been said; the rest would be said twice
    t_r = recordings.t_r or common_t_r(described, problems)
    if t_r is None:
        return None
    problems += check_runs(described, n_runs=study.stimulus.n_runs, t_r=t_r, story_ends=story_ends)
    sizes = Counter(r.n_template for r in described)
    usual = sizes.most_common(1)[0][0]
    problems += [
        f"{r.path}: run {r.run} of {r.subject} has {r.n_template:,} vertices on each side where "
        f"most have {usual:,}; it is of another template."
        for r in described
        if r.n_template != usual
    ]
    with collect(problems):
        template_of(study, recordings, usual)
    _check_labels(study, recordings, usual, problems)
    return SurfaceInputs(described, t_r, _confounds(study, recordings, described, problems))


def surface_files(study: Study, recordings: SurfaceFiles) -> list[Path]:
    """List the recordings of a study and their confounds, without reading them.

    Parameters
    ----------
    study : Study
    recordings : SurfaceFiles

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        Where recordings are missing.
    """
    found: list[Path] = []
    for (subject, run), paths in _files(study, recordings).items():
        found += paths
        if recordings.confounds:
            found.append(_confound_file(study, recordings, subject, run))
    return found


def template_of(study: Study, recordings: SurfaceFiles, n_vertices: int) -> SurfaceTemplate:
    """Find the template that a study names.

    Parameters
    ----------
    study : Study
    recordings : SurfaceFiles
    n_vertices : int
        Of one hemisphere of the recordings.

    Returns
    -------
    SurfaceTemplate

    Raises
    ------
    InputError
        As `surface_template`.
    """
    from hemiscale.brain import surface_template

    folder = Path(study.folder)
    return surface_template(
        recordings.template,
        n_vertices,
        left=[folder / path for path in recordings.mesh_left],
        right=[folder / path for path in recordings.mesh_right],
        pairing=recordings.pairing,
    )


def unreadable_surfaces(found: SurfaceInputs) -> list[str]:
    """Read all recordings once and say where values are missing, constant or cut off.

    Parameters
    ----------
    found : SurfaceInputs

    Returns
    -------
    list of str
        One sentence per recording that has a problem.
    """
    from hemiscale.brain import read_surface

    problems: list[str] = []
    for recording in found.recordings:
        with collect(problems):
            read_surface(recording.paths)
    return problems


def _files(study: Study, recordings: SurfaceFiles) -> dict[tuple[str, int], tuple[Path, ...]]:
    from hemiscale.brain import find_recordings

    subjects = [AVERAGE] if recordings.is_average else recordings.subjects
    problems: list[str] = []
    sides = []
    for pattern in recordings.patterns:
        with collect(problems):
            sides.append(
                find_recordings(
                    str(Path(study.folder) / pattern),
                    n_runs=study.stimulus.n_runs,
                    subjects=subjects,
                )
            )
    if problems:
        raise InputError(*problems)
    return {
        (subject, run): paths
        for subject in subjects
        for run, paths in enumerate(zip(*(side[subject] for side in sides), strict=True), start=1)
    }


def _check_labels(
    study: Study, recordings: SurfaceFiles, n_vertices: int, problems: list[str]
) -> None:
    from hemiscale.brain import read_labels

    for path in (recordings.labels_left, recordings.labels_right):
        if path:
            with collect(problems):
                read_labels(Path(study.folder) / path, n_vertices)


def _confounds(
    study: Study,
    recordings: SurfaceFiles,
    described: list[SurfaceRecording],
    problems: list[str],
) -> dict[Path, np.ndarray]:
    from hemiscale.brain import read_confounds

    found = {}
    for recording in described if recordings.confounds else []:
        with collect(problems):
            path = _confound_file(study, recordings, recording.subject, recording.run)
            values = read_confounds(path, recordings.confounds)
            if len(values) != recording.n_scans:
                raise InputError(
                    f"{path}: has {len(values)} rows where {recording.path.name} has "
                    f"{recording.n_scans} scans."
                )
            found[recording.path] = values
    return found


def _confound_file(study: Study, recordings: SurfaceFiles, subject: str, run: int) -> Path:
    pattern = str(recordings.confound_files)
    return Path(study.folder) / pattern.format(subject=subject, run=run)
