"""After a rehearsal: whether what was planted is found, within the intervals that tables state.

Ridge on noisy scans stays below the planted fits. What is compared does not depend on how far
below: the asymmetry index (left - right) / (left + right), how it grows with the size of the
models, and that there is none where none was planted. It does depend, a little, on what is harder
to learn: the left holds more of what only large models know, and loses more. So what is found is
held against what is to be expected of recordings of these brains, measured on others (see
`attainable_scores`); the law itself is shown beside it.
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
    planted : float
        The law itself.
    expected : float
        What ridge regression on noisy recordings finds of it, on the average over recordings.
    found, low, high : float
        The interval (95 %) is over runs of the average subject.
    """

    quantity: str
    planted: float
    expected: float
    found: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        """Whether the interval holds what is to be expected."""
        return self.low <= self.expected <= self.high


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
    from hemiscale.analysis.left_out_runs import without_each_run
    from hemiscale.simulation.planting import language_weights

    truth = read_dataset(planted)
    folder = ResultsFolder(results)
    planned, expected, found, without = [], [], [], []
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
        planned.append([_index(fits, side, mirror)[0] for side in where])
        measured = truth["attainable_average"].sel(model=name).values[None].astype(np.float64)
        sampled = [side[np.isfinite(measured[0, side])] for side in where]
        expected.append([_index(measured, side, mirror)[0] for side in sampled])
        found.append([_index(chosen.astype(np.float64), side, mirror) for side in where])
        rest = without_each_run(
            scores["score"].values[0],
            scores["validation_score"].values[0],
            lambda maps, where=where, mirror=mirror: np.concatenate(  # type: ignore[misc]
                [_sides(maps, side, mirror) for side in where], axis=1
            ),
            "validation",
        )
        without.append([_asymmetry(rest[:, :2]), _asymmetry(rest[:, 2:])])
    # Each: models x places (x runs).
    sources = tuple(np.array(values) for values in (planned, expected, found, without))
    size = np.log(truth["size"].values)
    weight = (size - size.mean()) / np.square(size - size.mean()).sum()
    rows = [
        (f"{name}: (L - R) / (L + R) where growth is planted", *(x[k, 0] for x in sources))
        for k, name in enumerate(truth["model"].values)
    ]
    rows += [
        ("slope of the index per e-fold of size", *(weight @ x[:, 0] for x in sources)),
        ("index at the mean size", *(x[:, 0].mean(axis=0) for x in sources)),
        ("slope of the index elsewhere", *(weight @ x[:, 1] for x in sources)),
    ]
    recovered = []
    for quantity, planted_value, expected_value, runs, others in rows:
        interval = interval_over_runs(np.asarray(runs)[:, None], np.asarray(others)[:, None])
        recovered.append(
            Recovered(
                quantity,
                float(planted_value),
                float(expected_value),
                float(interval.estimate[0]),
                float(interval.low[0]),
                float(interval.high[0]),
            )
        )
    return recovered


def _sides(scores: np.ndarray, left: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Mean over voxels on the left and over their mirror images, (n_runs, 2)."""
    return np.stack([scores[:, left].mean(axis=1), scores[:, mirror[left]].mean(axis=1)], axis=1)


def _asymmetry(sides: np.ndarray) -> np.ndarray:
    return np.asarray((sides[:, 0] - sides[:, 1]) / (sides[:, 0] + sides[:, 1]))


def _index(scores: np.ndarray, left: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Asymmetry of the means over homologous voxels, run by run."""
    return _asymmetry(_sides(scores, left, mirror))
