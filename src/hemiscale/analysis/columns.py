"""What the scores of a study are reduced to: which means over targets, under which names.

A region study has its regions and their homologous pairs. A voxel study has selections of voxels
(all, reliable, best ten percent, named regions), each with both sides, left, right and the paired
difference. Either way a map of scores becomes a row of named columns, and over the ceiling as well
where there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hemiscale.analysis.averages import mean_correlation
from hemiscale.analysis.brain_scores import over_ceiling
from hemiscale.analysis.voxel_means import (
    BEST,
    PERCENTILE,
    VoxelMeans,
    symmetric,
    voxel_selections,
)

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "Columns",
    "PairRow",
    "RegionRow",
    "columns_of",
    "homologous_pairs",
    "is_voxelwise",
    "voxels_of",
]

SIDES = ("all", "left", "right", "left_minus_right")

_ALL_PAIRS = "all pairs"
_COMPUTED = frozenset(["all", "reliable", BEST, PERCENTILE])

# With more named targets than this they are voxels: no row for each of them in the tables.
_MOST_REGIONS = 500


class RegionRow(NamedTuple):
    """A row of the tables of regions: its name, its side, and the column that holds it."""

    name: str
    hemisphere: str
    column: str


class PairRow(NamedTuple):
    """A row of the tables of asymmetry: its name, and the columns that hold it."""

    name: str
    left: str
    right: str
    difference: str


class Reduce(Protocol):
    """Turns maps of runs into columns; voxels may be chosen by the maps' validation scores."""

    def __call__(
        self, scores: NDArray[np.floating], validation: NDArray[np.floating] | None = None, /
    ) -> NDArray[np.float64]:
        """Reduce (..., n_runs, n_targets) to (..., n_runs, n_columns)."""


@dataclass(frozen=True)
class Columns:
    """Names of the reduced columns, and the function that fills them.

    Attributes
    ----------
    names : tuple of str
        ``all, left, right, left_minus_right`` first; ``NAME / ceiling`` is NAME over the ceiling.
    regions : tuple of RegionRow
    pairs : tuple of PairRow
    selections : tuple of str
        Of a voxel study; empty for a region study.
    reduce : callable
        Turns (..., n_runs, n_targets) into (..., n_runs, n_columns). The validation scores that
        belong to them come second: without them the best ten percent of a voxel study are NaN.
    groups : (n_groups, n_targets) bool array
        Targets that share a layer when it is chosen by region: those of a region on both sides.
    group_of : (n_columns,) int64 array
        Which of these decides for a column; -1 for voxels that are chosen by a model's scores.
    """

    names: tuple[str, ...]
    regions: tuple[RegionRow, ...]
    pairs: tuple[PairRow, ...]
    selections: tuple[str, ...]
    reduce: Reduce
    groups: NDArray[np.bool_]
    group_of: NDArray[np.int64]

    @property
    def computed(self) -> frozenset[str]:
        """Names of rows that are over many regions or any voxels, rather than one named region."""
        return _COMPUTED if self.selections else frozenset([_ALL_PAIRS])


def is_voxelwise(dataset: xr.Dataset) -> bool:
    """Tell whether targets are voxels: they know the position of their mirror image."""
    return "mirror" in dataset.coords


def voxels_of(dataset: xr.Dataset) -> xr.Dataset | None:
    """Take the coordinates of voxels, without the scores; None where targets are regions."""
    if not is_voxelwise(dataset):
        return None
    # A copy: a view would keep all scores of this model in memory.
    return dataset.coords.to_dataset().drop_dims(["subject", "layer", "run"]).copy(deep=True)


def columns_of(
    dataset: xr.Dataset, ceiling: xr.Dataset | None = None, voxels: xr.Dataset | None = None
) -> Columns:
    """Decide what the scores of a study are reduced to.

    Parameters
    ----------
    dataset : xarray.Dataset
        Any model's scores (its coordinates on `target`).
    ceiling : xarray.Dataset, optional
        `reliability` (split, target), the same targets.
    voxels : xarray.Dataset, optional
        Of a voxel study: `region` (region_name, target), which named regions voxels belong to.

    Returns
    -------
    Columns

    Raises
    ------
    ValueError
        If ceiling or regions are of other targets than the scores.
    """
    reliability = None
    if ceiling is not None:
        reliability = mean_correlation(
            ceiling["reliability"].transpose("split", "target").values, axis=0
        )
        _check_length("ceiling", len(reliability), dataset)
    if is_voxelwise(dataset):
        regions: dict[str, NDArray[np.bool_]] = {}
        if voxels is not None and "region" in voxels:
            membership = voxels["region"].transpose("region_name", "target").values.astype(bool)
            _check_length("regions", membership.shape[1], dataset)
            names = [str(name) for name in voxels["region_name"].values]
            regions = dict(zip(names, membership, strict=True))
        return _of_voxels(dataset, reliability, regions)
    return _of_regions(dataset, reliability)


