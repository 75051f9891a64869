"""Commands that make, fetch, check and run a study."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from hemiscale.cli.options import (
    Dask,
    Device,
    DeviceOption,
    Only,
    Out,
    Quiet,
    StudyFile,
    With,
    Workers,
    default_folder,
    read,
)

__all__ = ["check", "demo", "fetch", "new", "report", "run", "status"]


def demo(
    out: Out = None,
    only: Only = None,
    extra: With = None,
    device: DeviceOption = Device.cpu,
    workers: Workers = None,
    quiet: Quiet = False,
) -> None:
    """Run the study inside the package: people listening to Alice in Wonderland. Offline."""
    from hemiscale.datasets import alice_study

    _run(alice_study(), out or Path("alice-results"), only, extra, device, workers, quiet)


def new(
    folder: Annotated[Path, typer.Argument(help="Folder to make.", show_default=False)],
    like: Annotated[
        str,
        typer.Option(
            "--like",
            help="alice, petit-prince-en, -fr, -cn, petit-prince-en-individuals or own-data.",
        ),
    ] = "own-data",
) -> None:
    """Write a commented study file to start from."""
    from hemiscale.datasets import write_template

    typer.echo(f"wrote {write_template(folder, like)}; next: hemiscale check {folder}/study.toml")


def fetch(
    study: StudyFile,
    subject: Annotated[
        list[str] | None,
        typer.Option(
            "--subject",
            help="Fetch only this listener; may be given several times.",
            show_default="all",
        ),
    ] = None,
    models: Annotated[
        bool, typer.Option("--models/--no-models", help="Also the models that the study names.")
    ] = True,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Transfers at a time.")] = 4,
    quiet: Quiet = False,
) -> None:
    """Download the recordings and models that a study names; resume, verify size and checksum."""
    from rich.console import Console

    from hemiscale.pipeline import fetch_study
    from hemiscale.pipeline.progress import Display

    display = Display(Console(stderr=True), quiet=quiet)
    with display.bars():
        done = fetch_study(
            read(study),
            subjects=subject,
            models=models,
            workers=workers,
            progress=display.advance,
        )
    for notice in done.notices:
        display.warn(notice)
    typer.echo(f"{done.downloaded} file(s) downloaded, {done.kept} were here already.")


def check(study: StudyFile) -> None:
    """Read all inputs of a study, compute nothing, and say all that is wrong with them."""
    from hemiscale.pipeline import check_study

    for notice in check_study(read(study)):
        typer.echo(f"note: {notice}")
    typer.echo(f"{study}: nothing is wrong with it.")


def run(
    study: StudyFile,
    out: Out = None,
    only: Only = None,
    extra: With = None,
    device: DeviceOption = Device.cpu,
    workers: Workers = None,
    dask: Dask = None,
    quiet: Quiet = False,
) -> None:
    """Run a study, doing only what is not done yet."""
    _run(study, out, only, extra, device, workers, quiet, dask)


def status(study: StudyFile, out: Out = None) -> None:
    """Say what is done of a study and what is left."""
    from hemiscale.pipeline import study_status

    loaded = read(study)
    folder = out or default_folder(loaded)
    state = study_status(loaded, folder)
    typer.echo(f"{folder}: {len(state.done)} done, {len(state.left)} left")
    for name in state.left:
        typer.echo(f"  left: {name}")
    for name, reason in state.missing.items():
        typer.echo(f"  cannot be had here: {name}: {reason}")
    typer.echo(f"  page: {state.report or 'not there yet'}")


def report(study: StudyFile, out: Out = None, quiet: Quiet = False) -> None:
    """Make tables, figures and page again from the stored scores."""
    from hemiscale.pipeline import report_study

    loaded = read(study)
    typer.echo(report_study(loaded, out or default_folder(loaded), quiet=quiet))


def _run(
    path: Path,
    out: Path | None,
    only: list[str] | None,
    extra: list[str] | None,
    device: Device,
    workers: int | None,
    quiet: bool,
    dask: str | None = None,
) -> None:
    from hemiscale.pipeline import run_study
    from hemiscale.pipeline.plan import with_model

    study = read(path)
    for name in extra or []:
        study = with_model(study, name)
    page = run_study(
        study,
        out or default_folder(study),
        only=only or [],
        device=device.value,
        workers=workers or os.cpu_count() or 1,
        dask=dask,
        quiet=quiet,
        command=shlex.join(["hemiscale", *sys.argv[1:]]),
    )
    if quiet:
        typer.echo(page)
