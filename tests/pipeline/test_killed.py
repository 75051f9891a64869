"""Killed at any moment, again and again, a run ends with the bytes of one left alone."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter

import psutil
import pytest

from hemiscale.results import damage, file_digest

MODEL = '\n[[models]]\nname = "austen-0.1m"\n'
OF_TABLES = {"inputs", "ceiling", "activations", "layers", "scores", "summaries", "tables", "page"}
OF_VOLUMES = {"masks", "cleaning", "voxels", "ceiling", "layers", "scores", "summaries", "tables"}
# In the moment between seeing a stage and killing it, the next may begin.
CLEANING, FITTING = ("cleaning", "voxels"), ("layers", "scores")
KILLS = 25  # of each study, so that there are 50 in all

# Imports take longer than the study: done once, then every run is a fork that starts at once.
RUNNER = textwrap.dedent(
    """
    import os, sys, traceback
    from pathlib import Path
    os.environ["HF_HUB_OFFLINE"] = "1"
    import matplotlib, nilearn.glm.first_level, scipy.signal, statsmodels.api, torch, xarray
    import transformers, hemiscale.analysis, hemiscale.encoding, hemiscale.models, hemiscale.report
    from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2LMHeadModel
    from hemiscale.pipeline import run_study
    from hemiscale.study import read_study
    torch.set_num_threads(1)
    study = read_study(sys.argv[1])
    print("ready", flush=True)
    for line in sys.stdin:
        workers, page, out = line.strip().split(maxsplit=2)
        child = os.fork()
        if child == 0:
            os.setsid()
            code = 1
            if page == "no-page":  # figures take longest
                hemiscale.report.write_report = lambda folder: folder / "report.html"
            try:
                run_study(study, Path(out), quiet=True, workers=int(workers), command="same")
                code = 0
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(code)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print("killed" if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), flush=True)
    """
)


class Runner:
    def __init__(self, study, log):
        self.log, self.stream = log, log.open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUNNER, str(study)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.stream,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        assert self.process.stdout.readline() == "ready\n"

    def start(self, out, workers=1, *, page=False):
        self.process.stdin.write(f"{workers} {'page' if page else 'no-page'} {out}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self):
        """Wait until the run ended by itself or was killed; tell which."""
        ended = self.process.stdout.readline().strip()
        assert ended in ("0", "killed"), self.log.read_text()
        return ended

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
        self.stream.close()


def contents(out):
    """All that must be the same, byte for byte."""
    files = [
        *out.glob("tables/*"),
        *out.glob("scores/*.nc"),
        *out.glob("activations/*/*"),
        *out.glob("maps/*"),
        *out.glob("summaries/*/*"),
        *out.glob("prepared/*/*"),
        *out.glob("prepared/mask*"),
        *out.glob("prepared/swapped*"),
        *out.glob("*.nc"),
        out / "study.toml",
    ]
    return {str(path.relative_to(out)): file_digest(path) for path in sorted(files)}


def stage(out):
    """How far a run had come, from what is there."""
    signs = {
        "done": "report.html",
        "page": "figures",
        "tables": "tables",
        "summaries": "summaries/*/*",
        "layers": "unfinished/*/*/*.safetensors",
        "scores": "scores/*.nc",
        "activations": "activations",
        "ceiling": "ceiling.nc",
        "voxels": "prepared/digests.json",
        "cleaning": "prepared/*/run-*.nc",
        "masks": "prepared/mask*",
    }
    return next((name for name, sign in signs.items() if _any(out, sign)), "inputs")


def _any(out, sign):
    while True:
        with contextlib.suppress(FileNotFoundError):  # a folder went while it was looked into
            return any(out.glob(sign))


def kill(pid):
    with contextlib.suppress(ProcessLookupError):  # it was done before
        os.kill(pid, signal.SIGKILL)


def wait_for_stage(out, wanted, pid):
    """Wait until a run is in one of these stages, or has ended."""
    while out.exists() is False or stage(out) not in wanted:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.001)


def wait_until_nobody_is_left(group, seconds=10):
    """Wait until all processes of a group have ended, reaped or not."""
    deadline = time.monotonic() + seconds
    while any(_goes_on(pid, group) for pid in psutil.pids()):
        assert time.monotonic() < deadline, f"processes of the killed run {group} go on"
        time.sleep(0.05)


def _goes_on(pid, group):
    """Tell whether a process is of a group; one that ended may stay as a zombie."""
    try:
        return os.getpgid(pid) == group and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def kill_and_compare(runner, folder, stages, seed):
    """Kill runs in every stage and at random moments; those that go on end with the same bytes."""
    draw, hit = random.Random(seed), Counter()
    start = time.monotonic()
    runner.start(folder / "whole")
    assert runner.end() == "0"
    longest = time.monotonic() - start
    expected = contents(folder / "whole")
    for k in range(12):
        out = folder / f"killed-{k}"
        ended = ""
        while ended != "0":  # a round ends with a run that nobody killed
            missing, late = stages - set(hit), (out / "tables").exists()
            pid = runner.start(out, page="page" in missing)
            if missing:
                wait_for_stage(out, missing, pid)
                kill(pid)
            elif hit.total() < KILLS and draw.random() < (0.75 if late else 0.98):
                # As often early as late: the first stages are the shortest.
                time.sleep(longest * 10 ** draw.uniform(-2.5, -0.4))
                kill(pid)
            ended = runner.end()
            if ended == "killed":
                hit[stage(out)] += 1
                check_that_nothing_is_half_there(out)
        check_that_it_is_whole(out, expected, hit)
        if hit.total() >= KILLS and not stages - set(hit):
            break
    assert stages <= set(hit), hit
    assert hit.total() >= KILLS, hit
    return expected


def kill_while_cleaning_and_fitting(runner, out, groups):
    """Kill a run with workers twice; tell how far it had come each time."""
    hit = []
    for wanted in ("cleaning", "layers"):
        groups.append(runner.start(out, workers=2))
        wait_for_stage(out, {wanted}, groups[-1])
        kill(groups[-1])
        hit.append(stage(out) if runner.end() == "killed" else "done")
    return hit


def check_that_nothing_is_half_there(out):
    records = (*out.glob("scores/*.json"), *out.glob("prepared/*.json"))
    for stored in (*out.rglob("*.nc"), *out.rglob("*.safetensors"), *records):
        if not stored.name.endswith(".part"):
            assert damage(stored) is None, stored


def check_that_it_is_whole(out, expected, hit):
    assert contents(out) == expected, hit
    assert not list(out.rglob("*.part"))
    assert not list(out.rglob("*.damaged"))
    assert not (out / "unfinished").exists()


@pytest.mark.slow
def test_killed_at_many_moments(study_folder, tmp_path):
    path = study_folder / "study.toml"
    path.write_text(path.read_text() + MODEL)
    runner = Runner(path, tmp_path / "stderr.txt")
    try:
        expected = kill_and_compare(runner, tmp_path, OF_TABLES, seed=0)
    finally:
        runner.close()
    assert len([name for name in expected if name.startswith("scores/")]) == 6


@pytest.mark.slow
def test_volumes_killed_at_many_moments_and_with_workers(volume_folder, tmp_path):
    path = volume_folder / "study.toml"
    path.write_text(path.read_text().replace('mask = "mask.nii.gz"', "voxel_size = 8"))
    runner = Runner(path, tmp_path / "stderr.txt")
    groups = []
    try:
        expected = kill_and_compare(runner, tmp_path, OF_VOLUMES, seed=1)
        assert len([name for name in expected if name.startswith("prepared/average/")]) == 3
        for k in range(5):  # a kill may come too late on a machine that is busy
            out = tmp_path / f"with-workers-{k}"
            hit = kill_while_cleaning_and_fitting(runner, out, groups)
            if hit[0] in CLEANING and hit[1] in FITTING:
                break
        # Processes that are left over end too, and do not keep the next run out of the folder.
        runner.start(out)
        assert runner.end() == "0"
        for group in groups:
            wait_until_nobody_is_left(group)
        check_that_it_is_whole(out, expected, hit)
    finally:
        runner.close()
        for group in groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
    assert hit[0] in CLEANING
    assert hit[1] in FITTING
