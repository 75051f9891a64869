"""The encoding engine on a GPU: operations over the rate, bytes over the bandwidth, and its time.

    python benchmarks/bench_gpu.py measure               # 768, 2,048, 4,096 and 5,120 features
    python benchmarks/bench_gpu.py table                 # what is stored, as the README's table

The problem is that of ``bench_encoding.py``. Times are wall-clock times of the whole of `fit_runs`,
from features in the processor's memory to scores in it, the median of several after one that is not
counted; the bank is made before. Scores and penalties are compared with those of numpy on the
processor of the same machine. The rates are measured in the same process: large products in single
and double precision, and a copy on the device, bytes read and written. The floor of the arithmetic
is operations over the rate, by precision; that of memory is features and brain data read once, and
scores written once, over the bandwidth. Results: ``benchmarks/results/gpu.json``.
"""

import argparse
import datetime
import json
import os
import statistics
import time
from collections import Counter
from pathlib import Path

import numpy as np

from bench_encoding import RESULTS, WIDTHS

#: Name: arguments of `fit_runs`.
WAYS = {
    "first validation run": {},
    "all validation runs": {"validation": "all"},
    "exhaustive": {"search": "exhaustive"},
    "a penalty per voxel": {"alpha_per_target": True},
}
#: Ways that are done on the processor too; the exhaustive search has the penalties of the first.
REFERENCES = ("first validation run", "all validation runs", "a penalty per voxel")


def timed(function, repeats):
    """Return the median of wall-clock seconds, after one call that is not counted, and a result."""
    import torch

    function()
    seconds = []
    for _ in range(repeats):
        torch.cuda.synchronize()
        start = time.perf_counter()
        result = function()
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), result


