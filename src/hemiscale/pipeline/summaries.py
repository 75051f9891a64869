"""Scores reduced for the tables: subject by subject, by any process, kept on disk.

All scores of a large study are many gigabytes; what the tables need of them is little. Each summary
is made from a file of scores and leaves a file, and whoever finds it there does not make it again.
The same files give the same tables, whoever made them.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import hemiscale
from hemiscale.errors import HemiscaleError, HemiscaleWarning
from hemiscale.pipeline.helpers import Helpers
from hemiscale.pipeline.marks import facts_belong
from hemiscale.pipeline.progress import Display
from hemiscale.results import (
    ResultsFolder,
    file_digest,
    fingerprint,
    open_dataset,
    read_dataset,
    read_stamped,
    verify_seal,
    write_activations,
)

if TYPE_CHECKING:
    import xarray as xr

    from hemiscale.analysis import Columns, ModelSummary, SubjectSummary

__all__ = ["Summaries", "make_summaries", "read_summary", "summarise", "write_summary"]

BATCH = 50_000_000
"""Bytes of scores that are reduced at a time: some seconds of work."""

SMALL = 20_000_000
"""Bytes of a model's scores that are read at once: opening a file takes longer than reading it."""

VERIFIED = 512_000_000
"""Bytes of scores that are compared with their checksums at a time."""

MEMORY = 8
"""So many times the bytes of a subject's scores are in memory while they are reduced."""


@dataclass(frozen=True)
class Summaries:
    """The scores of a study, reduced for the tables.

    Attributes
    ----------
    models : list of ModelSummary
    columns : Columns or None
        What they are reduced to; None where there are none.
    targets : xarray.Dataset or None
        Of a voxel study: the scores' coordinates on `target`.
    """

    models: list[ModelSummary]
    columns: Columns | None
    targets: xr.Dataset | None


class Task(NamedTuple):
    """One summary to be made: of which model and subject, and with which fingerprint.

    `scores` is the fingerprint of all that made the scores: another process may put others there.
    """

    model: str
    subject: int
    stamp: str
    scores: str


def make_summaries(
    names: Sequence[str],
    folder: ResultsFolder,
    display: Display,
    helpers: Helpers,
    made_from: Mapping[str, str] | None = None,
) -> Summaries:
    """Reduce the scores of all models, unless they are reduced already.

    Parameters
    ----------
    names : sequence of str
        Of the feature sets.
    folder : ResultsFolder
    display : Display
    helpers : Helpers
        Who do it.
    made_from : mapping of {name: str}, optional
        Fingerprints that scores and the facts beside them must have; default those that they have.

    Returns
    -------
    Summaries

    Raises
    ------
    HemiscaleError
        Where scores are damaged, not of one study, or were replaced by those of another one.
    """
    from hemiscale.analysis import columns_of, voxels_of

    if not names:
        return Summaries([], None, None)
    folder = ResultsFolder(folder.root.resolve())  # other processes have other working folders
    stamps = _stamps(names, folder, helpers)
    found = {name: _made_from(folder.scores(name)) for name in names}
    if made_from is not None:
        others = [
            folder.scores(name)
            for name in names
            if found[name] != made_from[name] or not facts_belong(folder, name, made_from[name])
        ]
        if others:
            raise _replaced(others)
    with open_dataset(folder.scores(names[0]), verified=True) as first:
        columns, targets = columns_of(first, *_brain_files(folder)), voxels_of(first)
        labels = [str(name) for name in first["target"].values]
    tasks, sizes = [], []
    for name, stamp in zip(names, stamps, strict=True):
        with open_dataset(folder.scores(name), verified=True) as scores:
            if [str(target) for target in scores["target"].values] != labels:
                raise HemiscaleError(
                    f"{folder.scores(name)}: has other targets than the models before it; its "
                    "scores are not of this study."
                )
            n_subjects = scores.sizes["subject"]
        for subject in range(n_subjects):
            task = Task(name, subject, fingerprint(scores=stamp, subject=subject), found[name])
            if read_summary(folder.summary(name, subject), task.stamp) is None:
                tasks.append(task)
                sizes.append(folder.scores(name).stat().st_size / n_subjects)
    _make(tasks, sizes, folder, display, helpers)
    models = [
        _join(name, stamp, found[name], folder, columns)
        for name, stamp in zip(names, stamps, strict=True)
    ]
    return Summaries(models, columns, targets)


