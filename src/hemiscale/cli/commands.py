"""The command line: its commands in the order of its help, and how it ends."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated

import typer

from hemiscale import __version__
from hemiscale.cli import finished, language_models, studies, trials
from hemiscale.errors import HemiscaleError, InputError

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


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    if version:
        typer.echo(f"hemiscale {__version__}")
        raise typer.Exit


for command in (
    studies.demo,
    studies.new,
    studies.fetch,
    studies.check,
    studies.run,
    studies.status,
    studies.report,
    finished.compare,
    finished.chance,
    finished.unique,
    language_models.models,
    language_models.competence,
    trials.rehearse,
    trials.calibrate,
    trials.bench,
):
    app.command()(command)


CANNOT_BE_OPENED = (errno.ENAMETOOLONG, errno.EACCES, errno.ELOOP)
"""What is wrong with a name or with access, not with this program."""

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
    except MemoryError as error:
        if os.environ.get("HEMISCALE_DEBUG"):
            raise
        typer.echo(
            f"error: there is not enough memory ({error}); what is finished is kept. Go on with "
            "fewer --workers, or where there is more memory.",
            err=True,
        )
        sys.exit(1)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in CANNOT_BE_OPENED and error.filename:
            typer.echo(
                f"error: {error.filename}: cannot be opened ({error.strerror}); correct the name, "
                "or ask for access.",
                err=True,
            )
            sys.exit(2)
        if os.environ.get("HEMISCALE_DEBUG"):
            raise
        typer.echo(
            f"error: {type(error).__name__}: {error}\n"
            "This is a fault of hemiscale, not of your study: please report it, with what "
            "HEMISCALE_DEBUG=1 shows.",
            err=True,
        )
        sys.exit(1)
