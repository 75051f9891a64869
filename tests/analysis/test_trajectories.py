import numpy as np
import pytest
from scipy import stats

from hemiscale.analysis import rise_of, rises_before

STEPS = np.array([1, 10, 100, 1000, 10_000, 100_000])


def sigmoid(middle, noise, seed, n_units=20):
    generator = np.random.default_rng(seed)
    place = np.log10(STEPS)[:, None]
    own = generator.normal(middle, noise, n_units)
    return 0.1 + 0.2 / (1 + np.exp(-(place - own) * 4))


def test_half_of_a_straight_rise_is_half_way_on_the_log():
    found = rise_of([1, 10_000], [0.0, 1.0])
    assert found.step == pytest.approx(100.0)
    assert rise_of([1, 10_000], [0.0, 1.0], share=0.25).step == pytest.approx(10.0)
    assert "One unit" in found.notes[0]
    assert np.isnan(found.low)


def test_step_zero_stands_at_one():
    assert rise_of([0, 100], [0.0, 1.0]).step == pytest.approx(10.0)


def test_planted_middle_lies_in_its_interval_and_the_order_is_found():
    early, late = rise_of(STEPS, sigmoid(2.0, 0.3, 0)), rise_of(STEPS, sigmoid(3.0, 0.3, 1))
    assert early.low <= 100 * 1.1
    assert early.high >= 100 / 1.1
    assert early.high < late.low
    assert rises_before(early, late) == 1.0
    assert rises_before(late, early) == 0.0
    assert rises_before(early, early) == 0.5


def test_a_curve_that_does_not_rise_says_so():
    falling = rise_of(STEPS, -sigmoid(2.0, 0.1, 0))
    assert np.isnan([falling.step, falling.low, falling.high]).all()
    assert any("does not rise" in note for note in falling.notes)
    assert np.isnan(rises_before(falling, falling))
    curves = np.random.default_rng(0).normal(0, 1, (2, 8))
    curves[1] += 0.2
    noisy = rise_of([1, 10], curves)
    assert any("% of resamples" in note for note in noisy.notes)


def test_units_without_all_scores_are_left_out():
    curves = sigmoid(2.0, 0.3, 2)
    expected = rise_of(STEPS, curves[:, 1:]).step
    curves[2, 0] = np.nan
    found = rise_of(STEPS, curves)
    assert found.step == pytest.approx(expected)
    assert "1 units left out" in found.notes[0]
    nothing = rise_of(STEPS, np.full((6, 2), np.nan))
    assert "No unit" in nothing.notes[-1]


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="steps must rise"):
        rise_of([10, 1], [0.1, 0.2])
    with pytest.raises(ValueError, match="must match"):
        rise_of([1, 10], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="share"):
        rise_of([1, 10], [0.1, 0.2], share=1.0)
    with pytest.raises(ValueError, match="same number of resamples"):
        rises_before(rise_of([1, 2], [0.0, 1.0]), rise_of(STEPS, sigmoid(2.0, 0.3, 0)))


def test_runs_are_drawn_with_the_variance_of_nadeau_and_bengio():
    # Of a straight curve the step is a line in the mean of the middle point.
    generator = np.random.default_rng(3)
    n = 6
    middle = 0.5 + generator.normal(0, 0.02, n)
    curves = np.stack([np.zeros(n), middle, np.ones(n)])
    steps = [1, 100, 10_000]
    drawn = rise_of(steps, curves, are_runs=True, n_resamples=40_000)
    listeners = rise_of(steps, curves, n_resamples=40_000)
    means = np.log(drawn.resampled)  # at a mean of m the middle stands log(100) (0.5 / m) from 1
    above = means < np.log(100)
    m = np.where(above, np.log(100) * 0.5 / means, np.nan)[above]
    error = np.sqrt(middle.var(ddof=1) * (1 / n + 1 / (n - 1)))
    share = (m - middle.mean()) / error
    # Student's quantile with n - 1 degrees of freedom, on the side where the line is exact.
    assert np.quantile(share, 1 - 0.025 / above.mean()) == pytest.approx(
        stats.t.ppf(0.975, n - 1), rel=0.05
    )
    assert drawn.high - drawn.low > 1.4 * (listeners.high - listeners.low)
    again = rise_of(steps, curves, are_runs=True, n_resamples=40_000)
    np.testing.assert_array_equal(drawn.resampled, again.resampled)
