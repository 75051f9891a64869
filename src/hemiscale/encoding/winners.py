"""Models with the penalties that won: whether single precision serves them, and what if not.

What single precision costs cannot be told from a penalty alone: features that share one time
course, or nearly as many features as scans, take more of its digits than others. So it is measured,
on some of the targets that a penalty won, against the same models in double precision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from hemiscale.encoding.bank import TargetBank
from hemiscale.encoding.predictors import Predictor, Task
from hemiscale.encoding.primal import PrimalSystem
from hemiscale.encoding.validators import System, Validator, View, score_predictors

__all__ = [
    "Models",
    "Sample",
    "Winner",
    "final_models",
    "refine",
    "validation_sample",
    "winners",
]

#: Final models of one penalty, by test run.
Models = Mapping[Task, Predictor]

#: What single precision does to scores is measured on so many targets; if it is more than this,
#: they are computed in double precision.
_SAMPLE, _COARSE = 256, 5e-7
#: With so few features a prediction can all but vanish for any target: always in double precision.
_FEW_FEATURES = 8


class Winner(NamedTuple):
    """A penalty, and which targets chose it: by test run, (n_usable,) bool arrays."""

    number: int
    alpha: float
    chosen_by: Mapping[int, np.ndarray]

    @property
    def tasks(self) -> list[Task]:
        """The final models that it takes."""
        return [Task((test,), test) for test in self.chosen_by]

    @property
    def chosen_by_any(self) -> np.ndarray:
        """Which targets chose it for any test run, (n_usable,) bool array."""
        any_of_them: np.ndarray = np.any(list(self.chosen_by.values()), axis=0)
        return any_of_them


def winners(chosen: np.ndarray, groups: np.ndarray, alphas: np.ndarray) -> list[Winner]:
    """List the penalties that were chosen.

    Parameters
    ----------
    chosen : (n_runs, n_groups) int array
        Number of the penalty.
    groups : (n_usable,) int array
    alphas : (n_alphas,) array
    """
    return [
        Winner(
            i,
            float(alphas[i]),
            {t: (row == i)[groups] for t, row in enumerate(chosen) if i in row},
        )
        for i in np.unique(chosen).tolist()
    ]


class Sample(NamedTuple):
    """Validation scores of a few targets in double precision, of one test run.

    Attributes
    ----------
    test : int
    places : (n_targets,) int array
        In the bank's order.
    scores : (n_validation_runs, n_targets) float64 array
    """

    test: int
    places: np.ndarray
    scores: np.ndarray


def final_models(
    system: System, bank: TargetBank, winner: Winner, scores: np.ndarray
) -> Models | None:
    """Return the final models of a penalty, factored in double precision.

    Where single precision is too coarse for the rest, they are scored at once and not returned.

    Parameters
    ----------
    system : DualSystem or PrimalSystem
    bank : TargetBank
    winner : Winner
    scores : (n_runs, n_usable) float64 array
        To be filled in.
    """
    exact = system.predictors(winner.alpha, winner.tasks, "float64", "float64")
    if bank.dtype == "float64":
        return exact
    few = isinstance(system, PrimalSystem) and system.width <= _FEW_FEATURES
    cast = bank.backend.cast
    single = {task: predictor.cast(cast, "float32") for task, predictor in exact.items()}
    if not few and _final_error(system, bank, winner, single, exact) <= _COARSE:
        return single
    _score_exactly(system, bank, winner, exact, scores)
    return None


def validation_sample(
    system: System, bank: TargetBank, validator: Validator, winner: Winner
) -> Sample:
    """Score a winner's validation models for a few targets, in double precision.

    Parameters
    ----------
    system : DualSystem or PrimalSystem
    bank : TargetBank
    validator : Validator
    winner : Winner
    """
    test = next(iter(winner.chosen_by))
    operators = validator.prepare(winner.alpha, [test], "float64", "float64")
    places, scores = [], []
    for here, view in _exact_views(system, bank, winner.chosen_by[test], _SAMPLE):
        scores.append(validator.scores({0: operators}, view, {0: [test]})[0][test])
        places.append(here)
    return Sample(test, np.concatenate(places), np.concatenate(scores, axis=1))


def refine(
    system: System,
    bank: TargetBank,
    validator: Validator,
    winner: Winner,
    sample: Sample,
    curves: Mapping[tuple[int, int], np.ndarray],
) -> None:
    """Correct a winner's validation scores, where single precision is too coarse for the sample.

    Parameters
    ----------
    system : DualSystem or PrimalSystem
    bank : TargetBank
    validator : Validator
    winner : Winner
    sample : Sample
        From `validation_sample`.
    curves : mapping
        By test run and number of the penalty, (n_validation_runs, n_usable) scores; corrected in
        place.
    """
    coarse = curves[sample.test, winner.number][:, sample.places]
    if np.abs(sample.scores - coarse).max() <= _COARSE:
        return
    tests = list(winner.chosen_by)
    operators = validator.prepare(winner.alpha, tests, "float64", "float64")
    for places, view in _exact_views(system, bank, winner.chosen_by_any):
        for t, exact in validator.scores({0: operators}, view, {0: tests})[0].items():
            curves[t, winner.number][:, places] = exact


def _rows(
    bank: TargetBank, among: np.ndarray, at_most: int | None = None
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield numbers of blocks, and the rows of them that are among these targets."""
    left = bank.n_usable if at_most is None else at_most
    for number, columns in enumerate(bank.columns):
        rows = np.flatnonzero(among[columns])[:left]
        if rows.size:
            yield number, rows
        left -= rows.size


def _exact_views(
    system: System, bank: TargetBank, among: np.ndarray, at_most: int | None = None
) -> Iterator[tuple[np.ndarray, View]]:
    """Yield places in the bank's order, and views of these targets in double precision."""
    for number, rows in _rows(bank, among, at_most):
        yield bank.columns[number].start + rows, system.view(bank.block(number, "float64", rows))


def _final_error(
    system: System, bank: TargetBank, winner: Winner, single: Models, exact: Models
) -> float:
    """Measure what single precision does to the scores of final models."""
    sampled = next(iter(winner.chosen_by.values()))
    largest = 0.0
    for number, rows in _rows(bank, sampled, _SAMPLE):
        coarse, fine = (
            np.stack(
                [
                    score_predictors(system, view, [models[task]], task.run)[0]
                    for task in winner.tasks
                ]
            )
            for view, models in (
                (system.view(bank.block(number, "float32", rows)), single),
                (system.view(bank.block(number, "float64", rows)), exact),
            )
        )
        largest = max(largest, float(np.abs(coarse - fine).max()))
    return largest


def _score_exactly(
    system: System, bank: TargetBank, winner: Winner, exact: Models, scores: np.ndarray
) -> None:
    """Fill in the scores of the targets that chose a penalty, in double precision."""
    for places, view in _exact_views(system, bank, winner.chosen_by_any):
        for task in winner.tasks:
            here = np.flatnonzero(winner.chosen_by[task.run][places])
            (found,) = score_predictors(system, view, [exact[task]], task.run, here)
            scores[task.run, places[here]] = found
