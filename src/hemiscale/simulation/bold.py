"""Recordings of listeners whose brains follow a planted law. Simulated data, never to be published.

The signal of a voxel is shared by all listeners: a mixture of projections of the models' features,
such that larger models fit it better, in chosen regions the more so on the left, and a part that no
model knows. Every listener adds noise, smooth in space and time, and drifts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemiscale.simulation.noise import SmoothNoise, drifts
from hemiscale.simulation.planting import (
    language_weights,
    predictable_shares,
    projections,
    solve_mixture,
)

__all__ = ["SimulatedBrain", "SimulatedRun", "simulate_bold"]

# What the streams of random numbers are for: each has its own, so that none depends on another.
_PROJECTIONS, _LOADINGS, _UNKNOWN, _LISTENER, _RUN = range(5)


@dataclass(frozen=True)
class SimulatedRun:
    """One run of one listener.

    Attributes
    ----------
    listener, run : int
        From 0.
    bold : (n_scans, n_voxels) float32 array
        Raw signal in arbitrary units around 1,000; voxels in the order of `coordinates`.
    """

    listener: int
    run: int
    bold: NDArray[np.float32]


def simulate_bold(
    features: Mapping[str, Sequence[ArrayLike]],
    sizes: Mapping[str, float],
    coordinates: ArrayLike,
    homologues: Any,
    *,
    n_listeners: int,
    t_r: float,
    seed: int,
    fit: float = 0.45,
    growth: float = 0.03,
    extra_left: float = 0.03,
    crossing: float | None = None,
    growing: ArrayLike | None = None,
    signal_share: ArrayLike | None = None,
    fwhm: float = 8.0,
    autocorrelation: float = 0.4,
    drift: float = 1.0,
    n_latents: int = 8,
) -> SimulatedBrain:
    """Plan a brain in which a law is planted; its runs are made when they are asked for.

    The planted fit of model m in voxel v (the correlation of its best prediction with the
    voxel's noise-free signal) is

        fit + growth * (log size_m - mean log size)
            ± extra_left / 2 * growing_v * (log size_m - log crossing)

    with + on the left and - on the right: left minus right grows by ``extra_left * growing_v`` per
    e-fold and is zero at `crossing`. Models share much of what they know, so not every law can be
    reached: `SimulatedBrain.planted` holds what is really in the data.

    Parameters
    ----------
    features : mapping of {model: list over runs of (n_scans_r, n_features) arrays}
        Design @ activations of one layer of each model, all scans of each recorded run, not
        standardised.
    sizes : mapping of {model: number of parameters}
    coordinates : (n_voxels, 3) array
        Places in mm, x from left to right.
    homologues : object with `left` and `right`
        As `hemiscale.brain.homologous_voxels`: entry k of one mirrors entry k of the other. Voxels
        in neither are on the midline.
    n_listeners : int
    t_r : float
        Seconds.
    seed : int
        The same seed gives the same recordings, whichever of them are asked for, in any order.
    fit : float
        Planted fit of a model of mean log size, both sides.
    growth : float
        How much it grows per e-fold of size, everywhere.
    extra_left : float
        How much faster left minus right grows per e-fold where `growing` is 1; 0 plants none.
    crossing : float, optional
        Size at which left and right are fitted equally well; by default the mean log size.
    growing : (n_voxels,) array, optional
        0 to 1: where left minus right grows. Should be symmetric. By default bumps over temporal
        and inferior frontal places.
    signal_share : (n_voxels,) array, optional
        Share of the variance of one listener's clean signal that all listeners share, 0 to below
        1. By default .06 at the bumps' peaks and .005 far away, the same on both sides: the average
        of 49 listeners then has about the ceiling of recordings of Le Petit Prince.
    fwhm, autocorrelation : float
        Of the noise, in mm and between neighbouring scans.
    drift : float
        Standard deviation of the drifts, in units of the noise's.
    n_latents : int
        Random directions per model.

    Returns
    -------
    SimulatedBrain

    Raises
    ------
    ValueError
        If shapes do not fit each other.

    Examples
    --------
    >>> brain = simulate_bold(
    ...     features, sizes, coordinates, homologues, n_listeners=49, t_r=2, seed=0
    ... )  # doctest: +SKIP
    >>> for run in brain:  # run by run, listener by listener  # doctest: +SKIP
    ...     save(run.listener, run.run, run.bold)
    """
    names = list(features)
    places = np.asarray(coordinates, dtype=np.float64)
    n_voxels = len(places)
    runs = _standardised(features)
    if set(sizes) != set(names):
        raise ValueError(f"sizes are of {sorted(sizes)}, features of {sorted(names)}")
    if any(value <= 0 for value in sizes.values()):
        raise ValueError("sizes must be positive")
    left, right = (np.asarray(side, dtype=np.int64) for side in (homologues.left, homologues.right))
    bumps = language_weights(places)
    where = bumps if growing is None else np.asarray(growing, dtype=np.float64)
    share = 0.005 + 0.055 * bumps if signal_share is None else np.asarray(signal_share, float)
    for name, values in (("growing", where), ("signal_share", share)):
        if values.shape != (n_voxels,):
            raise ValueError(f"{name} must be ({n_voxels},), got {values.shape}")
    if np.any((share < 0) | (share >= 1)):
        raise ValueError("signal_share must be from 0 to below 1")

    side = np.zeros(n_voxels)
    side[left], side[right] = 1.0, -1.0
    x = np.log([sizes[name] for name in names])
    zero = x.mean() if crossing is None else np.log(crossing)
    fits = (fit + growth * (x - x.mean()))[:, None] + np.outer(
        x - zero, extra_left / 2 * side * where
    )
    latents = [
        projections(runs[name], n_latents, np.random.default_rng([seed, _PROJECTIONS, k]))
        for k, name in enumerate(names)
    ]
    mixture, reached = solve_mixture(
        predictable_shares([runs[name] for name in names], latents), np.clip(fits, 0.0, 0.95)
    )
    return SimulatedBrain(
        models=tuple(names),
        sizes=np.array([sizes[name] for name in names], dtype=np.float64),
        wanted=fits.astype(np.float32),
        planted=reached.astype(np.float32),
        signal_share=share,
        n_listeners=n_listeners,
        n_runs=len(latents[0]),
        latents=[
            np.concatenate([one[r] for one in latents], axis=1) for r in range(len(latents[0]))
        ],
        loadings=_loadings(places, left, right, n_latents, mixture, seed),
        unknown=np.sqrt(np.maximum(1.0 - mixture.sum(axis=0), 0.0)),
        homologues=(left, right),
        noise=SmoothNoise(places, fwhm=fwhm, autocorrelation=autocorrelation),
        drift=drift,
        t_r=t_r,
        seed=seed,
    )


@dataclass(frozen=True)
class SimulatedBrain:
    """A planned brain: what is planted in it, and its recordings on demand.

    Attributes
    ----------
    models : tuple of str
    sizes : (n_models,) array
    wanted, planted : (n_models, n_voxels) float32 arrays
        The law that was asked for, and the fits that are in the data (approximately: the planted
        shares are those of the average projection).
    signal_share : (n_voxels,) array
        Share of one listener's variance that listeners have in common.
    n_listeners, n_runs : int
    latents : list over runs of (n_scans_r, n_models * n_latents) arrays
    loadings : (n_models * n_latents, n_voxels) array
    unknown : (n_voxels,) array
        Standard deviation of the part of the signal that no model knows.
    homologues : (left, right)
    noise : SmoothNoise
    drift, t_r : float
    seed : int
    """

    models: tuple[str, ...]
    sizes: NDArray[np.float64]
    wanted: NDArray[np.float32]
    planted: NDArray[np.float32]
    signal_share: NDArray[np.float64]
    n_listeners: int
    n_runs: int
    latents: list[NDArray[np.float64]]
    loadings: NDArray[np.float32]
    unknown: NDArray[np.float64]
    homologues: tuple[NDArray[np.int64], NDArray[np.int64]]
    noise: SmoothNoise
    drift: float
    t_r: float
    seed: int

    def __iter__(self) -> Iterator[SimulatedRun]:
        """Make all recordings: run by run, and within a run listener by listener."""
        for run in range(self.n_runs):
            shared = self.signal(run)
            for listener in range(self.n_listeners):
                yield SimulatedRun(listener, run, self.bold(listener, run, signal=shared))

    def signal(self, run: int) -> NDArray[np.float32]:
        """Make what all listeners share in a run, free of noise.

        Parameters
        ----------
        run : int
            From 0.

        Returns
        -------
        (n_scans, n_voxels) float32 array
            About unit variance over runs.
        """
        courses = self.latents[run].astype(np.float32) @ self.loadings
        courses *= self._scale
        generator = np.random.default_rng([self.seed, _UNKNOWN, run])
        other = self.noise.time_courses(generator, len(courses))
        # The same on both sides, so that it favours none.
        left, right = self.homologues
        other[:, right] = other[:, left]
        return courses + other * self.unknown.astype(np.float32)

    def bold(
        self, listener: int, run: int, *, signal: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Make one recording.

        Parameters
        ----------
        listener, run : int
            From 0.
        signal : (n_scans, n_voxels) array, optional
            ``self.signal(run)``, where it is at hand already.

        Returns
        -------
        (n_scans, n_voxels) float32 array
            Mean 1,000; noise of standard deviation 10.
        """
        if not 0 <= listener < self.n_listeners:
            raise ValueError(f"listener {listener} of {self.n_listeners}")
        shared = self.signal(run) if signal is None else signal
        # Listeners differ in how much they follow the story.
        attention = np.random.default_rng([self.seed, _LISTENER, listener]).lognormal(-0.02, 0.2)
        generator = np.random.default_rng([self.seed, _RUN, run, listener])
        gain = attention * np.sqrt(self.signal_share / (1 - self.signal_share))
        recorded: NDArray[np.float32] = self.noise.time_courses(generator, len(shared))
        recorded += shared * gain.astype(np.float32)
        if self.drift > 0:
            courses = drifts(len(shared), self.t_r)
            maps = self.noise.maps(generator, len(courses))
            recorded += courses.T @ maps * np.float32(self.drift / np.sqrt(len(courses)))
        return recorded * np.float32(10.0) + np.float32(1000.0)

    def expected_scores(self, n_listeners: int | None = None) -> NDArray[np.float64]:
        """Give the highest scores to be expected of the models on the average of some listeners.

        The planted fit, times the correlation of the noise-free signal with the average. Ridge on
        noisy data of finite length stays below.

        Parameters
        ----------
        n_listeners : int, optional
            1 for an individual; by default all.

        Returns
        -------
        (n_models, n_voxels) array
        """
        n = self.n_listeners if n_listeners is None else n_listeners
        share = n * self.signal_share / (1 + (n - 1) * self.signal_share)
        return self.planted.astype(np.float64) * np.sqrt(share)

    @cached_property
    def _scale(self) -> NDArray[np.float32]:
        """Brings each voxel's mixture to its planned variance, over all runs."""
        gram = sum(run.T @ run for run in self.latents) / sum(len(run) for run in self.latents)
        loadings = self.loadings.astype(np.float64)
        variance = np.einsum("kv,kv->v", loadings, gram @ loadings)
        planned = 1.0 - self.unknown**2
        return np.sqrt(planned / np.maximum(variance, 1e-12)).astype(np.float32)


def _standardised(
    features: Mapping[str, Sequence[ArrayLike]],
) -> dict[str, list[NDArray[np.float64]]]:
    """Standardise each model's runs, features that are constant in some run left out."""
    from hemiscale.encoding import standardise

    found: dict[str, list[NDArray[np.float64]]] = {}
    lengths: set[tuple[int, ...]] = set()
    for name, given in features.items():
        runs = [np.asarray(run, dtype=np.float64) for run in given]
        if not runs or any(run.ndim != 2 or run.shape[1] != runs[0].shape[1] for run in runs):
            raise ValueError(f"{name}: features must be a list over runs of (scans, features)")
        varies = np.all([np.ptp(r, axis=0) > 1e-7 * np.abs(r).max(axis=0) for r in runs], axis=0)
        if not varies.any():
            raise ValueError(f"{name}: no feature changes in every run")
        found[name] = [standardise(run[:, varies]) for run in runs]
        lengths.add(tuple(len(run) for run in runs))
    if len(lengths) != 1:
        raise ValueError(f"all models need the same scans in every run, got {sorted(lengths)}")
    if len(next(iter(lengths))) < 3:
        raise ValueError("at least three runs are needed to see what models predict of each other")
    return found


def _loadings(
    places: NDArray[np.float64],
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    n_latents: int,
    mixture: NDArray[np.float64],
    seed: int,
) -> NDArray[np.float32]:
    """How much of each projection each voxel takes: smooth maps, the same on both sides."""
    smooth = SmoothNoise(places, fwhm=12.0, autocorrelation=0.0)
    maps = smooth.maps(np.random.default_rng([seed, _LOADINGS]), n_latents).astype(np.float64)
    maps[:, right] = maps[:, left]
    maps /= np.maximum(np.sqrt((maps**2).sum(axis=0)), 1e-12)
    weights = np.sqrt(mixture)[:, None, :] * maps
    return weights.reshape(-1, len(places)).astype(np.float32)
