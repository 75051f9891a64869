"""Intervals over runs that share training data and layer choices."""

import numpy as np
import pytest
from scipy import stats

from hemiscale.analysis import interval_over_runs, line_over_runs
from hemiscale.analysis.left_out_runs import without_each_run
from hemiscale.analysis.regression import fieller_crossing


def mean_of_others(a):
    return (a.sum(axis=0) - a) / (len(a) - 1)


def half_width(interval):
    return (interval.high - interval.low) / 2


def test_runs_that_share_nothing_get_students_interval():
    a = np.random.default_rng(0).normal(0.2, 0.05, (6, 4))
    expected = stats.t.interval(0.9, 5, a.mean(axis=0), stats.sem(a, axis=0))
    for without in (None, mean_of_others(a)):
        found = interval_over_runs(a, without, confidence=0.9)
        np.testing.assert_allclose([found.low, found.high], expected)
        np.testing.assert_array_equal(found.n, 6)
    assert found.method == "nested"
    assert interval_over_runs(a).method == "t"


@pytest.mark.parametrize("n_runs", [4, 6, 9])
def test_what_pairs_of_runs_share_is_found(n_runs):
    # Each run's score moves with what each other run taught or chose, alike for both of a pair:
    # the true variance of the mean is known.
    generator = np.random.default_rng(n_runs)
    n_studies = 40_000
    own = generator.normal(0, 1, (n_studies, n_runs))
    pair = generator.normal(0, 0.5, (n_studies, n_runs, n_runs))
    pair = (pair + pair.swapaxes(1, 2)) / np.sqrt(2)
    pair[:, np.arange(n_runs), np.arange(n_runs)] = 0
    a = own + pair.sum(axis=2)
    # Without run j the others' scores lack their pairs with j (and weigh the rest as much).
    scale = (n_runs - 1) / (n_runs - 2)
    without = np.stack(
        [
            np.delete(own + scale * (pair.sum(axis=2) - pair[:, :, j]), j, axis=1).mean(axis=1)
            for j in range(n_runs)
        ],
        axis=1,
    )
    true = 1 / n_runs + 0.5 * (n_runs - 1) / n_runs
    assert a.mean(axis=1).var() == pytest.approx(true, rel=0.03)
    found = interval_over_runs(a.T, without.T)
    student = (a.var(axis=1, ddof=1) / n_runs).mean()
    jackknife = ((n_runs - 1) ** 2 / n_runs * without.var(axis=1, ddof=1)).mean()
    nested = ((half_width(found) / stats.t.ppf(0.975, n_runs - 1)) ** 2).mean()
    assert student < 0.85 * true
    assert jackknife > 1.25 * true
    share = 1.6 / max(n_runs, 6)
    # Unbiased for pairs, but for the share of the jackknife that is added: too wide, not too short.
    assert nested == pytest.approx(true + share * (jackknife - student), rel=0.02)
    held = np.mean((found.low <= 0) & (found.high >= 0))
    assert 0.94 < held < 0.97


def test_unknown_columns_get_nadeau_and_bengios_correction():
    a = np.random.default_rng(1).normal(0.2, 0.05, (5, 2))
    without = mean_of_others(a)
    without[2, 1] = np.nan
    found = interval_over_runs(a, without)
    student = interval_over_runs(a)
    assert half_width(found)[0] == pytest.approx(half_width(student)[0])
    assert half_width(found)[1] == pytest.approx(half_width(student)[1] * np.sqrt(1 + 5 / 4))
    two = interval_over_runs(a[:2], np.full((2, 2), np.nan))
    np.testing.assert_allclose(
        half_width(two), half_width(interval_over_runs(a[:2])) * np.sqrt(1 + 2 / 1)
    )


