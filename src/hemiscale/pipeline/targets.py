"""What is predicted: clean scans, trimmed and cut into runs, standardised, subject by subject."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.errors import HemiscaleError, HemiscaleWarning
from hemiscale.study import Study

if TYPE_CHECKING:
    from hemiscale.encoding import TargetBank

__all__ = ["HeldSubjects", "Listener", "StoredSubject", "Targets", "run_slices", "stored_targets"]

Slices = list[tuple[int, slice]]


@dataclass(frozen=True)
class HeldSubjects:
    """Few targets of several subjects, in memory, scored together.

    Attributes
    ----------
    subjects : list of str
    runs : list of (n_scans_r, n_subjects * n_targets) float32 arrays
        Subject by subject; each column standardised within its run.
    """

    subjects: list[str]
    runs: list[np.ndarray]

    def bank(self, device: str) -> TargetBank:
        """Give the engine its targets.

        Parameters
        ----------
        device : str

        Returns
        -------
        TargetBank
        """
        from hemiscale.encoding import TargetBank

        return TargetBank(self.runs, device=device)


@dataclass(frozen=True)
class StoredSubject:
    """Many targets of one subject, read from disk when their turn comes.

    Attributes
    ----------
    subject : str
    files : list of Path
        Clean scans of each recorded run.
    marks : list of str
        Fingerprint that each of them must have when it is read.
    slices : list of (int, slice)
        As in `Targets`.
    partial : bool
        Whether targets may be NaN: voxels outside of the listener's own mask.
    """

    subject: str
    files: list[Path]
    marks: list[str]
    slices: Slices
    partial: bool = False

    @property
    def subjects(self) -> list[str]:
        """The one subject."""
        return [self.subject]

    def bank(self, device: str) -> TargetBank:
        """Read the scans, run by run, and give them to the engine.

        Parameters
        ----------
        device : str

        Returns
        -------
        TargetBank
        """
        from hemiscale.encoding import TargetBank

        listener = Listener(self.files, self.marks, self.slices)
        # The bank standardises within each run that is left after cutting.
        with warnings.catch_warnings():
            if self.partial:
                # That voxels outside of the own mask have no score has been said once.
                warnings.simplefilter("ignore", HemiscaleWarning)
            return TargetBank(listener, lengths=listener.lengths, device=device)

    def recorded_runs(self) -> list[np.ndarray]:
        """Read all clean scans, nothing cut off.

        Returns
        -------
        list of (n_scans, n_targets) float32 arrays
        """
        from hemiscale.brain import read_prepared

        return [read_prepared(*one) for one in zip(self.files, self.marks, strict=True)]


class Listener(Sequence[np.ndarray]):
    """The runs of one listener, read from disk each time they are asked for.

    Parameters
    ----------
    files : list of Path
        Clean scans of each recorded run.
    marks : list of str
        Fingerprint that each of them must have when it is read.
    slices : list of (int, slice)
        As in `Targets`.
    """

    def __init__(self, files: list[Path], marks: list[str], slices: Slices) -> None:
        self.files, self.marks, self.slices = files, marks, slices

    @property
    def lengths(self) -> list[int]:
        """Scans of each run."""
        return [scans.stop - scans.start for _, scans in self.slices]

    def __len__(self) -> int:
        return len(self.slices)

    def __getitem__(self, k: Any) -> Any:
        from hemiscale.brain import read_prepared

        run, scans = self.slices[k]
        return read_prepared(self.files[run], self.marks[run])[scans]


@dataclass(frozen=True)
class Targets:
    """What is predicted.

    Attributes
    ----------
    parts : list of HeldSubjects or StoredSubject
        Subjects that are scored together; the average subject first, where there is one.
    n_targets : int
        Targets of each subject.
    labels : dict
        Coordinates of the dimension target in the scores.
    listeners : list over subjects of sequences over runs of (n_scans_r, n_targets) arrays
        The listeners alone, for the ceiling; cleaned and cut, not standardised again.
    slices : list of (int, slice)
        For each run after cutting: recorded run (from 0) and its scans.
    fingerprint : str
        Of all that made them.
    """

    parts: Sequence[HeldSubjects | StoredSubject]
    n_targets: int
    labels: dict[str, Any]
    listeners: Sequence[Sequence[np.ndarray]]
    slices: Slices
    fingerprint: str

    @property
    def subjects(self) -> list[str]:
        """Names of all subjects that are scored."""
        return [subject for part in self.parts for subject in part.subjects]

    def without_listeners(self) -> Targets:
        """Leave out what only the ceiling needs, for workers.

        Returns
        -------
        Targets
        """
        return Targets(self.parts, self.n_targets, self.labels, [], self.slices, self.fingerprint)


def run_slices(study: Study, n_scans: list[int], t_r: float) -> Slices:
    """Cut the scans that are kept into the runs of the cross-validation.

    Parameters
    ----------
    study : Study
    n_scans : list of int
        Scans of each recorded run.
    t_r : float
        Seconds between scans.

    Returns
    -------
    list of (int, slice)
        Recorded run (from 0), scans of it.
    """
    from hemiscale.encoding import contiguous_blocks

    trim = round(study.design.trim / t_r)
    gap = round(study.design.gap / t_r)
    slices = []
    for run, length in enumerate(n_scans):
        for block in contiguous_blocks(length - 2 * trim, study.design.blocks, gap=gap):
            slices.append((run, slice(block.start + trim, block.stop + trim)))
    return slices


def stored_targets(
    folder: Path,
    slices: Slices,
    *,
    scored: Sequence[str],
    listeners: Sequence[str],
    labels: dict[str, Any],
    marks: Mapping[tuple[str, int], str],
    stamp: str,
    partial: bool = False,
) -> Targets:
    """Say where the clean scans of every subject lie.

    Parameters
    ----------
    folder : Path
        Of the clean scans.
    slices : list of (int, slice)
        From `run_slices`.
    scored : sequence of str
        Subjects that are scored.
    listeners : sequence of str
        Those that the ceiling is made of.
    labels : dict
        Coordinates of the dimension target.
    marks : mapping from (subject, run from 1) to str
        Fingerprints of their clean scans, from those who made them: not from the files, which may
        have become others since.
    stamp : str
        Fingerprint of all that made the clean scans.
    partial : bool
        Whether subjects have masks of their own.

    Returns
    -------
    Targets
        With one part per subject: one is in memory at a time.

    Raises
    ------
    HemiscaleError
        Where clean scans are missing.
    """
    from hemiscale.brain import prepared_file

    n_runs = max(run for run, _ in slices) + 1

    def stored(subject: str) -> tuple[list[Path], list[str]]:
        runs = range(1, n_runs + 1)
        return [prepared_file(folder, subject, k) for k in runs], [marks[subject, k] for k in runs]

    missing = [path for subject in scored for path in stored(subject)[0] if not path.is_file()]
    if missing:
        raise HemiscaleError(f"{missing[0]}: is not there; run the study first.")
    return Targets(
        parts=[StoredSubject(subject, *stored(subject), slices, partial) for subject in scored],
        n_targets=len(labels["target"]),
        labels=labels,
        listeners=[Listener(*stored(subject), slices) for subject in listeners],
        slices=slices,
        fingerprint=stamp,
    )
