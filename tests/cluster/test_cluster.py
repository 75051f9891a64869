"""The same bytes on a cluster as on one machine, whoever is killed on the way."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hemiscale.errors import HemiscaleError, InputError
from hemiscale.pipeline import run_study
from hemiscale.results import file_digest, read_dataset
from hemiscale.study import read_study

pytestmark = pytest.mark.slow

CERTIFICATE = {"cert": str(Path(__file__).with_name("tls") / "cert.pem"),
               "key": str(Path(__file__).with_name("tls") / "key.pem")}  # fmt: skip
TLS = {
    "distributed.comm.tls.ca-file": CERTIFICATE["cert"],
    "distributed.comm.tls.client.cert": CERTIFICATE["cert"],
    "distributed.comm.tls.client.key": CERTIFICATE["key"],
}

MODELS = '\n[[models]]\nname = "austen-0.1m"\nuntrained = [0]\n'


def contents(out):
    files = [
        *out.glob("tables/*"),
        *out.glob("scores/*.nc"),
        *out.glob("summaries/*/*"),
        out / "ceiling.nc",
    ]
    return {str(path.relative_to(out)): file_digest(path) for path in sorted(files)}


@pytest.fixture
def study(study_folder):
    path = study_folder / "study.toml"
    path.write_text(path.read_text() + MODELS)
    return path


def command(study, out, cluster):
    return [sys.executable, "-m", "hemiscale", "run", str(study), "--out", str(out),
            "--dask", cluster.address]  # fmt: skip


def test_workers_and_client_are_killed_and_the_bytes_are_the_same(
    study, tmp_path, cluster, no_page
):
    run_study(read_study(study), tmp_path / "one", quiet=True)
    for k in range(5):  # a study may be done before anybody is killed
        out = tmp_path / f"shared-{k}"
        shown = run_with_losses(study, out, cluster)
        if shown is not None:
            break
    assert shown is not None
    assert contents(out) == contents(tmp_path / "one")
    assert "Traceback" not in shown


def run_with_losses(study, out, cluster):
    """Run a study, and kill two workers and the client on the way.

    Gives what the second client showed, or None where a client was done before its loss.
    """
    workers = [cluster.worker(), cluster.worker()]
    # A worker dies as soon as the first result is there, the client a moment later.
    client = started_client(study, out, cluster)
    in_time = wait_for(lambda: list(out.glob("scores/*.nc")), client, cluster)
    assert workers[-1].poll() is None
    cluster.kill(workers.pop())
    in_time = in_time and wait_for(lambda: len(list(out.glob("scores/*.nc"))) > 2, client, cluster)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(client.pid, signal.SIGKILL)
    client.communicate()
    if in_time and client.returncode == -signal.SIGKILL and not (out / "tables").exists():
        # Another worker comes; the study is started again, has work left, and loses its first
        # worker when the layers of a model wait for each other.
        workers.insert(0, cluster.worker())
        for path in sorted(out.glob("scores/*.nc"))[:2]:
            path.unlink()
        before = waiting(out)
        client = started_client(study, out, cluster)
        in_time = wait_for(lambda: started(out) == 2 and waiting(out) - before, client, cluster)
        assert workers[-1].poll() is None
        cluster.kill(workers.pop())
        in_time = in_time and client.poll() is None
        _, shown = client.communicate(timeout=240)
        assert client.returncode == 0, shown + cluster.logs()
        if in_time:
            return shown
    for worker in workers:
        cluster.kill(worker)
    return None


def started_client(study, out, cluster):
    return subprocess.Popen(
        command(study, out, cluster), cwd=out.parent, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def waiting(out):
    """Layers that are fitted, by file and time."""
    found = set()
    for path in out.glob("unfinished/*/*/*.safetensors"):
        with contextlib.suppress(FileNotFoundError):
            found.add((path, path.stat().st_mtime_ns))
    return found


def started(out):
    """How many runs have begun in a folder."""
    return (out / "log.txt").read_text().count(f" → {out}\n")


def wait_for(condition, process, cluster, seconds=120):
    """Wait until something is so; tell whether the process still had work then."""
    deadline = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None:
            assert process.returncode == 0, process.communicate()[1] + cluster.logs()
            return False
        assert time.monotonic() < deadline, cluster.logs()
        time.sleep(0.02)
    return True


def test_language_models_read_on_gpu_workers_and_anyone_fits(
    study, tmp_path, cluster, monkeypatch, no_page
):
    from distributed import Client

    asked = []
    submit = Client.submit

    def submit_and_note(self, function, *arguments, **options):
        units = [argument for argument in arguments if hasattr(argument, "marks")]
        asked.extend((type(unit).__name__, options.get("resources")) for unit in units)
        return submit(self, function, *arguments, **options)

    monkeypatch.setattr(Client, "submit", submit_and_note)
    monkeypatch.setattr("hemiscale.pipeline.cluster.PATIENCE", 0.5)
    cluster.worker("--name", "plain")
    claims = ("--name", "claims-a-gpu", "--resources", "GPU=1")
    timer = threading.Timer(8.0, cluster.worker, claims)
    timer.start()
    only = ["austen-0.1m", "word-rate"]
    run_study(
        read_study(study), tmp_path / "out", device="cuda", dask=cluster.address, quiet=True,
        only=only,
    )  # fmt: skip
    timer.join()
    log = (tmp_path / "out/log.txt").read_text()
    assert log.count("has the resource GPU; start one with `dask worker tcp://") == 1
    assert [unit for unit in asked if unit[1]] == [("ReadRun", {"GPU": 1})]
    n_layers = read_dataset(tmp_path / "out/scores/austen-0.1m.nc").sizes["layer"]
    assert asked.count(("FitLayers", None)) == n_layers + 1
    # There is no GPU here, the model ran on the CPU: the same bytes, and it was said.
    run_study(read_study(study), tmp_path / "one", quiet=True, only=only)
    assert contents(tmp_path / "out") == contents(tmp_path / "one")
    assert "no CUDA device" in log


def test_threads_and_folders_that_would_spoil_results_are_refused(study, tmp_path, cluster):
    cluster.start("worker", cluster.address, "--nthreads", "3", "--no-nanny", "--no-dashboard")
    with pytest.raises(HemiscaleError, match="has 3 threads; start workers with --nthreads 1"):
        run_study(read_study(study), tmp_path / "out", dask=cluster.address, quiet=True)


def test_no_scheduler_and_no_table(study, tmp_path, monkeypatch):
    with pytest.raises(HemiscaleError, match="no Dask scheduler answers there"):
        run_study(read_study(study), tmp_path / "out", dask="no-address", quiet=True)
    with pytest.raises(InputError, match=r"has no table \[cluster\]"):
        run_study(read_study(study), tmp_path / "out", dask="cluster", quiet=True)


def test_cluster_of_the_study_file(study, tmp_path, no_page):
    run_study(read_study(study), tmp_path / "one", quiet=True, only=["word-rate"])
    study.write_text(study.read_text() + '\n[cluster]\nkind = "local"\njobs = 2\n')
    ended = subprocess.run(
        [sys.executable, "-m", "hemiscale", "run", str(study), "--out", str(tmp_path / "two"),
         "--dask", "cluster", "--only", "word-rate"],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "asked local for 2 jobs" in ended.stderr
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_workers_that_come_late_are_waited_for(study, tmp_path, cluster, monkeypatch, no_page):
    monkeypatch.setattr("hemiscale.pipeline.cluster.PATIENCE", 0.2)
    out = tmp_path / "out"
    said = threading.Event()

    def come_when_missed():
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            log = out / "log.txt"
            if log.is_file() and "no worker has come to tcp://" in log.read_text():
                said.set()
                break
            time.sleep(0.05)
        cluster.worker()

    thread = threading.Thread(target=come_when_missed)
    thread.start()
    run_study(read_study(study), out, dask=cluster.address, quiet=True, only=["word-rate"])
    thread.join()
    assert said.is_set()
    run_study(read_study(study), tmp_path / "one", quiet=True, only=["word-rate"])
    assert contents(out) == contents(tmp_path / "one")
    # All is done: nobody is asked, not even the scheduler.
    cluster.close()
    run_study(read_study(study), out, dask=cluster.address, quiet=True, only=["word-rate"])


def test_the_one_worker_with_the_job_dies(study, tmp_path, cluster, no_page):
    """What all units need is made again on the worker that comes after it."""
    out = tmp_path / "out"
    first = cluster.worker()

    over = threading.Event()

    def kill_and_replace():
        while not list(out.glob("activations/*/*.safetensors")):
            if over.wait(0.02):
                return
        cluster.kill(first)
        cluster.worker()

    thread = threading.Thread(target=kill_and_replace)
    thread.start()
    only = ["austen-0.1m", "random-vector-20d"]
    try:
        run_study(read_study(study), out, dask=cluster.address, quiet=True, only=only)
    finally:
        over.set()
        thread.join()
    run_study(read_study(study), tmp_path / "one", quiet=True, only=only)
    assert contents(out) == contents(tmp_path / "one")


def test_tls_options_of_dask_are_passed_through(study, tmp_path, tls_cluster, no_page):
    import dask
    import distributed  # noqa: F401  its defaults come before our options

    assert tls_cluster.address.startswith("tls://")
    tls_cluster.worker()
    only = ["word-rate"]
    with dask.config.set(TLS | {"distributed.comm.require-encryption": True}):
        run_study(read_study(study), tmp_path / "out", dask=tls_cluster.address, quiet=True,
                  only=only)  # fmt: skip
        plain = tls_cluster.address.replace("tls://", "tcp://")
        with pytest.raises(HemiscaleError, match="no Dask scheduler answers there"):
            run_study(read_study(study), tmp_path / "other", dask=plain, quiet=True, only=only)
    run_study(read_study(study), tmp_path / "one", quiet=True, only=only)
    assert contents(tmp_path / "out") == contents(tmp_path / "one")
    # Without a certificate nobody gets in.
    with pytest.raises(HemiscaleError, match="no Dask scheduler answers there"):
        run_study(read_study(study), tmp_path / "other", dask=tls_cluster.address, quiet=True,
                  only=only)  # fmt: skip


def test_recordings_halves_and_tables_are_work_for_workers_too(
    volume_folder, tmp_path, cluster, monkeypatch, no_page
):
    study = read_study(volume_folder / "study.toml")
    run_study(study, tmp_path / "one", quiet=True)
    cluster.worker()
    cluster.worker()

    def never(*arguments, **options):
        raise AssertionError("done where the command runs")

    monkeypatch.setattr("hemiscale.pipeline.reliability.SMALL", 0)
    monkeypatch.setattr("hemiscale.pipeline.summaries.BATCH", 1)
    monkeypatch.setattr("hemiscale.analysis.summarise_subject", never, raising=False)
    monkeypatch.setattr("hemiscale.brain.prepare_recording", never)
    monkeypatch.setattr("hemiscale.brain.prepare_average", never)
    monkeypatch.setattr("hemiscale.encoding.intersubject_reliability", never)
    monkeypatch.setattr("hemiscale.pipeline.units.score_layer", never)
    run_study(study, tmp_path / "out", dask=cluster.address, quiet=True)
    prepared = [p.relative_to(tmp_path / "one") for p in (tmp_path / "one").glob("prepared/*/*")]
    assert len(prepared) == 4 * 3
    for name in prepared:
        assert file_digest(tmp_path / "one" / name) == file_digest(tmp_path / "out" / name)
    assert contents(tmp_path / "out") == contents(tmp_path / "one")


def test_the_scheduler_dies(study, tmp_path, cluster, no_page):
    out = tmp_path / "out"
    cluster.worker()
    over = threading.Event()

    def kill():
        while not list(out.glob("activations/*/*.safetensors")):
            if over.wait(0.02):
                return
        cluster.kill(cluster.scheduler)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        with pytest.raises(HemiscaleError, match="the Dask scheduler is gone; start it again"):
            run_study(read_study(study), out, dask=cluster.address, quiet=True)
    finally:
        over.set()
        thread.join()
    assert not (out / "tables").exists()
    assert list(out.glob("activations/*/*.safetensors"))
