"""The mask of the analysis: given, common to all recordings, or each listener's own."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.errors import InputError
from hemiscale.pipeline.digests import Digests, read_kept
from hemiscale.pipeline.helpers import Helpers
from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.unchanged import (
    KnownFiles,
    raise_if_changed,
    states_of_known,
)
from hemiscale.pipeline.volume_inputs import given_grid, given_mask
from hemiscale.results import (
    CHANGED,
    file_digest,
    fingerprint,
    safe_name,
    set_aside,
    set_aside_damaged,
    write_atomically,
    write_record,
)
from hemiscale.study import Study, Volumes

if TYPE_CHECKING:
    from hemiscale.brain import Grid

__all__ = ["analysis_mask", "known_mask", "own_mask_file"]


def own_mask_file(folder: Path, subject: str) -> Path:
    """Where the mask of one listener is kept.

    Parameters
    ----------
    folder : Path
        Of the clean scans.
    subject : str

    Returns
    -------
    Path
    """
    return folder / safe_name(subject) / "mask.nii.gz"


def known_mask(
    study: Study, recordings: Volumes, inputs: StudyInputs, folder: Path, digest: Digests
) -> Any | None:
    """Read the mask of the analysis, where it is given or was made before of the same recordings.

    Nothing is written: a run may be at work.

    Parameters
    ----------
    study : Study
    recordings : Volumes
    inputs : StudyInputs
    folder : Path
        Of the clean scans.
    digest : Digests

    Returns
    -------
    Nifti1Image or None
    """
    from hemiscale.brain import read_mask

    mask, _ = given_mask(study, recordings)
    if mask is not None or not (folder / "mask.json").is_file():
        return mask
    needed = _mask_files(recordings, inputs, folder)
    kept, damaged = _kept(folder, needed, _stamp(study, recordings, inputs, digest))
    return read_mask(folder / "mask.nii.gz") if kept and not damaged else None


def analysis_mask(
    study: Study,
    recordings: Volumes,
    inputs: StudyInputs,
    folder: Path,
    digest: Digests,
    *,
    helpers: Helpers | None = None,
) -> tuple[Any, list[str]]:
    """Find the mask of the analysis: the given one, or what is brain in the recordings.

    Parameters
    ----------
    study : Study
    recordings : Volumes
    inputs : StudyInputs
    folder : Path
        Where masks that are computed are kept.
    digest : Digests
    helpers : Helpers, optional
        Who look into the recordings, one by one.

    Returns
    -------
    mask_img : Nifti1Image
        Symmetric. With own masks, all voxels that are in some listener's mask.
    notices : list of str

    Raises
    ------
    InputError
        Where there is no such mask.
    HemiscaleError
        Where a recording changes meanwhile.

    Warns
    -----
    HemiscaleWarning
        Where a mask that was kept is damaged: it is moved aside and made again.
    """
    from nibabel import Nifti1Image

    from hemiscale.brain import read_mask, symmetric_grid

    mask, notices = given_mask(study, recordings)
    if mask is not None:
        return mask, notices
    path, note = folder / "mask.nii.gz", folder / "mask.json"
    stamp = _stamp(study, recordings, inputs, digest)
    needed = _mask_files(recordings, inputs, folder)
    known, damaged = _kept(folder, needed, stamp)
    if damaged or not known:
        named = given_grid(study, recordings)
        grid = named or symmetric_grid(inputs.recordings[0].path, voxel_size=recordings.voxel_size)
        groups = [[r.path for r in inputs.recordings]]
        if recordings.own_masks:
            groups = [
                [r.path for r in inputs.recordings if r.subject == s] for s in inputs.subjects
            ]
        found = _common_masks(groups, grid, recordings.mask_share, helpers or Helpers(), digest)
        problems = [f"study {study.name}: {problem}" for *_, some in found for problem in some]
        if problems:
            raise InputError(*problems)
        for file in damaged:
            set_aside(file, CHANGED)
        set_aside_damaged(note, older=_is_older_note)
        # Killed between masks and note, the note of other masks must not vouch for these.
        note.unlink(missing_ok=True)
        inside = [np.asarray(one.dataobj) > 0 for one, _, _ in found]
        if recordings.own_masks:
            for file, (one, _, _) in zip(needed[1:], found, strict=True):
                _write(file, one)
        union = np.logical_or.reduce(inside)
        _write(path, Nifti1Image(union.astype(np.uint8), grid.matrix))
        known = {
            "fingerprint": stamp,
            "n_lost": int(sum(lost for _, lost, _ in found)),
            "files": {_within(folder, file): file_digest(file) for file in needed},
        }
        write_record(note, known)
    mask = read_mask(path)
    n_voxels = int(np.count_nonzero(np.asarray(mask.dataobj)))
    if recordings.own_masks:
        return mask, [
            f"every listener has an own mask: {n_voxels:,} voxels are brain in some of "
            f"{len(inputs.subjects)} listeners; where a voxel is not, that listener has no score."
        ]
    share = recordings.mask_share
    n_recordings = len(inputs.recordings)
    agree = f"all {n_recordings}" if share == 1 else f"more than {share:.0%} of {n_recordings}"
    return mask, [
        f"the study names no mask: {n_voxels:,} voxels are brain in {agree} recordings, after "
        f"{known['n_lost']} without a mirror image were left out."
    ]


def _stamp(study: Study, recordings: Volumes, inputs: StudyInputs, digest: Digests) -> str:
    """Fingerprint of all that makes masks."""
    sources: Any = sorted(digest(recording.path) for recording in inputs.recordings)
    if recordings.own_masks:  # it matters whose they are
        sources = sorted([r.subject, digest(r.path)] for r in inputs.recordings)
    named = given_grid(study, recordings)
    return fingerprint(
        sources=sources,
        voxel_size=recordings.voxel_size,
        own=recordings.own_masks,
        share=recordings.mask_share,
        grid=None if named is None else [list(named.shape), np.round(named.matrix, 4).tolist()],
    )


def _mask_files(recordings: Volumes, inputs: StudyInputs, folder: Path) -> list[Path]:
    """Name the mask of the analysis, then own masks, listener by listener."""
    own = inputs.subjects if recordings.own_masks else []
    return [folder / "mask.nii.gz", *(own_mask_file(folder, subject) for subject in own)]


def _kept(folder: Path, needed: list[Path], stamp: str) -> tuple[dict[str, Any], list[Path]]:
    """Give the note on masks with this fingerprint, empty where there is none; and the damaged."""
    note = read_kept(folder / "mask.json", _is_older_note)
    if note.get("fingerprint") != stamp or not all(file.is_file() for file in needed):
        return {}, []
    digests = note.get("files")
    if digests is None:  # an older note
        return note, []
    return note, [file for file in needed if file_digest(file) != digests[_within(folder, file)]]


def _common_masks(
    groups: list[list[Path]], grid: Grid, share: float, helpers: Helpers, digest: Digests
) -> list[tuple[Any, int, list[str]]]:
    """For each group of recordings its mask, voxels that symmetry cost, and what is wrong."""
    from hemiscale.brain import agreed_mask

    paths = [path.absolute() for group in groups for path in group]
    items = [(path, digest.known([path])) for path in paths]
    # Recordings need not lie where all machines see them.
    looked = helpers.map_seen(_look, items, [(path,) for path in paths], grid=grid)
    n_voxels = int(np.prod(grid.shape))
    masks: list[tuple[Any, int, list[str]]] = []
    for group in groups:
        problems: list[str] = []

        def brains(
            group: list[Path] = group, problems: list[str] = problems
        ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            for _ in group:
                found = next(looked)
                if isinstance(found, str):
                    problems.append(found)
                else:
                    brain, alive = (np.unpackbits(one, count=n_voxels) for one in found)
                    yield brain.reshape(grid.shape) > 0, alive.reshape(grid.shape) > 0

        try:
            mask, n_lost = agreed_mask(brains(), grid, share=share)
            masks.append((mask, n_lost, problems))
        except ValueError as error:
            masks.append((None, 0, problems or [f"{error}."]))
    return masks


def _look(path: Path, known: KnownFiles, grid: Grid) -> tuple[np.ndarray, np.ndarray] | str | None:
    """Tell what is brain and what changes, in bits; what is wrong; or None where it is not seen.

    Errors do not travel well.
    """
    from hemiscale.brain import brain_of_recording

    if not path.is_file():
        return None
    states = states_of_known(known)
    try:
        brain, alive = brain_of_recording(path, grid)
    except (InputError, ValueError) as error:
        raise_if_changed(states)
        return str(error).rstrip(".") + "."
    raise_if_changed(states)
    return np.packbits(brain), np.packbits(alive)


def _write(path: Path, mask: Any) -> None:
    with write_atomically(path) as temporary:
        # Without a time stamp, so that the same mask has the same bytes.
        temporary.write_bytes(gzip.compress(mask.to_bytes(), mtime=0))


def _within(folder: Path, path: Path) -> str:
    return str(path.relative_to(folder))


def _is_older_note(content: dict[str, Any]) -> bool:
    """Tell what was written before notes had checksums; it is read as it was."""
    return {name: type(value) for name, value in content.items()} == {
        "fingerprint": str,
        "n_lost": int,
    }
