"""The brain data, held once for all layers of all models.

Targets lie in blocks of (n_targets, n_scans): scans are contiguous in memory, so that scores are
dot products of rows, and a block of predictions stays in the processor's cache. Targets are in a
fixed random order, so that the first blocks are a random sample of all of them: penalties that are
surely behind on a sample are dropped before the rest is touched.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hemiscale.encoding.backend import Array, Backend, Dtype
from hemiscale.encoding.devices import select_backend
from hemiscale.encoding.folds import run_slices
from hemiscale.encoding.standardise import moments, scaled
from hemiscale.errors import HemiscaleWarning

__all__ = ["Block", "TargetBank"]

#: Up to this many values double precision costs next to nothing and removes all doubt.
_SMALL_DATA, _SMALL_SCANS = 2_000_000, 1_500
#: Sizes of the first blocks, where most penalties are dropped.
_FIRST_SIZES = (256, 512)
_ORDER_SEED = 20241103

#: Mean, standard deviation and whether it is unusable, of each target within a run.
Moments = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Block:
    """Some of the targets.

    Attributes
    ----------
    data : (n_targets, n_scans) array
        All runs, one beside the other.
    norms : list over runs of (n_targets,) arrays
        Length of each target's centred time course.
    columns : slice
        Where the block lies in the bank's order.
    """

    data: Array
    norms: list[Array]
    columns: slice


class TargetBank:
    """Brain data of all runs, checked, put in random order and cut into blocks.

    Parameters
    ----------
    targets : sequence over runs of (n_scans, n_targets) arrays
        Each column is standardised within its run. Targets that are constant or not finite in
        some run are left out; one warning says how many.
    block_size : int
        Targets per block.
    dtype : {"float32", "float64"}, optional
        Precision of the bulk of the work. By default float32, and float64 where there are so few
        data that it costs nothing.
    device : str
        See `select_backend`. On a GPU the blocks stay on the device where they fit in half of its
        free memory; otherwise they travel when their turn comes.
    standardise : bool
        False: take the targets as they are (the ceiling's are standardised before they are cut).

    Attributes
    ----------
    n_runs, n_targets : int
        As given.
    usable : (n_targets,) bool array
        Targets that have scores.
    order : (n_usable,) int array
        Original index of each target of the bank.
    """

    def __init__(
        self,
        targets: Sequence[np.ndarray],
        *,
        block_size: int = 1024,
        dtype: Dtype | None = None,
        device: str = "cpu",
        standardise: bool = True,
    ) -> None:
        targets = [np.asarray(y) for y in targets]
        widths = {y.shape[1:] for y in targets}
        if not targets or len(widths) != 1 or targets[0].ndim != 2:
            raise ValueError(
                "targets must be a list over runs of (n_scans, n_targets) arrays with one number "
                f"of targets; their shapes are {[y.shape for y in targets]}."
            )
        if block_size < 1:
            raise ValueError(f"block_size is {block_size}; it must be 1 or more.")
        self.backend: Backend = select_backend(device)
        self.lengths = [len(y) for y in targets]
        self.slices = run_slices(self.lengths)
        self.n_runs = len(targets)
        self.n_targets = targets[0].shape[1]
        scales = [moments(y) if standardise else None for y in targets]
        self.usable = _usable(targets, scales)
        n_lost = self.n_targets - int(np.count_nonzero(self.usable))
        if n_lost == self.n_targets:
            raise ValueError("Every target is constant or not finite in some run.")
        if n_lost:
            warnings.warn(
                f"{n_lost} of {self.n_targets} targets are constant or not finite in some run; "
                "their scores are NaN.",
                HemiscaleWarning,
                stacklevel=2,
            )
        kept = np.flatnonzero(self.usable)
        self.order = kept[np.random.default_rng(_ORDER_SEED).permutation(kept.size)]
        n_scans = sum(self.lengths)
        small = kept.size * n_scans <= _SMALL_DATA and n_scans <= _SMALL_SCANS
        self.dtype: Dtype = dtype or ("float64" if small else "float32")
        self.columns = _block_columns(kept.size, block_size)
        self._blocks, self._norms = self._filled(targets, scales)

    @property
    def n_usable(self) -> int:
        """Number of targets that have scores."""
        return self.order.size

    def __len__(self) -> int:
        return len(self.columns)

    def _filled(
        self, targets: Sequence[np.ndarray], scales: Sequence[Moments | None]
    ) -> tuple[list[Array], list[list[Array]]]:
        n_scans = sum(self.lengths)
        host = [np.empty((c.stop - c.start, n_scans), dtype=self.dtype) for c in self.columns]
        for y, scale, rows in zip(targets, scales, self.slices, strict=True):
            shuffled = np.take(y, self.order, axis=1)
            for block, columns in zip(host, self.columns, strict=True):
                part = shuffled[:, columns]
                if scale is not None:
                    here = self.order[columns]
                    part = scaled(part, scale[0][here], scale[1][here])
                block[:, rows] = part.T
        norms = [[_centred_norm(block[:, rows]) for rows in self.slices] for block in host]
        free = getattr(self.backend, "free_memory", lambda: float("inf"))()
        fits = sum(block.nbytes for block in host) <= free / 2
        blocks = [self.backend.array(b, self.dtype) for b in host] if fits else list(host)
        return blocks, norms

    def block(self, number: int, dtype: Dtype | None = None) -> Block:
        """Return a block on the device, in the bank's precision or another one."""
        dtype = dtype or self.dtype
        data = self._blocks[number]
        if isinstance(data, np.ndarray):
            data = self.backend.array(data, dtype)
        return Block(
            self.backend.cast(data, dtype),
            [self.backend.array(norm, dtype) for norm in self._norms[number]],
            self.columns[number],
        )

    def original_order(self, values: np.ndarray) -> np.ndarray:
        """Put values of (..., n_usable) back in the targets' own order, NaN for the unusable."""
        result = np.full((*values.shape[:-1], self.n_targets), np.nan, dtype=values.dtype)
        result[..., self.order] = values
        return result


def _usable(targets: Sequence[np.ndarray], scales: Sequence[Moments | None]) -> np.ndarray:
    usable = np.ones(targets[0].shape[1], dtype=bool)
    for y, scale in zip(targets, scales, strict=True):
        if scale is not None:
            usable &= ~scale[2]
            continue
        with np.errstate(invalid="ignore"):
            low, high = y.min(axis=0), y.max(axis=0)
            usable &= np.isfinite(low) & np.isfinite(high) & (high > low)
    return usable


def _centred_norm(rows: np.ndarray) -> np.ndarray:
    centred = rows - rows.mean(axis=1, keepdims=True, dtype=np.float64)
    return np.sqrt(np.einsum("ij,ij->i", centred, centred))


def _block_columns(n_targets: int, block_size: int) -> list[slice]:
    """Small blocks first; one block for all where there are few targets."""
    sizes = [s for s in _FIRST_SIZES if s < block_size] if n_targets > block_size else []
    edges = [0, *np.cumsum(sizes).tolist()]
    while edges[-1] < n_targets:
        edges.append(min(edges[-1] + block_size, n_targets))
    return [slice(a, b) for a, b in pairwise(edges)]
