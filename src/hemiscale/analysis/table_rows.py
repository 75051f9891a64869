"""The tables of a study, as data frames: models and groups, regions, layers, pairs, listeners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hemiscale.analysis.dictionary import COLUMNS
from hemiscale.analysis.intervals import Interval, interval_over_listeners, interval_over_runs
from hemiscale.analysis.model_summary import LAYER_CHOICES, ModelSummary, pool_seeds

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = [
    "asymmetry_table",
    "ceiling_table",
    "groups_table",
    "in_order",
    "layers_table",
    "listeners_table",
    "models_table",
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


def in_order(summaries: Sequence[ModelSummary]) -> list[ModelSummary]:
    """Sort models by kind, family, size, training step and seed, then name."""

    def key(summary: ModelSummary) -> tuple[int, str, int, int, int, str]:
        a = summary.attrs
        kind = KINDS.index(a["kind"]) if a["kind"] in KINDS else len(KINDS)
        step, seed = int(a["training_step"]), int(a["seed"])
        return kind, str(a["family"]), int(a["n_parameters"]), step, seed, summary.name

    return sorted(summaries, key=key)


def models_table(summaries: Sequence[ModelSummary]) -> pd.DataFrame:
    """One row per model: what it is, and its scores over listeners and of the average subject."""
    import pandas as pd

    rows = [_model_row(s) for s in summaries]
    return pd.DataFrame(rows, columns=list(COLUMNS["models.tsv"]))


def groups_table(summaries: Sequence[ModelSummary]) -> pd.DataFrame:
    """One row per group: like `models_table`, the seeds of a baseline averaged into one."""
    import pandas as pd

    groups: dict[str, list[ModelSummary]] = {}
    for summary in summaries:
        groups.setdefault(str(summary.attrs["group"]), []).append(summary)
    pooled = [pool_seeds(members) for members in groups.values()]
    rows = [{**_model_row(s), "n_models": s.members} for s in pooled]
    return pd.DataFrame(rows, columns=list(COLUMNS["groups.tsv"]))


def regions_table(summaries: Sequence[ModelSummary]) -> pd.DataFrame:
    """One row per model, region, kind of subject and way of choosing the layer."""
    import pandas as pd

    rows = []
    for s in summaries:
        columns = [s.column(name) for name in s.regions]
        for how in LAYER_CHOICES:
            for subjects, over, interval in _intervals(s, how, columns):
                for k, (region, side) in enumerate(zip(s.regions, s.hemispheres, strict=True)):
                    rows.append(
                        {
                            "model": s.name,
                            "region": region,
                            "hemisphere": side,
                            "subjects": subjects,
                            "layer_choice": how,
                            "score": interval.estimate[k],
                            "low": interval.low[k],
                            "high": interval.high[k],
                            "interval_over": over,
                            "n": interval.n[k],
                        }
                    )
    return pd.DataFrame(rows, columns=list(COLUMNS["regions.tsv"]))


def layers_table(summaries: Sequence[ModelSummary]) -> pd.DataFrame:
    """One row per model, layer and region (and their mean, ``all``): test scores of that layer."""
    import pandas as pd

    rows = []
    for s in summaries:
        regions = ("all", *s.regions)
        columns = [s.column(name) for name in regions]
        depth = s.layers / max(int(s.layers.max()), 1)
        parts = []
        if s.listeners:
            values = interval_over_listeners(s.profile_by_listener[:, :, columns])
            parts.append(("listeners", "listeners", values))
        if len(s.profile_by_run):
            values = interval_over_runs(s.profile_by_run[:, :, columns])
            parts.append(("average", "runs", values))
        for subjects, over, interval in parts:
            for layer in range(len(s.layers)):
                for k, region in enumerate(regions):
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


def asymmetry_table(summaries: Sequence[ModelSummary]) -> pd.DataFrame:
    """One row per model, homologous pair, kind of subject and way of choosing the layer.

    The interval is that of the paired difference. With more than one pair, ``all pairs`` holds
    their mean.
    """
    import pandas as pd

    rows = []
    for s in summaries:
        entries = [(f"{a} / {b}", a, b, f"{a} / {b}") for a, b in s.pairs]
        if len(s.pairs) != 1:
            entries.append(("all pairs", "left", "right", "left_minus_right"))
        for how in LAYER_CHOICES:
            for pair, left, right, difference in entries:
                columns = [s.column(name) for name in (left, right, difference)]
                for subjects, over, interval in _intervals(s, how, columns):
                    if interval.n[2] == 0:
                        continue
                    rows.append(
                        {
                            "model": s.name,
                            "pair": pair,
                            "subjects": subjects,
                            "layer_choice": how,
                            "left": interval.estimate[0],
                            "right": interval.estimate[1],
                            "left_minus_right": interval.estimate[2],
                            "low": interval.low[2],
                            "high": interval.high[2],
                            "interval_over": over,
                            "n": interval.n[2],
                        }
                    )
    return pd.DataFrame(rows, columns=list(COLUMNS["asymmetry.tsv"]))


def listeners_table(summaries: Sequence[ModelSummary]) -> pd.DataFrame:
    """One row per model, listener and region: mean over runs, layer by validation."""
    import pandas as pd

    rows = [
        {
            "model": s.name,
            "listener": listener,
            "region": region,
            "score": s.by_listener["validation"][k, s.column(region)],
        }
        for s in summaries
        for k, listener in enumerate(s.listeners)
        for region in s.regions
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS["listeners.tsv"]))


def ceiling_table(ceiling: xr.Dataset | None) -> pd.DataFrame:
    """One row per region: mean reliability over random splits, and the range of the splits.

    The range (2.5 % to 97.5 % of the splits) is not an interval over listeners: all splits halve
    the same people.
    """
    import pandas as pd

    columns = list(COLUMNS["ceiling.tsv"])
    if ceiling is None:
        return pd.DataFrame(columns=columns)
    values = ceiling["reliability"].transpose("split", "target").values.astype(np.float64)
    low, high = np.quantile(values, [0.025, 0.975], axis=0)
    return pd.DataFrame(
        {
            "region": [str(name) for name in ceiling["target"].values],
            "hemisphere": [str(side) for side in ceiling["hemisphere"].values],
            "reliability": values.mean(axis=0),
            "low": low,
            "high": high,
            "n_splits": len(values),
        },
        columns=columns,
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
    found = {subjects: interval for subjects, _, interval in _intervals(s, "validation", columns)}
    tested |= {subjects: i.estimate[0] for subjects, _, i in _intervals(s, "test", columns[:1])}
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


def _intervals(
    s: ModelSummary, how: str, columns: Sequence[int]
) -> list[tuple[str, str, Interval]]:
    """Intervals of some columns over listeners, and over runs of the average subject."""
    found = []
    take: NDArray[np.int64] = np.asarray(columns, dtype=np.int64)
    if s.listeners:
        values = interval_over_listeners(s.by_listener[how][:, take])
        found.append(("listeners", "listeners", values))
    if len(s.by_run[how]):
        found.append(("average", "runs", interval_over_runs(s.by_run[how][:, take])))
    return found
