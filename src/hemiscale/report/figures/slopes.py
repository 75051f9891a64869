"""Slopes over models: region by region, listener by listener, and against the ceiling."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.report import numbers
from hemiscale.report.figures.laws import size_axis
from hemiscale.report.figures.points import (
    draw_estimate,
    legend_above,
    name_points,
    name_rows,
    side_handles,
    side_look,
    told,
    used_panels,
)
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

__all__ = ["listener_slopes", "region_curves", "region_slopes", "slope_against_ceiling"]

_MOST_NAMED = 20
_SHIFT = {"left": -0.13, "right": 0.13}


def region_slopes(
    table: pd.DataFrame, *, width: float = DOUBLE_COLUMN, ax: Axes | None = None
) -> Figure:
    """Draw the slope of each region, left and right, with their intervals.

    Parameters
    ----------
    table : DataFrame
        ``region, hemisphere, slope, low, high``: change of score per tenfold of parameters.
    width : float
        Inches; ignored with `ax`.
    ax : Axes, optional
        Draw here.

    Returns
    -------
    Figure
    """
    needed(table, "region", "hemisphere", "slope", "low", "high")
    regions = list(dict.fromkeys(table["region"]))
    with figure_style():
        figure, ax = canvas(width, 0.85 + 0.28 * len(regions), ax)
        for row in each_row(table):
            side = str(row.hemisphere)
            at = regions.index(row.region) + _SHIFT.get(side, 0.0)
            text = f"{side}: {numbers.score(row.slope, sign=True, digits=4)} per tenfold"
            lines = told(text, row.low, row.high, sign=True, digits=4)
            draw_estimate(
                ax, row.slope, at, row.low, row.high, side_look(side, size=5), str(row.region),
                across=True, lines=lines, weight=1.6,
            )  # fmt: skip
        ax.axvline(0, color=COLOURS["muted"], lw=0.8, zorder=0.5)
        name_rows(ax, regions)
        ax.set_xlabel("slope (change of r per tenfold of parameters)")
        legend_above(ax, side_handles(), 2)
    return figure


def region_curves(
    table: pd.DataFrame,
    *,
    ceiling: pd.DataFrame | None = None,
    width: float = DOUBLE_COLUMN,
    over: str = "runs",
) -> Figure:
    """Draw left and right against size in a panel per region, with the ceiling as a band.

    Parameters
    ----------
    table : DataFrame
        ``region, hemisphere, label, family, parameters, score``, and ``low``, ``high``: trained
        models.
    ceiling : DataFrame, optional
        ``region, hemisphere, reliability, low, high``.
    width : float
        Inches.
    over : str
        What the intervals are over.

    Returns
    -------
    Figure
    """
    needed(table, "region", "hemisphere", "label", "family", "parameters", "score")
    regions = list(dict.fromkeys(table["region"]))
    columns = min(2 if is_narrow(width) else 4, len(regions))
    rows = math.ceil(len(regions) / columns)
    markers = {name: style[1] for name, style in family_styles(table["family"]).items()}
    bands: dict[tuple[str, str], Any] = {}
    if ceiling is not None:
        bands = {(str(r.region), str(r.hemisphere)): r for r in each_row(ceiling)}
    with figure_style():
        figure, grid = panels(width, 1.7 * rows + 0.5, rows, columns, sharex=True, sharey=True)
        for region, ax in used_panels(grid, regions):
            part = table[table["region"] == region]
            size_axis(ax, table["parameters"])
            ax.set_xlabel("")
            ax.set_title(region)
            ax.grid(axis="y")
            for side in ("right", "left"):
                band = bands.get((region, side))
                if band is not None:
                    _ceiling_band(ax, band, side)
                for row in each_row(part[part["hemisphere"] == side]):
                    _curve_point(ax, row, side, markers[str(row.family)], over)
        figure.supxlabel("parameters (logarithmic)", fontsize=8)
        figure.supylabel("brain score (r)", fontsize=8)
        figure.legend(handles=side_handles(), loc="outside upper left", ncols=2, borderpad=0)
    return figure


def listener_slopes(
    table: pd.DataFrame,
    *,
    width: float = DOUBLE_COLUMN,
    label: str = "slope of left minus right (per tenfold of parameters)",
    ax: Axes | None = None,
) -> Figure:
    """Draw each listener's own slope, smallest first, and the group's mean with its interval.

    Parameters
    ----------
    table : DataFrame
        ``listener, slope``.
    width : float
        Inches; ignored with `ax`.
    label : str
        Of the horizontal axis.
    ax : Axes, optional
        Draw here.

    Returns
    -------
    Figure
    """
    from hemiscale.analysis import interval_over_listeners

    needed(table, "listener", "slope")
    rows = table[np.isfinite(table["slope"])].sort_values("slope", kind="stable")
    needed(rows, "slope")
    with figure_style():
        figure, ax = canvas(width, 1.0 + 0.11 * len(rows), ax)
        for k, row in enumerate(each_row(rows)):
            text = f"slope {numbers.score(row.slope, sign=True, digits=4)}"
            dot = ax.plot(row.slope, k, "o", markersize=4, color=COLOURS["ink"])
            mark(dot[0], str(row.listener), lines=[text])
        interval = interval_over_listeners(rows["slope"].to_numpy(dtype=float))
        mean, low, high = (float(interval.estimate), float(interval.low), float(interval.high))
        at = len(rows) + 1.0
        text = f"mean {numbers.score(mean, sign=True, digits=4)}"
        draw_estimate(
            ax, mean, at, low, high, side_look("", marker="D", size=6), "all listeners",
            across=True, lines=told(text, low, high, sign=True, digits=4), weight=2, alpha=1,
        )  # fmt: skip
        ax.axvline(0, color=COLOURS["muted"], lw=0.8, zorder=0.5)
        ax.set_yticks([*range(len(rows)), at], [*map(str, rows["listener"]), "mean"], fontsize=6.5)
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(-1, at + 1)
        ax.grid(axis="x")
        ax.set_xlabel(label)
    return figure


def slope_against_ceiling(
    table: pd.DataFrame,
    *,
    width: float = DOUBLE_COLUMN,
    ax: Axes | None = None,
) -> Figure:
    """Draw, region by region, the slope of left minus right against that of the ceiling itself.

    Where both grow together, the asymmetry of the models follows how well each side can be
    predicted at all.

    Parameters
    ----------
    table : DataFrame
        ``region, ceiling_difference, slope``: left minus right of the reliability; change of left
        minus right of the scores per tenfold of parameters. With ``low`` and ``high`` of the slope
        where it has an interval. Up to twenty regions are named.
    width : float
        Inches; ignored with `ax`.
    ax : Axes, optional
        Draw here.

    Returns
    -------
    Figure
    """
    from matplotlib.ticker import MaxNLocator

    needed(table, "region", "ceiling_difference", "slope")
    known = table[np.isfinite(table["ceiling_difference"] + table["slope"])]
    needed(known, "slope")
    many = len(known) > _MOST_NAMED
    with figure_style():
        figure, ax = canvas(width, 3.6, ax)
        for row in each_row(known):
            x, y = float(row.ceiling_difference), float(row.slope)
            low, high = (float(getattr(row, end, np.nan)) for end in ("low", "high"))
            lines = [f"ceiling, left minus right {numbers.score(x, sign=True)}"]
            text = f"slope {numbers.score(y, sign=True, digits=4)} per tenfold"
            lines += told(text, low, high, sign=True, digits=4)
            draw_estimate(
                ax, x, y, low, high, side_look("", size=3 if many else 5), str(row.region),
                lines=lines, weight=0.8 if many else 1.2, alpha=0.25 if many else 0.5,
            )  # fmt: skip
        ax.axhline(0, color=COLOURS["muted"], lw=0.8, zorder=0.5)
        ax.axvline(0, color=COLOURS["muted"], lw=0.8, zorder=0.5)
        ax.margins(x=0.12, y=0.08)
        ax.xaxis.set_major_locator(MaxNLocator(4 if is_narrow(figure.get_figwidth()) else 9))
        ax.grid()
        ax.set_xlabel("ceiling: left minus right (r)")
        ax.set_ylabel("slope of left minus right\n(per tenfold of parameters)")
        if not many:
            name_points(ax, known["ceiling_difference"], known["slope"], known["region"])
    return figure


def _ceiling_band(ax: Axes, band: Any, side: str) -> None:
    colour = COLOURS[side]
    lines = [f"{side} {numbers.score(band.reliability)}"]
    if math.isfinite(band.low) and math.isfinite(band.high):
        drawn = ax.axhspan(band.low, band.high, color=colour, alpha=0.12, lw=0, zorder=0.4)
        lines.append(f"middle 95 % of halves {numbers.bounds(band.low, band.high)}")
        mark(drawn, "ceiling", lines=lines)
    line = ax.axhline(band.reliability, color=colour, lw=0.9, ls=(0, (4, 2)), zorder=0.45)
    mark(line, "ceiling", lines=lines)


def _curve_point(ax: Axes, row: Any, side: str, marker: str, over: str) -> None:
    low, high = getattr(row, "low", np.nan), getattr(row, "high", np.nan)
    text = f"{row.region}, {side}: {numbers.score(row.score)}"
    draw_estimate(
        ax, row.parameters, row.score, low, high, side_look(side, marker=marker, size=3.5),
        str(row.label), kind="trained", family=str(row.family),
        lines=told(text, low, high, over=over), weight=1, alpha=0.5,
    )  # fmt: skip
