import numpy as np
import pytest

from hemiscale.encoding import standardise, standardise_runs


def test_columns_have_mean_zero_and_deviation_one():
    x = np.random.default_rng(0).normal(1000.0, 3.0, (200, 6)).astype(np.float32)
    z = standardise(x)
    assert z.dtype == np.float32
    np.testing.assert_allclose(z.mean(axis=0, dtype=float), 0, atol=1e-6)
    np.testing.assert_allclose(z.std(axis=0, dtype=float), 1, atol=1e-6)
    assert x.mean() > 900  # the input is left as it was


def test_constant_features_are_named():
    x = np.random.default_rng(0).standard_normal((20, 6))
    x[:, 3] = 0.1
    x[2, 5] = np.inf
    with pytest.raises(ValueError, match=r"of run 2 has columns .*: 3, 5\."):
        standardise_runs([x[:, :3], x])


def test_constant_targets_become_nan():
    x = np.random.default_rng(0).standard_normal((20, 3))
    x[:, 1] = 0.1
    x[4, 2] = np.nan
    z = standardise(x, on_constant="nan")
    assert np.isfinite(z[:, 0]).all()
    assert np.isnan(z[:, 1:]).all()
