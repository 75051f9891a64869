import numpy as np

from hemiscale.encoding import intersubject_reliability


def listeners(n_subjects, shared, seed=0, n_targets=6):
    rng = np.random.default_rng(seed)
    signals = [rng.standard_normal((60, n_targets)) for _ in range(4)]
    return [[shared * s + rng.standard_normal(s.shape) for s in signals] for _ in range(n_subjects)]


def test_reliability_is_what_the_noise_allows():
    """Halves of 14 with signal-to-noise 1: correlation of two averages is 14 / 15."""
    reliability = intersubject_reliability(listeners(28, 1.0), n_splits=4, seed=1)
    assert reliability.shape == (4, 6)
    np.testing.assert_allclose(reliability.mean(), 14 / 15, atol=0.03)


def test_no_shared_signal_no_reliability():
    reliability = intersubject_reliability(listeners(10, 0.0), n_splits=6, seed=1)
    assert abs(reliability.mean()) < 0.08


def test_the_seed_decides():
    subjects = listeners(8, 0.5)
    first = intersubject_reliability(subjects, n_splits=2, seed=3)
    np.testing.assert_array_equal(first, intersubject_reliability(subjects, n_splits=2, seed=3))
    np.testing.assert_array_equal(first[:1], intersubject_reliability(subjects, n_splits=1, seed=3))
    assert not np.array_equal(first, intersubject_reliability(subjects, n_splits=2, seed=4))
