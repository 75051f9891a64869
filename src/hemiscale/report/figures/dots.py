"""Rows of dots with intervals: scores by region, baselines, the ceiling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hemiscale.report import numbers
from hemiscale.report.figures.style import (
    COLOURS,
    DOUBLE_COLUMN,
    KIND_MARKERS,
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

__all__ = ["baseline_scores", "ceiling", "point_look", "region_scores"]


def point_look(kind: str, family: str, styles: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """Look of a point: trained filled, untrained hollow, checkpoints small, baselines grey.

    Parameters
    ----------
    kind, family : str
        As in ``models.tsv``.
    styles : dict
        From `family_styles`.

    Returns
    -------
    dict
        Keywords of ``Axes.plot``.
    """
    colour, marker = styles.get(family, styles[""])
    if kind in KIND_MARKERS:
        colour, marker = COLOURS["baseline"], KIND_MARKERS[kind]
    hollow = kind in ("untrained", "control")
    return {
        "color": colour,
        "marker": marker,
        "markersize": 3.5 if kind == "checkpoint" else 5,
        "markerfacecolor": COLOURS["paper"] if hollow else colour,
        "markeredgecolor": colour,
        "markeredgewidth": 1.1,
        "linestyle": "none",
    }


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
        for k, ax in enumerate(grid.flat):
            if k >= len(regions):
                ax.set_visible(False)
                continue
            region = regions[k]
            part = table[table["region"] == region].set_index("label")
            _rows(ax, part, labels, styles, f"{region}: ", over)
            if region in marks:
                line = ax.axvline(marks[region], color=COLOURS["ink"], lw=1, ls=(0, (4, 2)))
                text = f"{region}: reliability {numbers.score(marks[region])}"
                mark(line, "ceiling", lines=[text])
            ax.set_title(region)
            if k + columns >= len(regions):
                ax.tick_params(labelbottom=True)
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
            _interval(ax, k, row.low, row.high, colour, str(row.region), lines=lines)
            point = ax.plot(row.reliability, k, "o", color=colour, markersize=5.5)
            mark(point[0], str(row.region), lines=lines)
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
        ax.set_yticks(range(len(table)), list(table["region"]))
        ax.set_ylim(len(table) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x")
        ax.set_xlim(left=min(0.0, ax.get_xlim()[0]))
        ax.set_xlabel("correlation (Pearson r)")
        _ceiling_legend(ax, table, best is not None and len(best) > 0, figure)
    return figure


def _ceiling_legend(ax: Axes, table: pd.DataFrame, with_best: bool, figure: Figure) -> None:
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
    ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderpad=0)


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
        text = f"{before}score {numbers.score(row['score'])}"
        interval = numbers.bounds(row["low"], row["high"])
        lines = [text, f"95 % over {over} {interval}"] if interval else [text]
        _interval(
            ax, k, row["low"], row["high"], look["color"], label, kind=kind, family=family,
            lines=lines,
        )  # fmt: skip
        point = ax.plot(row["score"], k, **look)
        mark(point[0], label, kind=kind, family=family, lines=lines)
    ax.axvline(0, color=COLOURS["muted"], lw=0.8, zorder=0.5)
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")


def _interval(
    ax: Axes,
    position: float,
    low: float,
    high: float,
    colour: str,
    model: str,
    *,
    kind: str = "",
    family: str = "",
    lines: list[str],
) -> None:
    if not (math.isfinite(low) and math.isfinite(high)):
        return
    line = ax.plot([low, high], [position, position], color=colour, lw=1.4, alpha=0.75)
    mark(line[0], model, kind=kind, family=family, lines=lines)
