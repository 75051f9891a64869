"""Maps of a voxel study: each model's scores and layers, and slopes over models in every voxel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hemiscale.analysis.columns import columns_of, voxels_of
from hemiscale.analysis.law_sets import families_named
from hemiscale.analysis.model_summary import ModelSummary, summarise_model
from hemiscale.analysis.voxel_slopes import SlopeMaps, asymmetry_slope_maps, slope_maps

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["maps_of_summaries", "voxel_maps"]


def voxel_maps(scores: Iterable[xr.Dataset]) -> xr.Dataset:
    """Make the maps of a voxel study; `write_tables` returns the same without reading twice.

    Parameters
    ----------
    scores : iterable of xarray.Dataset
        One per model, as in ``scores/MODEL.nc`` of a voxel study: dims subject, layer, run, target;
        coordinates on `target`: `hemisphere` ("left", "right", "midline"), `x`, `y`, `z` (mm) and
        `mirror` (position of the homologous voxel, -1 for none). Read one at a time.

    Returns
    -------
    xarray.Dataset
        Everything float32 on `target`, the scores' coordinates kept; NaN where there is nothing:

        ``score`` (model, target)
            Mean over runs, layer by validation, of the average subject (without one: the mean over
            listeners). `model` holds groups: seeds of a baseline are averaged.
        ``layer`` (model, target)
            Median chosen layer.
        ``slope, slope_error, slope_r, slope_p, slope_q`` (target)
            Of score against log parameters (natural) over trained models; q is the false discovery
            rate over voxels.
        ``asymmetry_slope, ..._error, ..._r, ..._p, ..._q`` (target)
            The same of left minus right, written on the left voxel of each pair; q over pairs.

        Attributes: ``n_models`` and ``models`` of the slopes, ``error_over`` ("families" or
        "models": what the errors count as independent).

    Raises
    ------
    ValueError
        If there are no scores, or they are not voxelwise.
    """
    summaries: list[ModelSummary] = []
    targets: xr.Dataset | None = None
    for dataset in scores:
        if targets is None:
            columns = columns_of(dataset)
            if not columns.selections:
                raise ValueError("the targets are regions: they have no maps")
            targets = voxels_of(dataset)
        summaries.append(summarise_model(dataset, columns))
    if targets is None:
        raise ValueError("there are no scores to make maps of")
    from hemiscale.analysis.table_rows import in_order, pooled_groups

    summaries = in_order(summaries)
    return maps_of_summaries(summaries, pooled_groups(summaries), targets)


def maps_of_summaries(
    summaries: Sequence[ModelSummary], pooled: Sequence[ModelSummary], targets: xr.Dataset
) -> xr.Dataset:
    """Make the maps from what has been reduced already.

    Parameters
    ----------
    summaries, pooled : sequences of ModelSummary
        Models, and groups.
    targets : xarray.Dataset
        The coordinates on `target`.

    Returns
    -------
    xarray.Dataset
        As `voxel_maps`.
    """
    import xarray as xr

    n_targets = targets.sizes["target"]
    shown = [(s, s.map) for s in pooled if s.map is not None]
    trained = [
        (s, s.map)
        for s in summaries
        if s.map is not None
        and s.attrs["kind"] == "trained"
        and not int(s.attrs.get("projected_to", 0))
        and float(s.attrs["n_parameters"]) > 0
    ]
    size = np.array([float(s.attrs["n_parameters"]) for s, _ in trained])
    scores = np.array([one.score for _, one in trained], dtype=np.float64).reshape(-1, n_targets)
    family = families_named([s for s, _ in trained])
    mirror = targets["mirror"].values.astype(np.int64)
    left = np.flatnonzero((targets["hemisphere"].values.astype(str) == "left") & (mirror >= 0))
    both = slope_maps(size, scores, family=family)
    pairs = asymmetry_slope_maps(size, scores, (left, mirror[left]), family=family)

    def on_left(values: np.ndarray) -> np.ndarray:
        filled = np.full(n_targets, np.nan)
        filled[left] = values
        return filled

    found: dict[str, tuple[tuple[str, ...] | str, np.ndarray]] = {
        "score": (("model", "target"), _stack([one.score for _, one in shown], n_targets)),
        "layer": (("model", "target"), _stack([one.layer for _, one in shown], n_targets)),
    }
    for name, values in _parts(both).items():
        found[f"slope{name}"] = ("target", values.astype(np.float32))
    for name, values in _parts(pairs).items():
        found[f"asymmetry_slope{name}"] = ("target", on_left(values).astype(np.float32))
    return xr.Dataset(
        found,
        coords={**targets.coords, "model": [s.name for s, _ in shown]},
        attrs={
            "n_models": both.n_models,
            "models": ", ".join(s.name for s, _ in trained),
            "error_over": both.error_over,
        },
    )


def _stack(maps: list[np.ndarray], n_targets: int) -> np.ndarray:
    return np.array(maps, dtype=np.float32).reshape(-1, n_targets)


def _parts(maps: SlopeMaps) -> dict[str, np.ndarray]:
    return {"": maps.slope, "_error": maps.error, "_r": maps.r, "_p": maps.p, "_q": maps.q}
