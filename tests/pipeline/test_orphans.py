"""Processes whose parent was killed do not stay."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from hemiscale.pipeline.orphans import end_with

# A parent that has a child, which says its number and then waits for ever.
STARTED = """
import os, subprocess, sys, time
code = "import os, time; from hemiscale.pipeline.orphans import end_with; "
code += "end_with(int(os.environ['PARENT'])); print(os.getpid(), flush=True); time.sleep(600)"
subprocess.run([sys.executable, "-c", code], env=os.environ | {"PARENT": str(os.getpid())})
"""
FORKED = """
import os, time
from multiprocessing.managers import SyncManager
from hemiscale.pipeline.orphans import end_with_parent
manager = SyncManager()
manager.start(end_with_parent)
print(manager._process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("code", [STARTED, FORKED])
def test_a_process_ends_soon_after_the_one_that_started_it(code):
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        child = int(parent.stdout.readline())
        assert is_there(child)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        deadline = time.monotonic() + 5
        while is_there(child) and time.monotonic() < deadline:
            time.sleep(0.02)
        gone = not is_there(child)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(parent.pid, signal.SIGKILL)
        assert gone


def is_there(pid):
    """Tell whether a process goes on: one that ended may stay as a zombie that nobody reaps."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_process_itself_goes_on():
    end_with(os.getpid())
    time.sleep(1.2)
