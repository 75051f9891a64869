"""What the site needs beyond Markdown: formulas as MathML, and pages that may not be there yet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert

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
