"""The numbers that stand for each word: activations read from disk or made, and baselines."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import hemiscale
from hemiscale.errors import HemiscaleError
from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.plan import FeatureSet
from hemiscale.pipeline.unchanged import file_states, raise_if_changed
from hemiscale.results import (
    ResultsFolder,
    fingerprint,
    read_activations,
    stored_fingerprint,
    write_activations,
)
from hemiscale.study import Study

if TYPE_CHECKING:
    from hemiscale.models import Story

__all__ = [
    "LoadedModel",
    "Reading",
    "StoredLayers",
    "activation_fingerprint",
    "baseline_features",
    "load",
    "read_features",
    "read_run",
    "source_identity",
    "surprisal_features",
]

Progress = Callable[[int, int], None]


@dataclass
class Reading:
    """What is known of a language model once it has read the story.

    Attributes
    ----------
    bits_per_byte, perplexity : float
        Over all runs, from the pass that gave the activations.
    sink : list of dict
        Per run, by layer: norm of the first token of the text, median norm of all its tokens,
        and the largest norm of what stands in front of the text (empty where nothing does).
    n_parameters : int
        Counted on the loaded model.
    """

    bits_per_byte: float = float("nan")
    perplexity: float = float("nan")
    sink: list[dict[str, Any]] = field(default_factory=list)
    n_parameters: int = 0


def source_identity(feature: FeatureSet) -> dict[str, Any]:
    """Identity of a model's files, for fingerprints.

    Parameters
    ----------
    feature : FeatureSet

    Returns
    -------
    dict
        Name, seed, and the digests of the local files that make the model.
    """
    from hemiscale.models import model_identity
    from hemiscale.models.identity import tokenizer_identity

    identity = {
        "source": Path(feature.source).name,
        "seed": feature.seed,
        "files": model_identity(feature.source),
    }
    if feature.tokenizer:
        identity["tokenizer"] = tokenizer_identity(feature.tokenizer)
    return identity


def activation_fingerprint(
    study: Study, inputs: StudyInputs, feature: FeatureSet, identity: dict[str, Any], run: int
) -> str:
    """Fingerprint of all that makes the activations of one run.

    Parameters
    ----------
    study : Study
    inputs : StudyInputs
    feature : FeatureSet
    identity : dict
        From `source_identity`.
    run : int
        From 0.

    Returns
    -------
    str
    """
    return fingerprint(
        hemiscale=hemiscale.__version__,
        identity=identity,
        kind=feature.kind,
        precision=[feature.dtype, feature.quantisation],
        text=inputs.runs[run].text,
        spans=inputs.runs[run].spans,
        options=study.activations.model_dump(),
    )


@dataclass(frozen=True)
class LoadedModel:
    """A language model in memory.

    Attributes
    ----------
    model, tokenizer
    identity : dict
        From `source_identity`, of the files that were loaded.
    n_parameters : int
    """

    model: Any
    tokenizer: Any
    identity: dict[str, Any]
    n_parameters: int


def load(feature: FeatureSet, device: str) -> LoadedModel:
    """Load the language model of a feature set.

    Parameters
    ----------
    feature : FeatureSet
    device : str
        "cpu" or "cuda".

    Returns
    -------
    LoadedModel

    Raises
    ------
    HemiscaleError
        Where a file of it changes meanwhile.
    """
    from hemiscale.models import load_model, local_files
    from hemiscale.models.sources import tokenizer_files

    files = local_files(feature.source)
    if feature.tokenizer and Path(feature.tokenizer).is_dir():
        files = [*files, *tokenizer_files(Path(feature.tokenizer))]
    states = file_states(files)
    identity = source_identity(feature)
    model, tokenizer = load_model(
        feature.source,
        untrained=feature.seed if feature.kind == "untrained" else None,
        tokenizer=feature.tokenizer,
        device=device,
        dtype=feature.dtype,
        device_map=feature.device_map,
        quantisation=feature.quantisation,
    )
    raise_if_changed(states)
    # Two weights of a 4-bit model share a number: its tensors are half as long.
    return LoadedModel(model, tokenizer, identity, model.num_parameters())


def read_run(
    study: Study,
    inputs: StudyInputs,
    feature: FeatureSet,
    folder: ResultsFolder,
    run: int,
    stamps: Sequence[str],
    loaded: LoadedModel,
    *,
    progress: Progress,
) -> None:
    """Let a language model read one run, and store its activations.

    Short runs are read in one batch with their neighbours, always the same ones, so that their
    activations do not depend on what was there already; those of all of them are stored.

    Parameters
    ----------
    study : Study
    inputs : StudyInputs
    feature : FeatureSet
    folder : ResultsFolder
    run : int
        From 0.
    stamps : sequence of str
        From `activation_fingerprint`, of all runs.
    loaded : LoadedModel
    progress : callable
        Called with (done, total) windows.
    """
    from hemiscale.models import read_stories, runs_together

    options = study.activations
    texts = [here.text for here in inputs.runs]
    reading: dict[str, Any] = {
        "context": options.context,
        "step": options.step,
        "bos": options.bos,
    }
    groups = runs_together(loaded.model, loaded.tokenizer, texts, **reading)
    group = next(group for group in groups if run in group)
    stories = read_stories(
        loaded.model,
        loaded.tokenizer,
        [texts[k] for k in group],
        [inputs.runs[k].spans for k in group],
        pooling=options.pooling,
        layers=[0] if feature.surprisal else None,
        progress=progress,
        **reading,
    )
    for k, story in zip(group, stories, strict=True):
        path = folder.activations(feature.name, k + 1)
        if stored_fingerprint(path) != stamps[k]:
            _store(path, story, feature.name, stamps[k], loaded.n_parameters)


def _store(path: Path, story: Story, name: str, stamp: str, n_parameters: int) -> None:
    write_activations(
        path,
        list(story.activations),
        extras={
            "token_spans": np.asarray(story.token_spans),
            "token_log_probabilities": np.asarray(story.token_log_probabilities),
            "token_norms": np.asarray(story.token_norms),
            "prefix_norms": np.asarray(story.prefix_norms),
        },
        metadata={
            "fingerprint": stamp,
            "model": name,
            "n_bytes": str(story.n_bytes),
            "n_parameters": str(n_parameters),
            "n_layers": str(len(story.activations)),
            "layers": json.dumps(story.layers),
            "prefix": json.dumps(story.prefix),
        },
    )


class StoredLayers(Sequence[list[np.ndarray]]):
    """The layers of a model, one at a time in memory: for each run a (n_words, n_hidden) array.

    Parameters
    ----------
    paths : list of Path
        What `read_run` stored, run by run.
    stamps : sequence of str
        Fingerprint that each of them must have whenever it is read.
    n_layers : int
        With the embedding.
    """

    def __init__(self, paths: list[Path], stamps: Sequence[str], n_layers: int) -> None:
        self.paths, self.stamps, self.n_layers = paths, stamps, n_layers

    def __len__(self) -> int:
        return self.n_layers

    def __getitem__(self, k: Any) -> Any:
        if not 0 <= k < self.n_layers:
            raise IndexError(k)
        stored = zip(self.paths, self.stamps, strict=True)
        return [_read_stored(path, stamp, layers=[k])[0][0] for path, stamp in stored]


def read_features(
    feature: FeatureSet, folder: ResultsFolder, stamps: Sequence[str]
) -> tuple[StoredLayers, Reading]:
    """Open what `read_run` stored.

    Parameters
    ----------
    feature : FeatureSet
    folder : ResultsFolder
    stamps : sequence of str
        Fingerprint that the activations of each run must have.

    Returns
    -------
    layers : StoredLayers
    reading : Reading

    Raises
    ------
    HemiscaleError
        Where a file is damaged, missing, or another one.
    """
    reading = Reading()
    nats, n_bytes, n_tokens = 0.0, 0, 0
    n_layers = 0
    paths = [folder.activations(feature.name, k + 1) for k in range(len(stamps))]
    for k, (path, stamp) in enumerate(zip(paths, stamps, strict=True)):
        _, extras, metadata = _read_stored(path, stamp, layers=[])
        n_layers = int(metadata["n_layers"])
        log_probabilities = extras["token_log_probabilities"]
        counted = np.isfinite(log_probabilities)
        nats -= float(log_probabilities[counted].sum())
        n_tokens += int(counted.sum())
        n_bytes += int(metadata["n_bytes"])
        norms, prefix_norms = extras["token_norms"], extras["prefix_norms"]
        reading.sink.append(
            {
                "run": k + 1,
                "first_token_norm": norms[:, 0].astype(float),
                "median_norm": np.median(norms, axis=1).astype(float),
                # The token in front of the text, which is no word's; none where bos = "never".
                "prefix_norm": prefix_norms.astype(float).max(axis=1)
                if prefix_norms.shape[1]
                else np.empty(0),
            }
        )
        reading.n_parameters = int(metadata["n_parameters"])
    reading.bits_per_byte = nats / np.log(2) / n_bytes
    reading.perplexity = float(np.exp(nats / n_tokens))
    return StoredLayers(paths, stamps, n_layers), reading


def _read_stored(
    path: Path, stamp: str, *, layers: Sequence[int]
) -> tuple[list[np.ndarray], dict[str, np.ndarray], dict[str, str]]:
    """Read activations, as `read_activations` does; see that they are those of the study."""
    stored = read_activations(path, layers=layers)
    if stored[2]["fingerprint"] != stamp:
        raise HemiscaleError(
            f"{path}: is not the file that was just made for this study; do all machines see "
            "the same results folder? Start again: what is finished is kept."
        )
    return stored


def baseline_features(feature: FeatureSet, inputs: StudyInputs) -> list[np.ndarray]:
    """Features of a baseline, run by run.

    Parameters
    ----------
    feature : FeatureSet
    inputs : StudyInputs

    Returns
    -------
    list over runs of (n_words, n_features) arrays
    """
    from hemiscale.models import baselines

    if feature.kind == "static embedding":
        table = baselines.read_static_table(
            feature.source, {word for run in inputs.runs for word in run.words["word"]}
        )
        return [baselines.static_embeddings(list(run.words["word"]), table) for run in inputs.runs]
    features = []
    for k, run in enumerate(inputs.runs):
        words = list(run.words["word"])
        if feature.kind == "random vector":
            # A run's own stream, so that the vectors do not repeat from run to run.
            features.append(
                baselines.random_vectors(len(words), feature.width, seed=(feature.seed, k))
            )
        elif feature.kind == "random embedding":
            features.append(baselines.random_embeddings(words, feature.width, seed=feature.seed))
        elif feature.name == "word-frequency":
            features.append(_word_frequency(words, feature.source))
        elif feature.source == "word-rate":
            features.append(baselines.word_rate(len(words)))
        elif feature.source == "word-length":
            features.append(baselines.word_length(words))
        else:
            features.append(baselines.word_position(len(words)))
    return features


def surprisal_features(
    feature: FeatureSet, inputs: StudyInputs, folder: ResultsFolder, stamps: Sequence[str]
) -> list[np.ndarray]:
    """Surprisal of every word, from what `read_run` stored.

    Parameters
    ----------
    feature : FeatureSet
    inputs : StudyInputs
    folder : ResultsFolder
    stamps : sequence of str
        Fingerprint that the activations of each run must have.

    Returns
    -------
    list over runs of (n_words, 1) arrays

    Raises
    ------
    HemiscaleError
        Where a file is damaged, missing, or another one.
    """
    from hemiscale.models.surprisal import word_surprisal

    features = []
    for k, (run, stamp) in enumerate(zip(inputs.runs, stamps, strict=True)):
        path = folder.activations(feature.name, k + 1)
        _, extras, _ = _read_stored(path, stamp, layers=[])
        features.append(
            word_surprisal(
                extras["token_log_probabilities"], extras["token_spans"], run.spans, run.text
            )
        )
    return features


def _word_frequency(words: list[str], source: str) -> np.ndarray:
    from hemiscale.models.word_frequency import word_frequency

    package, _, language = source.partition(":")
    if package == "wordfreq":
        return word_frequency(words, package, language=language)
    return word_frequency(words, source)
