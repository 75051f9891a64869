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
    y, p = smooth(generator, 60, 3), smooth(generator, 60, 3)
    found = shift_test([p], [y], n_shifts=4000, shortest=5)
    rolled = np.array(
        [
            [np.corrcoef(p[:, k], np.roll(y[:, k], lag))[0, 1] for k in range(3)]
            for lag in range(5, 56)
        ]
    )
    assert found.n_shifts == len(rolled) == 51
    as_high = (rolled >= found.scores).sum(axis=0)
    np.testing.assert_allclose(found.p, (1 + as_high) / 52)
    highest = (rolled.max(axis=1)[:, None] >= found.scores).sum(axis=0)
    np.testing.assert_allclose(found.p_over_all, (1 + highest) / 52)
    assert found.p_mean == (1 + (rolled.mean(axis=1) >= found.scores.mean()).sum()) / 52
    assert "51 different shifts" in found.notes[0]
    assert "at least 0.019" in found.notes[0]


def test_all_shifts_of_two_short_runs_are_taken_once():
    generator = np.random.default_rng(7)
    y, p = ([smooth(generator, n, 1) for n in (26, 31)] for _ in range(2))
    found = shift_test(p, y, shortest=10)
    # Each run in its place, or shifted; not both in their place.
    rolled = [
        [np.corrcoef(a[:, 0], np.roll(b[:, 0], k))[0, 1] for k in (0, *range(10, len(b) - 9))]
        for a, b in zip(p, y, strict=True)
    ]
    both = np.add.outer(*map(np.array, rolled)).ravel()[1:] / 2
    assert found.n_shifts == both.size == 8 * 13 - 1
    assert found.p[0] == (1 + (both >= found.scores[0]).sum()) / 104
    assert len(found.notes) == 1
    drawn = shift_test(p, y, n_shifts=103)
    assert drawn.p[0] == found.p[0]
    assert not drawn.notes


def test_a_perfect_score_of_one_short_run_is_no_surer_than_its_shifts_allow():
    y = smooth(np.random.default_rng(8), 37, 1)
    found = shift_test([y], [y], shortest=10)
    assert found.p[0] == found.p_over_all[0] == found.p_mean == 1 / 19
    assert "18 different shifts" in found.notes[0]
    assert "no score can be told from chance" in found.notes[0]


@pytest.mark.parametrize("n_runs", [1, 2])
def test_p_of_short_runs_of_noise_is_not_too_small(n_runs):
    generator = np.random.default_rng(9)
    found = []
    for _ in range(100):
        p, y = generator.normal(size=(2, n_runs, 60, 100))
        found.append(shift_test(list(p), list(y), n_shifts=499).p)
    p = np.concatenate(found)
    for level in (0.002, 0.01, 0.05, 0.2):
        assert (p <= level).mean() <= level + 4 * np.sqrt(level / len(p)), level
    assert (p <= 0.2).mean() > 0.18


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
    with pytest.raises(ValueError, match="n_shifts must be 1 or more, got 0"):
        shift_test([np.ones((50, 1))], [np.ones((50, 1))], n_shifts=0)


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
