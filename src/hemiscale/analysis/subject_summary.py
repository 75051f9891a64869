"""The scores of one model in one subject, reduced to the columns of the tables.

This is the part of the tables that reads all scores, and takes nearly all of their time. It needs
nothing of other subjects or models, so that it can be done by many processes.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hemiscale.analysis.averages import mean_correlation
from hemiscale.analysis.columns import Columns, is_voxelwise
from hemiscale.analysis.layer_choice import select_layers, take_layers
from hemiscale.analysis.left_out_runs import maps_without
from hemiscale.analysis.region_layers import by_region_without, means_of_groups, shared_layers
from hemiscale.analysis.voxel_means import BEST
from hemiscale.errors import HemiscaleWarning

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "AVERAGE",
    "LAYER_CHOICES",
    "RunSummary",
    "SubjectMap",
    "SubjectSummary",
    "summarise_subject",
]

AVERAGE = "average"
"""The name of the average subject on the axis `subject`."""

LAYER_CHOICES = ("validation", "region", "test")


@dataclass(frozen=True)
class SubjectMap:
    """Scores of one subject voxel by voxel, layer by validation.

    Attributes
    ----------
    score : (n_targets,) float64 array
        Mean over runs.
    layers : (n_runs, n_targets) int64 array
        The chosen layer; -1 where there is none.
    """

    score: NDArray[np.float64]
    layers: NDArray[np.int64]


@dataclass(frozen=True)
class RunSummary:
    """The runs of the average subject (or of an only listener), one by one.

    Attributes
    ----------
    chosen, without : dict of {layer choice: (n_runs, n_columns) array}
        Scores of each run; and the mean of the others with all done without that run.
    profile, profile_without : (n_runs, n_layers, n_columns) arrays
        The same of every layer.
    """

    chosen: dict[str, NDArray[np.float64]]
    without: dict[str, NDArray[np.float64]]
    profile: NDArray[np.float64]
    profile_without: NDArray[np.float64]


@dataclass(frozen=True)
class SubjectSummary:
    """Scores of one model in one subject, by region and side.

    Attributes
    ----------
    name : str
        Of the subject.
    chosen : dict of {layer choice: (n_columns,) array}
        Means over runs.
    profile : (n_layers, n_columns) array
        Of every layer, means over runs.
    votes : (n_layers,) int64 array
        How often validation chose each layer, over runs and targets.
    region_layers : (n_runs, n_columns) int64 array
        The layer of each column chosen by region; -1 where there is none.
    runs : RunSummary or None
        Of the average subject, and of an only listener where there is none.
    map : SubjectMap or None
        Of a voxel study: of the average subject, of everybody where there is none.
    """

    name: str
    chosen: dict[str, NDArray[np.float64]]
    profile: NDArray[np.float64]
    votes: NDArray[np.int64]
    region_layers: NDArray[np.int64]
    runs: RunSummary | None = None
    map: SubjectMap | None = None


def summarise_subject(dataset: xr.Dataset, subject: int, columns: Columns) -> SubjectSummary:
    """Reduce the scores of one subject to regions (or selections of voxels) and sides.

    Parameters
    ----------
    dataset : xarray.Dataset
        One model's scores, as in ``scores/MODEL.nc``; only this subject's are read.
    subject : int
        Position on the axis `subject`.
    columns : Columns
        What to reduce to.

    Returns
    -------
    SubjectSummary

    Warns
    -----
    HemiscaleWarning
        Where runs have no validation scores to choose the best ten percent of the voxels by.
    """
    names = [str(name) for name in dataset["subject"].values]
    name = names[subject]
    one = dataset.isel(subject=[subject]).load()
    layers = one["layer"].values
    validation = _maps(one, "validation_score") if "validation_score" in one else None
    chosen, votes, drawn = {}, np.empty(0, dtype=np.int64), None
    for how in ("validation", "test"):
        selected = select_layers(one, how)
        score = selected["score"].values[0]
        picked = selected["chosen_layer"].values[0]
        chosen[how] = columns.reduce(score, _of_layers(validation, layers, picked))
        if how == "validation":
            votes = np.array([(picked == layer).sum() for layer in layers], np.int64)
            if is_voxelwise(dataset) and (name == AVERAGE or AVERAGE not in names):
                drawn = SubjectMap(mean_correlation(score, axis=0), picked)
    profile = columns.reduce(_maps(one, "score"), validation)
    _say_unchosen(one, columns, profile)
    decisive = _decisive(one, columns)
    shared = shared_layers(decisive, columns.group_of, one.sizes["run"])
    chosen["region"] = take_layers(profile, shared)
    runs = None
    if name == AVERAGE or len(names) == 1:
        without, profile_without = _without(one, columns, profile, decisive)
        runs = RunSummary(chosen, without, profile.swapaxes(0, 1), profile_without)
    return SubjectSummary(
        name=name,
        chosen={how: mean_correlation(values, axis=0) for how, values in chosen.items()},
        profile=mean_correlation(profile, axis=1),
        votes=votes,
        region_layers=np.where(shared >= 0, layers[np.maximum(shared, 0)], -1).astype(np.int64),
        runs=runs,
        map=drawn,
    )


def _maps(one: xr.Dataset, name: str) -> NDArray[np.floating]:
    """Scores of one subject: (n_layers, n_runs, n_targets)."""
    values: NDArray[np.floating] = one[name].transpose("subject", "layer", "run", "target").values
    return values[0]


def _of_layers(
    scores: NDArray[np.floating] | None, layers: NDArray[np.int64], picked: NDArray[np.int64]
) -> NDArray[np.floating] | None:
    """Read the scores of chosen layers, (n_runs, n_targets); NaN where none was chosen."""
    if scores is None:
        return None
    order = np.argsort(layers)
    # -1 (nothing chosen) has no place: any will do, it is taken out below.
    place = order[np.searchsorted(layers, picked, sorter=order)]
    taken: NDArray[np.floating] = np.take_along_axis(scores, place[None], axis=0)[0]
    return np.where(picked >= 0, taken, np.nan)


def _say_unchosen(one: xr.Dataset, columns: Columns, profile: NDArray[np.float64]) -> None:
    """Warn of runs with scores in which no voxel can be called one of the best."""
    if BEST not in columns.selections:
        return
    everything, best = (columns.names.index(name) for name in ("all", f"{BEST}: all"))
    missing = np.isfinite(profile[..., everything]) & ~np.isfinite(profile[..., best])
    if missing.any():
        runs = ", ".join(str(run) for run in one["run"].values[missing.any(axis=0)])
        model, subject = one.attrs.get("model", "a model"), one["subject"].values[0]
        warnings.warn(
            f"{model}, subject {subject}: nothing to choose voxels by (validation scores, on both "
            f"sides) in run {runs}; the rows {BEST!r} leave that out.",
            HemiscaleWarning,
            stacklevel=3,
        )


def _decisive(one: xr.Dataset, columns: Columns) -> NDArray[np.float64] | None:
    """Means of validation scores that decide on layers by region; None with one layer only."""
    if one.sizes["layer"] == 1:
        return None
    return means_of_groups(_maps(one, "validation_score"), columns.groups)


def _without(
    dataset: xr.Dataset,
    columns: Columns,
    profile: NDArray[np.float64],
    decisive: NDArray[np.float64] | None,
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """Do all of the average subject again without each run."""
    n_layers, n_runs = dataset.sizes["layer"], dataset.sizes["run"]
    n_columns = len(columns.names)
    # The paper's single validation run does not tell what the other runs would say; and without one
    # of two runs nothing is left to train on.
    single = dataset.attrs.get("validation", "all") != "all"
    if "validation_score" not in dataset or single or n_runs < 3:
        unknown = np.full((n_runs, n_columns), np.nan)
        return dict.fromkeys(LAYER_CHOICES, unknown), np.full((n_runs, n_layers, n_columns), np.nan)
    score, validation = _maps(dataset, "score"), _maps(dataset, "validation_score")
    chosen = {
        how: _means_without(score, validation, columns, how) for how in ("validation", "test")
    }
    layers = np.stack(
        [_means_without(score[[k]], validation[[k]], columns, 0) for k in range(n_layers)]
    )
    chosen["region"] = by_region_without(
        profile, layers, means_of_groups(score, columns.groups), decisive, columns.group_of
    )
    return chosen, layers.swapaxes(0, 1)


def _means_without(
    score: NDArray[np.floating],
    validation: NDArray[np.floating],
    columns: Columns,
    how: str | int,
) -> NDArray[np.float64]:
    """Give, for each run, the mean of the others without it, voxels chosen without it too."""
    left_out = maps_without(score, validation, how)
    return np.stack([mean_correlation(columns.reduce(*maps), axis=0) for maps in left_out])
