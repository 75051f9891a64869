"""Validation scores of one penalty on one block of targets, by either of two ways.

`PredictorValidator` multiplies a predictor by the training data for every pair of a test and a
validation run: least work where there is one validation run per test run. `PairValidator` takes
all pairs of runs out of one fit, in the dual form: least work where all runs validate each other.
Both give the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from hemiscale.encoding.backend import Array, Dtype, precision
from hemiscale.encoding.dual import DualSystem, DualView
from hemiscale.encoding.pairs import PairOperators, pair_predictions
from hemiscale.encoding.predictors import EVERY_ROW, Predictor, Rows, Task, select
from hemiscale.encoding.primal import PrimalSystem, PrimalView

__all__ = [
    "PairValidator",
    "PredictorValidator",
    "Scores",
    "System",
    "Validator",
    "View",
    "parts_of",
    "score_part",
    "score_prediction",
    "score_predictors",
    "validation_runs",
]

System = DualSystem | PrimalSystem
View = DualView | PrimalView
#: By number of the penalty and by test run: (n_validation_runs, n_targets) arrays.
Scores = dict[int, dict[int, np.ndarray]]


def validation_runs(n_runs: int, validation: str) -> list[list[int]]:
    """Return, for each test run, the runs that choose its penalty."""
    remaining = [[v for v in range(n_runs) if v != t] for t in range(n_runs)]
    if validation == "all":
        return remaining
    if validation == "first":
        return [runs[:1] for runs in remaining]
    raise ValueError(f"validation is {validation!r}; expected 'first' or 'all'.")


class Validator(Protocol):
    """Prepares a penalty once, then scores blocks with it."""

    partners: Sequence[Sequence[int]]
    #: Numbers that the operators of one penalty hold.
    operator_size: int
    #: Operators hold inverses, whose entries are large where a penalty is small, and must cancel.
    amplifies: bool

    def prepare(self, alpha: float, tests: Sequence[int], dtype: Dtype, stream: Dtype) -> Any:
        """Factor in `dtype` what the penalty needs for these test runs; return it in `stream`."""

    def prepare_for_one_block(self, alpha: float, tests: Sequence[int]) -> Any | None:
        """Return in single precision what is cheap to make and dear to use, if there is such."""

    def scores(
        self, operators: Mapping[int, Any], view: View, tests: Mapping[int, Sequence[int]]
    ) -> Scores:
        """Return for each penalty and test run (n_validation_runs, n_targets) scores of a block.

        Penalties go by number. `tests` are those that a penalty is looked at for.
        """

    def forget(self) -> None:
        """Give memory back that only further penalties would need."""


def _task(test: int, validation: int) -> Task:
    return Task((min(test, validation), max(test, validation)), validation)


def score_prediction(
    system: System, view: View, prediction: Array, run: int, rows: Rows = EVERY_ROW
) -> Array:
    """Return Pearson r of a prediction with a run of a block (or of the named rows of it).

    Like the prediction it is on the device still.
    """
    backend = system.backend
    target = select(backend, view.block.data, rows)[:, system.slices[run]]
    norm = select(backend, view.block.norms[run], rows)
    return backend.correlate(prediction, target, norm, centred=system.centred)


def parts_of(view: View, n_targets: int) -> Iterator[slice]:
    """Yield the targets that are predicted at a time, so that what is computed of them is near."""
    for start in range(0, n_targets, view.at_once):
        yield slice(start, min(start + view.at_once, n_targets))


def score_part(
    system: System, view: View, predictors: Sequence[Predictor], run: int, rows: Rows
) -> list[Array]:
    """Return Pearson r of what predictors predict for a few targets, on the device.

    The predictors have the same left-out runs and different penalties.
    """
    data = view.data(predictors[0], rows)
    return [
        score_prediction(system, view, view.predict(data, predictor), run, rows)
        for predictor in predictors
    ]


def score_predictors(
    system: System,
    view: View,
    predictors: Sequence[Predictor],
    run: int,
    rows: np.ndarray | None = None,
) -> list[np.ndarray]:
    """Return Pearson r of what predictors predict, for a block or for the named rows of it.

    The predictors have the same left-out runs and different penalties.
    """
    n = len(view.block.data) if rows is None else len(rows)
    scores = np.empty((len(predictors), n), dtype=precision(view.block.data))
    for part in parts_of(view, n):
        here = part if rows is None else system.backend.indices(rows[part])
        found = score_part(system, view, predictors, run, here)
        scores[:, part] = system.backend.on_host(found)
    return list(scores)


class PredictorValidator:
    """One predictor per pair of a test and a validation run.

    Parameters
    ----------
    system : DualSystem or PrimalSystem
    partners : sequence over test runs of validation runs
    decomposed : bool
        Take predictors from a decomposition of each covariance (primal form only) where single
        precision allows it.
    """

    def __init__(
        self, system: System, partners: Sequence[Sequence[int]], *, decomposed: bool = False
    ) -> None:
        self.system = system
        self.partners = partners
        self._decomposed = system if decomposed and isinstance(system, PrimalSystem) else None
        rows = sum(system.lengths[v] for runs in partners for v in runs)
        self.operator_size = rows * system.width
        self.amplifies = isinstance(system, PrimalSystem)

    def _tasks(self, tests: Sequence[int]) -> list[Task]:
        return [_task(t, v) for t in tests for v in self.partners[t]]

    def prepare(
        self, alpha: float, tests: Sequence[int], dtype: Dtype, stream: Dtype
    ) -> Mapping[Task, Predictor]:
        """Return the predictors of all pairs."""
        spectra = self._decomposed
        if spectra and dtype == stream == "float32" and spectra.trusts_spectra(alpha):
            return spectra.predictors_from_spectra(alpha, self._tasks(tests))
        return self.system.predictors(alpha, self._tasks(tests), dtype, stream)

    def prepare_for_one_block(
        self, alpha: float, tests: Sequence[int]
    ) -> Mapping[Task, Predictor] | None:
        """Return the predictors of all pairs in the covariances' eigenvectors."""
        spectra = self._decomposed
        # A mean over targets, compared with tolerance, forgives more than scores that are kept.
        if spectra is None or not spectra.trusts_single_precision(alpha):
            return None
        return spectra.predictors_for_one_block(alpha, self._tasks(tests))

    def forget(self) -> None:
        """Give the decompositions' memory back."""
        if self._decomposed is not None:
            self._decomposed.forget_spectra()

    def scores(
        self,
        operators: Mapping[int, Mapping[Task, Predictor]],
        view: View,
        tests: Mapping[int, Sequence[int]],
    ) -> Scores:
        """Return for each penalty and test run (n_validation_runs, n_targets) scores of a block."""
        n = len(view.block.data)
        places: list[tuple[int, int, int, slice]] = []
        scores: list[Array] = []
        # All sets in turn for the same targets, so that what sets have in common is made once.
        for part in parts_of(view, n):
            for t, partners in enumerate(self.partners):
                numbers = [i for i in operators if t in tests[i]]
                if not numbers:
                    continue
                for k, v in enumerate(partners):
                    predictors = [operators[i][_task(t, v)] for i in numbers]
                    scores += score_part(self.system, view, predictors, v, part)
                    places += [(i, t, k, part) for i in numbers]
        dtype = precision(view.block.data)
        found: Scores = {
            i: {t: np.empty((len(self.partners[t]), n), dtype) for t in tests[i]} for i in operators
        }
        on_host = self.system.backend.on_host(scores)
        for (i, t, k, part), values in zip(places, on_host, strict=True):
            found[i][t][k, part] = values
        return found


