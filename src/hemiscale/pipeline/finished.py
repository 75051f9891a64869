"""A finished study opened again, for what needs features and recordings beside the scores."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hemiscale.errors import HemiscaleError
from hemiscale.pipeline.brain_side import read_brain_side
from hemiscale.pipeline.helpers import Helpers
from hemiscale.pipeline.inputs import read_inputs
from hemiscale.pipeline.locks import locked
from hemiscale.pipeline.marks import Marks, is_done, make_marks
from hemiscale.pipeline.plan import FeatureSet, choose, plan_study
from hemiscale.pipeline.progress import Display
from hemiscale.pipeline.scoring import standardised_runs
from hemiscale.pipeline.station import Job, Station
from hemiscale.pipeline.targets import HeldSubjects, Listener, Targets
from hemiscale.pipeline.unchanged import raise_if_changed
from hemiscale.pipeline.units import ReadRun, do
from hemiscale.results import ResultsFolder, open_dataset, stored_fingerprint, write_text
from hemiscale.study import Study

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["FinishedStudy", "open_finished"]


@dataclass(frozen=True)
class FinishedStudy:
    """What a study was made from, and its scores.

    Attributes
    ----------
    study : Study
    folder : ResultsFolder
    targets : Targets
    station : Station
    features : list of FeatureSet
        Those whose scores are there, made from these very inputs.
    marks : dict of {name: Marks}
    """

    study: Study
    folder: ResultsFolder
    targets: Targets
    station: Station
    features: list[FeatureSet]
    marks: dict[str, Marks]

    @contextmanager
    def scores(self, feature: FeatureSet) -> Iterator[xr.Dataset]:
        """Open the scores of a feature set; what is not asked for stays on disk."""
        # Compared with their checksum when the study was opened, and locked since.
        with open_dataset(self.folder.scores(feature.name), verified=True) as scores:
            yield scores

    def layer(self, feature: FeatureSet, k: int) -> list[np.ndarray]:
        """Make the features of one layer, as they were fitted.

        Parameters
        ----------
        feature : FeatureSet
        k : int
            Layer, from 0.

        Returns
        -------
        list over runs of (n_scans, n_features) float32 arrays
            Standardised per run, without those that are constant.
        """
        layers, _ = self.station.layers(feature, self.marks[feature.name])
        orthogonal = "derivative" in self.study.design.hrf_model
        return standardised_runs(
            layers[k], self.station.designs(), self.targets, orthogonal=orthogonal
        )[0]

    def signals(self, subject: str) -> list[np.ndarray]:
        """Read the signals of one subject.

        Parameters
        ----------
        subject : str

        Returns
        -------
        list over runs of (n_scans, n_targets) float32 arrays
            Standardised per run; NaN for targets that are constant or unknown in some run.
        """
        part = next(part for part in self.targets.parts if subject in part.subjects)
        if isinstance(part, HeldSubjects):
            first = part.subjects.index(subject) * self.targets.n_targets
            runs = [run[:, first : first + self.targets.n_targets] for run in part.runs]
        else:
            runs = list(Listener(part.files, part.marks, part.slices))
        return _standardised(runs)

    def write_table(
        self, name: str, rows: Sequence[Mapping[str, object]], columns: Collection[str]
    ) -> Path:
        """Write a table beside those of the study.

        Parameters
        ----------
        name : str
            Of its file, without the ending.
        rows : sequence of mapping
        columns : collection of str
            In this order.

        Returns
        -------
        Path

        Raises
        ------
        HemiscaleError
            Where an input changed since the study was opened; nothing is written.
        """
        import pandas as pd

        path = self.folder.tables / f"{name}.tsv"
        frame = pd.DataFrame(rows, columns=list(columns))
        text = frame.to_csv(sep="\t", index=False, float_format="%.6g", lineterminator="\n")
        path.parent.mkdir(parents=True, exist_ok=True)
        raise_if_changed(self.station.job.inputs.states)
        write_text(path, text)
        return path


@contextmanager
def open_finished(
    study: Study, out: Path, display: Display, *, only: Sequence[str] = ()
) -> Iterator[FinishedStudy]:
    """Open a study whose scores are there, and keep others out of its folder meanwhile.

    Activations that are damaged, or were deleted to save space, are read again.

    Parameters
    ----------
    study : Study
    out : Path
        Its results folder.
    display : Display
    only : sequence of str
        Names or groups of feature sets; default all.

    Yields
    ------
    FinishedStudy

    Raises
    ------
    HemiscaleError
        Where no feature set has scores that were made from these inputs, or a run is at work in
        the folder.
    """
    folder = ResultsFolder(out)
    chosen = [f for f in choose(plan_study(study), only) if folder.scores(f.name).is_file()]
    if not chosen:
        raise HemiscaleError(f"{out}: there are no scores yet; run the study first.")
    with locked(folder, display):
        yield _opened(study, folder, chosen, display)


def _opened(
    study: Study, folder: ResultsFolder, chosen: list[FeatureSet], display: Display
) -> FinishedStudy:
    inputs = read_inputs(study)
    with display.warnings():
        targets = read_brain_side(study, inputs, folder, display, Helpers()).targets
    targets = targets.without_listeners()
    marks = {f.name: make_marks(study, inputs, f, targets.fingerprint) for f in chosen}
    features = [f for f in chosen if is_done(folder, f.name, marks[f.name].scores)]
    if not features:
        raise HemiscaleError(
            f"{folder.root}: the scores were made from other inputs than the study has now; run it "
            "first."
        )
    for feature in chosen:
        if feature not in features:
            display.warn(
                f"{feature.name}: is left out, for there are no whole scores of it that were made "
                "from the study's inputs as they are now; run the study to make them."
            )
    station = Station(Job(study, inputs, targets, folder, "cpu"), lambda *_: None)
    for feature in features:
        _read_again(feature, marks[feature.name], station, display)
    return FinishedStudy(study, folder, targets, station, features, marks)


def _read_again(feature: FeatureSet, marks: Marks, station: Station, display: Display) -> None:
    """Make activations that are not there: a run does not look at those of models that are done."""
    for run, stamp in enumerate(marks.activations):
        path = station.job.folder.activations(feature.name, run + 1)
        if stored_fingerprint(path) == stamp:
            continue
        if not path.is_file():
            display.say(f"{path}: is not there any more; {feature.name} reads run {run + 1} again.")
        for notice in do(ReadRun(feature, marks, run, station.job.device), station).notices:
            display.warn(notice)
    station.let_go_of_model()


def _standardised(runs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Standardise each column within each run; NaN in all runs where one cannot be."""
    found = [np.asarray(run, dtype=np.float64) for run in runs]
    found = [run - run.mean(axis=0) for run in found]
    deviations = [run.std(axis=0) for run in found]
    usable = np.all([np.isfinite(sd) & (sd > 1e-7) for sd in deviations], axis=0)
    return [
        np.where(usable, run / np.where(usable, sd, 1.0), np.nan).astype(np.float32)
        for run, sd in zip(found, deviations, strict=True)
    ]
