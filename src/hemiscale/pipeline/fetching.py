"""Get what a study names and that is not here yet: recordings, annotations, models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hemiscale.errors import HemiscaleError, InputError
from hemiscale.pipeline.plan import plan_study
from hemiscale.study import BidsRecordings, Study, VolumeFiles

if TYPE_CHECKING:
    from hemiscale.datasets import RemoteFile

__all__ = ["FetchedStudy", "can_be_fetched", "fetch_study"]

DATASET = "ds003643"
AVERAGE_FILES = "lpp_en_avg"
Language = Literal["en", "fr", "cn"]
Progress = Callable[[str, int, int], None]


@dataclass
class FetchedStudy:
    """What `fetch_study` did.

    Attributes
    ----------
    downloaded, kept : int
        Files of recordings and annotations.
    models : list of str
        Models that are here now.
    notices : list of str
        Files without a checksum to compare, and optional models that could not be had.
    """

    downloaded: int = 0
    kept: int = 0
    models: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def fetch_study(
    study: Study,
    *,
    subjects: Sequence[str] | None = None,
    models: bool = True,
    workers: int = 4,
    bucket_url: str | None = None,
    average_urls: tuple[str, str] | None = None,
    progress: Progress | None = None,
) -> FetchedStudy:
    """Download the recordings, annotations and models that a study names; resume what was begun.

    Parameters
    ----------
    study : Study
        One that reads Le Petit Prince, as ``hemiscale new --like petit-prince-en`` writes it.
    subjects : sequence of str, optional
        Only these; default: those of the study, or all of its language.
    models : bool
        Also download models from the hub.
    workers : int
        Transfers at a time.
    bucket_url : str, optional
        Another bucket than OpenNeuro's.
    average_urls : (str, str), optional
        Other servers of the list of the average subject's files, and of the files.
    progress : callable, optional
        Called with (what, bytes done, bytes in all).

    Returns
    -------
    FetchedStudy

    Raises
    ------
    InputError
        Where the study names nothing that is known to be had anywhere.
    HemiscaleError
        Where something cannot be had, one sentence each; what is finished is kept.
    """
    from hemiscale.datasets import fetch_files

    tell = progress or (lambda what, done, total: None)
    done = FetchedStudy()
    wanted = _wanted_files(study, subjects, bucket_url, average_urls)
    if not wanted and not (models and study.models):
        raise InputError(
            f"study {study.name}: names no data set that can be fetched; known is {DATASET} "
            "(Le Petit Prince), as hemiscale new --like petit-prince-en writes it."
        )
    for folder, files in wanted:
        fetched = fetch_files(
            files,
            folder,
            workers=workers,
            progress=lambda now, total: tell("recordings and annotations", now, total),
        )
        done.downloaded += len(fetched.downloaded)
        done.kept += len(fetched.kept)
        if fetched.unverified:
            done.notices.append(
                f"{folder}: {len(fetched.unverified)} file(s) have no checksum to compare; their "
                "size is right."
            )
    if models:
        _fetch_models(study, done, tell)
    return done


def can_be_fetched(study: Study) -> bool:
    """Tell whether the study names a data set that `fetch_study` knows.

    Parameters
    ----------
    study : Study

    Returns
    -------
    bool
    """
    recordings = study.recordings
    return (
        _annotation_folder(study) is not None
        or (isinstance(recordings, VolumeFiles) and AVERAGE_FILES in recordings.files)
        or (isinstance(recordings, BidsRecordings) and DATASET in Path(recordings.folder).parts)
    )


def _wanted_files(
    study: Study,
    subjects: Sequence[str] | None,
    bucket_url: str | None,
    average_urls: tuple[str, str] | None,
) -> list[tuple[Path, list[RemoteFile]]]:
    from hemiscale.datasets import petit_prince_average_files, petit_prince_files
    from hemiscale.datasets.petit_prince.files import OPENNEURO

    root = Path(study.folder)
    recordings = study.recordings
    bucket = bucket_url or OPENNEURO
    wanted: list[tuple[Path, list[RemoteFile]]] = []
    annotations = _annotation_folder(study)
    if isinstance(recordings, VolumeFiles) and AVERAGE_FILES in recordings.files:
        if subjects:
            raise InputError(
                f"study {study.name}: is of the average subject, which has no subjects to choose "
                "from; see hemiscale new --like petit-prince-en-individuals."
            )
        base = (root / recordings.files).parent
        # The files carry the folder that the repository keeps them in.
        if average_urls is None:
            files = petit_prince_average_files()
        else:
            files = petit_prince_average_files(api_url=average_urls[0], raw_url=average_urls[1])
        wanted.append((base.parent if base.name == "bold" else base, files))
    elif isinstance(recordings, BidsRecordings) and DATASET in Path(recordings.folder).parts:
        folder = _dataset_folder(root, recordings.folder)
        language = _language(study, recordings.task)
        files = petit_prince_files(
            language,
            subjects=subjects or recordings.subjects or None,
            annotations=annotations == folder,
            bucket_url=bucket,
        )
        wanted.append((folder, files))
        if annotations == folder:
            return wanted
    if annotations is not None:
        language = _language(study, study.stimulus.words[0])
        files = petit_prince_files(language, recordings=False, bucket_url=bucket)
        wanted.append((annotations, files))
    return wanted


def _annotation_folder(study: Study) -> Path | None:
    words = study.stimulus.words[0]
    if DATASET not in Path(words).parts:
        return None
    return _dataset_folder(Path(study.folder), words)


def _dataset_folder(root: Path, path: str) -> Path:
    parts = Path(path).parts
    return root.joinpath(*parts[: parts.index(DATASET) + 1])


def _language(study: Study, name: str) -> Language:
    languages: tuple[Language, ...] = ("en", "fr", "cn")
    for language in languages:
        if f"lpp{language.upper()}" in name:
            return language
    raise InputError(
        f"study {study.name}: {name!r} does not say which language of {DATASET} is meant "
        "(lppEN, lppFR or lppCN)."
    )


def _fetch_models(study: Study, done: FetchedStudy, tell: Progress) -> None:
    from hemiscale.models import download_model

    sources: dict[str, bool] = {}
    for feature in plan_study(study):
        if feature.is_language_model and not Path(feature.source).exists():
            sources[feature.source] = sources.get(feature.source, True) and feature.optional
    problems: list[str] = []
    for k, (source, optional) in enumerate(sources.items()):
        tell("models", k, len(sources))
        try:
            download_model(source)
        except HemiscaleError as error:
            (done.notices if optional else problems).append(str(error))
        else:
            done.models.append(source)
    if problems:
        raise HemiscaleError("\n".join(problems))
