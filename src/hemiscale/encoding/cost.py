"""How many operations the primal and the dual form take, beside the validation products."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["dual_operations", "primal_operations"]

#: An operation in double precision takes as long as two in single precision.
_DOUBLE = 2.0
#: Matrices of this size are factored at half the rate of products, smaller ones more slowly.
_HALF_RATE = 1800.0
#: Eigenvalues and vectors of an n x n matrix take as long as this many n³.
_EIGH = 9.0


def dual_operations(
    lengths: Sequence[int], n_features: int, n_targets: int, n_alphas: int
) -> float:
    """Estimate the dual form's work in operations of a single-precision product.

    The kernel, one inverse per penalty and two in double precision for the final models, and the
    final predictions. Validation products come on top.

    Parameters
    ----------
    lengths : sequence of int
        Scans per run.
    n_features, n_targets, n_alphas : int
    """
    n = float(sum(lengths))
    kernel = _DOUBLE * n**2 * n_features
    inverses = (1 + _HALF_RATE / n) * (n_alphas + 2 * _DOUBLE) * n**3
    return kernel + inverses + 2.0 * n * (n - n / len(lengths)) * n_targets


def primal_operations(
    lengths: Sequence[int],
    n_features: int,
    n_targets: int,
    n_alphas: int,
    n_left_out_sets: int,
    *,
    decomposed: bool = False,
) -> float:
    """Estimate the primal form's work, as `dual_operations` does the dual form's.

    Covariances, their products with the targets, the final predictions, and per left-out set a
    factorisation for each penalty or, if `decomposed`, one eigendecomposition for all of them.
    """
    n, p, longest = float(sum(lengths)), float(n_features), max(lengths)
    kernel = _DOUBLE * n * p**2
    factor = (1 + _HALF_RATE / p) * p**3 / 3 + 2 * p**2 * longest
    look = _EIGH * p**3 + 2 * p**2 * longest * n_alphas if decomposed else factor * n_alphas
    factors = look * n_left_out_sets + factor * 2 * _DOUBLE * len(lengths)
    return kernel + factors + 2.0 * n * p * n_targets * 2
