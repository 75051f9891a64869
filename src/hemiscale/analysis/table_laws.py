"""The laws of a study, as data for ``laws.json``: which responses, predictors and models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemiscale.analysis.averages import mean_correlation
from hemiscale.analysis.intervals import interval_over_listeners
from hemiscale.analysis.laws import scaling_law
from hemiscale.analysis.model_summary import ModelSummary

__all__ = ["law_records", "slope_over_listeners"]

_RESPONSES = {
    "score": "all",
    "left": "left",
    "right": "right",
    "left_minus_right": "left_minus_right",
}
_PREDICTORS = {
    "log parameters": ("n_parameters", "log"),
    "bits per byte": ("bits_per_byte", "linear"),
}

# With more regions than this they are voxels: their slopes belong into maps.
_MOST_REGIONS = 200

_FEWEST_OF_A_FAMILY = 3


def law_records(summaries: Sequence[ModelSummary]) -> list[dict[str, Any]]:
    """Fit every law of a study.

    Trained models only, layer by validation; all of them, and, where there are several families,
    each family with at least three models by itself.

    Parameters
    ----------
    summaries : sequence of ModelSummary

    Returns
    -------
    list of dict
        One per response, kind of subjects, predictor and set of models, as in ``laws.json``.
    """
    trained = [s for s in summaries if s.attrs["kind"] == "trained"]
    if not trained:
        return []
    sets = {"all trained models": trained}
    families = list(dict.fromkeys(str(s.attrs["family"]) for s in trained))
    if len(families) > 1:
        for name in families:
            members = [s for s in trained if s.attrs["family"] == name]
            if len(members) >= _FEWEST_OF_A_FAMILY:
                sets[f"{name} family"] = members
    responses = dict(_RESPONSES)
    regions = trained[0].regions
    if len(regions) <= _MOST_REGIONS:
        responses |= {name: name for name in regions}
    records = []
    for set_name, models in sets.items():
        for predictor in _PREDICTORS:
            for response, column in responses.items():
                for subjects in ("listeners", "average"):
                    record = _law(models, set_name, response, column, subjects, predictor)
                    if record is not None:
                        records.append(record)
    return records


def slope_over_listeners(
    predictor: NDArray[np.float64], scores: NDArray[np.float64]
) -> dict[str, float]:
    """Slope of each listener's own scores, and its mean over listeners with an interval.

    The models are taken as given, the listeners as drawn from all listeners: the interval says
    whether other people would show this slope with these models.

    Parameters
    ----------
    predictor : (n_models,) array
        As it enters the regression (log parameters, or the column itself).
    scores : (n_models, n_listeners) array
        Listeners without a score for every model are left out.

    Returns
    -------
    dict
        ``slope_over_listeners``, ``..._low``, ``..._high`` and ``n_listeners``; NaN where there is
        no slope.
    """
    complete = np.isfinite(scores).all(axis=0)
    centred = predictor - predictor.mean()
    spread = float(centred @ centred)
    if not complete.any() or len(predictor) < 2 or not spread > 1e-18:
        nothing = float("nan")
        low = high = mean = nothing
    else:
        slopes = np.einsum("m,ml->l", centred, scores[:, complete]) / spread
        interval = interval_over_listeners(slopes)
        mean, low, high = float(interval.estimate), float(interval.low), float(interval.high)
    return {
        "slope_over_listeners": mean,
        "slope_over_listeners_low": low,
        "slope_over_listeners_high": high,
        "n_listeners": int(complete.sum()),
    }


def _law(
    models: Sequence[ModelSummary],
    set_name: str,
    response: str,
    column: str,
    subjects: str,
    predictor: str,
) -> dict[str, Any] | None:
    """One entry of ``laws.json``; None where these subjects have no such score at all."""
    attribute, scale = _PREDICTORS[predictor]
    size = np.array([float(s.attrs[attribute]) for s in models])
    by_listener: NDArray[np.float64] | None = None
    if subjects == "listeners":
        common = [name for name in models[0].listeners if all(name in s.listeners for s in models)]
        rows = [[s.listeners.index(name) for name in common] for s in models]
        by_listener = np.stack(
            [
                s.by_listener["validation"][r, s.column(column)]
                for s, r in zip(models, rows, strict=True)
            ]
        )
        score = mean_correlation(by_listener, axis=1)
    else:
        score = np.array(
            [mean_correlation(s.by_run["validation"][:, s.column(column)], axis=0) for s in models]
        )
    if not np.isfinite(score).any():
        return None
    law = scaling_law(size, score, family=[str(s.attrs["family"]) for s in models], scale=scale)
    record: dict[str, Any] = {
        "response": response,
        "subjects": subjects,
        "predictor": predictor,
        "model_set": set_name,
        "models": [
            s.name for s, x, y in zip(models, size, score, strict=True) if np.isfinite(x + y)
        ],
        "n_models": law.n_models,
        "slope": law.slope,
        "slope_low": law.slope_low,
        "slope_high": law.slope_high,
        "slope_per_tenfold": law.slope_per_tenfold,
        "intercept": law.intercept,
        "r": law.r,
        "r_low": law.r_low,
        "r_high": law.r_high,
        "p": law.p,
        "zero_crossing": law.zero_crossing,
        "zero_crossing_low": law.zero_crossing_low,
        "zero_crossing_high": law.zero_crossing_high,
        "favoured": law.favoured,
    }
    if by_listener is not None:
        known = np.isfinite(size) & np.isfinite(score)
        x = np.log(size[known]) if scale == "log" else size[known]
        record |= slope_over_listeners(x, by_listener[known])
    record["notes"] = list(law.notes)
    return record
