"""A real Dask scheduler and real worker processes, each in a folder of its own."""

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


class Cluster:
    """Processes that the test started, and ends."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.processes: list[subprocess.Popen] = []
        file = folder / "scheduler.json"
        self.scheduler = self.start(
            "scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1",
            "--scheduler-file", file,
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
                env=ENVIRONMENT,
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
