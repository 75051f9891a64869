"""Commands on language models: which there are, and how well they know language."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hemiscale.cli.options import Device, DeviceOption, Only, Quiet, StudyFile, read

__all__ = ["competence", "models"]


def models(
    which: Annotated[
        str | None,
        typer.Argument(
            help="A group (paper-28, french, pythia-6.9b-training ...), a family, a language, or "
            "one model.",
            show_default="all",
        ),
    ] = None,
) -> None:
    """List the language models that are known by name, or say all that is known of one."""
    from rich.console import Console
    from rich.table import Table

    from hemiscale.models.listing import describe_groups, describe_model, list_models

    console = Console()
    if not console.is_terminal:
        console.width = 160
    rows = list_models(which)
    if len(rows) == 1:
        lines = Table(box=None, show_header=False)
        for what, value in describe_model(rows[0].entry):
            lines.add_row(what, value)
        console.print(lines)
        return
    table = Table(box=None, header_style="bold")
    for heading in ("name", "family", "parameters", "layers", "width", "licence", "gated", "here"):
        numeric = heading in ("parameters", "layers", "width")
        table.add_column(heading, justify="right" if numeric else "left", no_wrap=heading == "name")
    for row in rows:
        entry = row.entry
        numbers = (entry.n_parameters, entry.n_layers, entry.width)
        table.add_row(
            entry.name,
            entry.family,
            *(f"{number:,}" if number else "" for number in numbers),
            entry.licence,
            "yes" if entry.gated else "",
            "✓" if row.here else "",
        )
    console.print(table)
    if which is None:
        named = Table(box=None, header_style="bold")
        for heading in ("group", "models", "first and last"):
            named.add_column(heading, justify="right" if heading == "models" else "left")
        for name, number, members in describe_groups():
            named.add_row(name, str(number), members)
        console.print()
        console.print(named)


def competence(
    study: StudyFile,
    task: Annotated[
        list[str] | None,
        typer.Option(
            "--task",
            help="Task or group of lm-evaluation-harness (hellaswag, blimp ...); several times.",
            show_default="none",
        ),
    ] = None,
    task_folder: Annotated[
        Path | None,
        typer.Option(
            "--task-folder", help="Folder with task files of your own.", show_default="none"
        ),
    ] = None,
    text: Annotated[
        list[Path] | None,
        typer.Option("--text", help="Bits per byte of this text file.", show_default="none"),
    ] = None,
    stimulus: Annotated[
        bool,
        typer.Option(
            "--stimulus",
            help="Bits per byte of the story; done where no task and no text is named.",
        ),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Items of each task.", show_default="all"),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--table",
            help="Table to add the columns to.",
            show_default="that of the study, or competence.tsv beside it",
        ),
    ] = None,
    only: Only = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also measure what has a value already.")
    ] = False,
    device: DeviceOption = Device.cpu,
    quiet: Quiet = False,
) -> None:
    """Measure how well the models of a study know language: HellaSwag, BLiMP, any text."""
    from hemiscale.pipeline.competence_measures import (
        Measures,
        competence_table,
        measure_competence,
    )

    loaded = read(study)
    measures = Measures(
        tasks=tuple(task or ()),
        texts=tuple(text or ()),
        stimulus=stimulus or not (task or text),
        task_folder=task_folder,
        limit=limit,
    )
    path = measure_competence(
        loaded,
        measures,
        table=table,
        only=only or [],
        again=again,
        device=device.value,
        say=(lambda _: None) if quiet else typer.echo,
    )
    typer.echo(f"wrote {path}")
    if loaded.competence is None or path != competence_table(loaded):
        typer.echo(f'to use it, add to the study file:\n[competence]\ntable = "{path.name}"')
