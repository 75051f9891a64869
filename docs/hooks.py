"""What the site needs beyond Markdown: formulas as MathML, and pages that may not be there yet."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert

_KEYS = "<!-- keys of study files -->"
_ROOM = re.compile(r"<!-- public names of ([a-z_.]+) -->")
_CODE = re.compile(r"(```.*?```|~~~.*?~~~|`[^`\n]*`)", re.DOTALL)
_DISPLAY = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
_INLINE = re.compile(r"(?<![\\$\w])\$([^$\n]+?)\$(?![\w$])")
_OUTSIDE = re.compile(r"\]\(\.\./((?!docs/)[A-Za-z][^)#\s]*)(#[^)]*)?\)")


def on_config(config: Any) -> Any:
    """Leave out of the navigation what has not been written yet."""
    docs = Path(config["docs_dir"])
    config["nav"] = _present(config["nav"], docs)
    return config


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn formulas into MathML, which browsers draw without any script."""
    markdown = markdown.replace(_KEYS, _study_keys() if _KEYS in markdown else "")
    markdown = _ROOM.sub(lambda m: _public_names(m[1]), markdown)
    parts = _CODE.split(markdown)
    return "".join(part if k % 2 else _formulas(part, page) for k, part in enumerate(parts))


def _formulas(text: str, page: Any) -> str:
    text = _DISPLAY.sub(lambda m: convert(m[1].strip(), display="block"), text)
    # In a span, so that a formula at the start of a line is no block of its own.
    text = _INLINE.sub(lambda m: f"<span>{convert(m[1].strip())}</span>", text)
    if "/" not in page.file.src_uri:
        # Files of the repository that are no pages: named, not linked.
        text = _OUTSIDE.sub(lambda m: f"] (`{m[1]}`)", text)
    return text


def _public_names(room: str) -> str:
    """Ask for the reference of every public function and class of a room."""
    module = import_module(room)
    lines = []
    for name in module.__all__:
        found = getattr(module, name)
        if inspect.isclass(found) or inspect.isfunction(found):
            lines += [f"::: {found.__module__}.{name}", ""]
    return "\n".join(lines)


def _study_keys() -> str:
    """Write a table of keys for each table of a study file."""
    from typing import get_args

    from pydantic import BaseModel

    from hemiscale.study import model, recordings
    from hemiscale.study.cluster import Cluster

    tables: list[tuple[str, Any]] = [
        ("At the top", model.Study),
        ("`[stimulus]`", model.Stimulus),
        ('`[recordings]`, kind = "regions"', recordings.RegionTables),
        ("`[[recordings.regions]]`", recordings.Region),
        ('`[recordings]`, kind = "bids"', recordings.BidsRecordings),
        ('`[recordings]`, kind = "volumes"', recordings.VolumeFiles),
        ('`[recordings]`, kind = "surface"', recordings.SurfaceFiles),
        ("`[[recordings.excluded]]`", recordings.Excluded),
        ("`[recordings.motion]`", recordings.Motion),
        ("`[design]`", model.Design),
        ("`[encoding]`", model.Encoding),
        ("`[activations]`", model.ActivationOptions),
        ("`[[models]]`", model.ModelChoice),
        ("`[baselines]`", model.Baselines),
        ("`random_vectors`, `random_embeddings`", model.Random),
        ("`[cluster]`", Cluster),
    ]
    listed = {table for _, table in tables}
    for name, field in model.Study.model_fields.items():
        for part in (field.annotation, *get_args(field.annotation)):
            if inspect.isclass(part) and issubclass(part, BaseModel) and part not in listed:
                tables.append((f"`[{name}]`", part))
    lines = []
    for heading, table in tables:
        about = (table.__doc__ or "").strip().split("\n")[0]
        lines += [f"## {heading}", "", about, "", "| key | default | meaning |", "|---|---|---|"]
        for name, field in table.model_fields.items():
            lines.append(f"| `{name}` | {_default(field)} | {_meaning(field)} |")
        lines.append("")
    return "\n".join(lines)


def _default(field: Any) -> str:
    from pydantic import BaseModel
    from pydantic_core import PydanticUndefined

    if field.default is PydanticUndefined:
        return "needed" if field.is_required() else ""
    if field.default is None or isinstance(field.default, BaseModel):
        return ""
    value = field.default
    shown = str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
    return f"`{shown}`"


def _meaning(field: Any) -> str:
    from typing import Literal, get_args, get_origin

    choices = []
    for part in (field.annotation, *get_args(field.annotation)):
        if get_origin(part) is Literal:
            choices += [f"`{choice}`" for choice in get_args(part)]
    text = (field.description or "").replace("|", "\\|")
    return "; ".join(part for part in (text, " or ".join(choices)) if part)


def _present(nav: list[Any], docs: Path) -> list[Any]:
    kept = []
    for entry in nav:
        ((name, value),) = entry.items()
        if isinstance(value, list):
            inner = _present(value, docs)
            if inner:
                kept.append({name: inner})
        elif (docs / value).is_file():
            kept.append(entry)
    return kept
