"""Brain data for workers on other machines: in the results folder, where each reads them itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hemiscale.errors import HemiscaleError
from hemiscale.pipeline.targets import HeldSubjects, StoredSubject, Targets
from hemiscale.results import (
    ResultsFolder,
    fingerprint,
    read_activations,
    stored_fingerprint,
    write_activations,
)

if TYPE_CHECKING:
    from hemiscale.encoding import TargetBank

__all__ = ["SharedSubjects", "shared_targets"]


@dataclass(frozen=True)
class SharedSubjects:
    """Few targets of several subjects, as `HeldSubjects`, but in a file.

    Attributes
    ----------
    subjects : list of str
    file : Path
    mark : str
        Fingerprint that it must have when it is read.
    """

    subjects: list[str]
    file: Path
    mark: str

    def bank(self, device: str) -> TargetBank:
        """Read the targets and give them to the engine.

        Parameters
        ----------
        device : str

        Returns
        -------
        TargetBank

        Raises
        ------
        HemiscaleError
            Where the file is another one: an earlier run's command may still be at work.
        """
        runs, _, metadata = read_activations(self.file)
        if metadata["fingerprint"] != self.mark:
            raise HemiscaleError(
                f"{self.file}: not the time courses that this study was started with; is an "
                "earlier run still at work? Start again: what is finished is kept."
            )
        return HeldSubjects(self.subjects, runs).bank(device)


def shared_targets(targets: Targets, folder: ResultsFolder) -> Targets:
    """Put into the results folder what is in memory, and name files as every machine knows them.

    Parameters
    ----------
    targets : Targets
        Without listeners.
    folder : ResultsFolder
        With an absolute path.

    Returns
    -------
    Targets
    """
    parts: list[Any] = []
    for number, part in enumerate(targets.parts):
        if isinstance(part, StoredSubject):
            parts.append(replace(part, files=[path.resolve() for path in part.files]))
        elif isinstance(part, HeldSubjects):
            path = folder.prepared / f"regions-{number}.safetensors"
            stamp = fingerprint(targets=targets.fingerprint, part=number, n_runs=len(part.runs))
            stamp = fingerprint(stamp=stamp, **{f"run-{k}": run for k, run in enumerate(part.runs)})
            if stored_fingerprint(path) != stamp:
                write_activations(path, part.runs, extras={}, metadata={"fingerprint": stamp})
            parts.append(SharedSubjects(part.subjects, path, stamp))
        else:
            parts.append(part)
    return replace(targets, parts=parts)
