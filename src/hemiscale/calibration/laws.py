"""Laws of simulated studies: do their intervals hold what was planted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from hemiscale.analysis import read_published, scaling_law, slope_over_listeners
from hemiscale.analysis.crossed import line_over_families_and_listeners
from hemiscale.analysis.intervals import interval_over_listeners, t_interval
from hemiscale.analysis.over_runs import interval_over_runs
from hemiscale.calibration.tally import Tally
from hemiscale.simulation import PlantedLaw, ScoreSimulator, SimulatedScores

__all__ = ["SCENARIOS", "examine_laws"]

_PLANTED = PlantedLaw()
_NULL = replace(_PLANTED, asymmetry_slope=0.0)
_FAMILY_SLOPES = {"family_slope_sd": 0.001, "asymmetry_family_slope_sd": 0.0006}

SCENARIOS: dict[str, PlantedLaw] = {
    "planted, families differ in level": _PLANTED,
    "planted, families differ in level and slope": replace(_PLANTED, **_FAMILY_SLOPES),
    "no growth of asymmetry, families differ in level": _NULL,
    "no growth of asymmetry, families differ in level and slope": replace(_NULL, **_FAMILY_SLOPES),
}
"""What is planted in each round of simulated studies."""


def examine_laws(law: PlantedLaw, studies: range, seed: int) -> dict[str, Tally]:
    """Simulate studies of the 28 published sizes and families, and count.

    Parameters
    ----------
    law : PlantedLaw
    studies : range
        Their numbers; each study depends on its number and the seed alone.
    seed : int

    Returns
    -------
    dict of {method: Tally}
        Methods whose name begins with "naive" are there to be seen to fail.
    """
    models = read_published().models
    families = [str(name) for name in models["family"]]
    simulator = ScoreSimulator(models["n_parameters"].to_numpy(float), families)
    tallies: dict[str, Tally] = defaultdict(Tally)
    for k in studies:
        study = simulator.study(law, np.random.default_rng([seed, k]))
        _count_scores(tallies, study, simulator)
        _count_slopes(tallies, study, simulator, families, law)
    return dict(tallies)


def _sides(
    study: SimulatedScores, simulator: ScoreSimulator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    left, right = simulator.homologues
    values = study.scores.astype(np.float64)
    return values[..., left], values[..., right]


def _count_scores(
    tallies: dict[str, Tally], study: SimulatedScores, simulator: ScoreSimulator
) -> None:
    """One model's score and asymmetry: over listeners, and over the runs of one listener."""
    left, right = _sides(study, simulator)
    k = len(left) // 2
    both = (left[k].mean(axis=2) + right[k].mean(axis=2)) / 2  # listeners × runs
    difference = left[k].mean(axis=2) - right[k].mean(axis=2)
    for name, values, planted in (
        ("score of a model, over listeners", both, study.score_in_story[k]),
        ("left − right of a model, over listeners", difference, study.asymmetry_in_story[k]),
        (
            "naive: left − right of a model, over listeners, read as if for any story",
            difference,
            study.asymmetry_of_models[k],
        ),
    ):
        i = interval_over_listeners(values.mean(axis=1))
        tallies[name].add(float(i.estimate), float(i.low), float(i.high), planted)
    i = interval_over_runs(difference[0])
    planted = study.asymmetry_of_listeners[k, 0]
    tallies["left − right of a model and listener, over runs"].add(
        float(i.estimate), float(i.low), float(i.high), planted
    )
    per_pair = (left[k, 0] - right[k, 0]).mean(axis=0)
    i = t_interval(per_pair)
    tallies["naive: left − right of a model and listener, voxels as independent"].add(
        float(i.estimate), float(i.low), float(i.high), planted
    )