class PairValidator:
    """All pairs of runs out of one fit on all scans."""

    def __init__(self, system: DualSystem, partners: Sequence[Sequence[int]]) -> None:
        self.system = system
        self.partners = partners
        self.operator_size = 2 * system.width**2
        self.amplifies = True

    def _pairs(self, tests: Iterable[int]) -> list[tuple[int, int]]:
        return sorted({(min(t, v), max(t, v)) for t in tests for v in self.partners[t]})

    def prepare(
        self, alpha: float, tests: Sequence[int], dtype: Dtype, stream: Dtype
    ) -> PairOperators:
        """Return the operators of all pairs that these tests need."""
        return PairOperators(
            self.system.inverse(alpha, dtype),
            self.system.slices,
            self._pairs(tests),
            self.system.backend,
            stream,
        )

    def prepare_for_one_block(self, alpha: float, tests: Sequence[int]) -> None:
        """There is no quicker way to one block than to all."""

    def forget(self) -> None:
        """Nothing is kept."""

    def scores(
        self,
        operators: Mapping[int, PairOperators],
        view: View,
        tests: Mapping[int, Sequence[int]],
    ) -> Scores:
        """Return for each penalty and test run (n_validation_runs, n_targets) scores of a block."""
        return {i: self._scores(operators[i], view, tests[i]) for i in operators}

    def _scores(
        self, operators: PairOperators, view: View, tests: Sequence[int]
    ) -> dict[int, np.ndarray]:
        found: dict[tuple[int, int], Array] = {}
        data = view.block.data
        for pair, predictions in pair_predictions(operators, data, self._pairs(tests)):
            for validation, prediction in predictions.items():
                test = pair[0] if validation == pair[1] else pair[1]
                if test in tests:
                    found[test, validation] = score_prediction(
                        self.system, view, prediction, validation
                    )
        scores = dict(zip(found, self.system.backend.on_host(list(found.values())), strict=True))
        return {t: np.stack([scores[t, v] for v in self.partners[t]]) for t in tests}
