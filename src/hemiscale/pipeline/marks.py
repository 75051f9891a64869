"""Fingerprints of all that makes activations and scores, by which finished work is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hemiscale
from hemiscale.errors import HemiscaleError
from hemiscale.pipeline.features import activation_fingerprint, source_identity
from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.plan import FeatureSet
from hemiscale.results import ResultsFolder, fingerprint, read_record, stored_fingerprint
from hemiscale.study import Study

__all__ = ["Marks", "facts_belong", "is_done", "make_marks", "score_fingerprint"]


@dataclass(frozen=True)
class Marks:
    """Fingerprints of the work on one feature set.

    Attributes
    ----------
    scores : str
    activations : list of str
        Of each recorded run; empty where no model reads.
    identity : dict
        Of the files of the model, or of the table that has a number for each word.
    """

    scores: str
    activations: list[str] = field(default_factory=list)
    identity: dict[str, Any] = field(default_factory=dict)


def make_marks(study: Study, inputs: StudyInputs, feature: FeatureSet, targets_stamp: str) -> Marks:
    """Fingerprint all that makes the activations and scores of one feature set.

    Parameters
    ----------
    study : Study
    inputs : StudyInputs
    feature : FeatureSet
    targets_stamp : str
        Fingerprint of the brain side.

    Returns
    -------
    Marks
    """
    activations: list[str] = []
    identity: dict[str, Any] = {}
    if feature.reads_story:
        identity = source_identity(feature)
        activations = [
            activation_fingerprint(study, inputs, feature, identity, k)
            for k in range(len(inputs.runs))
        ]
        made_from: Any = activations
    else:
        from_file = feature.name == "word-frequency" and Path(feature.source).is_file()
        if feature.kind == "static embedding" or from_file:
            identity = source_identity(feature)
        made_from = identity or vars(feature)
    # Not where files lie, and not the family, which tables take from the study.
    facts = vars(feature) | {"source": Path(feature.source).name, "tokenizer": None, "family": None}
    scores = fingerprint(
        hemiscale=hemiscale.__version__,
        feature=facts,
        made_from=made_from,
        words=[
            [list(run.words["word"]), list(run.words["onset"]), list(run.words["offset"])]
            for run in inputs.runs
        ],
        targets=targets_stamp,
        design=study.design.model_dump(),
        encoding=study.encoding.model_dump(),
    )
    return Marks(scores, activations, identity)


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
    return make_marks(study, inputs, feature, targets_stamp).scores


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
    return facts_belong(folder, name, stamp) and stored_fingerprint(folder.scores(name)) == stamp


def facts_belong(folder: ResultsFolder, name: str, stamp: str) -> bool:
    """Tell whether the facts beside the scores are whole, and were noted when these were made.

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
    try:
        facts = read_record(folder.pieces(name))
    except HemiscaleError:  # not there, or damaged
        return False
    # Facts that were noted before they had fingerprints count for those beside them.
    return bool(facts.get("fingerprint", stamp) == stamp)
