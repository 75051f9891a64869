"""The table of rises: along training, when each curve rises, and which rise before which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hemiscale.analysis.dictionary import COLUMNS
from hemiscale.analysis.model_summary import ModelSummary
from hemiscale.analysis.trajectories import SURE_ORDER, Rise, rise_of, rises_before

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["rises_table", "trajectories"]

_CURVES = {
    "score": "all",
    "left": "left",
    "right": "right",
    "left_minus_right": "left_minus_right",
}
_COMPETENCE = "bits per byte (turned over)"


def trajectories(pooled: Sequence[ModelSummary]) -> dict[str, list[ModelSummary]]:
    """Collect the checkpoints of each training run, by step, at least two of them.

    A checkpoint's name is that of its model, ``@`` and the step; without an ``@`` the family tells
    runs apart. A finished or untrained model has no step here and is left out.
    """
    found: dict[str, list[ModelSummary]] = {}
    for s in pooled:
        if s.attrs["kind"] == "checkpoint" and int(s.attrs["training_step"]) >= 0:
            name = s.name.rpartition("@")[0] or str(s.attrs["family"])
            found.setdefault(name, []).append(s)
    in_order = {
        name: sorted(members, key=lambda s: int(s.attrs["training_step"]))
        for name, members in found.items()
    }
    return {
        name: members
        for name, members in in_order.items()
        if len({int(s.attrs["training_step"]) for s in members}) == len(members) >= 2
    }


def rises_table(
    pooled: Sequence[ModelSummary], columns: Mapping[str, Mapping[str, float]] | None = None
) -> pd.DataFrame:
    """One row per training run, curve and kind of subject: the step at half of its rise.

    Units of the interval are listeners, or runs of the average subject. Competence has one curve
    only and no interval: bits per byte, and each of `columns` ({column: {model: value}}) that is
    known of every checkpoint; what falls from first to last is turned over. `rises_before` lists
    the curves that surely rise later than this one, with the share of draws in which they do.
    """
    import pandas as pd

    rows = []
    for name, members in trajectories(pooled).items():
        steps = [int(s.attrs["training_step"]) for s in members]
        for subjects in ("listeners", "average"):
            curves = _curves(members, subjects, columns or {})
            if not curves:
                continue
            rises = {
                curve: rise_of(steps, values, are_runs=subjects == "average")
                for curve, values in curves.items()
            }
            first = _order(rises)
            for curve, rise in rises.items():
                rows.append(
                    {
                        "trajectory": name,
                        "curve": curve,
                        "subjects": subjects,
                        "n_checkpoints": len(members),
                        "step": rise.step,
                        "low": rise.low,
                        "high": rise.high,
                        "n": curves[curve].shape[1],
                        "rises_before": first[curve],
                        "notes": " ".join(rise.notes),
                    }
                )
    return pd.DataFrame(rows, columns=list(COLUMNS["rises.tsv"]))


def _curves(
    members: Sequence[ModelSummary],
    subjects: str,
    columns: Mapping[str, Mapping[str, float]],
) -> dict[str, NDArray[np.float64]]:
    """Scores of each unit at each checkpoint, (n_checkpoints, n_units); empty without units."""
    if subjects == "listeners":
        common = [
            name for name in members[0].listeners if all(name in s.listeners for s in members)
        ]
        units = [
            s.by_listener["validation"][[s.listeners.index(name) for name in common]]
            for s in members
        ]
    else:
        if any(s.runs_of != subjects for s in members):
            return {}
        units = [s.by_run["validation"] for s in members]
        if len({len(values) for values in units}) > 1:
            return {}
    if not len(units[0]):
        return {}
    curves = {
        curve: np.stack(
            [values[:, s.column(column)] for s, values in zip(members, units, strict=True)]
        )
        for curve, column in _CURVES.items()
    }
    curves = {name: values for name, values in curves.items() if np.isfinite(values).any()}
    competence = -np.array([float(s.attrs["bits_per_byte"]) for s in members])
    if np.isfinite(competence).all():
        curves[_COMPETENCE] = competence[:, None]
    for name, values in columns.items():
        known = np.array([float(values.get(s.name, np.nan)) for s in members])
        if not np.isfinite(known).all():
            continue
        falls = known[-1] < known[0]
        curves[f"{name} (turned over)" if falls else name] = (-known if falls else known)[:, None]
    return curves


def _order(rises: dict[str, Rise]) -> dict[str, str]:
    """Say of each curve which others surely rise later, and in which share of draws."""
    said: dict[str, list[str]] = {name: [] for name in rises}
    for one, other in combinations(rises, 2):
        share = rises_before(rises[one], rises[other])
        early, late = (one, other) if share >= 0.5 else (other, one)
        if max(share, 1 - share) > SURE_ORDER:
            said[early].append(f"{late} {max(share, 1 - share):.3f}")
    return {name: "; ".join(others) for name, others in said.items()}
