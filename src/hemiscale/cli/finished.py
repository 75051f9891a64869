"""Commands on studies that are finished."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hemiscale.cli.options import Only, Out, Quiet, StudyFile, default_folder, read
from hemiscale.errors import InputError

__all__ = ["chance", "compare", "unique"]


def compare(
    studies: Annotated[
        list[str],
        typer.Argument(
            help="Two or more results folders, or NAME=FOLDER; published: the paper's numbers.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the page.")] = Path("comparison"),
    subjects: Annotated[
        str | None,
        typer.Option(
            "--subjects",
            help="listeners or average.",
            show_default="listeners where there are some",
        ),
    ] = None,
) -> None:
    """Show studies side by side in one page; "published" is the paper's English study."""
    from hemiscale.report import compare_studies

    if subjects not in (None, "listeners", "average"):
        raise InputError(f"--subjects {subjects}: say listeners or average.")
    typer.echo(compare_studies(studies, out, subjects=subjects))


def chance(
    study: StudyFile,
    out: Out = None,
    only: Only = None,
    shifts: Annotated[
        int,
        typer.Option(
            "--shifts", min=1, help="Shifts in time drawn for each model, or all there are."
        ),
    ] = 1000,
    quiet: Quiet = False,
) -> None:
    """Test scores of a finished study against signals shifted in time: tables/chance.tsv."""
    from hemiscale.pipeline.chance import write_chance_table

    loaded = read(study)
    path = write_chance_table(
        loaded, out or default_folder(loaded), only=only or [], n_shifts=shifts, quiet=quiet
    )
    typer.echo(f"wrote {path}")


def unique(
    study: StudyFile,
    beside: Annotated[
        str, typer.Option("--beside", help="Baseline to set models against, such as word-rate.")
    ],
    out: Out = None,
    only: Only = None,
    quiet: Quiet = False,
) -> None:
    """Fit models of a finished study together with a baseline: the variance only they explain."""
    from hemiscale.pipeline.unique import write_unique_table

    loaded = read(study)
    path = write_unique_table(
        loaded, out or default_folder(loaded), beside, only=only or [], quiet=quiet
    )
    typer.echo(f"wrote {path}")
