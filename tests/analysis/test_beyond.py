import numpy as np
import pytest

from hemiscale.analysis import over_baseline, relation_to_reliability, unique_variance


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


def test_relation_to_reliability_over_parcels():
    generator = np.random.default_rng(1)
    ceiling = generator.uniform(0.1, 0.6, 96)
    listeners = 0.5 * ceiling + generator.normal(0, 0.05, (20, 96))
    found = relation_to_reliability(listeners, ceiling)
    assert found.r == pytest.approx(np.corrcoef(ceiling, listeners.mean(axis=0))[0, 1])
    assert found.low < found.r
    assert found.low > 0.9
    assert found.p_parcels_as_independent < 1e-20
    assert np.isnan(relation_to_reliability(listeners[0], ceiling).low)
    assert np.isnan(relation_to_reliability([0.1, 0.2], [0.3, 0.4]).r)
    with pytest.raises(ValueError, match="other parcels"):
        relation_to_reliability(listeners, ceiling[:5])
