"""From surfaces to targets: common vertices, clean scans on disk, what is known of every vertex."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.errors import InputError
from hemiscale.pipeline.digests import Digests
from hemiscale.pipeline.helpers import Helpers
from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.stories import collect
from hemiscale.pipeline.targets import Targets, run_slices, stored_targets
from hemiscale.pipeline.unchanged import KnownFiles, raise_if_changed, states_of_known
from hemiscale.results import (
    fingerprint,
    read_dataset,
    stored_fingerprint,
    write_dataset,
)
from hemiscale.study import AVERAGE, Study, SurfaceFiles

if TYPE_CHECKING:
    from hemiscale.brain import SurfaceCleaning, SurfaceRecording, SurfaceTemplate, SurfaceVertices

__all__ = [
    "analysis_vertices",
    "known_vertices",
    "prepare_surfaces",
    "surface_notice",
    "surface_targets",
    "surfaces_fingerprint",
    "vertex_labels",
]

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Read:
    """Vertices of one recording, or what is wrong with it: errors do not travel well."""

    vertices: SurfaceVertices | None
    problems: list[str]


def known_vertices(inputs: StudyInputs, folder: Path, digest: Digests) -> SurfaceVertices | None:
    """Read the vertices of the analysis, where they were found before in the same recordings.

    Parameters
    ----------
    inputs : StudyInputs
    folder : Path
        Of the clean scans.
    digest : Digests

    Returns
    -------
    SurfaceVertices or None
    """
    from hemiscale.brain import SurfaceVertices

    path = folder / "vertices.nc"
    if stored_fingerprint(path) != _vertices_stamp(inputs, digest):
        return None
    stored = read_dataset(path)
    return SurfaceVertices(
        stored["left"].values, stored["right"].values, int(stored.attrs["n_template"])
    )


def analysis_vertices(
    inputs: StudyInputs, folder: Path, digest: Digests, *, helpers: Helpers
) -> SurfaceVertices:
    """Find the vertices that change in all recordings: the cortex without the medial wall.

    Parameters
    ----------
    inputs : StudyInputs
    folder : Path
        Where they are kept, so that they are looked for once.
    digest : Digests
    helpers : Helpers
        Each looks into one recording at a time.

    Returns
    -------
    SurfaceVertices

    Raises
    ------
    InputError
        Where recordings cannot be read, or have no vertex in common.
    HemiscaleError
        Where a recording changes meanwhile.
    """
    import xarray as xr

    from hemiscale.brain import common_vertices

    known = known_vertices(inputs, folder, digest)
    if known is not None:
        return known
    items = [(r, digest.known(r.paths)) for r in _seen_from_anywhere(inputs)]
    found: list[_Read] = list(helpers.map_seen(_vertices, items, _paths(items)))
    problems = [problem for one in found for problem in one.problems]
    if problems:
        raise InputError(*problems)
    try:
        common = common_vertices([one.vertices for one in found if one.vertices is not None])
    except ValueError as error:
        raise InputError(f"recordings on the surface: {error}.") from None
    write_dataset(
        folder / "vertices.nc",
        xr.Dataset(
            {"left": ("left_vertex", common.left), "right": ("right_vertex", common.right)},
            attrs={
                "fingerprint": _vertices_stamp(inputs, digest),
                "n_template": common.n_template,
            },
        ),
    )
    return common


def vertex_labels(vertices: SurfaceVertices, template: SurfaceTemplate) -> dict[str, Any]:
    """Coordinates of the dimension target: side, number, place and mirror of every vertex.

    Parameters
    ----------
    vertices : SurfaceVertices
    template : SurfaceTemplate

    Returns
    -------
    dict
        ``target``, ``hemisphere`` (left, right), ``vertex`` (number in the template), ``mirror``
        (index of the homologous vertex, -1 for none) and, where the study has a mesh, ``x``, ``y``,
        ``z`` (mm).
    """
    from hemiscale.brain import homologous_vertices

    homologues = homologous_vertices(vertices, template.partner)
    mirror = np.full(vertices.n_columns, -1, dtype=np.int64)
    mirror[homologues.left], mirror[homologues.right] = homologues.right, homologues.left
    sides = ["left"] * len(vertices.left) + ["right"] * len(vertices.right)
    labels: dict[str, Any] = {
        "target": np.arange(vertices.n_columns),
        "hemisphere": ("target", np.array(sides)),
        "vertex": ("target", np.concatenate([vertices.left, vertices.right])),
        "mirror": ("target", mirror),
    }
    if template.places is not None:
        places = np.concatenate(
            [template.places[0][vertices.left], template.places[1][vertices.right]]
        ).astype(np.float32)
        labels |= {axis: ("target", places[:, k]) for k, axis in enumerate("xyz")}
    return labels


def surface_notice(
    vertices: SurfaceVertices, template: SurfaceTemplate, labels: dict[str, Any]
) -> str:
    """Say how many vertices there are, how many have a homologue, and how near the pairs are.

    Parameters
    ----------
    vertices : SurfaceVertices
    template : SurfaceTemplate
    labels : dict
        From `vertex_labels`.

    Returns
    -------
    str
    """
    mirror = labels["mirror"][1]
    paired = np.flatnonzero(mirror[: len(vertices.left)] >= 0)
    near = ""
    if template.distance is not None and len(paired):
        distance = template.distance[vertices.left[paired]]
        near = (
            f", {np.median(distance):.1f} mm apart in the median and at most "
            f"{distance.max():.1f} mm when one side is mirrored"
        )
    return (
        f"{vertices.n_columns:,} of {2 * vertices.n_template:,} vertices of {template.name} "
        f"change in all recordings; {len(paired):,} pairs are homologous ({template.how}){near}; "
        f"the other {vertices.n_columns - 2 * len(paired):,} count for the whole brain, not for "
        "left against right."
    )


def prepare_surfaces(
    recordings: SurfaceFiles,
    inputs: StudyInputs,
    vertices: SurfaceVertices,
    folder: Path,
    digest: Digests,
    *,
    helpers: Helpers,
    progress: Progress,
) -> dict[tuple[str, int], str]:
    """Clean all recordings that are not clean on disk yet, and average them.

    Parameters
    ----------
    recordings : SurfaceFiles
    inputs : StudyInputs
    vertices : SurfaceVertices
    folder : Path
    digest : Digests
    helpers : Helpers
        Each holds one recording at a time.
    progress : callable
        Called with (recordings done, recordings in all).

    Returns
    -------
    dict from (subject, run from 1) to str
        Fingerprints of the clean scans.

    Raises
    ------
    InputError
        With one sentence for each recording whose values cannot be used.
    HemiscaleError
        Where a recording changes meanwhile; nothing is stored of it.
    """
    total = len(inputs.surfaces)
    cleaning = _cleaning(recordings, inputs.t_r)
    marks = _marks(recordings, inputs, vertices, digest)
    folder = folder.resolve()
    items = [
        (r, digest.known(r.paths), marks[r.subject, r.run], inputs.confounds.get(own.path))
        for r, own in zip(_seen_from_anywhere(inputs), inputs.surfaces, strict=True)
    ]
    results = helpers.map_seen(
        _prepare_one, items, _paths(items), vertices=vertices, cleaning=cleaning, folder=folder
    )
    problems: list[str] = []
    for done, sentences in enumerate(results, start=1):
        problems += sentences
        progress(done, total)
    if problems:
        raise InputError(*problems)
    if recordings.average and not recordings.is_average:
        runs = [
            (run, [marks[subject, run] for subject in inputs.subjects])
            for run in range(1, len(inputs.runs) + 1)
        ]
        made = helpers.map(_average_one, runs, subjects=inputs.subjects, folder=folder)
        marks |= {(AVERAGE, run): mark for (run, _), mark in zip(runs, made, strict=True)}
    return marks


def surfaces_fingerprint(
    recordings: SurfaceFiles,
    inputs: StudyInputs,
    vertices: SurfaceVertices,
    template: SurfaceTemplate,
    digest: Digests,
) -> str:
    """Fingerprint of all recordings, their vertices and pairs, and what is done to them.

    Parameters
    ----------
    recordings : SurfaceFiles
    inputs : StudyInputs
    vertices : SurfaceVertices
    template : SurfaceTemplate
    digest : Digests

    Returns
    -------
    str
    """
    marks = _marks(recordings, inputs, vertices, digest)
    places = () if template.places is None else template.places
    return fingerprint(
        recordings=[[subject, run, mark] for (subject, run), mark in marks.items()],
        average=recordings.average,
        individuals=recordings.individuals,
        partner=template.partner,
        places=np.concatenate([np.round(p, 3).ravel() for p in (np.zeros(0), *places)]),
    )


def surface_targets(
    study: Study,
    recordings: SurfaceFiles,
    inputs: StudyInputs,
    labels: dict[str, Any],
    folder: Path,
    marks: Mapping[tuple[str, int], str],
    stamp: str,
) -> Targets:
    """Say where the clean scans of every subject lie.

    Parameters
    ----------
    study : Study
    recordings : SurfaceFiles
    inputs : StudyInputs
    labels : dict
        From `vertex_labels`.
    folder : Path
        Of the clean scans.
    marks : mapping from (subject, run from 1) to str
        From `prepare_surfaces`.
    stamp : str
        From `surfaces_fingerprint`.

    Returns
    -------
    Targets
        With one part per subject: one is in memory at a time.
    """
    scored = [AVERAGE] if recordings.average else []
    if recordings.individuals and not recordings.is_average:
        scored += inputs.subjects
    return stored_targets(
        folder,
        run_slices(study, [run.n_scans for run in inputs.runs], inputs.t_r),
        scored=scored,
        listeners=[] if recordings.is_average else inputs.subjects,
        labels=labels,
        marks=marks,
        stamp=stamp,
    )


def _vertices_stamp(inputs: StudyInputs, digest: Digests) -> str:
    return fingerprint(sources=[[digest(path) for path in r.paths] for r in inputs.surfaces])


def _seen_from_anywhere(inputs: StudyInputs) -> list[SurfaceRecording]:
    """Give recordings with paths that are good in other working folders too."""
    return [replace(r, paths=tuple(path.absolute() for path in r.paths)) for r in inputs.surfaces]


def _paths(items: Sequence[tuple[Any, ...]]) -> list[tuple[Path, ...]]:
    return [item[0].paths for item in items]


def _vertices(recording: SurfaceRecording, known: KnownFiles) -> _Read | None:
    """Find the vertices of a recording; None where it cannot be seen here."""
    from hemiscale.brain import read_surface

    if not all(path.is_file() for path in recording.paths):
        return None
    states = states_of_known(known)
    problems: list[str] = []
    vertices = None
    with collect(problems):
        _, vertices = read_surface(recording.paths)
    raise_if_changed(states)
    return _Read(vertices, problems)


def _prepare_one(
    recording: SurfaceRecording,
    known: KnownFiles,
    mark: str,
    confounds: np.ndarray | None,
    *,
    vertices: SurfaceVertices,
    cleaning: SurfaceCleaning,
    folder: Path,
) -> list[str] | None:
    """Clean a recording; say what is wrong with it, or None where it cannot be seen here."""
    from threadpoolctl import threadpool_limits

    from hemiscale.brain import prepare_surface

    if not all(path.is_file() for path in recording.paths):
        return None
    states = states_of_known(known)
    problems: list[str] = []
    with collect(problems), threadpool_limits(1):
        prepare_surface(
            recording,
            vertices,
            cleaning,
            folder,
            mark,
            confounds=confounds,
            before_storing=lambda: raise_if_changed(states),
        )
    if problems:  # half of a file that is being written may be the only problem
        raise_if_changed(states)
    return problems


def _average_one(run: int, marks: list[str], *, subjects: list[str], folder: Path) -> str:
    from threadpoolctl import threadpool_limits

    from hemiscale.brain import prepare_surface_average

    with threadpool_limits(1):
        return prepare_surface_average(subjects, run, marks, folder).mark


def _marks(
    recordings: SurfaceFiles, inputs: StudyInputs, vertices: SurfaceVertices, digest: Digests
) -> dict[tuple[str, int], str]:
    from hemiscale.brain import surface_fingerprint

    cleaning = _cleaning(recordings, inputs.t_r)
    return {
        (r.subject, r.run): surface_fingerprint(
            [digest(path) for path in r.paths], vertices, cleaning, inputs.confounds.get(r.path)
        )
        for r in inputs.surfaces
    }


def _cleaning(recordings: SurfaceFiles, t_r: float) -> SurfaceCleaning:
    from hemiscale.brain import SurfaceCleaning

    return SurfaceCleaning(t_r=t_r, high_pass=recordings.high_pass, drift=recordings.drift)
