"""The ceiling from the listeners: one random half after the other, or several at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hemiscale.errors import HemiscaleWarning
from hemiscale.pipeline.helpers import Helpers
from hemiscale.pipeline.targets import Listener, Targets

__all__ = ["memory_of_a_half", "reliability_of_halves"]

COPIES = 1.6  # of a listener's data: predictors or targets, and a run on its way into them
KERNELS = 35  # float32 matrices of all scans with all scans: a kernel, and what each penalty needs
SMALL = 1e7  # bytes of a listener's data; with less a half is done before a process has started


def reliability_of_halves(
    targets: Targets,
    *,
    n_splits: int,
    seed: int,
    helpers: Helpers,
    progress: Callable[[int, int], None],
) -> np.ndarray:
    """Predict one half of the listeners from the other, as `intersubject_reliability`.

    Parameters
    ----------
    targets : Targets
        With listeners. Few data, and data that are in memory only, do not go to a cluster.
    n_splits : int
    seed : int
    helpers : Helpers
    progress : callable
        Called with (splits done, splits in all).

    Returns
    -------
    (n_splits, n_targets) float32 array
        The same whoever helps: each split has a seed of its own.

    Warns
    -----
    HemiscaleWarning
        As `intersubject_reliability`.
    """
    listeners: Sequence[Any] = targets.listeners
    on_disk = all(isinstance(listener, Listener) for listener in listeners)
    if on_disk:
        listeners = [
            Listener([path.resolve() for path in listener.files], listener.marks, listener.slices)
            for listener in listeners
        ]
    lengths = [scans.stop - scans.start for _, scans in targets.slices]
    data = 4.0 * sum(lengths) * targets.n_targets
    memory = memory_of_a_half(lengths, targets.n_targets)
    if data < SMALL or (helpers.cluster is not None and not on_disk):
        helpers = Helpers()
    # Few listeners have few different halves; the same ones are not computed again.
    first = _first_of_its_kind(len(listeners), n_splits, seed)
    different = sorted(set(first))
    rows: list[np.ndarray] = []
    notices: list[str] = []
    for row, said in helpers.map(
        _one_half,
        [(split,) for split in different],
        memory=memory,
        listeners=listeners,
        seed=seed,
    ):
        rows.append(row)
        notices += said
        progress(len(rows), len(different))
    for notice in dict.fromkeys(notices):
        warnings.warn(notice, HemiscaleWarning, stacklevel=2)
    return np.stack([rows[different.index(split)] for split in first])


def memory_of_a_half(lengths: Sequence[int], n_targets: int) -> float:
    """Estimate the bytes that a half takes while it is predicted.

    Parameters
    ----------
    lengths : sequence of int
        Scans of each run.
    n_targets : int

    Returns
    -------
    float
    """
    from hemiscale.encoding import DEFAULT_ALPHAS

    n_scans, n_runs = sum(lengths), len(lengths)
    scores = n_runs * (len(DEFAULT_ALPHAS) + 3 * n_runs)  # per target: of each penalty, and results
    return 4.0 * (COPIES * n_scans * n_targets + KERNELS * n_scans**2 + scores * n_targets)


def _first_of_its_kind(n_listeners: int, n_splits: int, seed: int) -> list[int]:
    """For each split the first one that has the same halves."""
    from hemiscale.encoding.ceiling import random_halves

    known: dict[tuple[int, ...], int] = {}
    return [
        known.setdefault(tuple(random_halves(n_listeners, seed=seed, split=split)[0]), split)
        for split in range(n_splits)
    ]


def _one_half(split: int, listeners: Sequence[Any], seed: int) -> tuple[np.ndarray, list[str]]:
    from threadpoolctl import threadpool_limits

    from hemiscale.encoding import intersubject_reliability

    with threadpool_limits(1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        reliability = intersubject_reliability(listeners, n_splits=1, first_split=split, seed=seed)
    ours = [str(w.message) for w in caught if issubclass(w.category, HemiscaleWarning)]
    return reliability[0], ours
