"""From raw recordings to the runs that are predicted: cleaned, trimmed, cut, standardised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.study import Study

__all__ = ["AVERAGE", "Targets", "make_targets", "run_slices"]

AVERAGE = "average"


@dataclass(frozen=True)
class Targets:
    """What is predicted.

    Attributes
    ----------
    subjects : list of str
        The average subject first, where there is one.
    runs : list of (n_scans_r, n_subjects * n_regions) float32 arrays
        Subject by subject; each column standardised within its run.
    individuals : list over subjects of lists over runs of (n_scans_r, n_regions) arrays
        The listeners alone, for the ceiling; cleaned and cut, float64.
    slices : list of (int, slice)
        For each run after cutting: recorded run (from 0) and its scans.
    """

    subjects: list[str]
    runs: list[np.ndarray]
    individuals: list[list[np.ndarray]]
    slices: list[tuple[int, slice]]


def run_slices(study: Study, n_scans: list[int]) -> list[tuple[int, slice]]:
    """Cut the scans that are kept into the runs of the cross-validation.

    Parameters
    ----------
    study : Study
    n_scans : list of int
        Scans of each recorded run.

    Returns
    -------
    list of (int, slice)
        Recorded run (from 0), scans of it.
    """
    from hemiscale.encoding import contiguous_blocks

    trim = round(study.design.trim / study.recordings.t_r)
    gap = round(study.design.gap / study.recordings.t_r)
    slices = []
    for run, length in enumerate(n_scans):
        for block in contiguous_blocks(length - 2 * trim, study.design.blocks, gap=gap):
            slices.append((run, slice(block.start + trim, block.stop + trim)))
    return slices


def make_targets(study: Study, inputs: StudyInputs) -> Targets:
    """Clean every subject, average them, cut into runs and standardise.

    Parameters
    ----------
    study : Study
    inputs : StudyInputs

    Returns
    -------
    Targets
    """
    from hemiscale.brain import average_subject, clean_time_courses
    from hemiscale.encoding import standardise

    recordings = study.recordings
    cleaned = {
        subject: [
            clean_time_courses(
                run.time_courses[subject], recordings.t_r, high_pass=recordings.high_pass
            )
            for run in inputs.runs
        ]
        for subject in recordings.subjects
    }
    slices = run_slices(study, [run.n_scans for run in inputs.runs])
    whole: dict[str, list[np.ndarray]] = {}
    if recordings.average:
        whole[AVERAGE] = [
            average_subject([cleaned[subject][k] for subject in recordings.subjects])
            for k in range(len(inputs.runs))
        ]
    if recordings.individuals:
        whole |= cleaned
    runs = [
        standardise(np.concatenate([subject[run][scans] for subject in whole.values()], axis=1))
        for run, scans in slices
    ]
    return Targets(
        subjects=list(whole),
        runs=[run.astype(np.float32) for run in runs],
        individuals=[
            [subject[run][scans] for run, scans in slices] for subject in cleaned.values()
        ],
        slices=slices,
    )
