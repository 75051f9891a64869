"""The mask of the analysis: given, common to all recordings, or each listener's own."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from hemiscale.errors import InputError
from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.volume_inputs import given_grid, given_mask
from hemiscale.results import file_digest, fingerprint, safe_name, write_atomically, write_json
from hemiscale.study import Study, Volumes

__all__ = ["Digests", "analysis_mask", "mask_is_known", "own_mask_file"]


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


def mask_is_known(recordings: Volumes, folder: Path) -> bool:
    """Tell whether the mask is given, or was computed before.

    Parameters
    ----------
    recordings : Volumes
    folder : Path
        Of the clean scans.

    Returns
    -------
    bool
    """
    return recordings.mask is not None or (folder / "mask.json").is_file()


def analysis_mask(
    study: Study,
    recordings: Volumes,
    inputs: StudyInputs,
    folder: Path,
    digest: Digests,
    *,
    workers: int = 1,
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
    workers : int
        Processes, each at one listener.

    Returns
    -------
    mask_img : Nifti1Image
        Symmetric. With own masks, all voxels that are in some listener's mask.
    notices : list of str

    Raises
    ------
    InputError
        Where there is no such mask.
    """
    from joblib import Parallel, delayed
    from nibabel import Nifti1Image

    from hemiscale.brain import read_mask, symmetric_grid

    mask, notices = given_mask(study, recordings)
    if mask is not None:
        return mask, notices
    path, note = folder / "mask.nii.gz", folder / "mask.json"
    sources = sorted(digest(recording.path) for recording in inputs.recordings)
    named = given_grid(study, recordings)
    stamp = fingerprint(
        sources=sources,
        voxel_size=recordings.voxel_size,
        own=recordings.own_masks,
        share=recordings.mask_share,
        grid=None if named is None else [list(named.shape), np.round(named.matrix, 4).tolist()],
    )
    files = {subject: own_mask_file(folder, subject) for subject in inputs.subjects}
    known = _read_json(note)
    whole = path.is_file() and (
        not recordings.own_masks or all(f.is_file() for f in files.values())
    )
    if known.get("fingerprint") != stamp or not whole:
        grid = named or symmetric_grid(inputs.recordings[0].path, voxel_size=recordings.voxel_size)
        groups = (
            [[r.path for r in inputs.recordings if r.subject == s] for s in inputs.subjects]
            if recordings.own_masks
            else [[r.path for r in inputs.recordings]]
        )
        found = Parallel(n_jobs=max(1, min(workers, len(groups))))(
            delayed(_common)(paths, grid, recordings.mask_share) for paths in groups
        )
        problems = [f"study {study.name}: {problem}" for _, _, problem in found if problem]
        if problems:
            raise InputError(*problems)
        inside = [np.asarray(one.dataobj) > 0 for one, _, _ in found]
        if recordings.own_masks:
            for file, (one, _, _) in zip(files.values(), found, strict=True):
                _write(file, one)
        union = np.logical_or.reduce(inside)
        _write(path, Nifti1Image(union.astype(np.uint8), grid.matrix))
        known = {"fingerprint": stamp, "n_lost": int(sum(lost for _, lost, _ in found))}
        write_json(note, known)
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


def _common(paths: list[Path], grid: Any, share: float) -> tuple[Any, int, str]:
    """Mask, voxels that symmetry cost, and what is wrong: errors do not travel well."""
    from hemiscale.brain import common_mask

    try:
        mask, n_lost = common_mask(paths, grid, share=share)
    except (InputError, ValueError) as error:
        return None, 0, str(error).rstrip(".") + "."
    return mask, n_lost, ""


def _write(path: Path, mask: Any) -> None:
    with write_atomically(path) as temporary:
        # Without a time stamp, so that the same mask has the same bytes.
        temporary.write_bytes(gzip.compress(mask.to_bytes(), mtime=0))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
