"""Halves that are drawn twice are computed once, and the numbers are those of the engine."""

import tracemalloc

import numpy as np
import pytest

from hemiscale.encoding import intersubject_reliability
from hemiscale.encoding.ceiling import random_halves
from hemiscale.pipeline import reliability
from hemiscale.pipeline.helpers import Helpers
from hemiscale.pipeline.targets import Targets


@pytest.fixture
def targets():
    rng = np.random.default_rng(0)
    shared = [rng.normal(size=(40, 6)) for _ in range(3)]
    listeners = [[run + rng.normal(size=run.shape) for run in shared] for _ in range(3)]
    slices = [(k, slice(0, 40)) for k in range(3)]
    return Targets([], 6, {}, listeners, slices, "stamp")


def test_three_listeners_have_three_different_halves(targets, monkeypatch):
    done, one_half = [], reliability._one_half

    def counted(split, **common):
        done.append(split)
        return one_half(split, **common)

    monkeypatch.setattr(reliability, "_one_half", counted)
    shown = []
    found = reliability.reliability_of_halves(
        targets, n_splits=10, seed=4, helpers=Helpers(), progress=lambda *n: shown.append(n)
    )
    halves = {tuple(random_halves(3, seed=4, split=split)[0]) for split in range(10)}
    assert len(done) == len(halves) == 3
    assert shown == [(1, 3), (2, 3), (3, 3)]
    np.testing.assert_array_equal(
        found, intersubject_reliability(targets.listeners, n_splits=10, seed=4)
    )


def test_a_half_takes_no_more_memory_than_was_thought(noise_runs):
    """Of noise, where no penalty is dropped: the most that there can be."""
    n_runs, n_scans, n_targets = 4, 100, 9000

    two = [noise_runs(k, n_runs, n_scans, n_targets) for k in (0, 1)]
    reliability._one_half(0, [[np.eye(9)[:, :5]] * 3] * 2, 1)  # libraries are there before
    tracemalloc.start()
    reliability._one_half(0, two, 1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    thought = reliability.memory_of_a_half([n_scans] * n_runs, n_targets)
    assert 0.5 * thought < peak < thought, peak / thought


def test_halves_are_halves():
    for n in (2, 7, 49):
        one, other = random_halves(n, seed=1, split=3)
        assert len(one) == n // 2
        np.testing.assert_array_equal(np.sort(np.concatenate([one, other])), np.arange(n))
        assert (np.diff(one) > 0).all()