def _count_slopes(
    tallies: dict[str, Tally],
    study: SimulatedScores,
    simulator: ScoreSimulator,
    families: list[str],
    law: PlantedLaw,
) -> None:
    left, right = _sides(study, simulator)
    x = simulator.log_size
    centred = x - x.mean()
    pairs = (left - right).mean(axis=(1, 2))  # models × pairs, mean over listeners and runs
    by_listener = (left - right).mean(axis=(2, 3))
    score = ((left + right) / 2).mean(axis=(1, 2, 3))
    mean = by_listener.mean(axis=1)
    # What these listeners would show with all models there could be, in all recordings there could
    # be. Noise of these recordings is alike for all models: it hardly tilts a line but moves it up
    # or down, so that where it crosses is a question about these recordings.
    theirs, level = study.slope_of_listeners.mean(), study.level_of_listeners.mean()
    given_models = float(centred @ study.asymmetry_in_story / (centred @ centred))

    fitted = scaling_law(np.exp(x), mean, family=families, n_resamples=2000)
    of_score = scaling_law(np.exp(x), score, family=families, n_resamples=2000)
    effect, score_effect = fitted.families, of_score.families
    if effect is None or score_effect is None:
        raise ValueError("the published families are enough to be told apart")
    planted_slope = law.slope * study.gain  # these listeners score higher or lower throughout
    for name, view in (
        ("slope of score, over families", score_effect.robust),
        ("slope of score, families resampled", score_effect.bootstrap),
        ("slope of score, random family", score_effect.mixed),
    ):
        tallies[name].add(of_score.slope, view.slope_low, view.slope_high, planted_slope)
    name = "naive: slope of score, models as independent"
    tallies[name].add(of_score.slope, of_score.slope_low, of_score.slope_high, planted_slope)
    for name, view in (
        ("slope of left − right, over families", effect.robust),
        ("slope of left − right, families resampled", effect.bootstrap),
        ("slope of left − right, random family", effect.mixed),
    ):
        tallies[name].add(fitted.slope, view.slope_low, view.slope_high, theirs)
    tallies["naive: slope of left − right, models as independent"].add(
        fitted.slope, fitted.slope_low, fitted.slope_high, theirs
    )
    own = slope_over_listeners(x, by_listener)
    tallies["slope of left − right, over listeners, models given"].add(
        own["slope_over_listeners"],
        own["slope_over_listeners_low"],
        own["slope_over_listeners_high"],
        given_models,
    )
    line = line_over_families_and_listeners(x, by_listener, families)
    if line is not None:
        tallies["slope of left − right, over families and listeners"].add(
            line.slope, line.slope_low, line.slope_high, law.asymmetry_slope
        )
    slopes = centred @ pairs / (centred @ centred)
    half = stats.t.ppf(0.975, len(slopes) - 1) * slopes.std(ddof=1) / np.sqrt(len(slopes))
    tallies["naive: slope of left − right, voxels as independent"].add(
        slopes.mean(), slopes.mean() - half, slopes.mean() + half, law.asymmetry_slope
    )
    if law.asymmetry_slope != 0:
        planted = _crossing_of(x, study.slope_in_recordings, study.level_in_recordings)
        with np.errstate(divide="ignore"):
            crossing = float(np.log(fitted.zero_crossing))
            plain = np.log([fitted.zero_crossing_low, fitted.zero_crossing_high])
            bounds = {
                name: np.log([found.crossing_low, found.crossing_high])
                for name, found in (
                    ("crossing, over families", effect.robust),
                    ("crossing, families resampled", effect.bootstrap),
                )
            }
        bounds["naive: crossing, models as independent"] = plain
        for name, (low, high) in bounds.items():
            tallies[name].add(crossing, float(low), float(high), planted)
        low, high = bounds["crossing, over families"]
        tallies["naive: crossing, over families, read as if for any recording"].add(
            crossing, float(low), float(high), _crossing_of(x, theirs, level)
        )
        if line is not None:
            tallies["crossing, over families and listeners"].add(
                line.crossing, line.crossing_low, line.crossing_high, np.log(law.crossing)
            )


def _crossing_of(x: NDArray[np.float64], slope: float, level: float) -> float:
    """Log size at which a line of this slope, and of this height at the mean of x, is zero."""
    return float(x.mean() - level / slope) if slope > 0 else float("nan")
