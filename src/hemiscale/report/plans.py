"""What the page plans before anything is drawn: figures with their words, and chapters of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Chapter", "FigurePlan"]


@dataclass(frozen=True)
class FigurePlan:
    """One figure of the page, not drawn yet.

    Attributes
    ----------
    name : str
        File name without suffix, and anchor.
    title : str
    caption : str
        What data, what selection, what interval.
    rows : callable
        Gives the tidy rows; an empty frame means that the study has no such thing.
    draw : callable
        ``(rows, width in inches) -> Figure``.
    describe : callable
        ``rows -> str``: what the figure shows, in words.
    missing : str
        Why there may be no rows.
    """

    name: str
    title: str
    caption: str
    rows: Callable[[], pd.DataFrame]
    draw: Callable[[pd.DataFrame, float], Figure]
    describe: Callable[[pd.DataFrame], str]
    missing: str


@dataclass(frozen=True)
class Chapter:
    """A heading of the page with its figures.

    Attributes
    ----------
    name, title, lead : str
        Anchor, heading, and a sentence or two under it.
    plans : list of FigurePlan
    tables : list of str
        Tables of the page that follow: ``models``, ``laws``, ``asymmetry``.
    """

    name: str
    title: str
    lead: str
    plans: list[FigurePlan] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
