"""Entries of laws.json where there is little to go by, and what their notes say."""

import json

import numpy as np
import pandas as pd
import pytest

from hemiscale.analysis import slope_over_listeners, write_tables

SIZES = (1e8, 3e8, 1e9, 3e9, 1e10, 3e10)


@pytest.fixture
def laws_of(make_scores, tmp_path):
    """Write the tables of six models of three families; give the laws of the score on size."""

    def laws(*, subjects, families="AABBCC", **options):
        models = []
        for k, size in enumerate(SIZES):
            own = subjects[k] if isinstance(subjects[0], tuple) else subjects
            family = families[k]
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


def test_an_only_listener_has_intervals_over_runs(make_scores, laws_of, tmp_path):
    law = laws_of(subjects=("s1",), n_runs=9)
    assert list(law) == ["listeners"]
    alone = law["listeners"]
    models = pd.read_csv(tmp_path / "models.tsv", sep="\t")
    regions = pd.read_csv(tmp_path / "regions.tsv", sep="\t")
    layers = pd.read_csv(tmp_path / "layers.tsv", sep="\t")
    pairs = pd.read_csv(tmp_path / "asymmetry.tsv", sep="\t")
    # The same recording as that of an average subject: the same intervals, over runs.
    same = laws_of(subjects=("average",), n_runs=9)["average"]
    for name in ("slope_over_runs_low", "crossing_over_runs_high", "n_runs", "slope_low"):
        assert alone[name] == same[name]
    assert alone["n_runs"] == 9
    theirs = pd.read_csv(tmp_path / "models.tsv", sep="\t")
    for end in ("", "_low", "_high"):
        for side in ("score", "left_minus_right"):
            column = f"{side}{end}"
            np.testing.assert_array_equal(models[column], theirs[f"average_{column}"])
    assert models["score_low"].notna().all()
    assert models["average_score"].isna().all()
    for ours, name in ((regions, "regions"), (layers, "layers"), (pairs, "asymmetry")):
        average = pd.read_csv(tmp_path / f"{name}.tsv", sep="\t")
        assert set(ours["subjects"]) == {"listeners"}
        assert set(ours["interval_over"]) == {"runs"}
        pd.testing.assert_frame_equal(
            ours.drop(columns="subjects"), average.drop(columns="subjects")
        )


def test_two_listeners_have_intervals_over_listeners_as_before(laws_of, tmp_path):
    laws_of(subjects=("s1", "s2"), n_runs=9)
    regions = pd.read_csv(tmp_path / "regions.tsv", sep="\t")
    assert set(regions["interval_over"]) == {"listeners"}
    laws_of(subjects=("average", "s1"), n_runs=9)
    regions = pd.read_csv(tmp_path / "regions.tsv", sep="\t")
    assert set(zip(regions["subjects"], regions["interval_over"], strict=True)) == {
        ("average", "runs"),
        ("listeners", "listeners"),
    }


def test_an_only_listener_has_no_rises_of_an_average_subject(make_scores, tmp_path):
    steps = (1, 10, 100)
    models = [
        make_scores(f"tiny@{step}", kind="checkpoint", subjects=("s1",), seed=k, training_step=step)
        for k, step in enumerate(steps)
    ]
    write_tables(models, None, tmp_path)
    rises = pd.read_csv(tmp_path / "rises.tsv", sep="\t")
    assert set(rises["subjects"]) == {"listeners"}
    assert (rises["n"] == 1).all()


def test_an_only_listener_is_set_against_baselines_over_runs(make_scores, tmp_path):
    model = make_scores("tiny", subjects=("s1",), seed=1)
    base = make_scores("rate", subjects=("s1",), seed=2, kind="control", n_layers=1)
    write_tables([model, base], None, tmp_path)
    apart = pd.read_csv(tmp_path / "over_baseline.tsv", sep="\t")
    assert set(apart["subjects"]) == {"listeners"}
    assert set(apart["interval_over"]) == {"runs"}
    assert (apart["low"] < apart["difference"]).all()


def test_models_of_no_known_family_are_not_one_family(laws_of, tmp_path):
    law = laws_of(subjects=("average",), families=["", "", "", "B", "B", "C"])["average"]
    assert law["n_families"] == 5
    said = (
        "3 of 6 models have no known family: each counts as one of its own. A study names families "
        'of its own models with family = "...".'
    )
    assert said in law["notes"]
    sets = json.loads((tmp_path / "laws.json").read_text())["laws"]
    assert {one["model_set"] for one in sets} == {"all trained models"}
    alone = laws_of(subjects=("average",), families=[""] * 6)["average"]
    assert alone["n_families"] == 0
    assert any("Every family has one model" in note for note in alone["notes"])
    assert not any("of one family" in note for note in alone["notes"])
