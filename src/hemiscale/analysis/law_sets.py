"""Which laws a study has: sets of models, what grows, and what it grows with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hemiscale.analysis.model_summary import ModelSummary

__all__ = [
    "LawColumn",
    "ModelSet",
    "Response",
    "families_named",
    "model_sets",
    "predictors_of",
    "responses_of",
]

_SIDES = {
    "score": "all",
    "left": "left",
    "right": "right",
    "left_minus_right": "left_minus_right",
}

# With more regions than this they are voxels: their slopes belong into maps.
_MOST_REGIONS = 200

_FEWEST_OF_A_FAMILY = 3
_LARGE = 3e9
_FEWEST_LARGE = 5
_FEWEST_FOR_PARTIAL = 8


@dataclass(frozen=True)
class ModelSet:
    """Models that a line goes through.

    Attributes
    ----------
    name : str
    models : tuple of ModelSummary
    is_whole : bool
        All trained models, rather than some of them.
    with_all_columns : bool
        Whether laws against every column are fitted, or against the main ones.
    """

    name: str
    models: tuple[ModelSummary, ...]
    is_whole: bool = False
    with_all_columns: bool = False


class Response(NamedTuple):
    """What grows: its name, the selection of voxels, and the column that holds it."""

    name: str
    selection: str
    column: str


@dataclass(frozen=True)
class LawColumn:
    """A predictor of a law.

    Attributes
    ----------
    name : str
    values : (n_models,) array
        NaN where a model has none.
    scale : {"log", "linear"}
    held_constant : dict of {name: (n_models,) array}
        Other predictors in the regression.
    """

    name: str
    values: NDArray[np.float64]
    scale: str
    held_constant: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def entering(self) -> NDArray[np.float64]:
        """The values as they enter the regression."""
        return np.log(self.values) if self.scale == "log" else self.values

    @property
    def per_tenfold(self) -> float:
        """What a slope is to be multiplied with to be one per tenfold of size."""
        return float(np.log(10.0)) if self.scale == "log" else float("nan")


def model_sets(summaries: Sequence[ModelSummary]) -> list[ModelSet]:
    """Choose the sets of models.

    All trained models; each family with three or more of them, where there are several families;
    those above three billion parameters, where that is five at least; and, by themselves, models
    whose features were projected to a common number (attribute ``projected_to`` of the scores), so
    that wider models have no more regressors.
    """
    trained = [s for s in summaries if s.attrs["kind"] == "trained"]
    plain = [s for s in trained if not int(s.attrs.get("projected_to", 0))]
    sets = [ModelSet("all trained models", tuple(plain), True, True)] if plain else []
    families = list(dict.fromkeys(str(s.attrs["family"]) for s in plain if s.attrs["family"]))
    if len(families) > 1:
        for name in families:
            members = tuple(s for s in plain if s.attrs["family"] == name)
            if len(members) >= _FEWEST_OF_A_FAMILY:
                sets.append(ModelSet(f"{name} family", members))
    large = tuple(s for s in plain if float(s.attrs["n_parameters"]) > _LARGE)
    if _FEWEST_LARGE <= len(large) < len(plain):
        sets.append(ModelSet("trained models above 3e9 parameters", large, with_all_columns=True))
    for n in sorted({int(s.attrs.get("projected_to", 0)) for s in trained} - {0}):
        members = tuple(s for s in trained if int(s.attrs.get("projected_to", 0)) == n)
        sets.append(ModelSet(f"trained models, features projected to {n}", members))
    return sets


def families_named(models: Sequence[ModelSummary]) -> list[str]:
    """Name each model's family; a model of no known family is one of its own."""
    return [str(s.attrs["family"]) or f"of {s.name}" for s in models]


def responses_of(models: ModelSet) -> list[Response]:
    """List what grows: both sides, left, right, their difference; of every selection or region.

    Of all trained models, where there is a ceiling, also over the ceiling.
    """
    first = models.models[0]
    found = [Response(name, "all", column) for name, column in _SIDES.items()]
    if first.selections:
        found += [
            Response(name, selection, f"{selection}: {side}")
            for selection in first.selections
            if selection != "all"
            for name, side in _SIDES.items()
        ]
    elif len(first.regions) <= _MOST_REGIONS:
        found += [Response(row.name, "all", row.column) for row in first.regions]
    if models.is_whole:
        found += [
            Response(f"{r.name} over ceiling", r.selection, f"{r.column} / ceiling")
            for r in found
            if r.name in _SIDES and f"{r.column} / ceiling" in first.columns
        ]
    return found


def predictors_of(models: ModelSet, columns: Mapping[str, Mapping[str, float]]) -> list[LawColumn]:
    """List what it grows with: log parameters, bits per byte, perplexity, and the user's columns.

    Of one family or of projected models only the first two. Of all trained models, from eight on,
    also each with others held constant: log parameters with
    layers and width, and each other column with log parameters and the other way round.
    """
    members = models.models

    def attribute(name: str) -> NDArray[np.float64]:
        return np.array([float(s.attrs.get(name, np.nan)) for s in members])

    size = attribute("n_parameters")
    size = np.where(size > 0, size, np.nan)
    known = {
        "bits per byte": attribute("bits_per_byte"),
        "perplexity": attribute("perplexity"),
    }
    known |= {
        name: np.array([float(values.get(s.name, np.nan)) for s in members])
        for name, values in columns.items()
    }
    others = {
        name: values
        for name, values in known.items()
        if name == "bits per byte" or np.isfinite(values).any()
    }
    found = [LawColumn("log parameters", size, "log")]
    found += [
        LawColumn(name, values, "linear")
        for name, values in others.items()
        if models.with_all_columns or name == "bits per byte"
    ]
    if not models.is_whole or len(members) < _FEWEST_FOR_PARTIAL:
        return found
    shape = {"layers": attribute("n_layers"), "width": attribute("width")}
    found.append(LawColumn("log parameters", size, "log", shape))
    for name, values in others.items():
        if np.isfinite(values).sum() >= _FEWEST_FOR_PARTIAL:
            found.append(LawColumn("log parameters", size, "log", {name: values}))
            found.append(LawColumn(name, values, "linear", {"log parameters": np.log(size)}))
    return found
