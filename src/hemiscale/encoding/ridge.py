"""Weights of one ridge regression, in float64: no cross-validation, no blocks."""

from __future__ import annotations

import numpy as np

__all__ = ["ridge_weights"]

Array = np.ndarray


def ridge_weights(X: Array, Y: Array, alpha: float | Array) -> Array:
    """Solve min |Y - X W|² + α |W|², in the space of features or of scans.

    Parameters
    ----------
    X : (n_scans, n_features) array
    Y : (n_scans, n_targets) array
    alpha : float or (n_targets,) array
        One penalty, or one per target.

    Returns
    -------
    (n_features, n_targets) array
        In the precision of `X`.
    """
    from scipy.linalg import cho_factor, cho_solve

    wide = X.shape[1] > len(X)
    exact = X.astype(np.float64)
    gram = exact @ exact.T if wide else exact.T @ exact
    right = Y.astype(np.float64) if wide else exact.T @ Y.astype(np.float64)
    penalties = np.broadcast_to(np.asarray(alpha, dtype=np.float64), (Y.shape[1],))
    weights = np.empty((X.shape[1], Y.shape[1]), dtype=X.dtype)
    for penalty in np.unique(penalties):
        here = penalties == penalty
        factor = cho_factor(gram + penalty * np.eye(len(gram)))
        solved = cho_solve(factor, right[:, here])
        weights[:, here] = exact.T @ solved if wide else solved
    return weights
