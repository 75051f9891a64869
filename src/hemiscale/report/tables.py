"""The tables of the page: cells with a text to read and a value to sort by."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.report import numbers
from hemiscale.report.limits import recorded_parts
from hemiscale.report.load import Results
from hemiscale.report.tidy import readable_name
from hemiscale.report.voxel_regions import selection_names

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Cell", "Row", "Table", "plan_tables", "small_table"]

# Longer data are in the files beside the page.
_MOST_ROWS = 250


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes
    ----------
    text : str
        What people read.
    value : float, str or None
        What the column is sorted by; None sorts last.
    note : str
        Small print after the text: mostly an interval.
    """

    text: str
    value: float | str | None = None
    note: str = ""

    @property
    def key(self) -> str:
        """The value as the page's script reads it."""
        if isinstance(self.value, float):
            return repr(self.value) if math.isfinite(self.value) else ""
        return "" if self.value is None else str(self.value)


@dataclass(frozen=True)
class Row:
    """One row, and what the page filters it by."""

    cells: list[Cell]
    kind: str = ""
    family: str = ""


@dataclass(frozen=True)
class Table:
    """A sortable table.

    Attributes
    ----------
    name : str
    caption : str
    closed : str
        Where not empty, the table is folded away under this heading.
    columns : list of (str, bool)
        Heading, and whether the column holds numbers.
    rows : list of Row
    more : int
        Rows left out.
    """

    name: str
    caption: str
    columns: list[tuple[str, bool]]
    rows: list[Row] = field(default_factory=list)
    more: int = 0
    closed: str = ""


def plan_tables(results: Results) -> dict[str, Table]:
    """Make the tables of the page, by name.

    Parameters
    ----------
    results : Results

    Returns
    -------
    dict of Table
    """
    return {
        "models": _models(results),
        "laws": _laws(results),
        "asymmetry": _asymmetry(results),
    }


def small_table(name: str, rows: pd.DataFrame) -> Table:
    """Show a frame as it is, numbers rounded to three significant digits.

    Parameters
    ----------
    name : str
    rows : DataFrame

    Returns
    -------
    Table
    """
    shown = rows.head(_MOST_ROWS)
    columns = [
        (str(column).replace("_", " "), bool(np.issubdtype(dtype, np.number)))
        for column, dtype in ((c, _numpy_type(shown[c])) for c in shown.columns)
    ]
    body = []
    for record in shown.to_dict("records"):
        cells = []
        for (_, numeric), value in zip(columns, record.values(), strict=True):
            cells.append(_number(value) if numeric else Cell(str(value), str(value)))
        kind, family = str(record.get("kind", "")), str(record.get("family", ""))
        body.append(Row(cells, kind, family))
    return Table(name, "", columns, body, more=len(rows) - len(shown))


def _numpy_type(column: pd.Series[Any]) -> Any:
    return column.dtype if isinstance(column.dtype, np.dtype) else np.dtype(object)


def _number(value: Any) -> Cell:
    number = float(value)
    if not math.isfinite(number):
        return Cell(numbers.NOTHING)
    if number == int(number) and abs(number) < 1e15:
        return Cell(numbers.count(number), number)
    return Cell(f"{number:.3g}".replace("-", numbers.MINUS), number)


def _estimate(value: Any, low: Any, high: Any, *, sign: bool = False) -> Cell:
    if value is None or not math.isfinite(value):
        return Cell(numbers.NOTHING)
    low = math.nan if low is None else low
    high = math.nan if high is None else high
    return Cell(numbers.score(value, sign=sign), float(value), numbers.bounds(low, high, sign=sign))


def _models(results: Results) -> Table:
    """List every group: what it is and what it scores, listeners and average subject."""
    who = [("", "listeners")] if results.has_listeners else []
    who += [("average_", "average")] if results.has_average else []
    columns = [("model", False)]
    columns += [(f"score, {name}", True) for _, name in who]
    columns += [("bits / byte", True), ("parameters", True), ("kind", False), ("family", False)]
    columns += [("layers", True), ("width", True), ("typical layer", True), ("seeds", True)]
    columns += [(f"best layer by test, {name}", True) for _, name in who]
    groups = results.groups.sort_values(
        "score" if results.has_listeners else "average_score", ascending=False, kind="stable"
    )
    rows = []
    for record in groups.to_dict("records"):
        kind, family = record["kind"], record["family"]
        label = readable_name(record["group"], kind, int(record["width"]))
        bits = float(record["bits_per_byte"])
        has_size = record["parameters"] > 0
        nothing = Cell(numbers.NOTHING)
        layer = record["typical_layer"]
        cells = [
            Cell(label, label.lower()),
            *(
                _estimate(*(record[f"{prefix}score{end}"] for end in ("", "_low", "_high")))
                for prefix, _ in who
            ),
            Cell(f"{bits:.2f}", bits) if math.isfinite(bits) else nothing,
            Cell(numbers.parameters(record["parameters"]), float(record["parameters"]))
            if has_size
            else nothing,
            Cell(kind, kind),
            _words(family),
            _number(record["layers"]) if has_size else nothing,
            _number(record["width"]),
            _number(layer) if has_size and layer >= 0 else nothing,
            _number(record["n_models"]),
            *(_estimate(record[f"{prefix}score_test_selected"], None, None) for prefix, _ in who),
        ]
        rows.append(Row(cells, kind, family))
    parts = recorded_parts(results)
    one = "over listeners" if results.listeners_over == "listeners" else f"over {parts}"
    over = " and ".join(
        one if name == "listeners" else f"over {parts} for the average subject" for _, name in who
    )
    return Table(
        "models",
        "Every model and baseline, seeds of a baseline averaged. Score: mean over "
        f"{'voxels' if results.voxelwise else 'regions'}, layer chosen on validation scans; in "
        f"brackets the 95 % interval {over}. “Best layer by test” "
        "is the published way of choosing, shown for comparison only: it is inflated.",
        columns,
        rows,
    )


