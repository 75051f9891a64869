"""From the pipeline's notes to the tidy frames of the diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hemiscale.report.frames import each_row
from hemiscale.report.load import Results
from hemiscale.report.tidy import group_rows, readable_name

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["attention_sink_rows", "motion_rows", "timing_rows"]


def attention_sink_rows(results: Results) -> pd.DataFrame:
    """Norm of the first token over the median token, the largest over runs.

    Returns
    -------
    DataFrame
        ``label, kind, family, layer, relative_depth, ratio, in_front``; checkpoints are left out.
        `in_front` is the same ratio for what stands in front of the text, NaN where nothing does.
    """
    import pandas as pd

    what = results.models.set_index("model")
    rows = []
    for name, runs in results.diagnostics.get("attention_sink", {}).items():
        if name not in what.index or what.loc[name, "kind"] == "checkpoint":
            continue
        model = what.loc[name]
        first = np.array([run["first_token_norm"] for run in runs], dtype=float)
        median = np.array([run["median_norm"] for run in runs], dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.nanmax(first / median, axis=0)
            in_front = np.full(len(ratio), np.nan)
            if all(len(run.get("prefix_norm", [])) == len(ratio) for run in runs):
                front = np.array([run["prefix_norm"] for run in runs], dtype=float)
                in_front = np.nanmax(front / median, axis=0)
        for layer, value in enumerate(ratio):
            rows.append(
                {
                    "label": readable_name(model["group"], model["kind"]),
                    "kind": model["kind"],
                    "family": model["family"],
                    "layer": layer,
                    "relative_depth": layer / max(len(ratio) - 1, 1),
                    "ratio": value,
                    "in_front": in_front[layer],
                }
            )
    columns = ["label", "kind", "family", "layer", "relative_depth", "ratio", "in_front"]
    table = pd.DataFrame(rows, columns=columns)
    return table[np.isfinite(table["ratio"].astype(float))].reset_index(drop=True)


def motion_rows(results: Results) -> pd.DataFrame:
    """Framewise displacement of each subject, as the pipeline noted it."""
    import pandas as pd

    columns = ["subject", "mean_displacement_mm", "max_displacement_mm", "scans_above_half_mm"]
    return pd.DataFrame(results.diagnostics.get("motion") or [], columns=columns)


def timing_rows(results: Results) -> pd.DataFrame:
    """Seconds per group and stage, longest first: ``label, kind, family, features, encoding``."""
    import pandas as pd

    seconds = results.timings.get("models", {})
    members = results.models.groupby("group")["model"].apply(list).to_dict()
    rows = []
    for group in each_row(group_rows(results, "listeners")):
        known = [seconds[name] for name in members.get(group.group, []) if name in seconds]
        if known:
            rows.append(
                {
                    "label": group.label,
                    "kind": group.kind,
                    "family": group.family,
                    "features": sum(float(entry.get("features") or 0) for entry in known),
                    "encoding": sum(float(entry.get("encoding") or 0) for entry in known),
                }
            )
    columns = ["label", "kind", "family", "features", "encoding"]
    table = pd.DataFrame(rows, columns=columns)
    total = table["features"] + table["encoding"]
    return table.loc[total.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)
