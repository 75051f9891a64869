"""The encoding engine beside scikit-learn and himalaya, at the paper's size.

    python benchmarks/bench_encoding.py compare 768       # one width: every engine in turn
    python benchmarks/bench_encoding.py table             # what is stored, as the README's table

Each engine runs in a process of its own, one after the other, on one thread. They read the same
planted problem. Time is processor time without reading the data, the shorter of two, for neighbours
on the machine slow all of them down; memory is the largest that the process held, data included.
The yardsticks do a part of the work, which is scaled, and the table says so. Results of one width
are written to ``benchmarks/results/encoding-WIDTH.json``.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).parent / "results"
WIDTHS = (768, 2048, 4096, 5120)
#: Name: arguments of `fit_runs`.
OURS = {
    "hemiscale": {},
    "hemiscale, all validation runs": {"validation": "all"},
    "hemiscale, exhaustive": {"search": "exhaustive"},
    "hemiscale, a penalty per voxel": {"alpha_per_target": True},
    "hemiscale, torch on the processor": {"device": "torch-cpu"},
}
YARDSTICKS = (
    "himalaya, numpy",
    "himalaya, torch",
    "scikit-learn, float64",
    "scikit-learn, float32",
)
ENGINES = (*OURS, *YARDSTICKS)
#: Each does its work so often in its process, and its shortest time counts.
REPEATS = 2


def load(folder):
    """Read the problem that `make` wrote."""
    from hemiscale.bench.problem import Problem

    n_runs = len(list(folder.glob("targets-*.npy")))
    return Problem(
        *(
            [np.load(folder / f"{kind}-{r}.npy") for r in range(n_runs)]
            for kind in ("features", "targets")
        )
    )


def measure(engine, folder):
    """Run one engine in this process; return what is to be noted."""
    from hemiscale.bench.measure import cpu_seconds, peak_memory, sgemm_rate
    from hemiscale.bench.yardsticks import himalaya_part, scikit_learn_part
    from hemiscale.encoding import DEFAULT_ALPHAS, TargetBank, fit_runs

    if "torch" in engine:
        import torch

        torch.set_num_threads(1)
    problem = load(folder)
    if engine in YARDSTICKS:
        if engine.startswith("himalaya"):
            backend = engine.split(", ")[1]
            part = himalaya_part(problem, DEFAULT_ALPHAS, backend=backend, repeats=REPEATS)
        else:
            chosen = json.loads((folder / "chosen.json").read_text())[0]
            precision = np.float64 if engine.endswith("64") else np.float32
            part = scikit_learn_part(
                problem, len(DEFAULT_ALPHAS), chosen, dtype=precision, repeats=REPEATS
            )
        reference = np.load(folder / "reference.npy")
        noted = {
            "seconds": part.whole,
            "measured_seconds": part.measured,
            "said": part.said,
            "difference": max(
                float(np.abs(scores - reference[test]).max())
                for test, scores in part.scores.items()
            ),
            "alphas": list(part.alphas.values()),
        }
    else:
        options = dict(OURS[engine])
        device = options.pop("device", "cpu")
        bank_seconds, bank = cpu_seconds(lambda: TargetBank(problem.targets, device=device))
        problem.targets.clear()
        before = sgemm_rate()
        seconds, fit = cpu_seconds(
            lambda: fit_runs(problem.features, bank, **options), repeats=REPEATS
        )
        rate = max(before, sgemm_rate())
        if engine == "hemiscale":
            np.save(folder / "reference.npy", fit.scores)
            (folder / "chosen.json").write_text(json.dumps(fit.alphas.tolist()))
        noted = {
            "seconds": seconds,
            "bank_seconds": bank_seconds,
            "said": "all of it",
            "operations": fit.operations,
            "sgemm_rate": rate,
            "share": fit.operations / seconds / rate,
            "mean_r": float(fit.scores.mean()),
            "alphas": fit.alphas.tolist() if fit.alphas.ndim == 1 else None,
        }
        if engine != "hemiscale" and "per voxel" not in engine:
            reference = np.load(folder / "reference.npy")
            chosen = json.loads((folder / "chosen.json").read_text())
            same = [a == b for a, b in zip(fit.alphas.tolist(), chosen, strict=True)]
            noted["difference"] = float(np.abs(fit.scores[same] - reference[same]).max())
            noted["same_penalties"] = all(same)
    return noted | {"peak_memory": peak_memory()}


def compare(width, engines, *, scans, voxels, out):
    """Run the engines on one width, each in its own process, and store the results."""
    from hemiscale.bench.measure import machine_name

    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(threads, "1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make = (
            f"import sys; from bench_encoding import *; make({width}, {scans}, {voxels}, {name!r})"
        )
        # In another process, so that the making does not count as memory.
        subprocess.run([sys.executable, "-c", make], check=True, cwd=Path(__file__).parent)
        results = {}
        # Ours first and last: a machine that others use is not equally fast all the time.
        for engine in (*engines, "hemiscale"):
            ended = subprocess.run(
                [sys.executable, __file__, "measure", engine, str(folder)],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
            found = json.loads(ended.stdout.splitlines()[-1])
            print(f"{width:>6} {engine:<36} {found['seconds']:9.1f} s", flush=True)
            if engine in results:
                found["each_time"] = [results[engine]["seconds"], found["seconds"]]
                found["seconds"] = sum(found["each_time"]) / 2
                found["share"] = (results[engine]["share"] + found["share"]) / 2
            results[engine] = found
    noted = {
        "machine": machine_name(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "n_features": width,
        "n_scans": sum(scans),
        "n_runs": len(scans),
        "n_voxels": voxels,
        "engines": results,
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / f"encoding-{width}.json").write_text(json.dumps(noted, indent=1) + "\n")


def make(width, scans, voxels, folder):
    """Write a planted problem."""
    from hemiscale.bench.problem import planted_problem

    problem = planted_problem(width, scans=tuple(scans), n_voxels=voxels)
    for kind in ("features", "targets"):
        for r, run in enumerate(getattr(problem, kind)):
            np.save(Path(folder) / f"{kind}-{r}.npy", run)


def table(folder):
    """Print the stored results as Markdown."""
    for path in sorted(folder.glob("encoding-*.json"), key=lambda p: int(p.stem.split("-")[1])):
        noted = json.loads(path.read_text())
        engines = noted["engines"]
        ours = engines["hemiscale"]["seconds"]
        print(
            f"\n**{noted['n_features']:,} features** ({noted['machine']}; one thread; "
            f"{noted['date']}; {noted['n_runs']} runs, {noted['n_scans']:,} scans, "
            f"{noted['n_voxels']:,} voxels; mean r {engines['hemiscale']['mean_r']:.3f})\n"
        )
        print(
            "| engine | CPU s | times hemiscale | peak memory | of the sgemm rate | "
            "largest difference in r | measured |\n|---|--:|--:|--:|--:|--:|---|"
        )
        for name, engine in engines.items():
            share = f"{engine['share']:.0%}" if "share" in engine else ""
            difference = f"{engine['difference']:.0e}" if "difference" in engine else ""
            print(
                f"| {name} | {engine['seconds']:,.1f} | {engine['seconds'] / ours:,.1f} | "
                f"{engine['peak_memory'] / 1e9:.2f} GB | {share} | {difference} | "
                f"{engine['said']} |"
            )


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    comparing = commands.add_parser("compare")
    comparing.add_argument("widths", type=int, nargs="*", default=WIDTHS)
    comparing.add_argument(
        "--small", action="store_true", help="a quick look, not the paper's size"
    )
    comparing.add_argument("--out", type=Path, default=RESULTS)
    measuring = commands.add_parser("measure")
    measuring.add_argument("engine", choices=ENGINES)
    measuring.add_argument("folder", type=Path)
    tabling = commands.add_parser("table")
    tabling.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    if given.command == "measure":
        print(json.dumps(measure(given.engine, given.folder)))
    elif given.command == "table":
        table(given.out)
    else:
        from hemiscale.bench.problem import PAPER_SCANS, PAPER_VOXELS

        scans = tuple(n // 4 for n in PAPER_SCANS) if given.small else PAPER_SCANS
        voxels = 2000 if given.small else PAPER_VOXELS
        for width in given.widths:
            compare(width, ENGINES, scans=scans, voxels=voxels, out=given.out)


if __name__ == "__main__":
    main()
