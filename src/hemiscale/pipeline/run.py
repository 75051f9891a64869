"""All stages of a study in order, doing only what is not done yet."""

from __future__ import annotations

import platform
import resource
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

import hemiscale
from hemiscale.errors import HemiscaleError
from hemiscale.pipeline.inputs import StudyInputs, available, read_inputs
from hemiscale.pipeline.plan import FeatureSet, choose, plan_study
from hemiscale.pipeline.progress import Display, log_to
from hemiscale.pipeline.scoring import label_targets
from hemiscale.pipeline.targets import Targets, make_targets
from hemiscale.pipeline.work import Outcome, score_fingerprint, work_on
from hemiscale.results import (
    ResultsFolder,
    fingerprint,
    read_dataset,
    stored_fingerprint,
    write_dataset,
    write_json,
    write_text,
)
from hemiscale.study import Study, study_toml

__all__ = ["StudyStatus", "report_study", "run_study", "study_status"]


@dataclass(frozen=True)
class StudyStatus:
    """What is done of a study, and what is left.

    Attributes
    ----------
    done, left : list of str
        Names of feature sets.
    missing : dict
        Feature sets that cannot be had here, with what to do.
    report : Path or None
        The page, where there is one.
    """

    done: list[str]
    left: list[str]
    missing: dict[str, str]
    report: Path | None


def run_study(
    study: Study,
    out: Path,
    *,
    only: Sequence[str] = (),
    device: str = "cpu",
    workers: int = 1,
    quiet: bool = False,
    command: str = "",
) -> Path:
    """Run a study from its inputs to its page.

    Parameters
    ----------
    study : Study
    out : Path
        The results folder; what is finished in it is kept.
    only : sequence of str
        Names or groups of feature sets; default all.
    device : str
        "cpu" or "cuda".
    workers : int
        Processes, one thread each. The results are the same for any number.
    quiet : bool
        Show nothing.
    command : str
        How to make the results again, for the page.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    InputError
        With all that is wrong with the inputs.
    HemiscaleError
        Where the work cannot be finished.
    """
    folder = ResultsFolder(out)
    display = Display(Console(stderr=True), quiet=quiet)
    start = time.perf_counter()
    with _locked(folder), log_to(folder.log):
        display.say(f"{study.title or study.name} → {out}")
        inputs = read_inputs(study)
        features, missing = available(choose(plan_study(study), only))
        device = _device(device, display)
        for notice in [*inputs.notices, *missing.values()]:
            display.warn(notice)
        write_text(folder.study, study_toml(study, versions=_versions()))
        targets = make_targets(study, inputs)
        stamp = _targets_fingerprint(study, inputs)
        _make_ceiling(study, targets, stamp, folder, display)
        outcomes = _work_on_all(
            study, inputs, targets, stamp, features, folder, device, workers, display
        )
        _write_diagnostics(study, inputs, targets, features, missing, folder, command)
        _write_timings(folder, features, time.perf_counter() - start, workers, outcomes)
        page = _tables_and_page(features, folder, display)
        minutes, seconds = divmod(round(time.perf_counter() - start), 60)
        display.say(f"done in {minutes} min {seconds} s; the page is {page}", style="bold green")
    return page


def report_study(study: Study, out: Path, *, quiet: bool = False) -> Path:
    """Make tables, figures and page again from the stored scores.

    Parameters
    ----------
    study : Study
    out : Path
    quiet : bool

    Returns
    -------
    Path
        The page.

    Raises
    ------
    HemiscaleError
        Where there are no scores yet.
    """
    folder = ResultsFolder(out)
    display = Display(Console(stderr=True), quiet=quiet)
    features = [f for f in plan_study(study) if folder.scores(f.name).is_file()]
    if not features:
        raise HemiscaleError(f"{out}: there are no scores yet; run the study first.")
    with _locked(folder), log_to(folder.log):
        page = _tables_and_page(features, folder, display)
        display.say(f"the page is {page}", style="bold green")
    return page


