"""How values spread over voxels: the ceiling with its threshold, models beside baselines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hemiscale.report import numbers
from hemiscale.report.figures.points import name_rows, point_look
from hemiscale.report.figures.style import (
    COLOURS,
    DOUBLE_COLUMN,
    canvas,
    family_styles,
    figure_style,
    mark,
    needed,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ceiling_distribution", "voxel_distributions"]

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def ceiling_distribution(
    table: pd.DataFrame,
    *,
    threshold: float | None = None,
    width: float = DOUBLE_COLUMN,
    ax: Axes | None = None,
) -> Figure:
    """Draw how the reliability of voxels is distributed, left and right apart.

    Parameters
    ----------
    table : DataFrame
        ``hemisphere, value``: a row per voxel; other hemispheres than left and right are not drawn.
    threshold : float, optional
        Voxels from here on are called reliable: a dashed line, with their share.
    width : float
        Inches; ignored with `ax`.
    ax : Axes, optional
        Draw here.

    Returns
    -------
    Figure
    """
    needed(table, "hemisphere", "value")
    known = table[np.isfinite(table["value"])]
    edges = np.histogram_bin_edges(known["value"].to_numpy(dtype=float), bins=60)
    with figure_style():
        figure, ax = canvas(width, 2.6, ax)
        for side in ("left", "right"):
            values = known.loc[known["hemisphere"] == side, "value"].to_numpy(dtype=float)
            if not values.size:
                continue
            counts, _ = np.histogram(values, edges)
            drawn = ax.stairs(counts, edges, color=COLOURS[side], lw=1.4, label=side)
            mean = f"mean {numbers.score(float(values.mean()))}"
            mark(drawn, side, lines=[f"{numbers.count(values.size)} voxels", mean])
        if threshold is not None:
            share = float((known["value"] >= threshold).mean())
            line = ax.axvline(threshold, color=COLOURS["ink"], lw=1, ls=(0, (4, 2)))
            text = f"reliable from {numbers.score(threshold)} on ({100 * share:.0f} %)"
            mark(line, "threshold", lines=[text])
            ax.plot([], [], color=COLOURS["ink"], lw=1, ls=(0, (4, 2)), label=text)
        ax.axvline(0, color=COLOURS["muted"], lw=0.8, zorder=0.5)
        ax.set_ylim(bottom=0)
        ax.grid(axis="y")
        ax.set_xlabel("inter-subject reliability (Pearson r)")
        ax.set_ylabel("voxels")
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, borderpad=0)
    return figure


def voxel_distributions(
    table: pd.DataFrame,
    *,
    width: float = DOUBLE_COLUMN,
    label: str = "brain score (Pearson r)",
    ax: Axes | None = None,
    families: Sequence[str] = (),
) -> Figure:
    """Draw the spread of scores over voxels, a row per model or baseline.

    Thin line: 5 % to 95 % of voxels; thick: the middle half; mark: the median. The spread is over
    voxels and says nothing about uncertainty.

    Parameters
    ----------
    table : DataFrame
        ``label, kind, family, value``: a row per model and voxel, models in drawing order.
    width : float
        Inches; ignored with `ax`.
    label : str
        Of the horizontal axis.
    ax : Axes, optional
        Draw here.
    families : sequence of str
        All families of the study, so that each has its colour on every figure.

    Returns
    -------
    Figure
    """
    needed(table, "label", "kind", "family", "value")
    names = list(dict.fromkeys(table["label"]))
    styles = family_styles([*table["family"], *families])
    with figure_style():
        figure, ax = canvas(width, 0.75 + 0.17 * len(names), ax)
        for k, name in enumerate(names):
            part = table[table["label"] == name]
            values = part["value"].to_numpy(dtype=float)
            values = values[np.isfinite(values)]
            if not values.size:
                continue
            kind, family = str(part["kind"].iloc[0]), str(part["family"].iloc[0])
            look = point_look(kind, family, styles)
            low, first, middle, third, high = np.quantile(values, _QUANTILES)
            lines = [
                f"median over {numbers.count(values.size)} voxels {numbers.score(middle)}",
                f"middle half {numbers.bounds(first, third)}",
                f"5 % to 95 % {numbers.bounds(low, high)}",
            ]
            colour = look["color"]
            thin = ax.plot([low, high], [k, k], color=colour, lw=1, alpha=0.8)
            thick = ax.plot([first, third], [k, k], color=colour, lw=4, alpha=0.35)
            point = ax.plot(middle, k, **look)
            for artist in (thin[0], thick[0], point[0]):
                mark(artist, name, kind=kind, family=family, lines=lines)
        ax.axvline(0, color=COLOURS["muted"], lw=0.8, zorder=0.5)
        name_rows(ax, names)
        ax.set_xlabel(label)
    return figure
