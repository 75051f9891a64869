"""The planted law is in the recordings, and can be found again; noise is what it is said to be."""

from types import SimpleNamespace

import numpy as np
import pytest

from hemiscale.encoding import fit_runs, standardise
from hemiscale.simulation import SmoothNoise, attainable_scores, simulate_bold

LENGTHS = (120, 150, 130, 140)
SIZES = {"small": 1e6, "middle": 1e7, "large": 1e8}
LEFT, RIGHT = np.arange(60), np.arange(60, 120)


@pytest.fixture(scope="module")
def features():
    """Three models; each knows all that a smaller one knows, and more."""
    generator = np.random.default_rng(0)
    factors = [generator.normal(size=(n, 12)) for n in LENGTHS]
    return {
        name: [x[:, :known] for x in factors] for name, known in zip(SIZES, (3, 6, 12), strict=True)
    }


@pytest.fixture(scope="module")
def coordinates():
    generator = np.random.default_rng(1)
    right = generator.uniform([30, -60, -20], [65, 35, 20], (60, 3))
    return np.vstack([right * [-1, 1, 1], right, [[0.0, 0.0, 0.0]]])


def brain_of(features, coordinates, **settings):
    given = {"n_listeners": 5, "t_r": 2.0, "seed": 3, "growing": np.ones(121)} | settings
    homologues = SimpleNamespace(left=LEFT, right=RIGHT)
    return simulate_bold(features, SIZES, coordinates, homologues, **given)


def test_the_planted_law_is_found_in_the_noise_free_signal(features, coordinates):
    brain = brain_of(features, coordinates, n_latents=12)
    x = np.log(list(SIZES.values()))
    difference = (brain.wanted[:, LEFT] - brain.wanted[:, RIGHT]).mean(axis=1)
    assert np.polyfit(x, difference, 1)[0] == pytest.approx(0.03, abs=1e-6)
    np.testing.assert_allclose(brain.planted, brain.wanted, atol=0.02)
    signal = [standardise(brain.signal(run)).astype(np.float32) for run in range(4)]
    scores = np.array(
        [
            fit_runs([standardise(r).astype(np.float32) for r in features[m]], signal).mean
            for m in brain.models
        ]
    )
    np.testing.assert_allclose(scores.mean(axis=1), brain.planted.mean(axis=1), atol=0.05)
    found = (scores[:, LEFT] - scores[:, RIGHT]).mean(axis=1)
    assert np.polyfit(x, found, 1)[0] == pytest.approx(0.03, abs=0.008)


def test_nothing_planted_is_nothing(features, coordinates):
    brain = brain_of(features, coordinates, extra_left=0.0)
    np.testing.assert_array_equal(brain.planted[:, LEFT], brain.planted[:, RIGHT])
    np.testing.assert_allclose(brain.signal(0)[:, LEFT], brain.signal(0)[:, RIGHT], rtol=1e-5)


def test_recordings_do_not_depend_on_which_are_asked_for(features, coordinates):
    brain = brain_of(features, coordinates)
    runs = list(brain)
    assert [(one.run, one.listener) for one in runs[:6]] == [
        *((0, k) for k in range(5)),
        (1, 0),
    ]
    again = brain_of(features, coordinates).bold(2, 3)
    np.testing.assert_array_equal(runs[3 * 5 + 2].bold, again)
    assert again.dtype == np.float32
    assert not np.array_equal(again, brain_of(features, coordinates, seed=4).bold(2, 3))


def test_listeners_share_the_share_of_variance_that_was_asked_for(features, coordinates):
    brain = brain_of(
        features, coordinates, n_listeners=40, signal_share=np.full(121, 0.2), drift=0.0
    )
    courses = np.stack(
        [
            np.concatenate([brain.bold(k, run)[:, :120] for run in range(4)])
            for k in range(brain.n_listeners)
        ]
    )
    courses = (courses - courses.mean(axis=1, keepdims=True)) / courses.std(axis=1, keepdims=True)
    # The mean of the correlations of all pairs of listeners, from the variance of their sum.
    n = brain.n_listeners
    pairs = (courses.sum(axis=0).var(axis=0) - n) / (n * (n - 1))
    assert pairs.mean() == pytest.approx(0.2, abs=0.02)
    assert brain.expected_scores(1)[0, 0] == pytest.approx(brain.planted[0, 0] * np.sqrt(0.2))
    many = 40 * 0.2 / (1 + 39 * 0.2)
    assert brain.expected_scores()[0, 0] == pytest.approx(brain.planted[0, 0] * np.sqrt(many))


def test_noise_is_as_smooth_as_it_says():
    line = np.column_stack([np.arange(0.0, 80.0, 4.0), np.zeros((20, 2))])
    noise = SmoothNoise(line, fwhm=8.0, autocorrelation=0.4)
    x = noise.time_courses(np.random.default_rng(0), 20_000)
    assert x.std() == pytest.approx(1.0, abs=0.01)
    assert np.corrcoef(x[1:, 9], x[:-1, 9])[0, 1] == pytest.approx(0.4, abs=0.02)
    # Two kernels that are d apart overlap like a Gaussian that is sqrt(2) as wide.
    sd = 8.0 / np.sqrt(8 * np.log(2))
    assert np.corrcoef(x[:, 9], x[:, 10])[0, 1] == pytest.approx(
        np.exp(-(4.0**2) / (4 * sd**2)), abs=0.03
    )
    assert abs(np.corrcoef(x[:, 0], x[:, 19])[0, 1]) < 0.03


def test_input_that_does_not_fit_is_refused(features, coordinates):
    with pytest.raises(ValueError, match="sizes are of"):
        simulate_bold(features, {"small": 1.0}, coordinates, None, n_listeners=2, t_r=2.0, seed=0)
    with pytest.raises(ValueError, match="growing must be"):
        brain_of(features, coordinates, growing=np.ones(3))
    with pytest.raises(ValueError, match="signal_share must be from 0"):
        brain_of(features, coordinates, signal_share=np.ones(121))
    with pytest.raises(ValueError, match="same scans"):
        brain_of({**features, "small": [x[:-1] for x in features["small"]]}, coordinates)
    with pytest.raises(ValueError, match="listener 5 of 5"):
        brain_of(features, coordinates).bold(5, 0)


def test_attainable_scores_are_those_of_recordings(features, coordinates):
    from hemiscale.brain import average_subject, clean_time_courses

    brain = brain_of(features, coordinates, signal_share=np.full(121, 0.3), fwhm=0.0)
    pairs = np.arange(0, 60, 2)
    found = attainable_scores(brain, features, coordinates, pairs, n_draws=2)
    assert found.shape == (3, 60)
    recorded = []
    for run in range(4):
        listeners = [
            clean_time_courses(brain.bold(k, run), 2.0, high_pass=128, drift="butterworth")
            for k in range(5)
        ]
        recorded.append(average_subject(listeners)[10:-10].astype(np.float32))
    voxels = np.concatenate([LEFT[pairs], RIGHT[pairs]])
    for k, model in enumerate(brain.models):
        inputs = [standardise(r[10:-10]).astype(np.float32) for r in features[model]]
        scores = fit_runs(inputs, recorded).mean[voxels]
        assert found[k].mean() == pytest.approx(scores.mean(), abs=0.03)
    # Below what the planted fit would give without an end to the recordings.
    below = brain.expected_scores()[:, voxels].mean(axis=1) - found.mean(axis=1)
    assert (below > 0).all()
    assert (below < 0.2).all()
    few = [attainable_scores(brain, features, coordinates, [0, 1], n_draws=1) for _ in range(2)]
    np.testing.assert_array_equal(*few)
