"""The scores of one model, reduced to what the tables show: regions and sides, per listener."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hemiscale.analysis.averages import mean_correlation
from hemiscale.analysis.columns import Columns, PairRow, RegionRow, columns_of
from hemiscale.analysis.subject_summary import (
    AVERAGE,
    LAYER_CHOICES,
    SubjectMap,
    SubjectSummary,
    summarise_subject,
)

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "AVERAGE",
    "LAYER_CHOICES",
    "ModelMap",
    "ModelSummary",
    "join_subjects",
    "pool_seeds",
    "summarise_model",
]


@dataclass(frozen=True)
class ModelMap:
    """Scores of one model voxel by voxel, layer by validation.

    Attributes
    ----------
    score : (n_targets,) float32 array
        Mean over runs, of the average subject where there is one, else over listeners too.
    layer : (n_targets,) float32 array
        Median over runs (and listeners) of the chosen layer; NaN where there is none.
    """

    score: NDArray[np.float32]
    layer: NDArray[np.float32]


@dataclass(frozen=True)
class ModelSummary:
    """Scores of one model (or of the pooled seeds of one baseline) by region and side.

    Attributes
    ----------
    attrs : dict
        What the scores file says about the model.
    columns : tuple of str
        What the last axis of all arrays below holds: see `hemiscale.analysis.columns`. ``left`` and
        ``right`` are means over the members of homologous pairs whose both sides have a score, so
        that they compare like with like.
    regions : tuple of RegionRow
        Regions and their sides; the selections of a voxel study and theirs.
    pairs : tuple of PairRow
        Homologous regions; the selections of a voxel study.
    selections : tuple of str
        Of a voxel study; empty for a region study.
    listeners : tuple of str
        The individual subjects.
    layers : ndarray of int
        Layer numbers of the profile.
    by_listener : dict of {layer choice: (n_listeners, n_columns) array}
        Means over runs.
    by_run : dict of {layer choice: (n_runs, n_columns) array}
        The average subject, or an only listener where there is none; else no rows.
    without_run : dict of {layer choice: (n_runs, n_columns) array}
        For each run the mean of the others with all done without it, for `interval_over_runs`; NaN
        where that is not known (a single validation run, fewer than three runs).
    profile_by_listener : (n_listeners, n_layers, n_columns) array
    profile_by_run, profile_without_run : (n_runs, n_layers, n_columns) arrays
    typical_layer : int
        The median of the layers that validation chose, over listeners (or the average subject),
        runs and targets; -1 where nothing could be chosen.
    region_layers : dict of {"listeners" or "average": (n_columns,) int64 array}
        The median of the layers chosen by region, over (listeners and) runs; -1 where there is
        none.
    map : ModelMap or None
        Of a voxel study.
    members : int
        How many models (seeds) are pooled here.
    runs_of : {"average", "listeners"}
        Whose runs `by_run` and the like hold: of an only listener intervals are over runs.
    """

    attrs: dict[str, Any]
    columns: tuple[str, ...]
    regions: tuple[RegionRow, ...]
    pairs: tuple[PairRow, ...]
    selections: tuple[str, ...]
    listeners: tuple[str, ...]
    layers: NDArray[np.int64]
    by_listener: dict[str, NDArray[np.float64]]
    by_run: dict[str, NDArray[np.float64]]
    without_run: dict[str, NDArray[np.float64]]
    profile_by_listener: NDArray[np.float64]
    profile_by_run: NDArray[np.float64]
    profile_without_run: NDArray[np.float64]
    typical_layer: int
    region_layers: dict[str, NDArray[np.int64]]
    map: ModelMap | None = None
    members: int = 1
    runs_of: str = "average"

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.attrs["model"])

    def column(self, name: str) -> int:
        """Find the position of a column."""
        return self.columns.index(name)


def summarise_model(dataset: xr.Dataset, columns: Columns | None = None) -> ModelSummary:
    """Reduce a scores dataset to regions (or selections of voxels) and sides.

    Parameters
    ----------
    dataset : xarray.Dataset
        One model's scores, as in ``scores/MODEL.nc``.
    columns : Columns, optional
        What to reduce to; by default what the dataset's own coordinates say.

    Returns
    -------
    ModelSummary
    """
    columns = columns_of(dataset) if columns is None else columns
    # One subject at a time: voxelwise files are large.
    subjects = [summarise_subject(dataset, k, columns) for k in range(dataset.sizes["subject"])]
    layers = np.asarray(dataset["layer"].values, dtype=np.int64)
    return join_subjects(dict(dataset.attrs), layers, subjects, columns)


def join_subjects(
    attrs: dict[str, Any],
    layers: NDArray[np.int64],
    subjects: Sequence[SubjectSummary],
    columns: Columns,
) -> ModelSummary:
    """Put the summaries of all subjects of one model together.

    Parameters
    ----------
    attrs : dict
        What the scores file says about the model.
    layers : ndarray of int
        Layer numbers.
    subjects : sequence of SubjectSummary
    columns : Columns

    Returns
    -------
    ModelSummary
    """
    people = [one for one in subjects if one.name != AVERAGE]
    average = next((one for one in subjects if one.name == AVERAGE), None)
    n_layers, n_columns = len(layers), len(columns.names)
    # Of one listener the runs are what an interval can be over.
    alone = average is None and len(people) == 1
    runs = people[0].runs if alone else average.runs if average is not None else None
    nothing, nowhere = np.empty((0, n_columns)), np.empty((0, n_layers, n_columns))
    maps = [one.map for one in ([average] if average else people) if one.map is not None]
    return ModelSummary(
        attrs=attrs,
        columns=columns.names,
        regions=columns.regions,
        pairs=columns.pairs,
        selections=columns.selections,
        listeners=tuple(one.name for one in people),
        layers=layers,
        by_listener={
            how: np.array([one.chosen[how] for one in people]).reshape(len(people), n_columns)
            for how in LAYER_CHOICES
        },
        by_run=runs.chosen if runs else dict.fromkeys(LAYER_CHOICES, nothing),
        without_run=runs.without if runs else dict.fromkeys(LAYER_CHOICES, nothing),
        profile_by_listener=np.array([one.profile for one in people]).reshape(
            len(people), n_layers, n_columns
        ),
        profile_by_run=runs.profile if runs else nowhere,
        profile_without_run=runs.profile_without if runs else nowhere,
        typical_layer=_typical_layer(layers, [one.votes for one in people or subjects]),
        region_layers={
            who: _middle(np.concatenate([one.region_layers for one in some]))
            for who, some in (("listeners", people), ("average", [average] if average else []))
            if some
        },
        map=_map(maps) if maps else None,
        runs_of="listeners" if alone and runs is not None else "average",
    )


def _map(parts: Sequence[SubjectMap]) -> ModelMap:
    """Average the scores over subjects; the median of the layers chosen in all their runs."""
    score = mean_correlation(np.stack([one.score for one in parts]), axis=0)
    middle = _middle(np.concatenate([one.layers for one in parts]))
    return ModelMap(
        score.astype(np.float32), np.where(middle >= 0, middle, np.nan).astype(np.float32)
    )


def _middle(chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Take the (lower) median of each column of layers, (n, m); -1 where nothing was chosen."""
    layers = np.sort(chosen, axis=0)
    n_chosen = (layers >= 0).sum(axis=0)
    # -1 (nothing chosen) sorts to the front: count the median from there.
    place = len(layers) - n_chosen + np.maximum(n_chosen - 1, 0) // 2
    middle = np.take_along_axis(layers, np.minimum(place, len(layers) - 1)[None], axis=0)[0]
    return np.where(n_chosen > 0, middle, -1)


