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
"""The tenth of the voxels, homologous pairs as one, with the best validation scores of each run.

Validation scores of a run come from models that saw neither it nor the scans that they are scored
on, so that the choice is blind to the scores it averages. The other runs' *test* scores are not:
their models were trained on this run, and what they share with it is score even of pure noise.
"""

PERCENTILE = "90th percentile"
"""The paper's: the 90th percentile over voxels of the mean map.

Left minus right is the difference of the two sides' percentiles, not of homologous voxels.
"""

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
    alone : (n_targets,) bool array, optional
        As for `voxel_selections`.
    """

    def __init__(
        self,
        selections: list[Selection],
        left: NDArray[np.int64],
        right: NDArray[np.int64],
        reliability: NDArray[np.float64] | None,
        alone: NDArray[np.bool_] | None = None,
    ) -> None:
        self.left, self.right = left, right
        self._alone = alone
        self._fixed = len(selections)
        self.names = (*(s.name for s in selections), BEST, PERCENTILE)
        self._targets = np.stack([s.targets for s in selections], axis=1).astype(np.float64)
        self._pairs = np.stack([s.pairs for s in selections], axis=1).astype(np.float64)
        self._inverse = None
        if reliability is not None:
            usable = np.isfinite(reliability) & (reliability >= _LOWEST_CEILING)
            self._inverse = np.where(usable, 1.0 / np.where(usable, reliability, 1.0), np.nan)

    def reduce(
        self, scores: NDArray[np.floating], validation: NDArray[np.floating] | None = None
    ) -> NDArray[np.float64]:
        """Reduce maps of runs.

        Parameters
        ----------
        scores : (..., n_runs, n_targets) array
        validation : (..., n_runs, n_targets) array, optional
            The validation scores that belong to them: of the same runs and layers.

        Returns
        -------
        (..., n_runs, n_columns) array
            Selection by selection: both, left, right, left - right; then the same over the ceiling.
            The best ten percent are NaN where there are no validation scores; the percentile's rows
            are jackknife pseudo-values, whose mean over runs is the percentile of the mean map.

        Raises
        ------
        ValueError
            If there are validation scores of other runs, layers or voxels.
        """
        values = np.asarray(scores)
        shape = values.shape
        n_runs = shape[-2]
        maps = values.reshape(-1, n_runs, shape[-1])
        deciding: list[NDArray[np.floating]] | list[None] = [None] * len(maps)
        if validation is not None:
            if np.shape(validation) != shape:
                raise ValueError(
                    f"scores {shape} and validation scores {np.shape(validation)} must have the "
                    "same shape"
                )
            deciding = list(np.asarray(validation).reshape(maps.shape))
        # One stack of runs at a time: all layers of a large model would not fit in float64.
        rows = [
            self._runs(np.asarray(one, dtype=np.float64), by)
            for one, by in zip(maps, deciding, strict=True)
        ]
        return np.stack(rows).reshape(*shape[:-1], -1) if rows else np.empty((*shape[:-1], 0))

    def _runs(
        self, scores: NDArray[np.float64], validation: NDArray[np.floating] | None
    ) -> NDArray[np.float64]:
        sides = self._sides(scores)
        parts = [
            self._means(*sides),
            self._best(scores, validation),
            _of_sides([_percentile(side) for side in sides]),
        ]
        columns = [np.concatenate(parts, axis=1)]
        if self._inverse is not None:
            shares = self._means(*self._sides(scores * self._inverse))
            # Chosen or ranked by the scores themselves: over the ceiling they have no clear sense.
            nothing = np.full((len(scores), 8), np.nan)
            columns.append(np.concatenate([shares, nothing], axis=1))
        return np.concatenate(columns, axis=1)

    def _best(
        self, scores: NDArray[np.float64], validation: NDArray[np.floating] | None
    ) -> NDArray[np.float64]:
        """Mean on each run over the voxels, and the pairs, with its best validation scores."""
        found = np.full((len(scores), 4), np.nan)
        if validation is None:
            return found
        value = np.where(np.isfinite(scores) & np.isfinite(validation), validation, -np.inf)
        if len(self.left):
            # In or out as one: the choice cannot favour a side. A missing side takes out both.
            pairs = (value[:, self.left] + value[:, self.right]) / 2
            value[:, self.left] = value[:, self.right] = pairs
            if self._alone is not None:
                value[:, self._alone] = -np.inf
        for run, row in enumerate(value):
            n_best = int(np.isfinite(row).sum() * _SHARE_BEST + 0.5)
            n_best = max(n_best, 1)
            threshold = np.partition(row, len(row) - n_best)[len(row) - n_best]
            if threshold == -np.inf:
                continue
            chosen = row >= threshold
            found[run, 0] = scores[run, chosen].mean()
            best = chosen[self.left]
            if best.any():
                found[run, 1] = scores[run, self.left[best]].mean()
                found[run, 2] = scores[run, self.right[best]].mean()
        found[:, 3] = found[:, 1] - found[:, 2]
        return found

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
