"""Studies on one scale: their laws in one panel, their slopes in rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.report import numbers
from hemiscale.report.figures.laws import draw_line, show_zero, size_axis
from hemiscale.report.figures.points import (
    dot_look,
    draw_estimate,
    legend_above,
    name_rows,
    told,
    wrapped,
)
from hemiscale.report.figures.style import (
    COLOURS,
    DOUBLE_COLUMN,
    canvas,
    figure_style,
    is_narrow,
    needed,
    panels,
    study_styles,
)
from hemiscale.report.frames import each_row

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["studies_law", "study_slopes"]

_LONG = 28  # characters
_NAMES = 1.5  # inches


def studies_law(
    table: pd.DataFrame,
    *,
    fits: Mapping[str, Mapping[str, Any] | None] | None = None,
    response: str = "left minus right (difference of r)",
    value: str = "left_minus_right",
    width: float = DOUBLE_COLUMN,
    over: str = "listeners",
    ax: Axes | None = None,
) -> Figure:
    """Draw left minus right, or scores, of several studies against size in one panel.

    Parameters
    ----------
    table : DataFrame
        ``study, label, kind, family, parameters`` and the column `value`, with ``VALUE_low`` and
        ``VALUE_high`` where there are intervals: trained models.
    fits : mapping, optional
        ``{study: fit}``, each with ``slope`` and ``intercept`` per natural logarithm of the
        parameters.
    response, value : str
        Label of the vertical axis, and the column that is drawn.
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

    needed(table, "study", "label", "kind", "family", "parameters", value)
    known = table[(table["parameters"] > 0) & np.isfinite(table[value])]
    needed(known, value)
    styles = study_styles(table["study"])
    with figure_style():
        figure, ax = canvas(width, 3.6, ax)
        ax.grid(axis="y")
        size_axis(ax, known["parameters"])
        ax.set_ylabel(response)
        handles = []
        for study, (colour, marker) in styles.items():
            part = known[known["study"] == study]
            look = dot_look(colour, marker)
            handles.append(Line2D([], [], label=study, **look))
            fit = (fits or {}).get(study)
            if fit is not None and len(part):
                size, y = (part[name].to_numpy(dtype=float) for name in ("parameters", value))
                draw_line(ax, size, y, fit, colour=colour, name=f"fit, {study}")
            for row in each_row(part):
                low, high = (getattr(row, f"{value}_{end}", np.nan) for end in ("low", "high"))
                at = getattr(row, value)
                lines = [study, f"{numbers.parameters(row.parameters)} parameters"]
                text = f"{value.replace('_', ' ')} {numbers.score(at, sign=True)}"
                lines += told(text, low, high, over=over, sign=True)
                draw_estimate(
                    ax, row.parameters, at, low, high, look, str(row.label),
                    kind=str(row.kind), family=str(row.family), lines=lines, weight=1, alpha=0.5,
                )  # fmt: skip
        show_zero(ax)
        wide = figure.get_figwidth()
        long = any(len(study) > _LONG for study in styles)
        for handle in handles:
            handle.set_label(wrapped(str(handle.get_label()), 0.85 * wide, size=7.5))
        legend_above(ax, handles, 1 if is_narrow(wide) or long else 3)
    return figure


def study_slopes(table: pd.DataFrame, *, width: float = DOUBLE_COLUMN) -> Figure:
    """Draw the slope of each study with its interval, a panel per response.

    Parameters
    ----------
    table : DataFrame
        ``study, response, slope, low, high``: change per tenfold of parameters.
    width : float
        Inches.

    Returns
    -------
    Figure
    """
    from matplotlib.ticker import MaxNLocator

    needed(table, "study", "response", "slope", "low", "high")
    studies, responses = (list(dict.fromkeys(table[name])) for name in ("study", "response"))
    styles = study_styles(studies)
    narrow = is_narrow(width)
    rows, columns = (len(responses), 1) if narrow else (1, len(responses))
    shown = [wrapped(name, _NAMES, size=7.5) for name in studies]
    with figure_style():
        height = (0.9 + 0.34 * len(studies)) * rows
        figure, grid = panels(width, height, rows, columns)
        for response, ax in zip(responses, grid.flat, strict=True):
            name_rows(ax, shown)
            for row in each_row(table[table["response"] == response]):
                colour, marker = styles[str(row.study)]
                text = f"{numbers.score(row.slope, sign=True, digits=4)} per tenfold"
                draw_estimate(
                    ax, row.slope, studies.index(row.study), row.low, row.high,
                    dot_look(colour, marker, 5.5), str(row.study), across=True, weight=1.6,
                    lines=told(text, row.low, row.high, sign=True, digits=4),
                )  # fmt: skip
            ax.axvline(0, color=COLOURS["muted"], lw=0.8, zorder=0.5)
            ax.xaxis.set_major_locator(MaxNLocator(5))
            ax.tick_params(axis="y", labelleft=narrow or ax is grid.flat[0])
            ax.set_title(response)
            ax.set_xlabel("slope (change of r per tenfold)")
    return figure
