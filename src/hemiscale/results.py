"""The results folder: where each file lies, and how it is written so that nothing is half there.

Every file is written beside its place and renamed; files that take work carry a fingerprint of all
that made them, and a file whose fingerprint differs counts as not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.errors import HemiscaleError

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "ResultsFolder",
    "file_digest",
    "fingerprint",
    "read_activations",
    "read_dataset",
    "safe_name",
    "stored_fingerprint",
    "write_activations",
    "write_atomically",
    "write_dataset",
    "write_json",
    "write_text",
]


@dataclass(frozen=True)
class ResultsFolder:
    """Paths inside a results folder.

    Parameters
    ----------
    root : Path
        The folder; it need not exist yet.
    """

    root: Path

    @property
    def study(self) -> Path:
        """The study as run."""
        return self.root / "study.toml"

    @property
    def ceiling(self) -> Path:
        """Inter-subject reliability."""
        return self.root / "ceiling.nc"

    @property
    def tables(self) -> Path:
        """Folder of the tables."""
        return self.root / "tables"

    @property
    def diagnostics(self) -> Path:
        """What was found on the way: alignment, scans, models left out."""
        return self.root / "diagnostics.json"

    @property
    def timings(self) -> Path:
        """Seconds per model and stage."""
        return self.root / "timings.json"

    @property
    def log(self) -> Path:
        """Everything that was said on the screen, and more."""
        return self.root / "log.txt"

    @property
    def report(self) -> Path:
        """The page."""
        return self.root / "report.html"

    def activations(self, model: str, run: int) -> Path:
        """Activations of a model in a run (counted from 1)."""
        return self.root / "activations" / safe_name(model) / f"run-{run:02d}.safetensors"

    def scores(self, model: str) -> Path:
        """Scores of a model."""
        return self.root / "scores" / f"{safe_name(model)}.nc"

    def pieces(self, model: str) -> Path:
        """Diagnostics and timings of one model, merged when all models are done."""
        return self.root / "scores" / f"{safe_name(model)}.json"


def safe_name(name: str) -> str:
    """File name for a model's name: no separators, no leading dot, unchanged where it can be.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
        Letters, digits and ``._@+-``; two different names never give the same file name.
    """
    plain = re.sub(r"[^A-Za-z0-9._@+-]", "_", name)
    if plain == name and not name.startswith(".") and 0 < len(name) <= 120:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{plain.lstrip('.')[:100]}-{digest}"


@contextlib.contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Give a path to write to; on success rename it to `path`, on failure remove it.

    Parameters
    ----------
    path : Path
        Where the file shall be. Its folder is made if need be.

    Yields
    ------
    Path
        A file name in the same folder that no other process uses.

    Raises
    ------
    HemiscaleError
        Where the folder cannot be written or the disk is full.
    """
    temporary = path.parent / f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        raise HemiscaleError(
            f"{path}: cannot be written ({error.strerror or error}); "
            "free some space or choose another folder with --out, then start again: "
            "what is finished is kept."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8, LF) in one piece.

    Parameters
    ----------
    path : Path
    text : str
    """
    with write_atomically(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


def write_json(path: Path, content: Any) -> None:
    """Write JSON that any reader understands: NaN and infinities become null.

    Parameters
    ----------
    path : Path
    content : object
        Of dicts, lists, strings, numbers, numpy scalars and arrays.
    """
    write_text(path, json.dumps(_plain(content), indent=1, ensure_ascii=False, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value


def fingerprint(**inputs: Any) -> str:
    """Fingerprint of named inputs, the same in every process and on every machine.

    Parameters
    ----------
    **inputs : object
        JSON-like values, numpy arrays (by shape, type and bytes), or bytes.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in sorted(inputs):
        value = inputs[name]
        digest.update(f"\0{name}\0".encode())
        if isinstance(value, np.ndarray):
            digest.update(f"{value.dtype.str}{value.shape}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        elif isinstance(value, bytes):
            digest.update(value)
        else:
            digest.update(json.dumps(_plain(value), sort_keys=True).encode())
    return digest.hexdigest()[:32]


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes.

    Parameters
    ----------
    path : Path

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_activations(
    path: Path,
    layers: Sequence[np.ndarray],
    *,
    extras: Mapping[str, np.ndarray],
    metadata: Mapping[str, str],
) -> None:
    """Store one run of one model.

    Parameters
    ----------
    path : Path
    layers : sequence of (n_words, n_hidden) float32 arrays
        Entry 0 is the embedding.
    extras : mapping of arrays
        What else the same pass gave (token spans, log-probabilities ...).
    metadata : mapping of str
        Fingerprint and facts in words.
    """
    from safetensors.numpy import save_file

    tensors = {f"layer-{k:03d}": np.ascontiguousarray(a) for k, a in enumerate(layers)}
    tensors |= {f"extra-{name}": np.ascontiguousarray(a) for name, a in extras.items()}
    with write_atomically(path) as temporary:
        save_file(tensors, temporary, metadata=dict(metadata))


def read_activations(
    path: Path,
) -> tuple[list[np.ndarray], dict[str, np.ndarray], dict[str, str]]:
    """Read what `write_activations` stored.

    Parameters
    ----------
    path : Path

    Returns
    -------
    layers : list of (n_words, n_hidden) arrays
    extras : dict of arrays
    metadata : dict of str
    """
    from safetensors import safe_open

    layers, extras = [], {}
    with safe_open(path, framework="numpy") as file:
        metadata = dict(file.metadata() or {})
        for name in sorted(file.keys()):
            if name.startswith("layer-"):
                layers.append(file.get_tensor(name))
            else:
                extras[name.removeprefix("extra-")] = file.get_tensor(name)
    return layers, extras, metadata


def write_dataset(path: Path, dataset: xr.Dataset) -> None:
    """Store a labelled result as netCDF-4.

    Parameters
    ----------
    path : Path
    dataset : xarray.Dataset
        Its attribute ``fingerprint`` says what made it.
    """
    with write_atomically(path) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf")


def read_dataset(path: Path) -> xr.Dataset:
    """Read a labelled result into memory.

    Parameters
    ----------
    path : Path

    Returns
    -------
    xarray.Dataset
    """
    import xarray as xr

    with xr.open_dataset(path, engine="h5netcdf") as dataset:
        return dataset.load()


def stored_fingerprint(path: Path) -> str | None:
    """Fingerprint of a stored file, or None where there is no readable file.

    Parameters
    ----------
    path : Path
        A ``.safetensors`` or ``.nc`` file.

    Returns
    -------
    str or None
    """
    if not path.is_file():
        return None
    try:
        if path.suffix == ".safetensors":
            from safetensors import safe_open

            with safe_open(path, framework="numpy") as file:
                return (file.metadata() or {}).get("fingerprint")
        import h5netcdf

        with h5netcdf.File(path, "r") as file:
            return str(file.attrs["fingerprint"])
    except Exception:  # whatever a damaged file raises, it counts as not there
        return None
