"""CPU seconds, peak memory, and the rate at which this machine multiplies matrices."""

from __future__ import annotations

import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

__all__ = ["cpu_seconds", "machine_name", "peak_memory", "sgemm_rate"]

Result = TypeVar("Result")


def cpu_seconds(function: Callable[[], Result], *, repeats: int = 1) -> tuple[float, Result]:
    """Call a function; return the processor time of this process that it took, and its result.

    Processor time leaves out what the machine does for others meanwhile, but not that memory and
    caches are shared with them: of several times, the shortest is the function's own.

    Parameters
    ----------
    function : callable
    repeats : int
        How often it is called; the shortest time and the last result are returned.
    """
    shortest, result = _timed(function)
    for _ in range(repeats - 1):
        del result  # not to count as memory of the next
        seconds, result = _timed(function)
        shortest = min(shortest, seconds)
    return shortest, result


def _timed(function: Callable[[], Result]) -> tuple[float, Result]:
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def peak_memory() -> float:
    """Return the largest memory that this process has held so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak) * (1 if sys.platform == "darwin" else 1024)


def sgemm_rate(*, rows: int = 1024, n: int = 2701, repeats: int = 5) -> float:
    """Measure the rate of single-precision matrix products, in operations per second.

    Parameters
    ----------
    rows, n : int
        A block of targets times a matrix over all scans: the shape the engine works in.
    repeats : int
        Products timed one by one; the fastest counts, so that shares of the rate are not
        flattered by a busy moment.
    """
    rng = np.random.default_rng(0)
    a = rng.standard_normal((rows, n), dtype=np.float32)
    b = rng.standard_normal((n, n), dtype=np.float32)
    a @ b
    fastest, _ = cpu_seconds(lambda: a @ b, repeats=repeats)
    return 2.0 * rows * n * n / fastest


def machine_name() -> str:
    """Name the processor and the number of cores that this process may use."""
    name = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return f"{name}, {cores} cores"
