"""The benchmark's own parts: what it makes, scales and says; never how long it takes."""

import io

import numpy as np
import pytest
from rich.console import Console

from hemiscale.bench.command import bench
from hemiscale.bench.estimate import PAPER_MODELS, paper_models, seconds_per_layer, study_seconds
from hemiscale.bench.measure import cpu_seconds, machine_name, peak_memory, sgemm_rate
from hemiscale.bench.problem import PAPER_SCANS, planted_problem
from hemiscale.bench.yardsticks import scikit_learn_part


def test_the_planted_problem_is_the_same_every_time_and_standardised():
    made, again = (planted_problem(40, scans=(50, 60, 55), n_voxels=30) for _ in range(2))
    assert (len(PAPER_SCANS), sum(PAPER_SCANS)) == (9, 2701)
    assert made.n_scans == 165
    for kind, width in (("features", 40), ("targets", 30)):
        for one, other in zip(getattr(made, kind), getattr(again, kind), strict=True):
            assert one.dtype == np.float32
            assert one.shape[1] == width
            np.testing.assert_array_equal(one, other)
            np.testing.assert_allclose(one.mean(axis=0), 0, atol=1e-5)
            np.testing.assert_allclose(one.std(axis=0), 1, atol=1e-5)


def test_the_whole_is_the_part_times_the_fits(monkeypatch):
    made = planted_problem(10, scans=(50, 60, 55, 40), n_voxels=5)
    seconds = iter([2.0, 3.0])
    monkeypatch.setattr(
        "hemiscale.bench.yardsticks.cpu_seconds", lambda work, repeats: (next(seconds), work())
    )
    part = scikit_learn_part(made, 16, 100.0)
    assert part.measured == 5.0
    assert part.whole == 4 * 16 * 2.0 + 4 * 3.0
    assert part.said == "one of 64 validation fits and one of 4 final fits, scaled"


def test_estimates_are_linear_in_the_width():
    measured = {100: 2.0, 200: 4.0, 400: 5.0}
    assert seconds_per_layer(50, measured) == 2.0
    assert seconds_per_layer(150, measured) == 3.0
    assert seconds_per_layer(600, measured) == pytest.approx(6.0)
    assert study_seconds({"a": (11, 100), "b": (1, 400)}, measured) == 12 * 2.0 + 2 * 5.0


def test_the_papers_models_are_those_of_the_published_table():
    models = paper_models()
    assert len(models) == PAPER_MODELS
    assert models["gpt2"] == (12, 768)
    assert sum(layers + 1 for layers, _ in models.values()) == 950


def test_measures_measure(monkeypatch):
    seconds, result = cpu_seconds(lambda: sum(range(1000)))
    assert (seconds >= 0, result) == (True, 499500)
    clock = iter([0.0, 3.0, 10.0, 12.0, 20.0, 25.0])
    monkeypatch.setattr("time.process_time", lambda: next(clock))
    results = iter("abc")
    assert cpu_seconds(lambda: next(results), repeats=3) == (2.0, "c")
    monkeypatch.undo()
    assert peak_memory() > 1e7
    assert sgemm_rate(rows=64, n=64, repeats=2) > 0
    assert "cores" in machine_name()


def test_the_command_prints_a_table():
    shown = io.StringIO()
    console = Console(file=shown, width=140)
    bench(scans=(40, 45, 50), n_voxels=60, widths=(20, 200), console=console)
    text = shown.getvalue()
    for said in ("hemiscale, first validation run", "hemiscale, all validation runs",
                 "scikit-learn, scaled", "3 runs, 135 scans, 60 voxels", "28 models"):  # fmt: skip
        assert said in text