def study_status(study: Study, out: Path) -> StudyStatus:
    """Tell what is done and what is left.

    Parameters
    ----------
    study : Study
    out : Path

    Returns
    -------
    StudyStatus
    """
    folder = ResultsFolder(out)
    inputs = read_inputs(study)
    features, missing = available(plan_study(study))
    stamp = _targets_fingerprint(study, inputs)
    done = [
        feature.name
        for feature in features
        if stored_fingerprint(folder.scores(feature.name))
        == score_fingerprint(study, inputs, feature, stamp)
    ]
    return StudyStatus(
        done=done,
        left=[feature.name for feature in features if feature.name not in done],
        missing=missing,
        report=folder.report if folder.report.is_file() else None,
    )


@contextmanager
def _locked(folder: ResultsFolder) -> Iterator[None]:
    """Keep a second run out of the folder; the system lets go of the lock when a run is killed."""
    import fcntl

    try:
        folder.root.mkdir(parents=True, exist_ok=True)
        stream = (folder.root / ".lock").open("a")
    except OSError as error:
        raise HemiscaleError(
            f"{folder.root}: cannot be written ({error.strerror}); "
            "choose another folder with --out."
        ) from None
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise HemiscaleError(
                f"{folder.root}: another run is at work in this folder; wait for it to end."
            ) from None
        yield


def _device(device: str, display: Display) -> str:
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            display.warn("no CUDA device is available here; going on with the CPU.")
            return "cpu"
    return device


def _versions() -> dict[str, str]:
    packages = ("numpy", "scipy", "nilearn", "torch", "transformers", "xarray")
    return {
        "hemiscale": hemiscale.__version__,
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in packages},
    }


def _targets_fingerprint(study: Study, inputs: StudyInputs) -> str:
    recordings = study.recordings.model_dump(exclude={"files", "motion", "excluded"})
    arrays = {
        f"{k}-{subject}": values
        for k, run in enumerate(inputs.runs)
        for subject, values in run.time_courses.items()
    }
    return fingerprint(recordings=recordings, **arrays)


def _make_ceiling(
    study: Study, targets: Targets, stamp: str, folder: ResultsFolder, display: Display
) -> None:
    recordings = study.recordings
    if len(targets.individuals) < 2 or not recordings.ceiling_splits:
        return
    stamp = fingerprint(
        hemiscale=hemiscale.__version__, targets=stamp, design=study.design.model_dump()
    )
    if stored_fingerprint(folder.ceiling) == stamp:
        return
    import xarray as xr
    from threadpoolctl import threadpool_limits

    from hemiscale.encoding import intersubject_reliability

    start = time.perf_counter()
    with threadpool_limits(1):
        reliability = intersubject_reliability(
            targets.individuals, n_splits=recordings.ceiling_splits, seed=recordings.ceiling_seed
        )
    dataset = xr.Dataset(
        {"reliability": (("split", "target"), np.asarray(reliability, dtype=np.float32))},
        coords=label_targets(study),
        attrs={"fingerprint": stamp, "n_subjects": len(targets.individuals)},
    )
    write_dataset(folder.ceiling, dataset)
    display.say(
        f"✓ ceiling from {recordings.ceiling_splits} random halves, "
        f"{time.perf_counter() - start:.1f} s"
    )


