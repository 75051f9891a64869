"""A made-up study of the paper's size: word streams, features that live in time, planted signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hemiscale.encoding import hrf_design, standardise

__all__ = ["PAPER_SCANS", "PAPER_VOXELS", "Problem", "planted_features", "planted_problem"]

Array = np.ndarray

#: Nine runs of unequal length, 2,701 scans in all, and the voxels of the Petit Prince mask.
PAPER_SCANS: tuple[int, ...] = (269, 285, 327, 290, 252, 330, 312, 279, 357)
PAPER_VOXELS = 25_870

_T_R = 2.0
#: Words per second in the English recording (15,376 rows in about 5,630 s).
_WORD_RATE = 2.7
#: Voxels that are made at a time.
_CHUNK = 2048


@dataclass(frozen=True)
class Problem:
    """Features and targets of a simulated study.

    Attributes
    ----------
    features : list over runs of (n_scans, n_features) float32 arrays
        Standardised per run.
    targets : list over runs of (n_scans, n_voxels) float32 arrays
        Likewise.
    """

    features: list[Array]
    targets: list[Array]

    @property
    def n_scans(self) -> int:
        """Scans in all."""
        return sum(len(y) for y in self.targets)


def planted_features(scans: tuple[int, ...], n_features: int, *, seed: int) -> list[Array]:
    """Make features as a layer gives them: a value per word, convolved with the response.

    Their variances fall off like 1 / k over 400 hidden dimensions, as those of a language model's
    layers do, and then each column is standardised.

    Parameters
    ----------
    scans : tuple of int
        Scans per run.
    n_features : int
    seed : int

    Returns
    -------
    list over runs of (n_scans, n_features) float32 arrays
    """
    rng = np.random.default_rng([seed, n_features])
    rank = 400
    mixing = rng.standard_normal((rank, n_features)) / np.sqrt(np.arange(1, rank + 1))[:, None]
    features = []
    for n_scans in scans:
        length = n_scans * _T_R
        onsets = np.sort(rng.uniform(0, length, round(length * _WORD_RATE)))
        design = hrf_design(onsets, np.full(onsets.size, 0.25), n_scans, _T_R)
        hidden = design @ rng.standard_normal((onsets.size, rank))
        own = design @ rng.standard_normal((onsets.size, n_features))
        features.append(standardise(hidden @ mixing + 0.3 * own).astype(np.float32))
    return features


def planted_problem(
    n_features: int,
    *,
    scans: tuple[int, ...] = PAPER_SCANS,
    n_voxels: int = PAPER_VOXELS,
    strength: float = 0.32,
    seed: int = 0,
) -> Problem:
    """Make a study whose voxels follow the features, from not at all to well.

    Parameters
    ----------
    n_features : int
    scans : tuple of int
        Scans per run.
    n_voxels : int
    strength : float
        Largest share of a voxel's standard deviation that the features explain. At the paper's
        size the default gives a mean r on left-out runs of about .15.
    seed : int

    Returns
    -------
    Problem
    """
    features = planted_features(scans, n_features, seed=seed)
    rng = np.random.default_rng([seed, n_features, n_voxels])
    targets = [np.empty((n, n_voxels), np.float32) for n in scans]
    for start in range(0, n_voxels, _CHUNK):
        columns = slice(start, min(start + _CHUNK, n_voxels))
        width = columns.stop - start
        weights = rng.standard_normal((n_features, width)).astype(np.float32)
        share = strength * np.sqrt(rng.random(width)).astype(np.float32)
        noise_share = np.sqrt(1 - share**2)
        for x, y in zip(features, targets, strict=True):
            signal = x @ weights
            noise = rng.standard_normal(signal.shape, dtype=np.float32)
            signal *= share / signal.std(axis=0)
            y[:, columns] = standardise(signal + noise_share * noise)
    return Problem(features, targets)
