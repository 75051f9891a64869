"""From the tables and maps of a voxel study to the tidy frames that its figures draw."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.report.frames import each_row, row_of_largest
from hemiscale.report.load import Results
from hemiscale.report.tidy import baseline_rows, find_law, language_models

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = [
    "PERCENTILE",
    "PLAIN_SELECTIONS",
    "asymmetry_panel_rows",
    "best_and_worst_rows",
    "ceiling_rows",
    "column_rows",
    "comparison_baseline",
    "family_layer_rows",
    "large_model_rows",
    "listener_slope_rows",
    "named_regions",
    "reliable_from",
    "selection_rows",
    "slope_map_rows",
    "slope_of",
    "slope_rows",
    "spread_rows",
    "user_columns",
]

PERCENTILE = "90th percentile"
PLAIN_SELECTIONS = ("all", "reliable", "best 10 %", PERCENTILE)
"""Selections of voxels that are no named region."""

_TEN = float(np.log(10))
_LARGE = 3e9
_SPREAD = 4000
_WRONG_SIGNS = 0.05


def named_regions(results: Results) -> list[str]:
    """Name the regions of a voxel study, in the order of its tables."""
    return [
        name for name in dict.fromkeys(results.regions["region"]) if name not in PLAIN_SELECTIONS
    ]


def ceiling_rows(results: Results) -> pd.DataFrame:
    """Give the reliability of each voxel: ``map, x, y, z, hemisphere, value``."""
    import pandas as pd

    if results.ceiling_map is None:
        return pd.DataFrame(columns=["map", "x", "y", "z", "hemisphere", "value"])
    return results.ceiling_map.assign(map="inter-subject reliability")


def reliable_from(results: Results) -> float | None:
    """Find the reliability of the top quarter's weakest voxel."""
    if results.ceiling_map is None:
        return None
    values = results.ceiling_map["value"].to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    return float(np.quantile(values, 0.75)) if values.size else None


def comparison_baseline(results: Results, subjects: str) -> Any:
    """Pick the baseline that maps are shown over: the widest random embedding, else the best."""
    groups = baseline_rows(results, subjects)
    simple = groups[groups["kind"].isin(["random embedding", "control", "static embedding"])]
    random = simple[simple["kind"] == "random embedding"]
    if len(random):
        return row_of_largest(random, "width")
    return row_of_largest(simple, "score") if len(simple) else None


