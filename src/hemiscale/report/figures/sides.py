"""Left and right against size: both lines, and their difference raw and over the ceiling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.report import numbers
from hemiscale.report.figures.asymmetry import asymmetry_law
from hemiscale.report.figures.laws import draw_line, show_zero, size_axis
from hemiscale.report.figures.points import (
    draw_estimate,
    families_above,
    legend_above,
    side_handles,
    side_look,
    told,
    used_panels,
    wrapped,
)
from hemiscale.report.figures.style import (
    COLOURS,
    DOUBLE_COLUMN,
    canvas,
    family_styles,
    figure_style,
    is_narrow,
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
        legend_above(ax, side_handles(), 2)
    return figure


def asymmetry_panels(
    table: pd.DataFrame,
    *,
    fits: Mapping[str, Mapping[str, Any] | None] | None = None,
    width: float = DOUBLE_COLUMN,
    over: str = "listeners",
    families: Sequence[str] = (),
    responses: Mapping[str, str] | None = None,
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
    responses : mapping, optional
        ``{panel: label of its vertical axis}``; default: left minus right.

    Returns
    -------
    Figure
    """
    needed(table, "panel", "label", "kind", "family", "parameters", "left_minus_right")
    names = list(dict.fromkeys(table["panel"]))
    columns = 1 if is_narrow(width) else min(2, len(names))
    rows = -(-len(names) // columns)
    with figure_style():
        figure, grid = panels(width, (2.7 if columns == 1 else 2.2) * rows + 0.3, rows, columns)
        for name, ax in used_panels(grid, names):
            part = table[table["panel"] == name].drop(columns="panel")
            asymmetry_law(
                part,
                fit=(fits or {}).get(name),
                over=over,
                ax=ax,
                families=families,
                response=(responses or {}).get(name, "left minus right"),
                legend=False,
            )
            ax.set_title(wrapped(name, 0.85 * width / columns))
        families_above(figure, table["family"], families)
    return figure


def _side_point(ax: Axes, row: Any, side: str, marker: str, over: str) -> None:
    value, kind = getattr(row, side), str(row.kind)
    low, high = (getattr(row, f"{side}_{end}", np.nan) for end in ("low", "high"))
    lines = told(f"{side} {numbers.score(value)}", low, high, over=over)
    lines.append(f"{numbers.parameters(row.parameters)} parameters")
    draw_estimate(
        ax, row.parameters, value, low, high, side_look(side, kind, marker), str(row.label),
        kind=kind, family=str(row.family), lines=lines, alpha=0.6,
    )  # fmt: skip
