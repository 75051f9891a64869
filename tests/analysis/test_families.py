import numpy as np
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM

from hemiscale.analysis.families import (
    bootstrap_over_families,
    family_effect,
    leave_one_family_out,
)
from hemiscale.analysis.family_mixed import mixed_fit


def planted(seed, *, family_sd=0.01, noise=0.003, sizes=(4, 4, 3, 6, 2, 5, 2, 2)):
    generator = np.random.default_rng(seed)
    labels = np.repeat([f"f{k}" for k in range(len(sizes))], sizes)
    x = generator.uniform(18, 24, len(labels))
    level = np.repeat(generator.normal(0, family_sd, len(sizes)), sizes)
    y = 0.1 + 0.01 * x + level + generator.normal(0, noise, len(labels))
    return np.column_stack([np.ones(len(x)), x]), y, labels


@pytest.mark.parametrize("seed", range(4))
def test_mixed_fit_is_statsmodels_reml(seed):
    X, y, labels = planted(seed)
    # statsmodels on standardised numbers and its default optimisers, which find the optimum here.
    x = (X[:, 1] - X[:, 1].mean()) / X[:, 1].std()
    u = (y - y.mean()) / y.std()
    groups = np.unique(labels, return_inverse=True)[1]
    theirs = MixedLM(u, np.column_stack([np.ones(len(u)), x]), groups=groups).fit(reml=True)
    unit = y.std() / X[:, 1].std()
    ours = mixed_fit(X, y, labels)
    assert ours.method == "mixed model"
    assert ours.slope == pytest.approx(theirs.fe_params[1] * unit, rel=1e-4)
    # statsmodels takes the errors from a Hessian that is a percent off the closed form.
    assert ours.slope_error == pytest.approx(theirs.bse_fe[1] * unit, rel=2e-2)
    Z = (groups[:, None] == np.arange(8)).astype(float)
    V = ours.family_sd**2 * Z @ Z.T + ours.residual_sd**2 * np.eye(28)
    closed_form = np.linalg.inv(X.T @ np.linalg.solve(V, X))
    assert ours.slope_error == pytest.approx(np.sqrt(closed_form[1, 1]), rel=1e-9)
    assert ours.family_sd == pytest.approx(np.sqrt(theirs.cov_re[0, 0]) * y.std(), rel=1e-2)
    assert ours.residual_sd == pytest.approx(np.sqrt(theirs.scale) * y.std(), rel=1e-2)
    assert ours.freedom == 28 - 8 - 1


def test_mixed_fit_handles_covariates_and_units():
    X, y, labels = planted(5)
    width = np.random.default_rng(9).uniform(500, 5000, len(y))
    alone = mixed_fit(np.column_stack([X, width]), y, labels)
    scaled = mixed_fit(np.column_stack([X, width * 1e-3]), y * 100, labels)
    assert scaled.slope == pytest.approx(alone.slope * 100, rel=1e-6)
    assert alone.freedom == 28 - 8 - 2


def test_without_family_variance_it_is_least_squares_and_says_so():
    # Residuals that sum to zero in every family: less variance between them than chance gives.
    x = np.tile([1.0, 2.0, 3.0, 4.0], 4)
    y = x + np.tile([0.1, -0.1, -0.1, 0.1], 4)
    fit = mixed_fit(np.column_stack([np.ones(16), x]), y, np.repeat(list("abcd"), 4))
    assert fit.method == "least squares"
    assert "least squares" in fit.notice
    assert fit.slope == pytest.approx(np.polyfit(x, y, 1)[0])
    assert fit.family_sd == 0.0
    assert fit.freedom == 14


def test_equal_scores_and_too_few_models_are_least_squares_with_a_notice():
    X, y, labels = planted(0)
    assert "equal" in mixed_fit(X, np.full(len(y), 0.2), labels).notice
    few = mixed_fit(X[[0, 4, 5]], y[[0, 4, 5]], labels[[0, 4, 5]])
    assert "Too few" in few.notice
    assert few.freedom == 1


def test_mixed_interval_covers_where_the_plain_one_does_not():
    # Family effects, and families that differ in size: models are far from independent.
    generator = np.random.default_rng(1)
    sizes = (4, 4, 3, 6, 2, 5, 2, 2)
    labels = np.repeat([f"f{k}" for k in range(8)], sizes)
    hits = 0
    n_tries = 500
    for _ in range(n_tries):
        x = np.repeat(generator.normal(21, 1.5, 8), sizes) + generator.normal(0, 1, 28)
        y = 0.01 * x + np.repeat(generator.normal(0, 0.01, 8), sizes)
        y = y + generator.normal(0, 0.004, 28)
        fit = mixed_fit(np.column_stack([np.ones(28), x]), y, labels)
        hits += fit.slope_low <= 0.01 <= fit.slope_high
    assert 0.92 <= hits / n_tries <= 0.975


