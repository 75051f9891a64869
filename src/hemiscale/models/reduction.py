"""Features of different width brought to one number of dimensions.

Wider layers have more regressors. To compare models of different width with equal numbers of
them, features are projected at random, or to principal components of the training runs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["principal_components", "project", "random_projection"]


def random_projection(n_features: int, dimensions: int, *, seed: int) -> np.ndarray:
    """Draw a Gaussian matrix that keeps inner products in expectation.

    Parameters
    ----------
    n_features, dimensions : int
    seed : int
        The matrix depends on nothing but this and the two sizes: all layers of a model get the
        same one.

    Returns
    -------
    (n_features, dimensions) float32 array
        Entries of variance 1 / dimensions.

    References
    ----------
    Johnson & Lindenstrauss (1984), Extensions of Lipschitz mappings into a Hilbert space.
    """
    generator = np.random.default_rng([seed, n_features, dimensions])
    drawn = generator.standard_normal((n_features, dimensions), dtype=np.float32)
    return drawn / np.float32(np.sqrt(dimensions))


def principal_components(training: Sequence[np.ndarray], dimensions: int) -> np.ndarray:
    """Find the directions of largest variance in some runs.

    Parameters
    ----------
    training : sequence over runs of (n_scans, n_features) arrays
        Standardised per run. The test run must not be among them.
    dimensions : int

    Returns
    -------
    (n_features, k) float64 array
        Scaled so that the scores of the training runs have a mean variance of 1 over columns
        (their relative sizes stay). k is `dimensions`, or the rank where that is lower. The
        largest weight of each component is positive.
    """
    X = np.concatenate([np.asarray(run, dtype=np.float64) for run in training])
    n_scans, n_features = X.shape
    if n_features <= n_scans:
        values, vectors = np.linalg.eigh(X.T @ X)
    else:
        values, vectors = np.linalg.eigh(X @ X.T)
    order = np.argsort(values)[::-1][:dimensions]
    # Rounding leaves directions without variance at the size of epsilon.
    order = order[values[order] > values[-1] * max(X.shape) * np.finfo(float).eps]
    values, vectors = values[order], vectors[:, order]
    if n_features > n_scans:
        vectors = X.T @ vectors / np.sqrt(values)
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0)[None], axis=0)
    return vectors * np.sign(largest) / np.sqrt(values.sum() / n_scans / len(values))


def project(runs: Sequence[np.ndarray], matrix: np.ndarray) -> list[np.ndarray]:
    """Project the features of all runs.

    Parameters
    ----------
    runs : sequence over runs of (n_scans, n_features) arrays
    matrix : (n_features, dimensions) array

    Returns
    -------
    list over runs of (n_scans, dimensions) float32 arrays
    """
    matrix = matrix.astype(np.float64)
    return [(run.astype(np.float64) @ matrix).astype(np.float32) for run in runs]
