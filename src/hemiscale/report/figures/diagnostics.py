"""What was found on the way: the attention sink, motion, time spent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hemiscale.report import numbers
from hemiscale.report.figures.points import legend_above, name_rows
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
from hemiscale.report.frames import each_row, row_of_largest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["attention_sink", "motion", "timings"]

# Curves that go beyond this are named where they are highest.
_TOLD = 5.0


def attention_sink(
    table: pd.DataFrame,
    *,
    width: float = DOUBLE_COLUMN,
    ax: Axes | None = None,
    families: Sequence[str] = (),
) -> Figure:
    """Draw how much longer the first token's activation is than that of the median token.

    Parameters
    ----------
    table : DataFrame
        ``label, kind, family, layer, relative_depth, ratio``; the largest ratio over runs.
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
    from matplotlib.lines import Line2D
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    needed(table, "label", "kind", "family", "layer", "relative_depth", "ratio")
    styles = family_styles([*table["family"], *families])
    with figure_style():
        figure, ax = canvas(width, 2.7, ax)
        ends = []
        for label in dict.fromkeys(table["label"]):
            part = table[table["label"] == label].sort_values("layer")
            first = part.iloc[0]
            kind, family = str(first["kind"]), str(first["family"])
            colour, _ = styles.get(family, styles[""])
            line = ax.plot(
                part["relative_depth"],
                part["ratio"],
                color=colour,
                lw=1.3,
                ls=(0, (3, 2)) if kind == "untrained" else "-",
            )
            worst = row_of_largest(part, "ratio")
            text = f"largest at layer {int(worst['layer'])}: {worst['ratio']:.3g} × the median"
            mark(line[0], label, kind=kind, family=family, lines=[text])
            ends.append((float(worst["ratio"]), float(worst["relative_depth"]), label))
        ax.set_yscale("log")
        low, high = ax.get_ylim()
        ax.set_ylim(min(low, 0.5), max(high, 3) * 1.3)
        ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.yaxis.set_minor_formatter(NullFormatter())
        for ratio, depth, label in ends:
            if ratio > _TOLD:
                ax.annotate(
                    label,
                    (depth, ratio),
                    xytext=(0, 4),
                    textcoords="offset points",
                    ha="left" if depth < 0.3 else "right" if depth > 0.7 else "center",
                    fontsize=7,
                )
        ax.axhline(1, color=COLOURS["muted"], lw=0.8, zorder=0.5)
        ax.grid(axis="y")
        ax.set_xlabel("relative depth (0: embedding, 1: last layer)")
        ax.set_ylabel("norm of the first token\nover the median token")
        shown = table.drop_duplicates(["family", "kind"]).sort_values(["family", "kind"])
        handles = [
            Line2D(
                [],
                [],
                color=styles.get(str(row.family), styles[""])[0],
                lw=1.3,
                ls=(0, (3, 2)) if row.kind == "untrained" else "-",
                label=str(row.family) + (", untrained" if row.kind == "untrained" else ""),
            )
            for row in each_row(shown)
        ]
        legend_above(ax, handles, 2 if is_narrow(figure.get_figwidth()) else 5)
    return figure


def motion(table: pd.DataFrame, *, width: float = DOUBLE_COLUMN, ax: Axes | None = None) -> Figure:
    """Draw how much each listener moved.

    Parameters
    ----------
    table : DataFrame
        ``subject, mean_displacement_mm, max_displacement_mm``; framewise displacement.
    width : float
        Inches; ignored with `ax`.
    ax : Axes, optional
        Draw here.

    Returns
    -------
    Figure
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    needed(table, "subject", "mean_displacement_mm", "max_displacement_mm")

    table = table.sort_values("mean_displacement_mm", ascending=False)
    with figure_style():
        figure, ax = canvas(width, 0.75 + 0.14 * len(table), ax)
        for k, row in enumerate(each_row(table)):
            lines = [
                f"mean {row.mean_displacement_mm:.2f} mm from scan to scan",
                f"largest {row.max_displacement_mm:.2f} mm",
            ]
            values = (row.mean_displacement_mm, row.max_displacement_mm)
            bar = ax.plot(values, [k, k], color=COLOURS["faint"], lw=0.8)
            mean = ax.plot(values[0], k, "o", markersize=4.5, color=COLOURS["ink"], label="mean")
            peak = ax.plot(values[1], k, "|", markersize=5, color=COLOURS["muted"], label="largest")
            for artist in (bar[0], mean[0], peak[0]):
                mark(artist, str(row.subject), lines=lines)
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=12))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        name_rows(ax, table["subject"], size=7)
        ax.set_xlabel("framewise displacement (mm, logarithmic)")
        ax.set_ylabel("listener")
        legend_above(ax, [mean[0], peak[0]], 2)
    return figure


def timings(table: pd.DataFrame, *, width: float = DOUBLE_COLUMN, ax: Axes | None = None) -> Figure:
    """Draw the seconds spent on each model, stage by stage.

    Parameters
    ----------
    table : DataFrame
        ``label, kind, family, features, encoding`` (seconds), in drawing order.
    width : float
        Inches; ignored with `ax`.
    ax : Axes, optional
        Draw here.

    Returns
    -------
    Figure
    """
    from matplotlib.patches import Patch

    needed(table, "label", "kind", "family", "features", "encoding")
    with figure_style():
        figure, ax = canvas(width, 0.85 + 0.17 * len(table), ax)
        stages = {"features": COLOURS["reading"], "encoding": COLOURS["ink"]}
        names = {"features": "reading the story", "encoding": "encoding"}
        for k, row in enumerate(each_row(table)):
            start = 0.0
            lines = [f"{names[stage]} {numbers.duration(getattr(row, stage))}" for stage in names]
            for stage, colour in stages.items():
                value = float(np.nan_to_num(getattr(row, stage)))
                bar = ax.barh(k, value, left=start, height=0.62, color=colour, lw=0)
                mark(
                    bar[0], str(row.label), kind=str(row.kind), family=str(row.family), lines=lines
                )
                start += value
            ax.annotate(
                numbers.duration(start),
                (start, k),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=7,
            )
        name_rows(ax, table["label"])
        ax.margins(x=0.12)
        ax.set_xlim(left=0)
        ax.set_xlabel("seconds of one process")
        handles = [Patch(color=colour, label=names[stage]) for stage, colour in stages.items()]
        legend_above(ax, handles, 1 if is_narrow(width) else 2)
    return figure
