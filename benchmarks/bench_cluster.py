"""Time against workers, the scheduler's overhead, and an estimate for a large study.

    python benchmarks/bench_cluster.py scale     # the small rehearsal study on 1, 2 and 4 workers
    python benchmarks/bench_cluster.py costs     # what units cost at the paper's size
    python benchmarks/bench_cluster.py overhead  # the scheduler alone: units that do nothing
    python benchmarks/bench_cluster.py estimate  # 28 models, 112 listeners, on 1, 10 and 100 nodes
    python benchmarks/bench_cluster.py table     # what is stored, as the README's tables

``scale`` starts a Dask scheduler and workers on this machine. ``estimate`` plays the study through
with the pipeline's own order of work and the measured costs (those of fits, halves and tables are
what ``bench_encoding.py``, ``bench_encoding_growth.py`` and ``bench_tables.py`` stored); nothing of
it is run. Results go to ``benchmarks/results/``.
"""

import argparse
import contextlib
import datetime
import heapq
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).parent / "results"
WORKERS = (1, 2, 4)
SCALED = ("austen-1.1m", "austen-0.4m", "austen-0.1m")
N_EMPTY = 500  # units of work that do nothing
CORES = 16  # of a node
LISTENERS, LANGUAGES, RUNS, VOXELS = 112, 3, 9, 25_870
SUBJECTS = LISTENERS + 1  # with the average subject


@contextlib.contextmanager
def dask_cluster(n_workers, folder):
    """Start a scheduler and workers; give the scheduler's address."""
    folder.mkdir()
    file = folder / "scheduler.json"
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(threads, "1")
    common = {"cwd": folder, "env": environment, "stdout": subprocess.DEVNULL,
              "stderr": subprocess.DEVNULL}  # fmt: skip
    dask = [sys.executable, "-m", "dask"]
    with contextlib.ExitStack() as stack:

        def start(*arguments):
            process = subprocess.Popen([*dask, *map(str, arguments)], **common)
            stack.callback(process.wait)
            stack.callback(process.terminate)

        start("scheduler", "--port", 0, "--no-dashboard", "--host", "127.0.0.1",
              "--scheduler-file", file)  # fmt: skip
        while not file.exists() or not file.read_text():
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        for _ in range(n_workers):
            start("worker", address, "--nthreads", 1, "--no-dashboard", "--no-nanny")
        yield address


def warm_up():
    """Import what work needs, so that it is not counted."""
    import nilearn.glm.first_level
    import torch
    import transformers

    return len((nilearn, torch, transformers)), os.getpid()


def digests(out):
    """Digests of all scores and tables."""
    from hemiscale.results import file_digest

    files = [*out.glob("scores/*.nc"), *out.glob("tables/*"), out / "ceiling.nc"]
    return {str(path.relative_to(out)): file_digest(path) for path in files}


def run_once(study, out, **options):
    """Run the study without its page; return seconds and the sum over processes."""
    import hemiscale.report
    from hemiscale.pipeline import run_study

    hemiscale.report.write_report = lambda folder: folder / "report.html"
    start = time.perf_counter()
    run_study(study, out, quiet=True, **options)
    return facts(out, time.perf_counter() - start)


def run_cold(path, out, workers):
    """Do the same in a process that has to start and to import everything, as the command has."""
    code = (
        "import sys; from pathlib import Path; import hemiscale.report\n"
        "hemiscale.report.write_report = lambda folder: folder / 'report.html'\n"
        "from hemiscale.pipeline import run_study; from hemiscale.study import read_study\n"
        "study, out, workers, *only = sys.argv[1:]\n"
        "run_study(read_study(study), Path(out), quiet=True, workers=int(workers), only=only)\n"
    )
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, path, out, str(workers), *SCALED], check=True)
    return facts(out, time.perf_counter() - start)


def facts(out, seconds):
    """Take what a run says of itself."""
    timings = json.loads((out / "timings.json").read_text())
    return {
        "seconds": seconds,
        "seconds_before_tables": timings["last_run"]["seconds_before_tables"],
        "seconds_in_models": sum(sum(one.values()) for one in timings["models"].values()),
    }


