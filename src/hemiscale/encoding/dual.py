"""Ridge regression in the space of scans: for more features than scans.

With K = X Xᵀ over all runs and B = (K + αI)⁻¹, the model that has not seen the scans S predicts
them as y_S - B_SS⁻¹ (B y)_S = -B_SS⁻¹ B_S,rest y_rest. One inverse serves every left-out set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hemiscale.encoding.backend import Array, Backend, Dtype
from hemiscale.encoding.bank import Block
from hemiscale.encoding.kernels import Kernel
from hemiscale.encoding.predictors import (
    EVERY_ROW,
    ILL_CONDITIONED,
    LeftOut,
    Predictor,
    Rows,
    Task,
    select,
)

__all__ = ["DualSystem", "DualView"]

#: Inverses of up to this many scans are kept: final models often need them again.
_KEPT_SIZE = 512
#: With fewer features per scan than this, predictions can be much smaller than the data.
_LOW_RANK = 0.3
#: So can they with a kernel that is smaller than this share of the penalty.
_FAINT = 0.1


class DualView:
    """A block of targets as the dual form needs it: as it is."""

    def __init__(self, system: DualSystem, block: Block) -> None:
        self.block = block
        #: Targets to predict at a time: all, for nothing has to be computed of them first.
        self.at_once = len(block.data)
        self._backend = system.backend

    def data(self, _: Predictor, rows: Rows = EVERY_ROW) -> Array:
        """Return what a predictor multiplies: scans of the block's targets, or of those named."""
        return select(self._backend, self.block.data, rows)

    def predict(self, data: Array, predictor: Predictor) -> Array:
        """Predict targets from their data: (n_targets, n_scans)."""
        parts = (
            self._backend.matmul(data[:, scans], matrix.T) for scans, matrix in predictor.pieces
        )
        total = next(parts)
        for part in parts:
            total += part
        return total[:, : predictor.n_scans]


