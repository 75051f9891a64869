import numpy as np
import pytest
from scipy import stats

from hemiscale.analysis.intervals import (
    FEWEST_FOR_BOOTSTRAP,
    bca_interval,
    bootstrap_counts,
    interval_over_listeners,
    t_interval,
)


def test_students_interval_is_scipys():
    x = np.random.default_rng(0).normal(3, 2, (6, 4))
    found = t_interval(x, confidence=0.9)
    for k in range(4):
        expected = stats.ttest_1samp(x[:, k], 0).confidence_interval(0.9)
        assert found.low[k] == pytest.approx(expected.low)
        assert found.high[k] == pytest.approx(expected.high)
    np.testing.assert_array_equal(found.n, 6)


def test_plain_bca_agrees_with_scipy():
    x = np.random.default_rng(1).exponential(1.0, 40)
    counts = bootstrap_counts(40, 100_000, 0) / 40
    left_out = (x.sum() - x) / 39
    low, high = bca_interval(
        np.array([x.mean()]), (counts @ x)[:, None], left_out[:, None], widen=False
    )
    expected = stats.bootstrap(
        (x,), np.mean, n_resamples=100_000, rng=np.random.default_rng(2), vectorized=True
    ).confidence_interval
    # Both read quantiles of 100,000 random resamples: they agree to their Monte Carlo error.
    assert low[0] == pytest.approx(expected.low, abs=0.01)
    assert high[0] == pytest.approx(expected.high, abs=0.01)


def test_widened_interval_of_normal_data_is_as_wide_as_students():
    x = np.random.default_rng(3).normal(0, 1, (27, 300))
    bootstrap = interval_over_listeners(x)
    student = t_interval(x)
    ratio = (bootstrap.high - bootstrap.low) / (student.high - student.low)
    assert bootstrap.method == "bca"
    assert np.mean(ratio) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("shape", ["normal", "skewed"])
def test_interval_over_27_listeners_covers_what_it_says(shape):
    generator = np.random.default_rng(4)
    if shape == "normal":
        x, truth = generator.normal(0.2, 0.1, (27, 4000)), 0.2
    else:
        x, truth = generator.gamma(4.0, 0.05, (27, 4000)), 0.2
    found = interval_over_listeners(x, n_resamples=1000)
    covered = np.mean((found.low <= truth) & (truth <= found.high))
    assert 0.935 <= covered <= 0.962


def test_skewed_data_get_a_skewed_interval():
    x = np.random.default_rng(5).gamma(1.0, 1.0, 60)
    found = interval_over_listeners(x)
    assert found.high - found.estimate > found.estimate - found.low


def test_missing_listeners_are_left_out_column_by_column():
    x = np.random.default_rng(6).normal(0, 1, (30, 3))
    x[:5, 1] = np.nan
    x[:, 2] = np.nan
    found = interval_over_listeners(x)
    np.testing.assert_array_equal(found.n, [30, 25, 0])
    alone = interval_over_listeners(x[5:, 1])
    assert (found.low[1], found.high[1]) == (float(alone.low), float(alone.high))
    assert np.isnan([found.estimate[2], found.low[2], found.high[2]]).all()


def test_few_listeners_fall_back_on_student():
    x = np.random.default_rng(7).normal(0, 1, FEWEST_FOR_BOOTSTRAP - 1)
    found, student = interval_over_listeners(x), t_interval(x)
    assert found.method == "t"
    assert (found.low, found.high) == (student.low, student.high)
    # A column that misses some of the listeners falls back on its own.
    wide = np.random.default_rng(7).normal(0, 1, (FEWEST_FOR_BOOTSTRAP, 2))
    wide[0, 1] = np.nan
    found, student = interval_over_listeners(wide), t_interval(wide)
    assert found.method == "bca"
    assert found.low[0] != student.low[0]
    assert found.low[1] == student.low[1]


@pytest.mark.parametrize("n", [12, 20, 30])
@pytest.mark.parametrize("shape", ["normal", "skewed"])
def test_interval_over_few_listeners_covers_what_it_says(n, shape):
    generator = np.random.default_rng([10, n])
    # Skewed as listeners are: how far a signal stands out differs by a factor.
    x = np.exp(generator.normal(-0.02, 0.2, (n, 4000)))
    if shape == "normal":
        x = generator.normal(1.0, 0.5, (n, 4000))
    found = interval_over_listeners(x)
    covered = np.mean((found.low <= 1.0) & (found.high >= 1.0))
    assert 0.935 <= covered <= 0.965


def test_one_unit_has_an_estimate_but_no_interval():
    found = interval_over_listeners(np.array([[0.3, 0.1]]))
    np.testing.assert_allclose(found.estimate, [0.3, 0.1])
    assert np.isnan(found.low).all()
    assert np.isnan(found.high).all()


def test_equal_listeners_have_an_interval_of_no_width():
    found = interval_over_listeners(np.full((22, 2), 0.25))
    np.testing.assert_allclose([found.low, found.high], 0.25)


def test_same_seed_same_interval_and_shape_is_kept():
    x = np.random.default_rng(8).normal(0, 1, (25, 2, 3))
    once, again = interval_over_listeners(x), interval_over_listeners(x)
    np.testing.assert_array_equal(once.low, again.low)
    assert once.low.shape == (2, 3)
    other = interval_over_listeners(x, seed=1)
    assert not np.array_equal(once.low, other.low)


def test_the_order_of_listeners_does_not_matter():
    x = np.random.default_rng(9).normal(0, 1, (24, 3))
    here, there = interval_over_listeners(x), interval_over_listeners(x[::-1])
    np.testing.assert_array_equal(here.low, there.low)
    np.testing.assert_array_equal(here.high, there.high)


def test_a_number_or_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="first axis"):
        t_interval(0.5)
    with pytest.raises(ValueError, match="method must be"):
        interval_over_listeners([0.1, 0.2], method="percentile")