def _laws(results: Results) -> Table:
    columns = [("response", False), ("subjects", False), ("predictor", False), ("models", False)]
    columns += [("n", True), ("slope", True), ("slope over listeners", True), ("r", True)]
    columns += [("p", True), ("favoured", False)]
    rows = []
    laws = _shown_laws(results)
    for law in laws:
        log = law.get("predictor") == "log parameters"
        factor = math.log(10) if log else 1.0
        p = law.get("p")
        rows.append(
            Row(
                [
                    _words(_response(law)),
                    _words(law.get("subjects", "")),
                    _words("parameters" if log else law.get("predictor", "")),
                    _words(law.get("model_set", "all trained models")),
                    _number(law.get("n_models") or math.nan),
                    _scaled(law, "slope", factor),
                    _scaled(law, "slope_over_listeners", factor),
                    _estimate(law.get("r"), law.get("r_low"), law.get("r_high"), sign=True),
                    Cell(numbers.NOTHING) if p is None else Cell(_p_value(p), float(p)),
                    _words(law.get("favoured", "")),
                ]
            )
        )
    return Table(
        "laws",
        "Every law of the study: least squares over trained models. Slope: change of r per tenfold "
        "of parameters, or per bit per byte, with its 95 % interval over models counted as "
        "independent. Slope over listeners: mean of each listener's own slope with its 95 % "
        "interval over listeners, these models taken as given. p: two-sided, over models.",
        columns,
        rows,
        closed=f"{len(rows)} laws; {len(results.laws) - len(rows)} more are in tables/laws.json"
        if len(results.laws) > len(rows)
        else f"All {len(rows)} laws",
    )


def _shown_laws(results: Results) -> list[dict[str, Any]]:
    """Leave to the file: partial laws, parcels and, of very many, laws of single families."""
    plain = [law for law in results.laws if not law.get("held_constant")]
    if results.voxelwise:
        names = selection_names(results)
        plain = [
            law | {"selection": names[law["selection"]]}
            for law in plain
            if law.get("selection") in names
        ]
    if len(plain) <= _MOST_ROWS:
        return plain
    whole = [law for law in plain if law.get("model_set") == "all trained models"]
    return whole[:_MOST_ROWS]


def _response(law: dict[str, Any]) -> str:
    name = str(law.get("response", "")).replace("_", " ")
    selection = str(law.get("selection", "all"))
    return name if selection == "all" else f"{name}, {selection}"


def _scaled(law: dict[str, Any], name: str, factor: float) -> Cell:
    values = [law.get(name + end) for end in ("", "_low", "_high")]
    scaled = [None if v is None else v * factor for v in values]
    return _estimate(*scaled, sign=True)


def _p_value(p: float) -> str:
    return f"{p:.3f}" if p >= 0.001 else f"{p:.0e}".replace("-", numbers.MINUS)


def _words(text: Any) -> Cell:
    return Cell(str(text) or numbers.NOTHING, str(text) or None)


def _asymmetry(results: Results) -> Table:
    """List pairs for both kinds of subjects; baselines of several seeds are left out."""
    columns = [("model", False), ("kind", False), ("pair", False), ("subjects", False)]
    columns += [
        ("left", True),
        ("right", True),
        ("left minus right", True),
        ("interval over", False),
    ]
    what = results.models.set_index("model")
    single = ~what["group"].duplicated(keep=False)
    rows = []
    table = results.asymmetry
    if len(table):
        table = table[table["layer_choice"] == "validation"]
    if len(table) and results.voxelwise:
        names = selection_names(results)
        table = table[table["pair"].isin(names)]
        table = table.assign(pair=table["pair"].map(names))
    for record in table.to_dict("records"):
        name = record["model"]
        if name not in what.index or not single[name]:
            continue
        kind, family = str(what.loc[name, "kind"]), str(what.loc[name, "family"])
        label = readable_name(str(what.loc[name, "group"]), kind, int(what.loc[name, "width"]))
        rows.append(
            Row(
                [
                    Cell(label, label.lower()),
                    Cell(kind, kind),
                    _words(record["pair"]),
                    _words(record["subjects"]),
                    _estimate(record["left"], None, None),
                    _estimate(record["right"], None, None),
                    _estimate(record["left_minus_right"], record["low"], record["high"], sign=True),
                    _words(f"{record['n']} {record['interval_over']}"),
                ],
                kind,
                family,
            )
        )
    return Table(
        "asymmetry",
        "Left, right and their paired difference with its 95 % interval, layer chosen on "
        "validation scans. Baselines with several seeds are in the figure above.",
        columns,
        rows[:_MOST_ROWS],
        more=max(0, len(rows) - _MOST_ROWS),
        closed=f"{numbers.count(len(rows))} differences, listeners and average subject",
    )
