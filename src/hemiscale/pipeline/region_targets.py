"""From region tables to targets: cleaned, averaged, cut and standardised, all in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.targets import HeldSubjects, Targets, run_slices
from hemiscale.results import fingerprint
from hemiscale.study import AVERAGE, RegionTables, Study

__all__ = ["region_targets", "tables_fingerprint"]


def tables_fingerprint(recordings: RegionTables, inputs: StudyInputs) -> str:
    """Fingerprint of all time courses and of what is done to them.

    Parameters
    ----------
    recordings : RegionTables
    inputs : StudyInputs

    Returns
    -------
    str
    """
    arrays = {
        f"{k}-{subject}": values
        for k, run in enumerate(inputs.runs)
        for subject, values in run.time_courses.items()
    }
    return fingerprint(
        recordings=recordings.model_dump(exclude={"files", "motion", "excluded"}), **arrays
    )


def region_targets(study: Study, recordings: RegionTables, inputs: StudyInputs) -> Targets:
    """Clean every subject, average them, cut into runs and standardise.

    Parameters
    ----------
    study : Study
    recordings : RegionTables
    inputs : StudyInputs

    Returns
    -------
    Targets
        With one part: all subjects are scored together.
    """
    from hemiscale.brain import average_subject, clean_time_courses
    from hemiscale.encoding import standardise

    cleaned = {
        subject: [
            clean_time_courses(
                run.time_courses[subject], recordings.t_r, high_pass=recordings.high_pass
            )
            for run in inputs.runs
        ]
        for subject in recordings.subjects
    }
    slices = run_slices(study, [run.n_scans for run in inputs.runs], recordings.t_r)
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
        parts=[HeldSubjects(list(whole), [run.astype(np.float32) for run in runs])],
        n_targets=len(recordings.regions),
        labels=_labels(recordings),
        listeners=[[subject[run][scans] for run, scans in slices] for subject in cleaned.values()],
        slices=slices,
        fingerprint=tables_fingerprint(recordings, inputs),
    )


def _labels(recordings: RegionTables) -> dict[str, Any]:
    regions = recordings.regions
    return {
        "target": [region.name for region in regions],
        "hemisphere": ("target", [region.hemisphere for region in regions]),
        "homologue": ("target", [region.homologue for region in regions]),
        "label": ("target", [region.label for region in regions]),
    }
