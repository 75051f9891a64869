"""The catalogue in words and tables: all models, those of a group, or what is known of one."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from hemiscale.errors import InputError
from hemiscale.models.entries import CatalogueEntry, catalogue, find_model, groups
from hemiscale.models.sources import availability

__all__ = ["ModelRow", "describe_groups", "describe_model", "list_models"]

_FACTS = {
    "size": "parameters, layers, width",
    "context": "context",
    "licence": "licence",
    "gated": "gated",
    "steps": "checkpoints",
    "files": "size of the files",
}


@dataclass(frozen=True)
class ModelRow:
    """One line of the list.

    Attributes
    ----------
    entry : CatalogueEntry
    here : bool
        Whether it can be loaded without a download.
    """

    entry: CatalogueEntry
    here: bool


def list_models(which: str | None = None) -> list[ModelRow]:
    """List models of the catalogue.

    Parameters
    ----------
    which : str, optional
        A group, a family, a language ("en", "fr", "zh") or a model; default: all.

    Returns
    -------
    list of ModelRow
        In the order of the catalogue, or of the group.

    Raises
    ------
    InputError
        Where there is no such thing; names the nearest ones.
    """
    entries = list(catalogue().values())
    if which is not None:
        entries = _chosen(which, entries)
    return [ModelRow(entry, availability(entry.name) is None) for entry in entries]


def _chosen(which: str, entries: list[CatalogueEntry]) -> list[CatalogueEntry]:
    members = groups().get(which)
    if members is not None:
        return [find_model(name) for name in members]
    wanted = which.casefold()
    found = [
        entry
        for entry in entries
        if wanted in (entry.name, entry.family.casefold(), *entry.language.split(", "))
    ]
    if found:
        return found
    if "@" in which or "/" in which:
        return [find_model(which)]
    known = [*groups(), *catalogue(), *dict.fromkeys(entry.family for entry in entries)]
    near = difflib.get_close_matches(which, known, n=3, cutoff=0.5)
    raise InputError(
        f"the catalogue has no model, group, family or language {which!r}; "
        + (
            f"did you mean {' or '.join(near)}?"
            if near
            else "`hemiscale models` lists what it has."
        )
    )


def describe_groups() -> list[tuple[str, int, str]]:
    """List the named groups.

    Returns
    -------
    list of (name, number of members, first and last member)
    """
    return [
        (name, len(members), f"{members[0]} ... {members[-1]}")
        for name, members in sorted(groups().items())
    ]


def describe_model(entry: CatalogueEntry) -> list[tuple[str, str]]:
    """Put what is known of one model into lines.

    Parameters
    ----------
    entry : CatalogueEntry

    Returns
    -------
    list of (what, value)
        Last, against what each fact was checked, and what was not.
    """
    where = entry.hub or entry.package or (entry.folder and "inside hemiscale") or ""
    if entry.hub and entry.revision:
        where = f"https://huggingface.co/{entry.hub}, revision {entry.revision}"
    steps = entry.steps
    lines = [
        ("family", entry.family),
        ("language", entry.language),
        ("parameters", f"{entry.n_parameters:,}" if entry.n_parameters else ""),
        ("layers", str(entry.n_layers or "")),
        ("width", str(entry.width or "")),
        ("context", f"{entry.context:,} tokens" if entry.context else ""),
        ("licence", entry.licence),
        ("gated", "yes" if entry.gated else ("no" if entry.hub else "")),
        ("where", where),
        ("checkpoints", f"{len(steps)}, step{steps[0]} to step{steps[-1]}" if steps else ""),
        ("perplexity, published", "" if entry.ppl is None else f"{entry.ppl:g}"),
        ("HellaSwag, published", "" if entry.hellaswag is None else f"{entry.hellaswag:g} %"),
        ("groups", ", ".join(name for name, members in groups().items() if entry.name in members)),
    ]
    lines = [(what, value) for what, value in lines if value]
    lines += [(f"checked: {_FACTS[fact]}", against) for fact, against in entry.checked.items()]
    stated = {"size", "context", "licence"} | ({"gated"} if entry.hub else set())
    stated |= {"steps"} if steps else set()
    missing = [_FACTS[fact] for fact in _FACTS if fact in stated - set(entry.checked)]
    if missing:
        lines.append(("not checked", ", ".join(missing)))
    return lines
