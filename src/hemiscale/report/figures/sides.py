"""Left and right against size: both lines, and their difference raw and over the ceiling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.report import numbers
from hemiscale.report.figures.asymmetry import asymmetry_law
from hemiscale.report.figures.laws import draw_line, show_zero, size_axis
from hemiscale.report.figures.style import (
    COLOURS,
    DOUBLE_COLUMN,
    canvas,
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

__all__ = ["asymmetry_panels", "sides_law"]


def sides_law(
    table: pd.DataFrame,
    *,
    fits: Mapping[str, Mapping[str, Any] | None] | None = None,
    width: float = DOUBLE_COLUMN,
    over: str = "listeners",
    ax: Axes | None = None,
) -> Figure:
    """Draw the score of the left and of the right hemisphere against the number of parameters.

    Parameters
    ----------
    table : DataFrame
        ``label, kind, family, parameters, left, right``; with ``_low`` and ``_high`` of both where
        there are intervals. Trained models and, hollow, untrained ones.
    fits : mapping, optional
        ``{"left": fit, "right": fit}``, each with ``slope`` and ``intercept`` per natural
        logarithm of the parameters.
    width : float
        Inches; ignored with `ax`.
    over : str
        What the intervals are over.
    ax : Axes, optional
        Draw here.

    Returns
    -------
    Figure
    """
    from matplotlib.lines import Line2D

    needed(table, "label", "kind", "family", "parameters", "left", "right")
    known = table[(table["parameters"] > 0) & np.isfinite(table["left"] + table["right"])]
    needed(known, "parameters")
    markers = {name: style[1] for name, style in family_styles(table["family"]).items()}
    with figure_style():
        figure, ax = canvas(width, 3.3, ax)
        ax.grid(axis="y")
        size_axis(ax, known["parameters"])
        for side in ("right", "left"):
            trained = known[known["kind"] == "trained"]
            fit = (fits or {}).get(side)
            if fit is not None:
                draw_line(
                    ax,
                    trained["parameters"].to_numpy(dtype=float),
                    trained[side].to_numpy(dtype=float),
                    fit,
                    colour=COLOURS[side],
                    name=f"fit, {side}",
                )
            for row in each_row(known):
                _side_point(ax, row, side, markers[str(row.family)], over)
        ax.set_ylabel("brain score (Pearson r)")
        show_zero(ax)
        handles = [
            Line2D([], [], color=COLOURS[side], marker="o", ls="none", markersize=5, label=side)
            for side in ("left", "right")
        ]
        ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderpad=0)
    return figure


def asymmetry_panels(
    table: pd.DataFrame,
    *,
    fits: Mapping[str, Mapping[str, Any] | None] | None = None,
    width: float = DOUBLE_COLUMN,
    over: str = "listeners",
    families: Sequence[str] = (),
) -> Figure:
    """Draw left minus right against size in a panel per way of taking it, each with its crossing.

    Mostly two: raw, and over the ceiling, whose crossings of zero can differ much.

    Parameters
    ----------
    table : DataFrame
        ``panel, label, kind, family, parameters, left_minus_right`` with ``_low`` and ``_high``.
    fits : mapping, optional
        ``{panel: fit}``: ``slope``, ``intercept`` and, where known, ``zero_crossing``.
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
    needed(table, "panel", "label", "kind", "family", "parameters", "left_minus_right")
    names = list(dict.fromkeys(table["panel"]))
    columns = 1 if is_narrow(width) else min(2, len(names))
    rows = -(-len(names) // columns)
    with figure_style():
        figure, grid = panels(width, 2.9 * rows + 0.2, rows, columns)
        for k, ax in enumerate(grid.flat):
            if k >= len(names):
                ax.set_visible(False)
                continue
            part = table[table["panel"] == names[k]].drop(columns="panel")
            asymmetry_law(
                part,
                fit=(fits or {}).get(names[k]),
                over=over,
                ax=ax,
                families=families,
                response="left minus right",
                legend=False,
            )
            ax.set_title(names[k])
    return figure


def _side_point(ax: Axes, row: Any, side: str, marker: str, over: str) -> None:
    value = getattr(row, side)
    low, high = (getattr(row, f"{side}_{end}", np.nan) for end in ("low", "high"))
    kind, family, colour = str(row.kind), str(row.family), COLOURS[side]
    lines = [f"{side} {numbers.score(value)}"]
    if numbers.bounds(low, high):
        lines.append(f"95 % over {over} {numbers.bounds(low, high)}")
        size = row.parameters
        bar = ax.plot([size, size], [low, high], color=colour, lw=1.2, alpha=0.6)
        mark(bar[0], str(row.label), kind=kind, family=family, lines=lines)
    lines.append(f"{numbers.parameters(row.parameters)} parameters")
    dot = ax.plot(
        row.parameters,
        value,
        marker=marker,
        markersize=4.5,
        linestyle="none",
        color=colour,
        markerfacecolor=COLOURS["paper"] if kind == "untrained" else colour,
        markeredgecolor=colour,
    )
    mark(dot[0], str(row.label), kind=kind, family=family, lines=lines)
