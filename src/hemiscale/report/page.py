"""The page: figures drawn one by one, a failing one replaced by what failed, and the template."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hemiscale.report import facts
from hemiscale.report.chapters import chapters, diagnostic_plans, timing_plan
from hemiscale.report.citations import bibtex
from hemiscale.report.limits import what_it_says
from hemiscale.report.load import Results, load_results
from hemiscale.report.plans import Chapter, FigurePlan
from hemiscale.report.tables import Table, plan_tables, small_table
from hemiscale.results import write_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DrawnFigure", "draw_figure", "fill_template", "render_page", "write_report"]

logger = logging.getLogger("hemiscale")

_MOST_SHOWN = 2000
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class DrawnFigure:
    """A figure as the page shows it.

    Attributes
    ----------
    plan : FigurePlan
    status : {"drawn", "missing", "failed"}
    variants : dict
        ``{"wide": svg, "narrow": svg}``; the page shows the one that fits.
    alt : str
        The figure in words.
    table : Table or None
        The rows it was drawn from; None where they are too many to read (voxels).
    n_rows : int
        How many they are.
    files : list of (str, str)
        Name and path, relative to the page, of the files beside it.
    problem : str
        What failed.
    """

    plan: FigurePlan
    status: str
    variants: dict[str, str] = field(default_factory=dict)
    alt: str = ""
    table: Table | None = None
    n_rows: int = 0
    files: list[tuple[str, str]] = field(default_factory=list)
    problem: str = ""


def write_report(folder: Path | str) -> Path:
    """Draw the figures of a results folder and write its page.

    Parameters
    ----------
    folder : path
        Holds ``tables/``, ``study.toml``, ``diagnostics.json`` and ``timings.json``.

    Returns
    -------
    Path
        ``report.html`` in that folder, one file without any outside request. Beside it, ``figures``
        holds every figure as SVG and PNG and its rows as TSV.

    Raises
    ------
    HemiscaleError
        Where there are no scores yet. A figure that fails raises nothing: the page says what
        failed, and the log holds the traceback.
    """
    results = load_results(Path(folder))
    page = results.folder / "report.html"
    write_text(page, render_page(results))
    return page


def render_page(results: Results) -> str:
    """Draw all figures (writing their files) and fill the template.

    Parameters
    ----------
    results : Results

    Returns
    -------
    str
        HTML.
    """
    folder = results.folder
    plan: list[Chapter] = chapters(results)
    drawn = {
        chapter.name: [draw_figure(folder, figure) for figure in chapter.plans] for chapter in plan
    }
    return fill_template(
        "report.html.j2",
        results=results,
        simulated=results.simulated,
        chapters=plan,
        drawn=drawn,
        tables=plan_tables(results),
        limits=what_it_says(results),
        facts=facts.key_facts(results),
        diagnostics=facts.diagnostics(results),
        diagnostic_figures=[draw_figure(folder, p) for p in diagnostic_plans(results)],
        timing_figure=draw_figure(folder, timing_plan(results)),
        machine=facts.machine(results),
        command=facts.command(results),
        bibtex=bibtex(results),
        filters=facts.filters(results),
    )


def fill_template(name: str, **content: Any) -> str:
    """Fill a template with our style and script; all other text is escaped.

    Parameters
    ----------
    name : str
        File among the templates.
    **content
        What it shows.

    Returns
    -------
    str
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Style and script are our own files; everything else is escaped by the template engine.
    return environment.get_template(name).render(
        style=Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup((_TEMPLATES / "report.js").read_text(encoding="utf-8")),
        markup=Markup,
        **content,
    )


def draw_figure(folder: Path, plan: FigurePlan) -> DrawnFigure:
    """Draw one figure for the page and write its files; never raises.

    Parameters
    ----------
    folder : Path
        Of the page; files go into ``figures`` there.
    plan : FigurePlan

    Returns
    -------
    DrawnFigure
    """
    try:
        rows = plan.rows()
        if not len(rows):
            return DrawnFigure(plan, "missing", problem=plan.missing)
        return _draw(folder, plan, rows)
    except Exception as error:  # whatever it is, it must not take the page down
        logger.warning("the figure %s could not be made", plan.name, exc_info=True)
        return DrawnFigure(plan, "failed", problem=f"{type(error).__name__}: {error}")


def _draw(root: Path, plan: FigurePlan, rows: pd.DataFrame) -> DrawnFigure:
    from hemiscale.report.figures.style import DOUBLE_COLUMN, SINGLE_COLUMN
    from hemiscale.report.svg import draw_svg, inline_svg, save_figure

    folder = root / "figures"
    folder.mkdir(exist_ok=True)
    variants = {}
    for name, width in (("wide", DOUBLE_COLUMN), ("narrow", SINGLE_COLUMN)):
        figure = plan.draw(rows, width)
        drawing = draw_svg(figure)
        variants[name] = inline_svg(drawing, f"{plan.name}-{name}")
        if name == "wide":
            save_figure(figure, folder / plan.name, drawing=drawing)
    text = rows.to_csv(sep="\t", index=False, float_format="%.6g", lineterminator="\n")
    write_text(folder / f"{plan.name}.tsv", text)
    return DrawnFigure(
        plan,
        "drawn",
        variants=variants,
        alt=f"{plan.title}. {plan.describe(rows).strip()}",
        table=small_table(plan.name, rows) if len(rows) <= _MOST_SHOWN else None,
        n_rows=len(rows),
        files=[(end.upper(), f"figures/{plan.name}.{end}") for end in ("svg", "png", "tsv")],
    )
