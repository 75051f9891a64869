import numpy as np
import pytest

from hemiscale.analysis.layer_choice import best_layers, select_layers, take_layers


def test_best_layer_ignores_nan_and_breaks_ties_low():
    scores = np.array([[0.1, np.nan, 0.3], [0.2, np.nan, 0.3], [np.nan, np.nan, 0.0]])
    np.testing.assert_array_equal(best_layers(scores), [1, -1, 0])
    np.testing.assert_array_equal(take_layers(scores, best_layers(scores)), [0.2, np.nan, 0.3])


def test_validation_chooses_per_subject_run_and_target(make_scores):
    dataset = make_scores()
    chosen = select_layers(dataset, "validation")
    test = dataset["score"].values
    validation = dataset["validation_score"].values
    for s in range(4):
        for run in range(4):
            for target in range(6):
                layer = int(np.argmax(validation[s, :, run, target]))
                assert chosen["chosen_layer"].values[s, run, target] == layer
                assert chosen["score"].values[s, run, target] == test[s, layer, run, target]
    assert chosen.attrs["layer_choice"] == "validation"
    assert list(chosen["hemisphere"].values) == list(dataset["hemisphere"].values)


def test_test_choice_is_the_papers_one_layer_per_target_for_all_runs(make_scores):
    dataset = make_scores()
    chosen = select_layers(dataset, "test")
    best = dataset["score"].values.mean(axis=2).max(axis=1)
    np.testing.assert_allclose(chosen["score"].values.mean(axis=1), best, atol=1e-7)
    assert (np.ptp(chosen["chosen_layer"].values, axis=1) == 0).all()


def test_a_fixed_layer_is_that_layer(make_scores):
    dataset = make_scores()
    chosen = select_layers(dataset, 2)
    np.testing.assert_array_equal(chosen["score"].values, dataset["score"].values[:, 2])
    with pytest.raises(ValueError, match="layer 7 does not exist: the layers are 0 to 2"):
        select_layers(dataset, 7)
    for wrong in ("best", True):
        with pytest.raises(ValueError, match="how must be"):
            select_layers(dataset, wrong)


def test_a_relative_depth_is_the_nearest_layer(make_scores):
    dataset = make_scores(n_layers=5)
    for depth, layer in ((0.0, 0), (0.5, 2), (0.6, 2), (0.7, 3), (1.0, 4)):
        chosen = select_layers(dataset, depth)
        np.testing.assert_array_equal(chosen["score"].values, dataset["score"].values[:, layer])
    with pytest.raises(ValueError, match="relative depth is between 0 and 1"):
        select_layers(dataset, 1.5)


def test_targets_can_share_the_layer_that_is_best_for_all_of_them(make_scores):
    dataset = make_scores()
    together = ["temporal"] * 4 + ["frontal"] * 2
    validation, test = dataset["validation_score"].values, dataset["score"].values
    chosen = select_layers(dataset, "validation", together=together)["chosen_layer"].values
    np.testing.assert_array_equal(
        chosen[:, :, 0], validation[:, :, :, :4].mean(axis=3).argmax(axis=1)
    )
    np.testing.assert_array_equal(
        chosen[:, :, 5], validation[:, :, :, 4:].mean(axis=3).argmax(axis=1)
    )
    assert (np.ptp(chosen[:, :, :4], axis=2) == 0).all()
    chosen = select_layers(dataset, "test", together=together)["chosen_layer"].values
    np.testing.assert_array_equal(
        chosen[:, 0, 0], test.mean(axis=2)[:, :, :4].mean(axis=2).argmax(axis=1)
    )
    with pytest.raises(ValueError, match="label for each of 6 targets"):
        select_layers(dataset, together=["a"])


def test_choice_by_test_makes_score_out_of_noise_and_validation_does_not(make_scores):
    # Scores of pure noise: validation scores know nothing about the test run.
    generator = np.random.default_rng(0)
    shape = (2, 25, 9, 400)
    targets = tuple(f"v{k}" for k in range(400))
    dataset = make_scores(
        score=generator.normal(0, 0.08, shape),
        validation=generator.normal(0, 0.08, shape),
        subjects=("s1", "s2"),
        targets=targets,
        hemispheres=("left",) * 400,
        homologues=("",) * 400,
    )
    unbiased = float(select_layers(dataset, "validation")["score"].mean())
    inflated = float(select_layers(dataset, "test")["score"].mean())
    # Mean of the largest of 25 normal values with standard deviation .08 / sqrt(9).
    assert abs(unbiased) < 0.003
    assert inflated == pytest.approx(1.965 * 0.08 / 3, rel=0.03)


def test_one_layer_needs_no_validation_scores(make_scores):
    shape = (4, 1, 4, 6)
    dataset = make_scores(score=np.full(shape, 0.1), validation=np.full(shape, np.nan))
    np.testing.assert_allclose(select_layers(dataset)["score"].values, 0.1, atol=1e-7)
    assert (select_layers(dataset)["chosen_layer"].values == 0).all()


def test_nan_scores_stay_nan(make_scores):
    dataset = make_scores()
    dataset["score"][0, :, :, 1] = np.nan
    dataset["validation_score"][0, :, :, 1] = np.nan
    for how in ("validation", "test"):
        chosen = select_layers(dataset, how)
        assert np.isnan(chosen["score"].values[0, :, 1]).all()
        assert (chosen["chosen_layer"].values[0, :, 1] == -1).all()
        assert np.isfinite(chosen["score"].values[1:]).all()
