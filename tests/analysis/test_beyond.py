import numpy as np
import pytest

from hemiscale.analysis import (
    interval_over_listeners,
    interval_over_runs,
    over_baseline,
    relation_to_reliability,
    unique_variance,
)


def test_what_a_model_adds_to_a_baseline():
    found = over_baseline([0.5, 0.3], [0.3, 0.4], joint=[0.6, -0.1])
    np.testing.assert_allclose(found.difference, [0.2, -0.1])
    np.testing.assert_allclose(found.unique, [0.27, -0.16])
    assert over_baseline([0.5], [0.3]).unique is None
    with pytest.raises(ValueError, match="same shape"):
        unique_variance([0.1, 0.2], [0.1])
    with pytest.raises(ValueError, match="same shape"):
        over_baseline([0.1, 0.2], [0.1])


def test_unique_variance_of_independent_predictors_is_the_model_s_own():
    generator = np.random.default_rng(0)
    a, b, noise = generator.normal(size=(3, 200_000))
    y = 0.6 * a + 0.3 * b + noise
    joint = np.corrcoef(0.6 * a + 0.3 * b, y)[0, 1]
    baseline = np.corrcoef(b, y)[0, 1]
    assert unique_variance(joint, baseline) == pytest.approx(
        np.corrcoef(a, y)[0, 1] ** 2, abs=0.005
    )


@pytest.mark.parametrize("noise", [0.1, 0.5])
def test_slope_on_reliability_holds_what_is_planted_however_noisy_parcels_are(noise):
    generator = np.random.default_rng(2)
    ceiling = generator.uniform(0.1, 0.6, 30)
    truth = 0.5 * ceiling + generator.normal(0, 0.03, 30)
    planted = np.polyfit(ceiling, truth, 1)[0]
    held = 0
    for _ in range(400):
        listeners = truth + generator.normal(0, noise, (9, 30)) + generator.normal(size=(9, 1))
        found = relation_to_reliability(listeners, ceiling)
        held += found.low <= planted <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_relation_to_reliability_over_parcels():
    generator = np.random.default_rng(1)
    ceiling = generator.uniform(0.1, 0.6, 96)
    listeners = 0.5 * ceiling + generator.normal(0, 0.05, (20, 96))
    found = relation_to_reliability(listeners, ceiling)
    assert found.r == pytest.approx(np.corrcoef(ceiling, listeners.mean(axis=0))[0, 1])
    slopes = np.array([np.polyfit(ceiling, one, 1)[0] for one in listeners])
    expected = interval_over_listeners(slopes)
    assert found.slope == pytest.approx(slopes.mean())
    np.testing.assert_allclose([found.low, found.high], [expected.low, expected.high])
    assert found.low < 0.5 < found.high
    runs = relation_to_reliability(listeners, ceiling, without=listeners[::-1])
    over_runs = interval_over_runs(slopes, slopes[::-1])
    np.testing.assert_allclose([runs.low, runs.high], [over_runs.low, over_runs.high])
    assert found.p_parcels_as_independent < 1e-20
    assert np.isnan(relation_to_reliability(listeners[0], ceiling).low)
    assert np.isnan(relation_to_reliability([0.1, 0.2], [0.3, 0.4]).r)
    with pytest.raises(ValueError, match="other parcels"):
        relation_to_reliability(listeners, ceiling[:5])


def test_noise_of_the_reliability_draws_the_slope_towards_zero_by_its_share():
    generator = np.random.default_rng(2)
    found = []
    for _ in range(200):
        ceiling = generator.uniform(0.1, 0.5, 48)
        listeners = 0.5 * ceiling + generator.normal(0, 0.02, (9, 48))
        known = ceiling + generator.normal(0, 0.1, 48)
        found.append([relation_to_reliability(listeners, x).slope for x in (ceiling, known)])
    exact, noisy = np.mean(found, axis=0)
    assert exact == pytest.approx(0.5, abs=0.005)
    variance = 0.4**2 / 12
    assert noisy == pytest.approx(0.5 * variance / (variance + 0.01), abs=0.02)
