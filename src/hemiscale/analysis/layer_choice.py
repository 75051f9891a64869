"""Which layer of a model speaks for it: chosen by validation, by the test, or fixed.

A model with many layers has many chances. Taking each target's best layer *by its test score*, as
the paper does, turns those chances into score: pure noise gets about .06 with 12 layers and .09
with 48, so that deeper (larger) models gain more. The default here chooses, for each test run, by
the validation scores of that run, which come from models that saw neither the test run nor the
validation run; the chosen layer's test score is then as good as new. The two are shown side by
side and never mixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hemiscale.analysis.averages import mean_correlation

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["best_layers", "select_layers", "take_layers"]


def best_layers(scores: ArrayLike) -> NDArray[np.int64]:
    """Find the layer with the highest score, ignoring NaN.

    Parameters
    ----------
    scores : (n_layers, ...) array

    Returns
    -------
    (...) int64 array
        The lowest such layer when several tie; -1 where no layer has a score.
    """
    values = np.asarray(scores)
    best = np.full(values.shape[1:], -1, dtype=np.int64)
    highest = np.full(values.shape[1:], -np.inf)
    # Layer by layer: all layers of a large model would not stay in the processor's cache.
    for k, layer in enumerate(values):
        better = np.isfinite(layer) & (layer > highest)
        np.copyto(highest, layer, where=better)
        np.copyto(best, k, where=better)
    return best


def take_layers(scores: ArrayLike, chosen: ArrayLike) -> NDArray[np.float64]:
    """Read, for every entry, the score of its chosen layer.

    Parameters
    ----------
    scores : (n_layers, ...) array
    chosen : (...) int array
        Positions along the first axis; -1 gives NaN.

    Returns
    -------
    (...) float64 array
    """
    values = np.asarray(scores, dtype=np.float64)
    index = np.asarray(chosen, dtype=np.int64)
    taken = np.take_along_axis(values, np.maximum(index, 0)[None], axis=0)[0]
    return np.where(index >= 0, taken, np.nan)


def select_layers(
    dataset: xr.Dataset,
    how: str | int | float = "validation",
    *,
    together: Sequence[str] | None = None,
) -> xr.Dataset:
    """Reduce the layers of a model to one per target.

    Parameters
    ----------
    dataset : xarray.Dataset
        `score` and `validation_score` with dims ``subject, layer, run, target``.
    how : {"validation", "test"}, int or float
        ``"validation"``: for every subject, run and target the layer with the highest validation
        score, which excludes that run: unbiased, the default. ``"test"``: for every subject and
        target the layer with the highest mean test score over runs: the paper's, inflated by the
        choice itself. An integer: this layer everywhere (a value of the coordinate `layer`). A
        float from 0 to 1: the layer nearest to this relative depth (0 the embedding, 1 the last).
    together : sequence of str, (n_targets,), optional
        Targets with the same label (a region, or all of them) share one layer, the one with the
        highest mean score over them; by default each target has its own.

    Returns
    -------
    xarray.Dataset
        `score` and `chosen_layer` (values of the coordinate `layer`, -1 where no score exists),
        dims ``subject, run, target``; attrs of `dataset`, and `layer_choice`.

    Raises
    ------
    ValueError
        For an unknown `how`, a layer that the model does not have, or labels that do not fit.
    """
    import xarray as xr

    order = ("layer", "subject", "run", "target")
    labels = np.asarray(dataset["layer"].values, dtype=np.int64)
    test = dataset["score"].transpose(*order).values.astype(np.float64)
    groups = _groups(together, test.shape[-1])
    if isinstance(how, str) and how not in {"validation", "test"}:
        raise ValueError(f"how must be 'validation', 'test', a layer or a depth, got {how!r}")
    if not isinstance(how, str):
        position = _position(labels, how)
        chosen = np.full(test.shape[1:], position, dtype=np.int64)
    elif len(labels) == 1:
        # One layer (a baseline): nothing to choose, and no validation scores needed.
        chosen = np.zeros(test.shape[1:], dtype=np.int64)
    elif how == "validation":
        validation = dataset["validation_score"].transpose(*order).values
        chosen = best_layers(_shared(validation, groups))
    else:
        # One layer per subject and target for all runs, from the very scores that are reported.
        over_runs = mean_correlation(test, axis=2)
        best = best_layers(_shared(over_runs, groups))
        chosen = np.repeat(best[:, None, :], test.shape[2], axis=1)
    dims = ("subject", "run", "target")
    kept = {
        name: coord
        for name, coord in dataset.coords.items()
        if "layer" not in coord.dims and set(coord.dims) <= set(dims)
    }
    return xr.Dataset(
        {
            "score": (dims, take_layers(test, chosen)),
            "chosen_layer": (dims, np.where(chosen >= 0, labels[np.maximum(chosen, 0)], -1)),
        },
        coords=kept,
        attrs={**dataset.attrs, "layer_choice": str(how)},
    )


def _position(labels: NDArray[np.int64], how: int | float) -> int:
    """Find the position of a layer, or of the layer nearest to a relative depth."""
    if isinstance(how, (bool, np.bool_)):
        raise ValueError(f"how must be 'validation', 'test', a layer or a depth, got {how!r}")
    if isinstance(how, (int, np.integer)):
        if int(how) not in labels:
            raise ValueError(
                f"layer {int(how)} does not exist: the layers are {labels.min()} to {labels.max()}"
            )
        return int(np.flatnonzero(labels == int(how))[0])
    if not 0 <= how <= 1:
        raise ValueError(f"a relative depth is between 0 and 1, got {how}")
    return int(np.argmin(np.abs(labels - how * labels.max())))


def _groups(together: Sequence[str] | None, n_targets: int) -> NDArray[np.int64] | None:
    if together is None:
        return None
    names = [str(name) for name in together]
    if len(names) != n_targets:
        raise ValueError(
            f"together needs a label for each of {n_targets} targets, got {len(names)}"
        )
    return np.unique(names, return_inverse=True)[1]


def _shared(scores: NDArray[np.float64], groups: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """Replace each target's score by the mean over its group."""
    if groups is None:
        return scores
    shared = np.empty(scores.shape)
    for group in range(int(groups.max()) + 1):
        members = groups == group
        shared[..., members] = mean_correlation(scores[..., members])[..., None]
    return shared
