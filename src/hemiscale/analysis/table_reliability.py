"""The table of relations to reliability: do models score more where recordings are reliable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hemiscale.analysis.averages import mean_correlation
from hemiscale.analysis.columns import Columns
from hemiscale.analysis.dictionary import COLUMNS
from hemiscale.analysis.law_sets import model_sets
from hemiscale.analysis.model_summary import ModelSummary
from hemiscale.analysis.reliability import relation_to_reliability

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["FEWEST_PARCELS", "reliability_table"]

FEWEST_PARCELS = 8
"""With fewer regions (or pairs of regions) than this nothing is said of how they go together."""


class _Units(NamedTuple):
    """Values of units in all columns; of runs, also the mean of the others without each."""

    values: NDArray[np.float64]
    without: NDArray[np.float64] | None


def reliability_table(
    summaries: Sequence[ModelSummary],
    pooled: Sequence[ModelSummary],
    ceiling: xr.Dataset | None,
    columns: Columns | None,
) -> pd.DataFrame:
    """One row per model (or law of all trained models), quantity and kind of subject.

    Parcels are the regions of a region study, or the named regions of a voxel study. No row where
    there are fewer than `FEWEST_PARCELS` of them, or no ceiling.

    Parameters
    ----------
    summaries, pooled : sequences of ModelSummary
        Models, and groups.
    ceiling : xarray.Dataset or None
    columns : Columns or None
        What `ceiling` is reduced to.
    """
    import pandas as pd

    names = list(COLUMNS["reliability.tsv"])
    if ceiling is None or columns is None:
        return pd.DataFrame(columns=names)
    splits = ceiling["reliability"].transpose("split", "target").values.astype(np.float64)
    reliability = mean_correlation(columns.reduce(splits), axis=0)
    parcels = _parcels(columns)
    rows = []
    for model, kind, subjects, units in _values(summaries, pooled):
        for quantity, at in parcels.items():
            if len(at) < FEWEST_PARCELS:
                continue
            found = relation_to_reliability(
                units.values[:, at],
                reliability[at],
                without=None if units.without is None else units.without[:, at],
            )
            if not np.isfinite(found.r):
                continue
            rows.append(
                {
                    "model": model,
                    "quantity": f"slope of {quantity}" if kind == "law" else quantity,
                    "subjects": subjects,
                    "n_parcels": found.n_parcels,
                    "r": found.r,
                    "p_parcels_as_independent": found.p_parcels_as_independent,
                    "slope": found.slope,
                    "low": found.low,
                    "high": found.high,
                    "interval_over": "listeners" if units.without is None else "runs",
                    "n": found.n_units,
                }
            )
    return pd.DataFrame(rows, columns=names)


def _parcels(columns: Columns) -> dict[str, NDArray[np.int64]]:
    """Positions of the columns of parcels, and of left minus right of their pairs."""
    regions = [row for row in columns.regions if row.name not in columns.computed]
    if columns.selections:
        regions = [row for row in regions if row.hemisphere == "both"]
    pairs = [row for row in columns.pairs if row.name not in columns.computed]
    return {
        "score": np.array([columns.names.index(row.column) for row in regions], dtype=np.int64),
        "left_minus_right": np.array(
            [columns.names.index(row.difference) for row in pairs], dtype=np.int64
        ),
    }


def _values(
    summaries: Sequence[ModelSummary], pooled: Sequence[ModelSummary]
) -> Iterator[tuple[str, str, str, _Units]]:
    """Go through models, then the law of all trained models: (name, kind, subjects, units)."""
    for s in pooled:
        if s.listeners and s.runs_of == "average":
            yield s.name, "model", "listeners", _Units(s.by_listener["validation"], None)
        if len(s.by_run["validation"]):
            runs = _Units(s.by_run["validation"], s.without_run["validation"])
            yield s.name, "model", s.runs_of, runs
    for models in model_sets(summaries):
        if not models.is_whole:
            continue
        members = [s for s in models.models if float(s.attrs["n_parameters"]) > 0]
        x = np.log([float(s.attrs["n_parameters"]) for s in members])
        centred = x - x.mean() if len(x) else x
        if len(x) < 2 or not float(centred @ centred) > 1e-18:
            continue
        fitter = centred / float(centred @ centred)
        common = [
            name for name in members[0].listeners if all(name in s.listeners for s in members)
        ]
        whose = {s.runs_of for s in members}
        if common and "average" in whose:
            scores = [
                s.by_listener["validation"][[s.listeners.index(name) for name in common]]
                for s in members
            ]
            yield models.name, "law", "listeners", _Units(np.tensordot(fitter, scores, 1), None)
        runs_of = [s.by_run["validation"] for s in members]
        if len(whose) == len({len(runs) for runs in runs_of}) == 1 and len(runs_of[0]):
            without = [s.without_run["validation"] for s in members]
            units = _Units(np.tensordot(fitter, runs_of, 1), np.tensordot(fitter, without, 1))
            yield models.name, "law", whose.pop(), units
