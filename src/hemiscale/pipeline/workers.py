"""All feature sets that are not done yet, in one process or several."""

from __future__ import annotations

from typing import Any

from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.plan import FeatureSet
from hemiscale.pipeline.progress import Display
from hemiscale.pipeline.targets import Targets
from hemiscale.pipeline.work import Outcome, is_done, score_fingerprint, work_on
from hemiscale.results import ResultsFolder
from hemiscale.study import Study

__all__ = ["work_on_all"]


def work_on_all(
    study: Study,
    inputs: StudyInputs,
    targets: Targets,
    features: list[FeatureSet],
    folder: ResultsFolder,
    device: str,
    workers: int,
    display: Display,
    *,
    dask: str | None = None,
) -> list[Outcome]:
    """Make the scores of every feature set that has none yet.

    Parameters
    ----------
    study : Study
    inputs : StudyInputs
    targets : Targets
    features : list of FeatureSet
    folder : ResultsFolder
    device : str
    workers : int
        Processes, one thread each.
    display : Display
    dask : str, optional
        Address of a Dask scheduler whose workers do the work.

    Returns
    -------
    list of Outcome
        Of what had to be done.
    """
    targets = targets.without_listeners()
    todo = [
        feature
        for feature in features
        if not is_done(
            folder, feature.name, score_fingerprint(study, inputs, feature, targets.fingerprint)
        )
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
        if dask is not None and todo:
            from hemiscale.pipeline.cluster import work_on_cluster

            for outcome in work_on_cluster(
                study, inputs, targets, todo, folder, device, dask, display
            ):
                finished(outcome)
            return outcomes
        if workers == 1:
            for feature in todo:
                finished(work_on(study, inputs, targets, feature, folder, device, display.advance))
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
                    delayed(_work_and_tell)(study, inputs, targets, feature, folder, device, events)
                    for feature in todo
                )
                for outcome in results:
                    finished(outcome)
    return outcomes


def _work_and_tell(
    study: Study,
    inputs: StudyInputs,
    targets: Targets,
    feature: FeatureSet,
    folder: ResultsFolder,
    device: str,
    events: Any,
) -> Outcome:
    def report(name: str, done: int, total: int) -> None:
        events.put((name, done, total))

    return work_on(study, inputs, targets, feature, folder, device, report)
