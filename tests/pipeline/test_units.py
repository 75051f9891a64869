"""Units of work: done once, done again, damaged, and by several processes."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

import hemiscale.pipeline.station as station_module
from hemiscale.errors import HemiscaleError, HemiscaleWarning
from hemiscale.pipeline import plan_study, read_inputs, run_study
from hemiscale.pipeline.brain_side import read_brain_side
from hemiscale.pipeline.crews import Processes, local_crew
from hemiscale.pipeline.helpers import Helpers
from hemiscale.pipeline.marks import is_done, make_marks
from hemiscale.pipeline.pieces import (
    piece_file,
    remove_empty_folders,
    remove_pieces,
    unfinished_folder,
)
from hemiscale.pipeline.progress import Display
from hemiscale.pipeline.station import Job, Station
from hemiscale.pipeline.units import FitLayers, ReadRun, WriteScores, do
from hemiscale.results import ResultsFolder, file_digest, read_record, write_record
from hemiscale.study import read_study

MODEL = "austen-0.1m"


@pytest.fixture
def at_work(study_folder, tmp_path):
    """A station, and the model's feature set with its marks."""
    path = study_folder / "study.toml"
    path.write_text(path.read_text() + f'\n[[models]]\nname = "{MODEL}"\n')
    study = read_study(path)
    inputs, folder = read_inputs(study), ResultsFolder(tmp_path / "out")
    targets = read_brain_side(study, inputs, folder, None, Helpers()).targets
    feature = next(f for f in plan_study(study) if f.name == MODEL)
    marks = make_marks(study, inputs, feature, targets.fingerprint)
    job = Job(study, inputs, targets.without_listeners(), folder, "cpu")
    return Station(job, lambda *_: None), feature, marks


def finish(station, feature, marks):
    read = do(ReadRun(feature, marks, 0, "cpu"), station)
    said = do(FitLayers(feature, marks, 0, range(read.n_layers), read.n_layers), station)
    outcome = do(WriteScores(feature, marks, read.n_layers, (read,)), station)
    return read, said, outcome


def test_what_is_there_is_not_made_again(at_work, monkeypatch):
    station, feature, marks = at_work
    folder = station.job.folder
    reads = []
    parts = type(station.job.targets.parts[0])
    bank = parts.bank
    monkeypatch.setattr(parts, "bank", lambda *a: reads.append(1) or bank(*a))
    read = do(ReadRun(feature, marks, 0, "cpu"), station)
    for k in range(read.n_layers):
        assert do(FitLayers(feature, marks, 0, range(k, k + 1), read.n_layers), station) == []
    assert len(reads) == 1, "the brain data are read once by a process"
    pieces = sorted(unfinished_folder(folder).rglob("*.safetensors"))
    assert len(pieces) == read.n_layers
    before = [path.stat().st_mtime_ns for path in pieces]

    def never(*arguments, **options):
        raise AssertionError("made again")

    with monkeypatch.context() as patched:
        patched.setattr(station_module, "load", never)
        patched.setattr("hemiscale.pipeline.units.score_layer", never)
        other = Station(station.job, lambda *_: None)
        again = do(ReadRun(feature, marks, 0, "cpu"), other)
        assert again.n_layers == read.n_layers
        do(FitLayers(feature, marks, 0, range(read.n_layers), read.n_layers), other)
        assert [path.stat().st_mtime_ns for path in pieces] == before
        outcome = do(WriteScores(feature, marks, read.n_layers, (again,)), other)
        assert outcome.seconds["encoding"] > 0
        assert is_done(folder, feature.name, marks.scores)
        assert not list(unfinished_folder(folder).rglob("*.safetensors"))
        first = file_digest(folder.scores(feature.name))
        # A process that is left over from a killed run comes late.
        do(WriteScores(feature, marks, read.n_layers, (again,)), other)
    assert file_digest(folder.scores(feature.name)) == first


