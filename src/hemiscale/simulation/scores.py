"""Scores of simulated studies, thousands of them: for calibration and power. Simulated data.

The brain's side is made scan by scan: a signal that listeners share, smooth in space and
autocorrelated in time, and each listener's noise, likewise. A model's prediction is the signal plus
an error of its own; its correlation with each listener's noise and with the signal is drawn from
its distribution over courses of that autocorrelation (a Gaussian field as smooth in space as the
product of the two), which spares time courses for every model and voxel. What models share in a
real study they share here: the signal, the listeners' noise, the runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemiscale.simulation.noise import SmoothNoise, autoregressive

__all__ = ["PlantedLaw", "ScoreSimulator", "SimulatedScores"]

_SIGNAL_AR, _NOISE_AR, _ERROR_AR = 0.5, 0.4, 0.5


@dataclass(frozen=True)
class PlantedLaw:
    """What is planted; in units of the score (r), sizes by their natural logarithm.

    The defaults follow the 28 published models on reliable voxels, scaled to individuals: slopes,
    crossing, and families that differ about as much as the scores within them scatter.

    Attributes
    ----------
    score : float
        Of a model of mean log size, both sides, over all listeners there could be.
    slope : float
        Of the score per e-fold.
    asymmetry_slope : float
        Of left minus right per e-fold.
    crossing : float
        Size at which left minus right is zero.
    family_sd, model_sd : float
        Of the score between families, and between models of one family.
    family_slope_sd : float
        Of the score's slope between families.
    asymmetry_family_sd, asymmetry_model_sd, asymmetry_family_slope_sd : float
        The same of left minus right.
    listener_sd : float
        Between listeners, of how much their signal stands out, relative to its mean.
    listener_asymmetry_sd, listener_slope_sd : float
        Between listeners, of left minus right and of its slope.
    """

    score: float = 0.15
    slope: float = 0.004
    asymmetry_slope: float = 0.0011
    crossing: float = 97e6
    family_sd: float = 0.002
    model_sd: float = 0.0015
    family_slope_sd: float = 0.0
    asymmetry_family_sd: float = 0.0012
    asymmetry_model_sd: float = 0.0008
    asymmetry_family_slope_sd: float = 0.0
    listener_sd: float = 0.2
    listener_asymmetry_sd: float = 0.006
    listener_slope_sd: float = 0.0005


@dataclass(frozen=True)
class SimulatedScores:
    """Scores of one simulated study.

    Attributes
    ----------
    scores : (n_models, n_listeners, n_runs, n_targets) float32 array
        Left voxels first, then their mirrors.
    score_of_models : (n_models,) array
        What each model would score over all listeners there could be, both sides.
    asymmetry_of_models : (n_models,) array
        The same of left minus right.
    asymmetry_of_listeners : (n_models, n_listeners) array
        Left minus right of these models and these listeners without noise.
    score_in_story, asymmetry_in_story : (n_models,) arrays
        What each model would score over all listeners there could be *to these very runs*: its
        errors happen to go with the signal here, or against it, for all of them.
    gain : float
        How far the signal of these listeners stands out, relative to all there could be.
    slope_of_listeners, level_of_listeners : (n_listeners,) arrays
        Each listener's line of left minus right over all models there could be: per e-fold, and its
        height at the mean log size.
    slope_in_recordings, level_in_recordings : float
        The mean of these lines *in these very recordings*: noise of the recordings goes with the
        signal by chance, for all models alike, so that no number of models averages it out.
    """

    scores: NDArray[np.float32]
    score_of_models: NDArray[np.float64]
    asymmetry_of_models: NDArray[np.float64]
    asymmetry_of_listeners: NDArray[np.float64]
    score_in_story: NDArray[np.float64]
    asymmetry_in_story: NDArray[np.float64]
    gain: float
    slope_of_listeners: NDArray[np.float64]
    level_of_listeners: NDArray[np.float64]
    slope_in_recordings: float
    level_in_recordings: float


class ScoreSimulator:
    """Makes the scores of studies of one shape.

    Parameters
    ----------
    sizes : (n_models,) array
    families : sequence of str, (n_models,)
    n_listeners, n_runs, n_scans : int
        Scans per run.
    n_pairs : int
        Homologous pairs of voxels, 8 mm apart on a grid; rounded up to a box.
    fwhm : float
        Smoothness of the noise, mm.
    signal : float
        Correlation of one listener's recording with the signal, on average.
    """

    def __init__(
        self,
        sizes: ArrayLike,
        families: Sequence[str],
        *,
        n_listeners: int = 12,
        n_runs: int = 9,
        n_scans: int = 300,
        n_pairs: int = 36,
        fwhm: float = 12.0,
        signal: float = 0.3,
    ) -> None:
        self.log_size = np.log(np.asarray(sizes, dtype=np.float64))
        self.groups = np.unique([str(name) for name in families], return_inverse=True)[1]
        if self.log_size.shape != self.groups.shape:
            raise ValueError("one family per size is needed")
        self.n_listeners, self.n_runs, self.n_scans = n_listeners, n_runs, n_scans
        self.signal = signal
        places = _box(n_pairs)
        self.n_pairs = len(places)
        both = np.vstack([places * [-1, 1, 1], places])
        self._courses = SmoothNoise(both, fwhm=fwhm, autocorrelation=_NOISE_AR)
        # Two Gaussian fields multiplied: their correlations multiply, and fall √2 as fast.
        self._products = SmoothNoise(both, fwhm=fwhm / np.sqrt(2), autocorrelation=0.0)

    @property
    def homologues(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions of left and right voxels among the targets."""
        left = np.arange(self.n_pairs)
        return left, left + self.n_pairs

    def study(self, law: PlantedLaw, generator: np.random.Generator) -> SimulatedScores:
        """Simulate one study: new families, models, listeners and noise.

        Parameters
        ----------
        law : PlantedLaw
        generator : numpy Generator

        Returns
        -------
        SimulatedScores
        """
        x, n_models = self.log_size, len(self.log_size)
        n_families = int(self.groups.max()) + 1
        centred = x - x.mean()
        level, slope, asymmetry, steeper = generator.normal(size=(4, n_families))[:, self.groups]
        own, own_asymmetry = generator.normal(size=(2, n_models))
        score = law.score + (law.slope + law.family_slope_sd * slope) * centred
        score = score + law.family_sd * level + law.model_sd * own
        difference = law.asymmetry_slope * (x - np.log(law.crossing))
        difference = difference + law.asymmetry_family_slope_sd * steeper * centred
        difference = difference + law.asymmetry_family_sd * asymmetry
        difference = difference + law.asymmetry_model_sd * own_asymmetry

        n = self.n_listeners
        gains = self.signal * np.exp(
            generator.normal(-(law.listener_sd**2) / 2, law.listener_sd, size=n)
        )
        theirs = law.listener_asymmetry_sd * generator.normal(size=n)
        growing = law.listener_slope_sd * generator.normal(size=n)
        relative = gains / self.signal
        of_listeners = difference[:, None] * relative + theirs + growing * centred[:, None]
        # What model m should score in listener l on either side, and the fit that makes it so.
        sides = np.array([0.5, -0.5])
        expected = score[:, None, None] * relative[:, None] + of_listeners[..., None] * sides
        fits = np.clip(expected / gains[:, None], 0.0, 0.99)
        typical = score[:, None] + difference[:, None] * sides
        typical = np.clip(typical / self.signal, 0.0, 0.99)
        runs = [self._run(fits, typical, gains, generator) for _ in range(self.n_runs)]
        in_story = np.mean([story for _, story, _ in runs], axis=0)
        # Lines of all models there could be, and the share of the signal that recordings show.
        slopes = law.asymmetry_slope * relative + growing
        levels = law.asymmetry_slope * (x.mean() - np.log(law.crossing)) * relative + theirs
        shown = np.mean([alike for _, _, alike in runs], axis=0) / gains[:, None]

        def in_recordings(both: float, apart: NDArray[np.float64]) -> float:
            """Left minus right of a height or slope: of both sides, and of their gap."""
            left, right = both * relative + apart / 2, both * relative - apart / 2
            return float((left * shown[:, 0] - right * shown[:, 1]).mean())

        return SimulatedScores(
            scores=np.stack([scores for scores, _, _ in runs], axis=2),
            score_of_models=score,
            asymmetry_of_models=difference,
            asymmetry_of_listeners=of_listeners,
            score_in_story=in_story.mean(axis=1),
            asymmetry_in_story=in_story[:, 0] - in_story[:, 1],
            gain=float(relative.mean()),
            slope_of_listeners=slopes,
            level_of_listeners=levels,
            slope_in_recordings=in_recordings(law.slope, slopes),
            level_in_recordings=in_recordings(law.score, levels),
        )

    def _run(
        self,
        fits: NDArray[np.float64],
        typical: NDArray[np.float64],
        gains: NDArray[np.float64],
        generator: np.random.Generator,
    ) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
        """Simulate one run.

        `fits` (models, listeners, 2 sides) and `typical` (models, 2) are correlations of the
        predictions with the signal. Returns the scores (models, listeners, targets), those of a
        typical listener without noise (models, 2), and the correlations of the recordings with the
        signal (listeners, 2).
        """
        n_models, n_listeners = fits.shape[:2]
        n_targets = 2 * self.n_pairs
        white = self._courses.maps(generator, self.n_scans * (1 + n_listeners))
        white = white.reshape(self.n_scans, -1)  # scans × (signal and listeners × voxels)
        signal = _unit(autoregressive(white[:, :n_targets].copy(), _SIGNAL_AR))
        noise = autoregressive(white[:, n_targets:].copy(), _NOISE_AR)
        noise = noise.reshape(self.n_scans, n_listeners, n_targets)
        # Unit variance for both: signal is a sum of squares of one.
        recorded = _unit(
            gains[:, None].astype(np.float32) * signal[:, None] * np.float32(self.n_scans**0.5)
            + np.sqrt(1 - gains[:, None] ** 2).astype(np.float32) * noise
        )
        alike = np.einsum("tv,tlv->lv", signal, recorded)
        with_signal = self._chance(generator, n_models, _SIGNAL_AR)
        with_noise = self._chance(generator, n_models * n_listeners, _NOISE_AR)
        with_noise = with_noise.reshape(n_models, n_listeners, n_targets)
        gain = gains[:, None]
        chance = gain * with_signal[:, None] + np.sqrt(1 - gain**2) * with_noise
        q = np.repeat(fits, self.n_pairs, axis=2)
        with_signal = with_signal[:, None]
        scores = (q * alike + np.sqrt(1 - q**2) * chance) / _length(q, with_signal)
        q = np.repeat(typical, self.n_pairs, axis=1)[:, None]
        quiet = self.signal * (q + np.sqrt(1 - q**2) * with_signal) / _length(q, with_signal)
        by_side = (-1, 2, self.n_pairs)
        return (
            scores.astype(np.float32),
            quiet.reshape(by_side).mean(axis=2),
            alike.reshape(by_side).mean(axis=2).astype(np.float64),
        )

    def _chance(
        self, generator: np.random.Generator, n_maps: int, autocorrelation: float
    ) -> NDArray[np.float32]:
        """Correlations of unrelated courses of a run, (n_maps, n_targets).

        Bartlett (1935): of variance (1 + ab) / (1 - ab) / n for first-order autocorrelations a, b.
        """
        product = autocorrelation * _ERROR_AR
        variance = (1 + product) / (1 - product) / self.n_scans
        return self._products.maps(generator, n_maps) * np.float32(np.sqrt(variance))


def _length(fit: NDArray[np.float64], with_signal: NDArray[np.float32]) -> NDArray[np.float64]:
    """Length of a prediction made of the signal and an error that goes with it by chance."""
    return np.sqrt(np.maximum(1 + 2 * fit * np.sqrt(1 - fit**2) * with_signal, 0.1))


def _unit(courses: NDArray[np.float32]) -> NDArray[np.float32]:
    """Centre courses over scans and give them unit length."""
    centred = courses - courses.mean(axis=0)
    return centred / np.sqrt((centred**2).sum(axis=0))


def _box(n_pairs: int) -> NDArray[np.float64]:
    """Places of right voxels on a box of a grid, 8 mm apart, away from the midline."""
    depth = max(int(np.ceil(n_pairs ** (1 / 3))), 1)
    width = max(int(np.ceil(np.sqrt(n_pairs / depth))), 1)
    height = int(np.ceil(n_pairs / depth / width))
    axes = np.meshgrid(*(np.arange(n) for n in (depth, width, height)), indexing="ij")
    return 8.0 * np.stack([axis.ravel() for axis in axes], axis=1) + [40.0, -40.0, 0.0]
