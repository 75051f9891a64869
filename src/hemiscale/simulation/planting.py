"""What is planted: how well each model should fit each voxel, and which mixture gives that.

A voxel's signal is a mixture of projections of all models' features. How much of a projection of
one model's features another model predicts is measured (with the engine, on runs left out), and the
mixture is solved for: non-negative shares of variance whose sum, weighted by what each model
predicts of each share, is the planted fit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

__all__ = ["language_weights", "predictable_shares", "projections", "solve_mixture"]

_PLACES = ((56.0, -40.0, 6.0), (56.0, -8.0, -12.0), (50.0, 24.0, 10.0))
"""Posterior and anterior temporal, inferior frontal; x is that of the right side, in mm."""


def language_weights(coordinates: NDArray[np.float64], width: float = 18.0) -> NDArray[np.float64]:
    """Bumps over temporal and inferior frontal places of both sides, 0 to 1, symmetric.

    Parameters
    ----------
    coordinates : (n_voxels, 3) array
        mm, x from left to right.
    width : float
        Standard deviation of the bumps, mm.

    Returns
    -------
    (n_voxels,) array
    """
    folded = np.column_stack([np.abs(coordinates[:, 0]), coordinates[:, 1:]])
    squares = ((folded[:, None, :] - np.array(_PLACES)) ** 2).sum(axis=2)
    return np.exp(-squares.min(axis=1) / (2 * width**2))


def projections(
    features: Sequence[NDArray[np.float64]], n_latents: int, generator: np.random.Generator
) -> list[NDArray[np.float64]]:
    """Project a model's features to a few random directions.

    Parameters
    ----------
    features : list over runs of (n_scans_r, n_features) arrays
        Standardised per run.
    n_latents : int
    generator : numpy Generator

    Returns
    -------
    list over runs of (n_scans_r, n_latents) arrays
        Standardised per run.
    """
    from hemiscale.encoding import standardise

    directions = generator.standard_normal((features[0].shape[1], n_latents))
    return [standardise(run @ directions) for run in features]


def predictable_shares(
    features: Sequence[Sequence[NDArray[np.float64]]],
    latents: Sequence[Sequence[NDArray[np.float64]]],
) -> NDArray[np.float64]:
    """Measure which share of each model's projections each model predicts on left-out runs.

    Parameters
    ----------
    features : list over models of lists over runs of (n_scans_r, n_features) arrays
    latents : list over models of lists over runs of (n_scans_r, n_latents) arrays

    Returns
    -------
    (n_models, n_models) array
        Mean squared correlation; row: the model that predicts, column: the one predicted.
    """
    from hemiscale.encoding import TargetBank, fit_runs

    n_models, n_runs = len(latents), len(latents[0])
    together = [np.concatenate([one[r] for one in latents], axis=1) for r in range(n_runs)]
    bank = TargetBank(together)
    shares = np.empty((n_models, n_models))
    for k, runs in enumerate(features):
        r = fit_runs([x.astype(np.float32) for x in runs], bank).mean
        shares[k] = (np.maximum(r, 0.0) ** 2).reshape(n_models, -1).mean(axis=1)
    return shares


def solve_mixture(
    shares: NDArray[np.float64], fits: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the mixture of projections that gives planted fits.

    Parameters
    ----------
    shares : (n_models, n_models) array
        As `predictable_shares`.
    fits : (n_models, n_voxels) array
        Wanted correlation of each model's best prediction with each voxel's signal.

    Returns
    -------
    mixture : (n_models, n_voxels) array
        Shares of the signal's variance, not negative; they sum to one at most.
    reached : (n_models, n_voxels) array
        The fits that this mixture gives: what is really planted.
    """
    wanted = np.maximum(fits, 0.0) ** 2
    # Few voxels differ: the growing regions are smooth, and the rest shares one law.
    columns, of_column = np.unique(np.round(wanted, 5), axis=1, return_inverse=True)
    solved = np.stack([optimize.nnls(shares, column)[0] for column in columns.T], axis=1)
    solved /= np.maximum(solved.sum(axis=0), 1.0)
    mixture = solved[:, of_column.reshape(-1)]
    return mixture, np.sqrt(shares @ mixture)
