"""What makes a model this model and no other: digests of its files, without reading them twice."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from hemiscale.models.sources import local_files, tokenizer_files
from hemiscale.results import file_digest

__all__ = ["model_identity", "tokenizer_identity"]


def model_identity(source: str | Path) -> dict[str, str]:
    """Digests of the files that make a model or a static table.

    Parameters
    ----------
    source : str or Path
        As for `load_model`.

    Returns
    -------
    dict of str
        By file name. Of a hub model's large files the hub's own SHA-256 is taken, which the
        download has checked.

    Raises
    ------
    InputError
        Where the model is not here.
    """
    return {path.name: _digest(path) for path in local_files(source)}


def tokenizer_identity(source: str | Path) -> dict[str, str]:
    """Digests of the files of a tokenizer that is not the model's.

    Parameters
    ----------
    source : str or Path
        A folder, or as for `load_model`.

    Returns
    -------
    dict of str
        By file name.

    Raises
    ------
    InputError
        Where it is not here.
    """
    folder = Path(source)
    if folder.is_dir():
        return {path.name: _digest(path) for path in tokenizer_files(folder)}
    weights = (".safetensors", ".safetensors.index.json")
    return {k: v for k, v in model_identity(source).items() if not k.endswith(weights)}


def _digest(path: Path) -> str:
    if path.is_symlink():
        blob = path.resolve()
        if blob.parent.name == "blobs" and re.fullmatch(r"[0-9a-f]{64}", blob.name):
            return blob.name
    state = path.stat()
    return _digest_of(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=256)
def _digest_of(path: Path, _size: int, _modified: int) -> str:
    return file_digest(path)
