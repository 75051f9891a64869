"""Find the runs of a recording on disk, and describe each from its header."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hemiscale.brain.grids import Grid
from hemiscale.brain.nifti import doubt_about_sides, open_nifti
from hemiscale.errors import InputError

__all__ = [
    "Recording",
    "describe_recording",
    "entities",
    "find_bids_recordings",
    "find_recordings",
    "t_r_of_sidecar",
]

SECONDS_PER_UNIT = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}


@dataclass(frozen=True)
class Recording:
    """One run of one subject, as its header and sidecar describe it.

    Attributes
    ----------
    path : Path
    subject : str
    run : int
        Place in the story, from 1 (not the number in the file's name).
    n_scans : int
    grid : Grid
    t_r : float or None
        Seconds between scans; None where neither sidecar nor header says.
    t_r_source : str
        ``"sidecar"``, ``"header"`` or ``""``.
    doubts : tuple of str
        What is doubtful about the header, one sentence each.
    """

    path: Path
    subject: str
    run: int
    n_scans: int
    grid: Grid
    t_r: float | None
    t_r_source: str = ""
    doubts: tuple[str, ...] = ()


def entities(path: str | Path) -> dict[str, str]:
    """Read the entities from a BIDS file name.

    Parameters
    ----------
    path : str or Path
        Such as ``sub-EN057_task-lppEN_run-15_space-MNIColin27_desc-preproc_bold.nii.gz``.

    Returns
    -------
    dict
        ``{"sub": "EN057", "task": "lppEN", "run": "15", ...}`` and, as ``suffix``, ``"bold"``.
    """
    stem = Path(path).name.split(".", 1)[0]
    parts = stem.split("_")
    found = dict(part.split("-", 1) for part in parts if "-" in part)
    if "-" not in parts[-1]:
        found["suffix"] = parts[-1]
    return found


def find_bids_recordings(
    folder: str | Path,
    *,
    task: str,
    subjects: Sequence[str] | None = None,
    space: str | None = None,
    desc: str | None = None,
    session: str | None = None,
    others: Mapping[str, str] | None = None,
    n_runs: int | None = None,
) -> dict[str, tuple[Path, ...]]:
    """Find the runs of each subject in a folder of BIDS derivatives.

    Parameters
    ----------
    folder : str or Path
        The folder that holds ``sub-...``.
    task : str
    subjects : sequence of str, optional
        With or without ``sub-``. Default: all in the folder that have recordings of the task.
    space, desc, session : str, optional
        Only files with this entity. Where a run has several files that these do not tell apart,
        that is an error.
    others : mapping of str, optional
        Any other entity by its short name, such as ``{"echo": "1", "res": "2"}``.
    n_runs : int, optional
        How many runs each subject must have.

    Returns
    -------
    dict
        For each subject (without ``sub-``), its files in ascending order of run number. Runs need
        not be numbered from 1, nor without gaps: scans that were broken off leave gaps.

    Raises
    ------
    InputError
        With one sentence for each subject or run that is missing or ambiguous.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder of recordings.")
    on_disk = sorted(p.name.removeprefix("sub-") for p in folder.glob("sub-*") if p.is_dir())
    if not on_disk:
        inner = sorted(
            {p.parent for p in folder.glob("*/sub-*")}
            | {p.parent for p in folder.glob("*/*/sub-*")}
        )
        hint = f"; did you mean {inner[0]}?" if inner else "."
        raise InputError(f"{folder}: holds no folder named sub-...{hint}")
    wanted = {"task": task, "space": space, "desc": desc, "ses": session, "suffix": "bold"}
    wanted |= others or {}
    wanted = {key: value for key, value in wanted.items() if value is not None}
    problems: list[str] = []
    found: dict[str, tuple[Path, ...]] = {}
    names = on_disk if subjects is None else [s.removeprefix("sub-") for s in subjects]
    for subject in names:
        if subject not in on_disk:
            near = difflib.get_close_matches(subject, on_disk, n=1)
            hint = f"; did you mean {near[0]}?" if near else "."
            problems.append(f"{folder}: there is no subject {subject}{hint}")
            continue
        files = [
            path
            for path in sorted((folder / f"sub-{subject}").rglob("*_bold.nii*"))
            if wanted.items() <= entities(path).items()
        ]
        if not files and subjects is None:
            continue  # a subject of another task
        described = ", ".join(f"{key} {value}" for key, value in wanted.items())
        if not files:
            problems.append(f"{folder}: sub-{subject} has no recordings with {described}.")
            continue
        ordered = _in_order(subject, files, problems)
        if n_runs is not None and ordered and len(ordered) != n_runs:
            numbers = ", ".join(entities(path).get("run", "?") for path in ordered)
            problems.append(
                f"{folder}: sub-{subject} has {len(ordered)} runs ({numbers}) where the story "
                f"has {n_runs}; a run is missing, or one too many is there."
            )
        found[subject] = tuple(ordered)
    if not found and not problems:
        problems.append(f"{folder}: no subject has recordings of task {task}.")
    if problems:
        raise InputError(*problems)
    return found


def _in_order(subject: str, files: list[Path], problems: list[str]) -> list[Path]:
    by_run: dict[int, list[Path]] = {}
    for path in files:
        label = entities(path).get("run", "1")
        if not label.isdigit():
            problems.append(f"{path}: run {label!r} is not a number.")
            return []
        by_run.setdefault(int(label), []).append(path)
    for number, same in sorted(by_run.items()):
        if len(same) > 1:
            varied = [entities(path) for path in same]
            keys = sorted(
                {key for e in varied for key in e if len({o.get(key) for o in varied}) > 1}
            )
            how = f"say which {' or '.join(keys)}" if keys else "remove all but one"
            problems.append(
                f"{same[0].parent}: run {number} of sub-{subject} has {len(same)} files "
                f"({', '.join(path.name for path in same[:3])}); {how}."
            )
            return []
    return [same[0] for _, same in sorted(by_run.items())]


def find_recordings(
    pattern: str,
    *,
    n_runs: int,
    subjects: Sequence[str] = ("average",),
) -> dict[str, tuple[Path, ...]]:
    """Find recordings by a pattern of file names, such as one NIfTI per run of an average subject.

    Parameters
    ----------
    pattern : str
        A path; ``{subject}`` stands for the subject, ``{run}`` (or ``{run:02d}``) for the number of
        the run from 1, ``*`` for anything. Without ``{run}``, the files that match are the runs, in
        the order of the numbers in their names.
    n_runs : int
    subjects : sequence of str

    Returns
    -------
    dict
        For each subject, its files in order.

    Raises
    ------
    InputError
        With one sentence for each file that is missing or ambiguous.
    """
    problems: list[str] = []
    found: dict[str, tuple[Path, ...]] = {}
    for subject in subjects:
        try:
            if re.search(r"\{run[:}]", pattern):
                paths = _numbered(pattern, subject, n_runs, problems)
            else:
                filled = pattern.format(subject=subject)
                paths = sorted(_glob(filled), key=_natural)
                if len(paths) != n_runs:
                    problems.append(
                        f"{filled}: matches {len(paths)} file(s) where the story has {n_runs} runs."
                    )
        except (KeyError, IndexError, ValueError) as error:
            raise InputError(
                f"the pattern {pattern!r} may hold {{subject}} and {{run}} and nothing else in "
                f"curly brackets ({error})."
            ) from None
        found[subject] = tuple(paths)
    if problems:
        raise InputError(*problems)
    return found


def _numbered(pattern: str, subject: str, n_runs: int, problems: list[str]) -> list[Path]:
    paths = []
    for run in range(1, n_runs + 1):
        filled = pattern.format(subject=subject, run=run)
        matches = sorted(_glob(filled))
        if len(matches) == 1:
            paths.append(matches[0])
        elif matches:
            problems.append(f"{filled}: matches {len(matches)} files where one is meant.")
        else:
            problems.append(f"{filled}: run {run} of {subject} is missing.")
    return paths


def _glob(path: str) -> Iterable[Path]:
    whole = Path(path)
    if whole.exists() or whole.is_symlink():
        return [whole]
    anchor = Path(whole.anchor) if whole.is_absolute() else Path()
    return anchor.glob(str(whole.relative_to(anchor)))


def _natural(path: Path) -> list[Any]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", str(path))]


def describe_recording(path: str | Path, *, subject: str, run: int) -> Recording:
    """Open a file and describe it, without reading its data.

    The TR is that of the JSON sidecar (the file's own or, as BIDS has it, one in a folder above
    whose entities the file shares); otherwise the header's, unless the header gives 0 or, without
    a unit, 1, which many programs write for want of knowledge.

    Parameters
    ----------
    path : str or Path
    subject : str
    run : int
        Place in the story, from 1.

    Returns
    -------
    Recording

    Raises
    ------
    InputError
        Where the file is not a whole 4D NIfTI image, is one of a pair, or the sidecar is no JSON.
    """
    path = Path(path)
    image = open_nifti(path, dimensions=4)
    if len(image.file_map) > 1:
        # Results are known by the bytes of the one file that is named.
        raise InputError(
            f"{path}: is one of the two files (.hdr and .img) of an image; save it as one (.nii or "
            ".nii.gz)."
        )
    about_sides = doubt_about_sides(path, image)
    doubts = [about_sides] if about_sides is not None else []
    in_header = _t_r_of_header(image)
    in_sidecar = t_r_of_sidecar(path)
    if in_sidecar is not None and in_header is not None and abs(in_sidecar - in_header) > 0.005:
        doubts.append(
            f"{path}: the sidecar gives a TR of {in_sidecar:g} s and the header {in_header:g} s."
        )
    t_r, source = (in_sidecar, "sidecar") if in_sidecar is not None else (in_header, "header")
    return Recording(
        path=path,
        subject=subject,
        run=run,
        n_scans=int(image.shape[3]),
        grid=Grid.of(image),
        t_r=t_r,
        t_r_source=source if t_r is not None else "",
        doubts=tuple(doubts),
    )


def _t_r_of_header(image: Any) -> float | None:
    value = float(image.header.get_zooms()[3])
    unit = image.header.get_xyzt_units()[1]
    if not value > 0 or (unit == "unknown" and value == 1.0):
        return None
    return round(value * SECONDS_PER_UNIT.get(unit, 1.0), 6)


def t_r_of_sidecar(path: Path) -> float | None:
    """Read the TR from the JSON sidecar of a recording, its own or one in a folder above.

    Parameters
    ----------
    path : Path
        Of the recording.

    Returns
    -------
    float or None
        Seconds.

    Raises
    ------
    InputError
        Where the sidecar is no JSON.
    """
    own = entities(path)
    folder = path.parent
    for _ in range(6):  # as BIDS inheritance, but not without end
        nearest = sorted(
            (p for p in folder.glob("*bold.json") if entities(p).items() <= own.items()),
            key=lambda p: -len(entities(p)),
        )
        for sidecar in nearest:
            try:
                content = json.loads(sidecar.read_text(encoding="utf-8-sig"))
                value = content.get("RepetitionTime")
            except (OSError, ValueError, AttributeError):
                raise InputError(f"{sidecar}: is not a JSON sidecar; download it again.") from None
            if isinstance(value, (int, float)) and value > 0:
                return float(value)
        if (folder / "dataset_description.json").exists() or folder.parent == folder:
            break
        folder = folder.parent
    return None
