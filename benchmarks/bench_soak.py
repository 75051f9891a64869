"""Long and large studies: whether memory stays flat, and how much is needed.

    python benchmarks/bench_soak.py models    # 28 tiny models, one after the other, under a limit
    python benchmarks/bench_soak.py voxels    # 200,000 voxels of 2 mm, nine runs, within 6 GB
    python benchmarks/bench_soak.py table     # what is stored, as the README's table

Each study runs in a process of its own. ``models`` limits its data segment (RLIMIT_DATA), so that
a leak ends it; ``voxels`` limits it to 6 GB. What is resident is noted four times a second.
Recordings are simulated. Results go to ``benchmarks/results/``.
"""

import argparse
import datetime
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).parent / "results"
GB = 1e9
SEEDS = 6  # of untrained weights for each of four models: 28 with the trained ones
FLAT = 1.1  # memory at the last model over that at the eighth
N_VOXELS, VOXEL = 200_000, 2.0
SCANS = (282, 298, 340, 303, 265, 343, 325, 292, 368)  # the paper's runs before they are cut
T_R = 2.0


def run_limited(study, out, *options, limit):
    """Run a study in a process of its own; return what it held while models became done."""
    import psutil

    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(threads, "1") | {"HF_HUB_OFFLINE": "1"}
    start = time.perf_counter()
    with (out.parent / "said.txt").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "hemiscale", "run", str(study), "--out", str(out), *options],
            env=environment,
            stdout=said,
            stderr=said,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (int(limit), int(limit))),
        )
        watched = psutil.Process(process.pid)
        by_models, stage = {}, {}
        while process.poll() is None:
            try:
                held = watched.memory_info().rss
            except psutil.NoSuchProcess:
                break
            done = len(list(out.glob("scores/*.nc")))
            by_models[done] = max(by_models.get(done, 0), held)
            now = where(out)
            stage[now] = max(stage.get(now, 0), held)
            time.sleep(0.25)
    if process.wait():
        raise SystemExit((out.parent / "said.txt").read_text()[-3000:])
    return {
        "seconds": time.perf_counter() - start,
        "limit": limit,
        "peak_by_models_done": by_models,
        "peak_by_stage": stage,
        "peak": max(by_models.values()),
    }


def where(out):
    """How far a run has come."""
    if (out / "tables").exists():
        return "tables, maps and page"
    if list(out.glob("scores/*")) or (out / "unfinished").exists():
        return "models"
    if (out / "activations").exists():
        return "models"
    return "ceiling" if (out / "voxels.nc").exists() else "recordings"


def models(out):
    """Run the small rehearsal study with 28 tiny models in one process."""
    from hemiscale.bench.measure import machine_name
    from hemiscale.pipeline.rehearsal import LADDER, write_rehearsal

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = write_rehearsal(folder / "study", n_listeners=3, small=True)
        text = made.study.read_text().partition("[[models]]")[0]
        seeds = list(range(SEEDS))
        text += "".join(f'[[models]]\nname = "{m}"\nuntrained = {seeds}\n' for m in LADDER)
        made.study.write_text(text)
        names = [n for m in LADDER for n in (m, *(f"{m}-untrained-seed{s}" for s in seeds))]
        only = [part for n in names for part in ("--only", n)]
        noted = run_limited(made.study, folder / "out", "--workers", "1", *only, limit=3 * GB)
    held = noted["peak_by_models_done"]
    assert max(held) == len(names) == 28, held
    noted |= {"machine": machine_name(), "date": today(), "models": len(names)}
    noted["last_over_eighth"] = held[27] / held[8]
    store(out / "soak-models.json", noted)
    assert noted["last_over_eighth"] < FLAT, "memory grows with the number of models"


def voxels(out):
    """Run two listeners, their average and the ceiling on a grid of 2 mm."""
    from hemiscale.bench.measure import machine_name

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        n_voxels = write_large(folder / "study")
        noted = run_limited(
            folder / "study/study.toml", folder / "out", "--workers", "1", limit=6 * GB
        )
    noted |= {"machine": machine_name(), "date": today(), "n_voxels": n_voxels}
    store(out / "soak-voxels.json", noted)


