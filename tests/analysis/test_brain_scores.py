import numpy as np
import pytest

from hemiscale.analysis import brain_score, over_ceiling, reliable_pairs, reliable_targets

LEFT, RIGHT = np.arange(0, 400), np.arange(400, 800)


@pytest.fixture
def scores():
    # 3 layers, 800 mirrored voxels and 40 on the midline.
    r = np.random.default_rng(0).normal(0.2, 0.05, (3, 840))
    r[:, :400] += 0.03
    return r


def test_sides_are_means_over_pairs_and_both_is_over_all(scores):
    found = brain_score(scores, (LEFT, RIGHT))
    np.testing.assert_allclose(found.both, scores.mean(axis=1))
    np.testing.assert_allclose(found.left, scores[:, :400].mean(axis=1))
    np.testing.assert_allclose(
        found.left_minus_right, (scores[:, :400] - scores[:, 400:800]).mean(axis=1)
    )
    assert (found.n_targets, found.n_pairs) == (840, 400)


def test_masks_choose_targets_and_pairs(scores):
    pairs = np.arange(400) < 100
    targets = np.arange(840) >= 800
    found = brain_score(scores, (LEFT, RIGHT), targets=targets, pairs=pairs)
    np.testing.assert_allclose(found.both, scores[:, 800:].mean(axis=1))
    np.testing.assert_allclose(found.right, scores[:, 400:500].mean(axis=1))
    assert (found.n_targets, found.n_pairs) == (40, 100)


def test_quantile_is_the_papers_best_ten_percent(scores):
    found = brain_score(scores[0], (LEFT, RIGHT), quantile=0.9)
    left, right = np.percentile(scores[0, :400], 90), np.percentile(scores[0, 400:800], 90)
    assert found.left_minus_right == pytest.approx(left - right)
    assert found.both == pytest.approx(np.percentile(scores[0], 90))


def test_a_pair_with_one_missing_side_counts_on_neither(scores):
    scores[:, 400] = np.nan
    found = brain_score(scores, (LEFT, RIGHT))
    np.testing.assert_allclose(found.left, scores[:, 1:400].mean(axis=1))
    by_quantile = brain_score(scores, (LEFT, RIGHT), quantile=0.5)
    np.testing.assert_allclose(by_quantile.left, np.median(scores[:, 1:400], axis=1))
    nothing = brain_score(np.full(840, np.nan), (LEFT, RIGHT), quantile=0.5)
    assert np.isnan(nothing.both)


def test_masks_and_quantiles_that_do_not_fit_are_refused(scores):
    with pytest.raises(ValueError, match="pairs must be 400 true or false values"):
        brain_score(scores, (LEFT, RIGHT), pairs=[0, 1])
    with pytest.raises(ValueError, match="quantile"):
        brain_score(scores, (LEFT, RIGHT), quantile=90)


def test_reliable_targets_are_the_top_share_of_the_mean_over_splits():
    splits = np.random.default_rng(1).uniform(0, 1, (10, 1000))
    chosen = reliable_targets(splits)
    assert chosen.sum() == 250
    mean = splits.mean(axis=0)
    assert mean[chosen].min() > mean[~chosen].max()
    assert reliable_targets(np.array([0.1, np.nan, 0.3]), 0.5).tolist() == [False, False, True]
    assert not reliable_targets(np.full(3, np.nan)).any()
    with pytest.raises(ValueError, match="share"):
        reliable_targets(mean, 0)


def test_reliable_pairs_are_chosen_as_one_and_symmetrically():
    reliability = np.random.default_rng(2).uniform(0, 1, 800)
    chosen = reliable_pairs(reliability, (LEFT, RIGHT))
    assert chosen.sum() == 100
    np.testing.assert_array_equal(chosen, reliable_pairs(reliability, (RIGHT, LEFT)))
    mean = (reliability[LEFT] + reliability[RIGHT]) / 2
    assert mean[chosen].min() > mean[~chosen].max()


def test_choosing_by_pairs_makes_no_asymmetry_out_of_a_biased_ceiling():
    # The left is more reliable; scores follow the noise of the reliability, equal on both sides.
    generator = np.random.default_rng(3)
    noise = generator.normal(0, 0.1, 800)
    reliability = 0.4 + noise + np.where(np.arange(800) < 400, 0.1, 0.0)
    one_by_one = reliable_targets(reliability)
    assert one_by_one[:400].sum() > 2 * one_by_one[400:].sum()
    pairs = reliable_pairs(reliability, (LEFT, RIGHT))
    found = brain_score(noise, (LEFT, RIGHT), pairs=pairs)
    assert abs(found.left_minus_right) < 0.03


def test_ceiling_normalised_scores_leave_out_unreliable_voxels():
    found = over_ceiling([[0.2, 0.2, 0.2]], [[0.4, 0.05, np.nan], [0.6, 0.05, 0.5]])
    np.testing.assert_allclose(found, [[0.4, np.nan, 0.4]])
