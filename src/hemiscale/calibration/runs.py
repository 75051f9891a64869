"""Simulated studies of one subject: what intervals over runs hold when runs choose for each other.

Layers are chosen by validation, and by the functions that make a study's tables. Scores come from
the simulator (runs share nothing but the choice of layers), or from the engine's own ridge
regression (runs train each other's models as well).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hemiscale.analysis import (
    best_layers,
    interval_over_runs,
    line_over_runs,
    read_published,
    take_layers,
)
from hemiscale.analysis.left_out_runs import without_each_run
from hemiscale.calibration.tally import Tally
from hemiscale.simulation import PlantedLaw, ScoreSimulator

__all__ = ["RUNS", "examine_engine", "examine_runs"]

RUNS = (4, 6, 9)
"""Numbers of runs that are tried."""

_SIDES = ("score", "left", "right", "left − right")
_LAYERS_OF_LAWS = 4
_BRAINS = 4
_LAW = replace(
    PlantedLaw(),
    asymmetry_slope=0.0032,  # as published, of the average subject
    family_sd=0.0,
    model_sd=0.0,
    asymmetry_family_sd=0.0,
    asymmetry_model_sd=0.0,
    listener_sd=0.0,
    listener_asymmetry_sd=0.0,
    listener_slope_sd=0.0,
)
_FLAT = replace(_LAW, slope=0.0, asymmetry_slope=0.0)


class _Chosen(NamedTuple):
    """One model's runs with layers chosen: own values, and the others' mean without each."""

    runs: NDArray[np.float64]
    without: NDArray[np.float64]


def examine_runs(n_runs: int, studies: range, seed: int) -> dict[str, Tally]:
    """Choose the layers of one model whose layers are all equally good, and of 28 models of a law.

    Parameters
    ----------
    n_runs : int
    studies : range
        Their numbers; each study depends on its number and the seed alone.
    seed : int

    Returns
    -------
    dict of {method: Tally}
        Methods whose name begins with "naive" are there to be seen to fail.
    """
    tallies: dict[str, Tally] = defaultdict(Tally)
    for n_layers, alike in ((12, 0.0), (12, 1.5), (48, 0.0)):
        simulator = ScoreSimulator(
            np.full(n_layers, 1e9), ["one"] * n_layers, n_listeners=1, n_runs=n_runs
        )
        label = f"{n_layers} layers{', neighbours alike' if alike else ''}"
        for k in studies:
            study = simulator.study(_FLAT, np.random.default_rng([seed, n_runs, n_layers, k]))
            scores = _more_alike(study.scores[:, 0].astype(np.float64), alike)
            _count_scores(tallies, scores, label)
    _count_laws(tallies, n_runs, studies, seed)
    return dict(tallies)


def examine_engine(n_runs: int, n_studies: int, seed: int) -> dict[str, Tally]:
    """Score ridge regressions on left-out runs with the engine, single layers and chosen ones.

    Runs of 80 scans, 30 features in three equally good layers, 24 voxels, signal and noise
    autocorrelated in time; four brains, that differ in the features' weights, have equal shares of
    the studies. What is planted is the score that a brain gives on average over recordings.

    Parameters
    ----------
    n_runs, n_studies, seed : int

    Returns
    -------
    dict of {method: Tally}
    """
    generator = np.random.default_rng([seed, n_runs])
    tallies: dict[str, Tally] = defaultdict(Tally)
    for share in np.array_split(np.arange(n_studies), _BRAINS):
        weights = generator.normal(size=(30, 24)) / np.sqrt(30)
        chosen: dict[str, list[_Chosen]] = {"one layer": [], "three layers": []}
        for _ in share:
            score, validation = _fitted(weights, n_runs, generator)
            chosen["one layer"].append(_choose(score[:1], validation[:1]))
            chosen["three layers"].append(_choose(score, validation))
        for label, found in chosen.items():
            if not found:
                continue
            planted = np.mean([one.runs for one in found], axis=(0, 1))
            for one in found:
                _count_sides(tallies, one, planted, label)
    return dict(tallies)


def _fitted(
    weights: NDArray[np.float64], n_runs: int, generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Test and validation scores, (n_layers, n_runs, n_targets), of one recording."""
    from hemiscale.encoding import fit_runs, standardise
    from hemiscale.simulation.noise import autoregressive

    def course(n: int, autocorrelation: float) -> NDArray[np.float64]:
        white = generator.normal(size=(80, n)).astype(np.float32)
        return autoregressive(white, autocorrelation).astype(np.float64)

    layers: list[list[NDArray[np.float32]]] = [[], [], []]
    targets = []
    for _ in range(n_runs):
        x = course(30, 0.5)
        y = 0.4 * x @ weights + course(24, 0.4)
        targets.append(standardise(y).astype(np.float32))
        for layer in layers:
            layer.append(standardise(0.8 * x + 0.6 * course(30, 0.5)).astype(np.float32))
    fits = [fit_runs(layer, targets, validation="all") for layer in layers]
    return np.stack([fit.scores for fit in fits]), np.stack([fit.validation_mean for fit in fits])


