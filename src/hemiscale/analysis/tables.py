"""Write a study's tables; the same scores always give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hemiscale.analysis.columns import Columns, columns_of, voxels_of
from hemiscale.analysis.dictionary import COLUMNS, dictionary_text
from hemiscale.analysis.maps import maps_of_summaries
from hemiscale.analysis.model_summary import ModelSummary, summarise_model
from hemiscale.analysis.table_asymmetry import asymmetry_table, layer_asymmetry_table
from hemiscale.analysis.table_baselines import over_baseline_table
from hemiscale.analysis.table_laws import UserColumns, law_records, listener_slopes
from hemiscale.analysis.table_reliability import reliability_table
from hemiscale.analysis.table_rises import rises_table
from hemiscale.analysis.table_rows import (
    ceiling_table,
    groups_table,
    in_order,
    layers_table,
    listeners_table,
    models_table,
    pooled_groups,
    regions_table,
)
from hemiscale.results import write_json, write_text

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["write_reduced_tables", "write_tables"]

_DIGITS = "%.6g"


def write_tables(
    scores: Iterable[xr.Dataset],
    ceiling: xr.Dataset | None,
    folder: str | Path,
    *,
    voxels: xr.Dataset | None = None,
    columns: UserColumns | None = None,
) -> xr.Dataset | None:
    """Write ``models.tsv``, ``regions.tsv``, ... , ``laws.json`` and their data dictionary.

    Parameters
    ----------
    scores : iterable of xarray.Dataset
        One per model, as in ``scores/MODEL.nc``. Each is read once and let go, so a generator that
        opens one file after another keeps memory low. Their order does not matter. Voxel studies
        are told by the coordinate `mirror` on `target` (see `voxel_maps`).
    ceiling : xarray.Dataset or None
        As in ``ceiling.nc``; without it ``ceiling.tsv`` has its header only, and nothing is called
        reliable or set over the ceiling.
    folder : path
        Made if it does not exist; files in it are replaced, each at once.
    voxels : xarray.Dataset, optional
        Of a voxel study, as in ``voxels.nc``: `region` (region_name, target), true or false.
    columns : mapping of {column: {model: value}}, optional
        More properties of models to fit laws against: HellaSwag, BLiMP, anything.

    Returns
    -------
    xarray.Dataset or None
        The maps of a voxel study, as `voxel_maps` makes them; None for a region study.

    Raises
    ------
    ValueError
        If the models of a study do not have the same targets.
    """
    return write_reduced_tables(*_read(scores, ceiling, voxels), ceiling, folder, columns=columns)


def write_reduced_tables(
    summaries: Sequence[ModelSummary],
    reduced: Columns | None,
    targets: xr.Dataset | None,
    ceiling: xr.Dataset | None,
    folder: str | Path,
    *,
    columns: UserColumns | None = None,
) -> xr.Dataset | None:
    """Write the tables from scores that are reduced already.

    Parameters
    ----------
    summaries : sequence of ModelSummary
        One per model, in any order.
    reduced : Columns or None
        What they are reduced to; None where there are none.
    targets : xarray.Dataset or None
        Of a voxel study: the scores' coordinates on `target`.
    ceiling, folder, columns
        As for `write_tables`.

    Returns
    -------
    xarray.Dataset or None
        As `write_tables`.
    """
    import pandas as pd

    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    summaries = in_order(summaries)
    pooled = pooled_groups(summaries)
    frames = {
        "models.tsv": models_table(summaries, columns),
        "groups.tsv": groups_table(pooled),
        "regions.tsv": regions_table(summaries),
        "layers.tsv": layers_table(summaries),
        "asymmetry.tsv": asymmetry_table(summaries, pooled),
        "layer_asymmetry.tsv": layer_asymmetry_table(summaries),
        "over_baseline.tsv": over_baseline_table(pooled),
        "listeners.tsv": listeners_table(summaries),
        "listener_slopes.tsv": pd.DataFrame(
            listener_slopes(summaries, columns), columns=list(COLUMNS["listener_slopes.tsv"])
        ),
        "rises.tsv": rises_table(pooled, columns),
        "ceiling.tsv": ceiling_table(ceiling, reduced),
        "reliability.tsv": reliability_table(summaries, pooled, ceiling, reduced),
    }
    for name, frame in frames.items():
        text = frame.to_csv(sep="\t", index=False, float_format=_DIGITS, lineterminator="\n")
        write_text(out / name, text)
    laws = {"laws": [_rounded(record) for record in law_records(summaries, columns)]}
    write_json(out / "laws.json", laws)
    write_text(out / "README.md", dictionary_text(list(columns or {})))
    return maps_of_summaries(summaries, pooled, targets) if targets is not None else None


def _read(
    scores: Iterable[xr.Dataset], ceiling: xr.Dataset | None, voxels: xr.Dataset | None
) -> tuple[list[ModelSummary], Columns | None, xr.Dataset | None]:
    """Reduce one model after the other; keep no scores, only the coordinates of voxels."""
    summaries: list[ModelSummary] = []
    reduced: Columns | None = None
    targets: xr.Dataset | None = None
    labels: list[str] = []
    for dataset in scores:
        own = [str(name) for name in dataset["target"].values]
        if reduced is None:
            reduced, labels = columns_of(dataset, ceiling, voxels), own
            targets = voxels_of(dataset)
        elif own != labels:
            raise ValueError(
                f"{dataset.attrs['model']} has other targets than the models before it; its scores "
                "are not of this study"
            )
        summaries.append(summarise_model(dataset, reduced))
    return summaries, reduced, targets


def _rounded(value: Any) -> Any:
    """Floats to six digits, through lists and dicts."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    if isinstance(value, float):
        return float(_DIGITS % value)
    return value
