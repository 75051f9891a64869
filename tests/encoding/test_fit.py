"""`fit_runs` against the plain oracle."""

import numpy as np
import pytest

from hemiscale.encoding import contiguous_blocks, fit_runs, standardise
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


@pytest.mark.parametrize("n_features", [12, 150])
def test_raw_data_are_standardised_within_each_run(problem, oracle, n_features):
    x, y = problem(7, [31, 24, 40, 28], n_features, 9)
    truth = oracle(x, y, ALPHAS, "all")
    raw_x = [3.0 * k + (k + 2) * run for k, run in enumerate(x)]
    raw_y = [900.0 - 50 * k + 7 * (k + 1) * run for k, run in enumerate(y)]
    ours = fit_runs(raw_x, raw_y, alphas=ALPHAS, validation="all")
    np.testing.assert_array_equal(ours.alphas, truth.alphas[:, 0])
    np.testing.assert_allclose(ours.scores, truth.scores, atol=1e-9)
    as_they_are = fit_runs(x, y, alphas=ALPHAS, validation="all", standardise=False)
    np.testing.assert_allclose(as_they_are.scores, truth.scores, atol=1e-9)


def test_contiguous_blocks_of_one_run_with_a_gap(problem, oracle):
    """Blocks are runs: scans in the gaps are in no model."""
    x, y = problem(8, [170], 20, 9)
    blocks = contiguous_blocks(170, 5, gap=4)
    x, y = ([standardise(run[0][block]) for block in blocks] for run in (x, y))
    truth = oracle(x, y, ALPHAS, "all")
    ours = fit_runs(x, y, alphas=ALPHAS, validation="all")
    assert [len(run) for run in x] == [31, 31, 30, 31, 31]
    np.testing.assert_array_equal(ours.alphas, truth.alphas[:, 0])
    np.testing.assert_allclose(ours.scores, truth.scores, atol=1e-9)


def test_subjects_side_by_side_have_the_scores_they_have_alone(problem):
    """As the pipeline scores several listeners at once: a group of targets each."""
    x, first = problem(9, [40, 35, 45, 38], 60, 12, strength=0.9)
    _, second = problem(10, [40, 35, 45, 38], 60, 12, strength=0.1)
    both = [np.concatenate(pair, axis=1) for pair in zip(first, second, strict=True)]
    groups = np.repeat([0, 1], 12)
    together = fit_runs(x, both, alphas=ALPHAS, validation="all", penalty_groups=groups)
    for number, alone in enumerate((first, second)):
        here = groups == number
        truth = fit_runs(x, alone, alphas=ALPHAS, validation="all")
        np.testing.assert_array_equal(together.alphas[:, here], truth.alphas[:, None].repeat(12, 1))
        np.testing.assert_allclose(together.scores[:, here], truth.scores, atol=1e-9)
        np.testing.assert_allclose(
            together.validation_scores[:, :, here], truth.validation_scores, atol=1e-7
        )
    assert not np.array_equal(together.alphas[:, 0], together.alphas[:, 12])


def test_what_scores_look_like(problem):
    x, y = problem(11, [30, 25, 28, 33], 10, 6)
    for validation, n_filled in (("first", 1), ("all", 3)):
        ours = fit_runs(x, y, alphas=ALPHAS, validation=validation)
        assert (ours.scores.shape, ours.scores.dtype) == ((4, 6), np.float64)
        assert (ours.alphas.shape, ours.mean.shape) == ((4,), (6,))
        assert ours.validation_scores.shape == (4, 4, 6)
        filled = ~np.isnan(ours.validation_scores).any(axis=2)
        np.testing.assert_array_equal(filled.sum(axis=1), n_filled)
        assert not filled.diagonal().any()
        np.testing.assert_allclose(
            ours.validation_mean, np.nanmean(ours.validation_scores, axis=1), atol=1e-6
        )
    assert np.isin(ours.alphas, ALPHAS).all()