def best_and_worst_rows(results: Results, subjects: str) -> pd.DataFrame:
    """Give the maps of the best and the worst trained model, minus those of the baseline.

    Returns
    -------
    DataFrame
        ``map, x, y, z, value``.
    """
    import pandas as pd

    groups = baseline_rows(results, subjects)
    trained = groups[groups["kind"] == "trained"]
    baseline = comparison_baseline(results, subjects)
    if results.maps is None or baseline is None or not len(trained):
        return pd.DataFrame(columns=["map", "x", "y", "z", "value"])
    below = _score_map(results, str(baseline["group"]))
    order = trained.sort_values("score", kind="stable")
    picked = [("best", order.iloc[-1])]
    if len(order) > 1:
        picked.append(("worst", order.iloc[0]))
    parts = []
    for word, row in picked:
        values = _score_map(results, str(row["group"]))
        if values is not None and below is not None:
            name = f"{word}: {row['label']} minus {baseline['label']}"
            parts.append(_places(results).assign(map=name, value=values - below))
    columns = ["map", "x", "y", "z", "value"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def spread_rows(results: Results, subjects: str, *, most: int = 40) -> pd.DataFrame:
    """Give each model's scores over voxels: ``label, kind, family, value``, at most 4,000 each."""
    import pandas as pd

    columns = ["label", "kind", "family", "value"]
    if results.maps is None:
        return pd.DataFrame(columns=columns)
    parts = []
    for row in each_row(baseline_rows(results, subjects).head(most)):
        values = _score_map(results, str(row.group))
        if values is None:
            continue
        values = np.sort(values[np.isfinite(values)])
        if values.size > _SPREAD:
            # Evenly spaced quantiles: the spread is kept, the file stays small.
            values = np.quantile(values, (np.arange(_SPREAD) + 0.5) / _SPREAD)
        what = {"label": row.label, "kind": row.kind, "family": row.family}
        parts.append(pd.DataFrame({**what, "value": values}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def slope_map_rows(results: Results, which: str) -> pd.DataFrame:
    """Give the slope in each voxel, per tenfold of parameters, where its q is below .05.

    Parameters
    ----------
    results : Results
    which : {"slope", "asymmetry_slope"}

    Returns
    -------
    DataFrame
        ``map, x, y, z, value``; NaN where the slope cannot be told from none.
    """
    import pandas as pd

    columns = ["map", "x", "y", "z", "value"]
    if results.maps is None or which not in results.maps:
        return pd.DataFrame(columns=columns)
    slope = results.maps[which].values.astype(np.float64) * _TEN
    kept = np.where(results.maps[f"{which}_q"].values < _WRONG_SIGNS, slope, np.nan)
    if not np.isfinite(kept).any():
        return pd.DataFrame(columns=columns)
    name = "slope of the score" if which == "slope" else "slope of left minus right"
    return _places(results).assign(map=name, value=kept)[columns]


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
    keep = ["group", "label", "kind", "family", "parameters", "bits_per_byte", "perplexity"]
    rows = groups[[*keep, *extra]].rename(columns=extra)
    for side, names in (
        ("both", ("score", "low", "high")),
        ("left", ("left", "left_low", "left_high")),
        ("right", ("right", "right_low", "right_high")),
    ):
        part = regions[regions["hemisphere"] == side].set_index("model")[["score", "low", "high"]]
        part.columns = list(names)
        rows = rows.join(part, on="group")
    pairs = results.asymmetry
    pairs = pairs[
        (pairs["subjects"] == subjects)
        & (pairs["layer_choice"] == "validation")
        & (pairs["pair"] == selection)
    ].set_index("model")[["left_minus_right", "low", "high"]]
    pairs.columns = ["left_minus_right", "left_minus_right_low", "left_minus_right_high"]
    rows = rows.join(pairs, on="group").drop(columns="group")
    return rows[rows["score"].notna()].reset_index(drop=True)


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
    """Give left minus right, raw and over the ceiling, for all and for the reliable voxels.

    Returns
    -------
    DataFrame
        ``panel, label, kind, family, parameters, left_minus_right`` and its interval.
    """
    import pandas as pd

    groups = language_models(baseline_rows(results, subjects))
    known = groups[["group", "label", "kind", "family", "parameters", "bits_per_byte"]]
    table = results.asymmetry
    table = table[(table["subjects"] == subjects) & (table["layer_choice"] == "validation")]
    parts = []
    for panel, selection, column in PANELS:
        if column not in table:
            continue
        part = table[table["pair"] == selection].set_index("model")
        ends = ("low", "high") if column == "left_minus_right" else (f"{column}_low", None)
        low, high = ends[0], ends[1] or f"{column}_high"
        part = part[[column, low, high]]
        part.columns = ["left_minus_right", "left_minus_right_low", "left_minus_right_high"]
        joined = known.join(part, on="group").drop(columns="group").assign(panel=panel)
        parts.append(joined[joined["left_minus_right"].notna()])
    return pd.concat(parts, ignore_index=True) if parts else known.head(0)


PANELS = (
    ("all voxels", "all", "left_minus_right"),
    ("all voxels, over the ceiling", "all", "over_ceiling"),
    ("reliable voxels", "reliable", "left_minus_right"),
    ("reliable voxels, over the ceiling", "reliable", "over_ceiling"),
    ("best 10 %", "best 10 %", "left_minus_right"),
    ("90th percentile (the paper’s)", PERCENTILE, "left_minus_right"),
)
"""Panels of the asymmetry figure: title, selection of voxels, column of ``asymmetry.tsv``."""


def slope_of(law: dict[str, Any] | None) -> tuple[float, float, float]:
    """Slope of a law per tenfold with its interval; NaN where it has none.

    Over families where there are enough of them, else over models counted as independent.
    """
    if law is None or law.get("slope") is None:
        return np.nan, np.nan, np.nan
    low, high = law.get("over_families_low"), law.get("over_families_high")
    if low is None or high is None:
        low, high = law.get("slope_low"), law.get("slope_high")
    slope, low, high = (np.nan if v is None else v * _TEN for v in (law["slope"], low, high))
    return slope, low, high


def slope_rows(results: Results, subjects: str) -> pd.DataFrame:
    """Give the slope of each named region, left and right: ``region, hemisphere, slope, ...``."""
    import pandas as pd

    rows = []
    for region in named_regions(results):
        for side in ("left", "right"):
            law = find_law(results, side, "log parameters", subjects, selection=region)
            slope, low, high = slope_of(law)
            if np.isfinite(slope):
                rows.append(
                    {"region": region, "hemisphere": side, "slope": slope, "low": low, "high": high}
                )
    return pd.DataFrame(rows, columns=["region", "hemisphere", "slope", "low", "high"])


def region_curve_rows(results: Results, subjects: str) -> pd.DataFrame:
    """Give left and right of each named region for each trained model."""
    import pandas as pd

    parts = []
    for region in named_regions(results):
        rows = selection_rows(results, region, subjects)
        rows = rows[(rows["kind"] == "trained") & (rows["parameters"] > 0)]
        for side in ("left", "right"):
            part = rows[["label", "family", "parameters"]].assign(region=region, hemisphere=side)
            part = part.assign(score=rows[side], low=rows[f"{side}_low"], high=rows[f"{side}_high"])
            parts.append(part[part["score"].notna()])
    columns = ["region", "hemisphere", "label", "family", "parameters", "score", "low", "high"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def ceiling_slope_rows(results: Results, subjects: str) -> pd.DataFrame:
    """Give each named region's left minus right of the ceiling, and the slope of its scores'."""
    import pandas as pd

    table = results.ceiling
    difference: dict[str, float] = {}
    if len(table):
        part = table[table["hemisphere"] == "left - right"]
        difference = dict(zip(part["region"], part["reliability"].astype(float), strict=True))
    rows = []
    for region in named_regions(results):
        law = find_law(results, "left_minus_right", "log parameters", subjects, selection=region)
        slope = slope_of(law)[0]
        if region in difference and np.isfinite(slope):
            rows.append(
                {"region": region, "ceiling_difference": difference[region], "slope": slope}
            )
    return pd.DataFrame(rows, columns=["region", "ceiling_difference", "slope"])


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
    models = results.models
    trained = models[(models["kind"] == "trained") & (models["layers"] > 0)]
    table = results.layers
    table = table[(table["subjects"] == subjects) & (table["region"] == "all")]
    what = trained.set_index("model")[["family", "parameters"]]
    rows = table[table["model"].isin(what.index)].join(what, on="model")
    columns = ["label", "family", "parameters", "layer", "relative_depth", "score"]
    return rows.rename(columns={"model": "label"})[columns].reset_index(drop=True)


def _score_map(results: Results, group: str) -> NDArray[np.float64] | None:
    assert results.maps is not None
    names = list(results.maps["model"].values.astype(str))
    if group not in names:
        return None
    values = results.maps["score"].transpose("model", "target").values[names.index(group)]
    return np.asarray(values, dtype=np.float64)


def _places(results: Results) -> pd.DataFrame:
    import pandas as pd

    assert results.maps is not None
    return pd.DataFrame({name: results.maps[name].values for name in ("x", "y", "z")})
