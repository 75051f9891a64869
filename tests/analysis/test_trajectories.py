import numpy as np
import pytest
from scipy import stats
from scipy.optimize import isotonic_regression

from hemiscale.analysis import rise_of, rises_before

STEPS = np.array([1, 10, 100, 1000, 10_000, 100_000])
DOUBLINGS = 2.0 ** np.arange(12)


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


def test_a_checkpoint_at_the_level_is_the_step():
    for curve in ([0.0, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0], [0.0, 0.0, 0.5, 0.5, 0.5, 1.0]):
        steps = 10.0 ** np.arange(len(curve))
        assert rise_of(steps, curve).step == pytest.approx(steps[curve.index(0.5)])


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_the_level_is_passed_where_isotonic_regression_passes_it(share):
    generator = np.random.default_rng(0)
    passed_more_than_once = 0
    for _ in range(200):
        curve = np.linspace(0, 1, 12) + generator.normal(0, 0.4, 12)
        step = rise_of(DOUBLINGS, curve, share=share).step
        if not curve[-1] > curve[0]:
            assert np.isnan(step)
            continue
        level = curve[0] + share * (curve[-1] - curve[0])
        passed_more_than_once += np.count_nonzero(np.diff(curve > level)) > 1
        k = int(np.log2(step))
        fitted = isotonic_regression(curve).x
        assert fitted[k] <= level <= fitted[k + 1]
        assert np.interp(np.log2(step), np.arange(12), curve) == pytest.approx(level)
    assert passed_more_than_once > 50


def test_noise_does_not_make_a_rise_early():
    truth = 1 / (1 + np.exp(-(np.log(DOUBLINGS) - np.log(64)) / 0.8))
    planted = rise_of(DOUBLINGS, truth).step
    generator = np.random.default_rng(1)
    curves = truth + generator.normal(0, 0.3, (600, 12))
    steps = np.array([rise_of(DOUBLINGS, curve).step for curve in curves])
    level = (curves[:, 0] + curves[:, -1]) / 2
    first_passage = DOUBLINGS[np.argmax(curves >= level[:, None], axis=1)]
    rises = np.isfinite(steps)
    doublings = np.log2(steps[rises] / planted)
    assert abs(doublings.mean()) < 3 * doublings.std() / np.sqrt(rises.sum())
    assert 0.44 < np.mean(doublings < 0) < 0.56  # three standard errors of a half
    # The checkpoint after the first passage, which is late by half of a doubling.
    assert np.log2(first_passage[rises] / planted).mean() < -0.4


def test_planted_middle_lies_in_its_interval_and_the_order_is_found():
    early, late = rise_of(STEPS, sigmoid(2.0, 0.3, 0)), rise_of(STEPS, sigmoid(3.0, 0.3, 1))
    assert early.low <= 100 * 1.1
    assert early.high >= 100 / 1.1
    assert early.high < late.low
    assert rises_before(early, late) == 1.0
    assert rises_before(late, early) == 0.0
    assert rises_before(early, early) == 0.5


def test_a_curve_alone_is_set_against_the_draws_of_the_other():
    early, late = rise_of(STEPS, sigmoid(2.0, 0.3, 0)), rise_of(STEPS, sigmoid(3.0, 0.3, 1))
    between = rise_of(STEPS, sigmoid(2.5, 0.0, 0)[:, 0])
    assert rises_before(early, between) == 1.0
    assert rises_before(late, between) == 0.0
    # How sure a curve alone is, nobody knows: two of them have no order.
    assert np.isnan(rises_before(between, rise_of(STEPS, sigmoid(4.0, 0.0, 0)[:, 0])))


def test_a_curve_that_does_not_rise_says_so():
    falling = rise_of(STEPS, -sigmoid(2.0, 0.1, 0))
    assert np.isnan([falling.step, falling.low, falling.high]).all()
    assert any("does not rise" in note for note in falling.notes)
    assert np.isnan(rises_before(falling, falling))


def test_without_a_sure_rise_there_is_no_interval_and_no_order():
    surely = rise_of(STEPS, sigmoid(2.0, 0.3, 0, n_units=8))
    curves = np.random.default_rng(0).normal(0, 1, (6, 8))
    shift = curves[-1] - curves[0]
    edge = stats.t.ppf(0.975, 7) * shift.std(ddof=1) / np.sqrt(8)
    for beyond, known in ((0.99, False), (1.01, True)):
        moved = curves.copy()
        moved[-1] += beyond * edge - shift.mean()  # the rise, and where its interval holds zero
        found = rise_of(STEPS, moved)
        assert np.isfinite(found.step)
        assert np.isfinite(found.low) == known
        assert any("not sure" in note for note in found.notes) != known
        assert np.isfinite(rises_before(found, surely)) == known


def test_two_units_are_too_few():
    for kept in (1, 2):
        curves = sigmoid(2.0, 0.1, 0, n_units=4)
        curves[0, kept:] = np.nan
        found = rise_of(STEPS, curves)
        assert np.isnan([found.low, found.high]).all()
        assert "Fewer than 3 units" in found.notes[-1]
        assert np.isnan(rises_before(found, rise_of(STEPS, sigmoid(3.0, 0.3, 1))))


def test_units_without_all_scores_are_left_out():
    curves = sigmoid(2.0, 0.3, 2)
    expected = rise_of(STEPS, curves[:, 1:]).step
    curves[2, 0] = np.nan
    found = rise_of(STEPS, curves)
    assert found.step == pytest.approx(expected)
    assert "1 units left out" in found.notes[0]
    nothing = rise_of(STEPS, np.full((6, 2), np.nan))
    assert "No unit" in nothing.notes[-1]
    assert np.isnan(rises_before(nothing, found))


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="steps must rise"):
        rise_of([10, 1], [0.1, 0.2])
    with pytest.raises(ValueError, match="must match"):
        rise_of([1, 10], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="share"):
        rise_of([1, 10], [0.1, 0.2], share=1.0)
    with pytest.raises(ValueError, match="same number of draws"):
        rises_before(
            rise_of(STEPS, sigmoid(2.0, 0.3, 0)), rise_of(STEPS, sigmoid(2.0, 0.3, 0), n_draws=5)
        )


@pytest.mark.parametrize("are_runs", [False, True])
def test_the_interval_is_students_where_the_step_is_a_line_in_one_score(are_runs):
    # Ends alike in all units: only the middle of three checkpoints moves the step.
    n = 6
    middle = 0.5 + np.random.default_rng(3).normal(0, 0.02, n)
    curves = np.stack([np.zeros(n), middle, np.ones(n)])
    found = rise_of([1, 100, 10_000], curves, are_runs=are_runs, n_draws=40_000)
    # Runs: the variance of Nadeau and Bengio.
    error = np.sqrt(middle.var(ddof=1) * (1 / n + (1 / (n - 1) if are_runs else 0)))
    half = stats.t.ppf(0.975, n - 1) * error
    for bound, score in ((found.low, middle.mean() + half), (found.high, middle.mean() - half)):
        exact = rise_of([1, 100, 10_000], [0.0, score, 1.0]).step
        off = np.log(bound) - np.log(found.step)
        assert off == pytest.approx(np.log(exact) - np.log(found.step), rel=0.03)
    again = rise_of([1, 100, 10_000], curves, are_runs=are_runs, n_draws=40_000)
    np.testing.assert_array_equal(found.drawn, again.drawn)
