"""How a model's scores grow while it is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hemiscale.report import numbers
from hemiscale.report.figures.points import draw_estimate, point_look, told, used_panels
from hemiscale.report.figures.style import (
    COLOURS,
    DOUBLE_COLUMN,
    family_styles,
    figure_style,
    is_narrow,
    mark,
    needed,
    panels,
)
from hemiscale.report.frames import each_row

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["training_trajectory"]


class _Panel(NamedTuple):
    value: str
    interval: tuple[str, str]
    title: str
    unit: str


_PANELS = (
    _Panel("score", ("low", "high"), "brain score", "brain score (r)"),
    _Panel(
        "left_minus_right",
        ("left_minus_right_low", "left_minus_right_high"),
        "left minus right",
        "difference of scores (r)",
    ),
    _Panel("bits_per_byte", ("", ""), "bits per byte", "bits per byte of the story"),
)


def training_trajectory(
    table: pd.DataFrame,
    *,
    width: float = DOUBLE_COLUMN,
    over: str = "listeners",
    families: Sequence[str] = (),
) -> Figure:
    """Draw score, left minus right, and bits per byte of checkpoints against the training step.

    The untrained twin stands at step 0 and the finished model at the right; steps between them are
    on a logarithmic axis.

    Parameters
    ----------
    table : DataFrame
        ``trajectory, label, kind, family, training_step, score, low, high, bits_per_byte``; with
        ``left_minus_right`` and its ``_low`` and ``_high`` where there are homologous pairs.
        `kind` tells the untrained start and the trained end, whose steps are not looked at.
    width : float
        Inches.
    over : str
        What the intervals are over.
    families : sequence of str
        All families of the study, so that each has its colour on every figure.

    Returns
    -------
    Figure
    """
    needed(table, "trajectory", "label", "kind", "family", "training_step", "score")
    needed(table[table["kind"] == "checkpoint"], "training_step")
    shown = [
        panel for panel in _PANELS if panel.value in table and table[panel.value].notna().any()
    ]
    with figure_style():
        rows, columns = (len(shown), 1) if is_narrow(width) else (1, len(shown))
        figure, grid = panels(width, 2.4 * rows + 0.2, rows, columns)
        table = table.assign(position=_positions(table))
        styles = family_styles([*table["family"], *families])
        for panel, ax in used_panels(grid, shown):
            for name in dict.fromkeys(table["trajectory"]):
                part = table[table["trajectory"] == name].sort_values("position")
                _trajectory(ax, part, panel, styles, over)
            ax.grid(axis="y")
            if panel.value == "left_minus_right":
                ax.axhline(0, color=COLOURS["muted"], lw=0.8, zorder=0.5)
            _step_ticks(ax, table, crowded=columns > 2)
            ax.set_ylabel(panel.unit)
            ax.set_title(panel.title)
        for ax in grid[-1]:
            ax.set_xlabel("training step (logarithmic)")
    return figure


def _positions(table: pd.DataFrame) -> Any:
    """Find horizontal places: log10 of the step, with untrained and finished one notch outside."""
    steps = table.loc[table["kind"] == "checkpoint", "training_step"].clip(lower=1)
    low, high = np.log10(steps.min()), np.log10(steps.max())
    notch = max((high - low) * 0.18, 0.2)
    place = np.log10(table["training_step"].clip(lower=1).to_numpy(dtype=float))
    place[(table["kind"] == "untrained").to_numpy()] = low - notch
    place[(table["kind"] == "trained").to_numpy()] = high + notch
    return place


def _step_ticks(ax: Axes, table: pd.DataFrame, *, crowded: bool) -> None:
    """Name the two ends, and as many steps between them as there is room for."""
    kept: dict[float, str] = {}
    for kind, name in (("untrained", "un-\ntrained"), ("trained", "end")):
        found = table.loc[table["kind"] == kind, "position"]
        if len(found):
            kept[float(found.iloc[0])] = name
    steps = table.loc[table["kind"] == "checkpoint"].drop_duplicates("training_step")
    span = max(float(np.ptp(table["position"])), 0.1)
    for row in each_row(steps.sort_values("training_step")):
        place = float(row.position)
        if all(abs(place - other) > (0.2 if crowded else 0.12) * span for other in kept):
            kept[place] = numbers.count(row.training_step)
    places = sorted(kept)
    ax.set_xticks(places, [kept[p] for p in places])


def _trajectory(
    ax: Axes, part: pd.DataFrame, panel: _Panel, styles: dict[str, tuple[str, str]], over: str
) -> None:
    family = str(part["family"].iloc[0])
    colour = styles.get(family, styles[""])[0]
    x, y = part["position"].to_numpy(float), part[panel.value].to_numpy(float)
    known = np.isfinite(y)
    line = ax.plot(x[known], y[known], color=colour, lw=1, alpha=0.6)
    mark(line[0], str(part["trajectory"].iloc[0]), kind="checkpoint", family=family)
    for row in each_row(part):
        value, kind = getattr(row, panel.value), str(row.kind)
        if not np.isfinite(value):
            continue
        low, high = (getattr(row, name, np.nan) if name else np.nan for name in panel.interval)
        signed = panel.value == "left_minus_right"
        shown = (
            f"{value:.2f}" if panel.value == "bits_per_byte" else numbers.score(value, sign=signed)
        )
        lines = [f"step {numbers.count(row.training_step)}"] if kind == "checkpoint" else [kind]
        lines += told(f"{panel.title} {shown}", low, high, over=over, sign=signed)
        look = point_look(kind, family, styles) | {"color": colour}
        draw_estimate(
            ax, row.position, value, low, high, look, str(row.label),
            kind=kind, family=family, lines=lines,
        )  # fmt: skip
