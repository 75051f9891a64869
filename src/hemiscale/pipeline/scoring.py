"""One feature set against the brain: design, standardise, fit a layer, label the scores."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hemiscale.pipeline.features import Reading
from hemiscale.pipeline.fitting import fit_layer
from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.plan import FeatureSet
from hemiscale.pipeline.targets import Targets
from hemiscale.results import write_in_parts
from hemiscale.study import Study

__all__ = ["LayerScores", "make_designs", "score_layer", "write_scores"]


@dataclass(frozen=True)
class LayerScores:
    """How well one layer predicts the subjects of one part of the targets.

    Attributes
    ----------
    score, validation_score : (n_subjects, n_runs, n_targets) float32 arrays
    alpha : (n_subjects, n_runs) float64 array
        Penalties.
    width : int
        Features of the layer.
    n_constant : int
        Features that never change in some run and were left out.
    """

    score: np.ndarray
    validation_score: np.ndarray
    alpha: np.ndarray
    width: int
    n_constant: int


def make_designs(
    study: Study, inputs: StudyInputs, *, hrf_model: str | None = None
) -> list[np.ndarray]:
    """One design matrix per recorded run, or a stack of them where a feature has several columns.

    Parameters
    ----------
    study : Study
    inputs : StudyInputs
    hrf_model : str, optional
        Instead of the study's.

    Returns
    -------
    list of (n_scans, n_words) or (n_columns, n_scans, n_words) float64 arrays
    """
    from hemiscale.encoding import delayed_design, hrf_design, lanczos_design

    design = study.design
    model = hrf_model or design.hrf_model
    designs = []
    for run in inputs.runs:
        onsets, offsets = run.words["onset"].to_numpy(), run.words["offset"].to_numpy()
        if model == "lanczos":
            resampled = lanczos_design(
                (onsets + offsets) / 2,
                run.n_scans,
                inputs.t_r,
                slice_time_ref=design.slice_time_ref,
            )
            designs.append(delayed_design(resampled, design.delays))
            continue
        designs.append(
            hrf_design(
                onsets,
                offsets - onsets,
                run.n_scans,
                inputs.t_r,
                hrf_model=model,
                slice_time_ref=design.slice_time_ref,
                fir_delays=design.delays,
            )
        )
    return designs


def score_layer(
    study: Study,
    layer: list[np.ndarray],
    designs: list[np.ndarray],
    targets: Targets,
    bank: Any,
    n_subjects: int,
    *,
    device: str,
) -> LayerScores:
    """Fit one layer to one part of the targets.

    Parameters
    ----------
    study : Study
    layer : list over recorded runs of (n_words, n_features) arrays
    designs : list over recorded runs of arrays
        See `make_designs`.
    targets : Targets
    bank : TargetBank
        Of the part.
    n_subjects : int
        In the part.
    device : str

    Returns
    -------
    LayerScores
    """
    encoding = study.encoding
    n_runs, n_targets = len(targets.slices), targets.n_targets
    width = layer[0].shape[1]
    # As nilearn does: derivatives are made orthogonal to what precedes them, late copies are not.
    orthogonal = "derivative" in study.design.hrf_model
    features, n_constant = standardised_runs(layer, designs, targets, orthogonal=orthogonal)
    fit = fit_layer(
        features,
        bank,
        encoding,
        alphas=np.geomspace(encoding.penalty_low, encoding.penalty_high, encoding.n_penalties),
        validation=encoding.validation,
        search=encoding.search,
        device=device,
        # Each subject has a penalty of its own.
        penalty_groups=np.repeat(np.arange(n_subjects), n_targets) if n_subjects > 1 else None,
    )
    with warnings.catch_warnings():
        # A run without any validation score (validation = "first" skips some) stays NaN.
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        validation_score = np.nanmean(fit.validation_scores, axis=1)
    by_subject = (n_runs, n_subjects, n_targets)
    chosen = np.asarray(fit.alphas).reshape(n_runs, -1)
    alpha = chosen[:, ::n_targets] if n_subjects > 1 else chosen[:, :1]
    return LayerScores(
        score=np.asarray(fit.scores, np.float32).reshape(by_subject).swapaxes(0, 1),
        validation_score=validation_score.astype(np.float32).reshape(by_subject).swapaxes(0, 1),
        alpha=alpha.T.astype(np.float64),
        width=width,
        n_constant=n_constant,
    )


def write_scores(
    path: Path,
    stamp: str,
    feature: FeatureSet,
    reading: Reading,
    targets: Targets,
    n_layers: int,
    width: int,
    scored: Iterable[tuple[int, int, LayerScores]],
    *,
    validation: str,
) -> None:
    """Store the scores of one feature set, of which one layer of one part is in memory at a time.

    Parameters
    ----------
    path : Path
    stamp : str
        Fingerprint of all that made them.
    feature : FeatureSet
    reading : Reading
    targets : Targets
    n_layers : int
        With the embedding.
    width : int
        Features of the last layer.
    scored : iterable of (part, layer, LayerScores)
        Asked for one at a time; each part of the targets with each layer once.
    validation : str
        Which runs the validation scores are over, "first" or "all".
    """
    import xarray as xr

    labels = xr.Dataset(
        coords={
            "subject": targets.subjects,
            "layer": np.arange(n_layers),
            "run": np.arange(1, len(targets.slices) + 1),
            **targets.labels,
        },
        attrs={
            "model": feature.name,
            "kind": feature.kind,
            "group": feature.group,
            "family": feature.family,
            "n_parameters": reading.n_parameters,
            "n_layers": n_layers - 1 if feature.is_language_model else 0,
            "width": width,
            "seed": feature.seed,
            "training_step": feature.training_step,
            "validation": validation,
            "bits_per_byte": reading.bits_per_byte,
            "perplexity": reading.perplexity,
            "fingerprint": stamp,
        },
    )
    dims = ("subject", "layer", "run", "target")
    variables = {
        "score": (dims, "float32"),
        "validation_score": (dims, "float32"),
        "alpha": (dims[:3], "float64"),
    }
    n_before = np.cumsum([0, *(len(part.subjects) for part in targets.parts)])
    with write_in_parts(path, labels, variables) as file:
        for part, layer, one in scored:
            for k in range(len(one.alpha)):
                at = {"subject": int(n_before[part]) + k, "layer": layer}
                file.put("score", one.score[k], **at)
                file.put("validation_score", one.validation_score[k], **at)
                file.put("alpha", one.alpha[k], **at)


def standardised_runs(
    layer: list[np.ndarray], designs: list[np.ndarray], targets: Targets, *, orthogonal: bool
) -> tuple[list[np.ndarray], int]:
    """Sample a layer's features scan by scan, cut and standardised run by run.

    Returns
    -------
    runs : list over runs of (n_scans, n_features) float32 arrays
        Without features that are constant in some run.
    n_constant : int
        How many those are.
    """
    from hemiscale.encoding import convolved_features, standardise

    sampled = [
        convolved_features(design, activations.astype(np.float64), orthogonal=orthogonal)
        for design, activations in zip(designs, layer, strict=True)
    ]
    runs = [sampled[run][scans] for run, scans in targets.slices]
    # Constant up to rounding: a dead unit, or a feature that is the same for all words.
    constant = np.any([np.ptp(x, axis=0) <= 1e-7 * np.abs(x).max(axis=0) for x in runs], axis=0)
    runs = [standardise(x[:, ~constant]).astype(np.float32) for x in runs]
    return runs, int(constant.sum())
