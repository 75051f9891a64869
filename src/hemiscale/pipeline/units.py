"""The units of work: a model reads a run; a layer is fitted to a listener; scores are put together.

Each is made from files and leaves files, and looks first whether its own are there. So a unit may
be done again, by two processes at once, or after a run was killed, and the bytes are the same.
"""

from __future__ import annotations

import shutil
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hemiscale.errors import HemiscaleError, HemiscaleWarning
from hemiscale.pipeline.features import read_run
from hemiscale.pipeline.marks import Marks, is_done
from hemiscale.pipeline.pieces import (
    Piece,
    piece_file,
    piece_folder,
    piece_stamp,
    read_piece,
    write_piece,
)
from hemiscale.pipeline.plan import FeatureSet
from hemiscale.pipeline.scoring import LayerScores, score_layer, write_scores
from hemiscale.pipeline.station import Station
from hemiscale.results import (
    read_activations,
    set_aside_damaged,
    stored_fingerprint,
    write_record,
)

__all__ = ["FitLayers", "Outcome", "ReadRun", "RunRead", "Unit", "WriteScores", "do"]


@dataclass(frozen=True)
class Outcome:
    """What became of one feature set.

    Attributes
    ----------
    name : str
    seconds : dict
        Of the stages, over all processes; empty where all was there.
    notices : list of str
    """

    name: str
    seconds: dict[str, float]
    notices: list[str]


@dataclass(frozen=True)
class RunRead:
    """What is known when a model has read a run.

    Attributes
    ----------
    n_layers : int
        With the embedding.
    seconds : float
    notices, library_warnings : list of str
    """

    n_layers: int
    seconds: float = 0.0
    notices: list[str] = field(default_factory=list)
    library_warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ReadRun:
    """A language model reads one run; `run` counts from 0."""

    feature: FeatureSet
    marks: Marks
    run: int
    device: str

    @property
    def bar(self) -> str:
        """Name of the bar that shows how far it is."""
        return f"{self.feature.name}: reading run {self.run + 1}"

    def do(self, station: Station) -> RunRead:
        """Store the activations, unless they are there.

        Parameters
        ----------
        station : Station

        Returns
        -------
        RunRead
        """
        import torch

        torch.set_num_threads(1)
        job, stamp = station.job, self.marks.activations[self.run]
        path = job.folder.activations(self.feature.name, self.run + 1)
        start = time.perf_counter()
        notices: list[str] = []
        others: list[str] = []
        if stored_fingerprint(path) != stamp:
            if self.device != "cpu":  # a GPU's memory is for one of the two
                station.let_go_of_bank()
            with _noted(self.feature, notices, others):
                read_run(
                    job.study,
                    job.inputs,
                    self.feature,
                    job.folder,
                    self.run,
                    self.marks.activations,
                    station.model(self.feature, self.marks, self.device),
                    progress=lambda done, total: station.report(self.bar, done, total),
                )
        n_layers = 1 if self.feature.surprisal else _n_layers(path)
        return RunRead(n_layers, time.perf_counter() - start, notices, others)


@dataclass(frozen=True)
class FitLayers:
    """Some layers (usually one) are fitted to one part of the targets; all count from 0."""

    feature: FeatureSet
    marks: Marks
    part: int
    layers: range
    n_layers: int

    @property
    def bar(self) -> str:
        """Name of the bar that shows how far the feature set is."""
        return f"{self.feature.name}: encoding"

    def do(self, station: Station) -> list[str]:
        """Store the scores of each layer, unless they are there.

        Parameters
        ----------
        station : Station

        Returns
        -------
        list of str
            What was odd about files that were there.
        """
        station.let_go_of_model()
        notices: list[str] = []
        for k in self.layers:
            with _noted(self.feature, notices, []):
                _piece(station, self.feature, self.marks, self.part, k)
            total = self.n_layers * len(station.job.targets.parts)
            station.report(self.bar, None, total)
        return notices


