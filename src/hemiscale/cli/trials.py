"""Commands that try the tool itself: on simulated recordings and studies, and for speed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hemiscale.cli.options import Device, DeviceOption

__all__ = ["bench", "calibrate", "rehearse"]


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


def bench(device: DeviceOption = Device.cpu) -> None:
    """Measure the encoding engine on this machine, beside scikit-learn; about two minutes."""
    from hemiscale.bench.command import bench

    bench(device=device.value)
