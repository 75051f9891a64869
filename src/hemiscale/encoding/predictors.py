"""Operators that turn the data of the training runs into predictions of a run left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hemiscale.encoding.backend import Array, Backend, Dtype

__all__ = ["EVERY_ROW", "ILL_CONDITIONED", "LeftOut", "Predictor", "Rows", "Task", "select"]

#: Conditioning (kernel over penalty) from which on single precision is not trusted to factor.
ILL_CONDITIONED = 2e4

#: Runs that a model has not seen, in ascending order.
LeftOut = tuple[int, ...]

#: Targets of a block: those in a row, or any by number (see `Backend.indices`).
Rows = slice | Array
EVERY_ROW = slice(None)


class Task(NamedTuple):
    """Fit without the runs ``left_out``, predict run ``run``."""

    left_out: LeftOut
    run: int


class Predictor(NamedTuple):
    """Predictions of one left-out run, as sums of ``data[:, columns] @ matrix.T``.

    The data are the targets' scans (dual form) or their products with the features (primal form);
    where there is a `rotation`, these products times its columns. Rows of the matrices beyond
    `n_scans` are padding (see `Backend.padded`).
    """

    left_out: LeftOut
    n_scans: int
    pieces: list[tuple[slice, Array]]
    rotation: Array | None = None

    def cast(self, cast: Callable[[Array, Dtype], Array], dtype: Dtype) -> Predictor:
        """Return the same in another precision, by a backend's way to cast."""
        pieces = [(columns, cast(matrix, dtype)) for columns, matrix in self.pieces]
        return self._replace(pieces=pieces)


def select(backend: Backend, x: Array, rows: Rows) -> Array:
    """Return the named rows of an array; a view of it where they stand in a row."""
    return x[rows] if isinstance(rows, slice) else backend.take(x, rows)
