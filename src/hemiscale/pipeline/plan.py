"""From the study file to the list of feature sets whose scores it asks for."""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hemiscale.errors import InputError
from hemiscale.study import ModelChoice, Study

__all__ = ["FeatureSet", "choose", "plan_study", "with_model"]


@dataclass(frozen=True)
class FeatureSet:
    """One thing that may predict the brain: a language model, or a baseline.

    Attributes
    ----------
    name : str
        Name in the results.
    kind : str
        "trained", "untrained", "checkpoint", "static embedding", "random embedding",
        "random vector" or "control".
    group : str
        What several draws of the same thing have in common; else the name.
    source : str
        Catalogue name, hub id, folder, file, or which control.
    family : str
        Model family, "" for baselines.
    tokenizer : str or None
        Where the tokenizer is, if not with the model.
    seed : int
        Of untrained weights or random features; -1: none.
    width : int
        Features; for language models that are not in the catalogue 0 until they are loaded.
    n_parameters, n_layers, training_step : int
        0, 0 and -1 where there is no such thing or it is not known yet.
    dtype : str
        In which the model reads.
    quantisation, device_map : str or None
        As for `hemiscale.models.load_model`.
    optional : bool
        Skip it, and say so, where it cannot be had.
    surprisal : bool
        Its one feature is the surprisal that a language model has at each word.
    """

    name: str
    kind: str
    group: str
    source: str
    family: str = ""
    tokenizer: str | None = None
    seed: int = -1
    width: int = 0
    n_parameters: int = 0
    n_layers: int = 0
    training_step: int = -1
    dtype: str = "float32"
    quantisation: str | None = None
    device_map: str | None = None
    optional: bool = False
    surprisal: bool = False

    @property
    def reads_story(self) -> bool:
        """Whether a language model has to read the story for it."""
        return self.is_language_model or self.surprisal

    @property
    def is_language_model(self) -> bool:
        """Whether it reads the story."""
        return self.kind in ("trained", "untrained", "checkpoint")

    @property
    def cost(self) -> float:
        """Rough work, in arbitrary units, for the order of work and the time left."""
        return 1.0 + 0.5 * self.n_layers + self.n_parameters / 5e6


def plan_study(study: Study) -> list[FeatureSet]:
    """List the feature sets of a study, baselines first.

    Parameters
    ----------
    study : Study

    Returns
    -------
    list of FeatureSet

    Raises
    ------
    InputError
        Where a model is neither in the catalogue nor a folder or file, or a name stands twice.
    """
    features = _baselines(study)
    problems: list[str] = []
    for model in study.models:
        try:
            features += _language_models(model, Path(study.folder))
        except InputError as error:
            problems += error.problems
    names = [feature.name for feature in features]
    problems += [
        f"study {study.name}: two feature sets would be named {name!r}; give one a label."
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    if problems:
        raise InputError(*problems)
    return features


def choose(features: Sequence[FeatureSet], only: Iterable[str]) -> list[FeatureSet]:
    """Keep the feature sets with the given names or groups; with no names keep all.

    Parameters
    ----------
    features : sequence of FeatureSet
    only : iterable of str

    Returns
    -------
    list of FeatureSet

    Raises
    ------
    InputError
        Where a name is neither a name nor a group of this study.
    """
    wanted = set(only)
    known = {f.name for f in features} | {f.group for f in features}
    problems = []
    for name in sorted(wanted - known):
        near = difflib.get_close_matches(name, sorted(known), n=3)
        hint = (
            f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(sorted(known))}."
        )
        problems.append(f"this study has no model named {name!r}; {hint}")
    if problems:
        raise InputError(*problems)
    return [f for f in features if not wanted or f.name in wanted or f.group in wanted]


def with_model(study: Study, name: str) -> Study:
    """Add a model to a study, as if its file named it.

    Parameters
    ----------
    study : Study
    name : str
        As in a ``[[models]]`` table.

    Returns
    -------
    Study
    """
    if any(model.name == name for model in study.models):
        return study
    return study.model_copy(update={"models": [*study.models, ModelChoice(name=name)]})


def _language_models(choice: ModelChoice, folder: Path) -> list[FeatureSet]:
    from hemiscale.models import expand_group

    members = None if (folder / choice.name).exists() else expand_group(choice.name)
    if members is None:
        return _one_language_model(choice, folder)
    if choice.label is not None:
        raise InputError(
            f"{choice.name!r} is a group of {len(members)} models and cannot be labelled "
            f"{choice.label!r}; leave the label out, or name the models one by one."
        )
    return [
        feature
        for name in members
        for feature in _one_language_model(choice.model_copy(update={"name": name}), folder)
    ]


