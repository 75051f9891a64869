"""Arguments and options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hemiscale.study import Study

__all__ = [
    "Dask",
    "Device",
    "DeviceOption",
    "Only",
    "Out",
    "Quiet",
    "StudyFile",
    "With",
    "Workers",
    "default_folder",
    "read",
]


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


def read(path: Path) -> Study:
    """Read a study file, without importing more than that before it is needed."""
    from hemiscale.study import read_study

    return read_study(path)


def default_folder(study: Study) -> Path:
    """Return where a study's results lie if nothing else is said."""
    return Path(f"{study.name}-results")
