"""`hemiscale bench`: the engine beside others on this machine, in about two minutes."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from hemiscale.bench.estimate import paper_models, study_seconds
from hemiscale.bench.measure import cpu_seconds, machine_name, peak_memory, sgemm_rate
from hemiscale.bench.problem import PAPER_SCANS, PAPER_VOXELS, Problem, planted_problem
from hemiscale.bench.yardsticks import Part, himalaya_part, scikit_learn_part

__all__ = ["bench"]

Result = TypeVar("Result")

#: Features of the two problems: GPT-2's width, and that of models of about 1.5 billion parameters.
_WIDTHS = (768, 2048)


def bench(
    *,
    device: str = "cpu",
    scans: tuple[int, ...] = PAPER_SCANS,
    n_voxels: int = PAPER_VOXELS,
    widths: tuple[int, ...] = _WIDTHS,
    console: Console | None = None,
) -> None:
    """Measure and print a table.

    Parameters
    ----------
    device : str
        Where the engine runs; see `fit_runs`. The yardsticks run on the processor.
    scans : tuple of int
        Scans per run.
    n_voxels : int
    widths : tuple of int
        Features, two or more widths.
    console : rich.console.Console, optional
        Where to print.
    """
    from threadpoolctl import threadpool_limits

    console = console or Console()
    console.print(
        f"{machine_name()}; one thread. A simulated study of the size of Le Petit Prince: "
        f"{len(scans)} runs, {sum(scans):,} scans, {n_voxels:,} voxels."
    )
    table = Table(box=None, header_style="bold")
    table.add_column("a layer of")
    table.add_column("engine")
    for heading in ("seconds", "times ours", "of the sgemm rate", "largest difference in r"):
        table.add_column(heading, justify="right")
    measured: dict[str, dict[int, float]] = {"first": {}, "all": {}}
    with threadpool_limits(1):
        for width in widths:
            with console.status(f"{width:,} features"):
                _one_width(width, scans, n_voxels, device, table, measured)
    console.print(table)
    console.print(
        "Yardsticks do one test run or one fit of each kind, and that is scaled to the whole. "
        f"Largest memory of this process, yardsticks included: {peak_memory() / 1e9:.1f} GB."
    )
    models = paper_models()
    n_layers = sum(layers + 1 for layers, _ in models.values())
    cores = os.cpu_count() or 1
    hours = {name: study_seconds(models, seconds) / 3600 for name, seconds in measured.items()}
    console.print(
        f"Encoding the {len(models)} models of the paper ({n_layers:,} layers), estimated: "
        f"{hours['first']:.1f} hours of one core with the first validation run, "
        f"{hours['all']:.1f} with all of them; divided by {cores} on all cores here."
    )


def _timed(function: Callable[[], Result], device: str) -> tuple[float, Result]:
    """Processor time on the processor, clock time elsewhere."""
    if device in ("cpu", "torch-cpu"):
        return cpu_seconds(function)
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def _one_width(
    width: int,
    scans: tuple[int, ...],
    n_voxels: int,
    device: str,
    table: Table,
    measured: dict[str, dict[int, float]],
) -> None:
    from hemiscale.encoding import DEFAULT_ALPHAS, RunScores, TargetBank, fit_runs

    problem = planted_problem(width, scans=scans, n_voxels=n_voxels)
    bank = TargetBank(problem.targets, device=device)
    rate = sgemm_rate(n=problem.n_scans)

    def ours(validation: str) -> RunScores:
        return fit_runs(problem.features, bank, validation=validation)  # type: ignore[arg-type]

    fits = {}
    for validation in measured:
        seconds, fit = _timed(lambda validation=validation: ours(validation), device)  # type: ignore[misc]
        fits[validation] = fit
        measured[validation][width] = seconds
        said = "first validation run" if validation == "first" else "all validation runs"
        table.add_row(
            f"{width:,}" if validation == "first" else "",
            f"hemiscale, {said}",
            f"{seconds:,.1f}",
            f"{seconds / measured['first'][width]:,.1f}",
            f"{fit.operations / seconds / rate:.0%}" if device == "cpu" else "",
            "",
        )
    for name, part in _yardsticks(problem, DEFAULT_ALPHAS, fits["first"].alphas[0]):
        difference = abs(part.scores[0] - fits["first"].scores[0]).max()
        table.add_row(
            "",
            f"{name}, scaled",
            f"{part.whole:,.1f}",
            f"{part.whole / measured['first'][width]:,.1f}",
            "",
            f"{difference:.0e}",
        )


def _yardsticks(
    problem: Problem, alphas: tuple[float, ...], alpha: float
) -> list[tuple[str, Part]]:
    parts = []
    if importlib.util.find_spec("himalaya"):
        parts.append(("himalaya", himalaya_part(problem, alphas)))
    parts.append(("scikit-learn", scikit_learn_part(problem, len(alphas), alpha)))
    return parts
