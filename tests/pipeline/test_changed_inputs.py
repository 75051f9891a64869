"""Inputs that change while they are read: nothing is stored of them, and it is said."""

import importlib
import os
import subprocess
import sys

import nibabel
import numpy as np
import pytest

import hemiscale.pipeline.inputs as inputs_module
import hemiscale.pipeline.run as run_module
from hemiscale.errors import HemiscaleError
from hemiscale.pipeline import run_study
from hemiscale.results import file_digest
from hemiscale.study import read_study

CHANGED = "changed while the study was running"


@pytest.fixture(autouse=True)
def no_page(monkeypatch):
    """Spare the figures, which take longest."""
    monkeypatch.setattr("hemiscale.report.write_report", lambda folder: folder / "report.html")


def run(folder, out, **options):
    return run_study(read_study(folder / "study.toml"), out, quiet=True, **options)


def stored(out):
    """What is kept of recordings and scores, by what it holds."""
    files = sorted([*out.glob("prepared/**/*.nc"), *out.glob("scores/*.nc")])
    return {str(path.relative_to(out)): file_digest(path) for path in files}


def before(monkeypatch, module, name, change):
    """Let something change just before a function is called, the first time."""
    function = getattr(module, name)
    times = []

    def changed_first(*arguments, **options):
        if not times:
            change()
        times.append(1)
        return function(*arguments, **options)

    monkeypatch.setattr(module, name, changed_first)


def after(monkeypatch, module, name, change):
    """Let something change just after a function is called, the first time."""
    function = getattr(module, name)
    times = []

    def changed_then(*arguments, **options):
        found = function(*arguments, **options)
        if not times:
            change()
        times.append(1)
        return found

    monkeypatch.setattr(module, name, changed_then)


def write_vectors(path, words, seed):
    rng = np.random.default_rng(seed)
    rows = [f"{word} {' '.join(f'{x:.4f}' for x in rng.normal(size=8))}\n" for word in words]
    path.write_text("".join(rows))


def words_of(folder):
    return sorted({row.split(",")[0] for row in (folder / "words.csv").read_text().split("\n")[1:]})


@pytest.fixture
def static_folder(study_folder):
    study = study_folder / "study.toml"
    study.write_text(
        study.read_text().replace(
            "word_rate = true",
            'word_rate = true\nstatic_embeddings = ["v.txt"]\nword_frequency = "counts.csv"',
        )
    )
    words = [word for word in words_of(study_folder) if word]
    write_vectors(study_folder / "v.txt", words, 0)
    counts = "\n".join(f"{word},{10 + k}" for k, word in enumerate(words))
    (study_folder / "counts.csv").write_text(f"word,frequency\n{counts}\n")
    return study_folder


@pytest.mark.parametrize(("name", "model"), [("v.txt", "v"), ("counts.csv", "word-frequency")])
def test_a_table_that_is_another_one_between_its_digest_and_reading(
    static_folder, tmp_path, monkeypatch, name, model
):
    path = static_folder / name
    good = path.read_bytes()
    lines = good.decode().splitlines(keepends=True)
    other = "".join([*lines[:1], *(a.split()[0] + " 1" * 8 + "\n" for a in lines[1:])])
    if name.endswith(".csv"):
        other = "".join([*lines[:1], *(a.split(",")[0] + ",7\n" for a in lines[1:])])
    with monkeypatch.context() as patched:
        after(patched, run_module, "make_marks", lambda: path.write_text(other))
        with pytest.raises(HemiscaleError, match=f"{name}: {CHANGED}"):
            run(static_folder, tmp_path / "out", only=[model])
    assert not list((tmp_path / "out").glob("scores/*"))
    path.write_bytes(good)
    run(static_folder, tmp_path / "out", only=[model])
    run(static_folder, tmp_path / "whole", only=[model])
    assert stored(tmp_path / "out") == stored(tmp_path / "whole")


def test_a_copy_of_a_table_with_another_time_is_the_same_table(
    static_folder, tmp_path, monkeypatch
):
    """As on another machine: its bytes are those of the digest; the end of the run tells."""
    with monkeypatch.context() as patched:
        path = static_folder / "v.txt"
        after(patched, run_module, "make_marks", lambda: os.utime(path, (1, 1)))
        with pytest.raises(HemiscaleError, match=f"v.txt: {CHANGED}"):
            run(static_folder, tmp_path / "out", only=["v"])
    assert (tmp_path / "out" / "scores" / "v.nc").is_file()


@pytest.mark.parametrize("name", ["words.csv", "text.txt", "s2.txt", "v.txt", "counts.csv"])
def test_what_changes_while_the_inputs_are_read_is_said(static_folder, tmp_path, monkeypatch, name):
    path = static_folder / name
    change = lambda: path.write_bytes(path.read_bytes() + b"\n")  # noqa: E731
    after(monkeypatch, inputs_module, "read_stories", change)
    with pytest.raises(HemiscaleError, match=f"{name}: {CHANGED}"):
        run(static_folder, tmp_path / "out", only=["word-rate"])


def test_words_beside_an_array_are_part_of_a_table(tmp_path):
    from hemiscale.models import model_identity

    np.save(tmp_path / "v.npy", np.ones((2, 3), dtype=np.float32))
    (tmp_path / "v.txt").write_text("alice\nrabbit\n")
    first = model_identity(tmp_path / "v.npy")
    (tmp_path / "v.txt").write_text("rabbit\nalice\n ")
    assert model_identity(tmp_path / "v.npy") != first


