"""A real Dask scheduler and real worker processes, each in a folder of its own."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("distributed")

ENVIRONMENT = os.environ | {
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    # Quick to notice that a worker is gone; short pauses between attempts.
    "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s",
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "20",
}


# For these tests only: a certificate that signs itself, and its key, for all three roles.
CERTIFICATE = {"cert": str(Path(__file__).with_name("tls") / "cert.pem"),
               "key": str(Path(__file__).with_name("tls") / "key.pem")}  # fmt: skip


class Cluster:
    """Processes that the test started, and ends."""

    def __init__(self, folder: Path, *, tls: bool = False):
        self.folder = folder
        self.processes: list[subprocess.Popen] = []
        self.environment = dict(ENVIRONMENT)
        if tls:
            name = "DASK_DISTRIBUTED__COMM__TLS__"
            self.environment[f"{name}CA_FILE"] = CERTIFICATE["cert"]
            for role in ("CLIENT", "SCHEDULER", "WORKER"):
                for what in CERTIFICATE:
                    self.environment[f"{name}{role}__{what.upper()}"] = CERTIFICATE[what]
        file = folder / "scheduler.json"
        self.scheduler = self.start(
            "scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1",
            "--scheduler-file", file, *(("--protocol", "tls") if tls else ()),
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while not file.exists():
            assert self.scheduler.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.2)
        import json

        self.address = json.loads(file.read_text())["address"]

    def start(self, *arguments):
        folder = self.folder / f"process-{len(self.processes)}"
        folder.mkdir()
        with (folder / "log.txt").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *map(str, arguments)],
                cwd=folder,
                stdout=log,
                stderr=log,
                env=self.environment,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def worker(self, *options):
        # Without a nanny: who is killed stays dead.
        return self.start("worker", self.address, "--nthreads", "1", "--no-nanny",
                          "--no-dashboard", *options)  # fmt: skip

    def kill(self, process):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def close(self):
        for process in reversed(self.processes):
            self.kill(process)

    def logs(self):
        return "\n".join(path.read_text()[-3000:] for path in self.folder.rglob("log.txt"))


@pytest.fixture
def cluster(tmp_path):
    folder = tmp_path / "cluster"
    folder.mkdir()
    made = Cluster(folder)
    yield made
    made.close()


@pytest.fixture
def tls_cluster(tmp_path):
    folder = tmp_path / "cluster"
    folder.mkdir()
    made = Cluster(folder, tls=True)
    yield made
    made.close()


@pytest.fixture
def no_page(monkeypatch):
    """Spare the figures, which take longest, where nothing is asked of them."""
    monkeypatch.setattr("hemiscale.report.write_report", lambda folder: folder / "report.html")


def _of_the_pipeline():
    path = Path(__file__).parents[1] / "pipeline" / "conftest.py"
    spec = importlib.util.spec_from_file_location("pipeline_fixtures", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


volume_folder = _of_the_pipeline().volume_folder
bold_path = _of_the_pipeline().bold_path
