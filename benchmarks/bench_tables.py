"""What the tables of a large voxelwise study cost, part by part, at the paper's size.

    python benchmarks/bench_tables.py           # measure and store
    python benchmarks/bench_tables.py table     # what is stored, as the README's table

Scores are random numbers: what is measured does not hang on them. Results go to
``benchmarks/results/tables.json``; ``bench_cluster.py estimate`` reads them.
"""

import argparse
import dataclasses
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import xarray as xr

STORED = Path(__file__).parent / "results" / "tables.json"
VOXELS, PAIRS, RUNS, REGIONS = 25_870, 12_700, 9, 12
LAYERS = 13  # of the model whose scores are reduced
LISTENERS = 112


def scores():
    """Make scores of one model in a listener and the average subject."""
    rng = np.random.default_rng(0)
    side = np.full(VOXELS, "midline", dtype="<U7")
    mirror = np.full(VOXELS, -1)
    left, right = np.arange(PAIRS), np.arange(PAIRS, 2 * PAIRS)
    side[left], side[right], mirror[left], mirror[right] = "left", "right", right, left
    dims, shape = ("subject", "layer", "run", "target"), (2, LAYERS, RUNS, VOXELS)
    return xr.Dataset(
        {
            name: (dims, rng.normal(0.1, 0.05, shape).astype(np.float32))
            for name in ("score", "validation_score")
        },
        coords={
            "subject": ["average", "s1"],
            "layer": np.arange(LAYERS),
            "run": np.arange(1, RUNS + 1),
            "target": np.arange(VOXELS),
            "hemisphere": ("target", side),
            "mirror": ("target", mirror),
            **{axis: ("target", np.zeros(VOXELS)) for axis in "xyz"},
        },
        attrs={"model": "m", "group": "m", "validation": "all", "fingerprint": "m"},
    )


def brain():
    """Make a ceiling, and say which voxels belong to which region."""
    rng = np.random.default_rng(1)
    reliability = rng.uniform(0.0, 0.6, (10, VOXELS)).astype(np.float32)
    ceiling = xr.Dataset({"reliability": (("split", "target"), reliability)})
    voxels = xr.Dataset(
        {"region": (("region_name", "target"), rng.random((REGIONS, VOXELS)) < 0.02)},
        coords={"region_name": [f"region-{k}" for k in range(REGIONS)]},
    )
    return ceiling.assign_attrs(fingerprint="c"), voxels.assign_attrs(fingerprint="v")


def large_study(one):
    """Summaries of the paper's 28 models and 112 listeners: those of `one`, with other numbers."""
    from hemiscale.bench.estimate import paper_models

    rng = np.random.default_rng(2)

    def drawn(array, *first):
        values = np.broadcast_to(array[:1], (*first, *array.shape[len(first) :]))
        return values + rng.normal(0, 0.01, values.shape)

    models = []
    for k, (name, (n_layers, width)) in enumerate(paper_models().items()):
        n = n_layers + 1
        profile = one.profile_by_listener[:, :1]
        by_run, without = one.profile_by_run[:, :1], one.profile_without_run[:, :1]
        attrs = {
            "model": name,
            "kind": "trained",
            "group": name,
            "family": name.split("-")[0],
            "n_parameters": int(1e8 * 1.2**k),
            "n_layers": n_layers,
            "width": width,
            "seed": -1,
            "training_step": -1,
            "validation": "all",
            "bits_per_byte": 1.2 - 0.01 * k,
            "perplexity": 30.0 - k,
        }
        models.append(
            dataclasses.replace(
                one,
                attrs=attrs,
                listeners=tuple(f"s{k}" for k in range(LISTENERS)),
                layers=np.arange(n),
                by_listener={how: drawn(a, LISTENERS) for how, a in one.by_listener.items()},
                profile_by_listener=drawn(profile, LISTENERS, n),
                profile_by_run=drawn(by_run, RUNS, n),
                profile_without_run=drawn(without, RUNS, n),
            )
        )
    return models


def measure():
    """Measure and store."""
    from threadpoolctl import threadpool_limits

    from hemiscale.analysis import columns_of, join_subjects, voxels_of, write_reduced_tables
    from hemiscale.bench.measure import cpu_seconds, machine_name
    from hemiscale.pipeline.summaries import Task, read_summary, summarise
    from hemiscale.results import ResultsFolder, verify_seal, write_dataset

    noted = {"machine": machine_name(), "date": datetime.now(UTC).date().isoformat()}
    dataset, (ceiling, voxels) = scores(), brain()
    subject_bytes = dataset["score"].nbytes  # of two subjects, as both kinds of scores of one
    with threadpool_limits(1), tempfile.TemporaryDirectory() as name:
        folder = ResultsFolder(Path(name))
        write_dataset(folder.scores("m"), dataset)
        write_dataset(folder.ceiling, ceiling)
        write_dataset(folder.voxels, voxels)
        size = folder.scores("m").stat().st_size
        verify_seal(folder.scores("m"))  # once from disk
        noted["seconds_verify_per_byte"] = cpu_seconds(lambda: verify_seal(folder.scores("m")))[0]
        noted["seconds_verify_per_byte"] /= size
        mark = dataset.attrs["fingerprint"]
        summarise([Task("m", 1, "warm", mark)], folder)
        for who, k in (("average", 0), ("listener", 1)):
            seconds, _ = cpu_seconds(lambda k=k: summarise([Task("m", k, "x", mark)], folder))
            noted[f"seconds_{who}_per_byte"] = seconds / subject_bytes
            noted[f"bytes_summary_{who}"] = folder.summary("m", k).stat().st_size
        path = folder.summary("m", 1)
        noted["seconds_read_summary"], one = cpu_seconds(lambda: read_summary(path, "x"))
        columns = columns_of(dataset, ceiling, voxels)
        both = [read_summary(folder.summary("m", 0), "x"), one]
        summary = join_subjects(dict(dataset.attrs), dataset["layer"].values, both, columns)
        models = large_study(summary)
        noted["seconds_rest"], _ = cpu_seconds(
            lambda: write_reduced_tables(
                models, columns, voxels_of(dataset), ceiling, folder.tables
            )
        )
    noted["models"], noted["listeners"] = len(models), LISTENERS
    STORED.write_text(json.dumps(noted, indent=1) + "\n")
    print(json.dumps(noted, indent=1))


def table():
    """Print what is stored."""
    noted = json.loads(STORED.read_text())
    rows = [
        ("compare with the checksum", noted["seconds_verify_per_byte"]),
        ("reduce a listener's", noted["seconds_listener_per_byte"]),
        ("reduce the average subject's", noted["seconds_average_per_byte"]),
    ]
    print(f"({noted['machine']}; {noted['date']})\n")
    print("| scores, a gigabyte | processor seconds |\n|---|--:|")
    for what, seconds in rows:
        print(f"| {what} | {1e9 * seconds:.1f} |")
    print(
        f"\nThe rest of the tables, from summaries of {noted['models']} models and "
        f"{noted['listeners']} listeners: {noted['seconds_rest']:.0f} s."
    )


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", nargs="?", choices=["measure", "table"], default="measure")
    table() if parser.parse_args().command == "table" else measure()


if __name__ == "__main__":
    main()