def empty_units(study, address, out):
    """Seconds per unit of work that does nothing."""
    from rich.console import Console

    from hemiscale.pipeline.cluster import cluster_at
    from hemiscale.pipeline.progress import Display
    from hemiscale.results import ResultsFolder

    display = Display(Console(file=io.StringIO()), quiet=True)
    with cluster_at(study, address, ResultsFolder(out), display) as cluster:
        list(cluster.map(abs, [(1,)]))
        start = time.perf_counter()
        done = list(cluster.map(abs, [(-k,) for k in range(N_EMPTY)]))
        seconds = time.perf_counter() - start
    assert done == list(range(N_EMPTY))
    return seconds / N_EMPTY


def scale(out):
    """Run the small rehearsal study on one machine and on workers."""
    from distributed import Client

    from hemiscale.bench.measure import machine_name
    from hemiscale.pipeline.rehearsal import write_rehearsal
    from hemiscale.study import read_study

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = write_rehearsal(folder / "study", n_listeners=2, small=True, models=SCALED)
        study = read_study(made.study)
        noted = {
            "machine": machine_name(),
            "date": today(),
            "load_before": os.getloadavg()[0],
            "study": f"small rehearsal: {made.n_listeners} listeners and their average, "
            f"{made.n_runs} runs, {made.n_voxels:,} voxels; models {', '.join(SCALED)}",
            "local": {},
            "dask": {},
        }
        expected = None
        for n in WORKERS:
            noted["local"][n] = run_cold(made.study, folder / f"local-{n}", n)
            print("local", n, noted["local"][n], flush=True)
            found = digests(folder / f"local-{n}")
            assert expected is None or found == expected
            expected = found
        run_once(study, folder / "warm", only=SCALED[-1:])
        for n in WORKERS:
            with dask_cluster(n, folder / f"cluster-{n}") as address:
                with Client(address, set_as_default=False) as client:
                    client.wait_for_workers(n)
                    client.run(warm_up)
                where = folder / f"dask-{n}"
                noted["dask"][n] = run_once(study, where, dask=address, only=SCALED)
                assert digests(where) == expected, "not the same bytes"
            print("dask", n, noted["dask"][n], flush=True)
    store(out / "cluster-scale.json", noted)


