"""Clean recordings on disk: compressed, fingerprinted, made once, one run at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hemiscale.brain.cleaning import average_subject
from hemiscale.brain.grids import Grid
from hemiscale.brain.recordings import Recording
from hemiscale.brain.volumes import Cleaning, clean_volumes
from hemiscale.errors import HemiscaleError, InputError
from hemiscale.results import (
    file_digest,
    fingerprint,
    read_dataset,
    safe_name,
    stored_fingerprint,
    write_dataset,
)

__all__ = [
    "Prepared",
    "prepare_average",
    "prepare_recording",
    "prepared_file",
    "read_prepared",
    "recording_fingerprint",
    "store_scans",
]

RECIPE = 1  # raise when the same settings give other numbers than before


class Prepared(NamedTuple):
    """Clean scans on disk; `read_prepared` takes both.

    Attributes
    ----------
    path : Path
        A netCDF file with ``bold (scan, voxel)``.
    mark : str
        Fingerprint of all that made them.
    """

    path: Path
    mark: str


def prepared_file(folder: str | Path, subject: str, run: int) -> Path:
    """Where the clean scans of a run are kept.

    Parameters
    ----------
    folder : str or Path
    subject : str
    run : int
        From 1.

    Returns
    -------
    Path
    """
    return Path(folder) / safe_name(subject) / f"run-{run:02d}.nc"


def read_prepared(path: str | Path, mark: str) -> np.ndarray:
    """Read what `prepare_recording` or `prepare_average` stored.

    Parameters
    ----------
    path : str or Path
    mark : str
        Fingerprint that the scans must have: a worker that is left over from another run may have
        stored others in their place.

    Returns
    -------
    (n_scans, n_voxels) float32 array

    Raises
    ------
    HemiscaleError
        Where they have another fingerprint, or the file is damaged.
    """
    dataset = read_dataset(Path(path))
    if dataset.attrs.get("fingerprint") != mark:
        raise HemiscaleError(
            f"{path}: not the scans that this study was started with; is a worker of an earlier "
            "run still at work? Start again: what is finished is kept."
        )
    return np.asarray(dataset["bold"].values)


def prepare_recording(
    recording: Recording,
    mask_img: Any,
    cleaning: Cleaning,
    folder: str | Path,
    *,
    confounds: np.ndarray | None = None,
    own_mask: Any | None = None,
    digest: Callable[[Path], str] = file_digest,
    before_storing: Callable[[], None] | None = None,
) -> Prepared:
    """Clean one run of one subject and store it, unless that is done already.

    Parameters
    ----------
    recording : Recording
    mask_img : Niimg-like
    cleaning : Cleaning
    folder : str or Path
    confounds : (n_scans, n_confounds) array, optional
    own_mask : Niimg-like, optional
        Part of the mask that is brain in this subject; the other columns are NaN.
    digest : callable
        Gives the digest of a file; one that remembers saves reading large files again.
    before_storing : callable, optional
        Called once the recording is read: what it raises keeps the scans from being stored.

    Returns
    -------
    Prepared
        It counts as done where it was made from the same bytes with the same mask and settings.

    Raises
    ------
    InputError
        As `clean_volumes`.
    """
    path = prepared_file(folder, recording.subject, recording.run)
    mark = recording_fingerprint(
        recording.path, mask_img, cleaning, confounds=confounds, digest=digest
    )
    own = None if own_mask is None else _part_of(own_mask, mask_img)
    if own is not None:
        mark = fingerprint(whole=mark, own=own)
    if stored_fingerprint(path) != mark:
        scans = clean_volumes(
            recording.path,
            mask_img if own_mask is None else own_mask,
            cleaning,
            confounds=confounds,
        )
        if own is not None:
            part, scans = scans, np.full((len(scans), len(own)), np.nan, dtype=np.float32)
            scans[:, own] = part
        if before_storing is not None:
            before_storing()
        store_scans(path, scans, mark, asdict(cleaning), n_subjects=1)
    return Prepared(path, mark)


def prepare_average(
    recordings: Sequence[Recording],
    mask_img: Any,
    cleaning: Cleaning,
    folder: str | Path,
    *,
    confounds: Mapping[Path, np.ndarray] | None = None,
    keep_individuals: bool = False,
    name: str = "average",
    digest: Callable[[Path], str] = file_digest,
    before_storing: Callable[[], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Prepared]:
    """Average all subjects run by run and store the average subject.

    One recording is in memory at a time, beside the float64 sum of the run. A run that is
    finished is not made again; where `keep_individuals` has stored subjects, an average that was
    broken off goes on from them.

    Parameters
    ----------
    recordings : sequence of Recording
        All runs of all subjects.
    mask_img : Niimg-like
    cleaning : Cleaning
    folder : str or Path
    confounds : mapping from the path of a recording to its confounds, optional
    keep_individuals : bool
        Store every subject too (needed to score individuals or for the ceiling).
    name : str
        Subject name of the average.
    digest, before_storing : callable
        As in `prepare_recording`.
    progress : callable, optional
        Called with (recordings done, recordings in all).

    Returns
    -------
    list of Prepared
        One per run, in order.

    Raises
    ------
    InputError
        As `clean_volumes`; also where subjects do not have the same runs or numbers of scans.
    """
    confounds = confounds or {}
    runs = sorted({r.run for r in recordings})
    _check_complete(recordings, runs)
    n_done, made = 0, []

    def scans_of(here: Sequence[Recording], marks: Sequence[str]) -> Iterator[np.ndarray]:
        nonlocal n_done
        for recording, mark in zip(here, marks, strict=True):
            kept = prepared_file(folder, recording.subject, recording.run)
            if stored_fingerprint(kept) == mark:
                scans = read_prepared(kept, mark)
            else:
                scans = clean_volumes(
                    recording.path, mask_img, cleaning, confounds=confounds.get(recording.path)
                )
                if keep_individuals:
                    if before_storing is not None:
                        before_storing()
                    store_scans(kept, scans, mark, asdict(cleaning), n_subjects=1)
            n_done += 1
            if progress is not None:
                progress(n_done, len(recordings))
            yield scans

    for run in runs:
        here = [r for r in recordings if r.run == run]
        marks = [
            recording_fingerprint(
                r.path, mask_img, cleaning, confounds=confounds.get(r.path), digest=digest
            )
            for r in here
        ]
        mark = fingerprint(average_of=sorted(marks), recipe=RECIPE)
        path = prepared_file(folder, name, run)
        if stored_fingerprint(path) != mark:
            average = average_subject(scans_of(here, marks)).astype(np.float32)
            if before_storing is not None:
                before_storing()
            store_scans(path, average, mark, asdict(cleaning), n_subjects=len(here))
        elif keep_individuals:
            deque(scans_of(here, marks), maxlen=0)
        else:
            n_done += len(here)
            if progress is not None:
                progress(n_done, len(recordings))
        made.append(Prepared(path, mark))
    return made


def _part_of(own_mask: Any, mask_img: Any) -> np.ndarray:
    """Which voxels of the mask are in the own mask."""
    from nilearn.image import load_img

    own, mask = (np.asarray(load_img(image).dataobj) > 0 for image in (own_mask, mask_img))
    if own.shape != mask.shape or (own & ~mask).any():
        raise ValueError("the own mask is not a part of the mask")
    return np.asarray(own[mask])


def _check_complete(recordings: Sequence[Recording], runs: Sequence[int]) -> None:
    problems = []
    for run in runs:
        here = [r for r in recordings if r.run == run]
        lengths = sorted({r.n_scans for r in here})
        if len(lengths) > 1:
            problems.append(
                f"run {run}: the subjects have {' and '.join(map(str, lengths))} scans; "
                "they cannot be averaged."
            )
        absent = {r.subject for r in recordings} - {r.subject for r in here}
        if absent:
            problems.append(f"run {run}: {', '.join(sorted(absent))} is missing.")
        if len({r.subject for r in here}) != len(here):
            problems.append(f"run {run}: a subject is there more than once.")
    if problems:
        raise InputError(*problems)


def recording_fingerprint(
    path: Path,
    mask_img: Any,
    cleaning: Cleaning,
    *,
    confounds: np.ndarray | None = None,
    digest: Callable[[Path], str] = file_digest,
) -> str:
    """Fingerprint of all that makes the clean scans of one recording.

    Parameters
    ----------
    path : Path
    mask_img : Niimg-like
    cleaning : Cleaning
    confounds : (n_scans, n_confounds) array, optional
    digest : callable
        As in `prepare_recording`.

    Returns
    -------
    str

    Raises
    ------
    InputError
        Where the recording cannot be read.
    """
    from nilearn.image import load_img

    mask = load_img(mask_img)
    try:
        source = digest(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    return fingerprint(
        source=source,
        mask=np.packbits(np.asarray(mask.dataobj) > 0),
        shape=list(mask.shape),
        affine=np.round(Grid.of(mask).matrix, 4),
        cleaning=asdict(cleaning),
        confounds=np.zeros(0) if confounds is None else np.asarray(confounds, dtype=np.float64),
        recipe=RECIPE,
    )


def store_scans(
    path: Path, scans: np.ndarray, mark: str, settings: Mapping[str, Any], *, n_subjects: int
) -> None:
    """Store the clean scans of a run, for `read_prepared`.

    Parameters
    ----------
    path : Path
        From `prepared_file`.
    scans : (n_scans, n_voxels) float32 array
    mark : str
        Fingerprint of all that made them.
    settings : mapping
        How they were cleaned, for people who look into the file.
    n_subjects : int
        Whose average they are.
    """
    import xarray as xr

    array = xr.DataArray(scans, dims=("scan", "voxel"), name="bold")
    # Noise compresses badly; shuffling its bytes and the fastest level gain what there is to gain.
    array.encoding = {"zlib": True, "complevel": 1, "shuffle": True}
    dataset = array.to_dataset()
    dataset.attrs = {
        "fingerprint": mark,
        "n_subjects": n_subjects,
        **{key: str(value) for key, value in settings.items()},
    }
    write_dataset(path, dataset)
