"""Files that take work to make: stored with a fingerprint and a checksum, verified when read.

The fingerprint says what made a file; the checksum that it still holds what was written. A file
that was cut off or changed counts as not there; it is moved aside when it is made again.
"""

from __future__ import annotations

import hashlib
import io
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from hemiscale.errors import HemiscaleError, HemiscaleWarning
from hemiscale.results.fingerprints import plain_values
from hemiscale.results.netcdf import put_netcdf
from hemiscale.results.writing import cannot_be_written, room_beside, write_atomically, write_json

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "CHANGED",
    "DamagedFileError",
    "damage",
    "read_activations",
    "read_dataset",
    "read_record",
    "seal",
    "set_aside",
    "set_aside_damaged",
    "stored_fingerprint",
    "verify_seal",
    "write_activations",
    "write_dataset",
    "write_record",
]

# A netCDF-4 file is followed by this line. HDF5 states its own length, so readers do not see it.
Older = Callable[[dict[str, Any]], bool]

_SEAL = b"\nsha256 "
_SEAL_LENGTH = len(_SEAL) + 64 + 1
_CUT_OFF = "it is cut off, or was changed after it was written"
CHANGED = "its content does not agree with its checksum"
"""What is said of a file that can be read and is not what was written."""


class DamagedFileError(HemiscaleError):
    """A stored file is not what was written.

    Parameters
    ----------
    path : Path
    reason : str
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: the file is damaged ({reason}); run the study again to make it.")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type, tuple[Path, str]]:
        return type(self), (self.path, self.reason)


def damage(path: Path, *, older: Older | None = None) -> str | None:
    """Say what is wrong with a stored file.

    Parameters
    ----------
    path : Path
        A ``.safetensors``, ``.nc`` or ``.json`` file written by this module.
    older : callable, optional
        As for `read_record`.

    Returns
    -------
    str or None
        None where the file is whole, or where there is none.
    """
    if not path.is_file():
        return None
    try:
        if path.suffix == ".safetensors":
            _read_tensors(path, None)
        elif path.suffix == ".nc":
            verify_seal(path)
        else:
            read_record(path, older=older)
    except DamagedFileError as error:
        return error.reason
    return None


def stored_fingerprint(path: Path) -> str | None:
    """Fingerprint of a stored file, or None where there is no whole file.

    All of the file is read, at the speed of SHA-256.

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
            return _read_tensors(path, None)[1].get("fingerprint")
        verify_seal(path)
        import h5netcdf

        with h5netcdf.File(path, "r") as file:
            return str(file.attrs["fingerprint"])
    except (DamagedFileError, KeyError):
        return None


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

    Warns
    -----
    HemiscaleWarning
        Where a damaged file stood in its place: it is moved aside.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    tensors = {f"layer-{k:03d}": np.ascontiguousarray(a) for k, a in enumerate(layers)}
    tensors |= {f"extra-{name}": np.ascontiguousarray(a) for name, a in extras.items()}
    facts = dict(metadata)
    # One checksum a tensor, so that a single layer can be read and verified.
    facts["tensors"] = json.dumps({name: _array_digest(tensors[name]) for name in sorted(tensors)})
    facts["checksum"] = _json_digest(facts)
    set_aside_damaged(path)
    with write_atomically(path) as temporary:
        try:
            # In one entry, because safetensors writes several in any order; in a room, because it
            # writes to a file with a name of its own first.
            with room_beside(temporary) as file:
                save_file(tensors, file, metadata={"hemiscale": json.dumps(facts)})
        except SafetensorError as error:
            raise cannot_be_written(path, str(error)) from None


def read_activations(
    path: Path, *, layers: Sequence[int] | None = None
) -> tuple[list[np.ndarray], dict[str, np.ndarray], dict[str, str]]:
    """Read what `write_activations` stored.

    Parameters
    ----------
    path : Path
    layers : sequence of int, optional
        Read only these, in this order; default all.

    Returns
    -------
    layers : list of (n_words, n_hidden) arrays
    extras : dict of arrays
    metadata : dict of str

    Raises
    ------
    DamagedFileError
        Where what is read is not what was written.
    """
    wanted = None if layers is None else [f"layer-{k:03d}" for k in layers]
    tensors, metadata = _read_tensors(path, wanted)
    names = wanted if wanted is not None else [n for n in tensors if n.startswith("layer-")]
    return (
        [tensors[name] for name in names],
        {n.removeprefix("extra-"): a for n, a in tensors.items() if n.startswith("extra-")},
        metadata,
    )


def write_dataset(path: Path, dataset: xr.Dataset) -> None:
    """Store a labelled result as netCDF-4.

    Parameters
    ----------
    path : Path
    dataset : xarray.Dataset
        Its attribute ``fingerprint`` says what made it.

    Warns
    -----
    HemiscaleWarning
        Where a damaged file stood in its place: it is moved aside.
    """
    # Made in memory: the HDF5 library crashes the process where the disk is full.
    made = io.BytesIO()
    put_netcdf(made, dataset)
    content = made.getbuffer()
    digest = hashlib.sha256(content).hexdigest()
    set_aside_damaged(path)
    with write_atomically(path) as temporary, temporary.open("wb") as stream:
        stream.write(content)
        stream.write(_SEAL + digest.encode() + b"\n")


