"""The scores of one model, reduced to what the tables show: regions and sides, per listener."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hemiscale.analysis.averages import mean_correlation
from hemiscale.analysis.layer_choice import select_layers

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "AVERAGE",
    "LAYER_CHOICES",
    "ModelSummary",
    "homologous_pairs",
    "pool_seeds",
    "summarise_model",
]

AVERAGE = "average"
"""The name of the average subject on the axis `subject`."""

LAYER_CHOICES = ("validation", "test")

# With more targets than this they are voxels: no row for each of them in the tables.
_MOST_REGIONS = 500


@dataclass(frozen=True)
class ModelSummary:
    """Scores of one model (or of the pooled seeds of one baseline) by region and side.

    Attributes
    ----------
    attrs : dict
        What the scores file says about the model.
    columns : tuple of str
        What the last axis of all arrays below holds: ``all, left, right, left_minus_right``, then
        the regions, then one ``left / right`` entry per homologous pair (the left minus the right).
        ``left`` and ``right`` are means over the members of homologous pairs whose both sides have
        a score, so that they compare like with like.
    regions, hemispheres : tuple of str
        Region names and their sides; empty for voxelwise studies without regions.
    pairs : tuple of (str, str)
        Homologous regions, left then right; empty for voxelwise studies.
    listeners : tuple of str
        The individual subjects.
    layers : ndarray of int
        Layer numbers of the profile.
    by_listener : dict of {layer choice: (n_listeners, n_columns) array}
        Means over runs.
    by_run : dict of {layer choice: (n_runs, n_columns) array}
        The average subject; no rows where there is none.
    profile_by_listener : (n_listeners, n_layers, n_columns) array
    profile_by_run : (n_runs, n_layers, n_columns) array
    typical_layer : int
        The median of the layers that validation chose, over listeners (or the average subject),
        runs and targets; -1 where nothing could be chosen.
    members : int
        How many models (seeds) are pooled here.
    """

    attrs: dict[str, Any]
    columns: tuple[str, ...]
    regions: tuple[str, ...]
    hemispheres: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    listeners: tuple[str, ...]
    layers: NDArray[np.int64]
    by_listener: dict[str, NDArray[np.float64]]
    by_run: dict[str, NDArray[np.float64]]
    profile_by_listener: NDArray[np.float64]
    profile_by_run: NDArray[np.float64]
    typical_layer: int
    members: int = 1

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.attrs["model"])

    def column(self, name: str) -> int:
        """Find the position of a column."""
        return self.columns.index(name)


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


def summarise_model(dataset: xr.Dataset) -> ModelSummary:
    """Reduce a scores dataset to regions and sides.

    Parameters
    ----------
    dataset : xarray.Dataset
        One model's scores, as in ``scores/MODEL.nc``.

    Returns
    -------
    ModelSummary
    """
    subjects = [str(name) for name in dataset["subject"].values]
    targets = [str(name) for name in dataset["target"].values]
    hemispheres = [str(side) for side in dataset["hemisphere"].values]
    homologues = [str(name) for name in dataset["homologue"].values]
    left, right = homologous_pairs(targets, hemispheres, homologues)
    named = len(targets) <= _MOST_REGIONS
    pairs = tuple((targets[i], targets[j]) for i, j in zip(left, right, strict=True))
    columns = ["all", "left", "right", "left_minus_right"]
    if named:
        columns += targets + [f"{a} / {b}" for a, b in pairs]

    def reduce(scores: NDArray[Any]) -> NDArray[np.float64]:
        return _by_columns(np.asarray(scores, dtype=np.float64), left, right, named)

    # One subject at a time: voxelwise files are large, and may be read lazily.
    by_subject: dict[str, list[NDArray[np.float64]]] = {how: [] for how in LAYER_CHOICES}
    profile = []
    votes = []
    for k, name in enumerate(subjects):
        one = dataset.isel(subject=[k])
        for how in LAYER_CHOICES:
            chosen = select_layers(one, how)
            by_subject[how].append(reduce(chosen["score"].values[0]))
            if how == "validation":
                votes.append((name, chosen["chosen_layer"].values))
        profile.append(
            reduce(one["score"].transpose("subject", "run", "layer", "target").values[0])
        )
    people = [k for k, name in enumerate(subjects) if name != AVERAGE]
    average = [k for k, name in enumerate(subjects) if name == AVERAGE]
    n_layers, n_columns = dataset.sizes["layer"], len(columns)
    return ModelSummary(
        attrs=dict(dataset.attrs),
        columns=tuple(columns),
        regions=tuple(targets) if named else (),
        hemispheres=tuple(hemispheres) if named else (),
        pairs=pairs if named else (),
        listeners=tuple(subjects[k] for k in people),
        layers=np.asarray(dataset["layer"].values, dtype=np.int64),
        by_listener={
            how: np.array([mean_correlation(values[k], axis=0) for k in people]).reshape(
                len(people), n_columns
            )
            for how, values in by_subject.items()
        },
        by_run={
            how: values[average[0]] if average else np.empty((0, n_columns))
            for how, values in by_subject.items()
        },
        profile_by_listener=np.array(
            [mean_correlation(profile[k], axis=0) for k in people]
        ).reshape(len(people), n_layers, n_columns),
        profile_by_run=profile[average[0]] if average else np.empty((0, n_layers, n_columns)),
        typical_layer=_typical_layer([v for name, v in votes if bool(people) == (name != AVERAGE)]),
    )


def _typical_layer(votes: Sequence[NDArray[np.int64]]) -> int:
    """Take the median of the chosen layers, the lower of the two middle ones; -1 without votes."""
    cast = np.concatenate([v.reshape(-1) for v in votes]) if votes else np.empty(0, dtype=np.int64)
    cast = cast[cast >= 0]
    return int(np.quantile(cast, 0.5, method="lower")) if cast.size else -1


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
        profile_by_listener=listeners_mean([s.profile_by_listener for s in summaries]),
        profile_by_run=runs_mean([s.profile_by_run for s in summaries]),
        typical_layer=typical.pop() if len(typical) == 1 else -1,
        members=len(summaries),
    )


def _by_columns(
    scores: NDArray[np.float64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    named: bool,
) -> NDArray[np.float64]:
    """Turn (..., n_targets) into (..., n_columns), in the order of `ModelSummary.columns`."""
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
