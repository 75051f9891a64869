"""The catalogue: what is known of language models by name. The data are in catalogue.toml."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

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
    parts, sha256 : tuple of str, str or None
        Where the file comes in several packages: their import names, and the digest of the whole.
    requirements : tuple of str
        What to install for it.
    training_step : int or None
        Of a checkpoint.
    training : tuple of int
        Steps of the checkpoints in the group ``NAME-training``.
    first_steps, every, last_step : tuple of int, int, int
        Which checkpoints there are, as ``NAME@stepN``: `training`, `first_steps`, every `every`
        steps, and the last one.
    step_folder, step_revision : str or None
        Where they are; ``{step}`` stands for the number, ``{billions}`` for the tokens read.
    last_revision : str or None
        Where the checkpoint of `last_step` is, if it is elsewhere.
    tokens_per_step : int
    stored_bytes : float
        Bytes per parameter in the files at the hub.
    ppl, hellaswag : float or None
        As published by Bonnasse-Gahot & Pallier (2024): perplexity per token on WikiText-2, and
        accuracy in percent.
    checked : dict of str
        By fact ("size", "context", "licence", "gated", "steps", "files"): against what it was
        checked. The others were written down from memory.
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
    parts: tuple[str, ...] = ()
    sha256: str | None = None
    requirements: tuple[str, ...] = ()
    training_step: int | None = None
    training: tuple[int, ...] = ()
    first_steps: tuple[int, ...] = ()
    every: int = 0
    last_step: int = 0
    tokens_per_step: int = 0
    step_folder: str | None = None
    step_revision: str | None = None
    last_revision: str | None = None
    stored_bytes: float = 2.0
    ppl: float | None = None
    hellaswag: float | None = None
    checked: Mapping[str, str] = field(default_factory=dict)

    @property
    def steps(self) -> tuple[int, ...]:
        """Training steps whose checkpoints can be had, in order."""
        steps = {*self.training, *self.first_steps}
        if self.every:
            steps |= {*range(self.every, self.last_step + 1, self.every), self.last_step}
        return tuple(sorted(steps))

    def at(self, revision: str) -> CatalogueEntry:
        """Give the entry of a checkpoint or another revision.

        Parameters
        ----------
        revision : str
            ``stepN``, or what the hub calls a revision.

        Returns
        -------
        CatalogueEntry

        Raises
        ------
        InputError
            Where there is no such checkpoint.
        """
        changes: dict[str, Any] = {
            "name": f"{self.name}@{revision}",
            "ppl": None,
            "hellaswag": None,
        }
        number = re.fullmatch(r"step(\d+)", revision)
        if number and int(number[1]) in self.steps:
            step = int(number[1])
            billions = math.ceil(step * self.tokens_per_step / 1e9)
            where = {"step": step, "billions": billions}
            last = self.last_revision if step == self.last_step else None
            stored = self.step_revision.format(**where) if self.step_revision else None
            return replace(
                self,
                **changes,
                **_NO_STEPS,
                training_step=step,
                folder=self.step_folder.format(**where) if self.step_folder else self.folder,
                revision=last or stored,
            )
        if self.hub is not None and revision and not number:
            return replace(self, **changes, **_NO_STEPS, revision=revision)
        known = ", ".join(f"step{step}" if isinstance(step, int) else step for step in _some(self))
        raise InputError(
            f"model {self.name!r} has no checkpoint {revision!r}; "
            + (f"it has {known}." if known else "it has none.")
        )


_NO_STEPS: dict[str, Any] = {"training": (), "first_steps": (), "every": 0, "last_step": 0}


def _some(entry: CatalogueEntry) -> list[int | str]:
    steps = entry.steps
    return list(steps) if len(steps) <= 12 else [*steps[:4], "...", *steps[-3:]]


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
        Members by name of the group; ``NAME-training`` holds checkpoints along
        a model's training, in order.
    """
    entries, named = _content()
    training = {
        f"{name}-training": tuple(f"{name}@step{step}" for step in entry.training)
        for name, entry in entries.items()
        if entry.training
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
    return entries[base].at(revision) if at else entries[base]


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
            if known.hub == hub:
                return known.at(revision) if revision else known
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
