"""From volumes to targets: mask, clean scans on disk, and what is known of every voxel."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.errors import HemiscaleWarning, InputError
from hemiscale.pipeline.digests import Digests
from hemiscale.pipeline.helpers import Helpers
from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.masks import own_mask_file
from hemiscale.pipeline.stories import collect
from hemiscale.pipeline.targets import Targets, run_slices, stored_targets
from hemiscale.pipeline.unchanged import KnownFiles, raise_if_changed, states_of_known
from hemiscale.results import fingerprint
from hemiscale.study import AVERAGE, Study, VolumeFiles, Volumes

if TYPE_CHECKING:
    from hemiscale.brain import Cleaning, Recording

__all__ = ["prepare_volumes", "volume_targets", "volumes_fingerprint"]

Progress = Callable[[int, int], None]
_Marks = dict[tuple[str, int], str]
_Prepared = tuple[_Marks, list[str], list[str]] | None


def prepare_volumes(
    recordings: Volumes,
    inputs: StudyInputs,
    mask: Any,
    folder: Path,
    digest: Digests,
    *,
    helpers: Helpers,
    progress: Progress,
) -> dict[tuple[str, int], str]:
    """Clean all recordings that are not clean on disk yet, and average them.

    Parameters
    ----------
    recordings : Volumes
    inputs : StudyInputs
    mask : Nifti1Image
    folder : Path
    digest : Digests
    helpers : Helpers
        Each holds one recording at a time, and for the average the sum of a run.
    progress : callable
        Called with (recordings done, recordings in all).

    Returns
    -------
    dict from (subject, run from 1) to str
        Fingerprints of the clean scans.

    Raises
    ------
    InputError
        With one sentence for each recording whose values cannot be used.
    HemiscaleError
        Where a recording changes meanwhile; nothing is stored of it.
    """
    cleaning = _cleaning(recordings, inputs.t_r)
    found = [replace(r, path=r.path.resolve()) for r in inputs.recordings]
    confounds = {path.resolve(): values for path, values in inputs.confounds.items()}
    known = digest.known([r.path for r in found])
    folder = folder.resolve()
    marks: _Marks = {}
    if _keeps_listeners(recordings) or _is_average(recordings):
        marks |= _prepare(
            _prepare_one,
            [
                ([r], {r.path: known[r.path]}, confounds.get(r.path), recordings.own_masks)
                for r in found
            ],
            helpers,
            progress,
            mask=mask,
            cleaning=cleaning,
            folder=folder,
        )
    if recordings.average and not _is_average(recordings):
        by_run = [[r for r in found if r.run == run] for run in sorted({r.run for r in found})]
        marks |= _prepare(
            _prepare_average,
            [
                (
                    here,
                    {r.path: known[r.path] for r in here},
                    {r.path: confounds[r.path] for r in here if r.path in confounds},
                )
                for here in by_run
            ],
            helpers,
            progress,
            mask=mask,
            cleaning=cleaning,
            folder=folder,
        )
    return marks


def _prepare(
    function: Callable[..., _Prepared],
    items: list[tuple[Any, ...]],
    helpers: Helpers,
    progress: Progress,
    **common: Any,
) -> _Marks:
    """Let others prepare recordings, as far as they see them; give the fingerprints."""
    paths = [[recording.path for recording in item[0]] for item in items]
    total, done = sum(map(len, paths)), 0
    marks: _Marks = {}
    problems: list[str] = []
    notices: list[str] = []
    prepared = helpers.map_seen(function, items, paths, **common)
    for here, (made, wrong, odd) in zip(paths, prepared, strict=True):
        marks |= made
        problems += wrong
        notices += odd
        done += len(here)
        progress(done, total)
    for notice in dict.fromkeys(notices):
        warnings.warn(notice, HemiscaleWarning, stacklevel=2)
    if problems:
        raise InputError(*problems)
    return marks


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
        # The mask is that of all listeners: it does not tell which of their own made it.
        own_masks=[recordings.mask_share] if recordings.own_masks else False,
    )


def volume_targets(
    study: Study,
    recordings: Volumes,
    inputs: StudyInputs,
    voxels: dict[str, Any],
    folder: Path,
    marks: Mapping[tuple[str, int], str],
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
    marks : mapping from (subject, run from 1) to str
        From `prepare_volumes`.
    stamp : str
        From `volumes_fingerprint`.

    Returns
    -------
    Targets
        With one part per subject: one is in memory at a time.
    """
    scored = [AVERAGE] if recordings.average else []
    if recordings.individuals and not _is_average(recordings):
        scored += inputs.subjects
    return stored_targets(
        folder,
        run_slices(study, [run.n_scans for run in inputs.runs], inputs.t_r),
        scored=scored,
        listeners=inputs.subjects if _keeps_listeners(recordings) else [],
        labels=voxels,
        marks=marks,
        stamp=stamp,
        partial=recordings.own_masks,
    )


def _prepare_one(
    recordings: list[Recording],
    known: KnownFiles,
    confounds: np.ndarray | None,
    own_masks: bool,
    *,
    mask: Any,
    cleaning: Cleaning,
    folder: Path,
) -> _Prepared:
    """Clean a recording; give mark, problems and notices, or None where it cannot be seen here."""
    from hemiscale.brain import prepare_recording, read_mask

    (recording,) = recordings
    if not recording.path.is_file():
        return None
    with _collected(known) as (prepared, unchanged):
        made = prepare_recording(
            recording,
            mask,
            cleaning,
            folder,
            confounds=confounds,
            own_mask=read_mask(own_mask_file(folder, recording.subject)) if own_masks else None,
            digest=lambda path: known[path][1],
            before_storing=unchanged,
        )
        prepared[0][recording.subject, recording.run] = made.mark
    return prepared


def _prepare_average(
    recordings: list[Recording],
    known: KnownFiles,
    confounds: dict[Path, np.ndarray],
    *,
    mask: Any,
    cleaning: Cleaning,
    folder: Path,
) -> _Prepared:
    """Average one run; give mark, problems and notices, or None, as for one recording."""
    from hemiscale.brain import prepare_average

    if not all(recording.path.is_file() for recording in recordings):
        return None
    with _collected(known) as (prepared, unchanged):
        (made,) = prepare_average(
            recordings,
            mask,
            cleaning,
            folder,
            confounds=confounds,
            digest=lambda path: known[path][1],
            before_storing=unchanged,
        )
        prepared[0][AVERAGE, recordings[0].run] = made.mark
    return prepared


@contextmanager
def _collected(
    known: KnownFiles,
) -> Iterator[tuple[tuple[_Marks, list[str], list[str]], Callable[[], None]]]:
    """Collect problems and notices, which travel better than errors and warnings.

    In front of them is room for marks. Also gives what raises where a recording is not what it was
    when its digest was taken.
    """
    from threadpoolctl import threadpool_limits

    states = states_of_known(known)

    def unchanged() -> None:
        raise_if_changed(states)

    problems: list[str] = []
    notices: list[str] = []
    with threadpool_limits(1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        warnings.simplefilter("always", HemiscaleWarning)
        with collect(problems):
            yield ({}, problems, notices), unchanged
    if problems:  # half of a file that is being written may be the only problem
        unchanged()
    notices += [str(w.message) for w in caught if issubclass(w.category, HemiscaleWarning)]


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