def seal(stream: BinaryIO) -> None:
    """Put the checksum behind a netCDF-4 file that is written.

    Parameters
    ----------
    stream : binary file
        Open for reading and writing; all of it is read.
    """
    digest = hashlib.sha256()
    stream.seek(0)
    while block := stream.read(1 << 20):
        digest.update(block)
    stream.write(_SEAL + digest.hexdigest().encode() + b"\n")


def read_dataset(path: Path) -> xr.Dataset:
    """Read a labelled result into memory.

    Parameters
    ----------
    path : Path

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    DamagedFileError
        Where the file is not what was written.
    """
    import xarray as xr

    verify_seal(path)
    with xr.open_dataset(path, engine="h5netcdf") as dataset:
        return dataset.load()


def write_record(path: Path, content: Mapping[str, Any], *, older: Older | None = None) -> None:
    """Store small facts as JSON, with a checksum.

    Parameters
    ----------
    path : Path
    content : mapping
        As for `write_json`.
    older : callable, optional
        As for `read_record`: of what may stand in its place.

    Warns
    -----
    HemiscaleWarning
        Where a damaged file stood in its place: it is moved aside.
    """
    plain = plain_values(content)
    set_aside_damaged(path, older=older)
    write_json(path, {"checksum": _json_digest(plain), **plain})


def read_record(path: Path, *, older: Older | None = None) -> dict[str, Any]:
    """Read what `write_record` stored.

    Parameters
    ----------
    path : Path
    older : callable, optional
        Tells of content without a checksum whether it is whole all the same, from before there
        were checksums; without it such content is damaged.

    Returns
    -------
    dict

    Raises
    ------
    DamagedFileError
        Where the file is not what was written.
    """
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise DamagedFileError(path, _CUT_OFF) from None
    except OSError as error:
        raise _unreadable(path, error) from None
    if not isinstance(content, dict):
        raise DamagedFileError(path, CHANGED)
    if older is not None and "checksum" not in content and older(content):
        return content
    if content.pop("checksum", None) != _json_digest(content):
        raise DamagedFileError(path, CHANGED)
    return content


def set_aside_damaged(path: Path, *, older: Older | None = None) -> None:
    """Move a damaged file out of the way of one that is made again, and say so.

    Parameters
    ----------
    path : Path
        Left alone where it is whole, or not there.
    older : callable, optional
        As for `read_record`.

    Raises
    ------
    HemiscaleError
        Where it cannot be moved.

    Warns
    -----
    HemiscaleWarning
        Where it was moved.
    """
    reason = damage(path, older=older)
    if reason is not None:
        set_aside(path, reason)


def set_aside(path: Path, reason: str) -> None:
    """Move a file that was found to be damaged out of the way, and say so.

    Parameters
    ----------
    path : Path
    reason : str
        How it was found.

    Raises
    ------
    HemiscaleError
        Where it cannot be moved.

    Warns
    -----
    HemiscaleWarning
        Where it was moved.
    """
    aside = path.with_name(f"{path.name}.damaged")
    try:
        path.replace(aside)
    except FileNotFoundError:  # another process has just done so
        return
    except OSError as error:
        raise cannot_be_written(path, error.strerror or str(error)) from None
    warnings.warn(
        f"{path}: the stored file was damaged ({reason}); it is kept as {aside.name} and "
        "made again.",
        HemiscaleWarning,
        stacklevel=3,
    )


def _read_tensors(
    path: Path, wanted: Sequence[str] | None
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Read all tensors, or some layers and all extras; verify each."""
    from safetensors import SafetensorError, safe_open

    tensors = {}
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = json.loads((file.metadata() or {})["hemiscale"])
            if metadata.pop("checksum", None) != _json_digest(metadata):
                raise DamagedFileError(path, CHANGED)
            digests = json.loads(metadata.pop("tensors"))
            for name in sorted(digests):
                if wanted is None or name in wanted or name.startswith("extra-"):
                    tensors[name] = file.get_tensor(name)
    except (SafetensorError, ValueError, KeyError, AttributeError):
        raise DamagedFileError(path, _CUT_OFF) from None
    except OSError as error:
        raise _unreadable(path, error) from None
    for name, tensor in tensors.items():
        if _array_digest(tensor) != digests[name]:
            raise DamagedFileError(path, CHANGED)
    return tensors, metadata


def verify_seal(path: Path) -> str:
    """Read a netCDF-4 file and compare it with its checksum.

    Parameters
    ----------
    path : Path

    Returns
    -------
    str
        The checksum.

    Raises
    ------
    DamagedFileError
        Where they do not agree.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            left = path.stat().st_size - _SEAL_LENGTH
            while left > 0 and (block := stream.read(min(left, 1 << 20))):
                digest.update(block)
                left -= len(block)
            seal = stream.read()
    except OSError as error:
        raise _unreadable(path, error) from None
    if not seal.startswith(_SEAL) or len(seal) != _SEAL_LENGTH:
        raise DamagedFileError(path, _CUT_OFF)
    if seal != _SEAL + digest.hexdigest().encode() + b"\n":
        raise DamagedFileError(path, CHANGED)
    return digest.hexdigest()


def _unreadable(path: Path, error: OSError) -> HemiscaleError:
    if isinstance(error, FileNotFoundError):
        return HemiscaleError(f"{path}: there is no such file; run the study again to make it.")
    return HemiscaleError(f"{path}: cannot be read ({error.strerror or error}).")


def _array_digest(array: np.ndarray) -> str:
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _json_digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
