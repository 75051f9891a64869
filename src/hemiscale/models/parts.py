"""Large files that come in parts, one installed package each: joined once, in the cache."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
from pathlib import Path

from hemiscale.errors import HemiscaleError
from hemiscale.models.cache import cache_folder
from hemiscale.results import write_atomically

__all__ = ["find_parts", "joined_file"]


def find_parts(packages: tuple[str, ...], pattern: str) -> list[Path] | None:
    """Find the parts of a file in installed packages.

    Parameters
    ----------
    packages : tuple of str
        Import names, in the order of the parts.
    pattern : str
        Of the part's file name in each package.

    Returns
    -------
    list of Path or None
        None where one of them is not installed.
    """
    parts = []
    for package in packages:
        spec = importlib.util.find_spec(package)
        folders = (spec.submodule_search_locations or []) if spec else []
        files = [file for folder in folders for file in Path(folder).rglob(pattern)]
        if len(files) != 1:
            return None
        parts += files
    return parts


def joined_file(parts: list[Path], name: str, sha256: str) -> Path:
    """Join parts into one file, unless that has been done, and verify it.

    Parameters
    ----------
    parts : list of Path
    name : str
        Of the file.
    sha256 : str
        Of the whole file.

    Returns
    -------
    Path
        In the cache folder.

    Raises
    ------
    HemiscaleError
        Where the parts do not make the file that they should, or it cannot be written.
    """
    target = cache_folder() / "joined" / sha256[:16] / name
    if target.is_file() and target.stat().st_size == sum(part.stat().st_size for part in parts):
        return target
    with write_atomically(target) as temporary:
        with temporary.open("wb") as whole:
            for part in parts:
                with part.open("rb") as stream:
                    shutil.copyfileobj(stream, whole)
        with temporary.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != sha256:
            raise HemiscaleError(
                f"{parts[0]} and the parts beside it do not make the file {name!r} that they "
                "should; install their packages again."
            )
    return target
