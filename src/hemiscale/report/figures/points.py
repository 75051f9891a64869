"""Points with their intervals, in rows and in panels: what most figures draw in the same way."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.report import numbers
from hemiscale.report.figures.style import COLOURS, KIND_MARKERS, family_styles, is_narrow, mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "dot_look",
    "draw_estimate",
    "families_above",
    "legend_above",
    "name_points",
    "name_rows",
    "point_look",
    "side_handles",
    "side_look",
    "told",
    "used_panels",
    "wrapped",
]


# Where the name of a point may stand: shift in points, horizontal and vertical alignment.
_PLACES = (
    ((5, 2), "left", "bottom"),
    ((-5, 2), "right", "bottom"),
    ((5, -2), "left", "top"),
    ((-5, -2), "right", "top"),
    ((0, 6), "center", "bottom"),
    ((0, -6), "center", "top"),
)


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


def dot_look(
    colour: str, marker: str = "o", size: float = 5, *, hollow: bool = False
) -> dict[str, Any]:
    """Look of a point of this colour: keywords of ``Axes.plot``."""
    return {
        "color": colour,
        "marker": marker,
        "markersize": size,
        "markerfacecolor": COLOURS["paper"] if hollow else colour,
        "markeredgecolor": colour,
        "linestyle": "none",
    }


def side_look(
    side: str, kind: str = "trained", marker: str = "o", size: float = 4.5
) -> dict[str, Any]:
    """Look of a point of one hemisphere: its colour, hollow where the network is untrained."""
    colour = COLOURS.get(side, COLOURS["ink"])
    return dot_look(colour, marker, size, hollow=kind == "untrained")


def told(
    text: str,
    low: float = math.nan,
    high: float = math.nan,
    *,
    over: str = "",
    sign: bool = False,
    digits: int = 3,
) -> list[str]:
    """Say an estimate and, where it has one, its 95 % interval: the lines shown on hovering."""
    interval = numbers.bounds(low, high, sign=sign, digits=digits)
    if not interval:
        return [text]
    return [text, f"95 % over {over} {interval}" if over else f"95 % {interval}"]


def draw_estimate(
    ax: Axes,
    x: float,
    y: float,
    low: float,
    high: float,
    look: dict[str, Any],
    name: str,
    *,
    across: bool = False,
    kind: str = "",
    family: str = "",
    lines: Sequence[str] = (),
    weight: float = 1.3,
    alpha: float = 0.75,
    transform: Any = None,
) -> None:
    """Draw a point and the bar of its interval, both with the same identity.

    Parameters
    ----------
    ax : Axes
    x, y : float
    low, high : float
        Ends of the interval; no bar where they are not finite.
    look : dict
        Keywords of ``Axes.plot``, from `point_look` or `side_look`.
    name, kind, family, lines
        As for `mark`.
    across : bool
        Whether the interval is of `x`, in rows of points; else of `y`.
    weight, alpha : float
        Of the bar.
    transform : Transform, optional
        Instead of data coordinates.
    """
    place = {} if transform is None else {"transform": transform}
    if math.isfinite(low) and math.isfinite(high):
        ends = ([low, high], [y, y]) if across else ([x, x], [low, high])
        bar = ax.plot(*ends, color=look["color"], lw=weight, alpha=alpha, **place)
        mark(bar[0], name, kind=kind, family=family, lines=lines)
    if transform is not None:
        # matplotlib does not make room for what is drawn in other than data coordinates.
        known = [end for end in (low, high) if math.isfinite(end)]
        spots = [(end, y) if across else (x, end) for end in known]
        ax.update_datalim([(x, y), *spots])
        ax.autoscale_view()
    point = ax.plot(x, y, **look, **place)
    mark(point[0], name, kind=kind, family=family, lines=lines)


def name_rows(ax: Axes, names: Iterable[Any], *, size: float | None = None) -> None:
    """Make the vertical axis one of rows with names, the first on top, without ticks."""
    labels = [str(name) for name in names]
    ax.set_yticks(range(len(labels)), labels)
    if size is not None:
        ax.tick_params(axis="y", labelsize=size)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x")


def name_points(ax: Axes, x: Any, y: Any, names: Iterable[Any]) -> None:
    """Write names beside points, each on the side where it covers no other name or point.

    The axes must have their limits already. A name for which there is no free place is left out;
    it is told on hovering all the same.
    """
    from matplotlib.transforms import Bbox

    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()  # settles the layout, by which names fit or not
    points = ax.transData.transform(np.column_stack([np.asarray(x, float), np.asarray(y, float)]))
    half = 3.5 * figure.dpi / 72
    taken = [Bbox.from_extents(px - half, py - half, px + half, py + half) for px, py in points]
    for (px, py), name in sorted(zip(points, names, strict=True), key=lambda pair: -pair[0][1]):
        at = ax.transData.inverted().transform((px, py))
        for shift, across, up in _PLACES:
            text = ax.annotate(
                str(name), tuple(at), xytext=shift, textcoords="offset points",
                ha=across, va=up, fontsize=7,
            )  # fmt: skip
            box = text.get_window_extent()
            inside = ax.bbox.padded(1)
            fits = inside.x0 <= box.x0 and box.x1 <= inside.x1
            if fits and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            text.remove()


def wrapped(text: str, inches: float, *, size: float = 8.5) -> str:
    """Break a text into lines that fit this width."""
    per_inch = 72 / (0.62 * size)  # characters of DejaVu Sans, bold
    return textwrap.fill(text, max(8, int(inches * per_inch)), break_long_words=False)


def used_panels(grid: Any, names: Sequence[Any]) -> Iterator[tuple[Any, Axes]]:
    """Go through a grid of axes, one for each name; hide what is left over.

    The lowest panel of each column names the ticks of its horizontal axis, also where the row below
    it is not full.

    Yields
    ------
    name, Axes
    """
    columns = grid.shape[1]
    for k, ax in enumerate(grid.flat):
        if k >= len(names):
            ax.set_visible(False)
            continue
        yield names[k], ax
        if k + columns >= len(names):
            ax.tick_params(labelbottom=True)


def side_handles(size: float = 5) -> list[Any]:
    """Give the two entries of a legend of left and right."""
    from matplotlib.lines import Line2D

    return [Line2D([], [], label=side, **side_look(side, size=size)) for side in ("left", "right")]


def legend_above(ax: Axes, handles: Sequence[Any], columns: int) -> None:
    """Put a legend above the axes, at their left edge, where it covers nothing."""
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=max(1, min(columns, len(handles))),
        borderpad=0,
    )


def families_above(figure: Figure, present: Iterable[str], families: Iterable[str]) -> None:
    """Put a legend of families above a figure of panels; nothing for a single family.

    Parameters
    ----------
    figure : Figure
    present : iterable of str
        Families that the figure shows.
    families : iterable of str
        All families of the study, as for `family_styles`.
    """
    from matplotlib.lines import Line2D

    names = sorted({str(name) for name in present if name})
    if len(names) < 2:
        return
    styles = family_styles([*families, *names])
    handles = [Line2D([], [], label=name, **point_look("trained", name, styles)) for name in names]
    figure.legend(
        handles=handles,
        loc="outside upper left",
        ncols=3 if is_narrow(figure.get_figwidth()) else 6,
        borderpad=0,
    )
