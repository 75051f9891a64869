"""Write files so that nothing is ever half there: beside their place, then renamed."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hemiscale.errors import HemiscaleError
from hemiscale.results.fingerprints import plain_values
from hemiscale.results.folder import safe_name

__all__ = [
    "cannot_be_written",
    "remove_leftovers",
    "room_beside",
    "write_atomically",
    "write_json",
    "write_text",
]


DAY = 86_400.0  # seconds


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
    owner = f"{_this_machine()}.{os.getpid()}"
    temporary = path.parent / f".{path.name}.{owner}.{uuid.uuid4().hex[:8]}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        raise cannot_be_written(path, error.strerror or str(error)) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def room_beside(temporary: Path) -> Iterator[Path]:
    """Give a file name in a folder of its own, for writers that make more files beside theirs.

    Killed, they leave these files, whose names do not say whose they were; the folder's does.

    Parameters
    ----------
    temporary : Path
        From `write_atomically`: where the file goes when it is written.

    Yields
    ------
    Path
    """
    folder = temporary.with_name(f"{temporary.name.removesuffix('.part')}-room.part")
    folder.mkdir()
    try:
        yield folder / "file"
        (folder / "file").replace(temporary)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes were writing.

    Parameters
    ----------
    folder : Path
        A file that a living process of this machine writes stays; so does one of another machine
        for a day.
    """
    here = _this_machine()
    for path in list(folder.rglob(".*.part")):
        with contextlib.suppress(OSError, ValueError, IndexError):
            owner, pid = path.name.split(".")[-4], int(path.name.split(".")[-3])
            if owner == here:
                abandoned = not _is_alive(pid)
            else:
                abandoned = path.stat().st_mtime < time.time() - DAY
            if abandoned and path.is_dir():
                shutil.rmtree(path)
            elif abandoned:
                path.unlink()


def _this_machine() -> str:
    """Name of this machine without dots, which part a file's name: all of node1.lab.org counts."""
    return safe_name(platform.node() or "here").replace(".", "_")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def cannot_be_written(path: Path, reason: str) -> HemiscaleError:
    """Say that a file cannot be written, and what to do.

    Parameters
    ----------
    path : Path
    reason : str

    Returns
    -------
    HemiscaleError
    """
    return HemiscaleError(
        f"{path}: cannot be written ({reason}); free some space or choose another folder with "
        "--out, then start again: what is finished is kept."
    )


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
    write_text(
        path, json.dumps(plain_values(content), indent=1, ensure_ascii=False, allow_nan=False)
    )
