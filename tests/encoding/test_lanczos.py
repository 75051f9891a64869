import numpy as np
import pytest

from hemiscale.encoding import convolved_features, delayed, delayed_design, lanczos_design


@pytest.mark.parametrize(("t_r", "window", "cutoff", "reference"),
                         [(2.0, 3, 1.0, 0.5), (1.5, 2, 0.5, 0.0)])  # fmt: skip
def test_weights_are_the_formulas(t_r, window, cutoff, reference):
    times = np.sort(np.random.default_rng(0).uniform(0, 60, 90))
    design = lanczos_design(times, 30, t_r, window=window, cutoff=cutoff, slice_time_ref=reference)
    for scan in (0, 7, 29):
        for word in range(90):
            t = ((scan + reference) * t_r - times[word]) / t_r * cutoff
            truth = 0.0
            if abs(t) <= window:
                top = np.sin(np.pi * t) * np.sin(np.pi * t / window)
                truth = 1.0 if t == 0 else window * top / (np.pi * t) ** 2
            assert design[scan, word] == pytest.approx(truth, abs=1e-12)


def test_a_word_in_the_middle_of_a_scan_counts_there_alone():
    design = lanczos_design((np.arange(20) + 0.5) * 2.0, 20, 2.0)
    np.testing.assert_allclose(design, np.eye(20), atol=1e-12)


def test_slow_signals_survive_the_resampling():
    """Dense samples of a slow sine: the filter's sum is the sampling rate, its shape the sine."""
    times = np.arange(0, 120, 0.1)
    design = lanczos_design(times, 60, 2.0)
    resampled = design @ np.sin(2 * np.pi * times / 40) / 20
    truth = np.sin(2 * np.pi * (np.arange(60) + 0.5) * 2 / 40)
    np.testing.assert_allclose(resampled[5:-5], truth[5:-5], atol=0.01)


def test_delays_shift_within_the_run():
    x = np.arange(1.0, 9.0).reshape(4, 2)
    np.testing.assert_array_equal(
        delayed(x, [0, 1, -2, 9]),
        [
            [1, 2, 0, 0, 5, 6, 0, 0],
            [3, 4, 1, 2, 7, 8, 0, 0],
            [5, 6, 3, 4, 0, 0, 0, 0],
            [7, 8, 5, 6, 0, 0, 0, 0],
        ],
    )


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="finite"):
        lanczos_design(np.array([1.0, np.nan]), 10, 2.0)
    with pytest.raises(ValueError, match="above zero"):
        lanczos_design(np.array([1.0]), 10, 0.0)


def test_delayed_designs_give_delayed_features():
    rng = np.random.default_rng(4)
    design = lanczos_design(np.sort(rng.uniform(0, 60, 90)), 30, 2.0)
    activations = rng.standard_normal((90, 5))
    stack = delayed_design(design, [0, 2, 5])
    np.testing.assert_allclose(
        convolved_features(stack, activations, orthogonal=False),
        delayed(design @ activations, [0, 2, 5]),
        atol=1e-12,
    )