def _typical_layer(layers: NDArray[np.int64], votes: Sequence[NDArray[np.int64]]) -> int:
    """Take the median of the chosen layers, the lower of the two middle ones; -1 without votes."""
    order = np.argsort(layers)
    cast = np.zeros(len(layers), dtype=np.int64)
    for one in votes:
        cast += one[order]
    cast = np.cumsum(cast)
    if not cast.size or not cast[-1]:
        return -1
    return int(layers[order][np.searchsorted(cast, (cast[-1] + 1) // 2)])


def pool_seeds(summaries: Sequence[ModelSummary]) -> ModelSummary:
    """Average the seeds of one baseline, within each listener and run.

    Parameters
    ----------
    summaries : sequence of ModelSummary
        Models that share `group`.

    Returns
    -------
    ModelSummary
        Named after the group, over the listeners that all of them have. Seeds are averaged first
        and the interval is taken over listeners: another draw of the same random features is not
        another person. `typical_layer`, `seed` and `training_step` are kept only if all agree.

    Raises
    ------
    ValueError
        If the seeds do not have the same regions, layers and runs.
    """
    first = summaries[0]
    for other in summaries[1:]:
        if other.columns != first.columns or not np.array_equal(other.layers, first.layers):
            raise ValueError(
                f"{other.name} and {first.name} are both in the group "
                f"{first.attrs['group']!r} but have different regions or layers"
            )
    common = [
        name for name in first.listeners if all(name in other.listeners for other in summaries)
    ]
    rows = [[s.listeners.index(name) for name in common] for s in summaries]

    def listeners_mean(arrays: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        return mean_correlation(np.stack([a[r] for a, r in zip(arrays, rows, strict=True)]), axis=0)

    def runs_mean(arrays: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        if len({len(a) for a in arrays}) > 1:
            raise ValueError(
                f"the seeds of {first.attrs['group']!r} do not have the same number of runs"
            )
        return mean_correlation(np.stack(arrays), axis=0)

    attrs = {**first.attrs, "model": first.attrs["group"]}
    for name in ("seed", "training_step"):
        if len({s.attrs[name] for s in summaries}) > 1:
            attrs[name] = -1
    for name in ("bits_per_byte", "perplexity"):
        attrs[name] = float(np.mean([s.attrs[name] for s in summaries]))
    typical = {s.typical_layer for s in summaries}
    return replace(
        first,
        attrs=attrs,
        listeners=tuple(common),
        by_listener={
            h: listeners_mean([s.by_listener[h] for s in summaries]) for h in LAYER_CHOICES
        },
        by_run={h: runs_mean([s.by_run[h] for s in summaries]) for h in LAYER_CHOICES},
        without_run={h: runs_mean([s.without_run[h] for s in summaries]) for h in LAYER_CHOICES},
        profile_by_listener=listeners_mean([s.profile_by_listener for s in summaries]),
        profile_by_run=runs_mean([s.profile_by_run for s in summaries]),
        profile_without_run=runs_mean([s.profile_without_run for s in summaries]),
        typical_layer=typical.pop() if len(typical) == 1 else -1,
        region_layers={
            who: np.where(
                np.all([s.region_layers[who] == layers for s in summaries], axis=0), layers, -1
            )
            for who, layers in first.region_layers.items()
        },
        map=_pooled_map([s.map for s in summaries]),
        members=len(summaries),
    )


def _pooled_map(maps: Sequence[ModelMap | None]) -> ModelMap | None:
    """Mean map of seeds; their layers have no common meaning, but baselines have one layer."""
    there = [one for one in maps if one is not None]
    if len(there) < len(maps):
        return None
    if len(there) == 1:
        return there[0]
    score = mean_correlation(np.stack([one.score for one in there]), axis=0).astype(np.float32)
    return ModelMap(score, np.full(score.shape, np.nan, dtype=np.float32))
