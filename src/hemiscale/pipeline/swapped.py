"""Warn where the scans of a run follow the words of another run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hemiscale.errors import HemiscaleError
from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.scoring import make_designs
from hemiscale.pipeline.targets import StoredSubject, Targets
from hemiscale.results import fingerprint, read_record, write_record
from hemiscale.study import Study

__all__ = ["swapped_run_notices"]


def swapped_run_notices(
    study: Study, inputs: StudyInputs, targets: Targets, folder: Path
) -> list[str]:
    """Compare the clean scans of every subject with the word rates of all runs.

    Parameters
    ----------
    study : Study
    inputs : StudyInputs
    targets : Targets
        Of volumes.
    folder : Path
        Where the answer is kept, so that it is found once.

    Returns
    -------
    list of str
        One sentence per doubtful run.

    Warns
    -----
    HemiscaleWarning
        Where the answer that was kept is damaged: it is moved aside and found again.
    """
    from hemiscale.brain import swapped_runs

    path = folder / "swapped-runs.json"
    stamp = fingerprint(
        targets=targets.fingerprint,
        subjects=targets.subjects,
        words=[[run.words["onset"].tolist(), run.words["offset"].tolist()] for run in inputs.runs],
        design=study.design.model_dump(),
    )
    try:
        kept = read_record(path, older=_is_older)
        if kept["fingerprint"] == stamp:
            return [str(notice) for notice in kept["notices"]]
    except HemiscaleError:  # not there, or damaged: said when it is made again
        pass
    rates = [design.sum(axis=1) for design in make_designs(study, inputs, hrf_model="glover")]
    notices = []
    for part in targets.parts:
        if isinstance(part, StoredSubject) and len(rates) > 1:
            scans: list[np.ndarray] = part.recorded_runs()
            known = np.all([np.isfinite(run).all(axis=0) for run in scans], axis=0)
            if not known.all():
                for k, run in enumerate(scans):  # one by one: no two copies of all
                    scans[k] = run[:, known]
            notices += [f"{part.subject}, {doubt}" for doubt in swapped_runs(scans, rates)]
    write_record(path, {"fingerprint": stamp, "notices": notices}, older=_is_older)
    return notices


def _is_older(content: dict[str, Any]) -> bool:
    """Tell whether an answer without a checksum is whole, from before there were checksums."""
    return (
        content.keys() == {"fingerprint", "notices"}
        and isinstance(content["fingerprint"], str)
        and isinstance(content["notices"], list)
        and all(isinstance(notice, str) for notice in content["notices"])
    )
