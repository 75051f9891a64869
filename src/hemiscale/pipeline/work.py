"""The unit of work that a process does: one feature set, from words to stored scores."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import hemiscale
from hemiscale.errors import HemiscaleWarning
from hemiscale.pipeline.features import (
    Reading,
    activation_fingerprint,
    baseline_features,
    extract,
    read_features,
    source_identity,
    surprisal_features,
)
from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.plan import FeatureSet
from hemiscale.pipeline.scoring import LayerScores, make_designs, score_layer, write_scores
from hemiscale.pipeline.targets import Targets
from hemiscale.results import (
    ResultsFolder,
    damage,
    fingerprint,
    set_aside_damaged,
    stored_fingerprint,
    write_record,
)
from hemiscale.study import Study

__all__ = ["Outcome", "is_done", "score_fingerprint", "work_on"]

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Outcome:
    """What became of one feature set.

    Attributes
    ----------
    name : str
    seconds : dict
        Of the stages that had to be done; empty where all was there.
    notices : list of str
    """

    name: str
    seconds: dict[str, float]
    notices: list[str]


def score_fingerprint(
    study: Study, inputs: StudyInputs, feature: FeatureSet, targets_stamp: str
) -> str:
    """Fingerprint of all that makes the scores of one feature set.

    Parameters
    ----------
    study : Study
    inputs : StudyInputs
    feature : FeatureSet
    targets_stamp : str
        Fingerprint of the brain side.

    Returns
    -------
    str
    """
    if feature.reads_story:
        identity = source_identity(feature)
        made_from: Any = [
            activation_fingerprint(study, inputs, feature, identity, k)
            for k in range(len(inputs.runs))
        ]
    else:
        from_file = feature.name == "word-frequency" and Path(feature.source).is_file()
        static = feature.kind == "static embedding" or from_file
        made_from = source_identity(feature) if static else vars(feature)
    return fingerprint(
        hemiscale=hemiscale.__version__,
        feature=vars(feature) | {"source": Path(feature.source).name, "tokenizer": None},
        made_from=made_from,
        words=[
            [list(run.words["word"]), list(run.words["onset"]), list(run.words["offset"])]
            for run in inputs.runs
        ],
        targets=targets_stamp,
        design=study.design.model_dump(),
        encoding=study.encoding.model_dump(),
    )


def is_done(folder: ResultsFolder, name: str, stamp: str) -> bool:
    """Tell whether whole scores with a fingerprint are there, and the facts beside them.

    Parameters
    ----------
    folder : ResultsFolder
    name : str
        Of the feature set.
    stamp : str
        From `score_fingerprint`.

    Returns
    -------
    bool
    """
    facts = folder.pieces(name)
    return (
        stored_fingerprint(folder.scores(name)) == stamp
        and facts.is_file()
        and damage(facts) is None
    )


def work_on(
    study: Study,
    inputs: StudyInputs,
    targets: Targets,
    feature: FeatureSet,
    folder: ResultsFolder,
    device: str,
    report: Report,
) -> Outcome:
    """Make the scores of one feature set, unless they are there.

    Runs on one thread, so that results do not depend on the number of workers and that workers
    do not fight over cores.

    Parameters
    ----------
    study : Study
    inputs : StudyInputs
    targets : Targets
    feature : FeatureSet
    folder : ResultsFolder
    device : str
    report : callable
        Called with (name, done, total).

    Returns
    -------
    Outcome
    """
    from threadpoolctl import threadpool_limits

    stamp = score_fingerprint(study, inputs, feature, targets.fingerprint)
    path = folder.scores(feature.name)
    if is_done(folder, feature.name, stamp):
        return Outcome(feature.name, {}, [])
    seconds: dict[str, float] = {}
    notices: list[str] = []
    with threadpool_limits(1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for stored in (path, folder.pieces(feature.name)):
            set_aside_damaged(stored)
        start = time.perf_counter()
        reading = Reading()
        layers: Sequence[list[np.ndarray]]
        if feature.reads_story:
            import torch

            torch.set_num_threads(1)
            extract(
                study,
                inputs,
                feature,
                folder,
                device=device,
                progress=lambda done, total: report(f"{feature.name}: reading", done, total),
            )
            layers, reading = read_features(inputs, feature, folder)
            if feature.surprisal:
                layers, reading = [surprisal_features(feature, inputs, folder)], Reading()
        else:
            layers = [baseline_features(feature, inputs)]
        seconds["features"] = time.perf_counter() - start
        start = time.perf_counter()
        designs = make_designs(study, inputs)
        total = len(targets.parts) * len(layers)

        def scored() -> Iterator[tuple[int, int, LayerScores]]:
            for number, part in enumerate(targets.parts):
                # One part at a time in memory, its targets shared by all layers.
                bank = part.bank(device)
                for k in range(len(layers)):
                    one = score_layer(
                        study,
                        layers[k],
                        designs,
                        targets,
                        bank,
                        len(part.subjects),
                        device=device,
                    )
                    if one.n_constant and number == 0:
                        notices.append(
                            f"{feature.name}, layer {k}: {one.n_constant} of {one.width} features "
                            "never change in some run and were left out."
                        )
                    report(f"{feature.name}: encoding", number * len(layers) + k + 1, total)
                    yield number, k, one

        pieces = list(scored())
        seconds["encoding"] = time.perf_counter() - start
    ours = [w for w in caught if issubclass(w.category, HemiscaleWarning)]
    notices += [f"{feature.name}: {warning.message}" for warning in ours]
    others = sorted({f"{w.category.__name__}: {w.message}" for w in caught if w not in ours})
    # The scores are written last: they are the sign that this feature set is done.
    write_record(
        folder.pieces(feature.name),
        {
            "model": feature.name,
            "seconds": seconds,
            "sink": reading.sink,
            "notices": notices,
            "library_warnings": others,
        },
    )
    width = layers[len(layers) - 1][0].shape[1]
    write_scores(path, stamp, feature, reading, targets, len(layers), width, pieces)
    return Outcome(feature.name, seconds, notices)
