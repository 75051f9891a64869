"""The inverse of a triangle, by halves: products of large matrices instead of many small steps.

    [[L₁₁, 0], [L₂₁, L₂₂]]⁻¹ = [[X₁₁, 0], [-X₂₂ L₂₁ X₁₁, X₂₂]]    with X₁₁ = L₁₁⁻¹, X₂₂ = L₂₂⁻¹

It is as accurate as LAPACK's own routine, which takes longer. (To factor a matrix by such inverses
as well would be quicker still, but loses up to half a digit where the matrix is ill-conditioned.)
"""

from __future__ import annotations

import numpy as np

__all__ = ["inverse_of_lower"]

#: LAPACK is as fast up to this size.
_SMALL = 64
#: Halves are multiples of this, for a BLAS multiplies so many rows at once.
_FULL_ROWS = 16


def inverse_of_lower(triangle: np.ndarray) -> np.ndarray:
    """Invert a lower triangle.

    Parameters
    ----------
    triangle : (n, n) array in Fortran order
        float32 or float64, nothing on its diagonal is zero; what is above it is kept. The array
        is overwritten.

    Returns
    -------
    (n, n) array in Fortran order
    """
    from scipy.linalg import blas, lapack

    n = len(triangle)
    single = triangle.dtype == np.float32
    if n <= _SMALL:
        invert = lapack.strtri if single else lapack.dtrtri
        inverse, _ = invert(triangle, lower=1, overwrite_c=1)
        return inverse
    multiply = blas.strmm if single else blas.dtrmm
    half = -(-n // 2 // _FULL_ROWS) * _FULL_ROWS
    first, second = slice(half), slice(half, n)
    left = triangle[second, first].copy(order="F")
    below = inverse_of_lower(triangle[second, second].copy(order="F"))
    left = multiply(-1.0, below, left, lower=1, overwrite_b=1)
    triangle[second, second] = below
    del below
    above = inverse_of_lower(triangle[first, first].copy(order="F"))
    triangle[second, first] = multiply(1.0, above, left, side=1, lower=1, overwrite_b=1)
    triangle[first, first] = above
    return triangle
