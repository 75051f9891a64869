"""Means of voxel maps over selections of voxels and of homologous pairs, many maps at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BEST",
    "PERCENTILE",
    "Selection",
    "VoxelMeans",
    "symmetric",
    "voxel_selections",
    "weighted_means",
]

BEST = "best 10 %"
"""Voxels chosen, for each run, by their mean score on the other runs."""

PERCENTILE = "90th percentile"
"""The paper's: the 90th percentile over voxels of the mean map."""

_SHARE_RELIABLE, _SHARE_BEST = 0.25, 0.1
_LOWEST_CEILING = 0.1


@dataclass(frozen=True)
class Selection:
    """A choice of voxels that does not look at the scores.

    Attributes
    ----------
    name : str
    targets : (n_targets,) bool array
        The voxels that the mean over both sides is over.
    pairs : (n_pairs,) bool array
        The homologous pairs that left, right and their difference are over.
    """

    name: str
    targets: NDArray[np.bool_]
    pairs: NDArray[np.bool_]


def voxel_selections(
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    n_targets: int,
    reliability: NDArray[np.float64] | None,
    regions: dict[str, NDArray[np.bool_]],
    alone: NDArray[np.bool_] | None = None,
) -> list[Selection]:
    """Make the selections of a voxel study: all, reliable, and the named regions.

    Parameters
    ----------
    left, right : (n_pairs,) int arrays
        Homologous voxels.
    n_targets : int
    reliability : (n_targets,) array, optional
        Without it nothing is called reliable.
    regions : mapping of {name: (n_targets,) bool array}
        A region on one side is mirrored for left, right and their difference: a pair belongs to it
        when either voxel does.
    alone : (n_targets,) bool array, optional
        Those that are on one side and have no mirror image, as vertices may.

    Returns
    -------
    list of Selection
        Reliable are the top quarter of voxels; a homologous pair is in or out as one, by the mean
        of the two, and voxels without a mirror image that are not on the midline are out.
    """
    found = [Selection("all", np.ones(n_targets, bool), np.ones(len(left), bool))]
    if reliability is not None:
        value = np.where(np.isfinite(reliability), reliability, -np.inf)
        value[left] = value[right] = (value[left] + value[right]) / 2
        if alone is not None:
            value[alone] = -np.inf
        n_chosen = max(int(n_targets * _SHARE_RELIABLE + 0.5), 1)
        threshold = np.sort(value)[-n_chosen]
        chosen = (value >= threshold) & np.isfinite(value)
        found.append(Selection("reliable", chosen, chosen[left]))
    for name, members in regions.items():
        label = f"region {name}" if name in {"all", "reliable", BEST, PERCENTILE} else name
        found.append(Selection(label, members, members[left] | members[right]))
    return found


