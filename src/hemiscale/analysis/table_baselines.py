"""The table of models over baselines: paired differences of scores, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hemiscale.analysis.beyond import over_baseline
from hemiscale.analysis.columns import SIDES
from hemiscale.analysis.dictionary import COLUMNS
from hemiscale.analysis.intervals import Interval, interval_over_listeners
from hemiscale.analysis.model_summary import ModelSummary
from hemiscale.analysis.over_runs import interval_over_runs

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["over_baseline_table"]

_MODELS = ("trained", "checkpoint", "untrained", "static embedding")
_BASELINES = ("static embedding", "random embedding", "random vector", "control")


def over_baseline_table(pooled: Sequence[ModelSummary]) -> pd.DataFrame:
    """One row per model, baseline, selection, side and kind of subject.

    Layer by validation. Model and baseline are subtracted within each listener (or run), so that
    what they share, most of the noise, is not in the interval.

    Parameters
    ----------
    pooled : sequence of ModelSummary
        Groups: seeds are averaged.
    """
    import pandas as pd

    baselines = [s for s in pooled if s.attrs["kind"] in _BASELINES]
    rows: list[dict[str, object]] = []
    for model in pooled:
        if model.attrs["kind"] not in _MODELS:
            continue
        for baseline in baselines:
            if baseline is not model and baseline.columns == model.columns:
                rows += _rows(model, baseline)
    return pd.DataFrame(rows, columns=list(COLUMNS["over_baseline.tsv"]))


def _same_runs(model: ModelSummary, baseline: ModelSummary) -> bool:
    """Whether their runs are of the average subject, or of the same only listener."""
    if model.runs_of != baseline.runs_of:
        return False
    return model.runs_of == "average" or model.listeners == baseline.listeners


def _rows(model: ModelSummary, baseline: ModelSummary) -> list[dict[str, object]]:
    labels = [
        (selection, side, side if selection == "all" else f"{selection}: {side}")
        for selection in (model.selections or ("all",))
        for side in SIDES
    ]
    at = np.array([model.column(column) for _, _, column in labels])
    found: list[tuple[str, str, Interval]] = []
    common = [name for name in model.listeners if name in baseline.listeners]
    if common and model.runs_of == "average":
        scores = [
            s.by_listener["validation"][[s.listeners.index(name) for name in common]][:, at]
            for s in (model, baseline)
        ]
        apart = over_baseline(*scores).difference
        found.append(("listeners", "listeners", interval_over_listeners(apart)))
    runs, without = (
        [values["validation"][:, at] for values in (getattr(s, name) for s in (model, baseline))]
        for name in ("by_run", "without_run")
    )
    if len(runs[0]) and len(runs[0]) == len(runs[1]) and _same_runs(model, baseline):
        over_runs = interval_over_runs(
            over_baseline(*runs).difference, over_baseline(*without).difference
        )
        found.append((model.runs_of, "runs", over_runs))
    return [
        {
            "model": model.name,
            "baseline": baseline.name,
            "selection": selection,
            "quantity": "score" if side == "all" else side,
            "subjects": subjects,
            "difference": interval.estimate[k],
            "low": interval.low[k],
            "high": interval.high[k],
            "interval_over": over,
            "n": interval.n[k],
        }
        for subjects, over, interval in found
        for k, (selection, side, _) in enumerate(labels)
        if interval.n[k]
    ]