@dataclass(frozen=True)
class WriteScores:
    """The scores of all layers are put into one file; `read` is what became of reading."""

    feature: FeatureSet
    marks: Marks
    n_layers: int
    read: tuple[RunRead, ...]

    def do(self, station: Station) -> Outcome:
        """Write the file whose being there says that the feature set is done.

        Parameters
        ----------
        station : Station

        Returns
        -------
        Outcome
        """
        station.let_go_of_model()
        job, name, stamp = station.job, self.feature.name, self.marks.scores
        seconds = {"features": sum(read.seconds for read in self.read), "encoding": 0.0}
        notices = [notice for read in self.read for notice in read.notices]
        others = [warning for read in self.read for warning in read.library_warnings]
        if not is_done(job.folder, name, stamp):
            facts = job.folder.pieces(name)
            with _noted(self.feature, notices, others):
                for stored in (job.folder.scores(name), facts):
                    set_aside_damaged(stored)
                _, reading = station.layers(self.feature, self.marks)
                last = _piece(station, self.feature, self.marks, 0, self.n_layers - 1)

                def scored() -> Iterator[tuple[int, int, LayerScores]]:
                    for part in range(len(job.targets.parts)):
                        for k in range(self.n_layers):
                            piece = _piece(station, self.feature, self.marks, part, k)
                            seconds["encoding"] += piece.seconds
                            notices.extend(piece.notices)
                            others.extend(piece.library_warnings)
                            yield part, k, piece.scores

                # Scores and facts together are the sign that this feature set is done: facts of
                # earlier scores must not stand beside new ones.
                facts.unlink(missing_ok=True)
                write_scores(
                    job.folder.scores(name),
                    stamp,
                    self.feature,
                    reading,
                    job.targets,
                    self.n_layers,
                    last.scores.width,
                    scored(),
                    validation=job.study.encoding.validation,
                )
            notices = list(dict.fromkeys(notices))
            write_record(
                facts,
                {
                    "model": name,
                    "fingerprint": stamp,
                    "seconds": seconds,
                    "sink": reading.sink,
                    "notices": notices,
                    "library_warnings": sorted(set(others)),
                },
            )
        shutil.rmtree(piece_folder(job.folder, name, stamp), ignore_errors=True)
        return Outcome(name, seconds, notices)


Unit = ReadRun | FitLayers | WriteScores


def do(unit: Unit, station: Station) -> Any:
    """Do one unit of work on one thread.

    Results then do not depend on the number of workers, and workers do not fight over cores.

    Parameters
    ----------
    unit : Unit
    station : Station

    Returns
    -------
    RunRead, list of str, or Outcome
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return unit.do(station)


def _piece(station: Station, feature: FeatureSet, marks: Marks, part: int, k: int) -> Piece:
    """Read the scores of one layer, or make and store them."""
    job = station.job
    path = piece_file(job.folder, feature.name, marks.scores, part, k)
    stamp = piece_stamp(marks.scores, part, k)
    piece = read_piece(path, stamp)
    if piece is not None:
        return piece
    notices: list[str] = []
    others: list[str] = []
    start = time.perf_counter()
    with _noted(feature, notices, others):
        layers, _ = station.layers(feature, marks)
        scores = score_layer(
            job.study,
            layers[k],
            station.designs(),
            job.targets,
            station.bank(part),
            len(job.targets.parts[part].subjects),
            device=job.device,
        )
    if scores.n_constant and part == 0:
        notices.append(
            f"{feature.name}, layer {k}: {scores.n_constant} of {scores.width} features never "
            "change in some run and were left out."
        )
    piece = Piece(scores, time.perf_counter() - start, notices, others)
    try:
        write_piece(path, stamp, piece)
    except HemiscaleError:
        # Another process, left over from a run that was killed, may have put all layers together
        # meanwhile and taken the folder away.
        if not is_done(job.folder, feature.name, marks.scores):
            raise
    return piece


def _n_layers(path: Path) -> int:
    return int(read_activations(path, layers=[])[2]["n_layers"])


@contextmanager
def _noted(feature: FeatureSet, notices: list[str], others: list[str]) -> Iterator[None]:
    """Note our own warnings and those of libraries."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        warnings.simplefilter("always", HemiscaleWarning)
        yield
    for warning in caught:
        if issubclass(warning.category, HemiscaleWarning):
            notices.append(f"{feature.name}: {warning.message}")
        else:
            others.append(f"{warning.category.__name__}: {warning.message}")
