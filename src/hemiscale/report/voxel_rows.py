"""From the tables of a voxel study to the frames of its laws, sides, layers and listeners."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hemiscale.report.load import Results
from hemiscale.report.tidy import baseline_rows, language_models
from hemiscale.report.voxel_regions import PERCENTILE

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "PANELS",
    "UNITS",
    "asymmetry_panel_rows",
    "column_rows",
    "family_layer_rows",
    "large_model_rows",
    "layer_asymmetry_rows",
    "listener_slope_rows",
    "selection_rows",
    "user_columns",
]

_LARGE = 3e9


def selection_rows(results: Results, selection: str, subjects: str) -> pd.DataFrame:
    """Give the scores of language models over a selection of voxels.

    Returns
    -------
    DataFrame
        ``label, kind, family, parameters, bits_per_byte, perplexity, score, low, high``, each with
        ``left, right, left_minus_right`` and the intervals of the three.
    """
    groups = language_models(baseline_rows(results, subjects))
    regions = results.regions
    regions = regions[
        (regions["subjects"] == subjects)
        & (regions["layer_choice"] == "validation")
        & (regions["region"] == selection)
    ]
    extra = user_columns(results)
    keep = ["label", "kind", "family", "parameters", "bits_per_byte", "perplexity"]
    rows = groups[[*keep, *extra]].rename(columns=extra).assign(entry=_entries(results, groups))
    for side, names in (
        ("both", ("score", "low", "high")),
        ("left", ("left", "left_low", "left_high")),
        ("right", ("right", "right_low", "right_high")),
    ):
        part = regions[regions["hemisphere"] == side].set_index("model")[["score", "low", "high"]]
        part.columns = list(names)
        rows = rows.join(part, on="entry")
    pairs = results.asymmetry
    pairs = pairs[
        (pairs["subjects"] == subjects)
        & (pairs["layer_choice"] == "validation")
        & (pairs["pair"] == selection)
    ].set_index("model")[["left_minus_right", "low", "high"]]
    pairs.columns = ["left_minus_right", "left_minus_right_low", "left_minus_right_high"]
    rows = rows.join(pairs, on="entry").drop(columns="entry")
    return rows[rows["score"].notna()].reset_index(drop=True)


def _entries(results: Results, groups: pd.DataFrame) -> list[str]:
    """Name each group as the tables of regions and sides do: one of a single seed by its model."""
    members = results.models.groupby("group")["model"].agg(list).to_dict()
    names = [str(name) for name in groups["group"]]
    return [members[n][0] if len(members.get(n, [])) == 1 else n for n in names]


def user_columns(results: Results) -> dict[str, str]:
    """Find the columns that the user added and laws were fitted against.

    Returns
    -------
    dict
        ``{column: a name that can be an attribute}``.
    """
    known = {"log parameters", "bits per byte", "perplexity"}
    names = {str(law.get("predictor")) for law in results.laws} - known
    return {
        name: "_" * name[:1].isdigit() + re.sub(r"\W", "_", name)
        for name in sorted(names)
        if name in results.groups
    }


def large_model_rows(results: Results, selection: str, subjects: str) -> pd.DataFrame:
    """Keep the trained models above three billion parameters, where they are three or more."""
    rows = selection_rows(results, selection, subjects)
    rows = rows[(rows["kind"] == "trained") & (rows["parameters"] > _LARGE)]
    return rows if len(rows) >= 3 else rows.head(0)


def column_rows(results: Results, selection: str, subjects: str, column: str) -> pd.DataFrame:
    """Keep the trained models that have a value of this column."""
    rows = selection_rows(results, selection, subjects)
    if column not in rows:
        return rows.head(0)
    return rows[(rows["kind"] == "trained") & rows[column].notna()].reset_index(drop=True)


def asymmetry_panel_rows(results: Results, subjects: str) -> pd.DataFrame:
    """Give left minus right of language models, a panel for each way of taking it.

    Returns
    -------
    DataFrame
        ``panel, label, kind, family, parameters, left_minus_right`` and its interval.
    """
    import pandas as pd

    groups = language_models(baseline_rows(results, subjects))
    known = groups[["label", "kind", "family", "parameters", "bits_per_byte"]]
    known = known.assign(entry=_entries(results, groups))
    table = results.asymmetry
    table = table[(table["subjects"] == subjects) & (table["layer_choice"] == "validation")]
    parts = []
    for panel, selection, column in PANELS:
        if column not in table:
            continue
        part = table[table["pair"] == selection].set_index("model")
        before = "" if column == "left_minus_right" else f"{column}_"
        part = part[[column, f"{before}low", f"{before}high"]]
        part.columns = ["left_minus_right", "left_minus_right_low", "left_minus_right_high"]
        joined = known.join(part, on="entry").drop(columns="entry").assign(panel=panel)
        parts.append(joined[joined["left_minus_right"].notna()])
    return pd.concat(parts, ignore_index=True) if parts else known.head(0)


PANELS = (
    ("all voxels", "all", "left_minus_right"),
    ("all voxels, over the ceiling", "all", "over_ceiling"),
    ("reliable voxels", "reliable", "left_minus_right"),
    ("reliable voxels, over the ceiling", "reliable", "over_ceiling"),
    ("best 10 %", "best 10 %", "left_minus_right"),
    ("90th percentile (the paper’s)", PERCENTILE, "left_minus_right"),
    ("all voxels, share of both sides", "all", "index"),
    ("reliable voxels, share of both sides", "reliable", "index"),
)
"""Panels of the asymmetry figure: title, selection of voxels, column of ``asymmetry.tsv``."""

UNITS = {
    "left_minus_right": "left minus right (r)",
    "over_ceiling": "left minus right\n(share of the ceiling)",
    "index": "(left − right) / (left + right)",
}
"""What those columns are, for their axes."""


def listener_slope_rows(results: Results, selection: str) -> pd.DataFrame:
    """Give each listener's slope of left minus right per tenfold: ``listener, slope``."""
    import pandas as pd

    table = results.listener_slopes
    if not len(table):
        return pd.DataFrame(columns=["listener", "slope"])
    table = table[
        (table["response"] == "left_minus_right")
        & (table["selection"] == selection)
        & (table["predictor"] == "log parameters")
        & (table["model_set"] == "all trained models")
    ]
    rows = table[["listener", "slope_per_tenfold"]].rename(columns={"slope_per_tenfold": "slope"})
    return rows[rows["slope"].notna()].reset_index(drop=True)


def family_layer_rows(results: Results, subjects: str) -> pd.DataFrame:
    """Give the layer profiles of all trained models: ``label, family, parameters, layer, ...``."""
    return _profiles(results, results.layers, subjects, "region", "all", "score")


def layer_asymmetry_rows(results: Results, subjects: str, selection: str) -> pd.DataFrame:
    """Give left minus right of each layer of each trained model, as `family_layer_rows`."""
    table = results.layer_asymmetry
    return _profiles(results, table, subjects, "pair", selection, "left_minus_right")


def _profiles(
    results: Results, table: pd.DataFrame, subjects: str, where: str, selection: str, value: str
) -> pd.DataFrame:
    import pandas as pd

    columns = ["label", "family", "parameters", "layer", "relative_depth", "score"]
    if not len(table):
        return pd.DataFrame(columns=columns)
    models = results.models
    trained = models[(models["kind"] == "trained") & (models["layers"] > 0)]
    what = trained.set_index("model")[["family", "parameters"]]
    rows = table[
        (table["subjects"] == subjects)
        & (table[where] == selection)
        & table["model"].isin(what.index)
    ].join(what, on="model")
    renamed = rows.rename(columns={"model": "label", value: "score"})
    return renamed[columns].reset_index(drop=True)