def summarise(tasks: Sequence[Task], folder: ResultsFolder) -> list[str]:
    """Reduce and store the scores of some models and subjects.

    Parameters
    ----------
    tasks : sequence of Task
        Those of one model one after the other.
    folder : ResultsFolder

    Returns
    -------
    list of str
        What was odd about files that were there.
    """
    from threadpoolctl import threadpool_limits

    from hemiscale.analysis import columns_of, summarise_subject

    columns = None
    # On one thread, so that sums are the same whoever makes them.
    with threadpool_limits(1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", HemiscaleWarning)
        for model, of_model in groupby(tasks, key=attrgetter("model")):
            path = folder.scores(model)
            with open_dataset(path, verified=True) as scores:
                if path.stat().st_size <= SMALL:
                    scores.load()
                if columns is None:
                    columns = columns_of(scores, *_brain_files(folder))
                for _, subject, stamp, made_from in of_model:
                    if scores.attrs["fingerprint"] != made_from:
                        raise _replaced([path])
                    made = summarise_subject(scores, subject, columns)
                    write_summary(folder.summary(model, subject), stamp, made)
    return [str(one.message) for one in caught if issubclass(one.category, HemiscaleWarning)]


def write_summary(path: Path, stamp: str, summary: SubjectSummary) -> None:
    """Store the scores of one model in one subject, reduced.

    Parameters
    ----------
    path : Path
    stamp : str
        Fingerprint of what they were made from.
    summary : SubjectSummary

    Warns
    -----
    HemiscaleWarning
        Where a damaged file stood in its place.
    """
    arrays = {
        "profile": summary.profile,
        "votes": summary.votes,
        "region layers": summary.region_layers,
    }
    arrays |= {f"chosen {how}": values for how, values in summary.chosen.items()}
    if summary.runs is not None:
        arrays["runs: profile"] = summary.runs.profile
        arrays["runs: profile_without"] = summary.runs.profile_without
        for how in summary.chosen:
            arrays[f"runs: chosen {how}"] = summary.runs.chosen[how]
            arrays[f"runs: without {how}"] = summary.runs.without[how]
    if summary.map is not None:
        arrays["map: score"] = summary.map.score
        arrays["map: layers"] = summary.map.layers
    metadata = {"fingerprint": stamp, "subject": summary.name}
    write_activations(path, [], extras=arrays, metadata=metadata)


def read_summary(path: Path, stamp: str) -> SubjectSummary | None:
    """Read what `write_summary` stored.

    Parameters
    ----------
    path : Path
    stamp : str

    Returns
    -------
    SubjectSummary or None
        None where there is no whole file with this fingerprint.
    """
    from hemiscale.analysis import RunSummary, SubjectMap, SubjectSummary

    found = read_stamped(path, stamp)
    if found is None:
        return None
    arrays, facts = found

    def by_choice(start: str) -> dict[str, np.ndarray]:
        return {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}

    runs = drawn = None
    if "runs: profile" in arrays:
        runs = RunSummary(
            by_choice("runs: chosen "),
            by_choice("runs: without "),
            arrays["runs: profile"],
            arrays["runs: profile_without"],
        )
    if "map: score" in arrays:
        drawn = SubjectMap(arrays["map: score"], arrays["map: layers"])
    return SubjectSummary(
        facts["subject"],
        by_choice("chosen "),
        arrays["profile"],
        arrays["votes"],
        arrays["region layers"],
        runs,
        drawn,
    )


def _stamps(names: Sequence[str], folder: ResultsFolder, helpers: Helpers) -> list[str]:
    """Fingerprint the scores of each model with all else that decides what they are reduced to."""
    paths = [folder.scores(name) for name in names]
    sizes = [path.stat().st_size for path in paths]
    found = helpers.map_batches(_digests, paths, sizes, least=VERIFIED)
    digests = [digest for _, part in found for digest in part]
    common = {
        "hemiscale": hemiscale.__version__,
        "code": _code(),
        "brain": [
            verify_seal(path) if path.is_file() else "" for path in (folder.ceiling, folder.voxels)
        ],
    }
    return [fingerprint(scores=digest, **common) for digest in digests]


def _digests(paths: Sequence[Path]) -> list[str]:
    return [verify_seal(path) for path in paths]


@cache
def _code() -> str:
    """Digest of the code that reduces and stores: after a change summaries are no good."""
    import hemiscale.analysis

    files = [Path(__file__), *sorted(Path(hemiscale.analysis.__path__[0]).glob("*.py"))]
    return fingerprint(files={path.name: file_digest(path) for path in files})


def _brain_files(folder: ResultsFolder) -> list[xr.Dataset | None]:
    """Read ceiling and voxels, where they are."""
    files = (folder.ceiling, folder.voxels)
    return [read_dataset(path) if path.is_file() else None for path in files]


def _make(
    tasks: Sequence[Task],
    sizes: Sequence[float],
    folder: ResultsFolder,
    display: Display,
    helpers: Helpers,
) -> None:
    bar, done = "tables", 0
    memory = MEMORY * max(sizes, default=0.0)
    with display.bars():
        display.advance(bar, 0, len(tasks))
        for batch, notices in helpers.map_batches(
            summarise, tasks, sizes, least=BATCH, memory=memory, folder=folder
        ):
            done += len(batch)
            display.advance(bar, done, len(tasks))
            for notice in notices:
                display.warn(notice)
        display.finish(bar)


def _made_from(path: Path) -> str:
    with open_dataset(path, verified=True) as scores:
        return str(scores.attrs["fingerprint"])


def _replaced(paths: Sequence[Path]) -> HemiscaleError:
    return HemiscaleError(
        f"{', '.join(map(str, paths))}: not what was made of this study as it is now: another "
        "process has put other scores there, such as a worker left over from a run of the study "
        "before it was edited. Start again: what is finished is kept."
    )


def _join(
    name: str, stamp: str, made_from: str, folder: ResultsFolder, columns: Columns
) -> ModelSummary:
    from hemiscale.analysis import join_subjects

    with open_dataset(folder.scores(name), verified=True) as scores:
        attrs = dict(scores.attrs)
        if attrs["fingerprint"] != made_from:
            raise _replaced([folder.scores(name)])
        layers = np.asarray(scores["layer"].values, dtype=np.int64)
        n_subjects = scores.sizes["subject"]

    def subjects() -> Iterator[SubjectSummary]:
        for k in range(n_subjects):
            path = folder.summary(name, k)
            found = read_summary(path, fingerprint(scores=stamp, subject=k))
            if found is None:
                raise HemiscaleError(
                    f"{path}: was made a moment ago and is gone or damaged; start again."
                )
            yield found

    return join_subjects(attrs, layers, list(subjects()), columns)
