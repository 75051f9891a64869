"""Rows of dots with intervals: scores by region, baselines, the ceiling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hemiscale.report import numbers
from hemiscale.report.figures.points import (
    dot_look,
    draw_estimate,
    legend_above,
    name_rows,
    point_look,
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

__all__ = ["baseline_scores", "ceiling", "region_scores"]


def region_scores(
    table: pd.DataFrame,
    *,
    ceiling: pd.DataFrame | None = None,
    width: float = DOUBLE_COLUMN,
    columns: int | None = None,
    over: str = "listeners",
    families: Sequence[str] = (),
) -> Figure:
    """Draw the score of each model in each region, a panel per region.

    Parameters
    ----------
    table : DataFrame
        ``label, kind, family, region, score, low, high``; rows of a region in drawing order.
    ceiling : DataFrame, optional
        ``region, reliability``: drawn as a line in the panel of the region.
    width : float
        Inches.
    columns : int, optional
        Panels side by side; default three, or two in a narrow figure.
    over : str
        What the interval is over, for the tooltip.
    families : sequence of str
        All families of the study, so that each has its colour on every figure.

    Returns
    -------
    Figure
    """
    needed(table, "label", "kind", "family", "region", "score", "low", "high")
    regions = list(dict.fromkeys(table["region"]))
    labels = list(dict.fromkeys(table["label"]))
    columns = min(columns or (2 if is_narrow(width) else 3), len(regions))
    rows = math.ceil(len(regions) / columns)
    styles = family_styles([*table["family"], *families])
    marks = {} if ceiling is None else ceiling.set_index("region")["reliability"].to_dict()
    with figure_style():
        height = rows * (0.5 + 0.135 * len(labels)) + 0.35
        figure, grid = panels(width, height, rows, columns, sharex=True, sharey=True)
        for region, ax in used_panels(grid, regions):
            part = table[table["region"] == region].set_index("label")
            _rows(ax, part, labels, styles, f"{region}: ", over)
            if region in marks:
                line = ax.axvline(marks[region], color=COLOURS["ink"], lw=1, ls=(0, (4, 2)))
                text = f"{region}: reliability {numbers.score(marks[region])}"
                mark(line, "ceiling", lines=[text])
            ax.set_title(region)
        figure.supxlabel("brain score (Pearson r)", fontsize=8)
    return figure


def baseline_scores(
    table: pd.DataFrame,
    *,
    draws: pd.DataFrame | None = None,
    width: float = DOUBLE_COLUMN,
    over: str = "listeners",
    ax: Axes | None = None,
    families: Sequence[str] = (),
) -> Figure:
    """Draw the score of every feature set in one column, what knows least at the bottom.

    Parameters
    ----------
    table : DataFrame
        ``label, kind, family, score, low, high``; a row per line, in drawing order.
    draws : DataFrame, optional
        ``label, score``: single seeds, as small ticks.
    width : float
        Inches; ignored with `ax`.
    over : str
        What the interval is over.
    ax : Axes, optional
        Draw here.
    families : sequence of str
        All families of the study, so that each has its colour on every figure.

    Returns
    -------
    Figure
    """
    needed(table, "label", "kind", "family", "score", "low", "high")
    labels = list(table["label"])
    styles = family_styles([*table["family"], *families])
    with figure_style():
        figure, ax = canvas(width, 0.75 + 0.17 * len(labels), ax)
        if draws is not None:
            for k, label in enumerate(labels):
                values = draws.loc[draws["label"] == label, "score"]
                if len(values) > 1:
                    ticks = ax.plot(
                        values,
                        [k + 0.28] * len(values),
                        linestyle="none",
                        marker="|",
                        markersize=4,
                        markeredgewidth=0.7,
                        color=COLOURS["baseline"],
                    )
                    row = table.iloc[k]
                    spread = f"{len(values)} seeds, {numbers.score(values.min())} to "
                    mark(
                        ticks[0],
                        label,
                        kind=row["kind"],
                        family=row["family"],
                        lines=[spread + numbers.score(values.max())],
                    )
        _rows(ax, table.set_index("label"), labels, styles, "", over)
        ax.set_xlabel("mean brain score (Pearson r)")
    return figure


def ceiling(
    table: pd.DataFrame,
    *,
    best: pd.DataFrame | None = None,
    width: float = DOUBLE_COLUMN,
    ax: Axes | None = None,
) -> Figure:
    """Draw the inter-subject reliability of each region.

    Parameters
    ----------
    table : DataFrame
        ``region, hemisphere, reliability, low, high``.
    best : DataFrame, optional
        ``region, score, model``: the best model on the average subject, as a hollow diamond.
    width : float
        Inches; ignored with `ax`.
    ax : Axes, optional
        Draw here.

    Returns
    -------
    Figure
    """
    needed(table, "region", "hemisphere", "reliability", "low", "high")
    with figure_style():
        figure, ax = canvas(width, 0.95 + 0.24 * len(table), ax)
        for k, row in enumerate(each_row(table)):
            colour = COLOURS.get(str(row.hemisphere), COLOURS["baseline"])
            lines = [
                f"reliability {numbers.score(row.reliability)}",
                f"middle 95 % of splits {numbers.bounds(row.low, row.high)}",
            ]
            look = dot_look(colour, size=5.5)
            draw_estimate(
                ax, row.reliability, k, row.low, row.high, look, str(row.region),
                across=True, lines=lines,
            )  # fmt: skip
        if best is not None and len(best):
            order = {name: k for k, name in enumerate(table["region"])}
            for row in each_row(best):
                point = ax.plot(
                    row.score,
                    order[row.region],
                    "D",
                    markersize=4.5,
                    color=COLOURS["paper"],
                    markeredgecolor=COLOURS["ink"],
                )
                mark(point[0], str(row.model), lines=[f"{row.region}: {numbers.score(row.score)}"])
        name_rows(ax, table["region"])
        ax.set_xlim(left=min(0.0, ax.get_xlim()[0]))
        ax.set_xlabel("correlation (Pearson r)")
        _ceiling_legend(ax, table, best is not None and len(best) > 0)
    return figure


def _ceiling_legend(ax: Axes, table: pd.DataFrame, with_best: bool) -> None:
    from matplotlib.lines import Line2D

    sides = [side for side in ("left", "right") if (table["hemisphere"] == side).any()]
    handles = [
        Line2D([], [], color=COLOURS[side], marker="o", ls="none", label=f"ceiling, {side}")
        for side in sides
    ]
    if with_best:
        handles.append(
            Line2D(
                [],
                [],
                marker="D",
                ls="none",
                markersize=4.5,
                color=COLOURS["paper"],
                markeredgecolor=COLOURS["ink"],
                label="best model",
            )
        )
    legend_above(ax, handles, 3)


def _rows(
    ax: Axes,
    part: pd.DataFrame,
    labels: list[str],
    styles: dict[str, tuple[str, str]],
    before: str,
    over: str,
) -> None:
    """Dots with intervals, one row per label, the first on top."""
    for k, label in enumerate(labels):
        if label not in part.index:
            continue
        row: Any = part.loc[label]
        kind, family = str(row["kind"]), str(row["family"])
        look = point_look(kind, family, styles)
        low, high = row["low"], row["high"]
        lines = told(f"{before}score {numbers.score(row['score'])}", low, high, over=over)
        draw_estimate(
            ax, row["score"], k, low, high, look, label,
            across=True, kind=kind, family=family, lines=lines,
        )  # fmt: skip
    ax.axvline(0, color=COLOURS["muted"], lw=0.8, zorder=0.5)
    name_rows(ax, labels)
