"""The inverse of a triangle, against solutions row by row and against LAPACK's accuracy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import cholesky, lapack, solve_triangular

from hemiscale.encoding.triangles import inverse_of_lower


def factor(n, seed, smallest=1.0):
    x = np.random.default_rng(seed).standard_normal((n, n + 5))
    return cholesky(x @ x.T / n + smallest * np.eye(n), lower=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 300), st.integers(0, 10**6))
def test_it_is_the_inverse(n, seed):
    lower = factor(n, seed)
    expected = solve_triangular(lower, np.eye(n), lower=True)
    found = inverse_of_lower(lower.copy(order="F"))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    assert not np.triu(found, 1).any()


@pytest.mark.parametrize("n", [65, 66, 96, 97, 127, 128, 129, 200, 531])
@pytest.mark.parametrize("smallest", [1.0, 1e-2, 1e-4, 1e-6])
def test_single_precision_is_as_accurate_as_lapack(n, smallest):
    lower = factor(n, n, smallest).astype(np.float32, order="F")
    exact = solve_triangular(lower.astype(np.float64), np.eye(n), lower=True)
    theirs, _ = lapack.strtri(lower, lower=1)
    ours = inverse_of_lower(lower.copy(order="F"))
    assert ours.dtype == np.float32
    rounding = np.finfo(np.float32).eps * np.abs(exact).max()
    assert np.abs(ours - exact).max() <= 1.5 * np.abs(theirs - exact).max() + rounding


def test_what_is_above_the_diagonal_is_not_read():
    lower = factor(150, 1)
    spoilt = np.asfortranarray(lower + np.triu(np.full_like(lower, np.nan), 1))
    found = np.tril(inverse_of_lower(spoilt))
    np.testing.assert_array_equal(found, inverse_of_lower(lower.copy(order="F")))
