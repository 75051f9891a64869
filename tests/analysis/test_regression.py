import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from hemiscale.analysis.regression import correlation_interval, fieller_crossing, least_squares


@pytest.fixture
def line():
    generator = np.random.default_rng(0)
    x = generator.normal(20, 2, 28)
    width = generator.uniform(500, 5000, 28)
    y = 0.05 + 0.01 * x - 2e-6 * width + generator.normal(0, 0.004, 28)
    return np.column_stack([np.ones(28), x, width]), y


def test_fit_is_statsmodels(line):
    X, y = line
    ours, theirs = least_squares(X, y), sm.OLS(y, X).fit()
    np.testing.assert_allclose(ours.coefficients, theirs.params, rtol=1e-9)
    np.testing.assert_allclose(ours.errors, theirs.bse, rtol=1e-9)
    np.testing.assert_allclose(ours.p_values, theirs.pvalues, rtol=1e-7)
    np.testing.assert_allclose(ours.interval(0.9), theirs.conf_int(0.1), rtol=1e-8)
    assert ours.r_squared == pytest.approx(theirs.rsquared)
    assert ours.f == pytest.approx(theirs.fvalue)
    assert ours.f_p == pytest.approx(theirs.f_pvalue, rel=1e-6)


def test_prediction_interval_is_statsmodels(line):
    X, y = line
    new = np.array([[1.0, 25.0, 8000.0], [1.0, 18.0, 800.0]])
    frame = sm.OLS(y, X).fit().get_prediction(new).summary_frame(alpha=0.05)
    mean, low, high = least_squares(X, y).predict(new)
    np.testing.assert_allclose(mean, frame["mean"])
    np.testing.assert_allclose(low, frame["obs_ci_lower"])
    np.testing.assert_allclose(high, frame["obs_ci_upper"])


def test_leave_one_out_error_is_what_leaving_out_gives(line):
    X, y = line
    errors = []
    for k in range(len(y)):
        rest = np.arange(len(y)) != k
        errors.append(y[k] - X[k] @ np.linalg.lstsq(X[rest], y[rest], rcond=None)[0])
    assert least_squares(X, y).leave_one_out_error() == pytest.approx(
        np.sqrt(np.mean(np.square(errors)))
    )


def test_two_points_fit_exactly_and_say_nothing_more():
    fit = least_squares([[1, 1], [1, 3]], [0.1, 0.5])
    np.testing.assert_allclose(fit.coefficients, [-0.1, 0.2])
    assert fit.freedom == 0
    assert np.isnan(fit.interval()).all()
    assert np.isnan(fit.p_values).all()
    assert np.isnan(fit.leave_one_out_error())


@pytest.mark.parametrize(
    ("design", "response", "message"),
    [
        ([[1, 2], [1, 2], [1, 2]], [1, 2, 3], "linearly dependent"),
        ([[1, 0], [1, 0]], [1, 2], "linearly dependent"),
        ([[1, 2]], [1], "linearly dependent"),
        ([[1, np.nan], [1, 2]], [1, 2], "finite"),
        ([[1, 2], [1, 3]], [1, 2, 3], "fit together"),
    ],
)
def test_what_cannot_be_fitted_is_refused(design, response, message):
    with pytest.raises(ValueError, match=message):
        least_squares(design, response)


def test_interval_of_r_is_scipys():
    x = np.random.default_rng(1).normal(size=(2, 15))
    x[1] += x[0]
    r = stats.pearsonr(x[0], x[1])
    expected = r.confidence_interval(0.95)
    assert correlation_interval(r.statistic, 15) == pytest.approx(tuple(expected))
    assert np.isnan(correlation_interval(0.5, 3)).all()
    assert np.isnan(correlation_interval(1.0, 9)).all()


def test_fieller_holds_exactly_the_points_where_the_line_may_be_zero(line):
    X, y = line
    X = X[:, :2]
    fit = least_squares(X, y - y.mean())
    at, low, high = fieller_crossing(*fit.coefficients, fit.covariance, fit.freedom)
    assert at == pytest.approx(-fit.coefficients[0] / fit.coefficients[1])
    t = stats.t.ppf(0.975, fit.freedom)
    for edge in (low, high):
        row = np.array([1.0, edge])
        assert abs(row @ fit.coefficients) == pytest.approx(t * np.sqrt(row @ fit.covariance @ row))
    assert low < at < high


def test_fieller_covers_the_planted_crossing():
    generator = np.random.default_rng(2)
    x = np.linspace(0, 4, 28)
    X = np.column_stack([np.ones(28), x])
    hits = 0
    for _ in range(2000):
        fit = least_squares(X, 0.5 * (x - 1.0) + generator.normal(0, 0.7, 28))
        _, low, high = fieller_crossing(*fit.coefficients, fit.covariance, fit.freedom)
        hits += low <= 1.0 <= high
    assert 0.935 <= hits / 2000 <= 0.965


def test_a_slope_that_may_be_zero_leaves_the_crossing_unbounded():
    assert fieller_crossing(1.0, 0.1, np.diag([0.01, 0.04]), 10) == (-10.0, -np.inf, np.inf)
    assert np.isnan(fieller_crossing(1.0, 0.0, np.eye(2), 10)).all()
    at, low, high = fieller_crossing(1.0, 0.5, np.full((2, 2), np.nan), 0)
    assert at == -2.0
    assert np.isnan([low, high]).all()
