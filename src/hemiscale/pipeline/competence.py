"""Properties of models that the user adds as columns: HellaSwag, BLiMP, anything."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from pathlib import Path

from hemiscale.analysis.dictionary import COLUMNS
from hemiscale.errors import InputError
from hemiscale.study import Study

__all__ = ["read_cells", "read_competence"]


def read_competence(study: Study, models: Iterable[str]) -> dict[str, dict[str, float]]:
    """Read the table that ``[competence]`` names.

    Parameters
    ----------
    study : Study
    models : iterable of str
        Names of the study's feature sets.

    Returns
    -------
    dict
        ``{column: {model: value}}``; empty where the study names no table. Models without a row,
        and empty cells, have no value. Rows of other models are passed over.

    Raises
    ------
    InputError
        Where the table has no column ``model`` or no other one, a column is called like one that
        ``models.tsv`` has, a value is no number, a model stands twice, or no model is the study's.
    """
    if study.competence is None:
        return {}
    path = Path(study.folder) / study.competence.table
    rows, _ = read_cells(path)
    names = rows[0] if rows else []
    if "model" not in names or len(names) < 2:
        raise InputError(f"{path}, row 1: expected a column 'model' and columns of numbers.")
    at = names.index("model")
    columns: dict[str, dict[str, float]] = {name: {} for name in names if name != "model"}
    taken = sorted(set(columns) & set(COLUMNS["models.tsv"]))
    problems = [f"{path}: {name!r} is a column of models.tsv; rename it." for name in taken]
    if len(columns) < len(names) - 1 or "" in columns:
        problems.append(f"{path}, row 1: columns need names, each another one.")
    known, met = set(models), set[str]()
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(names):
            problems.append(f"{path}, row {number}: has {len(row)} cells, not {len(names)}.")
            continue
        model = row[at].strip()
        if model in met:
            problems.append(f"{path}, row {number}: the model {model!r} stands twice.")
        met.add(model)
        for name, cell in zip(names, row, strict=True):
            if name == "model" or not cell.strip():
                continue
            value = _number(cell)
            if value is None:
                problems.append(
                    f"{path}, row {number}: the {name} {cell.strip()!r} of {model!r} is not a "
                    "number; leave the cell empty where it is not known."
                )
            elif model in known:
                columns[name][model] = value
    if not problems and not met & known:
        problems.append(
            f"{path}: none of its models is one of the study's ({', '.join(sorted(known)[:8])})."
        )
    if problems:
        raise InputError(*problems)
    return columns


def read_cells(path: Path) -> tuple[list[list[str]], str]:
    """Read the cells of a table of competence.

    Parameters
    ----------
    path : Path

    Returns
    -------
    rows : list of list of str
        The first one holds the names of the columns.
    delimiter : str

    Raises
    ------
    InputError
        Where it is not there, or no UTF-8 text.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(
            f"{path}: cannot be read: there is no such table; `hemiscale competence` makes one."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as a UTF-8 table ({error}).") from None
    lines = content.splitlines()
    delimiter = max("\t;,", key=(lines[0] if lines else "").count)
    rows = list(csv.reader(lines, delimiter=delimiter))
    return [[name.strip() for name in rows[0]], *rows[1:]] if rows else [], delimiter


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
