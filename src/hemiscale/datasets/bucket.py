"""List a public S3 bucket over plain HTTPS."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.etree import ElementTree

from hemiscale.datasets.transfer import LONGEST_PAUSE, TRANSIENT, RemoteFile
from hemiscale.errors import HemiscaleError

if TYPE_CHECKING:
    import requests

__all__ = ["list_bucket", "new_session"]

MOST_PAGES = 500  # of 1,000 files each


def new_session() -> requests.Session:
    """Open a session for downloads: few redirects, no retries of its own.

    Returns
    -------
    requests.Session
    """
    import requests

    session = requests.Session()
    session.max_redirects = 5
    session.headers["User-Agent"] = "hemiscale"
    return session


def list_bucket(
    bucket_url: str,
    prefix: str,
    *,
    strip: str = "",
    attempts: int = 5,
    timeout: tuple[float, float] = (15.0, 60.0),
    pause: Callable[[float], None] = time.sleep,
    session: requests.Session | None = None,
) -> list[RemoteFile]:
    """List the files of a public bucket whose keys start alike.

    Parameters
    ----------
    bucket_url : str
        Path-style, such as ``https://s3.amazonaws.com/openneuro.org``.
    prefix : str
    strip : str
        Start of the keys that is left out of `RemoteFile.path`.
    attempts : int
        Attempts per page of the listing.
    timeout : (float, float)
        Seconds to wait for a connection, and for an answer.
    pause : callable
        Waits so many seconds.
    session : requests.Session, optional

    Returns
    -------
    list of RemoteFile
        With size and ETag; in the order of the bucket. Folder markers are left out.

    Raises
    ------
    HemiscaleError
        Where the bucket cannot be listed.
    """
    session = session or new_session()
    base = bucket_url.rstrip("/")
    files: list[RemoteFile] = []
    token: str | None = None
    for _ in range(MOST_PAGES):
        parameters = {"list-type": "2", "prefix": prefix}
        if token is not None:
            parameters["continuation-token"] = token
        root = _page(session, base, parameters, attempts, timeout, pause)
        for entry in _all(root, "Contents"):
            key, size = _text(entry, "Key"), _text(entry, "Size")
            if key and not key.endswith("/") and size.isdigit():
                files.append(
                    RemoteFile(
                        url=f"{base}/{quote(key)}",
                        path=key.removeprefix(strip),
                        size=int(size),
                        etag=_text(entry, "ETag").strip('"') or None,
                    )
                )
        following = _text(root, "NextContinuationToken")
        if _text(root, "IsTruncated") != "true":
            return files
        if not following or following == token:
            break
        token = following
    raise HemiscaleError(f"{base}: the listing of {prefix} does not come to an end.")


def _page(
    session: requests.Session,
    base: str,
    parameters: dict[str, str],
    attempts: int,
    timeout: tuple[float, float],
    pause: Callable[[float], None],
) -> ElementTree.Element:
    import requests

    reason = ""
    for attempt in range(attempts):
        if attempt:
            pause(min(2.0 ** (attempt - 1), LONGEST_PAUSE))
        try:
            answer = session.get(base, params=parameters, timeout=timeout)
        except requests.RequestException as error:
            reason = "no answer in time" if isinstance(error, requests.Timeout) else "no connection"
            continue
        if answer.status_code in TRANSIENT:
            reason = f"the server answers {answer.status_code}"
            continue
        if answer.status_code != 200:
            raise HemiscaleError(
                f"{base}: cannot be listed, the server answers {answer.status_code}."
            )
        try:
            root = ElementTree.fromstring(answer.content)
        except ElementTree.ParseError:
            root = None
        if root is None or _name(root) != "ListBucketResult":
            reason = "what came is no listing of a bucket"
            continue
        return root
    raise HemiscaleError(f"{base}: cannot be listed after {attempts} attempts ({reason}).")


def _name(element: ElementTree.Element) -> str:
    return element.tag.rsplit("}", 1)[-1]  # servers differ in the namespace


def _all(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [child for child in root if _name(child) == name]


def _text(root: ElementTree.Element, name: str) -> str:
    found = _all(root, name)
    return (found[0].text or "") if found else ""