def _count_scores(tallies: dict[str, Tally], scores: NDArray[np.float64], label: str) -> None:
    validation = _of_other_runs(scores)
    chosen = _choose(scores, validation)
    planted = np.array([_FLAT.score, _FLAT.score, _FLAT.score, 0.0])
    _count_sides(tallies, chosen, planted, label)
    best = best_layers(scores.mean(axis=1))
    i = interval_over_runs(
        take_layers(scores, np.broadcast_to(best, scores.shape[1:])).mean(axis=1)
    )
    tallies[f"naive: score, {label}, chosen by test"].add(
        float(i.estimate), float(i.low), float(i.high), _FLAT.score
    )


def _count_sides(
    tallies: dict[str, Tally], chosen: _Chosen, planted: NDArray[np.float64], label: str
) -> None:
    nested = interval_over_runs(chosen.runs, chosen.without)
    student = interval_over_runs(chosen.runs)
    for k, side in enumerate(_SIDES):
        for name, i in (
            (f"{side}, {label}", nested),
            (f"naive: {side}, {label}, runs as independent", student),
        ):
            tallies[name].add(
                float(i.estimate[k]), float(i.low[k]), float(i.high[k]), float(planted[k])
            )


def _count_laws(tallies: dict[str, Tally], n_runs: int, studies: range, seed: int) -> None:
    """Fit the laws of 28 models of the published sizes, each with layers that are equally good."""
    sizes = read_published().models["n_parameters"].to_numpy(float)
    x = np.log(sizes)
    repeated = np.repeat(sizes, _LAYERS_OF_LAWS)
    simulator = ScoreSimulator(repeated, ["one"] * len(repeated), n_listeners=1, n_runs=n_runs)
    for k in studies:
        study = simulator.study(_LAW, np.random.default_rng([seed, n_runs, k]))
        scores = study.scores[:, 0].astype(np.float64)
        models = scores.reshape(len(sizes), _LAYERS_OF_LAWS, *scores.shape[1:])
        chosen = [_choose(one, _of_other_runs(one)) for one in models]
        runs = np.stack([one.runs for one in chosen])
        without = np.stack([one.without for one in chosen])
        independent = _of_other_runs(runs)
        for side, column, planted in (
            ("score", 0, _LAW.slope),
            ("left − right", 3, _LAW.asymmetry_slope),
        ):
            for name, others in (
                (f"slope of {side}, 28 models", without),
                (f"naive: slope of {side}, 28 models, runs as independent", independent),
            ):
                line = line_over_runs(x, runs[..., column], others[..., column])
                slope = float(np.polyfit(x, runs[..., column].mean(axis=1), 1)[0])
                low, high = line["slope_over_runs_low"], line["slope_over_runs_high"]
                tallies[name].add(slope, low, high, planted)
                if column == 3:
                    name = name.replace("slope of left − right", "crossing of left − right")
                    bounds = line["crossing_over_runs_low"], line["crossing_over_runs_high"]
                    tallies[name].add(np.nan, *bounds, float(np.log(_LAW.crossing)))


def _choose(scores: NDArray[np.float64], validation: NDArray[np.float64]) -> _Chosen:
    """Choose each target's layer by validation; reduce to both sides, left, right, their gap."""
    selected = take_layers(scores, best_layers(validation))
    return _Chosen(_sides(selected), without_each_run(scores, validation, _sides, "validation"))


def _sides(maps: NDArray[np.floating]) -> NDArray[np.float64]:
    """Means over targets: all, the left (first) half, the right one, and left minus right."""
    half = maps.shape[-1] // 2
    left, right = maps[..., :half].mean(axis=-1), maps[..., half:].mean(axis=-1)
    return np.stack([(left + right) / 2, left, right, left - right], axis=-1)


def _of_other_runs(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the other runs, (first axis, n_runs, ...): runs that share no training data."""
    return (scores.sum(axis=1, keepdims=True) - scores) / (scores.shape[1] - 1)


def _more_alike(scores: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Make neighbouring layers score alike, with as much chance in each as before."""
    if width == 0:
        return scores
    layers = np.arange(len(scores))
    weights = np.exp(-((layers[:, None] - layers) ** 2) / (2 * width**2))
    weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))
    mean = scores.mean(axis=0)
    return mean + np.tensordot(weights, scores - mean, axes=1)
