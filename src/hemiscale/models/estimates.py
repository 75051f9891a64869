"""What a model will cost before anything is started: disk, memory, time."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hemiscale.models.cache import cache_folder
from hemiscale.models.sources import locate_source
from hemiscale.models.windows import windows

__all__ = [
    "Estimate",
    "available_memory",
    "describe_estimate",
    "estimate_model",
    "too_large",
    "work_rate",
]

_BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0}
_QUANTISED = {"8bit": 1.1, "4bit": 0.6}
# Share of the rate of large matrix products that reading a story reaches (see benchmarks).
_SHARE = 0.5
_TOKENS_PER_BATCH = 4096
_TOKENS_PER_WORD = 1.4


@dataclass(frozen=True)
class Estimate:
    """Rough cost of reading a story with one model.

    Attributes
    ----------
    download : float
        Bytes still to be downloaded.
    disk : float
        Bytes of disk that are still to be filled, download and conversion.
    memory : float
        Bytes of memory at most.
    seconds : float
        Of reading, on one core; NaN where it is not known.
    """

    download: float
    disk: float
    memory: float
    seconds: float


def work_rate() -> float:
    """Measure how many floating-point operations per second one core does in matrix products.

    Returns
    -------
    float
    """
    from threadpoolctl import threadpool_limits

    a = np.ones((512, 512), dtype=np.float32)
    with threadpool_limits(1):
        a @ a
        start = time.perf_counter()
        for _ in range(4):
            a @ a
        return 4 * 2 * 512**3 / (time.perf_counter() - start)


def estimate_model(
    source: str | Path,
    n_words: Sequence[int],
    *,
    rate: float,
    context: int | None = None,
    step: int = 64,
    dtype: str = "float32",
    quantisation: str | None = None,
) -> Estimate | None:
    """Estimate what it takes to let a model read a story.

    Parameters
    ----------
    source : str or Path
        As for `load_model`.
    n_words : sequence of int
        Of each run.
    rate : float
        Operations per second, from `work_rate`.
    context, step
        As for `read_story`.
    dtype, quantisation
        As for `load_model`.

    Returns
    -------
    Estimate or None
        None where the catalogue does not say how large the model is.

    Raises
    ------
    InputError
        Where there is no such model.
    """
    found = locate_source(source)
    entry = found.entry
    if entry is None or not (entry.n_parameters and entry.n_layers and entry.width):
        return None
    length = min(context or entry.context or 2048, entry.context or 2048)
    tokens = [max(1, int(_TOKENS_PER_WORD * n)) for n in n_words]
    fed = sum(window.length for n in tokens for window in windows(n, length, min(step, length)))
    batch = max(_TOKENS_PER_BATCH, min(length, max(tokens)))
    states = batch * (entry.n_layers + 1) * entry.width * 4.0
    pooled = max(n_words) * (entry.n_layers + 1) * entry.width * 4.0
    per_parameter = _QUANTISED.get(quantisation or "", _BYTES.get(dtype, 4.0))
    missing = found.kind == "hub" and found.path is None
    download = entry.n_parameters * entry.stored_bytes if missing else 0.0
    unpacked = found.kind == "gguf" and not _converted(found.path)
    return Estimate(
        download=download,
        disk=download + (entry.n_parameters * 4.0 if unpacked else 0.0),
        memory=entry.n_parameters * per_parameter + states + pooled,
        seconds=2.0 * entry.n_parameters * fed / (rate * _SHARE),
    )


def _converted(path: Path | None) -> bool:
    return path is not None and any(
        (cache_folder() / "gguf").glob(f"{path.name.partition('.gguf')[0]}-*/config.json")
    )


def available_memory() -> float:
    """Bytes of memory that a new process could use.

    Returns
    -------
    float
    """
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return float(line.split()[1]) * 1024
    except OSError:
        pass
    return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")


def too_large(
    name: str, estimate: Estimate, *, memory: float | None = None, free_disk: float | None = None
) -> str | None:
    """Tell whether a model does not fit into memory or onto the disk.

    Parameters
    ----------
    name : str
    estimate : Estimate
    memory, free_disk : float, optional
        Bytes; default: as measured here.

    Returns
    -------
    str or None
        One sentence that says what to do; None where it fits.
    """
    memory = available_memory() if memory is None else memory
    if free_disk is None:
        folder = cache_folder()
        while not folder.exists():
            folder = folder.parent
        free_disk = float(shutil.disk_usage(folder).free)
    if estimate.disk > free_disk:
        return (
            f"model {name!r} needs {_gb(estimate.disk)} of disk, but {_gb(free_disk)} are free; "
            "free some, or set HF_HOME and HEMISCALE_CACHE to a larger disk."
        )
    if estimate.memory > memory:
        return (
            f"model {name!r} needs about {_gb(estimate.memory)} of memory, but {_gb(memory)} are "
            'free; use dtype = "bfloat16", a quantisation, or device_map = "auto".'
        )
    return None


def describe_estimate(estimate: Estimate) -> str:
    """Put an estimate into words.

    Parameters
    ----------
    estimate : Estimate

    Returns
    -------
    str
    """
    parts = [f"about {_gb(estimate.memory)} of memory"]
    if estimate.disk:
        parts.append(f"{_gb(estimate.disk)} of disk")
    if estimate.download:
        parts.append(f"{_gb(estimate.download)} to download")
    minutes = estimate.seconds / 60
    parts.append(
        f"{minutes / 60:.1f} h on one core" if minutes > 90 else f"{minutes:.0f} min on one core"
    )
    return ", ".join(parts)


def _gb(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.1f} GB"
