"""Digests of large files, taken once and remembered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hemiscale.errors import HemiscaleError, InputError
from hemiscale.pipeline.helpers import Helpers
from hemiscale.pipeline.unchanged import FileStates, KnownFiles, changed_files
from hemiscale.results import file_digest, read_record, write_record

__all__ = ["Digests", "read_kept"]

READ = 512_000_000
"""Bytes of recordings whose digests are taken at a time."""


class Digests:
    """Digests of large files, remembered for as long as size and time of a file stay the same.

    Parameters
    ----------
    path : Path
        Where they are kept.
    before : FileStates, optional
        What files were when their headers were read; others may be what they are when they are
        first asked for.
    """

    def __init__(self, path: Path, before: FileStates | None = None) -> None:
        self.path = path
        self._known: dict[str, list[Any]] = read_kept(path, _are_older_digests)
        # One run works with one version of a file.
        self._first = {str(p.resolve()): list(s) for p, s in (before or {}).items() if s}

    def __call__(self, path: Path) -> str:
        """Give the digest of a file.

        Parameters
        ----------
        path : Path

        Returns
        -------
        str

        Raises
        ------
        HemiscaleError
            Where the file is not what it was.
        """
        key = str(path.resolve())
        mark = self._mark(path, key)
        known = self._known.get(key)
        if known is None or known[:2] != mark:
            digest = file_digest(path)
            self._mark(path, key)
            self._known[key] = [*mark, digest]
        return str(self._known[key][2])

    def learn(self, paths: Sequence[Path], helpers: Helpers) -> None:
        """Let others read the files that are not known yet, which may be much.

        Parameters
        ----------
        paths : sequence of Path
            Those that others do not see are left for later.
        helpers : Helpers

        Raises
        ------
        HemiscaleError
            Where a file is not what it was.
        """
        whole = [path.resolve() for path in paths]
        marks = {path: self._mark(path, str(path)) for path in whole}
        new = [path for path, mark in marks.items() if self._known.get(str(path), [])[:2] != mark]
        sizes = [float(marks[path][0]) for path in new]
        for some, found in helpers.map_batches(_digests, new, sizes, least=READ):
            for path, digest in zip(some, found, strict=True):
                if digest is not None:
                    self._mark(path, str(path))
                    self._known[str(path)] = [*marks[path], digest]

    def known(self, paths: Sequence[Path]) -> KnownFiles:
        """Give the digests of files, and what the files were when they were taken.

        Parameters
        ----------
        paths : sequence of Path

        Returns
        -------
        KnownFiles
        """
        digests = {path: self(path) for path in paths}
        marks = {path: self._first[str(path.resolve())] for path in paths}
        return {path: ((marks[path][0], marks[path][1]), digests[path]) for path in paths}

    def _mark(self, path: Path, key: str) -> list[int]:
        """Size and time of a file, which are the same as long as this object lives."""
        mark = _mark(path)
        if self._first.setdefault(key, mark) != mark:
            raise changed_files([path])
        return mark

    def save(self) -> None:
        """Keep them for the next run.

        Warns
        -----
        HemiscaleWarning
            Where what was kept before is damaged: it is moved aside.
        """
        write_record(self.path, self._known, older=_are_older_digests)


def read_kept(path: Path, older: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Read a record; nothing where it is damaged, which is said when it is written again.

    Parameters
    ----------
    path : Path
    older : callable
        Tells whether content without a checksum is from before there were checksums.

    Returns
    -------
    dict
    """
    try:
        return read_record(path, older=older)
    except HemiscaleError:
        return {}


def _digests(paths: Sequence[Path]) -> list[str | None]:
    return [file_digest(path) if path.is_file() else None for path in paths]


def _mark(path: Path) -> list[int]:
    """Size and time of a file, by which it is known to be the same."""
    try:
        state = path.stat()
    except FileNotFoundError:
        raise InputError(f"{path}: is not there any more.") from None
    return [state.st_size, state.st_mtime_ns]


def _are_older_digests(content: dict[str, Any]) -> bool:
    """Tell what was written before records had checksums; it is read as it was."""
    return all(
        isinstance(known, list) and [type(part) for part in known] == [int, int, str]
        for known in content.values()
    )
