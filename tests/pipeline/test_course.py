"""Which units of work come when: pure logic, no work."""

import itertools

import pytest

from hemiscale.pipeline.course import Course, layers_together
from hemiscale.pipeline.marks import Marks
from hemiscale.pipeline.plan import FeatureSet
from hemiscale.pipeline.units import FitLayers, ReadRun, RunRead, WriteScores


def course(kind="trained", n_runs=3, n_parts=2):
    feature = FeatureSet("m", kind, "m", "m")
    marks = Marks("scores", [f"run-{k}" for k in range(n_runs)] if kind == "trained" else [])
    return Course(5, feature, marks, n_parts, "cpu")


def units(course_, n_workers):
    """All units in the order in which one worker does them."""
    waiting, done = list(course_.first(n_workers)), []
    while waiting:
        waiting.sort(key=lambda entry: entry[0])
        _, unit = waiting.pop(0)
        done.append(unit)
        result = RunRead(7) if isinstance(unit, ReadRun) else None
        waiting += course_.after(unit, result, n_workers)
    return done


@pytest.mark.parametrize("n_workers", [1, 2, 3, 16])
def test_every_run_is_read_and_every_layer_fitted_once(n_workers):
    done = units(course(), n_workers)
    kinds = [type(unit) for unit in done]
    assert kinds == sorted(kinds, key=[ReadRun, FitLayers, WriteScores].index)
    assert [unit.run for unit in done if isinstance(unit, ReadRun)] == [0, 1, 2]
    fitted = [(u.part, k) for u in done if isinstance(u, FitLayers) for k in u.layers]
    assert fitted == list(itertools.product(range(2), range(7)))
    assert len([unit for unit in done if isinstance(unit, WriteScores)]) == 1
    assert done[-1].n_layers == 7
    assert len(done[-1].read) == 3


def test_nothing_is_fitted_before_all_runs_are_read_and_written_before_all_is_fitted():
    one = course(n_runs=2, n_parts=1)
    reads = [unit for _, unit in one.first(9)]
    assert one.after(reads[1], RunRead(2), 9) == []
    fits = [unit for _, unit in one.after(reads[0], RunRead(2), 9)]
    assert [unit.layers for unit in fits] == [range(0, 1), range(1, 2)]
    assert one.after(fits[1], [], 9) == []
    ((_, last),) = one.after(fits[0], [], 9)
    assert isinstance(last, WriteScores)


def test_a_baseline_has_one_layer_and_nothing_to_read():
    done = units(course("control"), 4)
    assert [type(unit) for unit in done] == [FitLayers, FitLayers, WriteScores]
    assert {unit.layers for unit in done[:2]} == {range(0, 1)}


def test_an_earlier_feature_set_comes_first_at_every_stage():
    first, second = course(), course()
    second.place = 6
    late = [priority for priority, _ in second.first(2)]
    first._reads = {0: RunRead(7), 1: RunRead(7)}
    early = [priority for priority, _ in first.after(first.first(2)[2][1], RunRead(7), 2)]
    assert max(early) < min(late)


@pytest.mark.parametrize(
    ("n_layers", "n_parts", "n_workers", "expected"),
    [
        (33, 1, 1, 33),  # one worker: brain data are read once
        (33, 1, 100, 1),  # many workers: a layer each
        (33, 113, 16, 33),  # many listeners: a worker does one listener
        (33, 113, 1600, 1),
        (1, 1, 2, 1),
        (5, 1, 2, 1),
    ],
)
def test_layers_together(n_layers, n_parts, n_workers, expected):
    assert layers_together(n_layers, n_parts, n_workers) == expected


def test_baselines_come_last_and_part_by_part():
    model = course()
    baselines = [course("control", n_parts=3) for _ in range(2)]
    for place, one in enumerate(baselines, start=6):
        one.place = place
    first = [entry for one in (model, *baselines) for entry in one.first(1)]
    fits = [unit for _, unit in sorted(first, key=lambda entry: entry[0])]
    assert [type(unit) for unit in fits] == [ReadRun] * 3 + [FitLayers] * 6
    # Brain data of a part are read once for all baselines.
    assert [unit.part for unit in fits[3:]] == [0, 0, 1, 1, 2, 2]
