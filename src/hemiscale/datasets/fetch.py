"""Download many files: in parallel, with the room on the disk checked beforehand."""

from __future__ import annotations

import math
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hemiscale.datasets.bucket import new_session
from hemiscale.datasets.transfer import (
    DiskFullError,
    RemoteFile,
    Transfer,
    check_content,
    download,
    part_file,
    safe_target,
)
from hemiscale.errors import HemiscaleError

if TYPE_CHECKING:
    import requests

__all__ = ["Fetched", "fetch_files", "missing_bytes"]

RESERVE = 256 << 20  # bytes that are left free
MOST_SENTENCES = 10


@dataclass
class Fetched:
    """What a call of `fetch_files` did.

    Attributes
    ----------
    downloaded : list of Path
        Files that came now.
    kept : list of Path
        Files that were there already and are what they should be.
    unverified : list of Path
        Files, of both kinds, for which no checksum could be compared: only the size, if known.
    """

    downloaded: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    unverified: list[Path] = field(default_factory=list)


def fetch_files(
    files: Sequence[RemoteFile],
    folder: str | Path,
    *,
    workers: int = 4,
    attempts: int = 5,
    timeout: tuple[float, float] = (15.0, 60.0),
    reserve: int = RESERVE,
    progress: Callable[[int, int], None] | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Fetched:
    """Download files that are not there yet, or not as they should be.

    Every file is checked by size and checksum (SHA-256, or the ETag of an S3 bucket), also those
    that are there already. Unfinished downloads are resumed, in this call and in later ones. A file
    gets its name only when it is whole.

    Parameters
    ----------
    files : sequence of RemoteFile
    folder : str or Path
        Made if need be.
    workers : int
        Transfers at a time.
    attempts : int
        Attempts per file in a row that bring no new bytes.
    timeout : (float, float)
        Seconds to wait for a connection, and for the next bytes.
    reserve : int
        Bytes to leave free on the disk.
    progress : callable, optional
        Called with (bytes on disk, bytes in all as far as sizes are known), from any thread but
        never twice at a time.
    pause : callable
        Waits so many seconds between attempts.

    Returns
    -------
    Fetched

    Raises
    ------
    HemiscaleError
        Where files could not be had (one sentence each; the others are finished and kept), the disk
        has no room, or two files have one name.
    """
    folder = Path(folder)
    _check_names(files, folder)
    _check_room(files, folder, reserve)
    stop = threading.Event()
    count = _Count(sum(f.size or 0 for f in files), progress)
    transfer = Transfer(
        attempts=attempts, timeout=timeout, pause=pause, stopped=stop.is_set, on_bytes=count.add
    )
    done = Fetched()
    problems: list[str] = []
    with (
        new_session() as session,
        ThreadPoolExecutor(max_workers=max(workers, 1), thread_name_prefix="fetch") as pool,
    ):
        _widen(session, workers)
        futures = [pool.submit(_one, session, f, folder, transfer) for f in files]
        try:
            for future in as_completed(futures):
                if future.cancelled():
                    continue
                try:
                    path, was_there, verified = future.result()
                except HemiscaleError as error:
                    problems.append(str(error))
                    if isinstance(error, DiskFullError) and not stop.is_set():
                        stop.set()  # the others would fail as well
                        for waiting in futures:
                            waiting.cancel()
                    continue
                (done.kept if was_there else done.downloaded).append(path)
                if not verified:
                    done.unverified.append(path)
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    if problems:
        raise HemiscaleError(_sentences(problems, len(done.kept) + len(done.downloaded)))
    for paths in (done.downloaded, done.kept, done.unverified):
        paths.sort()
    return done


def missing_bytes(files: Sequence[RemoteFile], folder: str | Path) -> int:
    """Bytes that are still to come, by the names and sizes on disk.

    Parameters
    ----------
    files : sequence of RemoteFile
    folder : str or Path

    Returns
    -------
    int
        Files of unknown size count as nothing.
    """
    missing = 0
    for file in files:
        if file.size is None:
            continue
        target, part = safe_target(Path(folder), file.path), part_file(Path(folder), file)
        if target.is_file() and target.stat().st_size == file.size:
            continue
        missing += file.size - min(part.stat().st_size if part.is_file() else 0, file.size)
    return missing


def _one(
    session: requests.Session, file: RemoteFile, folder: Path, transfer: Transfer
) -> tuple[Path, bool, bool]:
    """Path of a file, whether it was there before, and whether a checksum agreed."""
    target = safe_target(folder, file.path)
    if target.is_file():
        try:
            problem, verified = check_content(target, file)
        except OSError as error:
            raise HemiscaleError(f"{target}: cannot be read ({error.strerror}).") from None
        if problem is None:
            transfer.on_bytes(target.stat().st_size)
            return target, True, verified
    path, verified = download(session, file, folder, transfer)
    return path, False, verified


def _widen(session: requests.Session, workers: int) -> None:
    from requests.adapters import HTTPAdapter

    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=max(workers, 1))
    session.mount("https://", adapter)
    session.mount("http://", adapter)


def _check_names(files: Sequence[RemoteFile], folder: Path) -> None:
    seen: set[Path] = set()
    for file in files:
        target = safe_target(folder, file.path)
        if target in seen:
            raise HemiscaleError(f"two files would be written to {target}.")
        seen.add(target)


def _check_room(files: Sequence[RemoteFile], folder: Path, reserve: int) -> None:
    needed = missing_bytes(files, folder)
    if not needed:
        return
    existing = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    free = shutil.disk_usage(existing).free
    if needed + reserve > free:
        raise HemiscaleError(
            f"{folder}: {_size(needed)} are still to come but only {_size(free)} are free "
            f"({_size(reserve)} of them are left alone); free some space, choose another folder "
            "or name fewer subjects."
        )


def _size(n_bytes: int) -> str:
    if n_bytes < 1000:
        return f"{n_bytes} bytes"
    exponent = min(int(math.log10(n_bytes)) // 3, 4)
    return f"{n_bytes / 1000**exponent:.1f} {('kB', 'MB', 'GB', 'TB')[exponent - 1]}"


def _sentences(problems: list[str], n_done: int) -> str:
    shown = problems[:MOST_SENTENCES]
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more files like these.")
    if n_done:
        shown.append(f"{n_done} other file(s) are finished and kept.")
    return "\n".join(shown)


class _Count:
    """Bytes on disk, told from many threads."""

    def __init__(self, total: int, progress: Callable[[int, int], None] | None) -> None:
        self._total, self._progress, self._done = total, progress, 0
        self._lock = threading.Lock()

    def add(self, n_bytes: int) -> None:
        if self._progress is None or not n_bytes:
            return
        with self._lock:
            self._done += n_bytes
            self._progress(self._done, self._total)
