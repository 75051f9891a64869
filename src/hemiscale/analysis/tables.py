"""Write a study's tables; the same scores always give the same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hemiscale.analysis.dictionary import dictionary_text
from hemiscale.analysis.model_summary import summarise_model
from hemiscale.analysis.table_laws import law_records
from hemiscale.analysis.table_rows import (
    asymmetry_table,
    ceiling_table,
    groups_table,
    in_order,
    layers_table,
    listeners_table,
    models_table,
    regions_table,
)
from hemiscale.results import write_json, write_text

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["write_tables"]

_DIGITS = "%.6g"


def write_tables(
    scores: Iterable[xr.Dataset], ceiling: xr.Dataset | None, folder: str | Path
) -> None:
    """Write ``models.tsv``, ``regions.tsv``, ... , ``laws.json`` and their data dictionary.

    Parameters
    ----------
    scores : iterable of xarray.Dataset
        One per model, as in ``scores/MODEL.nc``. Each is read once and let go, so a generator that
        opens one file after another keeps memory low. Their order does not matter.
    ceiling : xarray.Dataset or None
        As in ``ceiling.nc``; without it ``ceiling.tsv`` has its header only.
    folder : path
        Made if it does not exist; files in it are replaced, each at once.
    """
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    summaries = in_order([summarise_model(dataset) for dataset in scores])
    frames = {
        "models.tsv": models_table(summaries),
        "groups.tsv": groups_table(summaries),
        "regions.tsv": regions_table(summaries),
        "layers.tsv": layers_table(summaries),
        "asymmetry.tsv": asymmetry_table(summaries),
        "listeners.tsv": listeners_table(summaries),
        "ceiling.tsv": ceiling_table(ceiling),
    }
    for name, frame in frames.items():
        text = frame.to_csv(sep="\t", index=False, float_format=_DIGITS, lineterminator="\n")
        write_text(out / name, text)
    laws = {"laws": [_rounded(record) for record in law_records(summaries)]}
    write_json(out / "laws.json", laws)
    write_text(out / "README.md", dictionary_text())


def _rounded(value: Any) -> Any:
    """Floats to six digits, through lists and dicts."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    if isinstance(value, float):
        return float(_DIGITS % value)
    return value
