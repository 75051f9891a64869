"""Errors over families: against closed forms, statsmodels and planted truth."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from hemiscale.analysis import (
    FamilyRobust,
    line_over_families_and_listeners,
    read_published,
    robust_line,
    scaling_law,
)


@pytest.fixture(scope="module")
def published():
    models = read_published().models
    return np.log(models["n_parameters"].to_numpy(float)), list(models["family"])


def design_of(x):
    return np.column_stack([np.ones(len(x)), x])


def test_with_families_of_one_model_it_is_hc2():
    generator = np.random.default_rng(0)
    x = generator.normal(size=14)
    y = 0.3 * x + generator.normal(size=14) * (1 + np.abs(x))
    expected = sm.OLS(y, design_of(x)).fit(cov_type="HC2").cov_params()
    robust = FamilyRobust(design_of(x), [str(k) for k in range(14)])
    residuals = y - design_of(x) @ (robust.fitter @ y)
    np.testing.assert_allclose(robust.covariance(residuals), expected, rtol=1e-10)


def test_a_mean_of_equal_families_has_the_error_and_freedom_of_their_means():
    generator = np.random.default_rng(1)
    family = np.repeat(np.arange(6), 4)
    y = generator.normal(size=24) + generator.normal(size=6)[family]
    robust = FamilyRobust(np.ones((24, 1)), family)
    means = y.reshape(6, 4).mean(axis=1)
    error = np.sqrt(robust.covariance(y - y.mean())[0, 0])
    assert error == pytest.approx(means.std(ddof=1) / np.sqrt(6))
    assert robust.freedom([1.0])[0] == pytest.approx(5.0)


def test_the_slope_is_that_of_least_squares_whatever_the_units(published):
    x, family = published
    y = np.random.default_rng(2).normal(size=len(x)) + 0.5 * x
    here = robust_line(design_of(x), y, family)
    there = robust_line(design_of(1000 * x + 5), y, family)
    assert here.slope == pytest.approx(np.polyfit(x, y, 1)[0])
    assert there.slope_low == pytest.approx(here.slope_low / 1000, rel=1e-6)
    assert there.freedom == pytest.approx(here.freedom)
    assert there.crossing_low == pytest.approx(1000 * here.crossing_low + 5, rel=1e-3)
    assert 3 < here.freedom < 7


def test_the_crossing_holds_just_what_cannot_be_told_from_zero(published):
    x, family = published
    y = 0.01 * (x - 18.4) + np.random.default_rng(3).normal(0, 0.005, len(x))
    line = robust_line(design_of(x), y, family)
    for bound in (line.crossing_low, line.crossing_high):
        robust = FamilyRobust(design_of(x - bound), family)
        fit = robust.fitter @ y
        error = np.sqrt(robust.covariance(y - robust.design @ fit)[0, 0])
        freedom = robust.freedom([1.0, 0.0])[0]
        assert abs(fit[0]) / error == pytest.approx(stats.t.ppf(0.975, freedom), rel=0.03)


def test_no_slope_no_bounds_and_no_noise_no_answer(published):
    x, family = published
    flat = robust_line(design_of(x), np.random.default_rng(4).normal(size=len(x)), family)
    assert np.isinf([flat.crossing_low, flat.crossing_high]).any()
    exact = robust_line(design_of(x), 2.0 * x, family)
    assert exact.slope == pytest.approx(2.0)


@pytest.mark.parametrize(("level", "slope"), [(0.0, 0.0), (1.0, 0.0), (0.5, 0.5)])
def test_intervals_hold_the_planted_slope_whatever_families_share(published, level, slope):
    x, family = published
    group = np.unique(family, return_inverse=True)[1]
    centred = x - x.mean()
    generator = np.random.default_rng(5)
    held = 0
    for _ in range(600):
        levels, slopes = generator.normal(size=(2, 8)) * [[level], [slope]]
        y = levels[group] + (0.3 + slopes[group]) * centred + generator.normal(size=len(x))
        line = robust_line(design_of(x), y, family)
        held += line.slope_low <= 0.3 <= line.slope_high
    # Two and a half Monte Carlo errors around 93 to 97 %.
    assert 0.93 - 0.022 <= held / 600 <= 0.97 + 0.018


def test_the_law_carries_it_as_sizes(published):
    x, family = published
    y = 0.01 * (x - 18.4) + np.random.default_rng(3).normal(0, 0.005, len(x))
    law = scaling_law(np.exp(x), y, family=family)
    line = robust_line(design_of(x), y, family)
    assert law.families.robust.slope_low == pytest.approx(line.slope_low)
    assert law.families.robust.crossing_low == pytest.approx(np.exp(line.crossing_low), rel=1e-6)


def test_families_and_listeners_at_once_is_wider_than_either(published):
    x, family = published
    generator = np.random.default_rng(6)
    y = 0.05 * (x - x.mean())[:, None] * (1 + 0.5 * generator.normal(size=15))
    y = y + generator.normal(0, 0.1, len(x))[:, None] + generator.normal(0, 0.05, y.shape)
    line = line_over_families_and_listeners(x, y, family)
    assert line.slope == pytest.approx(np.polyfit(x, y.mean(axis=1), 1)[0])
    alone = robust_line(design_of(x), y.mean(axis=1), family)
    width = line.slope_high - line.slope_low
    assert width > 0.99 * (alone.slope_high - alone.slope_low)
    assert line.crossing_low < line.crossing < line.crossing_high
    assert line.freedom <= 14


def test_too_few_families_or_listeners_is_no_answer(published):
    x, family = published
    y = np.random.default_rng(7).normal(size=(len(x), 5))
    assert line_over_families_and_listeners(x, y[:, :1], family) is None
    assert line_over_families_and_listeners(x, y, ["one"] * len(x)) is None
    assert line_over_families_and_listeners(np.ones(len(x)), y, family) is None
    with pytest.raises(ValueError, match="disagree"):
        line_over_families_and_listeners(x[:3], y, family)
