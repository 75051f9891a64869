"""Operators that turn the data of the training runs into predictions of a run left out."""

from __future__ import annotations

from typing import NamedTuple

from hemiscale.encoding.backend import Array

__all__ = ["ILL_CONDITIONED", "LeftOut", "Predictor", "Task"]

#: Conditioning (kernel over penalty) from which on single precision is not trusted to factor.
ILL_CONDITIONED = 2e4

#: Runs that a model has not seen, in ascending order.
LeftOut = tuple[int, ...]


class Task(NamedTuple):
    """Fit without the runs ``left_out``, predict run ``run``."""

    left_out: LeftOut
    run: int


class Predictor(NamedTuple):
    """Predictions of one left-out run, as sums of ``data[:, columns] @ matrix.T``.

    The data are the targets' scans (dual form) or their products with the features (primal form);
    where there is a `rotation`, these products times its columns.
    """

    left_out: LeftOut
    pieces: list[tuple[slice, Array]]
    rotation: Array | None = None
