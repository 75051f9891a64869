"""Left against right on homologous regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.report import numbers
from hemiscale.report.figures.laws import law
from hemiscale.report.figures.points import (
    draw_estimate,
    name_rows,
    side_handles,
    side_look,
    told,
)
from hemiscale.report.figures.style import (
    COLOURS,
    DOUBLE_COLUMN,
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

__all__ = ["asymmetry_law", "left_and_right"]


def left_and_right(
    table: pd.DataFrame, *, width: float = DOUBLE_COLUMN, over: str = "listeners"
) -> Figure:
    """Draw the left and right score of each model, and their paired difference beside them.

    Parameters
    ----------
    table : DataFrame
        ``label, kind, family``, and for each of ``left, right, left_minus_right`` the value and
        its ``_low`` and ``_high``; a row per model, in drawing order.
    width : float
        Inches.
    over : str
        What the intervals are over.

    Returns
    -------
    Figure
    """
    from matplotlib.ticker import MaxNLocator

    needed(table, "label", "kind", "family", "left", "right", "left_minus_right")
    labels = list(table["label"])
    narrow = is_narrow(width)
    with figure_style():
        height = 0.17 * len(labels) + 0.9
        rows, columns = (2, 1) if narrow else (1, 2)
        figure, grid = panels(width, height * rows, rows, columns, sharey=True)
        sides, difference = grid.flat
        for k, row in enumerate(each_row(table)):
            for side, shift in (("left", -0.17), ("right", 0.17)):
                _dot(sides, row, side, k + shift, over)
            _dot(difference, row, "left_minus_right", k, over)
        for ax in (sides, difference):
            name_rows(ax, labels)
            ax.tick_params(axis="y", labelleft=narrow or ax is sides)
            ax.axvline(0, color=COLOURS["muted"], lw=0.8, zorder=0.5)
            ax.xaxis.set_major_locator(MaxNLocator(5))
        sides.set_title("left and right")
        sides.set_xlabel("brain score (Pearson r)")
        difference.set_title("left minus right, paired")
        difference.set_xlabel("difference of scores (r)")
        # The lowest rows are the baselines that know nothing: there the right side is free.
        sides.legend(handles=side_handles(4.2), loc="lower right")
    return figure


def asymmetry_law(
    table: pd.DataFrame,
    *,
    fit: Mapping[str, Any] | None = None,
    width: float = DOUBLE_COLUMN,
    over: str = "listeners",
    ax: Axes | None = None,
    families: Sequence[str] = (),
    predictor: str = "parameters",
    response: str = "left minus right (difference of r)",
    legend: bool = True,
) -> Figure:
    """Draw left minus right against the number of parameters, or another property.

    Parameters
    ----------
    table : DataFrame
        ``label, kind, family, parameters, bits_per_byte`` and ``left_minus_right`` with its
        ``_low`` and ``_high``.
    fit : mapping, optional
        ``slope`` and ``intercept`` per natural logarithm of the parameters.
    width, over, ax
        As in `law`.
    families : sequence of str
        All families of the study, so that each has its colour on every figure.
    predictor : str
        The column of the horizontal axis, as in `law`.
    response : str
        Label of the vertical axis.
    legend : bool
        Whether to name families and kinds above the axes.

    Returns
    -------
    Figure
    """
    needed(table, "left_minus_right", "left_minus_right_low", "left_minus_right_high")
    renamed = table.drop(columns=["score", "low", "high"], errors="ignore").rename(
        columns={
            "left_minus_right": "score",
            "left_minus_right_low": "low",
            "left_minus_right_high": "high",
        }
    )
    return law(
        renamed,
        predictor=predictor,
        response=response,
        legend=legend,
        fit=fit,
        width=width,
        over=over,
        ax=ax,
        families=families,
    )


def _dot(ax: Axes, row: Any, column: str, position: float, over: str) -> None:
    value = getattr(row, column)
    low, high = (getattr(row, f"{column}_{end}", np.nan) for end in ("low", "high"))
    kind, signed = str(row.kind), column == "left_minus_right"
    text = f"{column.replace('_', ' ')} {numbers.score(value, sign=signed)}"
    draw_estimate(
        ax, value, position, low, high, side_look(column, kind, size=4.2), str(row.label),
        across=True, kind=kind, family=str(row.family),
        lines=told(text, low, high, over=over, sign=signed),
    )  # fmt: skip
