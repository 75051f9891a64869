"""What a law is fitted to, what can be checked of it, and the sentences that say what cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemiscale.analysis.families import (
    FEWEST_FAMILIES,
    FEWEST_TO_RESAMPLE,
    FamilyEffect,
    family_effect,
)
from hemiscale.analysis.family_design import family_names
from hemiscale.analysis.regression import all_equal
from hemiscale.analysis.saturation import FEWEST_FOR_SATURATION, Comparison, compare_laws

__all__ = ["comparison_of", "families_of", "few_models", "gather", "why_no_line"]


def gather(
    size: ArrayLike,
    score: ArrayLike,
    family: Sequence[str] | None,
    covariates: Mapping[str, ArrayLike] | None,
    scale: str,
) -> tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    list[str] | None,
    dict[str, NDArray[np.float64]],
    list[str],
]:
    """Check the input, leave out models without values, take logs."""
    if scale not in {"log", "linear"}:
        raise ValueError(f"scale must be 'log' or 'linear', got {scale!r}")
    x = np.asarray(size, dtype=np.float64)
    y = np.asarray(score, dtype=np.float64)
    extra = {k: np.asarray(v, dtype=np.float64) for k, v in (covariates or {}).items()}
    lengths = {"size": x.shape, "score": y.shape, **{k: v.shape for k, v in extra.items()}}
    if family is not None:
        lengths["family"] = (len(family),)
    if x.ndim != 1 or len(set(lengths.values())) > 1:
        raise ValueError(f"one value per model is needed everywhere, got shapes {lengths}")
    notes = []
    names: list[str] | None = None
    if family is not None and len(family) and all(one is None or one != one for one in family):
        notes.append("No model has a family: models count as independent.")
    elif family is not None:
        names = family_names(family)
    known = np.isfinite(x) & np.isfinite(y)
    for column in extra.values():
        known &= np.isfinite(column)
    if not known.all():
        left_out = int((~known).sum())
        notes.append(
            f"{left_out} of {len(x)} models left out: no size, score or covariate is known for "
            f"{'it' if left_out == 1 else 'them'}."
        )
    if scale == "log" and np.any(x[known] <= 0):
        raise ValueError("sizes must be positive on the log scale; leave out the baselines")
    x = np.log(x[known]) if scale == "log" else x[known]
    labels = None
    if names is not None:
        labels = [name for name, keep in zip(names, known, strict=True) if keep]
    return x, y[known], labels, {k: v[known] for k, v in extra.items()}, notes


def why_no_line(x: NDArray[np.float64], n: int, covariates: list[str]) -> str:
    """Say in a sentence why no line can be fitted."""
    if np.ptp(x) < 1e-9 * max(1.0, float(np.abs(x).max())):
        return f"All {n} models are of the same size: no slope can be fitted."
    if n < 2 + len(covariates):
        return f"{n} models are too few for a law with {len(covariates)} covariates."
    return f"The covariates ({', '.join(covariates)}) cannot be told from size: no unique slope."


def few_models(n: int, freedom: int) -> str:
    """Say in a sentence what a line through few models is worth."""
    sentence = f"{n} models: a line through {n} points"
    if freedom < 1:
        return f"{sentence} fits them exactly, and nothing can be said about its uncertainty."
    return f"{sentence}; its interval rests on {freedom} degree{'s' * (freedom != 1)} of freedom."


def families_of(
    design: NDArray[np.float64],
    y: NDArray[np.float64],
    labels: list[str] | None,
    scale: str,
    confidence: float,
    n_resamples: int,
    seed: int,
    notes: list[str],
) -> FamilyEffect | None:
    """Take families into account where there are enough; add to `notes` what that cannot say."""
    if labels is None:
        return None
    n_families = len(set(labels))
    if n_families == 1:
        notes.append(
            "All models are of one family: the law holds for that family, and nothing is said "
            "about others."
        )
        return None
    if n_families == len(labels):
        notes.append("Every family has one model: families cannot be told from models.")
        return None
    if n_families < FEWEST_FAMILIES:
        notes.append(
            f"Models of {n_families} families: too few to say how much families differ; the "
            "interval counts models as independent, and is too short if they are not."
        )
        return None
    effect = family_effect(
        design, y, labels, confidence=confidence, n_resamples=n_resamples, seed=seed
    )
    if effect.mixed.notice:
        notes.append(effect.mixed.notice)
    if n_families < FEWEST_TO_RESAMPLE:
        notes.append(
            f"Models of {n_families} families: too few to resample families; the random family "
            "effect covers families that differ in level, not in slope."
        )
    if scale == "linear":
        return effect
    with np.errstate(over="ignore"):
        low, high = np.exp([effect.bootstrap.crossing_low, effect.bootstrap.crossing_high])
        robust = np.exp([effect.robust.crossing_low, effect.robust.crossing_high])
    return replace(
        effect,
        bootstrap=replace(effect.bootstrap, crossing_low=float(low), crossing_high=float(high)),
        robust=replace(
            effect.robust, crossing_low=float(robust[0]), crossing_high=float(robust[1])
        ),
    )


def comparison_of(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    labels: list[str] | None,
    scale: str,
    has_covariates: bool,
    notes: list[str],
) -> Comparison | None:
    """Hold the saturating law against the line where there are enough models."""
    if scale != "log" or has_covariates:
        return None
    if len(x) < FEWEST_FOR_SATURATION or len(np.unique(x)) < 4 or all_equal(y):
        notes.append(
            f"{len(x)} models cannot tell a law that levels off from one that does not "
            f"(at least {FEWEST_FOR_SATURATION} of four sizes are needed)."
        )
        return None
    return compare_laws(np.exp(x), y, family=labels)