def homologous_pairs(
    targets: Sequence[str], hemispheres: Sequence[str], homologues: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pair the left targets with their mirror targets on the right.

    Parameters
    ----------
    targets, hemispheres, homologues : sequences of str, (n_targets,)
        Names, sides (``left``, ``right``, ...) and the name of each target's mirror ("" for none).

    Returns
    -------
    left, right : (n_pairs,) int64 arrays
        Positions along `targets`; entry k of one mirrors entry k of the other.

    Raises
    ------
    ValueError
        If a named homologue does not exist, or is not on the other side.
    """
    position = {name: k for k, name in enumerate(targets)}
    left, right = [], []
    for k, (name, side, mirror) in enumerate(zip(targets, hemispheres, homologues, strict=True)):
        if not mirror or side != "left":
            continue
        if mirror not in position:
            raise ValueError(f"target {name!r} names the homologue {mirror!r}, which is no target")
        other = position[mirror]
        if hemispheres[other] != "right":
            raise ValueError(
                f"target {name!r} is on the left, so its homologue {mirror!r} should be on the "
                f"right, not {hemispheres[other]!r}"
            )
        left.append(k)
        right.append(other)
    return np.array(left, dtype=np.int64), np.array(right, dtype=np.int64)


def _check_length(what: str, n: int, dataset: xr.Dataset) -> None:
    if n != dataset.sizes["target"]:
        raise ValueError(
            f"{what}: {n} targets, but the scores have {dataset.sizes['target']}; "
            "they are not of one study"
        )


def _of_regions(dataset: xr.Dataset, reliability: NDArray[np.float64] | None) -> Columns:
    targets = [str(name) for name in dataset["target"].values]
    hemispheres = [str(side) for side in dataset["hemisphere"].values]
    homologues = [str(name) for name in dataset["homologue"].values]
    left, right = homologous_pairs(targets, hemispheres, homologues)
    named = len(targets) <= _MOST_REGIONS
    pairs = [f"{targets[i]} / {targets[j]}" for i, j in zip(left, right, strict=True)]
    names = [*SIDES, *(targets if named else []), *(pairs if named else [])]

    def reduce(
        scores: NDArray[np.floating], validation: NDArray[np.floating] | None = None, /
    ) -> NDArray[np.float64]:
        del validation  # all regions count
        values = np.asarray(scores, dtype=np.float64)
        parts = [_region_columns(values, left, right, named)]
        if reliability is not None:
            parts.append(_region_columns(over_ceiling(values, reliability), left, right, named))
        return np.concatenate(parts, axis=-1)

    pair_rows = [
        PairRow(name, targets[i], targets[j], name)
        for name, i, j in zip(pairs, left, right, strict=True)
        if named
    ]
    if len(pair_rows) != 1:
        pair_rows.append(PairRow(_ALL_PAIRS, "left", "right", "left_minus_right"))
    groups, group_of = _pairs_together(len(targets), left, right, named)
    return Columns(
        names=(*names, *(f"{name} / ceiling" for name in names if reliability is not None)),
        regions=tuple(
            RegionRow(name, side, name)
            for name, side in zip(targets, hemispheres, strict=True)
            if named
        ),
        pairs=tuple(pair_rows),
        selections=(),
        reduce=reduce,
        groups=groups,
        group_of=np.tile(group_of, 1 if reliability is None else 2),
    )


def _pairs_together(
    n_targets: int, left: NDArray[np.int64], right: NDArray[np.int64], named: bool
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Group each region with its mirror image; all of them, and all that have one, for the rest."""
    everything = np.ones(n_targets, dtype=bool)
    paired = np.isin(np.arange(n_targets), [*left, *right])
    if not named:
        return np.stack([everything, paired]), np.array([0, 1, 1, 1])
    together = np.eye(n_targets, dtype=bool)
    together[left, right] = together[right, left] = True
    own = np.arange(n_targets) + 2
    return np.vstack([everything, paired, together]), np.array([0, 1, 1, 1, *own, *own[left]])


def _region_columns(
    scores: NDArray[np.float64], left: NDArray[np.int64], right: NDArray[np.int64], named: bool
) -> NDArray[np.float64]:
    """Turn (..., n_targets) into the four sides, the regions and the paired differences."""
    on_left, on_right = scores[..., left], scores[..., right]
    difference = on_left - on_right
    both = np.isfinite(difference)
    sides = [
        mean_correlation(scores),
        mean_correlation(np.where(both, on_left, np.nan)),
        mean_correlation(np.where(both, on_right, np.nan)),
        mean_correlation(difference),
    ]
    parts = [np.stack(sides, axis=-1)]
    if named:
        parts += [scores, difference]
    return np.concatenate(parts, axis=-1)


def _of_voxels(
    dataset: xr.Dataset,
    reliability: NDArray[np.float64] | None,
    regions: dict[str, NDArray[np.bool_]],
) -> Columns:
    hemisphere = dataset["hemisphere"].values.astype(str)
    mirror = dataset["mirror"].values.astype(np.int64)
    left = np.flatnonzero((hemisphere == "left") & (mirror >= 0))
    right = mirror[left]
    if np.any(hemisphere[right] != "right") or np.any(mirror[right] != left):
        raise ValueError("the mirror of a voxel on the left is not its mirror on the right")
    middle = hemisphere == "midline"
    alone = (mirror < 0) & ~middle
    selections = voxel_selections(left, right, len(mirror), reliability, regions, alone=alone)
    means = VoxelMeans(selections, left, right, reliability, alone)
    # Those chosen by a model's scores come last, and have no group.
    deciding = [*range(len(selections)), *[-1] * (len(means.names) - len(selections))]

    def column(selection: str, side: str) -> str:
        return side if selection == "all" else f"{selection}: {side}"

    names = [column(selection, side) for selection in means.names for side in SIDES]
    return Columns(
        names=(*names, *(f"{name} / ceiling" for name in names if reliability is not None)),
        regions=tuple(
            RegionRow(selection, "both" if side == "all" else side, column(selection, side))
            for selection in means.names
            for side in SIDES[:3]
        ),
        pairs=tuple(
            PairRow(selection, *(column(selection, side) for side in SIDES[1:]))
            for selection in means.names
        ),
        selections=means.names,
        reduce=means.reduce,
        groups=np.stack([symmetric(one, left, right, middle) for one in selections]),
        group_of=np.tile(np.repeat(deciding, len(SIDES)), 1 if reliability is None else 2),
    )
