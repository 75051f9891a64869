"""Region tables: text files with a row per scan and a column per region."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hemiscale.errors import InputError

__all__ = ["read_region_table"]


def read_region_table(path: str | Path, regions: Sequence[str]) -> np.ndarray:
    """Read the time courses of one subject in one run.

    Columns are separated by spaces, tabs, commas or semicolons. A first line of names is optional;
    where there is one, columns are taken by name and may be more than asked for.

    Parameters
    ----------
    path : str or Path
    regions : sequence of str
        Names of the regions wanted; without a line of names, those of all columns in order.

    Returns
    -------
    (n_scans, n_regions) float64 array
        In the units of the file.

    Raises
    ------
    InputError
        One sentence per problem, with the row as an editor counts it.
    """
    path = Path(path)
    lines = _lines(path)
    rows = [(number, _fields(line)) for number, line in enumerate(lines, start=1) if line.strip()]
    if not rows:
        raise InputError(f"{path}: is empty; expected a row per scan, a column per region.")
    columns = list(range(len(regions)))
    n_columns = len(regions)
    if _is_header(rows[0][1]):
        header = [name.strip("\"'") for name in rows.pop(0)[1]]
        missing = [name for name in regions if name not in header]
        if missing:
            raise InputError(
                f"{path}, row 1: no column named {', '.join(missing)}; "
                f"the columns are {', '.join(header)}."
            )
        columns = [header.index(name) for name in regions]
        n_columns = len(header)
    values = np.full((len(rows), n_columns), np.nan)
    problems: list[str] = []
    for k, (number, fields) in enumerate(rows):
        if len(fields) != n_columns:
            commas = len(fields) == 2 * n_columns and "," in lines[number - 1]
            hint = "; are these decimal commas? Write 1.5 instead of 1,5" if commas else ""
            problems.append(
                f"{path}, row {number}: {len(fields)} values where {n_columns} regions "
                f"are expected{hint}."
            )
            continue
        for column, field in enumerate(fields):
            try:
                values[k, column] = float(field)
            except ValueError:
                problems.append(f"{path}, row {number}: {field[:40]!r} is not a number.")
    if not rows:
        problems.append(f"{path}: has a line of names but no scans.")
    if not problems:
        problems = _content_problems(path, rows, values[:, columns], regions)
    if problems:
        raise InputError(*_shortened(problems, path))
    return values[:, columns]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such region table.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not a text file; expected a table of numbers.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None


def _fields(line: str) -> list[str]:
    return [field for field in re.split(r"[,;]\s*|\s+", line.strip()) if field]


def _is_header(fields: list[str]) -> bool:
    def is_number(field: str) -> bool:
        try:
            float(field)
        except ValueError:
            return False
        return True

    return not any(is_number(field) for field in fields)


def _content_problems(
    path: Path, rows: list[tuple[int, list[str]]], values: np.ndarray, regions: Sequence[str]
) -> list[str]:
    problems = []
    for k, column in np.argwhere(~np.isfinite(values)):
        problems.append(
            f"{path}, row {rows[k][0]}: region {regions[column]} is {values[k, column]}, "
            "not a finite number."
        )
    if problems:
        return problems
    constant = np.ptp(values, axis=0) == 0
    if constant.all():
        what = "zero" if not values.any() else "constant"
        return [f"{path}: all values are {what}; leave this recording out (list it as excluded)."]
    return [
        f"{path}: region {name} never changes; leave the region or the recording out."
        for name in np.asarray(regions)[constant]
    ]


def _shortened(problems: list[str], path: Path, most: int = 10) -> list[str]:
    if len(problems) <= most:
        return problems
    return [*problems[:most], f"{path}: and {len(problems) - most} more problems like these."]