class VoxelMeans:
    """Reduce voxel maps to means over selections, for both sides, left, right and left - right.

    Parameters
    ----------
    selections : list of Selection
    left, right : (n_pairs,) int arrays
    reliability : (n_targets,) array, optional
        With it, all means also of scores over the ceiling of their voxel, of voxels (pairs) whose
        ceiling is at least .1.
    """

    def __init__(
        self,
        selections: list[Selection],
        left: NDArray[np.int64],
        right: NDArray[np.int64],
        reliability: NDArray[np.float64] | None,
    ) -> None:
        self.left, self.right = left, right
        self._fixed = len(selections)
        self.names = (*(s.name for s in selections), BEST, PERCENTILE)
        self._targets = np.stack([s.targets for s in selections], axis=1).astype(np.float64)
        self._pairs = np.stack([s.pairs for s in selections], axis=1).astype(np.float64)
        self._inverse = None
        if reliability is not None:
            usable = np.isfinite(reliability) & (reliability >= _LOWEST_CEILING)
            self._inverse = np.where(usable, 1.0 / np.where(usable, reliability, 1.0), np.nan)

    def reduce(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Reduce maps of runs.

        Parameters
        ----------
        scores : (..., n_runs, n_targets) array

        Returns
        -------
        (..., n_runs, n_columns) array
            Selection by selection: both, left, right, left - right; then the same over the ceiling.
            The best ten percent need two runs; the percentile's rows are jackknife pseudo-values,
            whose mean over runs is the percentile of the mean map.
        """
        values = np.asarray(scores)
        shape = values.shape
        n_runs = shape[-2]
        maps = values.reshape(-1, n_runs, shape[-1])
        # One stack of runs at a time: all layers of a large model would not fit in float64.
        rows = [self._runs(np.asarray(one, dtype=np.float64)) for one in maps]
        return np.stack(rows).reshape(*shape[:-1], -1) if rows else np.empty((*shape[:-1], 0))

    def _runs(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        sides = self._sides(scores)
        parts = [
            self._means(*sides),
            _of_sides([_best(side) for side in sides]),
            _of_sides([_percentile(side) for side in sides]),
        ]
        columns = [np.concatenate(parts, axis=1)]
        if self._inverse is not None:
            shares = self._means(*self._sides(scores * self._inverse))
            # Chosen or ranked by the scores themselves: over the ceiling they have no clear sense.
            nothing = np.full((len(scores), 8), np.nan)
            columns.append(np.concatenate([shares, nothing], axis=1))
        return np.concatenate(columns, axis=1)

    def _sides(
        self, scores: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """All voxels, and the two sides of pairs whose both sides have a score."""
        left, right = scores[:, self.left], scores[:, self.right]
        both = np.isfinite(left) & np.isfinite(right)
        if not both.all():
            left, right = np.where(both, left, np.nan), np.where(both, right, np.nan)
        return scores, left, right

    def _means(
        self,
        scores: NDArray[np.float64],
        left: NDArray[np.float64],
        right: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        parts = (
            weighted_means(scores, self._targets),
            weighted_means(left, self._pairs),
            weighted_means(right, self._pairs),
        )
        return np.stack([*parts, parts[1] - parts[2]], axis=2).reshape(len(scores), -1)


def symmetric(
    selection: Selection,
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    middle: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Find the voxels of a selection, each with its mirror image, and those on the midline.

    Parameters
    ----------
    selection : Selection
    left, right : (n_pairs,) int arrays
        Homologous voxels.
    middle : (n_targets,) bool array
        Those that are on neither side.

    Returns
    -------
    (n_targets,) bool array
        As many on the left as on the right. Where that is nothing (vertices without mirror images),
        the selection as it is.
    """
    chosen = selection.targets & middle
    chosen[left[selection.pairs]] = chosen[right[selection.pairs]] = True
    return chosen if chosen.any() else selection.targets


def weighted_means(
    values: NDArray[np.float64], members: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean of each row over each column of members, NaN left out: (n_rows, n_selections)."""
    known = np.isfinite(values)
    if known.all():
        total, count = values @ members, members.sum(axis=0)[None]
    else:
        total, count = np.where(known, values, 0.0) @ members, known.astype(np.float64) @ members
    return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)


def _of_sides(sides: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    both, left, right = sides
    return np.stack([both, left, right, left - right], axis=1)


def _best(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean on each run of the voxels that are best on the other runs: the choice is blind to it."""
    n_runs, n_targets = scores.shape
    found = np.full(n_runs, np.nan)
    known = np.isfinite(scores)
    filled = np.where(known, scores, 0.0)
    total, count = filled.sum(axis=0), known.sum(axis=0)
    n_best = max(int(n_targets * _SHARE_BEST + 0.5), 1)
    for run in range(n_runs if n_runs > 1 and n_targets else 0):
        others = count - known[run]
        mean = np.where(
            (others > 0) & known[run], (total - filled[run]) / np.maximum(others, 1), -np.inf
        )
        chosen = np.argpartition(-mean, min(n_best, n_targets) - 1)[:n_best]
        chosen = chosen[np.isfinite(mean[chosen])]
        if chosen.size:
            # In the order of the voxels, so that the sum does not hang on the order of the choice.
            found[run] = scores[run, np.sort(chosen)].mean()
    return found


def _percentile(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Jackknife pseudo-values of the 90th percentile over voxels of the mean over runs."""
    n_runs = len(scores)
    known = np.isfinite(scores)
    filled = np.where(known, scores, 0.0)
    total, count = filled.sum(axis=0), known.sum(axis=0)

    def of(total: NDArray[np.float64], count: NDArray[np.int64]) -> float:
        there = count > 0
        return float(np.quantile(total[there] / count[there], 0.9)) if there.any() else np.nan

    whole = of(total, count)
    if n_runs == 1:
        return np.array([whole])
    without = np.array([of(total - filled[r], count - known[r]) for r in range(n_runs)])
    return whole + (n_runs - 1) * (without.mean() - without)
