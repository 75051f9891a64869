"""`fit_runs` against the plain oracle."""

import numpy as np
import pytest

from hemiscale.encoding import fit_runs
from hemiscale.errors import HemiscaleWarning

ALPHAS = np.logspace(0, 5, 11)


@pytest.mark.parametrize("n_features", [7, 80, 200])
@pytest.mark.parametrize("validation", ["first", "all"])
def test_agrees_with_the_oracle(problem, oracle, n_features, validation):
    x, y = problem(3, [31, 24, 40, 28], n_features, 9)
    truth = oracle(x, y, ALPHAS, validation)
    ours = fit_runs(x, y, alphas=ALPHAS, validation=validation)
    np.testing.assert_array_equal(ours.alphas, truth.alphas[:, 0])
    np.testing.assert_allclose(ours.scores, truth.scores, atol=1e-6)
    np.testing.assert_allclose(ours.validation_scores, truth.validation_scores, atol=1e-6)
    np.testing.assert_allclose(ours.mean, truth.scores.mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("groups", [np.arange(9), np.array([5, 5, 2, 2, 2, 9, 9, 9, 5])])
def test_groups_have_penalties_of_their_own(problem, oracle, groups):
    x, y = problem(4, [31, 24, 40], 50, 9)
    truth = oracle(x, y, ALPHAS, "all", groups)
    ours = fit_runs(x, y, alphas=ALPHAS, validation="all", penalty_groups=groups)
    np.testing.assert_array_equal(ours.alphas, truth.alphas)
    np.testing.assert_allclose(ours.scores, truth.scores, atol=1e-6)
    if len(np.unique(groups)) == 9:
        each = fit_runs(x, y, alphas=ALPHAS, validation="all", alpha_per_target=True)
        np.testing.assert_array_equal(each.alphas, truth.alphas)


def test_unusable_targets_are_nan_and_harm_no_other(problem):
    x, y = problem(5, [30, 30, 30], 12, 8)
    clean = fit_runs(x, y, alphas=ALPHAS)
    broken = [np.column_stack([run, run[:, 0]]) for run in y]
    broken[1][4, 2] = np.nan
    broken[2][:, 8] = 1.0
    with pytest.warns(HemiscaleWarning, match="2 of 9 targets"):
        ours = fit_runs(x, broken, alphas=ALPHAS)
    assert np.isnan(ours.scores[:, [2, 8]]).all()
    kept = [0, 1, 3, 4, 5, 6, 7]
    if np.array_equal(ours.alphas, clean.alphas):
        np.testing.assert_allclose(ours.scores[:, kept], clean.scores[:, kept], atol=1e-9)


def test_features_that_are_constant_or_not_finite_are_named(problem):
    x, y = problem(6, [30, 30, 30], 12, 3)
    x[0][:, 4] = 0.0
    x[2][7, 11] = np.inf
    with pytest.raises(ValueError, match=r"(?s)Run 1.*: 4 .*Run 3.*: 11 "):
        fit_runs(x, y)
