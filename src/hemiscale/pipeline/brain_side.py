"""The brain side of a study, whatever its recordings are: targets, fingerprint, ceiling."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import hemiscale
from hemiscale.errors import InputError
from hemiscale.pipeline.digests import Digests
from hemiscale.pipeline.helpers import Helpers
from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.masks import analysis_mask, known_mask
from hemiscale.pipeline.progress import Display
from hemiscale.pipeline.region_targets import region_targets, tables_fingerprint
from hemiscale.pipeline.reliability import reliability_of_halves
from hemiscale.pipeline.surface_inputs import template_of
from hemiscale.pipeline.surface_maps import describe_vertices
from hemiscale.pipeline.surface_targets import (
    analysis_vertices,
    known_vertices,
    prepare_surfaces,
    surface_notice,
    surface_targets,
    surfaces_fingerprint,
    vertex_labels,
)
from hemiscale.pipeline.swapped import swapped_run_notices
from hemiscale.pipeline.targets import Targets
from hemiscale.pipeline.volume_targets import (
    prepare_volumes,
    volume_targets,
    volumes_fingerprint,
)
from hemiscale.pipeline.voxels import describe_voxels, voxel_labels
from hemiscale.results import (
    ResultsFolder,
    fingerprint,
    stored_fingerprint,
    write_dataset,
)
from hemiscale.study import RegionTables, Study, SurfaceFiles, Volumes

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["BrainSide", "brain_fingerprint", "make_ceiling", "read_brain_side"]

PUBLISHED_RELIABILITY = "petit-prince-en"


@dataclass(frozen=True)
class BrainSide:
    """Targets, and what was found on the way to them.

    Attributes
    ----------
    targets : Targets
    notices : list of str
    facts : dict
        For the diagnostics: number of voxels, and so on.
    """

    targets: Targets
    notices: list[str]
    facts: dict[str, Any]


def read_brain_side(
    study: Study, inputs: StudyInputs, folder: ResultsFolder, display: Display, helpers: Helpers
) -> BrainSide:
    """Make the targets; of volumes and surfaces first what is common, and the clean scans on disk.

    Parameters
    ----------
    study : Study
    inputs : StudyInputs
    folder : ResultsFolder
    display : Display
    helpers : Helpers
        Who clean the recordings.

    Returns
    -------
    BrainSide

    Raises
    ------
    InputError
        Where recordings or regions cannot be used, one sentence each.
    """
    recordings = study.recordings
    if isinstance(recordings, RegionTables):
        return BrainSide(region_targets(study, recordings, inputs), [], {})
    if isinstance(recordings, SurfaceFiles):
        return _surface_side(study, recordings, inputs, folder, display, helpers)
    start = time.perf_counter()
    digest = Digests(folder.prepared / "digests.json", inputs.states)
    digest.learn([recording.path for recording in inputs.recordings], helpers)
    mask, notices = analysis_mask(
        study, recordings, inputs, folder.prepared, digest, helpers=helpers
    )
    voxels = describe_voxels(study, recordings, mask)
    bar = "recordings"
    with display.bars():
        marks = prepare_volumes(
            recordings,
            inputs,
            mask,
            folder.prepared,
            digest,
            helpers=helpers,
            progress=lambda done, total: display.advance(bar, done, total),
        )
        display.finish(bar)
    stamp = volumes_fingerprint(recordings, inputs, mask, digest)
    digest.save()
    # Which voxels make a region changes tables, not scores: it has its own place.
    write_dataset(folder.voxels, voxels.assign_attrs(fingerprint=stamp))
    labels = voxel_labels(mask)
    targets = volume_targets(study, recordings, inputs, labels, folder.prepared, marks, stamp)
    sides = labels["hemisphere"][1]
    facts = {
        "n_voxels": targets.n_targets,
        "n_left": int((sides == "left").sum()),
        "n_right": int((sides == "right").sum()),
        "n_midline": int((sides == "midline").sum()),
    }
    display.say(
        f"✓ {len(inputs.recordings)} recordings clean, {facts['n_voxels']:,} voxels "
        f"({facts['n_left']:,} left, {facts['n_right']:,} right, {facts['n_midline']:,} midline), "
        f"{time.perf_counter() - start:.1f} s"
    )
    notices += swapped_run_notices(study, inputs, targets, folder.prepared)
    return BrainSide(targets, notices, {"voxels": facts})


def _surface_side(
    study: Study,
    recordings: SurfaceFiles,
    inputs: StudyInputs,
    folder: ResultsFolder,
    display: Display,
    helpers: Helpers,
) -> BrainSide:
    start = time.perf_counter()
    digest = Digests(folder.prepared / "digests.json", inputs.states)
    digest.learn([path for one in inputs.surfaces for path in one.paths], helpers)
    vertices = analysis_vertices(inputs, folder.prepared, digest, helpers=helpers)
    template = template_of(study, recordings, vertices.n_template)
    labels = vertex_labels(vertices, template)
    described = describe_vertices(study, recordings, template, vertices, labels)
    bar = "recordings"
    with display.bars():
        marks = prepare_surfaces(
            recordings,
            inputs,
            vertices,
            folder.prepared,
            digest,
            helpers=helpers,
            progress=lambda done, total: display.advance(bar, done, total),
        )
        display.finish(bar)
    stamp = surfaces_fingerprint(recordings, inputs, vertices, template, digest)
    digest.save()
    write_dataset(folder.voxels, described.assign_attrs(fingerprint=stamp))
    targets = surface_targets(study, recordings, inputs, labels, folder.prepared, marks, stamp)
    facts = {
        "n_voxels": targets.n_targets,
        "n_left": len(vertices.left),
        "n_right": len(vertices.right),
        "n_midline": 0,
    }
    display.say(
        f"✓ {len(inputs.surfaces)} recordings clean, {targets.n_targets:,} vertices "
        f"({facts['n_left']:,} left, {facts['n_right']:,} right), "
        f"{time.perf_counter() - start:.1f} s"
    )
    notices = [surface_notice(vertices, template, labels)]
    notices += swapped_run_notices(study, inputs, targets, folder.prepared)
    return BrainSide(targets, notices, {"voxels": facts})


def brain_fingerprint(study: Study, inputs: StudyInputs, folder: ResultsFolder) -> str | None:
    """Fingerprint of the targets, without making them.

    Parameters
    ----------
    study : Study
    inputs : StudyInputs
    folder : ResultsFolder

    Returns
    -------
    str or None
        None where the mask, or the vertices, have still to be found in the recordings as they are.
    """
    recordings = study.recordings
    if isinstance(recordings, RegionTables):
        return tables_fingerprint(recordings, inputs)
    if isinstance(recordings, SurfaceFiles):
        digest = Digests(folder.prepared / "digests.json", inputs.states)
        vertices = known_vertices(inputs, folder.prepared, digest)
        if vertices is None:
            return None
        template = template_of(study, recordings, vertices.n_template)
        return surfaces_fingerprint(recordings, inputs, vertices, template, digest)
    digest = Digests(folder.prepared / "digests.json", inputs.states)
    mask = known_mask(study, recordings, inputs, folder.prepared, digest)
    return None if mask is None else volumes_fingerprint(recordings, inputs, mask, digest)


def make_ceiling(
    study: Study, targets: Targets, folder: ResultsFolder, display: Display, helpers: Helpers
) -> None:
    """Make the inter-subject reliability, or take the one that the study names.

    Parameters
    ----------
    study : Study
    targets : Targets
    folder : ResultsFolder
    display : Display
    helpers : Helpers
        Who predict halves of the listeners.

    Raises
    ------
    InputError
        Where a reliability is named that does not fit the mask.
    """
    recordings = study.recordings
    given = recordings.reliability if isinstance(recordings, Volumes) else None
    if given is None and (len(targets.listeners) < 2 or not recordings.ceiling_splits):
        folder.ceiling.unlink(missing_ok=True)
        return
    start = time.perf_counter()
    if given is not None:
        reliability = _given_reliability(Path(study.folder), given, targets.n_targets)
        stamp = fingerprint(targets=targets.fingerprint, reliability=reliability)
        if stored_fingerprint(folder.ceiling) != stamp:
            write_dataset(folder.ceiling, _ceiling(reliability, targets, stamp, n_subjects=0))
            display.say(f"✓ ceiling as published ({given}), {len(reliability)} random halves")
        return
    stamp = fingerprint(
        hemiscale=hemiscale.__version__,
        targets=targets.fingerprint,
        design=study.design.model_dump(),
        splits=recordings.ceiling_splits,
        seed=recordings.ceiling_seed,
    )
    if stored_fingerprint(folder.ceiling) == stamp:
        return
    bar = "ceiling"
    with display.bars():
        reliability = reliability_of_halves(
            targets,
            n_splits=recordings.ceiling_splits,
            seed=recordings.ceiling_seed,
            helpers=helpers,
            progress=lambda done, total: display.advance(bar, done, total),
        )
        display.finish(bar)
    write_dataset(
        folder.ceiling, _ceiling(reliability, targets, stamp, n_subjects=len(targets.listeners))
    )
    display.say(
        f"✓ ceiling from {recordings.ceiling_splits} random halves, "
        f"{time.perf_counter() - start:.1f} s"
    )


def _ceiling(
    reliability: np.ndarray, targets: Targets, stamp: str, *, n_subjects: int
) -> xr.Dataset:
    import xarray as xr

    return xr.Dataset(
        {"reliability": (("split", "target"), np.asarray(reliability, dtype=np.float32))},
        coords=targets.labels,
        attrs={"fingerprint": stamp, "n_subjects": n_subjects},
    )


def _given_reliability(folder: Path, given: str, n_targets: int) -> np.ndarray:
    if given == PUBLISHED_RELIABILITY:
        from hemiscale.datasets import petit_prince_reliability

        values = petit_prince_reliability()
    else:
        try:
            values = np.load(folder / given, allow_pickle=False)
        except FileNotFoundError:
            raise InputError(f"{folder / given}: there is no such file.") from None
        except (ValueError, OSError):
            raise InputError(f"{folder / given}: expected an array of numbers (.npy).") from None
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.shape[1] != n_targets:
        shape = getattr(values, "shape", "no array")
        raise InputError(
            f"reliability {given!r} has shape {shape} where (splits, {n_targets}) is expected: "
            "a value for each voxel of the mask; is it of another mask?"
        )
    return values
