"""How a model's scores grow while it is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.report import numbers
from hemiscale.report.figures.dots import point_look
from hemiscale.report.figures.style import (
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


def training_trajectory(
    table: pd.DataFrame,
    *,
    width: float = DOUBLE_COLUMN,
    over: str = "listeners",
    families: Sequence[str] = (),
) -> Figure:
    """Draw score and bits per byte of checkpoints against the training step.

    The untrained twin stands at step 0 and the finished model at the right; steps between them are
    on a logarithmic axis.

    Parameters
    ----------
    table : DataFrame
        ``trajectory, label, kind, family, training_step, score, low, high, bits_per_byte``.
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
    with figure_style():
        rows, columns = (2, 1) if is_narrow(width) else (1, 2)
        figure, grid = panels(width, 2.5 * rows + 0.1, rows, columns)
        table = table.assign(position=_positions(table))
        styles = family_styles([*table["family"], *families])
        for ax, column in zip(grid.flat, ("score", "bits_per_byte"), strict=True):
            for name in dict.fromkeys(table["trajectory"]):
                part = table[table["trajectory"] == name].sort_values("position")
                _trajectory(ax, part, column, styles, over)
            ax.grid(axis="y")
            _step_ticks(ax, table)
        grid.flat[0].set_ylabel("brain score (r)")
        grid.flat[1].set_ylabel("bits per byte of the story")
        for ax in grid[-1]:
            ax.set_xlabel("training step (logarithmic)")
        for ax, title in zip(grid.flat, ("brain score", "prediction of the story"), strict=True):
            ax.set_title(title)
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


def _step_ticks(ax: Axes, table: pd.DataFrame) -> None:
    steps = table.loc[table["kind"] == "checkpoint"].drop_duplicates("training_step")
    ticks = {float(row.position): numbers.count(row.training_step) for row in each_row(steps)}
    span = max(ticks) - min(ticks)
    kept: dict[float, str] = {}
    for place in sorted(ticks):
        if not kept or place - max(kept) > 0.17 * max(span, 0.1):
            kept[place] = ticks[place]
    for kind, name in (("untrained", "un-\ntrained"), ("trained", "end")):
        found = table.loc[table["kind"] == kind, "position"]
        if len(found):
            kept[float(found.iloc[0])] = name
    places = sorted(kept)
    ax.set_xticks(places, [kept[p] for p in places])


def _trajectory(
    ax: Axes, part: pd.DataFrame, column: str, styles: dict[str, tuple[str, str]], over: str
) -> None:
    family = str(part["family"].iloc[0])
    colour = styles.get(family, styles[""])[0]
    x, y = part["position"].to_numpy(float), part[column].to_numpy(float)
    known = np.isfinite(y)
    line = ax.plot(x[known], y[known], color=colour, lw=1, alpha=0.6)
    mark(line[0], str(part["trajectory"].iloc[0]), kind="checkpoint", family=family)
    for row in each_row(part):
        value = getattr(row, column)
        if not np.isfinite(value):
            continue
        kind = str(row.kind)
        lines = [f"step {numbers.count(row.training_step)}"] if kind == "checkpoint" else [kind]
        lines.append(f"score {numbers.score(row.score)}")
        if np.isfinite(row.bits_per_byte):
            lines.append(f"{row.bits_per_byte:.2f} bits per byte")
        if column == "score" and numbers.bounds(row.low, row.high):
            lines.append(f"95 % over {over} {numbers.bounds(row.low, row.high)}")
            bar = ax.plot([row.position] * 2, [row.low, row.high], color=colour, lw=1.3, alpha=0.75)
            mark(bar[0], str(row.label), kind=kind, family=family, lines=lines)
        look = point_look(kind, family, styles) | {"color": colour}
        dot = ax.plot(row.position, value, **look)
        mark(dot[0], str(row.label), kind=kind, family=family, lines=lines)
