"""The order of work: which units of a feature set may be done now, and which come after."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from hemiscale.pipeline.marks import Marks
from hemiscale.pipeline.plan import FeatureSet
from hemiscale.pipeline.units import FitLayers, ReadRun, RunRead, Unit, WriteScores

__all__ = ["Course", "Priority", "layers_together"]

UNITS_PER_WORKER = 4
"""So many units of a model for each worker: few enough that brain data are not read for every
layer, enough that nobody waits long for the last one."""

BASELINES = 1_000_000
"""Place of all feature sets that do not read the story, after those that do."""

Priority = tuple[int, int, int]
"""Lower comes first: place of the feature set, stage, number."""


@dataclass
class Course:
    """The way of one feature set from text to scores.

    Parameters
    ----------
    place : int
        In the order of feature sets.
    feature : FeatureSet
    marks : Marks
    n_parts : int
        Of the targets.
    device : str
        On which a language model reads.
    """

    place: int
    feature: FeatureSet
    marks: Marks
    n_parts: int
    device: str
    _reads: dict[int, RunRead] = field(default_factory=dict)
    _n_layers: int = 1
    _fits_left: int = 0

    def first(self, n_workers: int) -> list[tuple[Priority, Unit]]:
        """Say what may be done at once.

        Parameters
        ----------
        n_workers : int

        Returns
        -------
        list of (priority, unit)
        """
        if not self.feature.reads_story:
            return self._fits(n_workers)
        return [
            ((self.place, 1, run), ReadRun(self.feature, self.marks, run, self.device))
            for run in range(len(self.marks.activations))
        ]

    def after(self, unit: Unit, result: Any, n_workers: int) -> list[tuple[Priority, Unit]]:
        """Say what may be done now that a unit is done.

        Parameters
        ----------
        unit : Unit
            One of this course.
        result : object
            Of the unit.
        n_workers : int

        Returns
        -------
        list of (priority, unit)
        """
        if isinstance(unit, ReadRun):
            self._reads[unit.run] = result
            if len(self._reads) < len(self.marks.activations):
                return []
            self._n_layers = result.n_layers
            return self._fits(n_workers)
        if isinstance(unit, FitLayers):
            self._fits_left -= 1
            if self._fits_left:
                return []
            read = tuple(self._reads[run] for run in sorted(self._reads))
            return [
                ((self.place, 0, 0), WriteScores(self.feature, self.marks, self._n_layers, read))
            ]
        return []

    def _fits(self, n_workers: int) -> list[tuple[Priority, Unit]]:
        together = layers_together(self._n_layers, self.n_parts, n_workers)
        fits: list[tuple[Priority, Unit]] = []
        # One part after the other: a worker keeps the brain data of the last one at hand.
        for part in range(self.n_parts):
            for start in range(0, self._n_layers, together):
                layers = range(start, min(start + together, self._n_layers))
                unit = FitLayers(self.feature, self.marks, part, layers, self._n_layers)
                priority = (self.place, 2, len(fits))
                if not self.feature.reads_story:
                    # One layer each, so reading the brain data takes longer than the fit: all
                    # baselines come last, and with one part before the next.
                    priority = (BASELINES, part, self.place)
                fits.append((priority, unit))
        self._fits_left = len(fits)
        return fits


def layers_together(n_layers: int, n_parts: int, n_workers: int) -> int:
    """How many layers make a unit of work.

    Parameters
    ----------
    n_layers, n_parts, n_workers : int

    Returns
    -------
    int
        One where there are not many more layers than workers; all where there is one worker.
    """
    if n_workers <= 1:
        return n_layers
    return min(n_layers, math.ceil(n_layers * n_parts / (UNITS_PER_WORKER * n_workers)))
