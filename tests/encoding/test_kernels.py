"""A kernel stands for features that were let go."""

import numpy as np
import pytest

from hemiscale.encoding import TargetBank, fit_runs
from hemiscale.encoding.backend import NumpyBackend
from hemiscale.encoding.kernels import Kernel


@pytest.fixture
def data():
    rng = np.random.default_rng(1)
    lengths = (30, 25, 41)
    x = [rng.standard_normal((n, 220)).astype(np.float32) for n in lengths]
    y = [rng.standard_normal((n, 40)) + run[:, :40] for n, run in zip(lengths, x, strict=True)]
    return x, y


@pytest.mark.parametrize("validation", ["first", "all"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_kernel_gives_what_its_features_give(data, dtype, validation):
    x, y = data
    made = TargetBank(y, dtype=dtype, block_size=16)
    options = {"alphas": np.logspace(0, 3, 5), "standardise": False, "validation": validation}
    kernel = Kernel.of(x, NumpyBackend())
    assert (kernel.lengths, kernel.n_features) == ([30, 25, 41], 220)
    whole = np.concatenate(x).astype(np.float64)
    np.testing.assert_allclose(kernel.matrix, whole @ whole.T, rtol=1e-12, atol=1e-9)
    ours, truth = (fit_runs(f, made, **options) for f in (kernel, x))
    np.testing.assert_array_equal(ours.scores, truth.scores)
    np.testing.assert_array_equal(ours.alphas, truth.alphas)
    np.testing.assert_array_equal(ours.validation_scores, truth.validation_scores)
    assert ours.mean.mean() > 0.1


def test_what_a_kernel_cannot_do_is_refused(data):
    x, y = data
    kernel = Kernel.of(x, NumpyBackend())
    with pytest.raises(ValueError, match="A kernel needs standardise=False"):
        fit_runs(kernel, y)
    with pytest.raises(ValueError, match="form that is not primal"):
        fit_runs(kernel, y, standardise=False, form="primal")
    with pytest.raises(ValueError, match=r"runs of \[30, 25, 41\] scans, the targets have"):
        fit_runs(kernel, [y[1], y[0], y[2]], standardise=False)
