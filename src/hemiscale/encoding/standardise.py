"""Columns to mean 0 and standard deviation 1, and the checks that go with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

__all__ = [
    "RELATIVELY_CONSTANT",
    "checked_features",
    "moments",
    "scaled",
    "standardise",
    "standardise_runs",
    "varies",
]

Array = np.ndarray

#: A column whose standard deviation is below this share of its largest value is constant.
RELATIVELY_CONSTANT = 1e-7
#: Values of a matrix that are taken to float64 at a time (32 MB).
_CHUNK = 4_000_000


def moments(x: Array) -> tuple[Array, Array, Array]:
    """Return mean, standard deviation and whether the column is constant or not finite."""
    n_columns = x.shape[1]
    n_parts = -(-x.size // _CHUNK) if len(x) else 1
    mean, deviation = np.empty(n_columns), np.empty(n_columns)
    unusable = np.empty(n_columns, dtype=bool)
    edges = np.linspace(0, n_columns, max(1, n_parts) + 1).astype(int)
    for columns in map(slice, edges[:-1].tolist(), edges[1:].tolist()):
        mean[columns], deviation[columns], unusable[columns] = _moments(x[:, columns])
    return mean, deviation, unusable


def _moments(x: Array) -> tuple[Array, Array, Array]:
    with np.errstate(all="ignore"):
        mean = x.mean(axis=0, dtype=np.float64)
        centred = x - mean
        deviation = np.sqrt(np.einsum("ij,ij->j", centred, centred) / len(x))
        largest = np.abs(x).max(axis=0)
        unusable = ~(np.isfinite(deviation) & (deviation > RELATIVELY_CONSTANT * largest))
    return mean, deviation, unusable


def varies(x: Array) -> Array:
    """Tell which columns are finite and not constant; extremes are exact and carry NaN along."""
    with np.errstate(invalid="ignore"):
        low, high = x.min(axis=0), x.max(axis=0)
    return np.isfinite(low) & np.isfinite(high) & (high > low)


def scaled(x: Array, mean: Array, deviation: Array) -> Array:
    """Return ``(x - mean) / deviation``; float32 stays float32, all else becomes float64."""
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    with np.errstate(all="ignore"):
        result = x - mean
        result /= deviation
    return result.astype(dtype, copy=False)


def _named(columns: Array) -> str:
    shown = ", ".join(str(column) for column in columns[:10])
    return shown + (f" and {columns.size - 10} more" if columns.size > 10 else "")


def standardise(
    x: Array, *, on_constant: Literal["error", "nan"] = "error", name: str = "The matrix"
) -> Array:
    """Give every column mean 0 and standard deviation 1.

    Parameters
    ----------
    x : (n_scans, n_columns) array
        Features or brain data of one run.
    on_constant : {"error", "nan"}
        What to do with columns that are constant or hold a value that is not finite:
        ``"error"`` for features, ``"nan"`` for targets (the whole column becomes NaN, and so do
        its scores).
    name : str
        How the error calls the matrix.

    Returns
    -------
    (n_scans, n_columns) array
        A new array; float32 stays float32, all else becomes float64. Moments are computed in
        float64 (standard deviation over n, not n - 1).

    Raises
    ------
    ValueError
        Where a column is constant or not finite and ``on_constant="error"``; it names them.
    """
    x = np.asarray(x)
    if x.ndim != 2 or len(x) < 2:
        raise ValueError(f"{name} must be (n_scans, n_columns) with two scans or more: {x.shape}.")
    mean, deviation, unusable = moments(x)
    if unusable.any() and on_constant == "error":
        raise ValueError(
            f"{name} has columns that are constant or not finite: "
            f"{_named(np.flatnonzero(unusable))}."
        )
    result = scaled(x, mean, np.where(unusable, np.nan, deviation))
    result[:, unusable] = np.nan
    return result


def standardise_runs(
    runs: Sequence[Array],
    *,
    on_constant: Literal["error", "nan"] = "error",
    name: str = "The matrix",
) -> list[Array]:
    """Standardise every run on its own; see `standardise`."""
    return [
        standardise(x, on_constant=on_constant, name=f"{name} of run {number}")
        for number, x in enumerate(runs, start=1)
    ]


def checked_features(
    features: Sequence[Array], standardised: Callable[[Array], tuple[Any, Array]] | None
) -> list[Any]:
    """Refuse features that are constant or not finite within a run; standardise the others.

    Parameters
    ----------
    features : sequence over runs of (n_scans, n_features) arrays
    standardised : callable, optional
        Standardises a run, and tells which columns are constant or not finite: a backend's way.
        None: take them as they are.

    Raises
    ------
    ValueError
        One sentence per run, with the columns (counted from 0).
    """
    problems: list[str] = []
    result: list[Any] = []
    for number, x in enumerate(features, start=1):
        made, unusable = (x, ~varies(x)) if standardised is None else standardised(x)
        result.append(made)
        if unusable.any():
            problems.append(
                f"Run {number}: feature columns that are constant or not finite: "
                f"{_named(np.flatnonzero(unusable))} (counted from 0)."
            )
    if problems:
        raise ValueError("\n".join(problems))
    return result
