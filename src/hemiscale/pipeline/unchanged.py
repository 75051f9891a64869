"""Notice input files that change while a study is running."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from hemiscale.errors import HemiscaleError
from hemiscale.results import file_digest

__all__ = [
    "FileState",
    "FileStates",
    "KnownFiles",
    "changed_files",
    "file_states",
    "raise_if_changed",
    "states_of_known",
]

FileState = tuple[int, int]
"""Size in bytes and time of the last change in ns."""

FileStates = dict[Path, FileState | None]
"""By path; None where there is no such file."""

KnownFiles = Mapping[Path, tuple[FileState, str]]
"""By path, the state of a file when its digest was taken, and the digest."""


def file_states(paths: Collection[Path]) -> FileStates:
    """Note size and time of the last change of files.

    Parameters
    ----------
    paths : collection of Path

    Returns
    -------
    FileStates
    """
    states: FileStates = {}
    for path in paths:
        try:
            status = path.stat()
            states[path] = (status.st_size, status.st_mtime_ns)
        except OSError:
            states[path] = None
    return states


def raise_if_changed(before: FileStates) -> None:
    """Compare files with what was noted.

    Parameters
    ----------
    before : FileStates
        From `file_states`.

    Raises
    ------
    HemiscaleError
        Where a file is not what it was.
    """
    now = file_states(before)
    changed = [path for path in before if now[path] != before[path]]
    if changed:
        raise changed_files(changed)


def states_of_known(known: KnownFiles) -> FileStates:
    """Note size and time of files whose digests are known, and see that they are the same files.

    Another machine may have a copy with another time; then its bytes tell.

    Parameters
    ----------
    known : KnownFiles

    Returns
    -------
    FileStates
        For `raise_if_changed`, once they are read.

    Raises
    ------
    HemiscaleError
        Where a file is not the one whose digest was taken.
    """
    states = file_states(known)
    changed = [
        path
        for path, (state, digest) in known.items()
        if states[path] != state and not _has_digest(path, digest)
    ]
    if changed:
        raise changed_files(changed)
    return states


def changed_files(paths: Collection[Path]) -> HemiscaleError:
    """Make the error that says which files changed, and what to do.

    Parameters
    ----------
    paths : collection of Path

    Returns
    -------
    HemiscaleError
    """
    return HemiscaleError(
        f"{', '.join(map(str, paths))}: changed while the study was running, so that its results "
        "would be of two versions. Start again: only what depends on it is made again."
    )


def _has_digest(path: Path, digest: str) -> bool:
    try:
        return file_digest(path) == digest
    except OSError:
        return False
