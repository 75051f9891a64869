"""From the maps of a voxel study to the frames that its brains and distributions draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.report.frames import each_row, row_of_largest
from hemiscale.report.load import Results
from hemiscale.report.tidy import baseline_rows
from hemiscale.report.voxel_region_rows import ceiling_differences
from hemiscale.report.voxel_regions import ShownRegion, parcel_values

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

__all__ = [
    "best_and_worst_rows",
    "ceiling_rows",
    "comparison_baseline",
    "parcel_map_rows",
    "reliable_from",
    "slope_map_rows",
    "spread_rows",
]

_TEN = float(np.log(10))
_SPREAD = 4000
_WRONG_SIGNS = 0.05


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


def parcel_map_rows(results: Results, regions: Sequence[ShownRegion]) -> pd.DataFrame:
    """Give left minus right of the ceiling as a map of parcels on the left hemisphere."""
    import pandas as pd

    known = ceiling_differences(results, regions)["ceiling_difference"]
    values = {
        region.key: float(value)
        for region, value in zip(regions, known, strict=True)
        if np.isfinite(value)
    }
    painted = parcel_values(results, values)
    if not len(painted) or not painted["value"].notna().any():
        return pd.DataFrame(columns=["map", "x", "y", "z", "value"])
    return painted.assign(map="ceiling: left minus right of each parcel")


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
