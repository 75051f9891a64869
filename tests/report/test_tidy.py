import numpy as np
import pytest

from hemiscale.analysis import interval_over_listeners
from hemiscale.report import captions, diagnostic_rows, load_results, tidy


@pytest.fixture(scope="module")
def results(simulated_results):
    return load_results(simulated_results)


@pytest.mark.parametrize(
    ("group", "kind", "width", "name"),
    [
        ("austen-4m-untrained", "untrained", 224, "austen-4m (untrained)"),
        ("random-embedding-300d", "random embedding", 300, "random embedding, 300 d"),
        ("my-random-thing", "random vector", 20, "my-random-thing"),
        ("word-rate", "control", 1, "word rate"),
        ("smollm2-135m", "trained", 576, "smollm2-135m"),
    ],
)
def test_readable_name(group, kind, width, name):
    assert tidy.readable_name(group, kind, width) == name


def test_baseline_rows_go_from_what_knows_most_to_what_knows_nothing(results):
    rows = tidy.baseline_rows(results, "listeners")
    assert rows["label"].iloc[0] == "smollm2-135m"
    assert rows["label"].iloc[-1] == "random vector, 300 d"
    assert "checkpoint" not in set(rows["kind"])
    assert (rows["low"] < rows["score"]).all()
    assert (rows["score"] < rows["high"]).all()
    average = tidy.baseline_rows(results, "average").set_index("label")["score"]
    expected = results.groups.set_index("group").loc["austen-4m", "average_score"]
    assert average["austen-4m"] == expected


def test_seeds_are_averaged_within_listeners_before_the_interval(results):
    rows = tidy.region_rows(results, "listeners")
    row = rows[(rows["label"] == "random embedding, 300 d") & (rows["region"] == "LPTL")]
    listeners = results.listeners
    seeds = listeners[
        listeners["model"].str.startswith("random-embedding-300d") & (listeners["region"] == "LPTL")
    ]
    assert seeds["model"].nunique() == 3
    means = seeds.groupby("listener")["score"].mean().to_numpy()
    interval = interval_over_listeners(means)
    found = row[["score", "low", "high"]].to_numpy(float)[0]
    # Listeners enter the bootstrap in another order: the ends may differ a little.
    np.testing.assert_allclose(
        found, [interval.estimate, interval.low, interval.high], atol=5e-4, rtol=0
    )
    assert found[0] == pytest.approx(means.mean(), abs=1e-6)


def test_region_rows_of_single_models_are_those_of_the_table(results):
    rows = tidy.region_rows(results, "average")
    table = results.regions.query(
        "model == 'austen-4m' and region == 'RATL' and subjects == 'average' "
        "and layer_choice == 'validation'"
    )
    row = rows[(rows["label"] == "austen-4m") & (rows["region"] == "RATL")]
    for column in ("score", "low", "high"):
        assert row[column].item() == table[column].item()


def test_find_law(results):
    law = tidy.find_law(results, "score", "log parameters", "listeners")
    assert law is not None
    assert law["n_models"] == 5
    assert tidy.find_law(results, "score", "number of legs", "listeners") is None


def test_layer_rows_pair_each_trained_model_with_its_twin(results):
    rows = tidy.layer_rows(results, "listeners")
    part = rows[rows["panel"] == "austen-4m"]
    assert set(part["label"]) == {"austen-4m", "austen-4m (untrained)"}
    assert set(part.loc[part["kind"] == "trained", "layer"]) == set(range(7))
    assert set(rows.loc[rows["panel"] == "smollm2-135m", "kind"]) == {"trained"}
    assert tidy.layer_rows(results, "listeners", most=2)["panel"].nunique() == 2


def test_training_rows_hold_start_checkpoints_and_end(results):
    rows = tidy.training_rows(results, "listeners")
    assert set(rows["trajectory"]) == {"austen-1.1m"}
    assert list(rows["kind"].value_counts().reindex(["checkpoint", "trained", "untrained"])) == [
        6,
        1,
        1,
    ]


def test_listener_rows(results):
    rows = tidy.listener_rows(results)
    assert list(dict.fromkeys(rows["label"])) == [
        "smollm2-135m",
        "glove-6b-50d",
        "word rate",
        "random embedding, 1024 d",
    ]
    mean = results.listeners.query("model == 'word-rate' and listener == 's20'")["score"].mean()
    found = rows[(rows["label"] == "word rate") & (rows["listener"] == "s20")]["score"].item()
    assert found == pytest.approx(mean)


def test_band_rows_are_one_of_each_sort(results):
    labels = list(tidy.band_rows(results, "listeners")["label"])
    assert labels == [
        "word rate",
        "glove-6b-50d",
        "random embedding, 1024 d",
        "random vector, 1024 d",
    ]


def test_attention_sink_rows(results):
    rows = diagnostic_rows.attention_sink_rows(results)
    smol = rows[rows["label"] == "smollm2-135m"]
    assert smol["ratio"].max() == pytest.approx(150)
    assert smol["relative_depth"].iloc[-1] == 1
    assert "checkpoint" not in set(rows["kind"])
    # What stands in front of the text, where something does.
    assert smol["in_front"].max() == pytest.approx(300)
    assert rows.loc[rows["label"] != "smollm2-135m", "in_front"].isna().all()
    told = captions.describe_sink(rows)
    assert "Of the token in front of the text, which is no word's: smollm2-135m 300 at" in told


def test_timing_rows_add_up_seeds_and_start_with_the_longest(results):
    rows = diagnostic_rows.timing_rows(results)
    assert rows["label"].iloc[0] == "smollm2-135m"
    seconds = results.timings["models"]
    expected = sum(seconds[f"random-vector-300d-seed{k}"]["encoding"] for k in range(3))
    row = rows[rows["label"] == "random vector, 300 d"]
    assert row["encoding"].item() == pytest.approx(expected)


def test_a_study_without_most_things_gives_empty_frames(make_results):
    results = load_results(make_results("word-rate"))
    for rows in (
        tidy.layer_rows(results, "listeners"),
        tidy.training_rows(results, "listeners"),
        diagnostic_rows.attention_sink_rows(results),
        tidy.language_models(tidy.baseline_rows(results, "listeners")),
        tidy.best_on_average(results),
    ):
        assert len(rows) == 0