class DualSystem:
    """The kernel of one feature set, and the operators that follow from it.

    Parameters
    ----------
    features : sequence over runs of (n_scans, n_features) arrays, or Kernel
    slices : sequence of slice
        Where each run lies among all scans.
    backend : Backend
    centred : bool
        Features have mean zero in every run, and so have predictions.
    """

    def __init__(
        self,
        features: Sequence[np.ndarray] | Kernel,
        slices: Sequence[slice],
        backend: Backend,
        *,
        centred: bool = False,
    ) -> None:
        self.centred = centred
        self.backend = backend
        self.slices = list(slices)
        given = features if isinstance(features, Kernel) else Kernel.of(features, backend)
        self.kernel = given.matrix
        self.lengths = [scans.stop - scans.start for scans in self.slices]
        self.width = sum(self.lengths)
        self._low_rank = given.n_features < _LOW_RANK * self.slices[-1].stop
        self.norm = float((self.kernel * self.kernel).sum()) ** 0.5
        self._inverses: dict[tuple[float, Dtype, int], Array] = {}
        self._latest: tuple[float, Dtype, int] | None = None
        self._kernels: dict[Dtype, Array] = {"float64": self.kernel}

    def _in(self, dtype: Dtype) -> Array:
        """Return the kernel in a precision; kept, for it is needed for every penalty."""
        if dtype not in self._kernels:
            self._kernels[dtype] = self.backend.cast(self.kernel, dtype)
        return self._kernels[dtype]

    def _inverse(self, alpha: float, dtype: Dtype, offset: int) -> Array:
        """Return (K + αI)⁻¹ over the scans from `offset` on.

        Small ones are kept, and the latest of those that serve final models.
        """
        key = (alpha, dtype, offset)
        if key in self._inverses:
            return self._inverses[key]
        kernel = self._in(dtype)[offset:, offset:]
        exact = dtype == "float64" and offset == 0
        if exact and self._latest is not None:
            self._inverses.pop(self._latest)  # before the next takes its place
            self._latest = None
        inverse = self.backend.spd_inverse(kernel, alpha, dtype)
        if len(inverse) <= _KEPT_SIZE:
            self._inverses[key] = inverse
        elif exact:
            self._inverses[key], self._latest = inverse, key
        return inverse

    def view(self, block: Block) -> DualView:
        """Prepare a block of targets."""
        return DualView(self, block)

    def predictors(
        self, alpha: float, tasks: Sequence[Task], dtype: Dtype, stream: Dtype
    ) -> dict[Task, Predictor]:
        """Return the predictors for a penalty.

        Parameters
        ----------
        alpha : float
            The penalty.
        tasks : sequence of Task
            Where all leave out the first run and another one, the first run takes no part in the
            inverse, which is smaller then; unless the inverse over all scans is at hand.
        dtype : {"float32", "float64"}
            Precision of the factorisation.
        stream : {"float32", "float64"}
            Precision of the result.
        """
        without_first = (alpha, dtype, 0) not in self._inverses and all(
            len(task.left_out) == 2 and 0 in task.left_out for task in tasks
        )
        return self._predictors(alpha, tasks, dtype, stream, start=1 if without_first else 0)

    def _predictors(
        self, alpha: float, tasks: Sequence[Task], dtype: Dtype, stream: Dtype, start: int
    ) -> dict[Task, Predictor]:
        """Predictors from the inverse over the runs from `start` on."""
        offset = self.slices[start].start
        result = {}
        for task, matrix in self._matrices(alpha, tasks, dtype, start):
            streamed = self.backend.cast(matrix, stream)
            pieces = [
                (scans, streamed[:, scans.start - offset : scans.stop - offset])
                for scans in _kept_scans(self.slices, task.left_out)
            ]
            result[task] = Predictor(task.left_out, self.lengths[task.run], pieces)
        return result

    def _matrices(
        self, alpha: float, tasks: Sequence[Task], dtype: Dtype, start: int
    ) -> Iterator[tuple[Task, Array]]:
        """Yield what predicts the run of each task from the runs from `start` on, padded."""
        backend = self.backend
        offset = self.slices[start].start
        inverse = self._inverse(alpha, dtype, offset)
        local = [slice(s.start - offset, s.stop - offset) for s in self.slices]
        others = {
            task: [r for r in task.left_out if r >= start and r != task.run] for task in tasks
        }
        other = {task: runs[0] for task, runs in others.items() if runs}
        singly = sorted({other.get(task, task.run) for task in tasks})
        blocks = (inverse[local[r], local[r]] for r in singly)
        alone = dict(zip(singly, backend.spd_inverses(blocks, dtype), strict=True))

        before: dict[int, Array] = {}
        for task in tasks:
            if task not in other:
                factor = backend.padded(-alone[task.run])
                yield task, backend.matmul(factor, inverse[local[task.run], :])
            elif task.run < start:
                # The run to predict is outside: predict it from all runs inside, then take back
                # what the other left-out run contributed.
                if task.run not in before:
                    rows = self._in(dtype)[self.slices[task.run], offset:]
                    before[task.run] = backend.matmul(backend.padded(rows), inverse)
                full, there = before[task.run], local[other[task]]
                weights = backend.matmul(full[:, there], -alone[other[task]])
                matrix = backend.matmul(weights, inverse[there, :])
                matrix += full
                yield task, matrix

        pairs = [task for task in tasks if task in other and task.run >= start]
        weights_of: dict[Task, Array] = {}

        def schur_complements() -> Iterator[Array]:
            """Yield what B_SS⁻¹, restricted to the run to predict, is the inverse of."""
            for task in pairs:
                here, there = local[task.run], local[other[task]]
                weights_of[task] = backend.matmul(inverse[here, there], alone[other[task]])
                taken = backend.matmul(weights_of[task], inverse[there, here])
                yield inverse[here, here] - taken

        inverses = backend.spd_inverses(schur_complements(), dtype)
        for task, restricted in zip(pairs, inverses, strict=True):
            here, there = local[task.run], local[other[task]]
            right = inverse[here, :] - backend.matmul(weights_of.pop(task), inverse[there, :])
            yield task, backend.matmul(backend.padded(-restricted), right)

    def trusts_single_precision(self, alpha: float) -> bool:
        """Tell whether float32 is enough to factor with a penalty.

        It is not where K is of low rank or small beside α: B is nearly I / α then, predictions are
        what it differs by from that, and float32 keeps little of the difference.
        """
        if self._low_rank or self.norm < _FAINT * alpha:
            return False
        return self.norm < ILL_CONDITIONED * alpha

    def inverse(self, alpha: float, dtype: Dtype) -> Array:
        """Return B = (K + αI)⁻¹, from which any run can be left out."""
        return self._inverse(alpha, dtype, 0)


def _kept_scans(slices: Sequence[slice], left_out: LeftOut) -> list[slice]:
    """Return the scans of the runs that are not left out, as few slices as possible."""
    kept: list[slice] = []
    for run, scans in enumerate(slices):
        if run in left_out:
            continue
        if kept and kept[-1].stop == scans.start:
            kept[-1] = slice(kept[-1].start, scans.stop)
        else:
            kept.append(scans)
    return kept
