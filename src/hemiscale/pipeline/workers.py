"""All feature sets that are not done yet, by one process, several, or the workers of a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from hemiscale.errors import InputError
from hemiscale.pipeline.course import Course
from hemiscale.pipeline.crews import Crew, local_crew, reading_memory
from hemiscale.pipeline.helpers import Helpers
from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.marks import Marks, is_done
from hemiscale.pipeline.pieces import remove_empty_folders, remove_pieces
from hemiscale.pipeline.plan import FeatureSet
from hemiscale.pipeline.progress import Display
from hemiscale.pipeline.station import Job
from hemiscale.pipeline.summaries import VERIFIED
from hemiscale.pipeline.targets import Targets
from hemiscale.pipeline.units import FitLayers, Outcome, ReadRun
from hemiscale.results import ResultsFolder, remove_leftovers
from hemiscale.study import Study

if TYPE_CHECKING:
    from hemiscale.pipeline.cluster import Cluster

__all__ = ["work_on_all"]


def work_on_all(
    study: Study,
    inputs: StudyInputs,
    targets: Targets,
    features: list[FeatureSet],
    marks: Mapping[str, Marks],
    folder: ResultsFolder,
    device: str,
    workers: int,
    display: Display,
    *,
    cluster: Cluster | None = None,
) -> list[Outcome]:
    """Make the scores of every feature set that has none yet.

    Parameters
    ----------
    study : Study
    inputs : StudyInputs
    targets : Targets
    features : list of FeatureSet
    marks : mapping of {name: Marks}
        Of each of them.
    folder : ResultsFolder
    device : str
    workers : int
        Processes, one thread each.
    display : Display
    cluster : Cluster, optional
        Whose workers do the work.

    Returns
    -------
    list of Outcome
        Of what had to be done.
    """
    targets = targets.without_listeners()
    done = _done(features, marks, folder, Helpers(workers, cluster))
    todo = [feature for feature in features if feature.name not in done]
    if len(todo) < len(features):
        display.say(f"{len(features) - len(todo)} of {len(features)} models are done already")
    # The run before may have been killed just before it cleared up, or had other inputs.
    for feature in features:
        name = feature.name
        remove_pieces(folder, name, but=None if name in done else marks[name].scores)
    if not todo:
        _clear_up(folder)
        return []
    # The longest first, so that no worker is left with it at the end.
    todo.sort(key=lambda feature: -feature.cost)
    on_cluster = cluster is not None
    job = Job(study, inputs, targets, folder, "cpu" if on_cluster else device)
    courses = {
        feature.name: Course(place, feature, marks[feature.name], len(targets.parts), device)
        for place, feature in enumerate(todo)
    }
    crew: AbstractContextManager[Crew]
    if cluster is not None:
        gpu = device == "cuda" and any(feature.reads_story for feature in todo)
        crew = cluster.crew(job, gpu=gpu)
    else:
        n_units = sum(_most_units(course) for course in courses.values())
        memory = reading_memory(_memory_needs(study, inputs, todo))
        crew = local_crew(job, min(workers, n_units), display, memory=memory)
    with display.bars():
        try:
            with crew as at_work:
                return _follow(courses, at_work, display)
        finally:
            _clear_up(folder)


def _clear_up(folder: ResultsFolder) -> None:
    """Remove what processes that were stopped in the middle left of what they were writing."""
    remove_leftovers(folder.root)
    remove_empty_folders(folder)


def _done(
    features: list[FeatureSet], marks: Mapping[str, Marks], folder: ResultsFolder, helpers: Helpers
) -> set[str]:
    """Find the feature sets that are done; all that is there is read, which may be much."""
    there = [f.name for f in features if folder.scores(f.name).is_file()]
    sizes = [folder.scores(name).stat().st_size for name in there]
    items = [(name, marks[name].scores) for name in there]
    root = ResultsFolder(folder.root.resolve())  # other processes have other working folders
    found = helpers.map_batches(_which_are_done, items, sizes, least=VERIFIED, folder=root)
    return {name for _, names in found for name in names}


def _which_are_done(items: list[tuple[str, str]], folder: ResultsFolder) -> list[str]:
    return [name for name, stamp in items if is_done(folder, name, stamp)]


def _follow(courses: dict[str, Course], crew: Crew, display: Display) -> list[Outcome]:
    """Give out units as they become possible, and tell of each feature set that is done."""
    overall = "all models"
    outcomes: list[Outcome] = []
    display.advance(overall, 0, len(courses))
    for course in courses.values():
        for priority, unit in course.first(crew.n_workers):
            crew.submit(priority, unit)
    for unit, result in crew.results():
        name = unit.feature.name
        for priority, following in courses[name].after(unit, result, crew.n_workers):
            crew.submit(priority, following)
        if isinstance(unit, FitLayers):
            for notice in result:
                display.warn(notice)
        elif isinstance(unit, ReadRun):
            display.finish(unit.bar)
        else:
            outcomes.append(result)
            display.finish(f"{name}: encoding")
            display.advance(overall, len(outcomes), len(courses))
            spent = ", ".join(f"{stage} {value:.1f} s" for stage, value in result.seconds.items())
            display.say(f"✓ {name}: {spent}")
            for notice in result.notices:
                display.warn(notice)
    return outcomes


def _most_units(course: Course) -> int:
    """How many units a feature set may have at a time, as far as is known before it is read."""
    n_reads = len(course.marks.activations)
    return max(n_reads, course.n_parts * max(1, course.feature.n_layers))


def _memory_needs(
    study: Study, inputs: StudyInputs, features: list[FeatureSet]
) -> dict[str, float]:
    """Bytes that each language model takes while it reads, where that is known."""
    from hemiscale.models.estimates import estimate_model

    needs = {}
    for feature in features:
        if not feature.reads_story or feature.device_map is not None:
            continue
        try:
            estimate = estimate_model(
                feature.source,
                [len(run.words) for run in inputs.runs],
                rate=1.0,
                context=study.activations.context,
                step=study.activations.step,
                dtype=feature.dtype,
                quantisation=feature.quantisation,
            )
        except InputError:
            continue
        if estimate is not None:
            needs[feature.name] = estimate.memory
    return needs