def _work_on_all(
    study: Study,
    inputs: StudyInputs,
    targets: Targets,
    stamp: str,
    features: list[FeatureSet],
    folder: ResultsFolder,
    device: str,
    workers: int,
    display: Display,
) -> list[Outcome]:
    todo = [
        feature
        for feature in features
        if stored_fingerprint(folder.scores(feature.name))
        != score_fingerprint(study, inputs, feature, stamp)
    ]
    if len(todo) < len(features):
        display.say(f"{len(features) - len(todo)} of {len(features)} models are done already")
    # The longest first, so that no worker is left with it at the end.
    todo.sort(key=lambda feature: -feature.cost)
    overall = "all models"
    outcomes: list[Outcome] = []

    def finished(outcome: Outcome) -> None:
        outcomes.append(outcome)
        for stage in ("reading", "encoding"):
            display.finish(f"{outcome.name}: {stage}")
        display.advance(overall, len(outcomes), len(todo))
        spent = ", ".join(f"{stage} {value:.1f} s" for stage, value in outcome.seconds.items())
        display.say(f"✓ {outcome.name}: {spent}")
        for notice in outcome.notices:
            display.warn(notice)

    workers = max(1, min(workers, len(todo)))
    with display.bars():
        if todo:
            display.advance(overall, 0, len(todo))
        if workers == 1:
            for feature in todo:
                finished(
                    work_on(study, inputs, targets, stamp, feature, folder, device, display.advance)
                )
            return outcomes
        from multiprocessing import Manager

        from joblib import Parallel, delayed, parallel_config

        with Manager() as manager:
            events = manager.Queue()
            with (
                display.listen(events),
                parallel_config(backend="loky", inner_max_num_threads=1),
            ):
                results = Parallel(n_jobs=workers, return_as="generator_unordered")(
                    delayed(_work_and_tell)(
                        study, inputs, targets, stamp, feature, folder, device, events
                    )
                    for feature in todo
                )
                for outcome in results:
                    finished(outcome)
    return outcomes


def _work_and_tell(
    study: Study,
    inputs: StudyInputs,
    targets: Targets,
    stamp: str,
    feature: FeatureSet,
    folder: ResultsFolder,
    device: str,
    events: Any,
) -> Outcome:
    def report(name: str, done: int, total: int) -> None:
        events.put((name, done, total))

    return work_on(study, inputs, targets, stamp, feature, folder, device, report)


def _write_diagnostics(
    study: Study,
    inputs: StudyInputs,
    targets: Targets,
    features: list[FeatureSet],
    missing: dict[str, str],
    folder: ResultsFolder,
    command: str,
) -> None:
    pieces = _read_pieces(folder, features)
    write_json(
        folder.diagnostics,
        {
            **inputs.diagnostics,
            "runs": [
                {
                    "run": k,
                    "recorded_run": run + 1,
                    "first_scan": s.start,
                    "scans": s.stop - s.start,
                }
                for k, (run, s) in enumerate(targets.slices, start=1)
            ],
            "skipped_models": [{"model": n, "reason": reason} for n, reason in missing.items()],
            "attention_sink": {p["model"]: p["sink"] for p in pieces if p["sink"]},
            "model_notices": [notice for piece in pieces for notice in piece["notices"]],
            "seeds": {feature.name: feature.seed for feature in features if feature.seed >= 0},
            "ceiling_seed": study.recordings.ceiling_seed,
            "versions": _versions(),
            "command": command or shlex.join(["hemiscale", "run", str(folder.study)]),
        },
    )


def _write_timings(
    folder: ResultsFolder,
    features: list[FeatureSet],
    seconds: float,
    workers: int,
    outcomes: list[Outcome],
) -> None:
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
    import json

    return [
        json.loads(folder.pieces(feature.name).read_text(encoding="utf-8"))
        for feature in features
        if folder.pieces(feature.name).is_file()
    ]


def _tables_and_page(features: list[FeatureSet], folder: ResultsFolder, display: Display) -> Path:
    from hemiscale.analysis import write_tables
    from hemiscale.report import write_report

    start = time.perf_counter()
    scores = [read_dataset(folder.scores(feature.name)) for feature in features]
    ceiling = read_dataset(folder.ceiling) if folder.ceiling.is_file() else None
    write_tables(scores, ceiling, folder.tables)
    display.say(f"✓ tables, {time.perf_counter() - start:.1f} s")
    start = time.perf_counter()
    page = write_report(folder.root)
    display.say(f"✓ figures and page, {time.perf_counter() - start:.1f} s")
    return page
