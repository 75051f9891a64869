"""After a rehearsal: whether what was planted is found, within the intervals that tables state.

Ridge on noisy scans stays below the planted fits, for all models and on both sides alike. So what
is compared does not depend on how far below: the asymmetry index (left - right) / (left + right),
how it grows with the size of the models, and that there is none where none was planted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hemiscale.errors import HemiscaleError
from hemiscale.results import ResultsFolder, open_dataset, read_dataset
from hemiscale.study import AVERAGE

__all__ = ["Recovered", "compare_with_planted"]

MOST_GROWING, LEAST_GROWING = 0.5, 0.02  # weights of planted growth, from 0 to 1


@dataclass(frozen=True)
class Recovered:
    """One planted quantity and what the study found.

    Attributes
    ----------
    quantity : str
    planted, found, low, high : float
        The interval (95 %) is over runs of the average subject.
    """

    quantity: str
    planted: float
    found: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        """Whether the interval holds what was planted."""
        return self.low <= self.planted <= self.high


def compare_with_planted(planted: Path, results: Path) -> list[Recovered]:
    """Compare the scores of a rehearsal with what was planted.

    Parameters
    ----------
    planted : Path
        ``planted.nc`` of the data set.
    results : Path
        Results folder of the study.

    Returns
    -------
    list of Recovered
        The index of each model where growth was planted, its slope per e-fold of size, the index
        at the mean size, and the slope where no growth was planted.

    Raises
    ------
    HemiscaleError
        Where scores of a planted model are missing.
    """
    from hemiscale.analysis import interval_over_runs, select_layers
    from hemiscale.simulation.planting import language_weights

    truth = read_dataset(planted)
    folder = ResultsFolder(results)
    expected, found = [], []
    for name in truth["model"].values:
        path = folder.scores(str(name))
        if not path.is_file():
            raise HemiscaleError(f"{path}: is not there; run the study first.")
        with open_dataset(path) as stored:
            scores = stored.sel(subject=[AVERAGE]).load()
        chosen = select_layers(scores, "validation")["score"].values[0]
        places = np.stack([scores[axis].values for axis in "xyz"], axis=1)
        weights = language_weights(places.astype(np.float64))
        mirror = scores["mirror"].values
        left = np.flatnonzero(scores["hemisphere"].values == "left")
        where = (
            left[weights[left] >= MOST_GROWING],
            left[weights[left] <= LEAST_GROWING],
        )
        fits = truth["expected_average"].sel(model=name).values[None].astype(np.float64)
        expected.append([_index(fits, side, mirror)[0] for side in where])
        found.append([_index(chosen.astype(np.float64), side, mirror) for side in where])
    wanted, indices = np.array(expected), np.array(found)  # models x places (x runs)
    size = np.log(truth["size"].values)
    weight = (size - size.mean()) / np.square(size - size.mean()).sum()
    rows = [
        (f"{name}: (L - R) / (L + R) where growth is planted", wanted[k, 0], indices[k, 0])
        for k, name in enumerate(truth["model"].values)
    ]
    rows += [
        ("slope of the index per e-fold of size", weight @ wanted[:, 0], weight @ indices[:, 0]),
        ("index at the mean size", wanted[:, 0].mean(), indices[:, 0].mean(axis=0)),
        ("slope of the index elsewhere", weight @ wanted[:, 1], weight @ indices[:, 1]),
    ]
    recovered = []
    for quantity, truly, runs in rows:
        interval = interval_over_runs(np.asarray(runs)[:, None])
        recovered.append(
            Recovered(
                quantity,
                float(truly),
                float(interval.estimate[0]),
                float(interval.low[0]),
                float(interval.high[0]),
            )
        )
    return recovered


def _index(scores: np.ndarray, left: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Asymmetry of the means over homologous voxels, run by run."""
    on_left, on_right = scores[:, left].mean(axis=1), scores[:, mirror[left]].mean(axis=1)
    return np.asarray((on_left - on_right) / (on_left + on_right))
