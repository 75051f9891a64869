"""What ridge regression can find of a planted law: the same brain, recorded again and again.

Ridge on noisy scans stays below the planted fits, and not by the same share everywhere: what a
large model alone knows is spread over many features and is harder to learn than what all models
know. So left minus right of scores is not quite left minus right of fits. What is to be expected
of a recording is therefore measured on other recordings of the same brain, with other noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemiscale.simulation.bold import SimulatedBrain
from hemiscale.simulation.noise import SmoothNoise

__all__ = ["attainable_scores"]

_OTHER = 1_000_003  # seeds of recordings that no study sees


def attainable_scores(
    brain: SimulatedBrain,
    features: Mapping[str, Sequence[ArrayLike]],
    coordinates: ArrayLike,
    pairs: ArrayLike,
    *,
    n_draws: int = 3,
    trim: int = 10,
    high_pass: float = 128.0,
) -> NDArray[np.float64]:
    """Measure the scores that recordings of a planned brain lead to, on the average subject.

    Parameters
    ----------
    brain : SimulatedBrain
    features : mapping of {model: list over runs of (n_scans_r, n_features) arrays}
        As the brain was made from.
    coordinates : (n_voxels, 3) array
        As the brain was made from, mm.
    pairs : (n_pairs,) int array
        Which of the brain's pairs of homologous voxels to take; they should be a fair sample of
        all, because one penalty is chosen for all of them.
    n_draws : int
        Recordings to average over, of all listeners. Their noise is not smooth in space: that
        changes no expected value, and more is learnt from each.
    trim : int
        Scans to drop at both ends of each run.
    high_pass : float
        Seconds.

    Returns
    -------
    (n_models, 2 * n_pairs) array
        Pearson r, mean over runs and draws; voxels on the left, then those on the right.
    """
    from hemiscale.brain import average_subject, clean_time_courses
    from hemiscale.encoding import TargetBank, fit_runs, standardise

    chosen = np.asarray(pairs, dtype=np.int64)
    n_pairs = len(chosen)
    voxels = np.concatenate([side[chosen] for side in brain.homologues])
    places = np.asarray(coordinates, dtype=np.float64)[voxels]
    inputs = {}
    for name in brain.models:
        runs = [np.asarray(x, dtype=np.float64)[trim:-trim] for x in features[name]]
        varies = np.all([np.ptp(x, axis=0) > 1e-7 * np.abs(x).max(axis=0) for x in runs], axis=0)
        inputs[name] = [standardise(x[:, varies]).astype(np.float32) for x in runs]
    total = np.zeros((len(brain.models), len(voxels)))
    for draw in range(n_draws):
        again = replace(
            brain,
            wanted=brain.wanted[:, voxels],
            planted=brain.planted[:, voxels],
            signal_share=brain.signal_share[voxels],
            loadings=brain.loadings[:, voxels],
            unknown=brain.unknown[voxels],
            homologues=(np.arange(n_pairs), n_pairs + np.arange(n_pairs)),
            noise=SmoothNoise(places, fwhm=0.0, autocorrelation=brain.noise.autocorrelation),
            seed=brain.seed + _OTHER * (draw + 1),
        )
        averages = []
        for run in range(brain.n_runs):
            shared = again.signal(run)
            listeners = (
                clean_time_courses(
                    again.bold(listener, run, signal=shared),
                    brain.t_r,
                    high_pass=high_pass,
                    drift="butterworth",
                )
                for listener in range(brain.n_listeners)
            )
            averages.append(average_subject(listeners)[trim:-trim].astype(np.float32))
        bank = TargetBank(averages)
        for k, name in enumerate(brain.models):
            total[k] += fit_runs(inputs[name], bank).mean
    return total / n_draws
