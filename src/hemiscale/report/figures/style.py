"""What all figures share: colours, markers, type, and the identity of each mark.

Every colour here has one role and no two roles share a value: the page replaces each value by a CSS
variable of that role, which is how one drawing serves light and dark.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "COLOURS",
    "DOUBLE_COLUMN",
    "FAMILY_COLOURS",
    "KIND_MARKERS",
    "SINGLE_COLUMN",
    "canvas",
    "family_styles",
    "figure_style",
    "is_narrow",
    "mark",
    "needed",
    "panels",
    "read_mark",
    "root_figure",
    "study_styles",
]

DOUBLE_COLUMN = 7.2
"""Inches: the width of a figure across a journal's page."""

SINGLE_COLUMN = 3.6
"""Inches: the width of one column of it, which is also that of a phone."""

COLOURS = {
    "ink": "#1b2026",
    "muted": "#57606a",
    "grid": "#e2e6ea",
    "faint": "#c3c9d0",
    "paper": "#ffffff",
    # Blue and vermilion of Okabe & Ito (2008): told apart with any colour vision; nothing else on
    # any figure has these two colours.
    "left": "#0072b2",
    "right": "#d55e00",
    "baseline": "#6b7480",
    "reading": "#8a95a1",
    # Families: after Paul Tol's "muted" set, which is safe for colour-blind readers too; every
    # family has its own marker besides.
    "family1": "#117733",
    "family2": "#aa4499",
    "family3": "#857a00",
    "family4": "#882255",
    "family5": "#2e8b80",
    "family6": "#332288",
    "family7": "#b8475f",
    "family8": "#7a4f1d",
}

FAMILY_COLOURS = tuple(COLOURS[f"family{k}"] for k in range(1, 9))

_FAMILY_MARKERS = ("o", "s", "^", "D", "v", "p", "h", "8", "<", ">")

# Colours far from each other first: most comparisons have two studies or three.
_STUDY_ORDER = (0, 1, 7, 5, 2, 3, 4, 6)

KIND_MARKERS = {
    "static embedding": "P",
    "random embedding": "+",
    "random vector": "x",
    "control": "d",
}

_RC: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.labelsize": 8,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handletextpad": 0.4,
    "legend.columnspacing": 1.2,
    "axes.unicode_minus": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": COLOURS["muted"],
    "axes.linewidth": 0.6,
    "axes.labelcolor": COLOURS["ink"],
    "axes.titlecolor": COLOURS["ink"],
    "axes.titlelocation": "left",
    "text.color": COLOURS["ink"],
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
    "xtick.labelcolor": COLOURS["ink"],
    "ytick.labelcolor": COLOURS["ink"],
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "grid.color": COLOURS["grid"],
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "figure.dpi": 100,
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw with hemiscale's type and colours inside this block."""
    import matplotlib as mpl

    with mpl.rc_context(_RC):
        yield


def canvas(width: float, height: float, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """Give axes to draw on: those passed, or new ones of this size in inches.

    No pyplot: nothing is left in any global list of figures.
    """
    from matplotlib.figure import Figure

    if ax is not None:
        return root_figure(ax), ax
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def root_figure(ax: Axes) -> Figure:
    """Find the figure that axes stand in, whatever subfigures are between."""
    root = ax.get_figure(root=True)
    if root is None:
        raise ValueError("these axes belong to no figure")
    return root


def panels(width: float, height: float, rows: int, columns: int, **options: Any) -> tuple[Any, Any]:
    """Give a figure with a grid of axes, always as a two-dimensional array."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def is_narrow(width: float) -> bool:
    """Tell whether a figure of this width has to be laid out for one column."""
    return width < 0.75 * DOUBLE_COLUMN


def needed(table: Any, *columns: str) -> None:
    """Check that a table has what a figure draws.

    Raises
    ------
    ValueError
        If columns are missing or there is no row.
    """
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise ValueError(f"the table lacks the column(s) {', '.join(missing)}")
    if not len(table):
        raise ValueError("the table has no rows, so there is nothing to draw")


def family_styles(families: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Give each family a colour and a marker, in alphabetical order; they repeat after eight, ten.

    Returns
    -------
    dict
        ``{family: (colour, marker)}``; the empty family (baselines) is grey.
    """
    named = sorted({family for family in families if family})
    styles = {
        family: (
            FAMILY_COLOURS[k % len(FAMILY_COLOURS)],
            _FAMILY_MARKERS[k % len(_FAMILY_MARKERS)],
        )
        for k, family in enumerate(named)
    }
    styles[""] = (COLOURS["baseline"], "o")
    return styles


def study_styles(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Give each study its colour and marker, in the order given; for figures without families.

    Returns
    -------
    dict
        ``{study: (colour, marker)}``.
    """
    return {
        name: (
            FAMILY_COLOURS[_STUDY_ORDER[k % len(_STUDY_ORDER)]],
            _FAMILY_MARKERS[k % len(_FAMILY_MARKERS)],
        )
        for k, name in enumerate(dict.fromkeys(names))
    }


def mark(
    artist: Artist, model: str, *, kind: str = "", family: str = "", lines: Sequence[str] = ()
) -> None:
    """Say what a mark stands for, so that the page can name, filter and explain it.

    The identity travels as JSON in the artist's gid, which becomes the id of its SVG element.

    Parameters
    ----------
    artist : Artist
    model : str
        What the mark stands for: mostly a model.
    kind, family : str
        What the page filters by.
    lines : sequence of str
        Sentences shown on hovering.
    """
    artist.set_gid("mark" + json.dumps([model, kind, family, *lines], ensure_ascii=True))


def read_mark(gid: str) -> tuple[str, str, str, list[str]] | None:
    """Read what `mark` wrote: model, kind, family and lines; None for any other gid."""
    if not gid.startswith("mark["):
        return None
    model, kind, family, *lines = json.loads(gid.removeprefix("mark"))
    return model, kind, family, lines