def write_large(folder):
    """Write the recordings of two listeners of noise, and a study on them."""
    import nibabel

    shape = (91, 109, 91)
    affine = np.diag([VOXEL, VOXEL, VOXEL, 1.0])
    affine[:3, 3] = [-VOXEL * (n - 1) / 2 for n in shape]
    centred = np.stack(np.indices(shape), axis=-1) - (np.array(shape) - 1) / 2
    distance = np.square(centred / np.array(shape)).sum(axis=-1)
    inside = distance <= np.sort(distance, axis=None)[N_VOXELS]
    folder.mkdir()
    nibabel.save(nibabel.Nifti1Image(inside.astype(np.uint8), affine), folder / "mask.nii.gz")
    rng = np.random.default_rng(0)
    rows = ["word,onset,offset,section"]
    for run, n_scans in enumerate(SCANS, start=1):
        onsets = np.sort(rng.uniform(0, T_R * n_scans - 4, n_scans * 5))
        rows += [f"alice,{onset:.3f},{onset + 0.2:.3f},{run}" for onset in onsets]
        for listener in ("one", "two"):
            values = np.zeros((*shape, n_scans), dtype=np.int16)
            noise = rng.standard_normal((int(inside.sum()), n_scans), dtype=np.float32)
            values[inside] = (10000 + 200 * noise).astype(np.int16)
            image = nibabel.Nifti1Image(values, affine)
            image.header["descrip"] = b"SIMULATED"
            image.header.set_xyzt_units("mm", "sec")
            image.header.set_zooms((VOXEL, VOXEL, VOXEL, T_R))
            with gzip.open(folder / f"{listener}-{run}.nii.gz", "wb", compresslevel=1) as stream:
                stream.write(image.to_bytes())
            print("wrote", listener, run, flush=True)
    (folder / "words.csv").write_text("\n".join(rows) + "\n")
    (folder / "study.toml").write_text(
        f"""\
name = "large"
simulated = true
[stimulus]
words = "words.csv"
sections = {list(range(1, len(SCANS) + 1))}
[recordings]
kind = "volumes"
files = "{{subject}}-{{run}}.nii.gz"
subjects = ["one", "two"]
mask = "mask.nii.gz"
average = true
individuals = false
ceiling_splits = 1
[encoding]
validation = "first"
[baselines]
word_rate = true
random_vectors = {{ dimensions = [300], seeds = 1 }}
"""
    )
    return int(inside.sum())


def table(out):
    """Print what is stored."""
    noted = json.loads((out / "soak-models.json").read_text())
    print(f"28 tiny models in one process, limit {noted['limit'] / GB:.0f} GB "
          f"({noted['machine']}; {noted['date']}; {noted['seconds']:.0f} s)\n")  # fmt: skip
    print("| models done | largest memory until the next |\n|--:|--:|")
    for done in (0, 1, 4, 8, 12, 16, 20, 24, 27):
        print(f"| {done} | {noted['peak_by_models_done'][str(done)] / GB:.2f} GB |")
    path = out / "soak-voxels.json"
    if path.exists():
        noted = json.loads(path.read_text())
        print(f"\n{noted['n_voxels']:,} voxels, nine runs, {sum(SCANS):,} scans "
              f"({noted['machine']}; {noted['date']}; {noted['seconds']:.0f} s)\n")  # fmt: skip
        print("| stage | largest memory |\n|---|--:|")
        for stage, held in noted["peak_by_stage"].items():
            print(f"| {stage} | {held / GB:.2f} GB |")


def store(path, noted):
    """Write a result, and show it."""
    path.write_text(json.dumps(noted, indent=1) + "\n")
    print(json.dumps(noted, indent=1))


def today():
    """Return the date."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def main():
    """Read the command line."""
    commands = {"models": models, "voxels": voxels, "table": table}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=commands)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    commands[given.command](given.out)


if __name__ == "__main__":
    main()
