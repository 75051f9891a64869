"""The same law in several studies (languages, groups of subjects) side by side, on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.report import numbers
from hemiscale.report.figures.laws import law, show_zero
from hemiscale.report.figures.points import families_above, point_look, used_panels, wrapped
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

__all__ = ["law_panels", "score_against_score"]


def law_panels(
    table: pd.DataFrame,
    *,
    fits: Mapping[str, Mapping[str, Any] | None] | None = None,
    predictor: str = "parameters",
    response: str = "brain score (r)",
    width: float = DOUBLE_COLUMN,
    over: str = "listeners",
    families: Sequence[str] = (),
) -> Figure:
    """Draw a law in a panel per study, all on one scale.

    Parameters
    ----------
    table : DataFrame
        ``panel`` and the columns of `law`.
    fits : mapping, optional
        ``{panel: fit}`` as for `law`.
    predictor, response, over
        As for `law`.
    width : float
        Inches.
    families : sequence of str
        All families, so that each has its colour on every figure.

    Returns
    -------
    Figure
    """
    needed(table, "panel", "label", "kind", "family", predictor, "score", "low", "high")
    names = list(dict.fromkeys(table["panel"]))
    columns = 1 if is_narrow(width) else min(3 if len(names) != 4 else 2, len(names))
    rows = -(-len(names) // columns)
    everyone = [*families, *table["family"]]
    with figure_style():
        figure, grid = panels(width, 2.7 * rows + 0.3, rows, columns, sharey=True)
        for k, (name, ax) in enumerate(used_panels(grid, names)):
            law(
                table[table["panel"] == name],
                predictor=predictor,
                response=response if k % columns == 0 else "",
                fit=(fits or {}).get(name),
                over=over,
                ax=ax,
                families=everyone,
                legend=False,
                zero=False,
            )
            ax.set_title(wrapped(name, 0.8 * width / columns))
        for ax in grid.flat[: len(names)]:
            show_zero(ax)
        families_above(figure, table["family"], everyone)
    return figure


def score_against_score(
    table: pd.DataFrame,
    *,
    names: tuple[str, str],
    width: float = DOUBLE_COLUMN,
    ax: Axes | None = None,
    families: Sequence[str] = (),
) -> Figure:
    """Draw each model's score in one study against its score in another, with the diagonal.

    Parameters
    ----------
    table : DataFrame
        ``label, kind, family, first, second``; with ``first_low, first_high, second_low,
        second_high`` where there are intervals.
    names : (str, str)
        Of the two studies.
    width : float
        Inches; ignored with `ax`.
    ax : Axes, optional
        Draw here.
    families : sequence of str
        All families, so that each has its colour on every figure.

    Returns
    -------
    Figure
    """
    needed(table, "label", "kind", "family", "first", "second")
    styles = family_styles([*families, *table["family"]])
    with figure_style():
        figure, ax = canvas(width, min(width, 4.2), ax)
        for row in each_row(table):
            kind, family = str(row.kind), str(row.family)
            look = point_look(kind, family, styles)
            lines = []
            for name, key in zip(names, ("first", "second"), strict=True):
                low, high = (getattr(row, f"{key}_{end}", np.nan) for end in ("low", "high"))
                lines.append(f"{name}: {numbers.with_interval(getattr(row, key), low, high)}")
                if numbers.bounds(low, high):
                    ends = ([low, high], [row.second] * 2)
                    x, y = ends if key == "first" else ([row.first] * 2, [low, high])
                    bar = ax.plot(x, y, color=look["color"], lw=1.1, alpha=0.55)
                    mark(bar[0], str(row.label), kind=kind, family=family, lines=lines)
            dot = ax.plot(row.first, row.second, **look)
            mark(dot[0], str(row.label), kind=kind, family=family, lines=lines)
        low = min(ax.get_xlim()[0], ax.get_ylim()[0])
        high = max(ax.get_xlim()[1], ax.get_ylim()[1])
        ax.plot([low, high], [low, high], color=COLOURS["muted"], lw=0.8, zorder=0.5)
        ax.set_xlim(low, high)
        ax.set_ylim(low, high)
        ax.set_aspect("equal")
        ax.grid()
        side = 0.8 * min(figure.get_figwidth(), 4.2)
        ax.set_xlabel(wrapped(names[0], side))
        ax.set_ylabel(wrapped(names[1], side))
    return figure
