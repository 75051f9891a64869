"""One feature set against the brain: design, standardise, fit every layer, label the scores."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hemiscale.pipeline.features import Progress, Reading
from hemiscale.pipeline.fitting import fit_layer
from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.plan import FeatureSet
from hemiscale.pipeline.targets import Targets
from hemiscale.study import Study

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["make_designs", "score_layers"]


def make_designs(study: Study, inputs: StudyInputs) -> list[np.ndarray]:
    """One design matrix per recorded run.

    Parameters
    ----------
    study : Study
    inputs : StudyInputs

    Returns
    -------
    list of (n_scans, n_words) float64 arrays
    """
    from hemiscale.encoding import hrf_design

    return [
        hrf_design(
            run.words["onset"].to_numpy(),
            (run.words["offset"] - run.words["onset"]).to_numpy(),
            run.n_scans,
            inputs.t_r,
            hrf_model=study.design.hrf_model,
            slice_time_ref=study.design.slice_time_ref,
        )
        for run in inputs.runs
    ]


def score_layers(
    study: Study,
    feature: FeatureSet,
    reading: Reading,
    layers: Sequence[list[np.ndarray]],
    designs: list[np.ndarray],
    targets: Targets,
    *,
    device: str,
    progress: Progress,
) -> tuple[xr.Dataset, list[str]]:
    """Fit every layer of one feature set.

    Parameters
    ----------
    study : Study
    feature : FeatureSet
    reading : Reading
    layers : sequence over layers of lists over recorded runs of (n_words, n_features) arrays
        Asked for one at a time.
    designs : list over recorded runs of (n_scans, n_words) arrays
    targets : Targets
    device : str
    progress : callable
        Called with (done, total) layers, counted again for every part of the targets.

    Returns
    -------
    scores : xarray.Dataset
        Dimensions subject, layer, run, target.
    notices : list of str
    """
    import xarray as xr

    encoding = study.encoding
    n_subjects, n_runs, n_targets = len(targets.subjects), len(targets.slices), targets.n_targets
    alphas = np.geomspace(encoding.penalty_low, encoding.penalty_high, encoding.n_penalties)
    score = np.empty((n_subjects, len(layers), n_runs, n_targets), np.float32)
    validation_score = np.empty_like(score)
    alpha = np.empty((n_subjects, len(layers), n_runs))
    notices = []
    width, total = 0, len(targets.parts) * len(layers)
    first = 0
    for part_number, part in enumerate(targets.parts):
        # One part at a time in memory, its targets shared by all layers.
        bank = part.bank(device)
        n_here = len(part.subjects)
        here = slice(first, first + n_here)
        for k in range(len(layers)):
            layer = layers[k]
            width = layer[0].shape[1]
            features, n_constant = _standardised_runs(layer, designs, targets)
            if n_constant and part_number == 0:
                notices.append(
                    f"{feature.name}, layer {k}: {n_constant} of {width} features never "
                    "change in some run and were left out."
                )
            fit = fit_layer(
                features,
                bank,
                encoding,
                alphas=alphas,
                validation=encoding.validation,
                search=encoding.search,
                device=device,
                # Each subject has a penalty of its own.
                penalty_groups=np.repeat(np.arange(n_here), n_targets) if n_here > 1 else None,
            )
            by_subject = (n_runs, n_here, n_targets)
            score[here, k] = fit.scores.reshape(by_subject).swapaxes(0, 1)
            with warnings.catch_warnings():
                # A run without any validation score (validation = "first" skips some) stays NaN.
                warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
                mean = np.nanmean(fit.validation_scores, axis=1)
            validation_score[here, k] = mean.reshape(by_subject).swapaxes(0, 1)
            chosen = np.asarray(fit.alphas).reshape(n_runs, -1)
            alpha[here, k] = chosen[:, ::n_targets].T if n_here > 1 else chosen[:, :1].T
            progress(part_number * len(layers) + k + 1, total)
        first += n_here
    dims = ("subject", "layer", "run", "target")
    dataset = xr.Dataset(
        {
            "score": (dims, score),
            "validation_score": (dims, validation_score),
            "alpha": (dims[:3], alpha),
        },
        coords={
            "subject": targets.subjects,
            "layer": np.arange(len(layers)),
            "run": np.arange(1, n_runs + 1),
            **targets.labels,
        },
        attrs={
            "model": feature.name,
            "kind": feature.kind,
            "group": feature.group,
            "family": feature.family,
            "n_parameters": reading.n_parameters,
            "n_layers": len(layers) - 1 if feature.is_language_model else 0,
            "width": width,
            "seed": feature.seed,
            "training_step": feature.training_step,
            "bits_per_byte": reading.bits_per_byte,
            "perplexity": reading.perplexity,
        },
    )
    return dataset, notices


def _standardised_runs(
    layer: list[np.ndarray], designs: list[np.ndarray], targets: Targets
) -> tuple[list[np.ndarray], int]:
    from hemiscale.encoding import standardise

    sampled = [
        design @ activations.astype(np.float64)
        for design, activations in zip(designs, layer, strict=True)
    ]
    runs = [sampled[run][scans] for run, scans in targets.slices]
    # Constant up to rounding: a dead unit, or a feature that is the same for all words.
    constant = np.any([np.ptp(x, axis=0) <= 1e-7 * np.abs(x).max(axis=0) for x in runs], axis=0)
    runs = [standardise(x[:, ~constant]).astype(np.float32) for x in runs]
    return runs, int(constant.sum())
