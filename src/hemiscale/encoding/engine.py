"""The engine: a race of penalties over blocks of targets, then the final models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hemiscale.encoding.backend import Array, Dtype
from hemiscale.encoding.bank import TargetBank
from hemiscale.encoding.dual import DualSystem
from hemiscale.encoding.predictors import ILL_CONDITIONED, Predictor, Task
from hemiscale.encoding.primal import PrimalView
from hemiscale.encoding.search import Race, group_means, middle_first
from hemiscale.encoding.validators import (
    System,
    Validator,
    View,
    parts_of,
    score_part,
    score_predictors,
)
from hemiscale.encoding.winners import (
    Models,
    Sample,
    Winner,
    final_models,
    refine,
    validation_sample,
    winners,
)

__all__ = ["Engine"]

#: Single-precision mean scores that differ by less are compared again in double precision: a part
#: that all targets share, one that averages out over scans and targets, and one that grows with
#: the covariance over the penalty.
_TIE, _TIE_PER_VALUE, _TIE_PER_CONDITION = 1e-5, 1e-3, 1e-8
#: Double-precision mean scores that differ by less are equal.
_ROUNDING = 1e-12
#: Memory for operators of several penalties at once, in bytes.
_OPERATOR_MEMORY = 5e8
#: Memory for what was computed of blocks before their penalty was known, in bytes.
_WAITING_MEMORY = 3e8


class Engine:
    """One feature set on one bank: the search for penalties, then the final models.

    Parameters
    ----------
    system : DualSystem or PrimalSystem
    validator : Validator
    bank : TargetBank
    alphas : (n_alphas,) array
    groups : (n_usable,) int array
        Group of each of the bank's targets; a penalty is chosen per group.
    n_groups : int
    """

    def __init__(
        self,
        system: System,
        validator: Validator,
        bank: TargetBank,
        alphas: np.ndarray,
        groups: np.ndarray,
        n_groups: int,
    ) -> None:
        self.system, self.validator, self.bank, self.alphas = system, validator, bank, alphas
        self.groups, self.n_groups = groups, n_groups
        self.all_tests = list(range(bank.n_runs))
        self._condition = system.norm / alphas
        # A mean over many targets forgives what the choice of a single one does not.
        strict = n_groups > 1 and isinstance(system, DualSystem)
        single = bank.dtype == "float32" and not strict
        self._trusted = [single and system.trusts_single_precision(float(a)) for a in alphas]
        #: Per penalty: below this, differences of mean scores are not told from rounding.
        self.tolerance = np.full(len(alphas), _ROUNDING)
        if bank.dtype == "float32":
            smallest = int(np.bincount(groups).min())
            self.tolerance[:] = _TIE + _TIE_PER_VALUE / (sum(bank.lengths) * smallest) ** 0.5
            self.tolerance[self._trusted] += _TIE_PER_CONDITION * self._condition[self._trusted]
        n_validation = [len(runs) for runs in validator.partners]
        self.race = Race(n_validation, bank.n_usable, bank.dtype, self.tolerance)
        self.scores = np.empty((bank.n_runs, bank.n_usable))
        self.unscored = set(range(len(bank)))
        widest = max(np.dtype(self._stream(i)).itemsize for i in range(len(alphas)))
        size = validator.operator_size * widest
        self._room = max(1, int(_OPERATOR_MEMORY / size))
        #: Views of blocks that wait for their penalty, as many as there is room for.
        self._waiting: dict[int, PrimalView] = {}
        self._latest: tuple[int, Dtype, View] | None = None
        self._final_models: dict[int, Models] | None = None
        self._samples: list[tuple[Winner, Sample]] = []

    def _stream(self, alpha: int) -> Dtype:
        """Return the precision in which targets meet a penalty's operators in validation."""
        large = self.validator.amplifies and self._condition[alpha] >= ILL_CONDITIONED
        return "float64" if large else self.bank.dtype

    def _prepared(self, alpha: int, tests: Sequence[int]) -> Any:
        precision: Dtype = "float32" if self._trusted[alpha] else "float64"
        penalty = float(self.alphas[alpha])
        return self.validator.prepare(penalty, tests, precision, self._stream(alpha))

    def race_adaptively(self) -> None:
        """Go through the blocks once, dropping penalties; score final models when settled."""
        race = self.race
        operators: dict[int, Any] = {}
        looked_at = self._look_at_first_block(operators)
        # What a quick look found was good enough to drop the others, not to be kept.
        self._evaluate(range(1), [i for i in race.alphas() if i in looked_at], operators)
        number = 1
        while number < len(self.bank):
            alive = race.alphas()
            # Where all penalties stay in the race (noise), preparing them again is to be rare.
            n_blocks = 1 if len(alive) <= self._room else number + 1
            blocks = range(number, min(number + n_blocks, len(self.bank)))
            self._evaluate(blocks, alive, operators)
            race.drop_losers(self.bank.columns[blocks[-1]].stop)
            for lost in operators.keys() - set(race.alphas()):
                del operators[lost]
            if race.settled:
                for done in blocks:
                    self._score(done, race.alive.argmax(axis=1)[:, None])
            number = blocks.stop

    def _look_at_first_block(self, operators: dict[int, Any]) -> set[int]:
        """Drop what the first block can tell; return whom it saw through something quick only."""
        race, validator = self.race, self.validator
        columns = self.bank.columns[0]
        quick = set()
        for i in middle_first(len(self.alphas)):
            look = None
            if self.bank.dtype == "float32":
                look = validator.prepare_for_one_block(float(self.alphas[i]), self.all_tests)
            if look is not None:
                quick.add(i)
                view = self._view(0, self.bank.dtype)
            else:
                look = self._prepared(i, self.all_tests)
                view = self._view(0, self._stream(i))
                if len(operators) < self._room:
                    operators[i] = look
            found = validator.scores({i: look}, view, {i: self.all_tests})
            race.record(i, columns, found[i])
            race.drop_losers(columns.stop)
            for lost in operators.keys() - set(race.alphas()):
                del operators[lost]
        return quick

    def evaluate_all(self) -> None:
        """Evaluate every penalty on every block."""
        self._evaluate(range(len(self.bank)), range(len(self.alphas)), {})

    def _evaluate(self, blocks: range, alphas: Sequence[int], operators: dict[int, Any]) -> None:
        """Record penalties' scores on these blocks, as many at a time as there is room for.

        `operators`: those that are prepared already. All of them are afterwards, if there is room.
        """
        for start in range(0, len(alphas), self._room):
            batch = alphas[start : start + self._room]
            tests = {i: self.race.tests(i) for i in batch}
            for i in batch:
                if i not in operators:
                    operators[i] = self._prepared(i, tests[i])
            if len(batch) == len(alphas):
                self.validator.forget()
            for number in blocks:
                for stream in sorted({self._stream(i) for i in batch}):
                    here = {i: operators[i] for i in batch if self._stream(i) == stream}
                    found = self.validator.scores(here, self._view(number, stream), tests)
                    for i, scores in found.items():
                        self.race.record(i, self.bank.columns[number], scores)
            if len(batch) < len(alphas):
                operators.clear()

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """Choose, and score what is not scored yet.

        Returns
        -------
        chosen : (n_runs, n_groups) int array
        scores : (n_runs, n_usable) array
        """
        self.validator.forget()
        chosen = self._choose()
        self._settle(chosen)
        for winner, sample in self._samples:
            refine(self.system, self.bank, self.validator, winner, sample, self.race.curves)
        for number in sorted(self.unscored):
            self._score(number, chosen)
        return chosen, self.scores

    def _settle(self, chosen: np.ndarray) -> dict[int, Models]:
        """Prepare the final models, once."""
        if self._final_models is None:
            self._final_models = {}
            for winner in winners(chosen, self.groups, self.alphas):
                models = final_models(self.system, self.bank, winner, self.scores)
                if models is not None:
                    self._final_models[winner.number] = models
                if self._stream(winner.number) == "float32":
                    # Now: the inverse in double precision is at hand.
                    sample = validation_sample(self.system, self.bank, self.validator, winner)
                    self._samples.append((winner, sample))
        return self._final_models

    def _view(self, number: int, dtype: Dtype) -> View:
        """Prepare a block; what was computed of it waits for further penalties, or for the last."""
        if dtype == self.bank.dtype and number in self._waiting:
            return self._waiting[number]
        if self._latest is not None and self._latest[:2] == (number, dtype):
            return self._latest[2]
        self._latest = None
        view = self.system.view(self.bank.block(number, dtype))
        self._latest = number, dtype, view
        if isinstance(view, PrimalView) and dtype == self.bank.dtype:
            held = sum(other.memory for other in self._waiting.values())
            if held + view.memory <= _WAITING_MEMORY:
                self._waiting[number] = view
        return view

    def _choose(self) -> np.ndarray:
        """Return the winner for each test run and group; near-ties are settled in float64."""
        race = self.race
        means = np.full((self.bank.n_runs, len(self.alphas), self.n_groups), -np.inf)
        for (t, i), curve in race.curves.items():
            if race.alive[t, i]:
                means[t, i] = group_means(curve, self.groups, self.n_groups)
        best = means.argmax(axis=1)[:, None]
        tolerance = np.maximum(self.tolerance[best], self.tolerance[:, None])
        tied = means >= means.max(axis=1, keepdims=True) - tolerance
        tied &= tied.sum(axis=1, keepdims=True) > 1
        if self.bank.dtype == "float32" and tied.any():
            means[tied] = self._exact_means(tied)[tied]
        # Rounding does not decide: with one feature all penalties give the same r. The first wins.
        return (means >= means.max(axis=1, keepdims=True) - _ROUNDING).argmax(axis=1)

    def _exact_means(self, tied: np.ndarray) -> np.ndarray:
        """Mean validation scores in float64, where (n_runs, n_alphas, n_groups) `tied`."""
        sums = np.zeros(tied.shape)
        sizes = np.bincount(self.groups, minlength=self.n_groups)
        for i in np.flatnonzero(tied.any(axis=(0, 2))).tolist():
            open_here: np.ndarray = tied[:, i]  # (n_runs, n_groups)
            tests = np.flatnonzero(open_here.any(axis=1)).tolist()
            open_groups = np.atleast_1d(open_here.any(axis=0))
            penalty = float(self.alphas[i])
            operators = self.validator.prepare(penalty, tests, "float64", "float64")
            for number in range(len(self.bank)):
                groups = self.groups[self.bank.columns[number]]
                rows = np.flatnonzero(open_groups[groups])
                if rows.size == 0:
                    continue
                view = self.system.view(self.bank.block(number, "float64", rows))
                found = self.validator.scores({i: operators}, view, {i: tests})
                for t, scores in found[i].items():
                    sums[t, i] += np.bincount(groups[rows], scores.mean(axis=0), self.n_groups)
        return sums / sizes

    def _score(self, number: int, chosen: np.ndarray) -> None:
        models = self._settle(chosen)
        columns = self.bank.columns[number]
        scores = self.scores[:, columns]
        view = self._view(number, self.bank.dtype)
        by_all: list[tuple[int, Predictor]] = []
        for t in self.all_tests:
            chosen_here = chosen[t][self.groups[columns]]
            for i in np.unique(chosen_here).tolist():
                if i not in models:
                    continue
                predictor = models[i][Task((t,), t)]
                here = np.flatnonzero(chosen_here == i)
                if here.size == chosen_here.size:
                    by_all.append((t, predictor))
                else:
                    (scores[t, here],) = score_predictors(self.system, view, [predictor], t, here)
        places: list[tuple[int, slice]] = []
        found: list[Array] = []
        for part in parts_of(view, len(view.block.data)):
            for t, predictor in by_all:
                found += score_part(self.system, view, [predictor], t, part)
                places.append((t, part))
        for (t, part), values in zip(places, self.bank.backend.on_host(found), strict=True):
            scores[t, part] = values
        self.unscored.discard(number)
        self._waiting.pop(number, None)