def turned(path):
    """A recording of the same size whose scans come in another order."""
    image = nibabel.load(path)
    values = np.asarray(image.dataobj)[..., ::-1].copy()
    made = nibabel.Nifti1Image(values, image.affine, image.header)
    path.unlink()
    nibabel.save(made, path)


MOMENTS = {
    "between header and digest": ("hemiscale.pipeline.run.read_brain_side", before),
    "between digest and mask": ("hemiscale.pipeline.masks._common_masks", before),
    "while it is looked at": ("hemiscale.brain.brain_of_recording", after),
    "between digest and cleaning": ("hemiscale.pipeline.volume_targets._prepare", before),
    "while it is cleaned": ("hemiscale.brain.prepared.clean_volumes", after),
    "after it is cleaned": ("hemiscale.pipeline.brain_side.prepare_volumes", after),
}


@pytest.fixture(scope="module")
def wholes():
    """What undisturbed runs store, by what the study asks for."""
    return {}


@pytest.mark.parametrize(
    ("moment", "asked"),
    [
        ("between header and digest", "average alone"),
        ("between digest and mask", "average alone"),
        ("while it is looked at", "average alone"),
        ("between digest and cleaning", "average alone"),
        ("while it is cleaned", "average alone"),
        ("while it is cleaned", "all"),
        ("after it is cleaned", "average alone"),
    ],
)
def test_a_recording_that_changes(
    volume_folder, bold_path, tmp_path, monkeypatch, wholes, moment, asked
):
    study = volume_folder / "study.toml"
    options = "voxel_size = 8" if asked == "all" else "voxel_size = 8\nindividuals = false"
    text = study.read_text().replace('mask = "mask.nii.gz"', options)
    study.write_text(text.replace("ceiling_splits = 2", "ceiling_splits = 0"))
    path = bold_path(volume_folder, "s1", 1)
    good, time = path.read_bytes(), path.stat().st_mtime_ns
    where, how = MOMENTS[moment]
    module, _, name = where.rpartition(".")
    with monkeypatch.context() as patched:
        how(patched, importlib.import_module(module), name, lambda: turned(path))
        with pytest.raises(HemiscaleError, match=f"{path.name}: {CHANGED}"):
            run(volume_folder, tmp_path / "out", only=["word-rate"])
    assert not list((tmp_path / "out").glob("scores/*"))
    path.write_bytes(good)
    os.utime(path, ns=(time, time))  # a copy that keeps the time looks untouched
    run(volume_folder, tmp_path / "out", only=["word-rate"])
    if asked not in wholes:
        run(volume_folder, tmp_path / "whole", only=["word-rate"])
        wholes[asked] = stored(tmp_path / "whole")
    assert stored(tmp_path / "out") == wholes[asked]


def test_half_a_recording_is_not_called_damaged_while_it_is_written(
    volume_folder, bold_path, tmp_path, monkeypatch
):
    path = bold_path(volume_folder, "s1", 1)
    module = importlib.import_module("hemiscale.brain.prepared")
    before(monkeypatch, module, "clean_volumes", lambda: path.write_bytes(path.read_bytes()[:9000]))
    with pytest.raises(HemiscaleError, match=f"{path.name}: {CHANGED}") as said:
        run(volume_folder, tmp_path / "out", only=["word-rate"])
    assert "cut off" not in str(said.value)


def test_recordings_of_another_machine_may_have_other_times(
    volume_folder, bold_path, tmp_path, monkeypatch
):
    path = bold_path(volume_folder, "s1", 1)
    targets = importlib.import_module("hemiscale.pipeline.volume_targets")
    time = path.stat().st_mtime_ns
    before(monkeypatch, targets, "_prepare", lambda: os.utime(path, (1, 1)))
    after(monkeypatch, targets, "_prepare", lambda: os.utime(path, ns=(time, time)))
    run(volume_folder, tmp_path / "out", only=["word-rate"])
    assert (tmp_path / "out" / "scores" / "word-rate.nc").is_file()


@pytest.mark.parametrize("kind", ["volume", "surface"])
def test_a_file_that_becomes_shorter_does_not_end_the_process(tmp_path, kind):
    path = tmp_path / f"{kind}.nii"
    values = np.ones((40, 40, 40, 20), dtype=np.float32)
    image = nibabel.Nifti1Image(values, np.eye(4))
    load = "from hemiscale.brain import open_nifti; image = open_nifti(sys.argv[1])"
    if kind == "surface":
        from nibabel.cifti2 import BrainModelAxis, Cifti2Image, SeriesAxis

        axis = BrainModelAxis.from_surface(np.arange(64_000), 64_000, name="CORTEX_LEFT")
        image = Cifti2Image(values.reshape(20, -1), (SeriesAxis(0, 2.0, 20), axis))
        load = "from pathlib import Path; from hemiscale.brain.surfaces import _load; "
        load += "image = _load(Path(sys.argv[1]))"
    nibabel.save(image, path)
    code = (
        f"import os, sys; import numpy as np; {load}; values = np.asarray(image.dataobj)\n"
        "os.truncate(sys.argv[1], 9000)\nprint(int(values.sum()))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "1280000\n"), ended.stderr
