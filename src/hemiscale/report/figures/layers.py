"""Scores layer by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hemiscale.report import numbers
from hemiscale.report.figures.points import told, used_panels
from hemiscale.report.figures.style import (
    COLOURS,
    DOUBLE_COLUMN,
    family_styles,
    figure_style,
    is_narrow,
    mark,
    needed,
    panels,
)
from hemiscale.report.frames import each_row, row_of_largest

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["family_profiles", "layer_profiles"]

_DEPTH = "relative depth (0: embedding, 1: last layer)"


def layer_profiles(
    table: pd.DataFrame,
    *,
    width: float = DOUBLE_COLUMN,
    over: str = "listeners",
    families: Sequence[str] = (),
) -> Figure:
    """Draw the score of each layer against its relative depth, a panel per trained model.

    Parameters
    ----------
    table : DataFrame
        ``panel, label, kind, family, layer, relative_depth, score, low, high``: `panel` is the
        trained model, whose untrained twins share it.
    width : float
        Inches.
    over : str
        What the intervals are over.
    families : sequence of str
        All families of the study, so that each has its colour on every figure.

    Returns
    -------
    Figure
    """
    needed(table, "panel", "label", "kind", "family", "layer", "relative_depth", "score")
    names = list(dict.fromkeys(table["panel"]))
    columns = min(2 if is_narrow(width) else 5 if len(names) == 5 else 4, len(names))
    rows = math.ceil(len(names) / columns)
    styles = family_styles([*table["family"], *families])
    with figure_style():
        figure, grid = panels(width, 0.55 + 1.55 * rows, rows, columns, sharex=True, sharey=True)
        for name, ax in used_panels(grid, names):
            part = table[table["panel"] == name]
            for label in dict.fromkeys(part["label"]):
                _profile(ax, part[part["label"] == label], styles, over)
            ax.set_title(name, fontsize=7.5)
            _depth_axis(ax)
        figure.supxlabel(_DEPTH, fontsize=8)
        figure.supylabel("brain score (r)", fontsize=8)
    return figure


def family_profiles(
    table: pd.DataFrame,
    *,
    width: float = DOUBLE_COLUMN,
    families: Sequence[str] = (),
    response: str = "brain score (r)",
) -> Figure:
    """Draw the layer profiles of many models, a panel per family, darker for larger models.

    Parameters
    ----------
    table : DataFrame
        ``label, family, parameters, layer, relative_depth, score``.
    width : float
        Inches.
    families : sequence of str
        All families of the study, so that each has its colour on every figure.
    response : str
        Label of the vertical axis.

    Returns
    -------
    Figure
    """
    needed(table, "label", "family", "parameters", "layer", "relative_depth", "score")
    names = sorted(set(table["family"]))
    columns = min(2 if is_narrow(width) else 4, len(names))
    rows = math.ceil(len(names) / columns)
    styles = family_styles([*table["family"], *families])
    with figure_style():
        figure, grid = panels(width, 0.55 + 1.6 * rows, rows, columns, sharex=True, sharey=True)
        for name, ax in used_panels(grid, names):
            part = table[table["family"] == name]
            labels = list(dict.fromkeys(part.sort_values("parameters", kind="stable")["label"]))
            for n, label in enumerate(labels):
                one = part[part["label"] == label].sort_values("layer")
                strength = 1.0 if len(labels) == 1 else 0.3 + 0.7 * n / (len(labels) - 1)
                line = ax.plot(
                    one["relative_depth"],
                    one["score"],
                    color=styles[name][0],
                    alpha=strength,
                    lw=1.2,
                )
                top = row_of_largest(one.reset_index(drop=True), "score")
                lines = [
                    f"{numbers.parameters(float(top['parameters']))} parameters",
                    f"highest at layer {top['layer']}: {numbers.score(float(top['score']))}",
                ]
                mark(line[0], str(label), kind="trained", family=name, lines=lines)
            ax.set_title(name)
            _depth_axis(ax)
        figure.supxlabel(_DEPTH, fontsize=8)
        figure.supylabel(response, fontsize=8)
    return figure


def _depth_axis(ax: Axes) -> None:
    ax.axhline(0, color=COLOURS["muted"], lw=0.8, zorder=0.5)
    ax.grid(axis="y")
    ax.set_xlim(-0.06, 1.06)
    ax.set_xticks([0, 0.5, 1], ["0", "½", "1"])


def _profile(ax: Axes, part: pd.DataFrame, styles: dict[str, tuple[str, str]], over: str) -> None:
    part = part.sort_values("layer")
    first = part.iloc[0]
    label, kind, family = str(first["label"]), str(first["kind"]), str(first["family"])
    colour, marker = styles.get(family, styles[""])
    hollow = kind == "untrained"
    x, y = part["relative_depth"].to_numpy(float), part["score"].to_numpy(float)
    low, high = part["low"].to_numpy(float), part["high"].to_numpy(float)
    if np.isfinite(low).all() and np.isfinite(high).all():
        band = ax.fill_between(x, low, high, color=colour, alpha=0.09 if hollow else 0.16, lw=0)
        mark(band, label, kind=kind, family=family)
    line = ax.plot(x, y, color=colour, lw=1.3, ls=(0, (3, 2)) if hollow else "-")
    mark(line[0], label, kind=kind, family=family, lines=[kind])
    for row in each_row(part):
        dot = ax.plot(
            row.relative_depth,
            row.score,
            marker=marker,
            markersize=3 if len(part) < 20 else 2,
            color=colour,
            markerfacecolor=COLOURS["paper"] if hollow else colour,
            markeredgecolor=colour,
            markeredgewidth=0.9,
        )
        text = f"layer {row.layer}: score {numbers.score(row.score)}"
        lines = told(text, row.low, row.high, over=over)
        mark(dot[0], label, kind=kind, family=family, lines=lines)
