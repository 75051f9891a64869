"""The files that a study names, found without reading any of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hemiscale.errors import InputError
from hemiscale.pipeline.region_inputs import motion_files
from hemiscale.pipeline.surface_inputs import surface_files
from hemiscale.pipeline.unchanged import file_states
from hemiscale.pipeline.volume_inputs import volume_files
from hemiscale.study import RegionTables, Study, SurfaceFiles, Volumes

__all__ = ["named_files"]


def named_files(study: Study) -> list[Path]:
    """List the files whose content goes into activations, scores, voxels and diagnostics.

    Models are not among them: whoever loads one compares it with what the study was started with.
    Nor is the table of competence, which is read once, when all else is done.

    Parameters
    ----------
    study : Study

    Returns
    -------
    list of Path
        Those that are there.
    """
    folder = Path(study.folder)
    recordings = study.recordings
    files = [folder / name for name in (*study.stimulus.words, *study.stimulus.text)]
    subjects = list(recordings.subjects)
    with suppress(InputError):  # who reads the recordings says what is wrong with them
        if isinstance(recordings, RegionTables):
            files += [
                folder / recordings.files.format(subject=subject, run=run)
                for subject in subjects
                for run in range(1, study.stimulus.n_runs + 1)
            ]
        elif isinstance(recordings, SurfaceFiles):
            files += surface_files(study, recordings)
        else:
            found = volume_files(study, recordings)
            files += [path for some in found.values() for path in some]
            subjects = list(found)
    for subject in subjects:
        files += motion_files(study, subject)
    files += (folder / name for name in _beside(study))
    files += _static_tables(study)
    # Those without a state may not even be looked for: a name that is too long, a folder that
    # may not be searched. Who reads them says so.
    states = file_states(dict.fromkeys(files))
    return [path for path, state in states.items() if state is not None and path.is_file()]


def _beside(study: Study) -> Iterator[str]:
    """Names of masks, regions, meshes and tables; some name nothing on this disk."""
    recordings, frequency = study.recordings, study.baselines.word_frequency
    if isinstance(recordings, Volumes):
        single = (
            recordings.mask,
            recordings.grid,
            recordings.reliability,
            recordings.atlas,
            recordings.atlas_names,
        )
        yield from (name for name in single if name)
        yield from recordings.region_masks.values()
    elif isinstance(recordings, SurfaceFiles):
        yield from (*recordings.mesh_left, *recordings.mesh_right)
        yield from (name for name in (recordings.labels_left, recordings.labels_right) if name)
    if frequency:
        yield frequency


def _static_tables(study: Study) -> Iterator[Path]:
    if not study.baselines.static_embeddings:
        return
    from hemiscale.models import local_files

    for name in study.baselines.static_embeddings:
        local = Path(study.folder) / name
        with suppress(InputError):  # those that are not here are passed over, and said
            yield from local_files(str(local) if file_states([local])[local] else name)
