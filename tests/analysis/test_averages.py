import numpy as np
import pytest

from hemiscale.analysis.averages import mean_correlation


def test_plain_average_leaves_out_missing_scores():
    scores = np.array([[0.1, np.nan, 0.3], [np.nan, np.nan, np.nan]])
    np.testing.assert_array_equal(mean_correlation(scores), [0.2, np.nan])


def test_sides_average_to_both_and_subtract():
    r = np.random.default_rng(0).uniform(-0.2, 0.6, 40)
    left, right = r[:20], r[20:]
    assert mean_correlation(r) == pytest.approx(
        (mean_correlation(left) + mean_correlation(right)) / 2
    )
    assert mean_correlation(left - right) == pytest.approx(
        mean_correlation(left) - mean_correlation(right)
    )


def test_fisher_differs_by_the_share_the_docs_say():
    r = np.random.default_rng(1).normal(0.25, 0.12, 100_000)
    share = mean_correlation(r, fisher=True) / mean_correlation(r) - 1
    assert share == pytest.approx(0.12**2 / (1 - 0.25**2), rel=0.2)


def test_fisher_of_perfect_correlations_is_finite():
    assert mean_correlation([1.0, 1.0], fisher=True) == pytest.approx(1.0)
