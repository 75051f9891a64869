"""The listeners one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hemiscale.report import numbers
from hemiscale.report.figures.dots import point_look
from hemiscale.report.figures.style import (
    COLOURS,
    DOUBLE_COLUMN,
    canvas,
    family_styles,
    figure_style,
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
        ax.set_yticks(range(len(order)), [str(name) for name in order], fontsize=7)
        ax.set_ylim(len(order) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x")
        ax.set_xlabel("mean brain score (Pearson r)")
        ax.set_ylabel("listener")
        first = table.drop_duplicates("label")
        handles = [
            Line2D([], [], label=str(r.label), **point_look(str(r.kind), str(r.family), styles))
            for r in each_row(first)
        ]
        columns = min(len(handles), 2 if figure.get_figwidth() < 5 else 4)
        ax.legend(
            handles=handles, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=columns, borderpad=0
        )
    return figure
