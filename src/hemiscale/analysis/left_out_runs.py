"""The scores of the other runs with everything done again without one run.

For each run in turn: models that never saw it, layers chosen without it. `interval_over_runs` needs
it, to see how much runs share. Nothing is fitted again. The engine's validation score of a test run
is already the mean score of the other runs by models that saw neither that test run nor the run
they are scored on; what single runs contribute to that mean is taken from their test scores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from hemiscale.analysis.averages import mean_correlation
from hemiscale.analysis.layer_choice import best_layers, take_layers

__all__ = ["maps_without", "without_each_run"]

Reduce = Callable[[NDArray[np.floating]], NDArray[np.float64]]


def without_each_run(
    score: NDArray[np.floating],
    validation: NDArray[np.floating],
    reduce: Reduce,
    how: str | int,
) -> NDArray[np.float64]:
    """Give, for each run, the mean of the others from models and layers that never saw it.

    Parameters
    ----------
    score : (n_layers, n_runs, n_targets) array
        Test scores of one subject.
    validation : (n_layers, n_runs, n_targets) array
        For each test run, the mean over *all* other runs of scores of models that saw neither.
    reduce : callable
        From maps (n_runs, n_targets) to rows (n_runs, n_columns); see `Columns.reduce`.
    how : {"validation", "test"} or int
        How the layer of each run and target is chosen (see `select_layers`), or a position along
        the layers.

    Returns
    -------
    (n_runs, n_columns) array
        NaN with fewer than three runs: then nothing is left to train on.
    """
    n_runs = score.shape[1]
    if n_runs < 3:
        return np.full((n_runs, reduce(score[0]).shape[-1]), np.nan)
    found = [
        mean_correlation(reduce(maps), axis=0) for maps, _ in maps_without(score, validation, how)
    ]
    return np.stack(found)


def maps_without(
    score: NDArray[np.floating], validation: NDArray[np.floating], how: str | int
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Go through the runs: maps of the others, from models and layers that never saw it.

    Parameters
    ----------
    score, validation, how
        As in `without_each_run`, three runs at least.

    Yields
    ------
    scores, validation : (n_runs - 1, n_targets) arrays
        Test scores, and the validation scores that belong to them: of the same runs and layers.
    """
    n_layers, n_runs, _ = score.shape
    s, v = score.astype(np.float64), validation.astype(np.float64)
    # One run less to train on makes a layer a little worse, on every run alike.
    loss = mean_correlation(v, axis=1) - mean_correlation(s, axis=1)
    for run in range(n_runs):
        others = np.delete(np.arange(n_runs), run)
        # Scores of the other runs, moved so that their mean is that of models without this run.
        moved = s[:, others] + (v[:, run] - mean_correlation(s[:, others], axis=1))[:, None]
        # Validation scores of the other runs, less what this run adds to them.
        rest = ((n_runs - 1) * v[:, others] - (s[:, run] + loss)[:, None]) / (n_runs - 2)
        if isinstance(how, int) or n_layers == 1:
            layer = how if isinstance(how, int) else 0
            yield moved[layer], rest[layer]
            continue
        if how == "test":
            best = np.broadcast_to(best_layers(mean_correlation(moved, axis=1)), moved.shape[1:])
        else:
            best = best_layers(rest)
        yield take_layers(moved, best), take_layers(rest, best)
