"""Parcels of an atlas, in the order of left minus right of their ceiling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hemiscale.report import numbers
from hemiscale.report.figures.points import draw_estimate, name_rows, side_look
from hemiscale.report.figures.style import (
    COLOURS,
    DOUBLE_COLUMN,
    canvas,
    figure_style,
    is_narrow,
    needed,
)
from hemiscale.report.frames import each_row

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ceiling_asymmetry"]

# With more parcels than this, rows are too narrow for names: they are told on hovering.
_MOST_NAMED = 60
_DENSE = 4.6  # inches


def ceiling_asymmetry(
    table: pd.DataFrame, *, width: float = DOUBLE_COLUMN, ax: Axes | None = None
) -> Figure:
    """Draw left minus right of the ceiling parcel by parcel, the largest on top.

    Parameters
    ----------
    table : DataFrame
        ``region, ceiling_difference``; with ``ceiling_low`` and ``ceiling_high``, the range over
        random halves of the listeners.
    width : float
        Inches; ignored with `ax`.
    ax : Axes, optional
        Draw here.

    Returns
    -------
    Figure
    """
    from matplotlib.ticker import MaxNLocator

    needed(table, "region", "ceiling_difference")
    known = table[np.isfinite(table["ceiling_difference"])]
    needed(known, "region")
    known = known.sort_values("ceiling_difference", ascending=False, kind="stable")
    named = len(known) <= _MOST_NAMED
    with figure_style():
        figure, ax = canvas(width, 0.75 + 0.13 * len(known) if named else _DENSE, ax)
        name_rows(ax, known["region"], size=6.5)
        if not named:
            ax.set_yticks([])
            ax.set_ylabel(f"{len(known)} parcels, in order")
        for k, row in enumerate(each_row(known)):
            low, high = (float(getattr(row, f"ceiling_{end}", np.nan)) for end in ("low", "high"))
            value = float(row.ceiling_difference)
            lines = [f"left minus right {numbers.score(value, sign=True)}"]
            if numbers.bounds(low, high):
                lines.append(f"middle 95 % of halves {numbers.bounds(low, high, sign=True)}")
            side = "left" if value > 0 else "right" if value < 0 else ""
            draw_estimate(
                ax, value, k, low, high, side_look(side, size=3.5 if named else 2.2),
                str(row.region), across=True, lines=lines, weight=1.1, alpha=0.45,
            )  # fmt: skip
        ax.axvline(0, color=COLOURS["muted"], lw=0.8, zorder=0.5)
        ax.xaxis.set_major_locator(MaxNLocator(5 if is_narrow(figure.get_figwidth()) else 9))
        ax.set_xlabel("inter-subject reliability: left minus right (r)")
    return figure