def test_a_process_that_fits_layers_loads_no_library_of_models_or_images(at_work, tmp_path):
    station, feature, marks = at_work
    read = do(ReadRun(feature, marks, 0, "cpu"), station)
    unit = FitLayers(feature, marks, 0, range(read.n_layers), read.n_layers)
    (tmp_path / "unit").write_bytes(pickle.dumps((station.job, unit)))
    code = (
        "import pickle, sys\n"
        "job, unit = pickle.load(open(sys.argv[1], 'rb'))\n"
        "from hemiscale.pipeline.station import Station\n"
        "from hemiscale.pipeline.units import do\n"
        "assert do(unit, Station(job, lambda *_: None)) == []\n"
        "print({'torch', 'transformers', 'nilearn', 'sklearn', 'xarray'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "unit"], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "set()\n", done.stdout + done.stderr
    assert piece_file(station.job.folder, MODEL, marks.scores, 0, 0).is_file()


@pytest.mark.parametrize("how", ["cut off", "flipped", "gone"])
def test_a_damaged_layer_is_made_again_and_said(at_work, how):
    station, feature, marks = at_work
    folder = station.job.folder
    finish(station, feature, marks)
    expected = file_digest(folder.scores(feature.name))
    folder.scores(feature.name).unlink()
    do(FitLayers(feature, marks, 0, range(2), 2), station)
    path = piece_file(folder, feature.name, marks.scores, 0, 1)
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(content[:-100] if how == "cut off" else content)
    _, said, _ = finish(station, feature, marks)
    if how == "gone":
        assert said == []
    else:
        assert "the stored file was damaged" in said[0]
        assert f"{path.name}.damaged" in said[0]
    assert file_digest(folder.scores(feature.name)) == expected
    assert is_done(folder, feature.name, marks.scores)


def test_facts_of_earlier_scores_never_stand_beside_new_ones(at_work, monkeypatch):
    station, feature, marks = at_work
    folder = station.job.folder
    finish(station, feature, marks)
    folder.scores(feature.name).unlink()

    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("hemiscale.pipeline.units.write_record", killed)
        with pytest.raises(KeyboardInterrupt):
            finish(station, feature, marks)
    assert folder.scores(feature.name).is_file()
    assert not is_done(folder, feature.name, marks.scores)
    finish(station, feature, marks)
    assert is_done(folder, feature.name, marks.scores)


def test_a_late_worker_leaves_what_an_edited_study_makes_alone(at_work):
    station, feature, marks = at_work
    folder = station.job.folder
    edited = replace(marks, scores="of the edited study")
    read = do(ReadRun(feature, marks, 0, "cpu"), station)
    for one in (marks, edited):
        do(FitLayers(feature, one, 0, range(read.n_layers), read.n_layers), station)
    pieces = [piece_file(folder, feature.name, edited.scores, 0, k) for k in range(read.n_layers)]
    before = [file_digest(path) for path in pieces]
    # The worker of the run that was killed puts its layers together.
    do(WriteScores(feature, marks, read.n_layers, (read,)), station)
    assert [file_digest(path) for path in pieces] == before
    # What waits in vain goes with the next run.
    remove_pieces(folder, feature.name, but=edited.scores)
    assert sorted(unfinished_folder(folder).rglob("*.safetensors")) == pieces
    assert [path.name for path in pieces[0].parent.parent.iterdir()] == [edited.scores]
    remove_pieces(folder, feature.name)
    remove_empty_folders(folder)
    assert not unfinished_folder(folder).exists()


def test_facts_of_other_scores_do_not_count(at_work):
    station, feature, marks = at_work
    folder = station.job.folder
    finish(station, feature, marks)
    facts = read_record(folder.pieces(feature.name))
    write_record(folder.pieces(feature.name), facts | {"fingerprint": "another"})
    assert not is_done(folder, feature.name, marks.scores)
    finish(station, feature, marks)
    assert is_done(folder, feature.name, marks.scores)


def test_other_model_files_than_at_the_start_are_refused(at_work):
    station, feature, marks = at_work
    marks.identity["files"] = {"model.safetensors": "another"}
    with pytest.raises(HemiscaleError, match=r"austen-0.1m: the files of this model are not those"):
        do(ReadRun(feature, marks, 0, "cpu"), station)


def test_other_activations_than_were_made_are_refused(at_work):
    station, feature, marks = at_work
    do(ReadRun(feature, marks, 0, "cpu"), station)
    marks.activations[0] = "another"
    with pytest.raises(HemiscaleError, match="do all machines see the same results folder"):
        do(FitLayers(feature, marks, 0, range(1), 1), station)


def test_a_warning_of_the_brain_data_is_noted_by_every_layer(at_work, monkeypatch):
    station, _, _ = at_work
    station.job.targets.parts[0].runs[0][:, 1] = 3.0
    for _ in range(2):
        with pytest.warns(HemiscaleWarning, match="targets are constant"):
            station.bank(0)


class Promises:
    """An executor whose calls end when they are asked for, in any order."""

    def __init__(self):
        self.most, self.running = 0, set()

    def submit(self, function, unit):
        from concurrent.futures import Future

        future = Future()
        self.running.add(future)
        self.most = max(self.most, len(self.running))

        def end():
            self.running.discard(future)
            future.set_result(unit.run)

        threading.Timer(0.01, end).start()
        return future


@pytest.mark.parametrize(("free", "expected"), [(100.0, 1), (250.0, 2), (1e9, 4)])
def test_models_that_do_not_fit_together_wait(at_work, free, expected):
    _, feature, marks = at_work
    executor = Promises()
    crew = Processes(executor, 4, lambda unit: 120.0, free)
    for run in range(6):
        crew.submit((0, 1, run), ReadRun(feature, marks, run, "cpu"))
    assert sorted(result for _, result in crew.results()) == list(range(6))
    assert executor.most == expected


def grow(_unit):
    """Keep 400 MB, as brain data are kept, and tell which process has them."""
    if len(held) < 2:  # at the first call loky notes what is usual
        held.append(np.ones(50_000_000))
    time.sleep(1.1)  # loky looks once a second
    return os.getpid()


held = []


@pytest.mark.slow
def test_a_process_with_much_at_hand_stays(at_work, monkeypatch):
    from joblib import wrap_non_picklable_objects

    station, feature, marks = at_work
    monkeypatch.setattr("hemiscale.pipeline.crews._do_here", wrap_non_picklable_objects(grow))
    display = Display(Console(), quiet=True)
    with local_crew(station.job, 2, display, memory=lambda unit: 0.0) as crew:
        for run in range(8):
            crew.submit((0, 1, run), ReadRun(feature, marks, run, "cpu"))
        processes = [result for _, result in crew.results()]
    assert len(processes) == 8
    assert len(set(processes)) <= 2


@pytest.mark.slow
def test_a_process_that_is_killed_is_said_and_the_study_goes_on(
    study_folder, tmp_path, monkeypatch
):
    import psutil

    monkeypatch.setattr("hemiscale.report.write_report", lambda folder: folder / "report.html")
    path = study_folder / "study.toml"
    path.write_text(path.read_text() + f'\n[[models]]\nname = "{MODEL}"\n')
    out, killed = tmp_path / "out", []

    def kill_one():
        deadline = time.monotonic() + 100
        while not killed and time.monotonic() < deadline:
            for child in psutil.Process().children():
                command = " ".join(child.cmdline())
                if "loky" in command and "tracker" not in command:
                    os.kill(child.pid, signal.SIGKILL)
                    killed.append(child.pid)
                    break
            time.sleep(0.01)

    thread = threading.Thread(target=kill_one)
    thread.start()
    with pytest.raises(HemiscaleError, match=r"a worker process died.*fewer --workers"):
        run_study(read_study(path), out, workers=2, quiet=True)
    thread.join()
    run_study(read_study(path), out, workers=2, quiet=True)
    run_study(read_study(path), tmp_path / "one", quiet=True)
    digests = [
        {p.name: file_digest(p) for p in [*o.glob("scores/*.nc"), *o.glob("tables/*")]}
        for o in (out, tmp_path / "one")
    ]
    assert digests[0] == digests[1]
    assert not unfinished_folder(ResultsFolder(out)).exists()
    assert np.isfinite(len(killed))
