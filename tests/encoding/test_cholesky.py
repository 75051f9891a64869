"""The inverse of a Cholesky factor, against LAPACK's two steps and in double precision."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import cholesky, solve_triangular

from hemiscale.encoding.cholesky import inverse_factor


def positive_definite(n, seed, smallest=1.0):
    x = np.random.default_rng(seed).standard_normal((n, n + 5))
    return x @ x.T / n + smallest * np.eye(n)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 300), st.integers(0, 10**6))
def test_it_is_the_inverse_of_the_lower_factor(n, seed):
    matrix = positive_definite(n, seed)
    factor = cholesky(matrix, lower=True)
    expected = solve_triangular(factor, np.eye(n), lower=True)
    found = inverse_factor(matrix.copy(order="F"))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    assert not np.triu(found, 1).any()


@pytest.mark.parametrize("n", [1, 63, 64, 65, 127, 128, 129, 200, 531])
def test_single_precision_is_kept(n):
    matrix = positive_definite(n, n)
    found = inverse_factor(matrix.astype(np.float32, order="F"))
    assert found.dtype == np.float32
    expected = np.linalg.inv(cholesky(matrix, lower=True))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_only_the_lower_triangle_is_read():
    matrix = positive_definite(150, 1)
    spoilt = np.tril(matrix) + np.triu(np.full_like(matrix, np.nan), 1)
    found = inverse_factor(np.asfortranarray(spoilt))
    np.testing.assert_array_equal(found, inverse_factor(matrix.copy(order="F")))


@pytest.mark.parametrize("place", [3, 100, 149])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_matrix_that_is_not_positive_definite_is_refused(place, dtype):
    matrix = positive_definite(150, 2)
    matrix[place, place] = -1.0
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        inverse_factor(matrix.astype(dtype, order="F"))
