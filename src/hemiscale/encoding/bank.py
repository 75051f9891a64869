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
from hemiscale.encoding.standardise import moments, scaled, varies
from hemiscale.errors import HemiscaleWarning

__all__ = ["Block", "TargetBank"]

#: Up to this many values double precision costs next to nothing and removes all doubt.
_SMALL_DATA, _SMALL_SCANS = 2_000_000, 1_500
#: Sizes of the first blocks, where most penalties are dropped.
_FIRST_SIZES = (256, 512)
#: Up to so many targets there is nothing to gain from dropping penalties early.
_FEW_TARGETS = 1024
_ORDER_SEED = 20241103
#: Values that are put in order at a time (32 MB), and the fewest scans.
_CHUNK, _FEWEST_ROWS = 8_000_000, 16

#: Mean, standard deviation and whether it is unusable, of each target within a run.
Moments = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Block:
    """Some of the targets.

    Attributes
    ----------
    data : (n_targets, n_scans) array
        All runs, one beside the other.
    norms : (n_runs, n_targets) array
        Length of each target's centred time course.
    """

    data: Array
    norms: Array


class TargetBank:
    """Brain data of all runs, checked, put in random order and cut into blocks.

    Parameters
    ----------
    targets : sequence over runs of (n_scans, n_targets) arrays
        Each column is standardised within its run. Targets that are constant or not finite in
        some run are left out; one warning says how many. A run is asked for when its turn comes
        and let go, so that runs may be read from disk: one is in memory beside the bank.
    lengths : sequence of int, optional
        Scans of each run, where they are known beforehand. Each run is then asked for once, and
        once more where a target is usable in the first run but not in a later one. Otherwise
        each run is asked for twice.
    among : (n_targets,) bool array, optional
        Targets to take. The caller knows why, so that no warning says how many are left out.
    block_size : int, optional
        Targets per block; by default what suits the device (1,024 on a processor, up to 8,192 on a
        GPU).
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
    lengths : list of int
        Scans of each run.
    usable : (n_targets,) bool array
        Targets that have scores.
    order : (n_usable,) int array
        Original index of each target of the bank.
    """

    def __init__(
        self,
        targets: Sequence[np.ndarray],
        *,
        lengths: Sequence[int] | None = None,
        among: np.ndarray | None = None,
        block_size: int | None = None,
        dtype: Dtype | None = None,
        device: str = "cpu",
        standardise: bool = True,
    ) -> None:
        if block_size is not None and block_size < 1:
            raise ValueError(f"block_size is {block_size}; it must be 1 or more.")
        self.backend: Backend = select_backend(device)
        survey = _Survey(standardise, among)
        if lengths is None:
            for number in range(len(targets)):
                survey.add(np.asarray(targets[number]))
            lengths = [shape[0] for shape in survey.shapes]
        if not len(lengths) or len(lengths) != len(targets):
            raise _misfit(survey.shapes)
        self.lengths = [int(length) for length in lengths]
        self.slices = run_slices(self.lengths)
        self.n_runs = len(self.lengths)
        self._block_size, self._asked_dtype = block_size, dtype
        host = self._filled(targets, survey)
        self.n_targets = survey.usable.size
        self.usable = survey.usable
        n_lost = self.n_targets - self.n_usable
        if n_lost and among is None:
            warnings.warn(
                f"{n_lost} of {self.n_targets} targets are constant or not finite in some run; "
                "their scores are NaN.",
                HemiscaleWarning,
                stacklevel=2,
            )
        blocks = [host[columns] for columns in self.columns]
        norms = [
            np.stack([_centred_norm(block[:, rows]) for rows in self.slices]) for block in blocks
        ]
        free = self.backend.free_memory()
        #: Otherwise blocks travel when their turn comes.
        self._on_device = host.nbytes <= free / 2
        if self._on_device:
            blocks = [self.backend.array(block, self.dtype) for block in blocks]
            norms = [self.backend.array(of_block, "float64") for of_block in norms]
        self._blocks = list(map(Block, blocks, norms))  # norms in double precision, always

    @property
    def n_usable(self) -> int:
        """Number of targets that have scores."""
        return self.order.size

    def __len__(self) -> int:
        return len(self.columns)

    def _filled(self, targets: Sequence[np.ndarray], survey: _Survey) -> np.ndarray:
        """Return (n_usable, n_scans), filled run by run.

        What the first run has is taken to be there in all; where a later one has less, the rest
        is surveyed, and all runs are filled in again.
        """
        while True:
            host: np.ndarray | None = None
            fits = True
            for number, rows in enumerate(self.slices):
                y = np.asarray(targets[number])
                if number == len(survey.shapes):
                    survey.add(y)
                if len(y) != self.lengths[number]:
                    raise ValueError(
                        f"Run {number + 1} of the targets has {len(y)} scans where "
                        f"{self.lengths[number]} are expected."
                    )
                if host is None:
                    host = self._laid_out(survey.usable)
                fits = fits and np.count_nonzero(survey.usable) == self.n_usable
                if fits:
                    self._put(host, rows, y, survey.scales[number])
                del y  # before the next is read
            if fits:
                assert host is not None
                return host

    def _laid_out(self, usable: np.ndarray) -> np.ndarray:
        """Settle order, precision and blocks; return (n_usable, n_scans), not filled yet.

        One array for all blocks: when it is let go, its memory goes back to the system as a whole.
        """
        kept = np.flatnonzero(usable)
        if not kept.size:
            raise ValueError("Every target is constant or not finite in some run.")
        self.order = kept[np.random.default_rng(_ORDER_SEED).permutation(kept.size)]
        n_scans = sum(self.lengths)
        small = kept.size * n_scans <= _SMALL_DATA and n_scans <= _SMALL_SCANS
        self.dtype: Dtype = self._asked_dtype or ("float64" if small else "float32")
        self.columns = _block_columns(
            kept.size, self._block_size or self.backend.block_size(n_scans)
        )
        return np.empty((kept.size, n_scans), dtype=self.dtype)

    def _put(self, host: np.ndarray, rows: slice, y: np.ndarray, scale: Moments | None) -> None:
        """Put a run into its place, some scans at a time."""
        step = max(_FEWEST_ROWS, _CHUNK // max(1, y.shape[1]))
        if scale is not None:
            mean, deviation = scale[0][self.order], scale[1][self.order]
        for start in range(0, len(y), step):
            part = np.take(y[start : start + step], self.order, axis=1)
            if scale is not None:
                part = scaled(part, mean, deviation)
            first = rows.start + start
            host[:, first : first + len(part)] = part.T

    def block(
        self, number: int, dtype: Dtype | None = None, rows: np.ndarray | None = None
    ) -> Block:
        """Return a block on the device, in the bank's precision or another one.

        Parameters
        ----------
        number : int
        dtype : {"float32", "float64"}, optional
        rows : (n_rows,) int array, optional
            Some of its targets, not all.
        """
        dtype = dtype or self.dtype
        data, norms = self._blocks[number].data, self._blocks[number].norms
        if rows is not None and rows.size < len(data):
            if self._on_device:
                here = self.backend.indices(rows)
                data, norms = (self.backend.take(x, here) for x in (data, norms.T))
            else:
                data, norms = data[rows], norms.T[rows]
            norms = norms.T
        put = self.backend.cast if self._on_device else self.backend.array
        return Block(put(data, dtype), put(norms, dtype))

    def original_order(self, values: np.ndarray) -> np.ndarray:
        """Put values of (..., n_usable) back in the targets' own order, NaN for the unusable."""
        result = np.full((*values.shape[:-1], self.n_targets), np.nan, dtype=values.dtype)
        result[..., self.order] = values
        return result


class _Survey:
    """What is known of the runs seen so far.

    Parameters
    ----------
    standardise : bool
        Whether moments are needed.
    among : (n_targets,) bool array, optional
        Targets that may be usable.

    Attributes
    ----------
    shapes : list of tuple of int
    scales : list of Moments or None
    usable : (n_targets,) bool array
    """

    def __init__(self, standardise: bool, among: np.ndarray | None) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self.scales: list[Moments | None] = []
        self.usable = np.zeros(0, dtype=bool) if among is None else among.copy()
        self._standardise, self._among = standardise, among is not None

    def add(self, y: np.ndarray) -> None:
        """Look at one more run."""
        if y.ndim != 2 or (self.shapes and y.shape[1] != self.shapes[0][1]):
            raise _misfit([*self.shapes, y.shape])
        if not self.shapes and not self._among:
            self.usable = np.ones(y.shape[1], dtype=bool)
        if self.usable.size != y.shape[1]:
            raise ValueError(f"among has {self.usable.size} entries for {y.shape[1]} targets.")
        self.shapes.append(y.shape)
        if self._standardise:
            scale = moments(y)
            self.usable &= ~scale[2]
            self.scales.append(scale)
        else:
            self.usable &= varies(y)
            self.scales.append(None)


def _misfit(shapes: Sequence[tuple[int, ...]]) -> ValueError:
    return ValueError(
        "targets must be a list over runs of (n_scans, n_targets) arrays with one number "
        f"of targets; their shapes are {list(shapes)}."
    )


def _centred_norm(rows: np.ndarray) -> np.ndarray:
    centred = rows - rows.mean(axis=1, keepdims=True, dtype=np.float64)
    return np.sqrt(np.einsum("ij,ij->i", centred, centred))


def _block_columns(n_targets: int, block_size: int) -> list[slice]:
    """Small blocks first; one block for all where there are few targets."""
    many = n_targets > min(block_size, _FEW_TARGETS)
    sizes = [s for s in _FIRST_SIZES if s < block_size] if many else []
    edges = [0, *np.cumsum(sizes).tolist()]
    while edges[-1] < n_targets:
        edges.append(min(edges[-1] + block_size, n_targets))
    return [slice(a, b) for a, b in pairwise(edges)]
