"""The catalogue: what is known of language models by name. The data are in catalogue.toml."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from hemiscale.errors import InputError

__all__ = ["CatalogueEntry", "catalogue", "expand_group", "find_entry", "find_model", "groups"]

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+(@[\w./-]+)?")


@dataclass(frozen=True)
class CatalogueEntry:
    """What is known of one model before it is loaded.

    Attributes
    ----------
    name : str
    kind : str
        "language model" or "static embedding".
    family : str
    language : str
        Of the stories it is meant for.
    licence : str
    gated : bool
        Whether its licence must be accepted at the hub before it can be downloaded.
    n_parameters, n_layers, width, context : int or None
        Context in tokens, as trained.
    hub, revision : str or None
        Where at the hub; a revision is a branch, tag or commit.
    folder, tokenizer : str or None
        Folders inside ``hemiscale.datasets``, for models that the package carries.
    package, file : str or None
        Import name of an installed package that carries the model, and its file there.
    requirements : tuple of str
        What to install for it.
    training_step : int or None
        Of a checkpoint.
    steps : tuple of int
        Training checkpoints that can be had as ``NAME@stepN``.
    step_folder, step_revision : str or None
        Where they are; ``{step}`` stands for the number.
    ppl, hellaswag : float or None
        As published by Bonnasse-Gahot & Pallier (2024): perplexity per token on WikiText-2, and
        accuracy in percent.
    """

    name: str
    kind: str = "language model"
    family: str = ""
    language: str = ""
    licence: str = ""
    gated: bool = False
    n_parameters: int | None = None
    n_layers: int | None = None
    width: int | None = None
    context: int | None = None
    hub: str | None = None
    revision: str | None = None
    folder: str | None = None
    tokenizer: str | None = None
    package: str | None = None
    file: str | None = None
    requirements: tuple[str, ...] = ()
    training_step: int | None = None
    steps: tuple[int, ...] = ()
    step_folder: str | None = None
    step_revision: str | None = None
    ppl: float | None = None
    hellaswag: float | None = None


@lru_cache(maxsize=1)
def _content() -> tuple[dict[str, CatalogueEntry], dict[str, tuple[str, ...]]]:
    content = tomllib.loads(Path(__file__).with_name("catalogue.toml").read_text(encoding="utf-8"))
    entries = {}
    for table in content["model"]:
        lists = {key: tuple(value) for key, value in table.items() if isinstance(value, list)}
        entries[table["name"]] = CatalogueEntry(**{**table, **lists})
    return entries, {name: tuple(members) for name, members in content["groups"].items()}


def catalogue() -> dict[str, CatalogueEntry]:
    """List the models that are known by name, checkpoints aside.

    Returns
    -------
    dict of CatalogueEntry
        By name, in the order of the catalogue.
    """
    return dict(_content()[0])


def groups() -> dict[str, tuple[str, ...]]:
    """List the named groups of models.

    Returns
    -------
    dict of tuple of str
        Members by name of the group; ``NAME-training`` holds all checkpoints of a model, in order.
    """
    entries, named = _content()
    training = {
        f"{name}-training": tuple(f"{name}@step{step}" for step in entry.steps)
        for name, entry in entries.items()
        if entry.steps
    }
    return {**training, **named}


def expand_group(name: str) -> list[str] | None:
    """Name the members of a group.

    Parameters
    ----------
    name : str

    Returns
    -------
    list of str or None
        None where `name` is no group.
    """
    members = groups().get(name)
    return None if members is None else list(members)


def find_entry(name: str) -> CatalogueEntry | None:
    """Look a name up in the catalogue, checkpoints and static tables included.

    Parameters
    ----------
    name : str
        A catalogue name, or ``NAME@REVISION``.

    Returns
    -------
    CatalogueEntry or None
        None where it is not in the catalogue.

    Raises
    ------
    InputError
        Where the model is known but has no such checkpoint.
    """
    entries = _content()[0]
    base, at, revision = name.partition("@")
    if base not in entries:
        return None
    entry = entries[base]
    if not at:
        return entry
    step = int(revision[4:]) if re.fullmatch(r"step\d+", revision) else None
    if step in entry.steps and step is not None:
        return replace(
            entry,
            name=name,
            training_step=step,
            steps=(),
            folder=entry.step_folder.format(step=step) if entry.step_folder else entry.folder,
            revision=(entry.step_revision or revision).format(step=step) if entry.hub else None,
            ppl=None,
            hellaswag=None,
        )
    if entry.hub is not None and revision and step is None:
        return replace(entry, name=name, revision=revision, steps=(), ppl=None, hellaswag=None)
    known = ", ".join(f"step{number}" for number in _some(entry.steps))
    raise InputError(
        f"model {base!r} has no checkpoint {revision!r}; "
        + (f"it has {known}." if known else "it has none.")
    )


def _some(steps: tuple[int, ...]) -> list[int | str]:
    return list(steps) if len(steps) <= 8 else [*steps[:4], " ...", *steps[-3:]]


def find_model(name: str) -> CatalogueEntry:
    """Look a language model up by name.

    Parameters
    ----------
    name : str
        A catalogue name, a hub id (``organisation/name``), or either with ``@REVISION``.

    Returns
    -------
    CatalogueEntry
        Of a hub id that is not in the catalogue little more than the name is known.

    Raises
    ------
    InputError
        Where it is neither; names the nearest known ones.
    """
    entry = find_entry(name)
    if entry is not None:
        if entry.kind != "language model":
            raise InputError(
                f"{name!r} is a table of word vectors, not a language model; "
                "list it under static_embeddings in [baselines]."
            )
        return entry
    if _HUB_ID.fullmatch(name) and not name.startswith((".", "/")):
        hub, _, revision = name.partition("@")
        for known in _content()[0].values():
            if known.hub == hub and not revision:
                return known
            if known.hub == hub:
                found = find_entry(f"{known.name}@{revision}")
                assert found is not None
                return found
        step = re.fullmatch(r"step-?(\d+)", revision)
        return CatalogueEntry(
            name=name,
            hub=hub,
            revision=revision or None,
            training_step=int(step[1]) if step else None,
        )
    known_names = [*_content()[0], *groups()]
    near = difflib.get_close_matches(name.partition("@")[0], known_names, n=3, cutoff=0.5)
    hint = (
        f"did you mean {' or '.join(near)}?" if near else "`hemiscale models` lists what is known."
    )
    raise InputError(
        f"there is no model named {name!r}, and no folder, GGUF file or hub id of that form; {hint}"
    )
