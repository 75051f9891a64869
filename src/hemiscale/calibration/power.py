"""Power: how many models, runs and listeners it takes to see a slope of left minus right.

The noise of a mean over voxels, and how much of it models share, is measured on simulated brains;
studies are then drawn as means, and tested with the test over families and listeners at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hemiscale.analysis import read_published
from hemiscale.analysis.crossed import line_over_families_and_listeners
from hemiscale.simulation import PlantedLaw, ScoreSimulator

__all__ = ["power_table"]

_SLOPES = (0.0, 0.0005, 0.001, 0.002)
_MODELS = (8, 16, 28)
_RUNS = (3, 9)
_LISTENERS = (10, 25, 50)


@dataclass(frozen=True)
class _Noise:
    """Standard deviations of left minus right of one run: parts that models, listeners share."""

    story: float
    recording: float
    rest: float


def power_table(n_studies: int, seed: int) -> list[dict[str, Any]]:
    """Share of simulated studies in which left minus right is seen to grow.

    Parameters
    ----------
    n_studies, seed : int

    Returns
    -------
    list of dict
        ``models, families, runs, listeners, slope_per_tenfold, power, error`` (percent).
    """
    table = read_published().models
    sizes, families = table["n_parameters"].to_numpy(float), [str(f) for f in table["family"]]
    noise = _measured(sizes, families, seed)
    law = PlantedLaw()
    rows = []
    for n_models in _MODELS:
        take = _spread(sizes, n_models)
        x = np.log(sizes[take])
        names = [families[k] for k in take]
        groups = np.unique(names, return_inverse=True)[1]
        for n_runs in _RUNS:
            for n_listeners in _LISTENERS:
                for per_tenfold in _SLOPES:
                    generator = np.random.default_rng([seed, n_models, n_runs, n_listeners])
                    yes = sum(
                        _seen(
                            law,
                            noise,
                            x,
                            groups,
                            names,
                            n_runs,
                            n_listeners,
                            per_tenfold,
                            generator,
                        )
                        for _ in range(n_studies)
                    )
                    share = yes / n_studies
                    rows.append(
                        {
                            "models": n_models,
                            "families": len(set(names)),
                            "runs": n_runs,
                            "listeners": n_listeners,
                            "slope_per_tenfold": per_tenfold * float(np.log(10)),
                            "power": 100 * share,
                            "error": 100 * float(np.sqrt(share * (1 - share) / n_studies)),
                        }
                    )
    return rows


def _seen(
    law: PlantedLaw,
    noise: _Noise,
    x: np.ndarray,
    groups: np.ndarray,
    names: list[str],
    n_runs: int,
    n_listeners: int,
    slope: float,
    generator: np.random.Generator,
) -> bool:
    """Draw one study as means over voxels and runs, and test it."""
    centred = x - x.mean()
    n_models, n_families = len(x), int(groups.max()) + 1
    of_families = generator.normal(size=n_families) * law.asymmetry_family_sd
    models = slope * centred + of_families[groups]
    models = models + generator.normal(size=n_models) * law.asymmetry_model_sd
    models = models + generator.normal(size=n_models) * noise.story / np.sqrt(n_runs)
    listeners = generator.normal(size=n_listeners) * law.listener_asymmetry_sd
    listeners = listeners + generator.normal(size=n_listeners) * noise.recording / np.sqrt(n_runs)
    growing = generator.normal(size=n_listeners) * law.listener_slope_sd
    rest = generator.normal(size=(n_models, n_listeners)) * noise.rest / np.sqrt(n_runs)
    scores = models[:, None] + listeners + np.outer(centred, growing) + rest
    line = line_over_families_and_listeners(x, scores, names)
    return line is not None and line.slope_low > 0


def _measured(sizes: np.ndarray, families: list[str], seed: int) -> _Noise:
    """Split the noise of left minus right, mean over voxels, into its three parts."""
    simulator = ScoreSimulator(sizes, families, n_runs=1)
    left, right = simulator.homologues
    law = PlantedLaw()
    parts = []
    for k in range(40):
        study = simulator.study(law, np.random.default_rng([seed, 99, k]))
        seen = (study.scores[..., left] - study.scores[..., right]).mean(axis=(2, 3))
        off = seen.astype(np.float64) - study.asymmetry_of_listeners
        recording = off.mean(axis=0)  # shared by models
        story = (off - recording).mean(axis=1)  # shared by listeners
        rest = off - recording - story[:, None]
        n_listeners = off.shape[1]
        parts.append([story.var(), recording.var(), rest.var() * n_listeners / (n_listeners - 1)])
    story, recording, rest = np.sqrt(np.mean(parts, axis=0))
    return _Noise(float(story), float(recording), float(rest))


def _spread(sizes: np.ndarray, n_models: int) -> np.ndarray:
    """Take models evenly over the order of sizes."""
    order = np.argsort(sizes, kind="stable")
    return np.sort(order[np.round(np.linspace(0, len(sizes) - 1, n_models)).astype(int)])
