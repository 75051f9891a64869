"""Region tables and motion parameters, as a study names them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hemiscale.errors import InputError
from hemiscale.pipeline.stories import collect
from hemiscale.study import RegionTables, Study

__all__ = ["motion_files", "motion_summary", "read_time_courses"]


def read_time_courses(
    study: Study, recordings: RegionTables, number: int, problems: list[str]
) -> dict[str, np.ndarray]:
    """Read the tables of all subjects of one run.

    Parameters
    ----------
    study : Study
    recordings : RegionTables
    number : int
        Run, from 1.
    problems : list of str
        Sentences are added to it.

    Returns
    -------
    dict of (n_scans, n_regions) arrays
        By subject, raw.
    """
    from hemiscale.brain import read_region_table

    names = [region.name for region in recordings.regions]
    time_courses: dict[str, np.ndarray] = {}
    lengths: dict[int, list[str]] = {}
    for subject in recordings.subjects:
        path = Path(study.folder) / recordings.files.format(subject=subject, run=number)
        with collect(problems):
            time_courses[subject] = read_region_table(path, names)
            lengths.setdefault(len(time_courses[subject]), []).append(subject)
    if len(lengths) > 1:
        usual = max(lengths, key=lambda n: len(lengths[n]))
        for n_scans, subjects in sorted(lengths.items()):
            if n_scans != usual:
                problems.append(
                    f"run {number}: {', '.join(subjects)} have {n_scans} scans where the others "
                    f"have {usual}; all subjects must have the same scans."
                )
    return time_courses


def motion_summary(study: Study, subjects: list[str], notices: list[str]) -> list[dict[str, Any]]:
    """How much every subject moved, where the study names files of motion parameters.

    Parameters
    ----------
    study : Study
    subjects : list of str
    notices : list of str
        Sentences are added to it.

    Returns
    -------
    list of dict
        One per subject whose file can be read.
    """
    from hemiscale.brain import framewise_displacement, read_motion

    motion = study.recordings.motion
    if motion is None:
        return []
    rows = []
    for subject in subjects:
        found = motion_files(study, subject)
        if len(found) != 1:
            pattern = motion.files.format(subject=subject, run=1)
            notices.append(f"{pattern}: {len(found)} files of motion parameters where 1 is meant.")
            continue
        try:
            displacement = framewise_displacement(read_motion(found[0], skip_rows=motion.skip_rows))
        except InputError as error:
            notices += error.problems
            continue
        rows.append(
            {
                "subject": subject,
                "mean_displacement_mm": float(displacement.mean()),
                "max_displacement_mm": float(displacement.max()),
                "scans_above_half_mm": int((displacement > 0.5).sum()),
            }
        )
    return rows


def motion_files(study: Study, subject: str) -> list[Path]:
    """Find the files of motion parameters of a subject.

    Parameters
    ----------
    study : Study
    subject : str

    Returns
    -------
    list of Path
        Sorted; empty where the study names none.
    """
    motion = study.recordings.motion
    if motion is None:
        return []
    pattern = Path(motion.files.format(subject=subject, run=1))
    if pattern.is_absolute():
        return sorted(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor))))
    return sorted(Path(study.folder).glob(str(pattern)))