def overhead(out):
    """Measure what the scheduler takes for a unit of work that does nothing."""
    from hemiscale.bench.measure import machine_name
    from hemiscale.results import write_text
    from hemiscale.study import Study

    noted = {"machine": machine_name(), "date": today(), "units": N_EMPTY, "seconds": {}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_text(folder / "study.toml", "# nothing to do\n")
        for n in WORKERS:
            with dask_cluster(n, folder / f"cluster-{n}") as address:
                seconds = empty_units(Study.model_construct(cluster=None), address, folder)
            noted["seconds"][n] = seconds
            noted["load"] = os.getloadavg()[0]
            print(n, seconds, flush=True)
    store(out / "cluster-overhead.json", noted)


def costs(out):
    """Measure what units of work cost at the paper's size, in processor seconds of one thread.

    Fits and halves are those that ``bench_encoding.py`` and ``bench_encoding_growth.py`` stored.
    """
    from threadpoolctl import threadpool_limits

    from hemiscale.bench.measure import cpu_seconds, machine_name
    from hemiscale.bench.problem import PAPER_SCANS, PAPER_VOXELS
    from hemiscale.brain import read_prepared
    from hemiscale.encoding import TargetBank
    from hemiscale.pipeline.pieces import Piece, read_piece, write_piece
    from hemiscale.pipeline.scoring import LayerScores

    noted = {"machine": machine_name(), "date": today(), "layer": {}}
    for path in sorted(RESULTS.glob("encoding-*.json")):
        one = json.loads(path.read_text())
        engines = one["engines"]
        noted["layer"][one["n_features"]] = {
            "first": engines["hemiscale"]["seconds"],
            "all": engines["hemiscale, all validation runs"]["seconds"],
        }
        noted["sgemm_rate"] = engines["hemiscale"]["sgemm_rate"]
    half = json.loads((RESULTS / "encoding_ceiling.json").read_text())
    noted["seconds_half"] = half["seconds_per_split"]
    rng = np.random.default_rng(0)
    scans = [rng.standard_normal((n, PAPER_VOXELS), dtype=np.float32) for n in PAPER_SCANS]
    values = rng.normal(size=(1, RUNS, VOXELS)).astype(np.float32)
    piece = Piece(LayerScores(values, values, np.ones((1, RUNS)), 768, 0), 1.0, [], [])
    with threadpool_limits(1), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [stored(folder / f"run-{k}.nc", run) for k, run in enumerate(scans)]
        noted["bytes_listener"] = sum(path.stat().st_size for path in files)
        path = folder / "piece.safetensors"
        for key, function in {
            "seconds_read_listener": lambda: [read_prepared(path, "x") for path in files],
            "seconds_bank": lambda: TargetBank(scans, dtype="float32"),
            "seconds_write_piece": lambda: write_piece(path, "stamp", piece),
            "seconds_read_piece": lambda: read_piece(path, "stamp"),
        }.items():
            noted[key] = cpu_seconds(function)[0]
        noted["bytes_piece"] = path.stat().st_size
        noted["seconds_clean_recording"], noted["bytes_recording"] = cleaning(folder)
    store(out / "cluster-costs.json", noted)
    print(json.dumps(noted, indent=1))


def stored(path, scans):
    """Store scans as clean recordings are stored."""
    import xarray as xr

    from hemiscale.results import write_dataset

    array = xr.DataArray(scans.astype(np.float32), dims=("scan", "voxel"), name="bold")
    array.encoding = {"zlib": True, "complevel": 1, "shuffle": True}
    write_dataset(path, array.to_dataset().assign_attrs(fingerprint="x"))
    return path


def cleaning(folder):
    """Seconds to clean one recording of 300 scans on the paper's grid, and its size."""
    import nibabel

    from hemiscale.bench.measure import cpu_seconds
    from hemiscale.brain import Cleaning, describe_recording, prepare_recording, read_mask
    from hemiscale.datasets import petit_prince_mask

    mask = read_mask(petit_prince_mask())
    inside = np.asarray(mask.dataobj) > 0
    values = np.zeros((*inside.shape, 300), dtype=np.int16)
    noise = np.random.default_rng(0).normal(1000, 10, size=(int(inside.sum()), 300))
    values[inside] = (20 * noise).astype(np.int16)
    image = nibabel.Nifti1Image(values, mask.affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_zooms((*image.header.get_zooms()[:3], 2.0))
    path = folder / "sub-01_bold.nii.gz"
    nibabel.save(image, path)
    recording = describe_recording(path, subject="01", run=1)
    cleaned = Cleaning(t_r=2.0, smoothing=4.0)
    seconds, _ = cpu_seconds(lambda: prepare_recording(recording, mask, cleaned, folder / "clean"))
    return seconds, path.stat().st_size


class Played:
    """The large study, played through with the pipeline's order of work and measured costs."""

    def __init__(self, measured, overhead, validation, n_workers):
        from hemiscale.bench.estimate import paper_models

        self.measured, self.overhead = measured, overhead
        self.layer = {int(w): one[validation] for w, one in measured["layer"].items()}
        self.models, self.n_workers = paper_models(), n_workers
        self.reading = reading_seconds(measured["sgemm_rate"])

    def seconds(self, unit, worker):
        """How long a unit takes a worker, by what; the worker remembers what it has at hand."""
        from hemiscale.bench.estimate import seconds_per_layer
        from hemiscale.pipeline.units import FitLayers, ReadRun

        name, cost = unit.feature.name, self.measured
        n_layers, width = self.models[name]
        if isinstance(unit, ReadRun):
            worker["part"] = worker.get("part")
            return {"reading": self.reading[name] / RUNS}
        if isinstance(unit, FitLayers):
            spent = {"fitting": len(unit.layers) * seconds_per_layer(width, self.layer)}
            if worker.get("part") != unit.part:
                worker["part"] = unit.part
                spent["brain data"] = cost["seconds_read_listener"] + cost["seconds_bank"]
            spent["layers on disk"] = len(unit.layers) * cost["seconds_write_piece"]
            return spent
        pieces = (n_layers + 1) * SUBJECTS
        return {"layers on disk": pieces * (cost["seconds_read_piece"] * 2)}

    def play(self):
        """Return hours of the models' part, busy hours by kind, and how many units there were."""
        from hemiscale.pipeline.course import Course
        from hemiscale.pipeline.marks import Marks
        from hemiscale.pipeline.plan import FeatureSet
        from hemiscale.pipeline.units import ReadRun, RunRead

        order = sorted(self.models, key=lambda name: -self.reading[name])
        marks = Marks("", [""] * RUNS * LANGUAGES)
        courses = {
            name: Course(k, FeatureSet(name, "trained", name, name), marks, SUBJECTS, "cpu")
            for k, name in enumerate(order)
        }
        waiting, running, count = [], [], 0
        for course in courses.values():
            for priority, unit in course.first(self.n_workers):
                heapq.heappush(waiting, (priority, count := count + 1, unit))
        idle = [{} for _ in range(self.n_workers)]
        now, busy, n_units, given_out = 0.0, {}, 0, 0.0
        while waiting or running:
            while idle and waiting:
                _, _, unit = heapq.heappop(waiting)
                worker = idle.pop()
                spent = self.seconds(unit, worker)
                for kind, seconds in spent.items():
                    busy[kind] = busy.get(kind, 0.0) + seconds
                # The scheduler hands out one unit after the other.
                given_out = max(given_out, now) + self.overhead
                end = given_out + sum(spent.values())
                heapq.heappush(running, (end, count := count + 1, unit, worker))
                n_units += 1
            now, _, unit, worker = heapq.heappop(running)
            idle.append(worker)
            name = unit.feature.name
            result = RunRead(self.models[name][0] + 1) if isinstance(unit, ReadRun) else None
            for priority, following in courses[name].after(unit, result, self.n_workers):
                heapq.heappush(waiting, (priority, count := count + 1, following))
        return now, busy, n_units


def reading_seconds(rate):
    """Seconds of one core to read one language's story, by model."""
    import pandas as pd

    from hemiscale.bench.estimate import paper_models
    from hemiscale.datasets.petit_prince import petit_prince_words
    from hemiscale.models.estimates import estimate_model

    table = pd.read_csv(petit_prince_words())
    n_words = [len(rows) for _, rows in table.groupby("section")]
    return {
        name: estimate_model(name, n_words, rate=rate, dtype="float32").seconds
        for name in paper_models()
    }


def estimate(out):
    """Play the large study through on 1, 10 and 100 nodes; store and print."""
    measured = json.loads((out / "cluster-costs.json").read_text())
    tables = json.loads((out / "tables.json").read_text())
    empty = json.loads((out / "cluster-overhead.json").read_text())["seconds"]["4"]
    models = {}
    estimated = {
        "date": today(),
        "costs_of": measured["date"],
        "cores_per_node": CORES,
        "listeners": LISTENERS,
        "nodes": {},
    }
    for validation in ("first", "all"):
        for nodes in (1, 10, 100):
            n_workers = nodes * CORES
            study = Played(measured, empty, validation, n_workers)
            models = study.models
            seconds, busy, n_units = study.play()
            layers = sum(n + 1 for n, _ in models.values())
            halves = LISTENERS * measured["seconds_read_listener"] + measured["seconds_half"]
            bytes_scores = layers * SUBJECTS * measured["bytes_piece"]
            reads = busy["brain data"] / (
                measured["seconds_read_listener"] + measured["seconds_bank"]
            )
            recording = (
                measured["seconds_clean_recording"]
                + measured["bytes_recording"] * tables["seconds_verify_per_byte"]
            )
            stages = {
                # Cut as the pipeline cuts it.
                "recordings": LISTENERS * RUNS * recording / n_workers,
                "ceiling": halves * -(-10 // min(n_workers, 10)),
                "models": seconds,
                "scores reduced": reducing(
                    models, measured["bytes_piece"], tables, empty, n_workers
                ),
                "tables": tables["seconds_rest"]
                + 2 * len(models) * SUBJECTS * tables["seconds_read_summary"],
            }
            estimated["nodes"][f"{validation}, {nodes}"] = {
                "hours": {stage: value / 3600 for stage, value in stages.items()},
                "busy_core_hours": {kind: value / 3600 for kind, value in busy.items()},
                "units": n_units,
                "share_busy": sum(busy.values()) / (seconds * n_workers),
                "bytes_scores": bytes_scores,
                "bytes_per_second_brain_data": reads * measured["bytes_listener"] / seconds,
            }
            print(validation, nodes, estimated["nodes"][f"{validation}, {nodes}"], flush=True)
    store(out / "cluster-estimate.json", estimated)


def reducing(models, bytes_layer, tables, overhead, n_workers):
    """Seconds to compare all scores with their checksums, and to reduce them for the tables."""
    sizes = [(n + 1) * bytes_layer for n, _ in models.values()]
    checks = [size * SUBJECTS * tables["seconds_verify_per_byte"] for size in sizes]
    average = [size * tables["seconds_average_per_byte"] for size in sizes]
    units = average + [
        size * tables["seconds_listener_per_byte"] for size in sizes for _ in range(LISTENERS)
    ]
    return sum(
        # No unit is cut, and the scheduler hands out one after the other.
        max(sum(some) / n_workers, max(some), len(some) * overhead)
        for some in (checks, units)
    )


def table(out):
    """Print what is stored."""
    path = out / "cluster-scale.json"
    if path.exists():
        scaled = json.loads(path.read_text())
        print(f"{scaled['study']} ({scaled['machine']}; {scaled['date']})\n")
        print("| workers | seconds | times one worker |\n|---|--:|--:|")
        for kind, said in (("local", "processes of `--workers`"), ("dask", "Dask")):
            first = scaled[kind]["1"]["seconds"]
            for n, one in scaled[kind].items():
                print(f"| {n}, {said} | {one['seconds']:.1f} | {first / one['seconds']:.2f} |")
    path = out / "cluster-overhead.json"
    if path.exists():
        empty = json.loads(path.read_text())
        print("\n| Dask workers | a unit that does nothing |\n|--:|--:|")
        for n, seconds in empty["seconds"].items():
            print(f"| {n} | {1000 * seconds:.1f} ms |")
    path = out / "cluster-estimate.json"
    if path.exists():
        print("\n| validation, nodes | recordings | ceiling | models | scores reduced | tables | "
              "units | busy | brain data read |")  # fmt: skip
        print("|---" + 8 * "|--:" + "|")
        for name, one in json.loads(path.read_text())["nodes"].items():
            hours = " | ".join(span(value) for value in one["hours"].values())
            print(
                f"| {name} | {hours} | {one['units']:,} | {one['share_busy']:.0%} | "
                f"{one['bytes_per_second_brain_data'] / 1e6:,.0f} MB/s |"
            )


def span(hours):
    """Write a time in the unit that suits it."""
    if hours < 1 / 60:
        return f"{3600 * hours:.0f} s"
    return f"{60 * hours:.0f} min" if hours < 1 else f"{hours:.1f} h"


def store(path, noted):
    """Write a result."""
    path.write_text(json.dumps(noted, indent=1) + "\n")


def today():
    """Return the date."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def main():
    """Read the command line."""
    commands = {
        "scale": scale,
        "costs": costs,
        "overhead": overhead,
        "estimate": estimate,
        "table": table,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=list(commands))
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    commands[given.command](given.out)


if __name__ == "__main__":
    main()
