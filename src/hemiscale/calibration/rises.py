"""Simulated trainings: intervals of the step at half of the rise, and which curve rises first."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hemiscale.analysis import rise_of, rises_before
from hemiscale.analysis.intervals import bootstrap_counts
from hemiscale.analysis.trajectories import SURE_ORDER
from hemiscale.calibration.tally import Tally

__all__ = ["NOISE", "ORDER", "UNITS", "examine_rises"]

NOISE = (0.05, 0.15, 0.3)
"""Standard deviations of a checkpoint's mean over units, as shares of the rise."""
ORDER = "order of two that rise together"
"""Name of the lines that count how often one of two curves is said to rise first."""

_STEPS = 2.0 ** np.arange(12)
_N_DRAWS = 1000


class _Units(NamedTuple):
    n: int
    are_runs: bool = False
    shared: bool = False


UNITS = {
    "3 listeners": _Units(3),
    "6 listeners": _Units(6),
    "12 listeners": _Units(12),
    "27 listeners": _Units(27),
    "49 listeners": _Units(49),
    "6 runs": _Units(6, are_runs=True),
    "9 runs": _Units(9, are_runs=True),
    "6 runs that share": _Units(6, are_runs=True, shared=True),
    "9 runs that share": _Units(9, are_runs=True, shared=True),
}


def examine_rises(studies: range, seed: int) -> dict[str, Tally]:
    """Find the step of two curves that do half of their rise at the same one, and their order.

    Twelve checkpoints, steps 1 to 2,048. The mean curve is a sigmoid in log step, flat or steep,
    with its middle anywhere from the second checkpoint to the last but one. Listeners differ in
    level and in how much they rise. Runs share nothing, or errors as much as the correction of
    Nadeau and Bengio supposes. The steps are counted in doublings, from the planted one.

    Parameters
    ----------
    studies : range
        Their numbers; each study depends on its number and the seed alone.
    seed : int

    Returns
    -------
    dict of {method: Tally}
        Of an order, `without_zero` counts the studies in which one curve is said to rise first.
        Methods whose name begins with "naive" are there to be seen to fail: the first passage of
        the mean curve, with percentiles of the units resampled.
    """
    tallies: dict[str, Tally] = defaultdict(Tally)
    for k in studies:
        for u, (label, units) in enumerate(UNITS.items()):
            for v, noise in enumerate(NOISE):
                generator = np.random.default_rng([seed, k, u, v])
                mean = _mean_curve(generator)
                planted = float(np.log2(rise_of(_STEPS, mean).step))
                one, other = (_curves(mean, units, noise, generator) for _ in range(2))
                name = f"{label}, noise {noise:g}"
                _count(tallies, name, one, other, planted, units.are_runs)
                _count_naive(tallies, f"naive: {name}", one, other, planted)
    return dict(tallies)


def _mean_curve(generator: np.random.Generator) -> NDArray[np.float64]:
    """Give what a training shows without noise: from 0 to 1, (n_steps,)."""
    place = np.log2(_STEPS)
    middle = generator.uniform(place[1], place[-2])
    curve = 1 / (1 + np.exp(-(place - middle) / generator.uniform(0.4, 1.5)))
    return (curve - curve[0]) / (curve[-1] - curve[0])


def _curves(
    mean: NDArray[np.float64], units: _Units, noise: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Scores of each unit at each checkpoint, (n_steps, n_units)."""
    n = units.n
    own = generator.normal(size=(len(mean), n))
    if units.are_runs:
        # Of the variance of a run 1 / n is in all of them: then, of the mean, (2 n - 1) / n².
        share = 1 / n if units.shared else 0.0
        error = np.sqrt(1 - share) * own + np.sqrt(share) * generator.normal(size=(len(mean), 1))
        return mean[:, None] + noise * error / np.sqrt(share + (1 - share) / n)
    gain = np.exp(generator.normal(-0.08, 0.4, n))
    level = generator.normal(0.0, 2.0, n)
    return mean[:, None] * gain + level + noise * np.sqrt(n) * own


def _count(
    tallies: dict[str, Tally],
    name: str,
    one: NDArray[np.float64],
    other: NDArray[np.float64],
    planted: float,
    are_runs: bool,
) -> None:
    a, b = (rise_of(_STEPS, y, n_draws=_N_DRAWS, are_runs=are_runs) for y in (one, other))
    step, low, high = (float(np.log2(found)) - planted for found in (a.step, a.low, a.high))
    tallies[name].add(step, low, high, 0.0)
    _count_order(tallies[f"{name}, {ORDER}"], rises_before(a, b))


def _count_naive(
    tallies: dict[str, Tally],
    name: str,
    one: NDArray[np.float64],
    other: NDArray[np.float64],
    planted: float,
) -> None:
    n = one.shape[1]
    weights = bootstrap_counts(n, _N_DRAWS, 0) / n
    a, b = (_first_passages(np.einsum("bu,su->bs", weights, y)) - planted for y in (one, other))
    step = float(_first_passages(one.mean(axis=1)[None])[0]) - planted
    known = a[np.isfinite(a)]
    low, high = np.quantile(known, [0.025, 0.975]) if known.size else (np.nan, np.nan)
    tallies[name].add(step, float(low), float(high), 0.0)
    both = np.isfinite(a) & np.isfinite(b)
    _count_order(
        tallies[f"{name}, {ORDER}"],
        float(np.mean((a < b)[both] + 0.5 * (a == b)[both])) if both.any() else float("nan"),
    )


def _count_order(tally: Tally, share: float) -> None:
    """Count a share of draws: the interval leaves out zero where an order is said to be sure."""
    tally.add(share - 0.5, share - SURE_ORDER, share - (1 - SURE_ORDER), 0.0)


def _first_passages(curves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Place on log2 step at which each curve first reaches half of its rise; NaN without a rise."""
    place = np.log2(_STEPS)
    first, last = curves[:, 0], curves[:, -1]
    above = curves - ((first + last) / 2)[:, None]
    rises = last > first
    k = np.where(rises, np.argmax(above >= 0, axis=1), 1)
    each = np.arange(len(curves))
    under, over = above[each, k - 1], above[each, k]
    part = np.where(rises, under, 0.0) / np.where(rises, under - over, 1.0)
    return np.where(rises, place[k - 1] + part * (place[k] - place[k - 1]), np.nan)
