import numpy as np
import pytest

from hemiscale.analysis import select_layers, summarise_model
from hemiscale.analysis.columns import homologous_pairs
from hemiscale.analysis.model_summary import pool_seeds


def test_columns_are_the_means_they_say(make_scores):
    dataset = make_scores()
    s = summarise_model(dataset)
    chosen = select_layers(dataset)["score"].values.mean(axis=2 - 1)
    people = chosen[1:]
    np.testing.assert_allclose(s.by_listener["validation"][:, s.column("all")], people.mean(axis=1))
    np.testing.assert_allclose(s.by_listener["validation"][:, s.column("left")], people[:, 0])
    np.testing.assert_allclose(s.by_listener["validation"][:, s.column("RATL")], people[:, 1])
    np.testing.assert_allclose(
        s.by_listener["validation"][:, s.column("LATL / RATL")], people[:, 0] - people[:, 1]
    )
    average = select_layers(dataset)["score"].values[0]
    np.testing.assert_allclose(s.by_run["validation"][:, s.column("all")], average.mean(axis=1))
    np.testing.assert_allclose(
        s.profile_by_listener[:, :, s.column("LIFG")],
        dataset["score"].values[1:, :, :, 5].mean(axis=2),
        atol=1e-7,
    )
    assert s.listeners == ("s1", "s2", "s3")
    assert s.pairs == (("LATL / RATL", "LATL", "RATL", "LATL / RATL"),)


def test_average_may_be_absent_or_alone(make_scores):
    people = summarise_model(make_scores(subjects=("s1", "s2")))
    assert people.by_run["test"].shape[0] == 0
    assert people.profile_by_run.shape[0] == 0
    alone = summarise_model(make_scores(subjects=("average",)))
    assert alone.by_listener["validation"].shape[0] == 0
    assert alone.by_run["validation"].shape[0] == 4
    assert alone.typical_layer >= 0


def test_typical_layer_is_the_median_choice_of_the_listeners(make_scores):
    dataset = make_scores(subjects=("average", "s1"))
    dataset["validation_score"][:] = 0.0
    dataset["validation_score"][0, 0] = 1.0
    dataset["validation_score"][1, 2] = 1.0
    assert summarise_model(dataset).typical_layer == 2
    dataset["validation_score"][:] = np.nan
    assert summarise_model(dataset).typical_layer == -1


def test_voxelwise_scores_keep_sides_but_no_rows_per_voxel(make_scores):
    n = 600
    dataset = make_scores(
        subjects=("s1",),
        targets=tuple(f"v{k}" for k in range(n)),
        hemispheres=("left",) * (n // 2) + ("right",) * (n // 2),
        homologues=tuple(f"v{(k + n // 2) % n}" for k in range(n)),
    )
    s = summarise_model(dataset)
    assert s.columns == ("all", "left", "right", "left_minus_right")
    chosen = select_layers(dataset)["score"].values[0].mean(axis=0)
    expected = [
        chosen.mean(),
        chosen[:300].mean(),
        chosen[300:].mean(),
        (chosen[:300] - chosen[300:]).mean(),
    ]
    np.testing.assert_allclose(s.by_listener["validation"][0], expected)


def test_sides_use_only_pairs_with_both_sides(make_scores):
    dataset = make_scores(
        targets=("A", "B", "C", "D"),
        hemispheres=("left", "right", "left", "right"),
        homologues=("B", "A", "D", "C"),
    )
    dataset["score"][:, :, :, 1] = np.nan
    s = summarise_model(dataset)
    values = s.by_listener["validation"]
    np.testing.assert_allclose(values[:, s.column("left")], values[:, s.column("C")])
    assert np.isfinite(values[:, s.column("all")]).all()


def test_pairs_must_exist_and_lie_on_the_other_side():
    left, right = homologous_pairs(["R", "L", "M"], ["right", "left", "midline"], ["L", "R", ""])
    assert (left.tolist(), right.tolist()) == ([1], [0])
    with pytest.raises(ValueError, match="which is no target"):
        homologous_pairs(["L"], ["left"], ["R"])
    with pytest.raises(ValueError, match="should be on the right, not 'left'"):
        homologous_pairs(["L", "R"], ["left", "left"], ["R", ""])


def seeds(make_scores, n=3, **changes):
    return [make_scores(f"random-{k}", group="random", seed=k, **changes) for k in range(n)]


def test_seeds_are_averaged_within_listener_and_run(make_scores):
    datasets = seeds(make_scores)
    for k, dataset in enumerate(datasets):
        dataset.attrs["seed"] = k
    members = [summarise_model(d) for d in datasets]
    pooled = pool_seeds(members)
    assert pooled.name == "random"
    assert pooled.members == 3
    assert pooled.attrs["seed"] == -1
    np.testing.assert_allclose(
        pooled.by_listener["validation"],
        np.mean([m.by_listener["validation"] for m in members], axis=0),
    )
    np.testing.assert_allclose(
        pooled.by_run["test"], np.mean([m.by_run["test"] for m in members], axis=0)
    )


def test_seeds_with_other_listeners_share_those_that_all_have(make_scores):
    first = summarise_model(make_scores("a", group="g", subjects=("s1", "s2", "s3")))
    second = summarise_model(make_scores("b", group="g", subjects=("s3", "s1"), seed=1))
    pooled = pool_seeds([first, second])
    assert pooled.listeners == ("s1", "s3")
    expected = (first.by_listener["test"][[0, 2]] + second.by_listener["test"][[1, 0]]) / 2
    np.testing.assert_allclose(pooled.by_listener["test"], expected)


def test_seeds_of_different_shape_are_refused(make_scores):
    first = summarise_model(make_scores("a", group="g"))
    with pytest.raises(ValueError, match="different regions or layers"):
        pool_seeds([first, summarise_model(make_scores("b", group="g", n_layers=5))])
    with pytest.raises(ValueError, match="same number of runs"):
        pool_seeds([first, summarise_model(make_scores("b", group="g", n_runs=5))])
