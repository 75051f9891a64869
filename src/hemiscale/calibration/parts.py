"""Scores of simulated studies: layer choice, voxels, and runs with a real ridge regression."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from hemiscale.analysis import asymmetry, select_layers, voxels_as_independent_test
from hemiscale.analysis.over_runs import interval_over_runs
from hemiscale.calibration.tally import Tally
from hemiscale.simulation import PlantedLaw, ScoreSimulator

__all__ = ["examine_layers", "examine_ridge", "examine_voxels"]

_FLAT = replace(
    PlantedLaw(),
    slope=0.0,
    asymmetry_slope=0.0,
    family_sd=0.0,
    model_sd=0.0,
    asymmetry_family_sd=0.0,
    asymmetry_model_sd=0.0,
)


def examine_layers(studies: range, seed: int) -> dict[str, Tally]:
    """Choose layers of one model, in one subject, whose layers are all equally good.

    Whatever is gained by the choice is not there. 12 and 48 layers, each voxel's own layer; the
    interval is over runs.

    Returns
    -------
    dict of {method: Tally}
    """
    import xarray as xr

    law = replace(_FLAT, listener_sd=0.0, listener_asymmetry_sd=0.0, listener_slope_sd=0.0)
    tallies: dict[str, Tally] = defaultdict(Tally)
    for n_layers in (12, 48):
        simulator = ScoreSimulator(np.full(n_layers, 1e9), ["one"] * n_layers, n_listeners=1)
        for k in studies:
            study = simulator.study(law, np.random.default_rng([seed, n_layers, k]))
            score = study.scores.swapaxes(0, 1).astype(np.float64)  # subject, layer, run, target
            n_runs = score.shape[2]
            validation = (score.sum(axis=2, keepdims=True) - score) / (n_runs - 1)
            dims = ("subject", "layer", "run", "target")
            dataset = xr.Dataset(
                {"score": (dims, score), "validation_score": (dims, validation)},
                coords={"layer": np.arange(n_layers)},
            )
            for how, name in (
                ("validation", "layer by validation"),
                ("test", "naive: layer by test"),
            ):
                chosen = select_layers(dataset, how)["score"].values[0]
                i = interval_over_runs(chosen.mean(axis=1))
                tallies[f"{name}, {n_layers} layers"].add(
                    float(i.estimate), float(i.low), float(i.high), law.score
                )
    return dict(tallies)


def examine_voxels(studies: range, seed: int) -> dict[str, Tally]:
    """Test left minus right of one model where there is none, in no listener.

    Returns
    -------
    dict of {method: Tally}
    """
    law = replace(_FLAT, listener_asymmetry_sd=0.0, listener_slope_sd=0.0)
    simulator = ScoreSimulator([1e9], ["one"])
    tallies: dict[str, Tally] = defaultdict(Tally)
    for k in studies:
        study = simulator.study(law, np.random.default_rng([seed, k]))
        left, right = simulator.homologues
        scores = study.scores[0].astype(np.float64)
        found = asymmetry(scores, (left, right))
        in_story = float(study.asymmetry_in_story[0])
        for name, i, planted in (
            ("left − right, over listeners", found.over_listeners, in_story),
            (
                "naive: left − right, over listeners, read as if for any story",
                found.over_listeners,
                0.0,
            ),
            ("left − right, over runs", found.over_runs, 0.0),
        ):
            if i is not None:
                tallies[name].add(float(i.estimate), float(i.low), float(i.high), planted)
        mean = scores.mean(axis=(0, 1))
        naive = voxels_as_independent_test(mean[left], mean[right])
        # Only the verdict matters: an interval around zero, or not.
        sign = 1.0 if naive.p < 0.05 else -1.0
        width = abs(naive.difference) + 1e-9
        tallies["naive: left − right, t-test over voxels"].add(
            naive.difference,
            naive.difference - width * (1 - 0.5 * (sign > 0)),
            naive.difference + width * (1 - 0.5 * (sign > 0)),
            0.0,
        )
    return dict(tallies)


def examine_ridge(n_studies: int, seed: int) -> dict[str, Tally]:
    """Score a real ridge regression on left-out runs, with the engine itself.

    Scores of different runs share most of their training data. Nine runs of 80 scans, 30 features,
    24 voxels, noise autocorrelated in time; what is planted is the score that this brain gives on
    average over recordings.

    Returns
    -------
    dict of {method: Tally}
    """
    from hemiscale.encoding import fit_runs, standardise

    generator = np.random.default_rng(seed)
    weights = generator.normal(size=(30, 24)) / np.sqrt(30)
    by_run = []
    for _ in range(n_studies):
        features, targets = [], []
        for _ in range(9):
            x = _smooth(generator.normal(size=(80, 30)), 0.5)
            y = x @ weights * 0.4 + _smooth(generator.normal(size=(80, 24)), 0.4)
            features.append(standardise(x).astype(np.float32))
            targets.append(standardise(y).astype(np.float32))
        by_run.append(fit_runs(features, targets).scores.mean(axis=1))
    planted = float(np.mean(by_run))
    tally = Tally()
    for scores in by_run:
        i = interval_over_runs(scores)
        tally.add(float(i.estimate), float(i.low), float(i.high), planted)
    return {"score over runs, with the engine": tally}


def _smooth(white: np.ndarray, autocorrelation: float) -> np.ndarray:
    from hemiscale.simulation.noise import autoregressive

    return autoregressive(white.astype(np.float32), autocorrelation)
