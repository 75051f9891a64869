"""Scores against the size of the models, or against how well they predict the story."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.report import numbers
from hemiscale.report.crossings import interval_of_crossing, say_interval
from hemiscale.report.figures.points import draw_estimate, legend_above, point_look, told
from hemiscale.report.figures.style import (
    COLOURS,
    DOUBLE_COLUMN,
    canvas,
    family_styles,
    figure_style,
    is_narrow,
    mark,
    needed,
    root_figure,
)
from hemiscale.report.frames import each_row

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["draw_line", "law", "mark_crossing", "show_zero", "size_axis"]

_ASIDE = 5 / 72  # inches
# Zero is left out where to show it would squeeze the data into a third of the axis or less.
_FAR = 2.0
_FEWER_IS_BETTER = ("bits_per_byte", "perplexity")
_NAMES = {
    "bits_per_byte": "bits per byte of the story",
    "hellaswag": "HellaSwag (accuracy, %)",
    "perplexity": "perplexity per token",
}


def law(
    table: pd.DataFrame,
    *,
    predictor: str = "parameters",
    response: str = "brain score (Pearson r)",
    fit: Mapping[str, Any] | None = None,
    bands: pd.DataFrame | None = None,
    width: float = DOUBLE_COLUMN,
    over: str = "listeners",
    ax: Axes | None = None,
    families: Sequence[str] = (),
    legend: bool = True,
    zero: bool = True,
) -> Figure:
    """Draw scores against parameters (on a logarithmic axis) or any other property of the models.

    Parameters
    ----------
    table : DataFrame
        ``label, kind, family, score, low, high`` and the column `predictor`; ``parameters`` and
        ``bits_per_byte`` are told on hovering where they are there.
    predictor : str
        The column of the horizontal axis. ``parameters`` is logarithmic; ``bits_per_byte`` and
        ``perplexity`` run backwards, so that better models are on the right.
    response : str
        Label of the vertical axis.
    fit : mapping, optional
        ``slope`` and ``intercept``, per natural logarithm of the parameters or per unit of the
        column; with ``zero_crossing`` (and its ``_low``, ``_high``) where the line crosses zero.
        The line's 95 % band is from the trained models of `table`, counted as independent.
    bands : DataFrame, optional
        ``label, score, low, high``: baselines that have no size, as horizontal lines with their
        intervals at the right edge.
    width : float
        Inches; ignored with `ax`.
    over : str
        What the intervals of the points are over.
    ax : Axes, optional
        Draw here.
    families : sequence of str
        All families of the study, so that each has its colour on every figure.
    legend : bool
        Whether to name families and kinds above the axes.
    zero : bool
        Whether to draw the line at zero where it lies near the data (`show_zero`).

    Returns
    -------
    Figure
    """
    needed(table, "label", "kind", "family", predictor, "score", "low", "high")
    known = table[np.isfinite(table[predictor]) & np.isfinite(table["score"])]
    if predictor == "parameters":
        known = known[known["parameters"] > 0]
    needed(known, predictor)
    styles = family_styles([*table["family"], *families])
    with figure_style():
        figure, ax = canvas(width, 3.3 if is_narrow(width) else 3.6, ax)
        ax.grid(axis="y")
        if predictor == "parameters":
            size_axis(ax, known["parameters"])
        else:
            _plain_axis(ax, predictor, known[predictor].to_numpy(dtype=float))
        ax.set_ylabel(response)
        if fit is not None:
            _line(ax, known[known["kind"] == "trained"], predictor, fit)
            mark_crossing(ax, fit)
        for row in each_row(known):
            _point(ax, row, predictor, styles, over)
        if bands is not None and len(bands):
            ax.axhline(0, color=COLOURS["muted"], lw=0.8, zorder=0.5)
            _bands(ax, bands)
        elif zero:
            show_zero(ax)
        if legend:
            _legend(ax, known, styles, fit is not None)
    return figure


def show_zero(ax: Axes) -> None:
    """Draw the line at zero where it lies near the data; say so where the axis starts elsewhere."""
    low, high = ax.get_ylim()
    if min(abs(low), abs(high)) > _FAR * (high - low) and low * high > 0:
        name = ax.get_ylabel()
        if name:
            ax.set_ylabel(f"{name}\n(does not start at zero)")
        return
    ax.axhline(0, color=COLOURS["muted"], lw=0.8, zorder=0.5)


def mark_crossing(ax: Axes, fit: Mapping[str, Any], *, colour: str = COLOURS["ink"]) -> None:
    """Mark where a line crosses zero, with its interval, if that is on the axis."""
    at = fit.get("zero_crossing")
    low, high = sorted(ax.get_xlim())
    if at is None or not low <= at <= high:
        return
    shown = numbers.parameters(at) if ax.get_xscale() == "log" else f"{at:.3g}"
    lines = [f"crosses zero at {shown}"]
    found = interval_of_crossing(fit)
    if found is not None:
        # Where it has no bound, the bar goes on to the end of the axis.
        ends = (low if found.low is None else found.low, high if found.high is None else found.high)
        inside = [min(max(float(end), low), high) for end in ends]
        bar = ax.plot(inside, [0, 0], color=colour, lw=2.2, alpha=0.6, solid_capstyle="butt")
        lines.append(say_interval(found, sizes=ax.get_xscale() == "log"))
        mark(bar[0], "zero crossing", lines=lines)
    dot = ax.plot(
        at, 0, "o", markersize=5, color=COLOURS["paper"], markeredgecolor=colour, zorder=4
    )
    mark(dot[0], "zero crossing", lines=lines)


def _plain_axis(ax: Axes, predictor: str, values: Any) -> None:
    """Make the horizontal axis one of another property than size, better models to the right."""
    span = max(float(np.ptp(values)), 1e-3 * max(abs(float(values.max())), 1e-9), 1e-9)
    ends = float(values.min()) - 0.07 * span, float(values.max()) + 0.07 * span
    backwards = predictor in _FEWER_IS_BETTER
    ax.set_xlim(ends[::-1] if backwards else ends)
    name = _NAMES.get(predictor, predictor.replace("_", " "))
    ax.set_xlabel(f"{name} (better to the right)" if backwards else name)


def size_axis(ax: Axes, parameters: Any) -> None:
    """Make the horizontal axis one of parameters: logarithmic, with readable ticks."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = float(np.min(parameters)), float(np.max(parameters))
    ax.set_xscale("log")
    margin = max((high / low) ** 0.06, 1.25)
    ax.set_xlim(low / margin, high * margin)
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0,) if high / low > 8 else (1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: numbers.parameters(value)))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("parameters (logarithmic)")


