"""The bank is filled run by run, and holds what it would from a list."""

import tracemalloc
from importlib import import_module

import numpy as np
import pytest

from hemiscale.encoding import TargetBank, bank, standardise
from hemiscale.errors import HemiscaleWarning

LENGTHS = (30, 25, 41)


class Stored:
    """Runs that are made when they are asked for, as if read from disk."""

    def __init__(self, make, lengths):
        self.make, self.lengths, self.asked = make, lengths, []

    def __len__(self):
        return len(self.lengths)

    def __getitem__(self, run):
        self.asked.append(run)
        return self.make(run)


def recorded(n_targets=700, dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    size = rng.uniform(0.1, 9, n_targets)
    return [(5 + size * rng.standard_normal((n, n_targets))).astype(dtype) for n in LENGTHS]


def contents(made):
    blocks = [made.block(k) for k in range(len(made))]
    return [
        made.order,
        made.usable,
        *(b.data for b in blocks),
        *(n for b in blocks for n in b.norms),
    ]


def same(one, other):
    assert one.dtype == other.dtype
    for a, b in zip(contents(one), contents(other), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("known", [True, False])
def test_runs_read_one_by_one_give_the_same_bank(dtype, known, monkeypatch):
    runs = recorded(dtype=dtype)
    whole = TargetBank(runs, block_size=300)
    stored = Stored(runs.__getitem__, LENGTHS)
    monkeypatch.setattr(bank, "_CHUNK", 7000)  # ten scans; the last part is shorter
    monkeypatch.setattr(bank, "_FEWEST_ROWS", 1)
    same(whole, TargetBank(stored, block_size=300, lengths=LENGTHS if known else None))
    assert stored.asked == ([0, 1, 2] if known else [0, 1, 2, 0, 1, 2])
    rows = whole.slices[1]
    for k, columns in enumerate(whole.columns):
        truth = standardise(runs[1].astype(np.float64))[:, whole.order[columns]].T
        np.testing.assert_allclose(whole.block(k).data[:, rows], truth, rtol=0, atol=3e-6)


@pytest.mark.parametrize("standardised", [True, False])
def test_what_breaks_in_a_later_run_is_left_out_of_all(standardised):
    runs = recorded()
    runs[0][:, 3] = 2.0
    runs[1][4, 650] = np.nan
    runs[2][:, 11] = 0.0
    runs[2][7, 12] = np.inf
    options = {"block_size": 300, "standardise": not standardised}
    stored = Stored(runs.__getitem__, LENGTHS)
    with pytest.warns(HemiscaleWarning, match="4 of 700 targets"):
        one = TargetBank(stored, lengths=LENGTHS, **options)
    assert stored.asked == [0, 1, 2, 0, 1, 2]
    np.testing.assert_array_equal(np.flatnonzero(~one.usable), [3, 11, 12, 650])
    with pytest.warns(HemiscaleWarning, match="4 of 700 targets"):
        same(one, TargetBank(runs, **options))
    # And it is the bank of the other targets alone; who names them is not warned.
    kept = np.flatnonzero(one.usable)
    alone = TargetBank([run[:, kept] for run in runs], **options)
    np.testing.assert_array_equal(kept[alone.order], one.order)
    for a, b in zip(contents(alone)[2:], contents(one)[2:], strict=True):
        np.testing.assert_array_equal(a, b)
    named = TargetBank(stored, lengths=LENGTHS, among=np.arange(700) != 3, **options)
    same(named, one)


def test_filling_holds_the_bank_and_one_run(monkeypatch):
    """A list of the runs beside the bank would be twice the bank."""
    n_targets, lengths = 30_000, (50, 60, 50, 60, 50, 60)
    monkeypatch.setattr(bank, "_CHUNK", 100_000)
    monkeypatch.setattr(bank, "_FEWEST_ROWS", 1)
    monkeypatch.setattr(import_module("hemiscale.encoding.standardise"), "_CHUNK", 100_000)

    def make(run):
        rng = np.random.default_rng(run)
        return rng.standard_normal((lengths[run], n_targets), dtype=np.float32)

    run, whole = 4 * 60 * n_targets, 4 * sum(lengths) * n_targets
    for known in (lengths, None):
        tracemalloc.start()
        made = TargetBank(Stored(make, lengths), lengths=known)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert made.n_usable == n_targets
        # 17 bytes a target and run are mean, deviation and whether it is usable.
        moments = 17 * n_targets * len(lengths)
        assert whole < peak < whole + moments + 1.5 * run, (peak - whole - moments) / run


def test_what_does_not_fit_is_refused():
    runs = recorded()
    with pytest.raises(ValueError, match="list over runs"):
        TargetBank([])
    with pytest.raises(ValueError, match="list over runs"):
        TargetBank([runs[0], runs[1][:, 1:]])
    with pytest.raises(ValueError, match="list over runs"):
        TargetBank(runs, lengths=LENGTHS[:2])
    with pytest.raises(ValueError, match="Run 2 of the targets has 25 scans where 26 are expected"):
        TargetBank(runs, lengths=(30, 26, 41))
    with pytest.raises(ValueError, match="among has 3 entries for 700 targets"):
        TargetBank(runs, among=np.ones(3, dtype=bool))
    with pytest.raises(ValueError, match="Every target is constant"):
        TargetBank(Stored(lambda run: runs[run] * (run < 2), LENGTHS), lengths=LENGTHS)
