"""From the tables of a voxel study to the frames of its regions and parcels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.report import numbers
from hemiscale.report.load import Results
from hemiscale.report.tidy import find_law
from hemiscale.report.voxel_regions import ShownRegion, named_regions, selection_names
from hemiscale.report.voxel_rows import selection_rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ceiling_differences",
    "ceiling_slope_rows",
    "region_ceiling_rows",
    "region_curve_rows",
    "relation_to_ceiling",
    "slope_of",
    "slope_rows",
]

_TEN = float(np.log(10))


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
            law = find_law(results, side, "log parameters", subjects, selection=region.key)
            slope, low, high = slope_of(law)
            if np.isfinite(slope):
                what = {"region": region.name, "hemisphere": side}
                rows.append({**what, "slope": slope, "low": low, "high": high})
    return pd.DataFrame(rows, columns=["region", "hemisphere", "slope", "low", "high"])


def region_curve_rows(results: Results, subjects: str) -> pd.DataFrame:
    """Give left and right of each named region for each trained model."""
    import pandas as pd

    parts = []
    for region in named_regions(results):
        rows = selection_rows(results, region.key, subjects)
        rows = rows[(rows["kind"] == "trained") & (rows["parameters"] > 0)]
        for side in ("left", "right"):
            what = {"region": region.name, "hemisphere": side}
            part = rows[["label", "family", "parameters"]].assign(**what)
            part = part.assign(score=rows[side], low=rows[f"{side}_low"], high=rows[f"{side}_high"])
            parts.append(part[part["score"].notna()])
    columns = ["region", "hemisphere", "label", "family", "parameters", "score", "low", "high"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def region_ceiling_rows(results: Results) -> pd.DataFrame:
    """Give the ceiling of selections and named regions under the names that figures show."""
    names = selection_names(results)
    table = results.ceiling
    if not len(table):
        return table
    return table[table["region"].isin(names)].assign(region=lambda t: t["region"].map(names))


def ceiling_differences(results: Results, regions: Sequence[ShownRegion]) -> pd.DataFrame:
    """Give left minus right of the ceiling of regions, NaN where it is not known.

    Returns
    -------
    DataFrame
        ``region, ceiling_difference, ceiling_low, ceiling_high``, a row per region.
    """
    import pandas as pd

    names = ["reliability", "low", "high"]
    table = results.ceiling
    known = {}
    if len(table):
        part = table[table["hemisphere"] == "left - right"].set_index("region")[names].astype(float)
        known = {str(key): row for key, row in zip(part.index, part.to_numpy(), strict=True)}
    values = [known.get(region.key, np.full(3, np.nan)) for region in regions]
    found = np.array(values, dtype=np.float64).reshape(-1, 3)
    return pd.DataFrame(
        {
            "region": [region.name for region in regions],
            "ceiling_difference": found[:, 0],
            "ceiling_low": found[:, 1],
            "ceiling_high": found[:, 2],
        }
    )


def ceiling_slope_rows(
    results: Results, subjects: str, regions: Sequence[ShownRegion]
) -> pd.DataFrame:
    """Give regions' left minus right of the ceiling, and the slope of that of their scores.

    Returns
    -------
    DataFrame
        ``region, ceiling_difference, ceiling_low, ceiling_high, slope, low, high``: range over
        random halves; slope per tenfold of parameters with its 95 % interval.
    """
    import pandas as pd

    columns = ["region", "ceiling_difference", "ceiling_low", "ceiling_high"]
    columns += ["slope", "low", "high"]
    differences = ceiling_differences(results, regions)
    rows = []
    for region, known in zip(regions, differences.to_dict("records"), strict=True):
        law = find_law(
            results, "left_minus_right", "log parameters", subjects, selection=region.key
        )
        slope, low, high = slope_of(law)
        if np.isfinite(slope) and np.isfinite(known["ceiling_difference"]):
            rows.append({**known, "slope": slope, "low": low, "high": high})
    return pd.DataFrame(rows, columns=columns)


def relation_to_ceiling(results: Results, subjects: str) -> str:
    """Tell how slopes of left minus right go with that of the ceiling; "" where it is not known."""
    table = results.reliability
    if not len(table):
        return ""
    rows = table[
        (table["quantity"] == "slope of left_minus_right")
        & (table["subjects"] == subjects)
        & (table["model"] == "all trained models")
    ]
    if not len(rows):
        return ""
    row = rows.iloc[0]
    slope, low, high = (float(row[name]) * _TEN for name in ("slope", "low", "high"))
    return (
        f"Over the {row['n_parcels']} pairs of regions of this study, both sides counted: r = "
        f"{numbers.score(float(row['r']), digits=2)}; the slope rises by "
        f"{numbers.with_interval(slope, low, high, sign=True)} per unit of r of the ceiling, 95 % "
        f"over {row['interval_over']}."
    )