def _one_language_model(choice: ModelChoice, folder: Path) -> list[FeatureSet]:
    from hemiscale.models import find_model

    local = folder / choice.name
    tokenizer = choice.tokenizer
    if tokenizer and (folder / tokenizer).exists():
        tokenizer = str(folder / tokenizer)
    if local.exists():
        if choice.revision is not None:
            raise InputError(
                f"model {choice.name!r} is on this disk and has no revision "
                f"{choice.revision!r}; leave the revision out."
            )
        base = FeatureSet(
            name=choice.label or (local.stem if local.is_file() else local.name),
            kind="trained",
            group="",
            source=str(local),
            family=choice.family or "",
        )
    else:
        name = f"{choice.name}@{choice.revision}" if choice.revision else choice.name
        entry = find_model(name)
        base = FeatureSet(
            name=choice.label or name,
            kind="trained" if entry.training_step is None else "checkpoint",
            group="",
            source=name,
            family=choice.family or entry.family,
            width=entry.width or 0,
            n_parameters=entry.n_parameters or 0,
            n_layers=entry.n_layers or 0,
            training_step=-1 if entry.training_step is None else entry.training_step,
        )
    base = replace(
        base,
        tokenizer=tokenizer,
        dtype=choice.dtype,
        quantisation=choice.quantisation,
        device_map=choice.device_map,
        optional=choice.optional,
    )
    features = [_named(base)] if choice.trained else []
    for seed in choice.untrained:
        changes = {
            "name": f"{base.name}-untrained-seed{seed}",
            "kind": "untrained",
            "group": f"{base.name}-untrained",
            "seed": seed,
            "quantisation": None,
            "device_map": None,
        }
        features.append(FeatureSet(**{**vars(base), **changes}))
    return features


def _named(feature: FeatureSet) -> FeatureSet:
    return FeatureSet(**{**vars(feature), "group": feature.group or feature.name})


def _baselines(study: Study) -> list[FeatureSet]:
    baselines = study.baselines
    features = [
        FeatureSet(name=name, kind="control", group=name, source=name, width=1)
        for name, wanted in (
            ("word-rate", baselines.word_rate),
            ("word-length", baselines.word_length),
            ("word-position", baselines.word_position),
        )
        if wanted
    ]
    for kind, random in (
        ("random vector", baselines.random_vectors),
        ("random embedding", baselines.random_embeddings),
    ):
        if random is None:
            continue
        for width in random.dimensions:
            group = f"{kind.replace(' ', '-')}-{width}d"
            features += [
                FeatureSet(
                    name=f"{group}-seed{seed}",
                    kind=kind,
                    group=group,
                    source=kind,
                    seed=seed,
                    width=width,
                )
                for seed in range(random.seeds)
            ]
    for table in baselines.static_embeddings:
        local = Path(study.folder) / table
        source = str(local) if local.exists() else table
        name = local.stem if local.exists() else table
        features.append(
            FeatureSet(name=name, kind="static embedding", group=name, source=source, optional=True)
        )
    if baselines.word_frequency is not None:
        name = "word-frequency"
        source = _frequency_source(study, baselines.word_frequency)
        features.append(FeatureSet(name=name, kind="control", group=name, source=source, width=1))
    return features + [
        feature for name in baselines.surprisal for feature in _surprisal(study, name)
    ]


def _frequency_source(study: Study, wanted: str) -> str:
    if wanted != "wordfreq":
        local = Path(study.folder) / wanted
        if not local.is_file():
            raise InputError(f"baselines.word_frequency: {local}: there is no such file.")
        return str(local)
    if importlib.util.find_spec("wordfreq") is None:
        raise InputError(
            "baselines.word_frequency: the package wordfreq is not installed; install it with "
            "'pip install hemiscale[frequency]', or name a table of your own."
        )
    return f"wordfreq:{study.language}"


def _surprisal(study: Study, name: str) -> list[FeatureSet]:
    named = [model for model in study.models if name in (model.label, model.name)]
    choice = named[0] if named else ModelChoice(name=name)
    readers = _language_models(
        choice.model_copy(update={"trained": True, "untrained": []}), Path(study.folder)
    )
    return [
        FeatureSet(
            **{
                **vars(reader),
                "name": f"surprisal-{reader.name}",
                "group": f"surprisal-{reader.name}",
                "kind": "control",
                "family": "",
                "width": 1,
                "n_parameters": 0,
                "n_layers": 0,
                "training_step": -1,
                "surprisal": True,
            }
        )
        for reader in readers
    ]
