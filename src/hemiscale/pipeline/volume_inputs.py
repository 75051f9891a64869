"""Recordings as volumes: found, described and checked against story, each other and mask."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hemiscale.errors import InputError
from hemiscale.pipeline.stories import collect
from hemiscale.study import AVERAGE, BidsRecordings, Study, VolumeFiles, Volumes

if TYPE_CHECKING:
    from hemiscale.brain import Grid, Recording, SurfaceRecording

__all__ = [
    "VolumeInputs",
    "common_t_r",
    "find_volumes",
    "given_grid",
    "given_mask",
    "unreadable_values",
    "volume_files",
]

DATASET_MASK = "petit-prince-en"


@dataclass(frozen=True)
class VolumeInputs:
    """The recordings of a study as volumes.

    Attributes
    ----------
    recordings : list of Recording
        Subject by subject, run by run.
    t_r : float
        Seconds between scans.
    confounds : dict
        (n_scans, n_confounds) arrays by path of the recording.
    """

    recordings: list[Recording]
    t_r: float
    confounds: dict[Path, np.ndarray]


def find_volumes(
    study: Study,
    recordings: Volumes,
    story_ends: list[float] | None,
    problems: list[str],
) -> VolumeInputs | None:
    """Find all recordings, describe them by their headers, and check them.

    Parameters
    ----------
    study : Study
    recordings : Volumes
    story_ends : list of float or None
        When the last word of each run ends; None where the stories have problems of their own.
    problems : list of str
        Sentences are added to it.

    Returns
    -------
    VolumeInputs or None
        None where there are no recordings to go on with.
    """
    from hemiscale.brain import check_recordings, describe_recording

    n_runs = study.stimulus.n_runs
    try:
        paths = _paths(study, recordings, n_runs)
    except InputError as error:
        problems += error.problems
        return None
    excluded = _excluded(recordings)
    described = []
    for subject, files in paths.items():
        if subject in excluded:
            continue
        for run, path in enumerate(files, start=1):
            with collect(problems):
                described.append(describe_recording(path, subject=subject, run=run))
    if len(described) < sum(len(files) for s, files in paths.items() if s not in excluded):
        return None  # what is wrong with files has been said; the rest would be said twice
    if not described:
        problems.append("recordings: all subjects are excluded; nothing is left to score.")
        return None
    if len(paths) > 1 and AVERAGE in paths:
        problems.append("recordings: a subject is named 'average'; that name is taken.")
    t_r = recordings.t_r or common_t_r(described, problems)
    if t_r is None:
        return None
    mask = None
    with collect(problems):
        mask, _ = given_mask(study, recordings)
        given_grid(study, recordings)
    problems += check_recordings(
        described, n_runs=n_runs, t_r=t_r, story_ends=story_ends, mask_img=mask
    )
    confounds = _confounds(study, recordings, described, problems)
    return VolumeInputs(described, t_r, confounds)


def volume_files(study: Study, recordings: Volumes) -> dict[str, list[Path]]:
    """List the recordings of a study and their confounds, without reading them.

    Parameters
    ----------
    study : Study
    recordings : Volumes

    Returns
    -------
    dict
        By subject, without those that are excluded.

    Raises
    ------
    InputError
        Where recordings are missing.
    """
    excluded = _excluded(recordings)
    found: dict[str, list[Path]] = {}
    for subject, files in _paths(study, recordings, study.stimulus.n_runs).items():
        if subject in excluded:
            continue
        found[subject] = list(files)
        for run, path in enumerate(files, start=1):
            if recordings.confounds:
                found[subject] += _confound_files(study, recordings, path, subject, run)
    return found


def given_mask(study: Study, recordings: Volumes) -> tuple[object | None, list[str]]:
    """Read the mask that a study names, on a symmetric grid and made symmetric.

    Parameters
    ----------
    study : Study
    recordings : Volumes

    Returns
    -------
    mask_img : Nifti1Image or None
        None where the study names none.
    notices : list of str
        What had to be done to it.

    Raises
    ------
    InputError
        Where it is no mask, or nothing of it is symmetric.
    """
    from hemiscale.brain import (
        homologous_voxels,
        read_mask,
        resample_mask,
        symmetric_grid,
        symmetric_mask,
    )

    if recordings.mask is None:
        return None, []
    if recordings.mask == DATASET_MASK:
        from hemiscale.datasets import petit_prince_mask

        path = petit_prince_mask()
    else:
        path = Path(study.folder) / recordings.mask
    mask = read_mask(path)
    notices = []
    try:
        homologous_voxels(mask)
    except ValueError:
        mask = resample_mask(mask, symmetric_grid(mask, voxel_size=recordings.voxel_size))
        notices.append(
            f"{path}: its grid is not symmetric about the midline; it was brought to one of "
            f"{recordings.voxel_size:g} mm that is."
        )
    n_before = int(np.count_nonzero(np.asarray(mask.dataobj)))
    try:
        mask, n_lost = symmetric_mask(mask)
    except ValueError as error:
        raise InputError(f"{path}: {error}.") from None
    if n_lost:
        notices.append(
            f"{path}: {n_lost} of {n_before} voxels have no mirror image in the mask and are "
            "left out."
        )
    return mask, notices


def given_grid(study: Study, recordings: Volumes) -> Grid | None:
    """Read the grid that a study names.

    Parameters
    ----------
    study : Study
    recordings : Volumes

    Returns
    -------
    Grid or None
        None where the study names none.

    Raises
    ------
    InputError
        Where the image cannot be read, or its grid is not symmetric about the midline.
    """
    from nibabel import Nifti1Image

    from hemiscale.brain import Grid, homologous_voxels, open_nifti

    if recordings.grid is None:
        return None
    if recordings.grid == DATASET_MASK:
        from hemiscale.datasets import petit_prince_mask

        path = petit_prince_mask()
    else:
        path = Path(study.folder) / recordings.grid
    grid = Grid.of(open_nifti(path))
    try:
        homologous_voxels(Nifti1Image(np.ones(grid.shape, dtype=np.uint8), grid.matrix))
    except ValueError:
        raise InputError(
            f"{path}: its grid is not symmetric about x = 0; leave out grid, and one that is will "
            "be made."
        ) from None
    return grid


def unreadable_values(study: Study, recordings: Volumes, found: VolumeInputs) -> list[str]:
    """Read all recordings once and say where values are missing, constant or cut off.

    Parameters
    ----------
    study : Study
    recordings : Volumes
    found : VolumeInputs

    Returns
    -------
    list of str
        One sentence per recording that has a problem.
    """
    from hemiscale.brain import masked_scans, whole_volumes

    mask, _ = given_mask(study, recordings)
    problems: list[str] = []
    for recording in found.recordings:
        with collect(problems), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if mask is None:
                whole_volumes(recording.path)
            else:
                masked_scans(recording.path, mask, interpolation="nearest")
    return problems


def _excluded(recordings: Volumes) -> set[str]:
    return {entry.subject.removeprefix("sub-") for entry in recordings.excluded}


def _paths(study: Study, recordings: Volumes, n_runs: int) -> dict[str, tuple[Path, ...]]:
    from hemiscale.brain import find_bids_recordings, find_recordings

    folder = Path(study.folder)
    if isinstance(recordings, BidsRecordings):
        return find_bids_recordings(
            folder / recordings.folder,
            task=recordings.task,
            subjects=recordings.subjects or None,
            space=recordings.space,
            desc=recordings.desc,
            session=recordings.session,
            n_runs=n_runs,
        )
    assert isinstance(recordings, VolumeFiles)
    subjects = [AVERAGE] if recordings.is_average else recordings.subjects
    return find_recordings(str(folder / recordings.files), n_runs=n_runs, subjects=subjects)


def common_t_r(
    recordings: Sequence[Recording | SurfaceRecording], problems: list[str]
) -> float | None:
    """Find the TR that recordings state; those that differ are a problem.

    Parameters
    ----------
    recordings : sequence of Recording or SurfaceRecording
    problems : list of str
        Sentences are added to it.

    Returns
    -------
    float or None
        Seconds; None where nothing states it.
    """
    known = Counter(round(r.t_r, 3) for r in recordings if r.t_r is not None)
    if not known:
        problems.append(
            f"{recordings[0].path}: neither sidecar nor header gives a TR; state t_r in the study."
        )
        return None
    if len(known) > 1:
        usual = known.most_common(1)[0][0]
        problems += [
            f"{r.path}: the {r.t_r_source} gives a TR of {r.t_r:g} s where most have {usual:g} s."
            for r in recordings
            if r.t_r is not None and abs(r.t_r - usual) > 0.005
        ]
    # As stated, not rounded: a hundredth of a millisecond a scan adds up.
    usual = known.most_common(1)[0][0]
    return next(r.t_r for r in recordings if r.t_r is not None and round(r.t_r, 3) == usual)


def _confounds(
    study: Study, recordings: Volumes, described: list[Recording], problems: list[str]
) -> dict[Path, np.ndarray]:
    from hemiscale.brain import read_confounds

    if not recordings.confounds:
        return {}
    found = {}
    for recording in described:
        with collect(problems):
            path = _confound_file(study, recordings, recording)
            values = read_confounds(path, recordings.confounds)
            if len(values) != recording.n_scans:
                raise InputError(
                    f"{path}: has {len(values)} rows where {recording.path.name} has "
                    f"{recording.n_scans} scans."
                )
            found[recording.path] = values
    return found


def _confound_file(study: Study, recordings: Volumes, recording: Recording) -> Path:
    matches = _confound_files(study, recordings, recording.path, recording.subject, recording.run)
    if len(matches) != 1:
        raise InputError(
            f"{recording.path}: {len(matches)} files of confounds "
            "(..._desc-confounds_timeseries.tsv) lie beside it where one is meant."
        )
    return matches[0]


def _confound_files(
    study: Study, recordings: Volumes, path: Path, subject: str, run: int
) -> list[Path]:
    if isinstance(recordings, VolumeFiles):
        pattern = str(recordings.confound_files)
        return [Path(study.folder) / pattern.format(subject=subject, run=run)]
    from hemiscale.brain import entities

    own = entities(path)
    same = {key: own[key] for key in ("sub", "ses", "task", "run") if key in own}
    return [
        other
        for ending in ("*timeseries.tsv", "*regressors.tsv")
        for other in sorted(path.parent.glob(f"*desc-confounds_{ending}"))
        if same.items() <= entities(other).items()
    ]
