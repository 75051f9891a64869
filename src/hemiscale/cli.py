"""The commands: thin, and quick to start."""

from __future__ import annotations

import os
import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hemiscale import __version__
from hemiscale.errors import HemiscaleError, InputError

if TYPE_CHECKING:
    from hemiscale.study import Study

__all__ = ["app", "main"]

app = typer.Typer(
    name="hemiscale",
    help="How well language models predict the brain, how that grows with the models, "
    "and how it differs between the hemispheres.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


class Device(StrEnum):
    """Where models and engine run."""

    cpu = "cpu"
    cuda = "cuda"


StudyFile = Annotated[Path, typer.Argument(help="The study's TOML file.", show_default=False)]
Out = Annotated[
    Path | None,
    typer.Option("--out", help="Results folder.", show_default="NAME-results, here"),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        help="Score only this model or baseline; may be given several times.",
        show_default="all",
    ),
]
With = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        help="Score this model as well (catalogue name, hub id, folder, GGUF file).",
        show_default="none",
    ),
]
DeviceOption = Annotated[Device, typer.Option("--device", help="Where models and engine run.")]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, help="Processes, one thread each.", show_default="one per core"
    ),
]
Dask = Annotated[
    str | None,
    typer.Option(
        "--dask",
        help="Work on the workers of this Dask scheduler (tcp://... or tls://...), or on the "
        "\\[cluster] of the study file: cluster.",
        show_default="this machine",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show nothing but errors.")]


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        typer.echo(f"hemiscale {__version__}")
        raise typer.Exit


@app.command()
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


@app.command()
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


@app.command()
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
            _read(study),
            subjects=subject,
            models=models,
            workers=workers,
            progress=display.advance,
        )
    for notice in done.notices:
        display.warn(notice)
    typer.echo(f"{done.downloaded} file(s) downloaded, {done.kept} were here already.")


@app.command()
def rehearse(
    folder: Annotated[Path, typer.Argument(help="Folder to make.", show_default=False)],
    listeners: Annotated[int, typer.Option("--listeners", min=2, help="Simulated listeners.")] = 3,
    small: Annotated[
        bool, typer.Option("--small", help="Three runs and 8 mm instead of nine and 4 mm.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of all that is random.")] = 0,
    compare: Annotated[
        Path | None,
        typer.Option(
            "--compare",
            help="Write nothing; compare this results folder with what was planted.",
            show_default="none",
        ),
    ] = None,
) -> None:
    """Write simulated recordings in the form of Le Petit Prince, to rehearse a whole study on."""
    if compare is not None:
        from hemiscale.pipeline.rehearsal_check import compare_with_planted

        for row in compare_with_planted(folder / "planted.nc", compare):
            typer.echo(
                f"{'found' if row.inside else 'MISSED':>6}  {row.quantity}: planted "
                f"{row.planted:+.4f}, to be expected {row.expected:+.4f}, found {row.found:+.4f} "
                f"({row.low:+.4f} to {row.high:+.4f})"
            )
        return
    from hemiscale.pipeline.rehearsal import write_rehearsal

    made = write_rehearsal(
        folder, n_listeners=listeners, small=small, seed=seed, progress=typer.echo
    )
    typer.echo(
        f"wrote {made.n_listeners} SIMULATED listeners, {made.n_runs} runs, {made.n_voxels:,} "
        f"voxels; next: hemiscale run {made.study}"
    )


@app.command()
def check(study: StudyFile) -> None:
    """Read all inputs of a study, compute nothing, and say all that is wrong with them."""
    from hemiscale.pipeline import check_study

    for notice in check_study(_read(study)):
        typer.echo(f"note: {notice}")
    typer.echo(f"{study}: nothing is wrong with it.")


@app.command()
def status(study: StudyFile, out: Out = None) -> None:
    """Say what is done of a study and what is left."""
    from hemiscale.pipeline import study_status

    loaded = _read(study)
    folder = out or _default_folder(loaded)
    state = study_status(loaded, folder)
    typer.echo(f"{folder}: {len(state.done)} done, {len(state.left)} left")
    for name in state.left:
        typer.echo(f"  left: {name}")
    for name, reason in state.missing.items():
        typer.echo(f"  cannot be had here: {name}: {reason}")
    typer.echo(f"  page: {state.report or 'not there yet'}")


@app.command()
def report(study: StudyFile, out: Out = None, quiet: Quiet = False) -> None:
    """Make tables, figures and page again from the stored scores."""
    from hemiscale.pipeline import report_study

    loaded = _read(study)
    typer.echo(report_study(loaded, out or _default_folder(loaded), quiet=quiet))


@app.command()
def chance(
    study: StudyFile,
    out: Out = None,
    only: Only = None,
    shifts: Annotated[
        int, typer.Option("--shifts", min=1, help="Shifts in time drawn for each model.")
    ] = 1000,
    quiet: Quiet = False,
) -> None:
    """Test scores of a finished study against signals shifted in time: tables/chance.tsv."""
    from hemiscale.pipeline.chance import write_chance_table

    loaded = _read(study)
    path = write_chance_table(
        loaded, out or _default_folder(loaded), only=only or [], n_shifts=shifts, quiet=quiet
    )
    typer.echo(f"wrote {path}")


@app.command()
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

    loaded = _read(study)
    path = write_unique_table(
        loaded, out or _default_folder(loaded), beside, only=only or [], quiet=quiet
    )
    typer.echo(f"wrote {path}")


@app.command()
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


@app.command()
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


@app.command()
def bench(device: DeviceOption = Device.cpu) -> None:
    """Measure the encoding engine on this machine, beside scikit-learn; about two minutes."""
    from hemiscale.bench.command import bench

    bench(device=device.value)


@app.command()
def calibrate(
    out: Annotated[Path, typer.Option("--out", help="Folder for page and figures.")] = Path(
        "calibration"
    ),
    studies: Annotated[
        int, typer.Option("--studies", min=1, help="Simulated studies per line of the page.")
    ] = 1000,
    seed: Annotated[int, typer.Option("--seed", help="Of the simulated studies.")] = 0,
) -> None:
    """Count on simulated studies whether tests and intervals hold what they say."""
    from hemiscale.calibration import calibrate as calibrate_all

    typer.echo(calibrate_all(out, n_studies=studies, seed=seed, say=typer.echo))


@app.command()
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


@app.command()
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

    loaded = _read(study)
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


def _read(path: Path) -> Study:
    from hemiscale.study import read_study

    return read_study(path)


def _default_folder(study: Study) -> Path:
    return Path(f"{study.name}-results")


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

    study = _read(path)
    for name in extra or []:
        study = with_model(study, name)
    page = run_study(
        study,
        out or _default_folder(study),
        only=only or [],
        device=device.value,
        workers=workers or os.cpu_count() or 1,
        dask=dask,
        quiet=quiet,
        command=shlex.join(["hemiscale", *sys.argv[1:]]),
    )
    if quiet:
        typer.echo(page)


STOPPED = 130
"""The exit code that typer makes of Ctrl-C."""


def main() -> None:
    """Run the command line; exit with 0 (done), 1 (failed) or 2 (the user's input)."""
    try:
        app()
    except InputError as error:
        for problem in error.problems:
            typer.echo(f"error: {problem}", err=True)
        sys.exit(error.exit_code)
    except HemiscaleError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except SystemExit as ended:
        if ended.code == STOPPED:
            typer.echo("stopped; what is finished is kept.", err=True)
        raise
    except Exception as error:
        if os.environ.get("HEMISCALE_DEBUG"):
            raise
        typer.echo(
            f"error: {type(error).__name__}: {error}\n"
            "This is a fault of hemiscale, not of your study: please report it, with what "
            "HEMISCALE_DEBUG=1 shows.",
            err=True,
        )
        sys.exit(1)
