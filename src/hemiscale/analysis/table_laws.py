"""The laws of a study, as data for ``laws.json``: which responses, predictors and models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemiscale.analysis.averages import mean_correlation
from hemiscale.analysis.crossed import line_over_families_and_listeners
from hemiscale.analysis.intervals import Interval, interval_over_listeners
from hemiscale.analysis.law_sets import (
    LawColumn,
    ModelSet,
    families_named,
    model_sets,
    predictors_of,
    responses_of,
)
from hemiscale.analysis.laws import ScalingLaw, scaling_law
from hemiscale.analysis.model_summary import ModelSummary
from hemiscale.analysis.over_runs import line_over_runs
from hemiscale.analysis.regression import all_equal

__all__ = ["UserColumns", "law_records", "listener_slopes", "slope_over_listeners"]

UserColumns = Mapping[str, Mapping[str, float]]
"""``{column: {model: value}}``: any property of models that laws may be fitted against."""

# Sizes predicted beyond the models at hand: an extrapolation of the line, said to be one.
_BEYOND = 10.0


def law_records(
    summaries: Sequence[ModelSummary], columns: UserColumns | None = None
) -> list[dict[str, Any]]:
    """Fit every law of a study.

    Trained models only, layer by validation. See `model_sets` for which models, `responses_of` for
    what grows and `predictors_of` for what with.

    Parameters
    ----------
    summaries : sequence of ModelSummary
    columns : mapping of {column: {model: value}}, optional
        More predictors: HellaSwag, BLiMP, anything.

    Returns
    -------
    list of dict
        One per response, kind of subjects, predictor and set of models, as in ``laws.json``.
    """
    records = []
    for models in model_sets(summaries):
        predictors = predictors_of(models, columns or {})
        for predictor in predictors:
            for response in responses_of(models):
                for subjects in ("listeners", "average"):
                    record = _law(models, response, subjects, predictor)
                    if record is not None:
                        records.append(record)
    return records


def slope_over_listeners(predictor: ArrayLike, scores: ArrayLike) -> dict[str, float]:
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

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    """
    predictor, scores = np.asarray(predictor, np.float64), np.asarray(scores, np.float64)
    if predictor.ndim != 1 or scores.ndim != 2 or len(scores) != len(predictor):
        raise ValueError(
            f"predictor {predictor.shape} and scores {scores.shape} must be (models,) and "
            "(models, listeners)"
        )
    slopes = _slopes(predictor, scores)
    known = slopes[np.isfinite(slopes)]
    nothing = np.array(np.nan)
    interval = (
        interval_over_listeners(known)
        if known.size
        else Interval(nothing, nothing, nothing, np.array(0), "t")
    )
    return {
        "slope_over_listeners": float(interval.estimate),
        "slope_over_listeners_low": float(interval.low),
        "slope_over_listeners_high": float(interval.high),
        "n_listeners": int(np.isfinite(scores).all(axis=0).sum()),
    }


def listener_slopes(
    summaries: Sequence[ModelSummary], columns: UserColumns | None = None
) -> list[dict[str, Any]]:
    """Give every listener's own slope, for each law through all trained models.

    Parameters
    ----------
    summaries, columns
        As in `law_records`.

    Returns
    -------
    list of dict
        Rows of ``listener_slopes.tsv``.
    """
    rows = []
    for models in model_sets(summaries):
        if not models.is_whole:
            continue
        for predictor in predictors_of(models, columns or {}):
            if predictor.held_constant:
                continue
            for response in responses_of(models):
                names, scores = _by_listener(models.models, response.column)
                known = np.isfinite(predictor.values)
                slopes = _slopes(predictor.entering[known], scores[known])
                rows += [
                    {
                        "listener": name,
                        "response": response.name,
                        "selection": response.selection,
                        "predictor": predictor.name,
                        "model_set": models.name,
                        "n_models": int(known.sum()),
                        "slope": slope,
                        "slope_per_tenfold": slope * predictor.per_tenfold,
                    }
                    for name, slope in zip(names, slopes, strict=True)
                ]
    return rows


