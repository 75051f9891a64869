"""Long and large studies: whether memory stays flat, and how much is needed.

    python benchmarks/bench_soak.py models    # 28 tiny models, one after the other, under a limit
    python benchmarks/bench_soak.py voxels    # 200,000 voxels of 2 mm, nine runs, within 6 GB
    python benchmarks/bench_soak.py table     # what is stored, as the README's table

Each study runs in a process of its own. Its data segment is limited (RLIMIT_DATA): all memory that
it may write to, whether it has used it or not, which is more than a cgroup would count. ``models``
has 3 GB, so that a leak ends it; ``voxels`` has 6 GB. Noted four times a second: what the process
has reserved, and what it and its children hold together (shared pages once). Recordings are
simulated. Results go to ``benchmarks/results/``.

``voxels`` writes 2 GB of recordings first; ``--keep DIR`` leaves them, and what the study made of
them, in a folder, for another attempt.
"""

import argparse
import contextlib
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
WORDS = (
    "the",
    "queen",
    "said",
    "to",
    "alice",
    "that",
    "she",
    "had",
    "seen",
    "a",
    "white",
    "rabbit",
)
MEANINGS, SIGNAL = 20, 0.5  # what a word is made of; response over noise, in standard deviations


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
        by_models, stage, seconds = {}, {}, {}
        reserved = n_processes = 0
        while process.poll() is None:
            try:
                family = [watched, *watched.children(recursive=True)]
                held = sum(one.memory_full_info().pss for one in family)
                reserved = max(reserved, watched.memory_info().data)
            except psutil.NoSuchProcess:  # one of them has just ended
                time.sleep(0.05)
                continue
            n_processes = max(n_processes, len(family))
            done = len(list(out.glob("scores/*.nc")))
            by_models[done] = max(by_models.get(done, 0), held)
            now = where(out)
            stage[now] = max(stage.get(now, 0), held)
            seconds[now] = time.perf_counter() - start
            time.sleep(0.25)
    if process.wait():
        raise SystemExit(f"{stage}\n" + (out.parent / "said.txt").read_text()[-3000:])
    peak = max(by_models.values())
    assert peak < limit, f"the processes held {peak} bytes together, the limit is {limit}"
    return {
        "seconds": time.perf_counter() - start,
        "limit": limit,
        "peak_by_models_done": by_models,
        "peak_by_stage": stage,
        "seconds_until_end_of_stage": seconds,
        "peak": peak,
        "peak_reserved": reserved,
        "processes": n_processes,
    }


def where(out):
    """How far a run has come."""
    if (out / "tables").exists():
        return "tables, maps and page"
    if (out / "ceiling.nc").exists() or (out / "activations").exists():
        return "models"
    if (out / "prepared/swapped-runs.json").exists():
        return "ceiling"
    return "runs beside their words" if (out / "voxels.nc").exists() else "recordings"


def models(out, keep):
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


def voxels(out, keep):
    """Run two listeners, their average and the ceiling on a grid of 2 mm."""
    from hemiscale.bench.measure import machine_name

    with tempfile.TemporaryDirectory() if keep is None else contextlib.nullcontext(keep) as name:
        folder = Path(name)
        study = folder / "study/study.toml"
        if not study.exists():  # it is written last
            write_large(study.parent)
        n_voxels = count_voxels(study.parent)
        noted = run_limited(study, folder / "out", "--workers", "1", limit=6 * GB)
    noted |= {"machine": machine_name(), "date": today(), "n_voxels": n_voxels}
    store(out / "soak-voxels.json", noted)


def write_large(folder):
    """Write the recordings of two listeners, and a study on them.

    Both follow the same random words, each voxel in its own way, under noise of their own. In pure
    noise no penalty is better than another, and the search for one takes hours.
    """
    import nibabel

    from hemiscale.encoding import hrf_design, standardise

    shape = (91, 109, 91)
    affine = np.diag([VOXEL, VOXEL, VOXEL, 1.0])
    affine[:3, 3] = [-VOXEL * (n - 1) / 2 for n in shape]
    centred = np.stack(np.indices(shape), axis=-1) - (np.array(shape) - 1) / 2
    distance = np.square(centred / np.array(shape)).sum(axis=-1)
    inside = distance <= np.sort(distance, axis=None)[N_VOXELS]
    folder.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(inside.astype(np.uint8), affine), folder / "mask.nii.gz")
    rng, story = np.random.default_rng(0), np.random.default_rng(1)
    weights = rng.standard_normal((MEANINGS, int(inside.sum())), dtype=np.float32)
    weights *= SIGNAL / MEANINGS**0.5
    rows = ["word,onset,offset,section"]
    for run, n_scans in enumerate(SCANS, start=1):
        onsets = np.sort(rng.uniform(0, T_R * n_scans - 4, n_scans * 5))
        said = story.choice(WORDS, len(onsets))
        rows += [
            f"{word},{onset:.3f},{onset + 0.2:.3f},{run}"
            for word, onset in zip(said, onsets, strict=True)
        ]
        words = np.column_stack(
            [np.ones(len(onsets)), rng.normal(size=(len(onsets), MEANINGS - 1))]
        )
        design = hrf_design(onsets, np.full(len(onsets), 0.2), n_scans, T_R)
        response = weights.T @ standardise(design @ words).astype(np.float32).T
        for listener in ("one", "two"):
            values = np.zeros((*shape, n_scans), dtype=np.int16)
            noise = rng.standard_normal(response.shape, dtype=np.float32)
            values[inside] = (10000 + 200 * (response + noise)).astype(np.int16)
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
[[models]]
name = "austen-0.4m"
"""
    )


def count_voxels(folder):
    """Count the voxels of the mask."""
    import nibabel

    return int(np.count_nonzero(nibabel.load(folder / "mask.nii.gz").dataobj))


def table(out, keep):
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
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it (voxels)")
    given = parser.parse_args()
    commands[given.command](given.out, given.keep)


if __name__ == "__main__":
    main()
