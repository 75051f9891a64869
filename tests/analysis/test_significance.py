import numpy as np
import pytest
from scipy import signal, stats

from hemiscale.analysis import false_discovery_rate, shift_test, voxels_as_independent_test


def smooth(generator, n_scans, n_targets):
    """Noise with the autocorrelation of a slow haemodynamic response."""
    white = generator.normal(size=(n_scans, n_targets))
    return signal.lfilter([1.0], [1.0, -0.8], white, axis=0)


def test_scores_are_pearson_and_chance_is_every_shift():
    generator = np.random.default_rng(0)
    y = [smooth(generator, 80, 3) for _ in range(2)]
    p = [0.7 * run + smooth(generator, 80, 3) for run in y]
    found = shift_test(p, y, n_shifts=200)
    expected = [
        np.mean([stats.pearsonr(a[:, k], b[:, k])[0] for a, b in zip(p, y, strict=True)])
        for k in range(3)
    ]
    np.testing.assert_allclose(found.scores, expected)
    assert (found.p < 0.02).all()
    assert found.p_mean == 1 / 201
    assert (found.p_over_all >= found.p).all()


def test_one_run_counts_exactly_the_shifts_that_score_as_high():
    generator = np.random.default_rng(1)
    y, p = smooth(generator, 60, 1), smooth(generator, 60, 1)
    found = shift_test([p], [y], n_shifts=4000, shortest=5)
    rolled = [np.corrcoef(p[:, 0], np.roll(y[:, 0], k))[0, 1] for k in range(5, 56)]
    share = np.mean(np.array(rolled) >= found.scores[0])
    assert found.p[0] == pytest.approx(share, abs=0.03)


def test_p_of_noise_is_uniform_where_pearsons_is_not():
    generator = np.random.default_rng(2)
    shifted, naive = [], []
    for _ in range(300):
        y = [smooth(generator, 120, 1) for _ in range(2)]
        p = [smooth(generator, 120, 1) for _ in range(2)]
        shifted.append(shift_test(p, y, n_shifts=99).p[0])
        naive.append(stats.pearsonr(p[0][:, 0], y[0][:, 0], alternative="greater").pvalue)
    assert np.mean(np.array(shifted) <= 0.05) == pytest.approx(0.05, abs=0.03)
    assert np.mean(np.array(naive) <= 0.05) > 0.12


def test_p_over_all_holds_for_many_correlated_targets():
    generator = np.random.default_rng(3)
    false_alarms = 0
    for _ in range(100):
        shared = [smooth(generator, 100, 1) for _ in range(2)]
        y = [s + 0.5 * smooth(generator, 100, 20) for s in shared]
        p = [smooth(generator, 100, 20) for _ in range(2)]
        false_alarms += shift_test(p, y, n_shifts=99).p_over_all.min() <= 0.05
    assert false_alarms <= 12


def test_constant_signals_have_no_score():
    generator = np.random.default_rng(4)
    y = smooth(generator, 60, 2)
    y[:, 1] = 3.0
    found = shift_test([smooth(generator, 60, 2)], [y], n_shifts=20)
    assert np.isfinite(found.p[0])
    assert np.isnan([found.scores[1], found.p[1], found.p_over_all[1]]).all()
    nothing = shift_test([np.ones((60, 1))], [np.ones((60, 1))], n_shifts=5)
    assert np.isnan(nothing.p_mean)


def test_runs_that_do_not_match_or_are_too_short_are_refused():
    with pytest.raises(ValueError, match="same runs"):
        shift_test([np.ones((50, 1))], [])
    with pytest.raises(ValueError, match="run 1: predictions"):
        shift_test([np.ones((50, 1))], [np.ones((50, 2))])
    with pytest.raises(ValueError, match="run 1: 20 scans are too few"):
        shift_test([np.ones((20, 1))], [np.ones((20, 1))])


@pytest.mark.parametrize("dependence", ["positive", "any"])
def test_false_discovery_rate_is_scipys_and_keeps_nan(dependence):
    p = np.random.default_rng(5).uniform(0, 1, 50) ** 2
    method = {"positive": "bh", "any": "by"}[dependence]
    with_gap = np.insert(p, 10, np.nan)
    q = false_discovery_rate(with_gap, dependence=dependence)
    assert np.isnan(q[10])
    np.testing.assert_allclose(np.delete(q, 10), stats.false_discovery_control(p, method=method))
    assert np.isnan(false_discovery_rate([np.nan])).all()
    with pytest.raises(ValueError, match="dependence"):
        false_discovery_rate(p, dependence="none")


def test_the_published_t_test_is_scipys_and_wrong_for_smooth_noise():
    generator = np.random.default_rng(6)
    left, right = generator.normal(0.2, 0.1, (2, 500))
    left[3] = np.nan
    found = voxels_as_independent_test(left, right)
    expected = stats.ttest_rel(np.delete(left, 3), np.delete(right, 3))
    assert (found.t, found.p) == pytest.approx((expected.statistic, expected.pvalue))
    assert found.n_voxels == 499
    # No true difference, but noise that neighbours share: significant most of the time.
    alarms = 0
    for _ in range(100):
        noise = signal.lfilter([1.0], [1.0, -0.98], generator.normal(size=(2, 500)), axis=1)
        alarms += voxels_as_independent_test(*noise).p < 0.05
    assert alarms > 60


def test_the_published_t_test_needs_two_voxels_of_equal_lists():
    assert np.isnan(voxels_as_independent_test([0.1], [0.2]).p)
    with pytest.raises(ValueError, match="equal length"):
        voxels_as_independent_test([0.1, 0.2], [0.1])
