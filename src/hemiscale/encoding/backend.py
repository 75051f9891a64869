"""The few dense operations that the engine is made of, on numpy; torch's twin is elsewhere.

Everything above this file works on "arrays" that know ``@``-free basics (slicing, ``.T``, ``+``,
``-``, ``*``); what is slow or differs between libraries goes through a backend. A backend also
counts floating-point operations by precision, so that time can be compared with the machine's
rates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol

import numpy as np

from hemiscale.encoding.standardise import moments, scaled
from hemiscale.encoding.triangles import inverse_of_lower

__all__ = [
    "EIGH_OPERATIONS",
    "Array",
    "Backend",
    "Dtype",
    "NumpyBackend",
    "Operations",
    "not_positive",
    "precision",
    "solve_operations",
]

#: A numpy array or a torch tensor, whichever the backend makes.
Array = Any
Dtype = Literal["float32", "float64"]
#: Floating-point operations by precision.
Operations = Counter[Dtype]

#: Operations, in n³, of a decomposition by divide and conquer: to tridiagonal form (4/3), its
#: vectors (at most 4/3), and their way back (2).
EIGH_OPERATIONS = 14 / 3
#: Rows of a matrix are filled up to a multiple of this, where there are enough for it to pay.
_FULL_ROWS, _ENOUGH_ROWS = 8, 64
#: Columns of features that are taken to float64 at a time (memory, not speed).
_CHUNK = 2048


def precision(x: Array) -> Dtype:
    """Name the precision of an array of either library."""
    return "float64" if x.dtype.itemsize == 8 else "float32"


def solve_operations(n: int, n_rows: int) -> int:
    """Count the operations of a factorisation by Cholesky and of `n_rows` solutions with it."""
    return n**3 // 3 + 2 * n * n * n_rows


class Backend(Protocol):
    """What the engine asks of an array library."""

    operations: Operations
    #: Whether a symmetric matrix is decomposed in less time than it is factored a dozen times.
    fast_eigh: bool
    #: Targets that are predicted at a time: many make matrix products fast, few stay in the cache;
    #: 0: all of a block.
    cached_rows: int

    def check(self) -> None:
        """Refuse settings of the array library that would spoil results."""

    def free_memory(self) -> float:
        """Free memory of the device, in bytes; infinite on the processor."""

    def block_size(self, n_scans: int) -> int:
        """Targets that a block of the bank holds unless the user says otherwise."""

    def array(self, x: Array, dtype: Dtype) -> Array:
        """Return `x` (on the device already, or not) on the device, contiguous, in `dtype`."""

    def indices(self, rows: np.ndarray) -> Array:
        """Return row numbers on the device."""

    def standardised(self, x: np.ndarray) -> tuple[Array, np.ndarray]:
        """Give columns mean 0 and standard deviation 1; tell which are constant or not finite."""

    def cast(self, x: Array, dtype: Dtype) -> Array:
        """Return `x` in `dtype`."""

    def numpy(self, x: Array) -> np.ndarray:
        """Return `x` as a numpy array."""

    def on_host(self, arrays: Sequence[Array]) -> list[np.ndarray]:
        """Return arrays of one dimension as numpy arrays, all of them in one transfer."""

    def take(self, x: Array, rows: Array) -> Array:
        """Return the named rows of `x`."""

    def concatenate(self, parts: Sequence[Array]) -> Array:
        """Put arrays one below the other."""

    def padded(self, x: Array) -> Array:
        """Return `x` with as many rows of zeros below it as make products with it faster."""

    def matmul(self, a: Array, b: Array) -> Array:
        """Matrix product."""

    def gram(self, blocks: Sequence[Array]) -> Array:
        """Z Zᵀ in float64, where Z is the blocks put one below the other."""

    def spd_inverse(self, matrix: Array, shift: float, dtype: Dtype) -> Array:
        """Inverse of ``matrix + shift I`` (symmetric, positive definite)."""

    def spd_inverses(self, matrices: Iterable[Array], dtype: Dtype) -> Iterable[Array]:
        """Inverses of several small matrices, in turn; a GPU makes them at once."""

    def spd_solve(self, matrix: Array, shift: float, rows: Array, dtype: Dtype) -> Array:
        """Solve ``solution (matrix + shift I) = rows``: rows times the inverse."""

    def spd_solves(
        self, matrices: Iterable[Array], shift: float, rows: Iterable[Array], dtype: Dtype
    ) -> Iterable[Array]:
        """Solve several systems of one size, in turn; a GPU solves small ones at once."""

    def eigh(self, matrix: Array) -> tuple[Array, Array]:
        """Eigenvalues and eigenvectors (columns) of a symmetric matrix."""

    def correlate(
        self, prediction: Array, target: Array, target_norm: Array, *, centred: bool
    ) -> Array:
        """Pearson r of each row of two (n_targets, n_scans) arrays; 0 of a constant prediction.

        `centred`: the predictions' means are zero already.
        """


class NumpyBackend:
    """numpy and scipy on the processor; as many threads as the BLAS is set to."""

    fast_eigh = True
    cached_rows = 1024

    def __init__(self) -> None:
        self.operations: Operations = Counter()

    def check(self) -> None:
        """Nothing can be wrong here."""

    def free_memory(self) -> float:
        """There is no device to fill."""
        return float("inf")

    def block_size(self, n_scans: int) -> int:
        """So many that products are fast."""
        return 1024

    def array(self, x: np.ndarray, dtype: Dtype) -> np.ndarray:
        """Return `x`, contiguous, in `dtype`."""
        return np.ascontiguousarray(x, dtype=dtype)

    def indices(self, rows: np.ndarray) -> np.ndarray:
        """Return `rows`."""
        return rows

    def standardised(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give columns mean 0 and standard deviation 1; tell which are constant or not finite."""
        mean, deviation, unusable = moments(x)
        return scaled(x, mean, deviation), unusable

    def cast(self, x: np.ndarray, dtype: Dtype) -> np.ndarray:
        """Return `x` in `dtype`, itself if it already is."""
        return x.astype(dtype, copy=False)

    def numpy(self, x: np.ndarray) -> np.ndarray:
        """Return `x`."""
        return x

    def on_host(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the arrays."""
        return list(arrays)

    def take(self, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the named rows of `x`."""
        return x[rows]

    def concatenate(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """Put arrays one below the other."""
        return np.concatenate(parts)

    def padded(self, x: np.ndarray) -> np.ndarray:
        """Fill the last rows that a BLAS multiplies at once: it is slow with a few of them."""
        missing = -len(x) % _FULL_ROWS if len(x) >= _ENOUGH_ROWS else 0
        return np.pad(x, ((0, missing), (0, 0))) if missing else x

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Matrix product."""
        self.operations[precision(a)] += 2 * a.shape[0] * a.shape[1] * b.shape[1]
        return a @ b

    def gram(self, blocks: Sequence[np.ndarray]) -> np.ndarray:
        """Z Zᵀ in float64, where Z is the blocks put one below the other."""
        from scipy.linalg.blas import dsyrk

        n, p = sum(len(block) for block in blocks), blocks[0].shape[1]
        self.operations["float64"] += n * n * p
        result = np.zeros((n, n), order="F")
        for start in range(0, p, _CHUNK):
            # One step after the other: to turn and to widen at once is slow.
            columns = [np.ascontiguousarray(block[:, start : start + _CHUNK]) for block in blocks]
            chunk = np.concatenate(columns, dtype=np.float64)
            del columns
            result = dsyrk(1.0, chunk.T, trans=1, beta=1.0, c=result, lower=1, overwrite_c=1)
        return _mirror_lower(result)

    def spd_inverse(self, matrix: np.ndarray, shift: float, dtype: Dtype) -> np.ndarray:
        """Inverse of ``matrix + shift I`` by Cholesky, in `dtype`."""
        from scipy.linalg import lapack

        self.operations[dtype] += len(matrix) ** 3
        factor = inverse_of_lower(_factored(matrix, shift, dtype, clean=True))
        square = lapack.slauum if factor.dtype == np.float32 else lapack.dlauum
        inverse, _ = square(factor, lower=1, overwrite_c=1)
        return _mirror_lower(inverse)

    def spd_inverses(self, matrices: Iterable[np.ndarray], dtype: Dtype) -> Iterable[np.ndarray]:
        """Inverses of several matrices, each when its turn comes."""
        return (self.spd_inverse(matrix, 0.0, dtype) for matrix in matrices)

    def spd_solve(
        self, matrix: np.ndarray, shift: float, rows: np.ndarray, dtype: Dtype
    ) -> np.ndarray:
        """Solve ``solution (matrix + shift I) = rows`` by Cholesky, in `dtype`."""
        from scipy.linalg import lapack

        self.operations[dtype] += solve_operations(len(matrix), len(rows))
        factor = _factored(matrix, shift, dtype)
        solve = lapack.spotrs if factor.dtype == np.float32 else lapack.dpotrs
        # Symmetric: rows times the inverse is the transpose of the inverse times columns.
        columns = np.array(rows, dtype=dtype, order="C").T
        solution, info = solve(factor, columns, lower=1, overwrite_b=1)
        if info != 0:
            raise not_positive(shift, dtype)
        return solution.T

    def spd_solves(
        self,
        matrices: Iterable[np.ndarray],
        shift: float,
        rows: Iterable[np.ndarray],
        dtype: Dtype,
    ) -> Iterable[np.ndarray]:
        """Solve several systems, each when its turn comes."""
        systems = zip(matrices, rows, strict=True)
        return (self.spd_solve(matrix, shift, x, dtype) for matrix, x in systems)

    def eigh(self, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues and eigenvectors (columns) of a symmetric matrix."""
        from scipy.linalg import eigh

        self.operations[precision(matrix)] += round(EIGH_OPERATIONS * len(matrix) ** 3)
        values, vectors = eigh(matrix, driver="evd", check_finite=False)
        return values, vectors

    def correlate(
        self,
        prediction: np.ndarray,
        target: np.ndarray,
        target_norm: np.ndarray,
        *,
        centred: bool,
    ) -> np.ndarray:
        """Pearson r of each row; 0 where a prediction is constant."""
        if not centred:
            prediction = prediction - prediction.mean(axis=1, keepdims=True)
        product = np.einsum("ij,ij->i", prediction, target)
        norm = np.sqrt(np.einsum("ij,ij->i", prediction, prediction)) * target_norm
        return np.divide(product, norm, out=np.zeros_like(product), where=norm > 0)


def _factored(matrix: np.ndarray, shift: float, dtype: Dtype, *, clean: bool = False) -> np.ndarray:
    """Return the lower Cholesky factor of ``matrix + shift I``, in LAPACK's order.

    The upper triangle holds remains of the matrix, unless `clean`.
    """
    from scipy.linalg import lapack

    work = matrix.astype(dtype)
    np.fill_diagonal(work, work.diagonal() + shift)
    if work.flags.c_contiguous:
        work = work.T  # the same matrix, in LAPACK's order
    factorise = lapack.spotrf if work.dtype == np.float32 else lapack.dpotrf
    factor, info = factorise(work, lower=1, clean=clean, overwrite_a=1)
    if info != 0:
        raise not_positive(shift, dtype)
    return factor


def not_positive(shift: float, dtype: Dtype) -> np.linalg.LinAlgError:
    """Say that a matrix cannot be factored, and what to do."""
    return np.linalg.LinAlgError(
        f"A matrix with penalty {shift:g} is not positive definite in {dtype}; "
        "leave out the smallest penalties or use dtype='float64'."
    )


def _mirror_lower(matrix: np.ndarray, block: int = 128) -> np.ndarray:
    """Copy the lower triangle onto the upper one, which is zero; in place, tile by tile."""
    n = len(matrix)
    for i in range(0, n, block):
        rows = slice(i, min(i + block, n))
        tile = matrix[rows, rows]
        diagonal = tile.diagonal().copy()
        tile += tile.T
        np.fill_diagonal(tile, diagonal)
        for j in range(i + block, n, block):
            columns = slice(j, min(j + block, n))
            matrix[rows, columns] = matrix[columns, rows].T
    return matrix