def test_bootstrap_draws_whole_families():
    X, y, labels = planted(2, family_sd=0.02)
    found = bootstrap_over_families(X, y, labels, n_resamples=4000)
    low, high = found.slope_low, found.slope_high
    names = list(dict.fromkeys(labels))
    rows = {name: np.flatnonzero(labels == name) for name in names}
    generator = np.random.default_rng(3)
    slopes = []
    for _ in range(2000):
        drawn = np.concatenate([rows[names[k]] for k in generator.integers(0, 8, 8)])
        slopes.append(np.polyfit(X[drawn, 1], y[drawn], 1)[0])
    # The interval is wider than the plain percentile one (small-sample levels), and around it.
    plain_low, plain_high = np.percentile(slopes, [2.5, 97.5])
    width = plain_high - plain_low
    assert 1.0 < (high - low) / width < 1.8
    assert abs((low + high) / 2 - (plain_low + plain_high) / 2) < 0.35 * width
    assert found == bootstrap_over_families(X, y, labels, n_resamples=4000)


def test_leaving_a_family_out_is_fitting_the_rest():
    X, y, labels = planted(3)
    found = leave_one_family_out(X, y, labels)
    assert list(found) == [f"f{k}" for k in range(8)]
    for name, slope in found.items():
        rest = labels != name
        assert slope == pytest.approx(np.polyfit(X[rest, 1], y[rest], 1)[0])
    pair = leave_one_family_out([[1, 1], [1, 1], [1, 2]], [1, 2, 3], ["a", "a", "b"])
    assert np.isnan(pair["b"])


def test_family_effect_puts_the_three_together():
    X, y, labels = planted(4)
    effect = family_effect(X, y, labels)
    assert effect.n_families == 8
    assert effect.bootstrap.slope_low < effect.mixed.slope < effect.bootstrap.slope_high
    assert len(effect.left_out) == 8
    with pytest.raises(ValueError, match="at least 3 families"):
        family_effect(X[:8], y[:8], labels[:8])
    with pytest.raises(ValueError, match="one model"):
        family_effect(X[[0, 4, 8]], y[[0, 4, 8]], labels[[0, 4, 8]])
    with pytest.raises(ValueError, match="fit together"):
        family_effect(X, y, labels[:5])


def test_bootstrap_has_no_interval_when_most_resamples_have_no_slope():
    # Only one family of five has another size, and it is absent from (4/5)^5 = 33 % of resamples;
    # with all sizes equal no resample has a slope.
    labels = list("aabbccddee")
    x = np.array([1.0] * 8 + [2.0, 2.0])
    y = 0.1 * x + np.random.default_rng(0).normal(0, 0.1, 10)
    assert np.isfinite(
        bootstrap_over_families(np.column_stack([np.ones(10), x]), y, labels).slope_low
    )
    flat = np.ones((10, 2))
    assert np.isnan(bootstrap_over_families(flat, y, labels).slope_low)


def test_four_families_are_too_few_to_resample():
    X, y, labels = planted(0, sizes=(7, 7, 7, 7))
    assert np.isnan(bootstrap_over_families(X, y, labels).slope_low)
    assert mixed_fit(X, y, labels).method == "mixed model"


@pytest.mark.parametrize("slope_sd", [0.0, 0.004])
def test_family_bootstrap_covers_slope_and_crossing(slope_sd):
    # Families differ in level and, in the second case, in slope, where the mixed model fails.
    generator = np.random.default_rng(5)
    sizes = (4, 4, 3, 6, 2, 5, 2, 2)
    labels = np.repeat([f"f{k}" for k in range(8)], sizes)
    hits = np.zeros(3)
    n_tries = 200
    for _ in range(n_tries):
        x = np.repeat(generator.normal(0, 0.5, 8), sizes) + generator.normal(0, 1.5, 28)
        slope = 0.01 + np.repeat(generator.normal(0, slope_sd, 8), sizes)
        level = np.repeat(generator.normal(0, 0.004, 8), sizes)
        y = slope * (x + 1.0) + level + generator.normal(0, 0.004, 28)
        X = np.column_stack([np.ones(28), x])
        found = bootstrap_over_families(X, y, labels, n_resamples=400)
        mixed = mixed_fit(X, y, labels)
        hits += [
            found.slope_low <= 0.01 <= found.slope_high,
            found.crossing_low <= -1.0 <= found.crossing_high,
            mixed.slope_low <= 0.01 <= mixed.slope_high,
        ]
    slope_cover, crossing_cover, mixed_cover = hits / n_tries
    assert 0.89 <= slope_cover <= 0.985
    assert 0.89 <= crossing_cover <= 0.99
    assert (mixed_cover < 0.85) == (slope_sd > 0)


def test_a_slope_without_sign_leaves_the_crossing_unbounded():
    X, _, labels = planted(6)
    y = np.random.default_rng(7).normal(0.2, 0.01, len(labels))
    found = bootstrap_over_families(X, y, labels)
    assert found.slope_low < 0 < found.slope_high
    assert (found.crossing_low, found.crossing_high) == (-np.inf, np.inf)
