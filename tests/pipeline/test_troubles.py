"""Full disks, read-only folders and inputs that change: a clear end, and a run that goes on."""

import errno
import os
import subprocess

import pytest

from hemiscale.errors import HemiscaleError
from hemiscale.pipeline import run_study
from hemiscale.results import file_digest
from hemiscale.study import read_study


@pytest.fixture(autouse=True)
def no_page(monkeypatch):
    """Spare the figures, which take longest."""
    monkeypatch.setattr("hemiscale.report.write_report", lambda folder: folder / "report.html")


@pytest.fixture
def run(study_folder):
    return lambda out: run_study(read_study(study_folder / "study.toml"), out, quiet=True)


def contents(out):
    files = [*out.glob("tables/*"), *out.glob("scores/*.nc"), out / "ceiling.nc"]
    return {str(path.relative_to(out)): file_digest(path) for path in sorted(files)}


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 160 KiB that can be made larger or read-only."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(disk)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a file system")

    def remount(options):
        subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)

    yield disk, remount
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_real_full_disk(run, small_disk, tmp_path, capfd):
    disk, remount = small_disk
    out = disk / "out"
    with pytest.raises(HemiscaleError, match=r"No space left on device.*what is finished is kept"):
        run(out)
    assert "Logging error" not in capfd.readouterr().err
    assert not list(out.rglob("*.part"))
    remount("size=50m")
    run(out)
    run(tmp_path / "whole")
    assert contents(out) == contents(tmp_path / "whole")


def test_real_read_only_disk(run, small_disk):
    disk, remount = small_disk
    (disk / "out").mkdir()
    remount("ro")
    with pytest.raises(HemiscaleError, match="cannot be written \\(Read-only file system\\)"):
        run(disk / "out")


@pytest.mark.parametrize(
    ("after", "problem"),
    [
        *((after, errno.ENOSPC) for after in (0, 1, 3, 8, 14)),
        (2, errno.EACCES),
        (4, errno.EROFS),
        (6, errno.EIO),
    ],
)
def test_trouble_after_some_files(run, tmp_path, monkeypatch, after, problem):
    out = tmp_path / "out"
    fsync, written = os.fsync, []

    def fail(*arguments):
        if len(written) >= after:
            raise OSError(problem, os.strerror(problem))
        written.append(1)
        return fsync(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(HemiscaleError, match=rf"cannot be written \({os.strerror(problem)}\)"):
            run(out)
    assert not list(out.rglob("*.part"))
    # Scores count with the facts beside them.
    done = [path.with_suffix(".nc") for path in out.glob("scores/*.json")]
    kept = {path: path.stat().st_mtime_ns for path in done}
    run(out)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


@pytest.mark.parametrize("name", ["s3.txt", "words.csv", "text.txt"])
def test_input_that_changes_during_the_run(run, study_folder, tmp_path, monkeypatch, name):
    import hemiscale.pipeline.run as module

    out = tmp_path / "out"
    work = module.work_on_all

    def work_and_change(*arguments, **options):
        done = work(*arguments, **options)
        path = study_folder / name
        path.write_bytes(path.read_bytes() + b"\n")
        return done

    with monkeypatch.context() as patched:
        patched.setattr(module, "work_on_all", work_and_change)
        with pytest.raises(HemiscaleError, match=rf"{name}: changed while the study was running"):
            run(out)
    assert not (out / "tables").exists()
    run(out)
    assert (out / "tables" / "models.tsv").is_file()


def test_scores_that_a_worker_of_an_edited_study_brings_late(study_folder, tmp_path, monkeypatch):
    import shutil

    import hemiscale.pipeline.run as module

    path = study_folder / "study.toml"

    def run(out):
        return run_study(read_study(path), out, quiet=True, only=["word-rate", "random-vector-20d"])

    run(tmp_path / "before")
    path.write_text(path.read_text().replace("[design]", "[design]\ntrim = 10.0"))
    run(tmp_path / "edited")
    out = tmp_path / "out"
    make = module.make_summaries

    def come_late(*arguments):
        for name in ("word-rate.nc", "word-rate.json"):
            shutil.copy(tmp_path / "before" / "scores" / name, out / "scores" / name)
        return make(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(module, "make_summaries", come_late)
        with pytest.raises(HemiscaleError, match=r"word-rate\.nc: not what was made of this study"):
            run(out)
    assert not (out / "tables").exists()
    run(out)
    assert contents(out) == contents(tmp_path / "edited")


def test_model_that_changes_while_it_is_loaded(study_folder, tmp_path, monkeypatch):
    import shutil
    from pathlib import Path

    import hemiscale.datasets
    import hemiscale.models.loading as loading

    ladder = Path(hemiscale.datasets.__file__).parent / "ladder"
    model = Path(shutil.copytree(ladder / "austen-0.1m", study_folder / "model"))
    shutil.copytree(ladder / "tokenizer", model, dirs_exist_ok=True)
    path = study_folder / "study.toml"
    path.write_text(path.read_text() + '\n[[models]]\nname = "model"\n')
    load = loading.load_model

    def load_and_change(*arguments, **options):
        loaded = load(*arguments, **options)
        os.utime(model / "model.safetensors")
        return loaded

    monkeypatch.setattr("hemiscale.models.load_model", load_and_change, raising=False)
    with pytest.raises(HemiscaleError, match=r"model.safetensors: changed while"):
        run_study(read_study(path), tmp_path / "out", quiet=True, only=["model"])
    assert not list((tmp_path / "out").rglob("*.safetensors"))


def test_a_disk_without_locks_is_said_and_a_held_lock_is_respected(
    run, study_folder, tmp_path, monkeypatch, capfd
):
    import fcntl

    out = tmp_path / "out"

    def held(*arguments):
        raise BlockingIOError(errno.EWOULDBLOCK, "held")

    def none(*arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    with monkeypatch.context() as patched:
        patched.setattr(fcntl, "flock", held)
        with pytest.raises(HemiscaleError, match="another run is at work in this folder"):
            run(out)
        assert not (out / "study.toml").exists()
        patched.setattr(fcntl, "flock", none)
        run_study(read_study(study_folder / "study.toml"), out, only=["word-rate"])
    said = " ".join(capfd.readouterr().err.split())
    assert "this disk keeps no locks (No locks available)" in said
    assert (out / "tables" / "models.tsv").is_file()


def test_stopped_with_ctrl_c(study_folder, tmp_path, monkeypatch, capfd):
    import sys

    from hemiscale.cli import main

    def stopped(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("hemiscale.pipeline.run.work_on_all", stopped)
    command = ["hemiscale", "run", str(study_folder / "study.toml"), "--out", str(tmp_path / "o")]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capfd.readouterr().err.endswith("stopped; what is finished is kept.\n")
