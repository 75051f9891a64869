"""From volumes to targets: mask, clean scans on disk, and what is known of every voxel."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.errors import HemiscaleError, InputError
from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.stories import collect
from hemiscale.pipeline.targets import Listener, StoredSubject, Targets, run_slices
from hemiscale.pipeline.volume_inputs import given_mask
from hemiscale.results import (
    file_digest,
    fingerprint,
    write_atomically,
    write_json,
)
from hemiscale.study import AVERAGE, Study, VolumeFiles, Volumes

if TYPE_CHECKING:
    from hemiscale.brain import Cleaning, Recording

__all__ = ["Digests", "analysis_mask", "prepare_volumes", "volume_targets", "volumes_fingerprint"]

Progress = Callable[[int, int], None]


class Digests:
    """Digests of large files, remembered for as long as size and time of a file stay the same.

    Parameters
    ----------
    path : Path
        Where they are kept.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._known: dict[str, list[Any]] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self._known = {}

    def __call__(self, path: Path) -> str:
        """Give the digest of a file.

        Parameters
        ----------
        path : Path

        Returns
        -------
        str
        """
        state = path.stat()
        key, mark = str(path.resolve()), [state.st_size, state.st_mtime_ns]
        known = self._known.get(key)
        if known is None or known[:2] != mark:
            self._known[key] = [*mark, file_digest(path)]
        return str(self._known[key][2])

    def save(self) -> None:
        """Keep them for the next run."""
        write_json(self.path, self._known)


def analysis_mask(
    study: Study, recordings: Volumes, inputs: StudyInputs, folder: Path, digest: Digests
) -> tuple[Any, list[str]]:
    """Find the mask of the analysis: the given one, or what is brain in all recordings.

    Parameters
    ----------
    study : Study
    recordings : Volumes
    inputs : StudyInputs
    folder : Path
        Where a mask that is computed is kept.
    digest : Digests

    Returns
    -------
    mask_img : Nifti1Image
        Symmetric.
    notices : list of str

    Raises
    ------
    InputError
        Where there is no such mask.
    """
    from hemiscale.brain import common_mask, read_mask, symmetric_grid

    mask, notices = given_mask(study, recordings)
    if mask is not None:
        return mask, notices
    path, note = folder / "mask.nii.gz", folder / "mask.json"
    stamp = _mask_fingerprint(recordings, inputs, digest)
    known = _read_json(note)
    if known.get("fingerprint") != stamp or not path.is_file():
        grid = symmetric_grid(inputs.recordings[0].path, voxel_size=recordings.voxel_size)
        try:
            mask, n_lost = common_mask([r.path for r in inputs.recordings], grid)
        except ValueError as error:
            raise InputError(f"study {study.name}: {error}.") from None
        with write_atomically(path) as temporary:
            # The name decides whether nibabel compresses.
            temporary.write_bytes(_gzipped(mask))
        known = {"fingerprint": stamp, "n_lost": n_lost}
        write_json(note, known)
    mask = read_mask(path)
    n_voxels = int(np.count_nonzero(np.asarray(mask.dataobj)))
    return mask, [
        f"the study names no mask: {n_voxels:,} voxels are brain in all {len(inputs.recordings)} "
        f"recordings, after {known['n_lost']} without a mirror image were left out."
    ]


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

    from hemiscale.brain import prepare_average

    cleaning = _cleaning(recordings, inputs.t_r)
    total = len(inputs.recordings)
    if _keeps_listeners(recordings) or _is_average(recordings):
        stamps = {r.path: digest(r.path) for r in inputs.recordings}
        results = Parallel(n_jobs=max(1, min(workers, total)), return_as="generator")(
            delayed(_prepare_one)(
                r, mask, cleaning, folder, inputs.confounds.get(r.path), stamps[r.path]
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
        parts=[StoredSubject(subject, files(subject), slices) for subject in scored],
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
) -> list[str]:
    """Problems of one recording; loky cannot carry errors with several sentences."""
    from threadpoolctl import threadpool_limits

    from hemiscale.brain import prepare_recording

    problems: list[str] = []
    with collect(problems), threadpool_limits(1):
        prepare_recording(
            recording, mask, cleaning, folder, confounds=confounds, digest=lambda _: digest
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


def _mask_fingerprint(recordings: Volumes, inputs: StudyInputs, digest: Digests) -> str:
    sources = sorted(digest(recording.path) for recording in inputs.recordings)
    return fingerprint(sources=sources, voxel_size=recordings.voxel_size)


def _gzipped(mask: Any) -> bytes:
    import gzip

    # Without a time stamp, so that the same mask has the same bytes.
    return gzip.compress(mask.to_bytes(), mtime=0)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
