"""What one process keeps at hand between units of work: a model, a part of the brain data."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.errors import HemiscaleError, HemiscaleWarning
from hemiscale.pipeline.features import (
    LoadedModel,
    Reading,
    StoredLayers,
    baseline_features,
    load,
    read_features,
    source_identity,
    surprisal_features,
)
from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.marks import Marks
from hemiscale.pipeline.plan import FeatureSet
from hemiscale.pipeline.scoring import make_designs
from hemiscale.pipeline.targets import Targets
from hemiscale.pipeline.unchanged import changed_files, file_states, raise_if_changed
from hemiscale.results import ResultsFolder
from hemiscale.study import Study

if TYPE_CHECKING:
    from hemiscale.encoding import TargetBank

__all__ = ["Job", "Report", "Station"]

BASELINES = 256_000_000
"""Bytes of baselines' features that a process keeps at hand: they come part by part."""

Report = Callable[[str, int | None, int], None]
"""Called with the name of a bar, how much of it is done (None: one more), and how much there is."""


@dataclass(frozen=True)
class Job:
    """What every unit of work of a study needs; a process is given it once.

    Attributes
    ----------
    study : Study
    inputs : StudyInputs
    targets : Targets
        Without listeners.
    folder : ResultsFolder
    device : str
        On which models read and layers are fitted.
    key : str
        Tells this job from all others.
    """

    study: Study
    inputs: StudyInputs
    targets: Targets
    folder: ResultsFolder
    device: str
    key: str = field(default_factory=lambda: uuid.uuid4().hex)


class Station:
    """One process at work on one job.

    Parameters
    ----------
    job : Job
    report : callable
        See `Report`.
    """

    def __init__(self, job: Job, report: Report) -> None:
        self.job, self.report = job, report
        self._designs: list[np.ndarray] | None = None
        self._model: tuple[tuple[Any, ...], LoadedModel] | None = None
        self._bank: tuple[tuple[int, str], TargetBank, list[str]] | None = None
        self._layers: dict[str, _Layers] = {}

    def designs(self) -> list[np.ndarray]:
        """One design matrix per recorded run.

        Returns
        -------
        list of (n_scans, n_words) float64 arrays
        """
        if self._designs is None:
            self._designs = make_designs(self.job.study, self.job.inputs)
        return self._designs

    def model(self, feature: FeatureSet, marks: Marks, device: str) -> LoadedModel:
        """Load a language model, unless it is the last one that was asked for.

        Parameters
        ----------
        feature : FeatureSet
        marks : Marks
        device : str

        Returns
        -------
        LoadedModel

        Raises
        ------
        HemiscaleError
            Where its files are not those that the study was started with.
        """
        key = (
            feature.source,
            feature.kind == "untrained",
            feature.seed,
            feature.tokenizer,
            feature.dtype,
            feature.quantisation,
            feature.device_map,
            device,
        )
        if self._model is None or self._model[0] != key:
            self._model = None  # before the next one comes, so that one is in memory
            self._model = (key, load(feature, device))
        loaded = self._model[1]
        if loaded.identity != marks.identity:
            self._model = None
            raise HemiscaleError(
                f"{feature.name}: the files of this model are not those that the study was started "
                "with; they changed meanwhile, or this machine has others. Start again."
            )
        return loaded

    def let_go_of_model(self) -> None:
        """Free the memory that a language model takes."""
        if self._model is None:
            return
        on_gpu = self._model[0][-1] != "cpu"
        self._model = None
        if on_gpu:
            import torch

            torch.cuda.empty_cache()  # else the engine takes the memory for used

    def let_go_of_bank(self) -> None:
        """Free the memory that brain data take."""
        self._bank = None

    def bank(self, part: int) -> TargetBank:
        """Read one part of the brain data, unless it is the last one that was asked for.

        Parameters
        ----------
        part : int
            Of the targets, from 0.

        Returns
        -------
        TargetBank

        Warns
        -----
        HemiscaleWarning
            As the bank does, each time it is asked for: what is noted of a layer must not depend
            on which process had the data at hand.
        """
        key = (part, self.job.device)
        if self._bank is None or self._bank[0] != key:
            self._bank = None
            with _kept() as said:
                made = self.job.targets.parts[part].bank(self.job.device)
            self._bank = (key, made, said)
        _say_again(self._bank[2])
        return self._bank[1]

    def layers(
        self, feature: FeatureSet, marks: Marks
    ) -> tuple[Sequence[list[np.ndarray]], Reading]:
        """Give the features of each layer; small ones stay at hand.

        Parameters
        ----------
        feature : FeatureSet
        marks : Marks

        Returns
        -------
        layers : sequence over layers of lists over recorded runs of (n_words, n_features) arrays
            Those of language models are read from disk as they are asked for.
        reading : Reading
        """
        found = self._layers.pop(marks.scores, None)
        if found is None:
            with _kept() as said:
                layers, reading = self._make_layers(feature, marks)
            found = _Layers(layers, reading, said)
        self._layers[marks.scores] = found  # the last one that was asked for comes last
        while len(self._layers) > 1 and sum(map(_n_bytes, self._layers.values())) > BASELINES:
            del self._layers[next(iter(self._layers))]
        _say_again(found.said)
        return found.layers, found.reading

    def _make_layers(
        self, feature: FeatureSet, marks: Marks
    ) -> tuple[Sequence[list[np.ndarray]], Reading]:
        inputs, folder = self.job.inputs, self.job.folder
        if not feature.reads_story:
            return [_baseline(feature, inputs, marks)], Reading()
        layers, reading = read_features(feature, folder, marks.activations)
        if feature.surprisal:
            return [surprisal_features(feature, inputs, folder, marks.activations)], Reading()
        return layers, reading


@dataclass(frozen=True)
class _Layers:
    """The features of each layer of a feature set, and what was said while they were made."""

    layers: Sequence[list[np.ndarray]]
    reading: Reading
    said: list[str]


def _baseline(feature: FeatureSet, inputs: StudyInputs, marks: Marks) -> list[np.ndarray]:
    """Make the features of a baseline; see that a table it is read from is the one of the marks."""
    if not marks.identity:
        return baseline_features(feature, inputs)
    from hemiscale.models import local_files

    before = file_states(local_files(feature.source))
    made = baseline_features(feature, inputs)
    raise_if_changed(before)
    # Another machine may have a copy with another time; then its bytes tell.
    noted = {path: inputs.states.get(path) for path in before}
    if before != noted and source_identity(feature) != marks.identity:
        raise changed_files(before)
    return made


def _n_bytes(one: _Layers) -> int:
    """Memory that features take; those of language models stay on disk."""
    if isinstance(one.layers, StoredLayers):
        return 0
    return sum(run.nbytes for layer in one.layers for run in layer)


@contextmanager
def _kept() -> Iterator[list[str]]:
    """Keep our own warnings, to be said again; let those of libraries through."""
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        warnings.simplefilter("always", HemiscaleWarning)
        yield said
    for warning in caught:
        if issubclass(warning.category, HemiscaleWarning):
            said.append(str(warning.message))
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )


def _say_again(said: list[str]) -> None:
    for sentence in said:
        warnings.warn(sentence, HemiscaleWarning, stacklevel=3)
