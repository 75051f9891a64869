"""One layer for a whole region, the left and its mirror image together, chosen by validation.

Regions may prefer different layers. For each test run the layer of a region is the one whose
validation scores, which exclude that run, are best on average over the voxels of the region and
their mirror images. Both sides share it, so that the choice cannot make an asymmetry; and one layer
for many voxels is chosen with less chance in it than a layer for each of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hemiscale.analysis.averages import mean_correlation
from hemiscale.analysis.layer_choice import best_layers, take_layers
from hemiscale.analysis.voxel_means import weighted_means

__all__ = ["by_region_without", "means_of_groups", "shared_layers"]


def means_of_groups(scores: NDArray[np.floating], groups: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Average scores over groups of targets.

    Parameters
    ----------
    scores : (n_layers, n_runs, n_targets) array
        NaN where there is none.
    groups : (n_groups, n_targets) bool array

    Returns
    -------
    (n_layers, n_runs, n_groups) array
    """
    members = groups.T.astype(np.float64)
    # One layer at a time: all layers of a large model would not fit in float64.
    found = [weighted_means(layer.astype(np.float64), members) for layer in scores]
    return np.stack(found) if found else np.empty((*scores.shape[:2], len(groups)))


def shared_layers(
    validation: NDArray[np.float64] | None, group_of: NDArray[np.int64], n_runs: int
) -> NDArray[np.int64]:
    """Choose the layer of each run and column.

    Parameters
    ----------
    validation : (n_layers, n_runs, n_groups) array or None
        Means of validation scores over groups; None of a model with one layer.
    group_of : (n_columns,) int array
        The group that decides for a column; -1 for none.
    n_runs : int

    Returns
    -------
    (n_runs, n_columns) int array
        Positions along the layers; -1 where nothing is chosen.
    """
    there = np.broadcast_to(group_of >= 0, (n_runs, len(group_of)))
    if validation is None:
        return np.where(there, 0, -1)
    best = best_layers(validation)
    return np.where(there, best[:, np.maximum(group_of, 0)] if best.size else -1, -1)


def by_region_without(
    profile: NDArray[np.float64],
    profile_without: NDArray[np.float64],
    score: NDArray[np.float64],
    validation: NDArray[np.float64] | None,
    group_of: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Give, for each run, the mean of the others from models and layers that never saw it.

    What `without_each_run` does voxel by voxel, on means: where the same voxels have scores in all
    runs, the two are the same.

    Parameters
    ----------
    profile : (n_layers, n_runs, n_columns) array
        Test scores of every layer.
    profile_without : (n_layers, n_runs, n_columns) array
        Of every layer, for each run the mean of the others without it.
    score, validation : (n_layers, n_runs, n_groups) arrays
        Means over groups; `validation` is None of a model with one layer.
    group_of : (n_columns,) int array
        As for `shared_layers`.

    Returns
    -------
    (n_runs, n_columns) array
        NaN with fewer than three runs.
    """
    n_runs = profile.shape[1]
    found = np.full(profile.shape[1:], np.nan)
    if n_runs < 3:
        return found
    for run in range(n_runs):
        others = np.delete(np.arange(n_runs), run)
        rest = None
        if validation is not None:
            # As in `maps_without`: validation scores of the other runs, less what this run adds.
            loss = mean_correlation(validation, axis=1) - mean_correlation(score, axis=1)
            own = (score[:, run] + loss)[:, None]
            rest = ((n_runs - 1) * validation[:, others] - own) / (n_runs - 2)
        layers = shared_layers(rest, group_of, n_runs - 1)
        of_others = profile[:, others]
        level = profile_without[:, run] - mean_correlation(of_others, axis=1)
        found[run] = mean_correlation(take_layers(of_others + level[:, None], layers), axis=0)
    return found
