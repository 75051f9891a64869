"""The tables of a comparison: every model in every study, and every law."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from functools import reduce
from typing import Any

from hemiscale.report import numbers
from hemiscale.report.compared import RESPONSES, ComparedStudy
from hemiscale.report.tables import Cell, Row, Table
from hemiscale.report.tidy import KIND_ORDER

__all__ = ["laws_table", "models_table"]

_SCORE = ("score", "low", "high")
_DIFFERENCE = ("left_minus_right", "left_minus_right_low", "left_minus_right_high")


def models_table(sides: Sequence[ComparedStudy]) -> Table:
    """List every model of any study, scores and left minus right of all studies beside each other.

    Parameters
    ----------
    sides : sequence of ComparedStudy

    Returns
    -------
    Table
        Of two studies, with the second's score minus the first's.
    """
    keys = ["label", "kind"]
    parts = []
    for k, side in enumerate(sides):
        part = side.rows[[*keys, "family", *_SCORE, *_DIFFERENCE]]
        numbered = {name: f"{name}_{k}" for name in part.columns if name not in keys}
        parts.append(part.rename(columns=numbered))
    merged = reduce(lambda a, b: a.merge(b, on=keys, how="outer"), parts)
    two = len(sides) == 2
    columns = [("model", False), ("kind", False)]
    columns += [(f"score, {side.name}", True) for side in sides]
    columns += [("second minus first", True)] if two else []
    columns += [(f"left − right, {side.name}", True) for side in sides]
    rank = {kind: k for k, kind in enumerate(KIND_ORDER)}
    merged = merged.assign(rank=merged["kind"].map(rank).fillna(len(rank)))
    by = [f"score_{k}" for k in reversed(range(len(sides)))]
    merged = merged.sort_values(["rank", *by, "label"], kind="stable")
    each = range(len(sides))
    rows = []
    for record in merged.to_dict("records"):
        families = [record[f"family_{k}"] for k in each]
        label, kind = str(record["label"]), str(record["kind"])
        cells = [Cell(label, label.lower()), Cell(kind, kind)]
        cells += [_estimate(record, _SCORE, k) for k in each]
        if two:
            change = float(record["score_1"]) - float(record["score_0"])
            known = math.isfinite(change)
            text = numbers.score(change, sign=True)
            cells.append(Cell(text, change) if known else Cell(numbers.NOTHING))
        cells += [_estimate(record, _DIFFERENCE, k, sign=True) for k in each]
        family = next((f for f in families if isinstance(f, str) and f), "")
        rows.append(Row(cells, kind, family))
    over = ", ".join(f"{side.name} over {side.over}" for side in sides)
    return Table(
        "models",
        f"Every model of any study. Intervals: 95 %, {over}. Models are matched by name and kind.",
        columns,
        rows,
    )


def laws_table(sides: Sequence[ComparedStudy]) -> Table:
    """List the laws of score and of left minus right, study by study.

    Parameters
    ----------
    sides : sequence of ComparedStudy

    Returns
    -------
    Table
    """
    ten = math.log(10)
    rows = []
    for name, title in RESPONSES.items():
        for side in sides:
            law = side.laws[name]
            if law is None or law.get("slope") is None:
                continue
            slope = float(law["slope"]) * ten
            rows.append(
                Row(
                    [
                        Cell(title, name),
                        Cell(side.name, side.name),
                        Cell(str(law.get("n_models", "")), float(law.get("n_models") or 0)),
                        Cell(
                            numbers.score(slope, sign=True, digits=4),
                            slope,
                            _ends(law, "slope_low", "slope_high"),
                        ),
                        Cell(_ends(law, "over_families_low", "over_families_high")),
                        Cell(numbers.score(law.get("r"), digits=2), law.get("r")),
                        Cell(
                            numbers.parameters(law.get("zero_crossing")), law.get("zero_crossing")
                        ),
                    ]
                )
            )
    columns = [("response", False), ("study", False), ("models", True)]
    columns += [("slope per tenfold of parameters", True), ("over families", True), ("r", True)]
    columns += [("crosses zero at", True)]
    return Table(
        "laws",
        "Least squares against log parameters over trained models; in brackets the 95 % interval "
        "over models counted as independent, and over families where there are enough of them.",
        columns,
        rows,
    )


def _ends(law: Mapping[str, Any], low: str, high: str) -> str:
    ends = law.get(low), law.get(high)
    if None in ends:
        return ""
    ten = math.log(10)
    return numbers.bounds(*(float(end) * ten for end in ends if end is not None), sign=True)


def _estimate(
    record: dict[Hashable, Any], names: tuple[str, str, str], side: int, *, sign: bool = False
) -> Cell:
    value, low, high = (float(record[f"{name}_{side}"]) for name in names)
    if not math.isfinite(value):
        return Cell(numbers.NOTHING)
    return Cell(numbers.score(value, sign=sign), value, numbers.bounds(low, high, sign=sign))
