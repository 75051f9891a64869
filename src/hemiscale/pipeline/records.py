"""What is written beside the scores: diagnostics, and times apart from them."""

from __future__ import annotations

import platform
import resource
import shlex
import sys
from importlib import metadata
from typing import Any

import hemiscale
from hemiscale.pipeline.brain_side import BrainSide
from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.plan import FeatureSet
from hemiscale.pipeline.units import Outcome
from hemiscale.results import ResultsFolder, read_record, write_json
from hemiscale.study import Study

__all__ = ["versions", "write_diagnostics", "write_timings"]


def versions() -> dict[str, str]:
    """Versions of hemiscale and of what decides its numbers.

    Returns
    -------
    dict
    """
    packages = ("numpy", "scipy", "nilearn", "torch", "transformers", "xarray")
    return {
        "hemiscale": hemiscale.__version__,
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in packages},
    }


def write_diagnostics(
    study: Study,
    inputs: StudyInputs,
    brain: BrainSide,
    features: list[FeatureSet],
    missing: dict[str, str],
    folder: ResultsFolder,
    command: str,
) -> None:
    """Write what was found on the way: alignment, scans, models left out, seeds, versions.

    Parameters
    ----------
    study : Study
    inputs : StudyInputs
    brain : BrainSide
    features : list of FeatureSet
    missing : dict
        Models that could not be had, with the reason.
    folder : ResultsFolder
    command : str
        How to make the results again.
    """
    pieces = _read_pieces(folder, features)
    write_json(
        folder.diagnostics,
        {
            **inputs.diagnostics,
            **brain.facts,
            "notices": [*inputs.notices, *brain.notices],
            "runs": [
                {
                    "run": k,
                    "recorded_run": run + 1,
                    "first_scan": s.start,
                    "scans": s.stop - s.start,
                }
                for k, (run, s) in enumerate(brain.targets.slices, start=1)
            ],
            "skipped_models": [{"model": n, "reason": reason} for n, reason in missing.items()],
            "attention_sink": {p["model"]: p["sink"] for p in pieces if p["sink"]},
            "model_notices": [notice for piece in pieces for notice in piece["notices"]],
            "seeds": {feature.name: feature.seed for feature in features if feature.seed >= 0},
            "ceiling_seed": study.recordings.ceiling_seed,
            "versions": versions(),
            "command": command or shlex.join(["hemiscale", "run", str(folder.study)]),
        },
    )


def write_timings(
    folder: ResultsFolder,
    features: list[FeatureSet],
    seconds: float,
    workers: int,
    outcomes: list[Outcome],
) -> None:
    """Write times and memory, which differ from run to run, apart from the results.

    Parameters
    ----------
    folder : ResultsFolder
    features : list of FeatureSet
    seconds : float
        Of this run so far.
    workers : int
    outcomes : list of Outcome
        Of the feature sets done in this run.
    """
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = {
        "main_process_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
        "largest_worker_bytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit,
    }
    write_json(
        folder.timings,
        {
            "models": {p["model"]: p["seconds"] for p in _read_pieces(folder, features)},
            "last_run": {
                "seconds_before_tables": seconds,
                "models_done": [outcome.name for outcome in outcomes],
                "workers": workers,
                "peak_memory": peak,
            },
            "machine": {
                "system": platform.platform(terse=True),
                "processor": platform.processor() or platform.machine(),
            },
        },
    )


def _read_pieces(folder: ResultsFolder, features: list[FeatureSet]) -> list[dict[str, Any]]:
    return [
        read_record(folder.pieces(feature.name))
        for feature in features
        if folder.pieces(feature.name).is_file()
    ]
