"""All stages of a study in order, doing only what is not done yet."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from hemiscale.errors import HemiscaleError
from hemiscale.pipeline.brain_side import brain_fingerprint, make_ceiling, read_brain_side
from hemiscale.pipeline.cluster import cluster_at
from hemiscale.pipeline.costs import that_fit
from hemiscale.pipeline.helpers import Helpers
from hemiscale.pipeline.inputs import available, read_inputs
from hemiscale.pipeline.locks import locked
from hemiscale.pipeline.marks import is_done, make_marks, score_fingerprint
from hemiscale.pipeline.plan import FeatureSet, choose, plan_study
from hemiscale.pipeline.progress import Display, log_to
from hemiscale.pipeline.records import versions, write_diagnostics, write_timings
from hemiscale.pipeline.summaries import make_summaries
from hemiscale.pipeline.unchanged import raise_if_changed
from hemiscale.pipeline.workers import work_on_all
from hemiscale.results import (
    ResultsFolder,
    read_dataset,
    remove_leftovers,
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
    dask: str | None = None,
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
    dask : str, optional
        Address of a Dask scheduler whose workers make activations and scores, or "cluster" for
        the one that the study describes. The results are the same.
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
    with (
        locked(folder, display),
        log_to(folder.log),
        display.warnings(),
        cluster_at(study, dask, folder, display) as cluster,
    ):
        remove_leftovers(folder.root)
        display.say(f"{study.title or study.name} → {out}")
        inputs = read_inputs(study)
        features, missing = available(choose(plan_study(study), only))
        features, too_large = that_fit(study, features, [len(run.words) for run in inputs.runs])
        missing |= too_large
        if dask is None:  # the workers of a cluster have devices of their own
            device = _device(device, display)
        for notice in [*inputs.notices, *missing.values()]:
            display.warn(notice)
        write_text(folder.study, study_toml(study, versions=versions()))
        helpers = Helpers(workers, cluster)
        brain = read_brain_side(study, inputs, folder, display, helpers)
        for notice in brain.notices:
            display.warn(notice)
        make_ceiling(study, brain.targets, folder, display, helpers)
        marks = {f.name: make_marks(study, inputs, f, brain.targets.fingerprint) for f in features}
        outcomes = work_on_all(
            study,
            inputs,
            brain.targets,
            features,
            marks,
            folder,
            device,
            workers,
            display,
            cluster=cluster,
        )
        raise_if_changed(inputs.states)
        write_diagnostics(study, inputs, brain, features, missing, folder, command)
        write_timings(folder, features, time.perf_counter() - start, workers, outcomes)
        stamps = {name: mark.scores for name, mark in marks.items()}
        page = _tables_and_page(study, features, folder, display, helpers, stamps)
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
    with locked(folder, display), log_to(folder.log):
        page = _tables_and_page(study, features, folder, display, Helpers())
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
    stamp = brain_fingerprint(study, inputs, folder)
    done = [
        feature.name
        for feature in features
        if stamp is not None
        and is_done(folder, feature.name, score_fingerprint(study, inputs, feature, stamp))
    ]
    return StudyStatus(
        done=done,
        left=[feature.name for feature in features if feature.name not in done],
        missing=missing,
        report=folder.report if folder.report.is_file() else None,
    )


def _device(device: str, display: Display) -> str:
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            display.warn("no CUDA device is available here; going on with the CPU.")
            return "cpu"
    return device


def _tables_and_page(
    study: Study,
    features: list[FeatureSet],
    folder: ResultsFolder,
    display: Display,
    helpers: Helpers,
    stamps: Mapping[str, str] | None = None,
) -> Path:
    from hemiscale.analysis import write_reduced_tables
    from hemiscale.pipeline.competence import read_competence
    from hemiscale.pipeline.surface_maps import write_surface_maps
    from hemiscale.pipeline.voxels import write_maps
    from hemiscale.report import write_report

    start = time.perf_counter()
    names = [feature.name for feature in features]
    found = make_summaries(names, folder, display, helpers, stamps)
    for summary, feature in zip(found.models, features, strict=True):
        # The study may have named a family since the model was scored.
        summary.attrs["family"] = feature.family
    ceiling = read_dataset(folder.ceiling) if folder.ceiling.is_file() else None
    voxels = read_dataset(folder.voxels) if folder.voxels.is_file() else None
    columns = read_competence(study, names)
    maps = write_reduced_tables(
        found.models, found.columns, found.targets, ceiling, folder.tables, columns=columns
    )
    if maps is not None and voxels is not None:
        write = write_maps if "mask" in voxels else write_surface_maps
        write(maps, voxels, folder.maps, simulated=study.simulated)
    display.say(f"✓ tables, {time.perf_counter() - start:.1f} s")
    start = time.perf_counter()
    page = write_report(folder.root)
    display.say(f"✓ figures and page, {time.perf_counter() - start:.1f} s")
    return page
