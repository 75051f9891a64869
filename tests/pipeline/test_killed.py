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

import pytest

from hemiscale.results import damage, file_digest

KILLS = 50
MODEL = '\n[[models]]\nname = "austen-0.1m"\n'

# Imports take longer than the study: done once, then every run is a fork that starts at once.
RUNNER = textwrap.dedent(
    """
    import os, sys, traceback
    from pathlib import Path
    os.environ["HF_HUB_OFFLINE"] = "1"
    import matplotlib, nilearn.glm.first_level, scipy.signal, statsmodels.api, torch, xarray
    import transformers, hemiscale.analysis, hemiscale.encoding, hemiscale.models
    from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2LMHeadModel
    from hemiscale.pipeline import run_study
    from hemiscale.study import read_study
    torch.set_num_threads(1)
    study = read_study(sys.argv[1])
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                run_study(study, Path(line.strip()), quiet=True, command="same")
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
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUNNER, str(study)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        assert self.process.stdout.readline() == "ready\n"

    def start(self, out):
        self.process.stdin.write(f"{out}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self):
        return self.process.stdout.readline().strip()

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def contents(out):
    """All that must be the same, byte for byte."""
    files = [
        *out.glob("tables/*"),
        *out.glob("scores/*.nc"),
        *out.glob("activations/*/*"),
        *out.glob("maps/*"),
        *out.glob("summaries/*/*"),
        out / "ceiling.nc",
        out / "study.toml",
    ]
    return {str(path.relative_to(out)): file_digest(path) for path in sorted(files)}


def stage(out):
    """How far a run had come, from what is there."""
    if (out / "report.html").exists():
        return "done"
    if (out / "tables").exists():
        return "tables or page"
    if list(out.glob("summaries/*/*")):
        return "summaries"
    if list(out.glob("unfinished/*/*.safetensors")):
        return "layers"
    n_scores = len(list(out.glob("scores/*.nc")))
    if n_scores:
        return f"{n_scores} scores"
    if (out / "activations").exists():
        return "activations"
    return "ceiling" if (out / "ceiling.nc").exists() else "inputs"


@pytest.mark.slow
def test_killed_at_many_moments(study_folder, tmp_path):
    path = study_folder / "study.toml"
    path.write_text(path.read_text() + MODEL)
    draw = random.Random(0)
    hit = Counter()
    rounds = 0
    with (tmp_path / "stderr.txt").open("w") as log:
        runner = Runner(path, log)
        start = time.monotonic()
        runner.start(tmp_path / "whole")
        assert runner.end() == "0", (tmp_path / "stderr.txt").read_text()
        longest = time.monotonic() - start
        expected = contents(tmp_path / "whole")
        assert len([name for name in expected if name.startswith("scores/")]) == 6
        try:
            while hit.total() < KILLS:
                out = tmp_path / f"killed-{rounds}"
                rounds += 1
                # A round ends with a run that nobody killed.
                ended = ""
                while ended != "0":
                    pid = runner.start(out)
                    late = (out / "tables").exists()
                    if hit.total() < KILLS and draw.random() < (0.75 if late else 0.98):
                        # As often early as late: the first stages are the shortest.
                        time.sleep(longest * 10 ** draw.uniform(-2.5, -0.4))
                        with contextlib.suppress(ProcessLookupError):  # it was done before
                            os.kill(pid, signal.SIGKILL)
                    ended = runner.end()
                    assert ended in ("0", "killed"), (tmp_path / "stderr.txt").read_text()
                    if ended == "killed":
                        hit[stage(out)] += 1
                        check_that_nothing_is_half_there(out)
                assert contents(out) == expected, f"round {rounds}, killed in {dict(hit)}"
                assert not list(out.rglob("*.part"))
                assert not list(out.rglob("*.damaged"))
                assert not (out / "unfinished").exists()
        finally:
            runner.close()
    assert len(hit) >= 4, (hit, rounds)


def check_that_nothing_is_half_there(out):
    for stored in (*out.rglob("*.nc"), *out.rglob("*.safetensors"), *out.glob("scores/*.json")):
        if not stored.name.endswith(".part"):
            assert damage(stored) is None, stored