def test_missing_runs_are_left_out_and_one_run_has_no_interval():
    a = np.random.default_rng(2).normal(size=(6, 2))
    a[4:, 1] = np.nan
    without = np.column_stack([mean_of_others(a[:, 0]), np.full(6, np.nan)])
    without[:4, 1] = mean_of_others(a[:4, 1])
    found = interval_over_runs(a, without)
    np.testing.assert_allclose(found.high[1], interval_over_runs(a[:4, 1]).high)
    np.testing.assert_array_equal(found.n, [6, 4])
    one = interval_over_runs(a[:1], without[:1])
    assert np.isnan(one.low).all()
    np.testing.assert_array_equal(one.estimate, a[0])
    with pytest.raises(ValueError, match="same shape"):
        interval_over_runs(a, without[:, :1])


def test_left_out_runs_of_independent_scores_are_those_chosen_again_by_hand():
    # Validation scores that are the mean of the other runs' test scores: training shares nothing.
    n_layers, n_runs, n_targets = 4, 5, 7
    score = np.random.default_rng(3).normal(0.1, 0.05, (n_layers, n_runs, n_targets))
    validation = (score.sum(axis=1, keepdims=True) - score) / (n_runs - 1)
    found = {
        how: without_each_run(score, validation, np.asarray, how) for how in ("validation", "test")
    }
    found["layer 2"] = without_each_run(score, validation, np.asarray, 2)
    for j in range(n_runs):
        kept = [r for r in range(n_runs) if r != j]
        for v in range(n_targets):
            chosen = []
            for r in kept:
                others = [k for k in kept if k != r]
                chosen.append(score[score[:, others, v].mean(axis=1).argmax(), r, v])
            assert found["validation"][j, v] == pytest.approx(np.mean(chosen))
            best = score[:, kept, v].mean(axis=1).max()
            assert found["test"][j, v] == pytest.approx(best)
            assert found["layer 2"][j, v] == pytest.approx(score[2, kept, v].mean())


def test_of_one_layer_the_engines_validation_scores_are_what_is_needed():
    from hemiscale.encoding import fit_runs, standardise

    generator = np.random.default_rng(4)
    features = [standardise(generator.normal(size=(60, 8))).astype(np.float32) for _ in range(4)]
    weights = generator.normal(size=(8, 5))
    targets = [
        standardise(x @ weights + 3 * generator.normal(size=(60, 5))).astype(np.float32)
        for x in features
    ]
    fit = fit_runs(features, targets, validation="all")
    found = without_each_run(fit.scores[None], fit.validation_mean[None], np.asarray, "validation")
    np.testing.assert_allclose(found, fit.validation_mean, atol=1e-6)


def test_fewer_than_three_runs_tell_nothing_of_each_other():
    score = np.ones((2, 2, 3))
    assert np.isnan(without_each_run(score, score, np.asarray, "validation")).all()


def test_slope_over_runs_is_that_of_each_runs_own_line():
    generator = np.random.default_rng(5)
    x = np.log(np.geomspace(1e8, 1e10, 6))
    runs = 0.002 * (x - np.log(5e8))[:, None] + generator.normal(0, 0.0005, (6, 5))
    found = line_over_runs(x, runs, mean_of_others(runs.T).T)
    slopes = [np.polyfit(x, run, 1)[0] for run in runs.T]
    expected = stats.t.interval(0.95, 4, np.mean(slopes), stats.sem(slopes))
    assert found["slope_over_runs_low"] == pytest.approx(expected[0])
    assert found["slope_over_runs_high"] == pytest.approx(expected[1])
    lines = np.array([np.polyfit(x, run, 1)[::-1] for run in runs.T])
    fieller = fieller_crossing(*lines.mean(axis=0), np.cov(lines.T) / 5, 4)
    assert found["crossing_over_runs_low"] == pytest.approx(fieller[1])
    assert found["crossing_over_runs_high"] == pytest.approx(fieller[2])
    assert found["n_runs"] == 5


def test_a_slope_that_cannot_be_had_is_not_made_up():
    x, runs = np.log([1e8, 1e9]), np.array([[0.1, 0.2], [0.2, np.nan]])
    found = line_over_runs(x, runs, runs)
    assert found["n_runs"] == 1
    assert np.isnan(found["slope_over_runs_low"])
    equal = line_over_runs(np.ones(2), np.ones((2, 3)), np.ones((2, 3)))
    assert np.isnan(equal["crossing_over_runs_high"])
