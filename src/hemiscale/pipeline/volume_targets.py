"""From volumes to targets: mask, clean scans on disk, and what is known of every voxel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.errors import HemiscaleError, InputError
from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.masks import Digests, own_mask_file
from hemiscale.pipeline.stories import collect
from hemiscale.pipeline.targets import Listener, StoredSubject, Targets, run_slices
from hemiscale.results import (
    fingerprint,
)
from hemiscale.study import AVERAGE, Study, VolumeFiles, Volumes

if TYPE_CHECKING:
    from hemiscale.brain import Cleaning, Recording

__all__ = ["prepare_volumes", "volume_targets", "volumes_fingerprint"]

Progress = Callable[[int, int], None]


def prepare_volumes(
    recordings: Volumes,
    inputs: StudyInputs,
    mask: Any,
    folder: Path,
    digest: Digests,
    *,
    workers: int,
    progress: Progress,
) -> None:
    """Clean all recordings that are not clean on disk yet, and average them.

    Parameters
    ----------
    recordings : Volumes
    inputs : StudyInputs
    mask : Nifti1Image
    folder : Path
    digest : Digests
    workers : int
        Processes; each holds one recording.
    progress : callable
        Called with (recordings done, recordings in all).

    Raises
    ------
    InputError
        With one sentence for each recording whose values cannot be used.
    """
    from joblib import Parallel, delayed
    from threadpoolctl import threadpool_limits

    from hemiscale.brain import prepare_average

    cleaning = _cleaning(recordings, inputs.t_r)
    total = len(inputs.recordings)
    if _keeps_listeners(recordings) or _is_average(recordings):
        stamps = {r.path: digest(r.path) for r in inputs.recordings}
        results = Parallel(n_jobs=max(1, min(workers, total)), return_as="generator")(
            delayed(_prepare_one)(
                r,
                mask,
                cleaning,
                folder,
                inputs.confounds.get(r.path),
                stamps[r.path],
                recordings.own_masks,
            )
            for r in inputs.recordings
        )
        problems: list[str] = []
        for done, sentences in enumerate(results, start=1):
            problems += sentences
            progress(done, total)
        if problems:
            raise InputError(*problems)
    if recordings.average and not _is_average(recordings):
        with threadpool_limits(1):
            prepare_average(
                inputs.recordings,
                mask,
                cleaning,
                folder,
                confounds=inputs.confounds,
                digest=digest,
                progress=progress,
            )


def volumes_fingerprint(
    recordings: Volumes, inputs: StudyInputs, mask: Any, digest: Digests
) -> str:
    """Fingerprint of all recordings, the mask, and what is done to them.

    Parameters
    ----------
    recordings : Volumes
    inputs : StudyInputs
    mask : Nifti1Image
    digest : Digests

    Returns
    -------
    str
    """
    from hemiscale.brain import recording_fingerprint

    cleaning = _cleaning(recordings, inputs.t_r)
    return fingerprint(
        recordings=[
            [
                r.subject,
                r.run,
                recording_fingerprint(
                    r.path,
                    mask,
                    cleaning,
                    confounds=inputs.confounds.get(r.path),
                    digest=digest,
                ),
            ]
            for r in inputs.recordings
        ],
        average=recordings.average,
        individuals=recordings.individuals,
        own_masks=recordings.own_masks,
    )


def volume_targets(
    study: Study,
    recordings: Volumes,
    inputs: StudyInputs,
    voxels: dict[str, Any],
    folder: Path,
    stamp: str,
) -> Targets:
    """Say where the clean scans of every subject lie.

    Parameters
    ----------
    study : Study
    recordings : Volumes
    inputs : StudyInputs
    voxels : dict
        Coordinates of the dimension target.
    folder : Path
        Of the clean scans.
    stamp : str
        From `volumes_fingerprint`.

    Returns
    -------
    Targets
        With one part per subject: one is in memory at a time.
    """
    from hemiscale.brain import prepared_file

    slices = run_slices(study, [run.n_scans for run in inputs.runs], inputs.t_r)

    def files(subject: str) -> list[Path]:
        return [prepared_file(folder, subject, k) for k in range(1, len(inputs.runs) + 1)]

    scored = [AVERAGE] if recordings.average else []
    if recordings.individuals and not _is_average(recordings):
        scored += inputs.subjects
    missing = [path for subject in scored for path in files(subject) if not path.is_file()]
    if missing:
        raise HemiscaleError(f"{missing[0]}: is not there; run the study first.")
    return Targets(
        parts=[
            StoredSubject(subject, files(subject), slices, partial=recordings.own_masks)
            for subject in scored
        ],
        n_targets=len(voxels["target"]),
        labels=voxels,
        listeners=[Listener(files(subject), slices) for subject in inputs.subjects]
        if _keeps_listeners(recordings)
        else [],
        slices=slices,
        fingerprint=stamp,
    )


def _prepare_one(
    recording: Recording,
    mask: Any,
    cleaning: Cleaning,
    folder: Path,
    confounds: np.ndarray | None,
    digest: str,
    own_masks: bool,
) -> list[str]:
    """Problems of one recording; loky cannot carry errors with several sentences."""
    from threadpoolctl import threadpool_limits

    from hemiscale.brain import prepare_recording, read_mask

    problems: list[str] = []
    with collect(problems), threadpool_limits(1):
        prepare_recording(
            recording,
            mask,
            cleaning,
            folder,
            confounds=confounds,
            own_mask=read_mask(own_mask_file(folder, recording.subject)) if own_masks else None,
            digest=lambda _: digest,
        )
    return problems


def _is_average(recordings: Volumes) -> bool:
    return isinstance(recordings, VolumeFiles) and recordings.is_average


def _keeps_listeners(recordings: Volumes) -> bool:
    """Whether every subject is needed on disk, or only their average."""
    if _is_average(recordings):
        return False
    ceiling = recordings.ceiling_splits > 0 and recordings.reliability is None
    return recordings.individuals or ceiling


def _cleaning(recordings: Volumes, t_r: float) -> Cleaning:
    from hemiscale.brain import Cleaning

    return Cleaning(
        t_r=t_r,
        high_pass=recordings.high_pass,
        drift=recordings.drift,
        smoothing=recordings.smoothing or None,
        interpolation=recordings.interpolation,
    )