def _slopes(x: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slope of each column of (n_models, n_listeners) scores; NaN where there is none."""
    centred = x - x.mean() if len(x) else x
    spread = float(centred @ centred)
    if len(x) < 2 or not spread > 1e-18:
        return np.full(scores.shape[1], np.nan)
    slopes: NDArray[np.float64] = np.einsum("m,ml->l", centred, scores) / spread
    # Of equal scores only rounding would be left.
    return np.where(all_equal(scores), 0.0, slopes)


def _by_listener(
    models: Sequence[ModelSummary], column: str
) -> tuple[list[str], NDArray[np.float64]]:
    """Scores of the listeners that all models have: (n_models, n_listeners)."""
    common = [name for name in models[0].listeners if all(name in s.listeners for s in models)]
    scores = [
        s.by_listener["validation"][[s.listeners.index(name) for name in common], s.column(column)]
        for s in models
    ]
    return common, np.stack(scores)


def _law(
    models: ModelSet, response: Any, subjects: str, predictor: LawColumn
) -> dict[str, Any] | None:
    """One entry of ``laws.json``; None where these subjects have no such score at all."""
    members = models.models
    by_listener: NDArray[np.float64] | None = None
    said: list[str] = []
    if subjects == "listeners":
        names, by_listener = _by_listener(members, response.column)
        said = _about_listeners(members, len(names), response.column)
        score = mean_correlation(by_listener, axis=1)
    elif any(s.runs_of == "listeners" for s in members):
        return None
    else:
        score = np.array(
            [
                mean_correlation(s.by_run["validation"][:, s.column(response.column)], axis=0)
                for s in members
            ]
        )
    if not (np.isfinite(score).any() or said):
        return None
    law = scaling_law(
        predictor.values,
        score,
        family=families_named(members),
        covariates=predictor.held_constant,
        scale=predictor.scale,
    )
    used = np.isfinite(predictor.values) & np.isfinite(score)
    for column in predictor.held_constant.values():
        used &= np.isfinite(column)
    unknown = sum(not s.attrs["family"] for s, there in zip(members, used, strict=True) if there)
    if unknown:
        said.append(
            f"{unknown} of {law.n_models} models have no known family: each counts as one of its "
            'own. A study names families of its own models with family = "...".'
        )
    notes = [*said, *law.notes] if np.isfinite(score).any() else said
    record: dict[str, Any] = {
        "response": response.name,
        "selection": response.selection,
        "subjects": subjects,
        "predictor": predictor.name,
        "held_constant": list(predictor.held_constant),
        "model_set": models.name,
        "models": [s.name for s, there in zip(members, used, strict=True) if there],
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
        **_family_fields(law),
        **_saturation_fields(law),
        **_prediction_fields(law, predictor, used),
    }
    if by_listener is not None and not predictor.held_constant:
        known = np.isfinite(predictor.values) & np.isfinite(score)
        x = predictor.entering[known]
        record |= slope_over_listeners(x, by_listener[known])
        labels = [name for name, k in zip(families_named(members), known, strict=True) if k]
        record |= _crossed_fields(x, by_listener[known], labels, predictor.scale)
    alone = len({s.listeners for s in members}) == 1 and members[0].runs_of == "listeners"
    if (by_listener is None or alone) and not predictor.held_constant:
        over_runs, of_runs = _run_fields(members, response.column, predictor, score)
        record |= over_runs
        notes += of_runs
    record["notes"] = notes
    return record


def _about_listeners(members: Sequence[ModelSummary], n_common: int, column: str) -> list[str]:
    """Say in sentences what the listeners of these models cannot tell."""
    numbers = [np.isfinite(s.by_listener["validation"][:, s.column(column)]).sum() for s in members]
    if not any(numbers):
        return []
    if n_common == 0:
        return ["The models have no listener in common: there is no law over listeners."]
    notes = []
    if n_common < max(len(s.listeners) for s in members):
        notes.append(
            f"The models have different listeners: the law is that of the {n_common} that all of "
            "them have."
        )
    if n_common == 1:
        notes.append("One listener: nothing is said about other people.")
    return notes


def _family_fields(law: ScalingLaw) -> dict[str, Any]:
    """Say what is left of the slope when models of one family are not independent."""
    nothing = float("nan")
    effect = law.families
    if effect is None:
        names = (
            *("family_slope", "family_slope_low", "family_slope_high"),
            *("over_families_low", "over_families_high", "over_families_p"),
            *("crossing_families_low", "crossing_families_high"),
            *("slope_without_a_family_low", "slope_without_a_family_high"),
        )
        none = {"lowest_without_family": None, "highest_without_family": None}
        return {"n_families": 0, **dict.fromkeys(names, nothing), **none}
    left_out = {name: slope for name, slope in effect.left_out.items() if np.isfinite(slope)}
    return {
        "n_families": effect.n_families,
        "family_slope": effect.mixed.slope,
        "family_slope_low": effect.mixed.slope_low,
        "family_slope_high": effect.mixed.slope_high,
        "over_families_low": effect.robust.slope_low,
        "over_families_high": effect.robust.slope_high,
        "over_families_p": effect.robust.p,
        "crossing_families_low": effect.robust.crossing_low,
        "crossing_families_high": effect.robust.crossing_high,
        "slope_without_a_family_low": min(left_out.values(), default=nothing),
        "slope_without_a_family_high": max(left_out.values(), default=nothing),
        "lowest_without_family": min(left_out, key=left_out.__getitem__, default=None),
        "highest_without_family": max(left_out, key=left_out.__getitem__, default=None),
    }


def _crossed_fields(
    x: NDArray[np.float64], scores: NDArray[np.float64], families: list[str], scale: str
) -> dict[str, float]:
    """Generalise to other models and other people at once."""
    line = line_over_families_and_listeners(x, scores, families) if len(x) else None
    nothing = float("nan")
    bounds = [line.crossing_low, line.crossing_high] if line else [nothing, nothing]
    if scale == "log":
        with np.errstate(over="ignore"):
            bounds = [float(np.exp(bound)) for bound in bounds]
    return {
        "slope_over_both_low": line.slope_low if line else nothing,
        "slope_over_both_high": line.slope_high if line else nothing,
        "slope_over_both_p": line.p if line else nothing,
        "crossing_over_both_low": bounds[0],
        "crossing_over_both_high": bounds[1],
    }


def _run_fields(
    members: Sequence[ModelSummary],
    column: str,
    predictor: LawColumn,
    score: NDArray[np.float64],
) -> tuple[dict[str, float], list[str]]:
    """Say whether other recordings of this subject would show this slope, with these models."""
    known = np.isfinite(predictor.values) & np.isfinite(score)
    used = [s for s, there in zip(members, known, strict=True) if there]
    by_run = [s.by_run["validation"][:, s.column(column)] for s in used]
    without = [s.without_run["validation"][:, s.column(column)] for s in used]
    if not used:
        return {}, []
    if len({len(runs) for runs in by_run}) > 1:
        return {}, ["The models do not have the same number of runs: no interval over runs."]
    found = line_over_runs(predictor.entering[known], np.stack(by_run), np.stack(without))
    if predictor.scale == "log":
        with np.errstate(over="ignore"):
            for name in ("crossing_over_runs_low", "crossing_over_runs_high"):
                found[name] = float(np.exp(found[name]))
    notes = []
    if found["n_runs"] < len(by_run[0]):
        notes.append(
            f"{len(by_run[0]) - found['n_runs']:.0f} of {len(by_run[0])} runs left out of the "
            "interval over runs: not every model has a score there."
        )
    if found["n_runs"] < 2:
        notes.append("Fewer than two runs: nothing is said about other recordings.")
    if found["n_runs"] > 1 and not np.isfinite(without).all():
        notes.append(
            f"{found['n_runs']:.0f} runs, and not known what the others show without each: the "
            "interval over runs is corrected for shared training data only."
        )
    return found, notes


def _saturation_fields(law: ScalingLaw) -> dict[str, float]:
    comparison = law.comparison
    nothing = float("nan")
    if comparison is None:
        return {"aicc_for_saturation": nothing, "saturates_at": nothing}
    bends = comparison.saturating.bounded
    return {
        "aicc_for_saturation": comparison.aicc_log_linear - comparison.aicc_saturating,
        "saturates_at": comparison.saturating.ceiling if bends else nothing,
    }


def _prediction_fields(
    law: ScalingLaw, predictor: LawColumn, used: NDArray[np.bool_]
) -> dict[str, float]:
    """Predict a model ten times as large as the largest; only where size is the one predictor."""
    nothing = float("nan")
    names = ("predicted_at", "predicted", "predicted_low", "predicted_high")
    if predictor.scale != "log" or predictor.held_constant or law.fit is None or not used.any():
        return dict.fromkeys(names, nothing)
    size = float(predictor.values[used].max()) * _BEYOND
    new = law.predict(size)
    values = (size, float(new.score[0]), float(new.low[0]), float(new.high[0]))
    return dict(zip(names, values, strict=True))
