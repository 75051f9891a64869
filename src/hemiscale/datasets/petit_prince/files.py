"""Which files of Le Petit Prince to fetch, and where they lie."""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from hemiscale.datasets.bucket import list_bucket, new_session
from hemiscale.datasets.transfer import LONGEST_PAUSE, TRANSIENT, RemoteFile
from hemiscale.errors import HemiscaleError, InputError

if TYPE_CHECKING:
    import requests

__all__ = [
    "AVERAGE_REPOSITORY",
    "OPENNEURO",
    "petit_prince_average_files",
    "petit_prince_files",
]

OPENNEURO = "https://s3.amazonaws.com/openneuro.org"
"""The public bucket; the data set's own remote names it, with parts of 1 GiB, so ETags are MD5."""

DATASET = "ds003643/"
AVERAGE_REPOSITORY = "chrplr/lpp_average_subject_en"
"""Where the English average subject is shared: nine NIfTI files, the mean of the 49 listeners'
resampled but otherwise raw scans (each weighs by its own scale), on the 4 mm grid of the mask."""

# Word vectors that the data set offers too: large, and of no use here.
SKIPPED = re.compile(r"embedding", re.IGNORECASE)


def petit_prince_files(
    language: Literal["en", "fr", "cn"] = "en",
    *,
    subjects: Sequence[str] | None = None,
    recordings: bool = True,
    annotations: bool = True,
    bucket_url: str = OPENNEURO,
    attempts: int = 5,
    pause: Callable[[float], None] = time.sleep,
) -> list[RemoteFile]:
    """List the recordings and annotations of OpenNeuro ds003643 for `fetch_files`.

    Parameters
    ----------
    language : str
        ``"en"`` (49 listeners), ``"fr"`` (28) or ``"cn"`` (35).
    subjects : sequence of str, optional
        Such as ``EN057``, with or without ``sub-``. Default: all of the language.
    recordings : bool
        The preprocessed runs in MNI space, and what JSON describes them.
    annotations : bool
        The folder of annotations of the language, without word vectors.
    bucket_url : str
    attempts : int
    pause : callable
        Waits so many seconds between attempts.

    Returns
    -------
    list of RemoteFile
        With the layout of the data set: ``derivatives/sub-EN057/func/...``,
        ``annotation/EN/lppEN_word_information.csv`` and so on.

    Raises
    ------
    InputError
        Where there is no such language or subject.
    HemiscaleError
        Where the bucket cannot be listed or has no such files.
    """
    if language not in ("en", "fr", "cn"):
        raise InputError(f"there is no language {language!r}; known: en, fr, cn.")
    code = language.upper()

    def listed(prefix: str) -> list[RemoteFile]:
        return list_bucket(
            bucket_url, DATASET + prefix, strip=DATASET, attempts=attempts, pause=pause
        )

    files: list[RemoteFile] = []
    if recordings:
        files += _of_subjects(listed("derivatives/"), code, subjects)
        described = listed("dataset_description.json") + listed(f"task-lpp{code}")
        files += [file for file in described if file.path.endswith(".json")]
    if annotations:
        found = [f for f in listed(f"annotation/{code}/") if not SKIPPED.search(f.path)]
        if not found:
            raise HemiscaleError(f"{bucket_url}: holds no annotations of {DATASET[:-1]} {code}.")
        files += found
    return files


def _of_subjects(
    files: list[RemoteFile], code: str, subjects: Sequence[str] | None
) -> list[RemoteFile]:
    pattern = re.compile(
        rf"derivatives/(?:[^/]+/)*sub-({code}\d+)/(?:[^/]+/)*"
        rf"sub-\1_(?:[^/]*_)?task-lpp{code}_[^/]*desc-preproc_bold\.(?:nii\.gz|json)"
    )
    by_subject: dict[str, list[RemoteFile]] = {}
    for file in files:
        if match := pattern.fullmatch(file.path):
            by_subject.setdefault(match[1], []).append(file)
    if not by_subject:
        raise HemiscaleError(f"the bucket holds no recordings of {DATASET[:-1]} {code}.")
    if subjects is None:
        chosen = sorted(by_subject)
    else:
        chosen = [s.removeprefix("sub-") for s in subjects]
        problems = []
        for subject in chosen:
            if subject not in by_subject:
                near = difflib.get_close_matches(subject, by_subject, n=1)
                hint = f"did you mean {near[0]}?" if near else f"for example {min(by_subject)}."
                problems.append(f"{DATASET[:-1]} has no subject {subject} in {code}; {hint}")
        if problems:
            raise InputError(*problems)
    return [file for subject in dict.fromkeys(chosen) for file in by_subject[subject]]


def petit_prince_average_files(
    *,
    api_url: str = "https://api.github.com",
    raw_url: str = "https://raw.githubusercontent.com",
    attempts: int = 5,
    pause: Callable[[float], None] = time.sleep,
) -> list[RemoteFile]:
    """List the nine files of the English average subject for `fetch_files`.

    Parameters
    ----------
    api_url, raw_url : str
        Where the repository is listed, and where its files come from.
    attempts : int
    pause : callable
        Waits so many seconds between attempts.

    Returns
    -------
    list of RemoteFile
        ``bold/lpp_en_avg49ss_run1_bold.nii.gz`` and so on, in order, with sizes and git's hashes.

    Raises
    ------
    HemiscaleError
        Where the repository cannot be listed or does not hold nine runs.
    """
    url = f"{api_url}/repos/{AVERAGE_REPOSITORY}/git/trees/main?recursive=1"
    tree = _json(new_session(), url, attempts, pause)
    files = {}
    for entry in tree.get("tree", []):
        path = str(entry.get("path", ""))
        match = re.fullmatch(r"bold/lpp_en_avg\w*_run(\d)_bold\.nii\.gz", path)
        if match and entry.get("type") == "blob":
            files[int(match[1])] = RemoteFile(
                url=f"{raw_url}/{AVERAGE_REPOSITORY}/main/{quote(path)}",
                path=path,
                size=int(entry["size"]),
                git_blob=str(entry["sha"]),
            )
    if sorted(files) != list(range(1, 10)):
        raise HemiscaleError(
            f"{url}: lists runs {', '.join(map(str, sorted(files))) or 'none'} of the average "
            "subject where 1 to 9 are expected."
        )
    return [files[run] for run in sorted(files)]


def _json(
    session: requests.Session, url: str, attempts: int, pause: Callable[[float], None]
) -> dict[str, Any]:
    import requests

    reason = ""
    for attempt in range(attempts):
        if attempt:
            pause(min(2.0 ** (attempt - 1), LONGEST_PAUSE))
        try:
            answer = session.get(url, timeout=(15.0, 60.0))
            if answer.status_code in TRANSIENT:
                reason = f"the server answers {answer.status_code}"
                continue
            if answer.status_code != 200:
                raise HemiscaleError(f"{url}: the server answers {answer.status_code}.")
            content = answer.json()
        except requests.JSONDecodeError:
            reason = "what came is no JSON"
        except requests.RequestException:
            reason = "no connection"
        else:
            if isinstance(content, dict):
                return content
            reason = "what came is not what was asked for"
    raise HemiscaleError(f"{url}: cannot be read after {attempts} attempts ({reason}).")
