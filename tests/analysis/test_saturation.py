import numpy as np
import pytest
from scipy import optimize

from hemiscale.analysis import least_squares
from hemiscale.analysis.saturation import compare_laws, fit_saturating

SIZES = np.geomspace(1e8, 1.4e10, 28)


def test_planted_power_law_comes_back():
    score = 0.45 - 0.1 * (SIZES / SIZES[0]) ** -0.6
    law = fit_saturating(SIZES, score)
    assert law.ceiling == pytest.approx(0.45, abs=1e-5)
    assert law.gain == pytest.approx(0.1, abs=1e-5)
    assert law.exponent == pytest.approx(0.6, rel=1e-3)
    assert law.bounded
    np.testing.assert_allclose(law(SIZES), score, atol=1e-6)


def test_fit_is_the_least_squares_optimum():
    score = 0.4 - 0.1 * (SIZES / SIZES[0]) ** -0.4
    score = score + np.random.default_rng(0).normal(0, 0.005, 28)
    ours = fit_saturating(SIZES, score)
    theirs, _ = optimize.curve_fit(
        lambda n, a, b, c: a - b * (n / SIZES[0]) ** -c, SIZES, score, p0=(0.4, 0.1, 0.4)
    )
    np.testing.assert_allclose([ours.ceiling, ours.gain, ours.exponent], theirs, rtol=1e-3)


def test_falling_scores_are_fitted_too():
    law = fit_saturating(SIZES, 0.1 + 0.2 * (SIZES / SIZES[0]) ** -0.8)
    assert law.gain == pytest.approx(-0.2, abs=1e-5)


def test_a_straight_line_has_no_ceiling_to_quote():
    law = fit_saturating(SIZES, 0.01 * np.log(SIZES))
    assert not law.bounded


def test_each_law_is_favoured_on_its_own_data():
    noise = np.random.default_rng(1).normal(0, 0.002, 28)
    bent = compare_laws(SIZES, 0.45 - 0.1 * (SIZES / SIZES[0]) ** -0.8 + noise)
    assert bent.favoured == "saturating"
    assert bent.error_saturating < bent.error_log_linear
    straight = [
        compare_laws(SIZES, 0.01 * np.log(SIZES) + np.random.default_rng(k).normal(0, 0.003, 28))
        for k in range(15)
    ]
    wrong = sum(found.favoured == "saturating" for found in straight)
    assert wrong <= 2
    assert sum(found.favoured == "log-linear" for found in straight) > 5


def test_aicc_of_the_line_is_the_textbook_formula():
    score = 0.01 * np.log(SIZES) + np.random.default_rng(2).normal(0, 0.003, 28)
    rest = np.polyfit(np.log(SIZES), score, 1, full=True)[1][0]
    expected = 28 * np.log(rest / 28) + 2 * 3 + 2 * 3 * 4 / (28 - 3 - 1)
    assert compare_laws(SIZES, score).aicc_log_linear == pytest.approx(expected)


def test_too_few_or_equal_sizes_are_refused():
    with pytest.raises(ValueError, match="at least 6"):
        compare_laws(SIZES[:5], np.arange(5.0))
    with pytest.raises(ValueError, match="differ"):
        fit_saturating([1e6, 1e6], [0.1, 0.2])


def test_families_are_left_out_as_one():
    family = np.repeat(list("abcdefg"), 4)
    score = 0.45 - 0.1 * (SIZES / SIZES[0]) ** -0.8
    score = score + np.random.default_rng(3).normal(0, 0.002, 28)
    found = compare_laws(SIZES, score, family=family)
    errors = []
    for name in "abcdefg":
        rest = family != name
        line = np.polyfit(np.log(SIZES[rest]), score[rest], 1)
        errors.append(score[~rest] - np.polyval(line, np.log(SIZES[~rest])))
    expected = np.sqrt(np.mean(np.square(errors)))
    assert found.family_error_log_linear == pytest.approx(expected)
    assert found.family_error_saturating < found.family_error_log_linear
    assert np.isnan(compare_laws(SIZES, score).family_error_saturating)


def test_leave_one_out_of_the_line_is_its_press():
    score = 0.01 * np.log(SIZES) + np.random.default_rng(4).normal(0, 0.003, 28)
    X = np.column_stack([np.ones(28), np.log(SIZES)])
    expected = least_squares(X, score).leave_one_out_error()
    assert compare_laws(SIZES, score).error_log_linear == pytest.approx(expected)


def test_a_size_that_only_one_model_has_cannot_be_left_out():
    found = compare_laws([1e6] * 5 + [1e7], np.arange(6.0))
    assert np.isnan(found.error_log_linear)
    assert found.favoured == "undecided"


def test_a_perfect_line_is_log_linear():
    assert compare_laws(SIZES, 0.5 * np.log(SIZES)).favoured == "log-linear"
    assert compare_laws(SIZES, np.zeros(28)).aicc_log_linear == -np.inf
