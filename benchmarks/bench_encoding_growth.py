"""How the engine's time grows, what the ceiling takes, and an estimate for the paper's models.

    python benchmarks/bench_encoding_growth.py grow      # features, scans, voxels, runs: a figure
    python benchmarks/bench_encoding_growth.py ceiling   # 25,870 regressors, two of ten splits
    python benchmarks/bench_encoding_growth.py study     # from what bench_encoding.py stored

Processor time on one thread. Results go to ``benchmarks/results/``.
"""

import argparse
import datetime
import json
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from hemiscale.bench.estimate import paper_models, seconds_per_layer, study_seconds
from hemiscale.bench.measure import cpu_seconds, machine_name, peak_memory
from hemiscale.bench.problem import PAPER_SCANS, PAPER_VOXELS, planted_problem
from hemiscale.encoding import TargetBank, fit_runs, intersubject_reliability

RESULTS = Path(__file__).parent / "results"
#: What the growth is measured around.
MIDDLE = {"features": 1024, "scans": 1800, "voxels": 4000, "runs": 9}
STEPS = {
    "features": [64, 128, 256, 512, 1024, 2048, 4096, 8192],
    "scans": [450, 900, 1800, 3600],
    "voxels": [1000, 4000, 16000],
    "runs": [3, 6, 9, 12, 18],
}


def one_size(sizes):
    """Return the seconds of a layer, by kind of validation."""
    scans = (sizes["scans"] // sizes["runs"],) * sizes["runs"]
    problem = planted_problem(sizes["features"], scans=scans, n_voxels=sizes["voxels"])
    bank = TargetBank(problem.targets, dtype="float32")
    return {
        validation: cpu_seconds(
            lambda validation=validation: fit_runs(problem.features, bank, validation=validation)
        )[0]
        for validation in ("first", "all")
    }


def grow(out):
    """Vary one size at a time; draw and store."""
    grown = {}
    for name, steps in STEPS.items():
        grown[name] = []
        for step in steps:
            seconds = one_size(MIDDLE | {name: step})
            grown[name].append({name: step} | seconds)
            print(name, step, seconds, flush=True)
    noted = {"machine": machine_name(), "date": today(), "around": MIDDLE, "grown": grown}
    (out / "encoding_growth.json").write_text(json.dumps(noted, indent=1) + "\n")
    draw(noted, out)


def draw(noted, out):
    """Draw seconds against each size, on logarithmic axes."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "hemiscale", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(9, 2.8), layout="constrained")
        axes = figure.subplots(1, len(noted["grown"]), sharey=True)
        for axis, (name, points) in zip(axes, noted["grown"].items(), strict=True):
            sizes = [point[name] for point in points]
            for validation, style in (("first", "o-"), ("all", "s--")):
                seconds = [point[validation] for point in points]
                axis.loglog(
                    sizes,
                    seconds,
                    style,
                    markersize=4,
                    label=f"{validation} validation run" + ("s" if validation == "all" else ""),
                )
            others = ", ".join(f"{n:,} {k}" for k, n in noted["around"].items() if k != name)
            axis.set_xlabel(f"{name}\n({others})", fontsize=7)
            axis.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=45, fontsize=7)
            axis.minorticks_off()
            axis.spines[["top", "right"]].set_visible(False)
        axes[0].set_ylabel("CPU seconds, one thread")
        axes[0].legend(frameon=False, fontsize=7)
        figure.suptitle(f"Time of one layer, {noted['machine']}", fontsize=9)
        figure.savefig(out / "encoding_growth.svg", metadata={"Date": None})
        figure.savefig(out / "encoding_growth.png", dpi=200)


class Listener:
    """A simulated listener whose runs are made when they are asked for."""

    def __init__(self, number, shared):
        self.number, self.shared = number, shared

    def __len__(self):
        return len(PAPER_SCANS)

    def __getitem__(self, run):
        rng = np.random.default_rng([self.number, run])
        noise = rng.standard_normal((PAPER_SCANS[run], PAPER_VOXELS), dtype=np.float32)
        noise[:, ::4] += 0.4 * self.shared[run][:, : noise[:, ::4].shape[1]]
        return noise


def ceiling(out):
    """Time two splits of a simulated study of eight listeners."""
    rng = np.random.default_rng(0)
    shared = [rng.standard_normal((n, 1 + PAPER_VOXELS // 4), dtype=np.float32)
              for n in PAPER_SCANS]  # fmt: skip
    listeners = [Listener(number, shared) for number in range(8)]
    start = time.process_time()
    for listener in listeners:
        for run in range(len(listener)):
            listener[run]
    making = time.process_time() - start
    n_splits = 2
    seconds, reliability = cpu_seconds(
        lambda: intersubject_reliability(listeners, n_splits=n_splits, seed=1)
    )
    noted = {
        "machine": machine_name(),
        "date": today(),
        "n_regressors": PAPER_VOXELS,
        "n_listeners": len(listeners),
        "splits_measured": n_splits,
        "seconds_per_split": seconds / n_splits - making,
        "seconds_ten_splits": 10 * (seconds / n_splits - making),
        "peak_memory": peak_memory(),
        "mean_reliability": float(reliability.mean()),
    }
    (out / "encoding_ceiling.json").write_text(json.dumps(noted, indent=1) + "\n")
    print(json.dumps(noted, indent=1))


def study(out):
    """Estimate the encoding of the paper's models from the stored times of a layer."""
    models = paper_models()
    stored = [json.loads(path.read_text()) for path in out.glob("encoding-*.json")]
    print(f"{len(models)} models, {sum(n + 1 for n, _ in models.values()):,} layers")
    for name in stored[0]["engines"]:
        measured = {s["n_features"]: s["engines"][name]["seconds"] for s in stored}
        print(f"{name:<36} {study_seconds(models, measured) / 3600:10,.1f} hours of one core")
    ours = {s["n_features"]: s["engines"]["hemiscale"]["seconds"] for s in stored}
    for model, (n_layers, width) in models.items():
        seconds = (n_layers + 1) * seconds_per_layer(width, ours)
        print(f"  {model:<20} {n_layers + 1:>3} x {width:>5,}  {seconds / 60:6.1f} minutes")


def today():
    """Return the date."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def main():
    """Read the command line."""
    commands = {"grow": grow, "ceiling": ceiling, "study": study}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=commands)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    with threadpool_limits(1):
        commands[given.command](given.out)


if __name__ == "__main__":
    main()