def _point(
    ax: Axes, row: Any, predictor: str, styles: dict[str, tuple[str, str]], over: str
) -> None:
    from matplotlib.transforms import ScaledTranslation

    x = getattr(row, predictor)
    kind, family = str(row.kind), str(row.family)
    look = point_look(kind, family, styles)
    lines = told(f"score {numbers.score(row.score)}", row.low, row.high, over=over)
    if getattr(row, "parameters", 0) > 0:
        lines.append(f"{numbers.parameters(row.parameters)} parameters")
    if np.isfinite(getattr(row, "bits_per_byte", np.nan)):
        lines.append(f"{row.bits_per_byte:.2f} bits per byte")
    if predictor not in ("parameters", "bits_per_byte"):
        lines.append(f"{predictor.replace('_', ' ')} {x:.3g}")
    place = None
    if kind == "untrained":
        # A twin has the size of its trained model: a few points aside, both can be seen.
        aside = ScaledTranslation(_ASIDE, 0, root_figure(ax).dpi_scale_trans)
        place = ax.transData + aside
    draw_estimate(
        ax, x, row.score, row.low, row.high, look, str(row.label),
        kind=kind, family=family, lines=lines, transform=place,
    )  # fmt: skip


def _line(ax: Axes, trained: pd.DataFrame, predictor: str, fit: Mapping[str, Any]) -> None:
    per = {"parameters": "tenfold", "bits_per_byte": "bit per byte"}
    draw_line(
        ax,
        trained[predictor].to_numpy(dtype=float),
        trained["score"].to_numpy(dtype=float),
        fit,
        is_log=predictor == "parameters",
        per=per.get(predictor, f"unit of {predictor.replace('_', ' ')}"),
    )


