"""Write a study as TOML, every default filled in."""

from __future__ import annotations

from typing import Any

from hemiscale.study.model import Study

__all__ = ["study_toml"]


def study_toml(study: Study, *, versions: dict[str, str] | None = None) -> str:
    """Write a study with every default filled in, as TOML.

    Parameters
    ----------
    study : Study
    versions : dict, optional
        Versions of the software, written into a leading comment.

    Returns
    -------
    str
        TOML that `read_study` reads back to an equal study.
    """
    comment = "".join(f"# {name} {version}\n" for name, version in (versions or {}).items())
    return comment + "\n".join(_toml_lines(study.model_dump(exclude_none=True), ())) + "\n"


def _toml_lines(table: dict[str, Any], prefix: tuple[str, ...]) -> list[str]:
    lines, tables = [], []
    for key, value in table.items():
        if isinstance(value, dict):
            tables.append((f"[{'.'.join((*prefix, key))}]", value, (*prefix, key)))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            header = f"[[{'.'.join((*prefix, key))}]]"
            tables += [(header, item, (*prefix, key)) for item in value]
        else:
            lines.append(f"{key} = {_toml_value(value)}")
    for header, inner, inner_prefix in tables:
        lines += ["", header, *_toml_lines(inner, inner_prefix)]
    return lines


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    # A TOML basic string: escape the backslash, the quote and all control characters.
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    escaped = "".join(
        escapes.get(c, f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else c) for c in value
    )
    return f'"{escaped}"'
