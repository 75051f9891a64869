"""Read a study file: what is wrong with it is said in one sentence per problem."""

from __future__ import annotations

import difflib
import re
import tomllib
import typing
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from hemiscale.errors import InputError
from hemiscale.study.model import Study
from hemiscale.study.recordings import RECORDING_KINDS

__all__ = ["read_study"]

_EXPECTED = {
    "string_pattern_mismatch": "names are made of letters, digits and . _ @ - and begin with a "
    "letter or a digit",
    "string_type": "a text in quotation marks is expected",
    "bool_type": "true or false is expected",
    "int_type": "a whole number is expected",
    "float_type": "a valid number is expected",
    "list_type": "a list is expected",
    "tuple_type": "a list is expected",
    "model_type": "a table is expected",
    "dict_type": "a table is expected",
    "too_short": "the list is too short",
    "string_too_short": "it must not be empty",
    "string_too_long": "it is too long",
}


def read_study(path: str | Path) -> Study:
    """Read and validate a study file.

    Parameters
    ----------
    path : str or Path
        The TOML file.

    Returns
    -------
    Study
        Its `folder` is absolute.

    Raises
    ------
    InputError
        With one sentence for each problem: file, line, what was expected.
    """
    path = Path(path)
    try:
        source = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such study file.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; name the study's TOML file in it.") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise InputError(f"{path}, line {line}: not UTF-8 text; save the file as UTF-8.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    try:
        content = tomllib.loads(source)
    except ValueError as error:  # TOMLDecodeError, or a number of more than 4300 digits
        raise InputError(f"{path}: not valid TOML: {_first_lower(str(error))}.") from None
    except RecursionError:
        raise InputError(f"{path}: not a study file: brackets are nested too deep.") from None
    try:
        study = Study.model_validate(content)
    except ValidationError as error:
        raise InputError(*_sentences(path, source, error)) from None
    return study.model_copy(update={"folder": str((path.parent / study.folder).resolve())})


def _sentences(path: Path, source: str, error: ValidationError) -> list[str]:
    sentences = []
    for problem in error.errors(include_url=False):
        location, kind = _location(problem["loc"])
        where = _where(path, source, location)
        key = _dotted(location)
        if problem["type"] == "union_tag_invalid":
            known = list(RECORDING_KINDS)
            given = str(problem["ctx"]["tag"])
            near = difflib.get_close_matches(given, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}."
            where = _where(path, source, (*location, "kind"))
            sentences.append(f"{where}: there is no '{key}.kind' named {given!r}; {hint}")
        elif problem["type"] == "union_tag_not_found":
            sentences.append(f"{where}: {key!r} must be a table.")
        elif problem["type"] == "extra_forbidden":
            known = _known_keys(location, kind)
            near = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}."
            sentences.append(f"{where}: unknown key {key!r}; {hint}")
        elif problem["type"] == "missing":
            sentences.append(f"{where}: the key {key!r} is missing.")
        elif problem["type"] == "value_error":
            subject = f"{key!r} " if key else "the study "
            sentences.append(f"{where}: {subject}{problem['ctx']['error']}.")
        else:
            given = problem["input"]
            shown = repr(given) if not isinstance(given, (dict, list)) else "that"
            expected = _EXPECTED.get(problem["type"], _first_lower(problem["msg"]))
            sentences.append(f"{where}: {key!r} cannot be {shown[:80]}: {expected}.")
    return sentences


def _location(parts: tuple[Any, ...]) -> tuple[tuple[str | int, ...], str]:
    """Place in the file, and the kind of recordings, which pydantic puts into the place."""
    location = tuple(part for part in parts if isinstance(part, (str, int)))
    if len(location) > 1 and location[0] == "recordings" and location[1] in RECORDING_KINDS:
        return (location[0], *location[2:]), str(location[1])
    return location, ""


def _first_lower(message: str) -> str:
    return message[:1].lower() + message[1:].rstrip(".")


def _dotted(location: tuple[str | int, ...]) -> str:
    dotted = ""
    for part in location:
        dotted += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return dotted.lstrip(".")


def _known_keys(location: tuple[str | int, ...], kind: str) -> list[str]:
    """Keys that the table holding `location` may have."""
    model: Any = Study
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        if model is Study and part == "recordings":
            model = RECORDING_KINDS[kind]
        else:
            model = _table_type(model.model_fields[part].annotation)
    return list(model.model_fields)


def _table_type(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in typing.get_args(annotation):
        found = _table_type(inner)
        if found is not None:
            return found
    return None


def _where(path: Path, source: str, location: tuple[str | int, ...]) -> str:
    line = _line_of(source, location)
    return f"{path}, line {line}" if line else f"{path}"


def _line_of(source: str, location: tuple[str | int, ...]) -> int | None:
    """Line of a key, or of the table that should hold it (tomllib keeps no positions)."""
    best: tuple[int, int] | None = None  # (length of the part found, line)
    counts: dict[tuple[str, ...], int] = {}
    table: tuple[str | int, ...] = ()
    for number, line in enumerate(source.splitlines(), start=1):
        header = re.match(r"\s*(\[\[?)\s*([A-Za-z0-9_.\-\"' ]+?)\s*\]", line)
        assignment = re.match(r"\s*([A-Za-z0-9_\-\"'.]+)\s*=", line)
        if header:
            names = tuple(part.strip(" \"'") for part in header[2].split("."))
            table = names
            if header[1] == "[[":
                table = (*names, counts.get(names, 0))
                counts[names] = counts.get(names, 0) + 1
            here = table
        elif assignment:
            here = (*table, *(part.strip("\"'") for part in assignment[1].split(".")))
        else:
            continue
        if location[: len(here)] == here and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None
