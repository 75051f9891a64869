"""Fingerprints: what made a result, told in 32 digits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["file_digest", "fingerprint", "plain_values"]


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
            digest.update(json.dumps(plain_values(value), sort_keys=True).encode())
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


def plain_values(value: Any) -> Any:
    """Turn a value into what JSON knows: NaN and infinities become None.

    Parameters
    ----------
    value : object
        Of mappings, lists, tuples, paths, strings, numbers, numpy scalars and arrays.

    Returns
    -------
    object
    """
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        return {str(key): plain_values(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_values(inner) for inner in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value
