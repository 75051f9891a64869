"""The listeners one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hemiscale.report import numbers
from hemiscale.report.figures.points import legend_above, name_rows, point_look
from hemiscale.report.figures.style import (
    COLOURS,
    DOUBLE_COLUMN,
    canvas,
    family_styles,
    figure_style,
    is_narrow,
    mark,
    needed,
)
from hemiscale.report.frames import each_row

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["listener_scores"]


def listener_scores(
    table: pd.DataFrame,
    *,
    width: float = DOUBLE_COLUMN,
    ax: Axes | None = None,
    families: Sequence[str] = (),
) -> Figure:
    """Draw each listener's score for a few models, a row per listener.

    Parameters
    ----------
    table : DataFrame
        ``listener, label, kind, family, score``. Listeners are sorted by the label that stands
        first.
    width : float
        Inches; ignored with `ax`.
    ax : Axes, optional
        Draw here.
    families : sequence of str
        All families of the study, so that each has its colour on every figure.

    Returns
    -------
    Figure
    """
    needed(table, "listener", "label", "kind", "family", "score")
    from matplotlib.lines import Line2D

    labels = list(dict.fromkeys(table["label"]))
    lead = table[table["label"] == labels[0]].set_index("listener")["score"]
    order = list(lead.sort_values(ascending=False, kind="stable").index)
    styles = family_styles([*table["family"], *families])
    with figure_style():
        figure, ax = canvas(width, 0.95 + 0.15 * len(order), ax)
        for k, listener in enumerate(order):
            part = table[table["listener"] == listener]
            ax.plot(
                [part["score"].min(), part["score"].max()], [k, k], color=COLOURS["faint"], lw=0.8
            )
            for row in each_row(part):
                look = point_look(str(row.kind), str(row.family), styles)
                dot = ax.plot(row.score, k, **look)
                mark(
                    dot[0],
                    str(row.label),
                    kind=str(row.kind),
                    family=str(row.family),
                    lines=[f"listener {listener}: score {numbers.score(row.score)}"],
                )
        ax.axvline(0, color=COLOURS["muted"], lw=0.8, zorder=0.5)
        name_rows(ax, order, size=7)
        ax.set_xlabel("mean brain score (Pearson r)")
        ax.set_ylabel("listener")
        first = table.drop_duplicates("label")
        handles = [
            Line2D([], [], label=str(r.label), **point_look(str(r.kind), str(r.family), styles))
            for r in each_row(first)
        ]
        legend_above(ax, handles, 2 if is_narrow(figure.get_figwidth()) else 4)
    return figure
