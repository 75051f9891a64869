"""Notice input files that change while a study is running."""

from __future__ import annotations

from pathlib import Path

from hemiscale.errors import HemiscaleError
from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.study import RegionTables, Study

__all__ = ["FileStates", "file_states", "input_files", "raise_if_changed"]

FileStates = dict[Path, tuple[int, int] | None]
"""Size in bytes and time of the last change in ns, by path; None where there is no such file."""


def input_files(study: Study, inputs: StudyInputs) -> list[Path]:
    """List the files of stimulus and recordings that a study reads.

    Parameters
    ----------
    study : Study
    inputs : StudyInputs

    Returns
    -------
    list of Path
    """
    folder = Path(study.folder)
    files = [folder / name for name in (*study.stimulus.words, *study.stimulus.text)]
    recordings = study.recordings
    if isinstance(recordings, RegionTables):
        files += [
            folder / recordings.files.format(subject=subject, run=run)
            for subject in inputs.subjects
            for run in range(1, len(inputs.runs) + 1)
        ]
    files += [r.path for r in inputs.recordings]
    files += [path for r in inputs.surfaces for path in r.paths]
    return list(dict.fromkeys(files))


def file_states(paths: list[Path]) -> FileStates:
    """Note size and time of the last change of files.

    Parameters
    ----------
    paths : list of Path

    Returns
    -------
    FileStates
    """
    states: FileStates = {}
    for path in paths:
        try:
            status = path.stat()
            states[path] = (status.st_size, status.st_mtime_ns)
        except OSError:
            states[path] = None
    return states


def raise_if_changed(before: FileStates) -> None:
    """Compare files with what was noted.

    Parameters
    ----------
    before : FileStates
        From `file_states`.

    Raises
    ------
    HemiscaleError
        Where a file is not what it was.
    """
    now = file_states(list(before))
    changed = [str(path) for path in before if now[path] != before[path]]
    if changed:
        raise HemiscaleError(
            f"{', '.join(changed)}: changed while the study was running, so that its results "
            "would be of two versions. Start again: only what depends on it is made again."
        )