def rates(size):
    """Measure products in both precisions, and copies on and to the device, per second."""
    import torch

    found = {}
    for name in ("float32", "float64"):
        a = torch.randn(size, size, device="cuda", dtype=getattr(torch, name))
        seconds, _ = timed(lambda a=a: a @ a, 7)
        found[name] = 2.0 * size**3 / seconds
    source = torch.empty(size * size * 8, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    seconds, _ = timed(lambda: target.copy_(source), 7)
    found["bandwidth"] = 2.0 * source.numel() / seconds
    host = torch.zeros(size * size * 4, dtype=torch.uint8)
    seconds, _ = timed(lambda: host.to("cuda"), 3)
    found["to_device"] = host.numel() / seconds
    return found


def on_the_processor(problem, name):
    """Fit with numpy; return penalties, scores and validation scores."""
    from hemiscale.encoding import TargetBank, fit_runs

    start = time.perf_counter()
    fit = fit_runs(problem.features, TargetBank(problem.targets), **WAYS[name])
    return fit, time.perf_counter() - start


def references(problem):
    """Fit on the processor in all ways that are compared, side by side on all cores."""
    from joblib import Parallel, delayed

    threads = max(1, len(os.sched_getaffinity(0)) // len(REFERENCES))
    with Parallel(n_jobs=len(REFERENCES), inner_max_num_threads=threads) as parallel:
        fits = parallel(delayed(on_the_processor)(problem, name) for name in REFERENCES)
    return dict(zip(REFERENCES, fits, strict=True)), threads


def one_width(width, sizes, repeats, found_rates):
    """Measure all ways for one number of features."""
    import torch

    from hemiscale.bench.problem import planted_problem
    from hemiscale.encoding import TargetBank, fit_runs

    problem = planted_problem(width, **sizes)
    expected, threads = references(problem)
    bank_seconds, bank = timed(lambda: TargetBank(problem.targets, device="cuda"), 1)
    n_scans, n_voxels = problem.n_scans, problem.targets[0].shape[1]
    touched = 4.0 * n_scans * (width + n_voxels) + 8.0 * len(problem.targets) * n_voxels
    ways = {}
    for name, options in WAYS.items():
        torch.cuda.reset_peak_memory_stats()
        before = Counter(bank.backend.operations)
        seconds, fit = timed(
            lambda options=options: fit_runs(problem.features, bank, **options), repeats
        )
        after = bank.backend.operations
        operations = {kind: (after[kind] - before[kind]) // (repeats + 1) for kind in after}
        reference, of_reference = expected[name if name in expected else REFERENCES[0]]
        arithmetic = sum(n / found_rates[precision] for precision, n in operations.items())
        ways[name] = {
            "seconds": seconds,
            "operations": operations,
            "arithmetic_floor": arithmetic,
            "memory_floor": touched / found_rates["bandwidth"],
            "share": arithmetic / seconds,
            "device_memory": torch.cuda.max_memory_allocated(),
            "processor_seconds": of_reference if name in expected else None,
            "same_penalties": float((fit.alphas == reference.alphas).mean()),
            "difference": float(np.abs(fit.scores - reference.scores).max()),
            "validation_difference": float(
                np.nanmax(np.abs(fit.validation_scores - reference.validation_scores))
            ),
        }
        print(f"{width:>6} {name:<22} {seconds:8.3f} s", flush=True)
    return {"bank_seconds": bank_seconds, "processor_threads": threads, "ways": ways}


def measure(widths, small, out):
    """Measure and store."""
    import torch

    from hemiscale.bench.measure import machine_name
    from hemiscale.bench.problem import PAPER_SCANS, PAPER_VOXELS

    torch.set_num_threads(1)  # numpy does the processor's part
    scans = tuple(n // 4 for n in PAPER_SCANS) if small else PAPER_SCANS
    sizes = {"scans": scans, "n_voxels": 2000 if small else PAPER_VOXELS}
    found_rates = rates(8192)
    noted = {
        "device": torch.cuda.get_device_name(),
        "machine": machine_name(),
        "torch": torch.__version__,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "n_scans": sum(scans),
        "n_runs": len(scans),
        "n_voxels": sizes["n_voxels"],
        "rates": found_rates,
        "widths": {},
    }
    out.mkdir(parents=True, exist_ok=True)
    for width in widths:  # written each time: a machine that is lent can be taken back
        noted["widths"][width] = one_width(width, sizes, 5, found_rates)
        (out / "gpu.json").write_text(json.dumps(noted, indent=1) + "\n")


def table(out):
    """Print the stored results as Markdown."""
    noted = json.loads((out / "gpu.json").read_text())
    found = noted["rates"]
    print(
        f"{noted['device']} (torch {noted['torch']}; {noted['date']}): "
        f"{found['float32'] / 1e12:.0f} and {found['float64'] / 1e12:.0f} T operations per second "
        f"in single and double precision, {found['bandwidth'] / 1e12:.1f} TB/s on the device, "
        f"{found['to_device'] / 1e9:.0f} GB/s to it.\n"
    )
    shown = {
        "s": ("seconds", "{:.3f}"),
        "arithmetic takes at least, s": ("arithmetic_floor", "{:.3f}"),
        "memory takes at least, s": ("memory_floor", "{:.4f}"),
        "share": ("share", "{:.0%}"),
        "device memory, bytes": ("device_memory", "{:.1e}"),
        "same penalties": ("same_penalties", "{:.2%}"),
        "largest difference in r": ("difference", "{:.0e}"),
    }
    ways = [
        (int(width), name, way)
        for width, of_width in sorted(noted["widths"].items(), key=lambda item: int(item[0]))
        for name, way in of_width["ways"].items()
    ]
    columns = {title: of for title, of in shown.items() if all(of[0] in way for *_, way in ways)}
    print("| features | | " + " | ".join(columns) + " |")
    print("|--:|---|" + "--:|" * len(columns))
    for width, name, way in ways:
        values = [form.format(way[key]) for key, form in columns.values()]
        print(f"| {width:,} | {name} | " + " | ".join(values) + " |")


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("widths", type=int, nargs="*", default=WIDTHS)
    measuring.add_argument("--small", action="store_true", help="a quick look")
    measuring.add_argument("--out", type=Path, default=RESULTS)
    tabling = commands.add_parser("table")
    tabling.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    if given.command == "measure":
        measure(given.widths, given.small, given.out)
    else:
        table(given.out)


if __name__ == "__main__":
    main()
