"""Download one file: resumed, retried within bounds, and kept only when it is what it should be."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from hemiscale.errors import HemiscaleError

if TYPE_CHECKING:
    import requests

__all__ = [
    "DiskFullError",
    "RemoteFile",
    "Transfer",
    "check_content",
    "download",
    "part_file",
    "safe_target",
]

BLOCK = 1 << 20
RECEIVED = 1 << 14  # what is received of a block when the connection is cut is lost: small blocks
MIB = 1 << 20
LONGEST_PAUSE = 60.0  # seconds
TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
# What uploaders are known to cut large objects into; an S3 ETag of several parts depends on it.
PART_SIZES = [n * MIB for n in (5, 8, 10, 15, 16, 25, 32, 50, 64, 100, 128, 256, 512, 1024)]


@dataclass(frozen=True)
class RemoteFile:
    """A file to download, and what is known of it beforehand.

    Attributes
    ----------
    url : str
    path : str
        Where it goes, relative to the folder, with forward slashes.
    size : int or None
        Bytes.
    etag : str or None
        As an S3 bucket lists it: the MD5 of the content or, for objects uploaded in parts, the MD5
        of the MD5s of the parts.
    sha256 : str or None
    git_blob : str or None
        SHA-1 by which git names the content.
    """

    url: str
    path: str
    size: int | None = None
    etag: str | None = None
    sha256: str | None = None
    git_blob: str | None = None


@dataclass
class Transfer:
    """How to download, shared by all files of one call.

    Attributes
    ----------
    attempts : int
        Attempts in a row that bring no new bytes; a file is tried at most ten times that often.
    timeout : (float, float)
        Seconds to wait for a connection, and for the next bytes.
    pause : callable
        Waits so many seconds; tests give their own.
    stopped : callable
        Asked between blocks; True breaks off, keeping what has come.
    on_bytes : callable
        Told of every block (negative where bytes had to be thrown away).
    """

    attempts: int = 5
    timeout: tuple[float, float] = (15.0, 60.0)
    pause: Callable[[float], None] = time.sleep
    stopped: Callable[[], bool] = field(default=lambda: False)
    on_bytes: Callable[[int], None] = field(default=lambda n: None)


class DiskFullError(HemiscaleError):
    """No room for the next bytes."""


class _Retry(Exception):  # noqa: N818 - no error yet
    """An attempt failed; the next may not."""

    def __init__(self, reason: str, *, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


def safe_target(folder: Path, path: str) -> Path:
    """Where a file goes, never outside the folder.

    Parameters
    ----------
    folder : Path
    path : str
        From a listing, so not to be trusted.

    Returns
    -------
    Path

    Raises
    ------
    HemiscaleError
        Where the path is absolute or climbs out of the folder.
    """
    parts = path.split("/")
    if not path or "\\" in path or "\0" in path or any(p in ("", ".", "..") for p in parts):
        raise HemiscaleError(f"the server names a file {path!r}, which is no safe file name.")
    return folder.joinpath(*parts)


def part_file(folder: Path, file: RemoteFile) -> Path:
    """Where the bytes of an unfinished download are kept.

    Parameters
    ----------
    folder : Path
    file : RemoteFile

    Returns
    -------
    Path
        Another version of the file has another name, so that versions are never mixed.
    """
    target = safe_target(folder, file.path)
    version = repr((file.url, file.size, file.etag, file.sha256, file.git_blob))
    mark = hashlib.sha256(version.encode()).hexdigest()[:12]
    return target.parent / f".{target.name}.{mark}.part"


def check_content(path: Path, file: RemoteFile) -> tuple[str | None, bool]:
    """Compare a file on disk with what is known of it.

    Parameters
    ----------
    path : Path
    file : RemoteFile

    Returns
    -------
    problem : str or None
        What differs, or None.
    verified : bool
        Whether a checksum agreed (not just the size).
    """
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return f"has {size} bytes where {file.size} are expected", False
    with path.open("rb") as stream:
        start = stream.read(512)
        page = _page(start, file.path)
        if page:
            return page, False
        stream.seek(0)
        if file.sha256 is not None:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
            if found != file.sha256.lower():
                return "its SHA-256 is not the expected one", False
            return None, True
        if file.git_blob is not None:
            if _git_blob(stream, size) != file.git_blob.lower():
                return "its git hash is not the expected one", False
            return None, True
        return _compare_etag(stream, file.etag, size)


def _compare_etag(stream: BinaryIO, etag: str | None, size: int) -> tuple[str | None, bool]:
    stated = (etag or "").strip('"').lower()
    match = re.fullmatch(r"([0-9a-f]{32})(?:-(\d+))?", stated)
    if not match:  # weak or unknown: no checksum
        return None, False
    if match[2] is None:
        digest = hashlib.md5(usedforsecurity=False)
        while block := stream.read(BLOCK):
            digest.update(block)
        good = digest.hexdigest() == match[1]
        return (None, True) if good else ("its MD5 is not the expected one", False)
    n_parts = int(match[2])
    possible = [p for p in PART_SIZES if -(-size // p) == n_parts]
    for part_size in possible:
        stream.seek(0)
        outer = hashlib.md5(usedforsecurity=False)
        for _ in range(n_parts):
            outer.update(_part_digest(stream, part_size))
        if outer.hexdigest() == match[1]:
            return None, True
    # Either damaged or cut into parts of another size: nobody can tell.
    return None, False


def _git_blob(stream: BinaryIO, size: int) -> str:
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    while block := stream.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _part_digest(stream: BinaryIO, part_size: int) -> bytes:
    digest, left = hashlib.md5(usedforsecurity=False), part_size
    while left and (block := stream.read(min(BLOCK, left))):
        digest.update(block)
        left -= len(block)
    return digest.digest()


def _page(start: bytes, path: str) -> str | None:
    """Tell whether a file that should hold data starts like a web page."""
    if path.endswith((".html", ".htm", ".xml", ".gii", ".svg")):
        return None
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<error")):
        return "is a web page or an error message instead of the file"
    if path.endswith(".gz") and start and not start.startswith(b"\x1f\x8b"):
        return "is not compressed though its name says so"
    return None


def download(
    session: requests.Session, file: RemoteFile, folder: Path, transfer: Transfer
) -> tuple[Path, bool]:
    """Download one file, going on where an earlier attempt stopped.

    Parameters
    ----------
    session : requests.Session
    file : RemoteFile
    folder : Path
    transfer : Transfer

    Returns
    -------
    path : Path
        The whole, checked file: nothing else is ever seen under that name.
    verified : bool
        Whether a checksum agreed.

    Raises
    ------
    HemiscaleError
        With one sentence, after the last attempt or at once where trying again is in vain.
    """
    target, part = safe_target(folder, file.path), part_file(folder, file)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _locked(part) as stream:
            verified = _fill(session, file, stream, part, transfer)
            stream.flush()
            os.fsync(stream.fileno())
            part.replace(target)
    except OSError as error:
        raise _disk_error(target, error) from None
    return target, verified


@contextmanager
def _locked(part: Path) -> Iterator[BinaryIO]:
    with part.open("a+b") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HemiscaleError(
                f"{part}: another process is downloading this file; wait for it."
            ) from None
        yield stream


def _disk_error(target: Path, error: OSError) -> HemiscaleError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(
            f"{target}: the disk is full; free some space and start again, "
            "what has come so far is kept."
        )
    return HemiscaleError(f"{target}: cannot be written ({error.strerror or error}).")


def _fill(
    session: requests.Session, file: RemoteFile, stream: BinaryIO, part: Path, transfer: Transfer
) -> bool:
    """Try until the partial file is whole; say whether its checksum agreed."""
    import requests

    in_vain, have = 0, _length(stream)
    transfer.on_bytes(have)
    for _ in range(10 * transfer.attempts):
        try:
            if file.size is None or have != file.size or not have:
                _receive(session, file, stream, transfer)
            problem, verified = check_content(part, file)
            if problem is None:
                return verified
            _throw_away(stream, transfer)
            raise _Retry(f"what came {problem}")
        except (requests.RequestException, _Retry) as error:
            now = _length(stream)
            in_vain = 0 if now > have else in_vain + 1
            have = now
            if in_vain >= transfer.attempts:
                raise _given_up(file, _reason(error), transfer) from None
            after = error.after if isinstance(error, _Retry) else 0.0
            if not transfer.stopped():
                growing = min(2.0 ** max(in_vain - 1, 0), LONGEST_PAUSE)
                transfer.pause(max(after, growing * random.uniform(0.5, 1.0)))
            last = _reason(error)
    raise _given_up(file, last, transfer)


def _given_up(file: RemoteFile, reason: str, transfer: Transfer) -> HemiscaleError:
    return HemiscaleError(
        f"{file.url}: not downloaded after {transfer.attempts} attempts in vain ({reason}); "
        "start again to go on from where it stopped."
    )


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "the secure connection failed"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection was cut"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _length(stream: BinaryIO) -> int:
    stream.flush()
    return os.fstat(stream.fileno()).st_size


def _throw_away(stream: BinaryIO, transfer: Transfer) -> None:
    transfer.on_bytes(-_length(stream))
    stream.truncate(0)


def _receive(
    session: requests.Session, file: RemoteFile, stream: BinaryIO, transfer: Transfer
) -> None:
    """One request; what comes is appended to the stream."""
    have = _length(stream)
    if file.size is not None and have > file.size:
        _throw_away(stream, transfer)
        have = 0
    # Compression on the way would make sizes and ranges those of something else.
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if file.etag and not file.etag.startswith("W/"):
            headers["If-Range"] = '"' + file.etag.strip('"') + '"'
    with session.get(file.url, headers=headers, stream=True, timeout=transfer.timeout) as answer:
        have = _accept(answer, file, have, stream, transfer)
        for block in answer.iter_content(RECEIVED):
            if transfer.stopped():
                raise HemiscaleError(f"{file.url}: broken off; start again to go on.")
            if not have and (page := _page(block[:512], file.path)):
                raise _Retry(f"what came {page}")
            stream.write(block)
            transfer.on_bytes(len(block))
            have += len(block)
            if file.size is not None and have > file.size:
                _throw_away(stream, transfer)
                raise _Retry(f"more came than the expected {file.size} bytes")
    stream.flush()
    if file.size is not None and have < file.size:
        raise _Retry("the connection was cut")


def _accept(
    answer: requests.Response,
    file: RemoteFile,
    have: int,
    stream: BinaryIO,
    transfer: Transfer,
) -> int:
    """Judge the head of an answer; return from which byte on its body goes on."""
    status = answer.status_code
    if status in TRANSIENT:
        raise _Retry(f"the server answers {status}", after=_retry_after(answer))
    if status == 416:
        _throw_away(stream, transfer)
        raise _Retry("the server has no such range")
    if status not in (200, 206):
        what = {
            401: "may not be read without signing in",
            403: "may not be read, or is not there",
            404: "is not there",
            410: "is gone",
        }.get(status, f"is refused with status {status}")
        raise HemiscaleError(f"{file.url}: {what}.")
    kind = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if kind == "text/html" and not file.path.endswith((".html", ".htm")):
        raise _Retry("what came is a web page or an error message instead of the file")
    total: int | None = None
    length = answer.headers.get("Content-Length", "")
    if status == 200:
        total = int(length) if length.isdigit() else None
        if have:
            _throw_away(stream, transfer)
            have = 0
    else:
        stated = re.fullmatch(
            r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", "").strip()
        )
        if not stated or int(stated[1]) != have:
            _throw_away(stream, transfer)
            raise _Retry("the server sent another range than asked for")
        total = int(stated[2]) if stated[2] != "*" else None
    if total is not None and file.size is not None and total != file.size:
        raise HemiscaleError(
            f"{file.url}: the server has {total} bytes where {file.size} are expected; "
            "the file has changed or is another one."
        )
    return have


def _retry_after(answer: requests.Response) -> float:
    value = answer.headers.get("Retry-After", "")
    return min(float(value), LONGEST_PAUSE) if value.isdigit() else 0.0
