"""The tables of a study, as data frames: models and groups, regions, layers, listeners, ceiling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hemiscale.analysis.averages import mean_correlation
from hemiscale.analysis.columns import Columns
from hemiscale.analysis.dictionary import COLUMNS
from hemiscale.analysis.intervals import Interval, interval_over_listeners
from hemiscale.analysis.model_summary import LAYER_CHOICES, ModelSummary, pool_seeds
from hemiscale.analysis.over_runs import interval_over_runs
from hemiscale.analysis.voxel_means import BEST, PERCENTILE

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = [
    "ceiling_table",
    "groups_table",
    "in_order",
    "intervals_of",
    "layer_intervals",
    "layers_table",
    "listeners_table",
    "models_table",
    "over_ceiling_columns",
    "pooled_groups",
    "regions_table",
]

KINDS = (
    "trained",
    "checkpoint",
    "untrained",
    "static embedding",
    "random embedding",
    "random vector",
    "control",
)
"""The kinds of feature sets, in the order in which tables list them."""

_SIDES = ("all", "left", "right", "left_minus_right")
_SHOWN = {"all": "score"}

DIFFERENCE = "left - right"
"""The side of rows of ``ceiling.tsv`` that hold left minus right."""


def in_order(summaries: Sequence[ModelSummary]) -> list[ModelSummary]:
    """Sort models by kind, family, size, training step and seed, then name."""

    def key(summary: ModelSummary) -> tuple[int, str, int, int, int, str]:
        a = summary.attrs
        kind = KINDS.index(a["kind"]) if a["kind"] in KINDS else len(KINDS)
        step, seed = int(a["training_step"]), int(a["seed"])
        return kind, str(a["family"]), int(a["n_parameters"]), step, seed, summary.name

    return sorted(summaries, key=key)


def models_table(
    summaries: Sequence[ModelSummary],
    user_columns: Mapping[str, Mapping[str, float]] | None = None,
) -> pd.DataFrame:
    """One row per model: what it is, and its scores over listeners and of the average subject.

    The columns that the user added, ``{column: {model: value}}``, come last.
    """
    import pandas as pd

    rows = [_model_row(s) for s in summaries]
    table = pd.DataFrame(rows, columns=list(COLUMNS["models.tsv"]))
    added = {
        column: [values.get(s.name, np.nan) for s in summaries]
        for column, values in (user_columns or {}).items()
    }
    return table.assign(**added)


def pooled_groups(summaries: Sequence[ModelSummary]) -> list[ModelSummary]:
    """Average the seeds of every group: one summary per group, in the order of the models."""
    groups: dict[str, list[ModelSummary]] = {}
    for summary in summaries:
        groups.setdefault(str(summary.attrs["group"]), []).append(summary)
    return [pool_seeds(members) for members in groups.values()]


def groups_table(pooled: Sequence[ModelSummary]) -> pd.DataFrame:
    """One row per group: like `models_table`, the seeds of a baseline averaged into one."""
    import pandas as pd

    rows = [{**_model_row(s), "n_models": s.members} for s in pooled]
    return pd.DataFrame(rows, columns=list(COLUMNS["groups.tsv"]))


def regions_table(summaries: Sequence[ModelSummary]) -> pd.DataFrame:
    """One row per model, region (or selection of voxels), kind of subject and layer choice."""
    import pandas as pd

    rows = []
    for s in summaries:
        columns = [s.column(row.column) for row in s.regions]
        for how in LAYER_CHOICES:
            for subjects, over, interval in intervals_of(s, how, columns):
                shares = over_ceiling_columns(s, how, subjects, [row.column for row in s.regions])
                layers = s.region_layers[subjects][columns]
                for k, row in enumerate(s.regions):
                    if how == "region" and s.selections and row.name in (BEST, PERCENTILE):
                        continue
                    rows.append(
                        {
                            "model": s.name,
                            "region": row.name,
                            "hemisphere": row.hemisphere,
                            "subjects": subjects,
                            "layer_choice": how,
                            "score": interval.estimate[k],
                            "low": interval.low[k],
                            "high": interval.high[k],
                            "interval_over": over,
                            "n": interval.n[k],
                            "over_ceiling": shares.estimate[k] if shares else np.nan,
                            "layer": layers[k] if how == "region" and layers[k] >= 0 else np.nan,
                        }
                    )
    return pd.DataFrame(rows, columns=list(COLUMNS["regions.tsv"]))


def layers_table(summaries: Sequence[ModelSummary]) -> pd.DataFrame:
    """One row per model, layer and region (and their mean, ``all``): test scores of that layer.

    Of a voxel study one row per layer and selection, both sides.
    """
    import pandas as pd

    rows = []
    for s in summaries:
        regions = [(row.name, row.column) for row in s.regions if row.hemisphere != "both"]
        if s.selections:
            regions = [(row.name, row.column) for row in s.regions if row.hemisphere == "both"]
        else:
            regions.insert(0, ("all", "all"))
        depth = s.layers / max(int(s.layers.max()), 1)
        columns = [s.column(column) for _, column in regions]
        for subjects, over, interval in layer_intervals(s, columns):
            for layer in range(len(s.layers)):
                for k, (region, _) in enumerate(regions):
                    rows.append(
                        {
                            "model": s.name,
                            "layer": s.layers[layer],
                            "relative_depth": depth[layer],
                            "region": region,
                            "subjects": subjects,
                            "score": interval.estimate[layer, k],
                            "low": interval.low[layer, k],
                            "high": interval.high[layer, k],
                            "interval_over": over,
                            "n": interval.n[layer, k],
                        }
                    )
    return pd.DataFrame(rows, columns=list(COLUMNS["layers.tsv"]))


def listeners_table(summaries: Sequence[ModelSummary]) -> pd.DataFrame:
    """One row per model, listener and region: mean over runs, layer by validation.

    Of a voxel study one row per selection, both sides, with left, right and their difference.
    """
    import pandas as pd

    sides = ("left", "right", "left_minus_right")
    rows = []
    for s in summaries:
        values = s.by_listener["validation"]
        paired = {pair.name: pair[1:] for pair in s.pairs} if s.selections else {}
        for k, listener in enumerate(s.listeners):
            for region in s.regions:
                if s.selections and region.hemisphere != "both":
                    continue
                row: dict[str, object] = {
                    "model": s.name,
                    "listener": listener,
                    "region": region.name,
                    "score": values[k, s.column(region.column)],
                }
                if region.name in paired:
                    at = [values[k, s.column(name)] for name in paired[region.name]]
                    row |= dict(zip(sides, at, strict=True))
                rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS["listeners.tsv"]))


def ceiling_table(ceiling: xr.Dataset | None, columns: Columns | None = None) -> pd.DataFrame:
    """One row per region: mean reliability over random splits, and the range of the splits.

    Pairs of regions have a row for left minus right, for the ceiling itself is higher on the left.
    Of a voxel study one row per selection and side, and their left minus right. The range (2.5 % to
    97.5 % of the splits) is not an interval over listeners: all splits halve the same people.
    """
    import pandas as pd

    names = list(COLUMNS["ceiling.tsv"])
    if ceiling is None:
        return pd.DataFrame(columns=names)
    values = ceiling["reliability"].transpose("split", "target").values.astype(np.float64)
    if columns is not None and columns.selections:
        reduced = columns.reduce(values)
        rows = [(row.name, row.hemisphere, row.column) for row in columns.regions]
        rows += [(pair.name, DIFFERENCE, pair.difference) for pair in columns.pairs]
        rows = [row for row in rows if row[0] not in (BEST, PERCENTILE)]
        values = reduced[:, [columns.names.index(column) for _, _, column in rows]]
        regions, sides = [row[0] for row in rows], [row[1] for row in rows]
    else:
        regions = [str(name) for name in ceiling["target"].values]
        sides = [str(side) for side in ceiling["hemisphere"].values]
        if columns is not None and columns.pairs:
            apart = [columns.names.index(pair.difference) for pair in columns.pairs]
            values = np.concatenate([values, columns.reduce(values)[:, apart]], axis=1)
            regions += [pair.name for pair in columns.pairs]
            sides += [DIFFERENCE] * len(columns.pairs)
    low, high = np.quantile(values, [0.025, 0.975], axis=0)
    return pd.DataFrame(
        {
            "region": regions,
            "hemisphere": sides,
            "reliability": mean_correlation(values, axis=0),
            "low": low,
            "high": high,
            "n_splits": len(values),
        },
        columns=names,
    )


def _model_row(s: ModelSummary) -> dict[str, object]:
    a = s.attrs
    row: dict[str, object] = {
        "model": s.name,
        "kind": a["kind"],
        "group": a["group"],
        "family": a["family"],
        "parameters": int(a["n_parameters"]),
        "layers": int(a["n_layers"]),
        "width": int(a["width"]),
        "seed": int(a["seed"]),
        "training_step": int(a["training_step"]),
        "bits_per_byte": float(a["bits_per_byte"]),
        "perplexity": float(a["perplexity"]),
        "typical_layer": s.typical_layer,
    }
    columns = [s.column(side) for side in _SIDES]
    tested = {"listeners": np.nan, "average": np.nan}
    prefixes = {"listeners": "", "average": "average_"}
    found = {subjects: interval for subjects, _, interval in intervals_of(s, "validation", columns)}
    tested |= {subjects: i.estimate[0] for subjects, _, i in intervals_of(s, "test", columns[:1])}
    for subjects, prefix in prefixes.items():
        interval = found.get(subjects)
        for k, side in enumerate(_SIDES):
            name = prefix + _SHOWN.get(side, side)
            row[name] = interval.estimate[k] if interval else np.nan
            row[f"{name}_low"] = interval.low[k] if interval else np.nan
            row[f"{name}_high"] = interval.high[k] if interval else np.nan
    row["score_test_selected"] = tested["listeners"]
    row["average_score_test_selected"] = tested["average"]
    return row


def intervals_of(
    s: ModelSummary, how: str, columns: Sequence[int]
) -> list[tuple[str, str, Interval]]:
    """Take intervals of some columns over listeners, and over runs of the average subject.

    Of an only listener they are over runs.
    """
    found = []
    take: NDArray[np.int64] = np.asarray(columns, dtype=np.int64)
    if s.listeners and s.runs_of == "average":
        values = interval_over_listeners(s.by_listener[how][:, take])
        found.append(("listeners", "listeners", values))
    if len(s.by_run[how]):
        runs, without = s.by_run[how][:, take], s.without_run[how][:, take]
        found.append((s.runs_of, "runs", interval_over_runs(runs, without)))
    return found


def layer_intervals(s: ModelSummary, columns: Sequence[int]) -> list[tuple[str, str, Interval]]:
    """Take intervals of some columns of every layer: (n_layers, n_columns) each."""
    found = []
    if s.listeners and s.runs_of == "average":
        values = interval_over_listeners(s.profile_by_listener[:, :, columns])
        found.append(("listeners", "listeners", values))
    if len(s.profile_by_run):
        runs, without = s.profile_by_run[:, :, columns], s.profile_without_run[:, :, columns]
        found.append((s.runs_of, "runs", interval_over_runs(runs, without)))
    return found


def over_ceiling_columns(
    s: ModelSummary, how: str, subjects: str, columns: Sequence[str]
) -> Interval | None:
    """Take the interval of the same columns over the ceiling; None where there is no ceiling."""
    names = [f"{name} / ceiling" for name in columns]
    if not all(name in s.columns for name in names):
        return None
    positions = [s.column(name) for name in names]
    return {who: i for who, _, i in intervals_of(s, how, positions)}.get(subjects)
