"""Entries of laws.json where there is little to go by, and what their notes say."""

import json

import numpy as np
import pytest

from hemiscale.analysis import slope_over_listeners, write_tables

SIZES = (1e8, 3e8, 1e9, 3e9, 1e10, 3e10)


@pytest.fixture
def laws_of(make_scores, tmp_path):
    """Write the tables of six models of three families; give the laws of the score on size."""

    def laws(*, subjects, **options):
        models = []
        for k, size in enumerate(SIZES):
            own = subjects[k] if isinstance(subjects[0], tuple) else subjects
            family = "AABBCC"[k]
            models.append(
                make_scores(
                    f"m{k}",
                    subjects=own,
                    seed=k,
                    n_parameters=int(size),
                    family=family,
                    **{name: v[k] if isinstance(v, list) else v for name, v in options.items()},
                )
            )
        write_tables(models, None, tmp_path)
        found = json.loads((tmp_path / "laws.json").read_text())["laws"]
        return {
            law["subjects"]: law
            for law in found
            if law["response"] == "left_minus_right"
            and law["predictor"] == "log parameters"
            and law["model_set"] == "all trained models"
        }

    return laws


def test_one_run_of_the_average_says_that_nothing_is_known_of_other_recordings(laws_of):
    law = laws_of(subjects=("average",), n_runs=1)["average"]
    assert law["slope_over_runs_low"] is None
    assert any("Fewer than two runs" in note for note in law["notes"])


def test_one_listener_says_that_nothing_is_known_of_other_people(laws_of):
    law = laws_of(subjects=("s1",))["listeners"]
    assert law["slope_over_listeners"] == pytest.approx(law["slope"])
    assert law["slope_over_listeners_low"] is None
    assert "One listener: nothing is said about other people." in law["notes"]


def test_models_without_a_listener_in_common_say_so(laws_of):
    law = laws_of(subjects=[("s1", "s2"), *[("s3", "s4")] * 5])["listeners"]
    assert law["slope"] is None
    assert law["notes"] == [
        "The models have no listener in common: there is no law over listeners."
    ]


def test_models_with_some_listeners_in_common_say_how_many(laws_of):
    law = laws_of(subjects=[("s1", "s2", "s3"), *[("s2", "s3", "s4", "s5")] * 5])["listeners"]
    assert law["n_listeners"] == 2
    assert any("the 2 that all of them have" in note for note in law["notes"])
    same = laws_of(subjects=("s1", "s2"))["listeners"]
    assert not any("listener" in note for note in same["notes"])


def test_models_with_other_numbers_of_runs_say_so(laws_of):
    law = laws_of(subjects=("average",), n_runs=[4, 4, 4, 4, 4, 5])["average"]
    assert "slope_over_runs_low" not in law
    assert any("do not have the same number of runs" in note for note in law["notes"])


def test_families_left_out_are_named(laws_of):
    law = laws_of(subjects=("average",))["average"]
    assert {law["lowest_without_family"], law["highest_without_family"]} <= set("ABC")
    assert law["lowest_without_family"] != law["highest_without_family"]


def test_slopes_over_listeners_take_lists_and_refuse_other_shapes():
    found = slope_over_listeners([1.0, 2.0], [[0.1, 0.3], [0.2, 0.5]])
    assert found["slope_over_listeners"] == pytest.approx(0.15)
    assert found["n_listeners"] == 2
    with pytest.raises(ValueError, match=r"scores \(3, 1\) must be"):
        slope_over_listeners([1.0, 2.0], np.zeros((3, 1)))