def draw_line(
    ax: Axes,
    size: NDArray[np.float64],
    score: NDArray[np.float64],
    fit: Mapping[str, Any],
    *,
    is_log: bool = True,
    per: str = "tenfold",
    colour: str = COLOURS["ink"],
    name: str = "fit through the trained models",
) -> None:
    """Draw the fitted line over the range of the models, with the band of the line itself.

    Parameters
    ----------
    ax : Axes
    size, score : (n_models,) arrays
        The models that the line goes through; sizes not yet logarithms.
    fit : mapping
        ``slope`` and ``intercept``, per natural logarithm where `is_log`.
    is_log : bool
    per, colour, name : str
        What the slope is per, on hovering; the colour; what the line stands for.
    """
    if fit.get("slope") is None or fit.get("intercept") is None or len(size) < 2:
        return
    x = np.log(size) if is_log else size
    grid = np.linspace(x.min(), x.max(), 80)
    shown = np.exp(grid) if is_log else grid
    middle = fit["intercept"] + fit["slope"] * grid
    half = _half_width(x, score, grid)
    if half is not None:
        band = ax.fill_between(shown, middle - half, middle + half, color=colour, alpha=0.1, lw=0)
        band.set_gid("band")
    slope = fit["slope"] * (np.log(10) if is_log else 1)
    line = ax.plot(shown, middle, color=colour, lw=1.2, ls=(0, (5, 2)))
    mark(line[0], name, lines=[f"{numbers.score(slope, sign=True, digits=4)} per {per}"])


def _half_width(x: Any, y: Any, grid: Any) -> Any:
    """Half the 95 % band of a least-squares line; None where nothing is left to estimate it."""
    from scipy import stats

    from hemiscale.analysis import least_squares

    if len(x) < 3 or np.ptp(x) < 1e-9:
        return None
    fit = least_squares(np.column_stack([np.ones_like(x), x]), y)
    rows = np.column_stack([np.ones_like(grid), grid])
    variance = np.einsum("ij,jk,ik->i", rows, fit.covariance, rows)
    return stats.t.ppf(0.975, fit.freedom) * np.sqrt(variance)


def _bands(ax: Axes, bands: pd.DataFrame) -> None:
    """Baselines without a size, named at the right edge, names kept apart."""
    from matplotlib.transforms import blended_transform_factory

    place = blended_transform_factory(ax.transAxes, ax.transData)
    low, high = ax.get_ylim()
    low = min(low, float(bands["low"].min()))
    high = max(high, float(bands["high"].max()))
    pad = 0.03 * (high - low)
    ax.set_ylim(low - pad, high + pad)
    figure = root_figure(ax)
    narrow = is_narrow(figure.get_figwidth())
    line_height = 0.045 * (high - low) * 3.6 / figure.get_figheight()
    step = line_height * (2.1 if narrow else 1.1)
    heights = _apart(bands["score"].to_numpy(dtype=float), step)
    order_of = {str(label): k for k, label in enumerate(bands["label"])}
    for row, at in zip(each_row(bands), heights, strict=True):
        kind, label = str(getattr(row, "kind", "")), str(row.label)
        lines = [f"score {numbers.score(row.score)}", f"95 % {numbers.bounds(row.low, row.high)}"]
        grey = COLOURS["baseline"]
        # Shaded bands would cover each other: the interval is a bar at the edge instead.
        column = 0.994 - 0.016 * (order_of[label] % 4)
        band = ax.plot(
            [column, column], [row.low, row.high], color=grey, lw=2, transform=place, zorder=0.6
        )[0]
        line = ax.axhline(row.score, color=grey, lw=0.8, alpha=0.7, zorder=0.45)
        shown = label.replace(", ", ",\n") if narrow else label
        text = ax.text(
            1.015, at, shown, transform=place, fontsize=7, va="center", color=COLOURS["muted"]
        )
        for artist in (band, line, text):
            mark(artist, label, kind=kind, lines=lines)


def _apart(wanted: Any, step: float) -> Any:
    """Heights as near as can be to those wanted, at least `step` apart."""
    order = np.argsort(wanted, kind="stable")
    placed = np.asarray(wanted, dtype=float)[order].copy()
    for _ in range(50):
        gaps = np.diff(placed)
        close = np.flatnonzero(gaps < step - 1e-12)
        if not close.size:
            break
        for k in close:
            push = (step - (placed[k + 1] - placed[k])) / 2
            if push > 0:
                placed[k] -= push
                placed[k + 1] += push
    heights = np.empty_like(placed)
    heights[order] = placed
    return heights


def _legend(
    ax: Axes, table: pd.DataFrame, styles: dict[str, tuple[str, str]], with_fit: bool
) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for family in sorted(set(table["family"])):
        for kind in ("trained", "checkpoint", "untrained"):
            if ((table["family"] == family) & (table["kind"] == kind)).any():
                look = point_look(kind, family, styles)
                name = family or "no family"
                label = name if kind == "trained" else f"{name}, {kind}"
                handles.append(Line2D([], [], label=label, **look))
    if with_fit:
        handles.append(
            Line2D([], [], color=COLOURS["ink"], lw=1.2, ls=(0, (5, 2)), label="fit, trained")
        )
    legend_above(ax, handles, 2 if is_narrow(root_figure(ax).get_figwidth()) else 5)
