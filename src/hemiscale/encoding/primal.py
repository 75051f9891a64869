"""Ridge regression in the space of features: for fewer features than scans.

Per-run products XᵀX and XᵀY are summed once; a left-out run is subtracted from the sums.

With Σ XᵀX = Q Λ Qᵀ, the predictor X (Σ XᵀX + αI)⁻¹ is X Q (Λ + αI)⁻¹ Qᵀ: one decomposition per
left-out set serves every penalty, which is a division and a product. The first look at all
penalties is on few targets: there Qᵀ Σ XᵀY is made once, and the division is all.
"""

from __future__ import annotations

from collections.abc import Sequence

from hemiscale.encoding.backend import Array, Backend, Dtype, precision
from hemiscale.encoding.bank import Block
from hemiscale.encoding.folds import run_slices
from hemiscale.encoding.predictors import (
    EVERY_ROW,
    ILL_CONDITIONED,
    LeftOut,
    Predictor,
    Rows,
    Task,
    select,
)

__all__ = ["PrimalSystem", "PrimalView", "decomposes"]


#: Memory for covariances of left-out sets, and for their eigenvectors, in bytes.
_KEPT_MEMORY = 1e8
_SPECTRA_MEMORY = 3e8
#: A decomposition takes as long as a few factorisations.
_ENOUGH_PENALTIES = 6
#: Eigenvectors lose more to rounding than a factorisation.
_SPECTRA_TRUST = 0.1


def decomposes(
    backend: Backend, dtype: Dtype, n_features: int, n_left_out_sets: int, n_penalties: int
) -> bool:
    """Tell whether covariances are decomposed for validation: where it is quick and there is room.

    Parameters
    ----------
    backend : Backend
    dtype : {"float32", "float64"}
        In which targets are streamed.
    n_features, n_left_out_sets, n_penalties : int
    """
    size = 4 * n_left_out_sets * n_features**2
    wanted = dtype == "float32" and n_penalties >= _ENOUGH_PENALTIES
    return wanted and backend.fast_eigh and size <= _SPECTRA_MEMORY


class PrimalView:
    """A block of targets as the primal form needs it: YᵀX per run and for all runs."""

    def __init__(self, system: PrimalSystem, block: Block, dtype: Dtype) -> None:
        self.block = block
        #: Targets to predict at a time.
        self.at_once = system.backend.cached_rows or len(block.data)
        self._backend = system.backend
        self._per_run = [
            self._backend.matmul(block.data[:, scans], x)
            for scans, x in zip(system.slices, system.features(dtype), strict=True)
        ]
        self._all = self._per_run[0] + self._per_run[1]
        for products in self._per_run[2:]:
            self._all += products
        self._rotated: dict[LeftOut, Array] = {}
        self._without: tuple[int, slice, Array] | None = None

    def _training_products(self, left_out: LeftOut, rows: Rows) -> Array:
        first, *others = left_out
        if isinstance(rows, slice) and others:
            # Several sets begin with the same run, and are asked for one after the other.
            if self._without is None or self._without[:2] != (first, rows):
                self._without = first, rows, self._all[rows] - self._per_run[first][rows]
            products = self._without[2]
        else:
            everything = select(self._backend, self._all, rows)
            products = everything - select(self._backend, self._per_run[first], rows)
        for run in others:
            products = products - select(self._backend, self._per_run[run], rows)
        return products

    def _rotated_products(self, left_out: LeftOut, rotation: Array) -> Array:
        if left_out not in self._rotated:
            products = self._training_products(left_out, EVERY_ROW)
            self._rotated[left_out] = self._backend.matmul(products, rotation)
        return self._rotated[left_out]

    @property
    def memory(self) -> float:
        """Memory that it holds, its block included, in bytes."""
        held = [self.block.data, self._all, *self._per_run, *self._rotated.values()]
        return float(sum(x.nbytes for x in held))

    def data(self, predictor: Predictor, rows: Rows = EVERY_ROW) -> Array:
        """Return what a predictor multiplies; the same for all penalties of a left-out set."""
        if predictor.rotation is None:
            return self._training_products(predictor.left_out, rows)
        rotated = self._rotated_products(predictor.left_out, predictor.rotation)
        return select(self._backend, rotated, rows)

    def predict(self, data: Array, predictor: Predictor) -> Array:
        """Predict targets from their data: (n_targets, n_scans)."""
        ((_, matrix),) = predictor.pieces
        return self._backend.matmul(data, matrix.T)[:, : predictor.n_scans]


class PrimalSystem:
    """The covariances of one feature set, and the operators that follow from them.

    Parameters
    ----------
    features : sequence over runs of (n_scans, n_features) arrays
        On the device already, or not.
    slices : sequence of slice
        Where each run lies among all scans.
    backend : Backend
    centred : bool
        Features have mean zero in every run, and so have predictions.
    """

    def __init__(
        self,
        features: Sequence[Array],
        slices: Sequence[slice],
        backend: Backend,
        *,
        centred: bool = False,
    ) -> None:
        self.centred = centred
        self.backend = backend
        self.slices = list(slices)
        self.lengths = [len(x) for x in features]
        self.width = features[0].shape[1]
        self._features: dict[Dtype, list[Array]] = {}
        self._given = features
        self.per_run = [backend.gram([x.T]) for x in features]
        self.total = sum(self.per_run[1:], start=self.per_run[0])
        self._covariances: dict[tuple[LeftOut, Dtype], Array] = {}
        self._spectra: dict[LeftOut, tuple[Array, Array]] = {}
        self._in_eigenvectors: dict[Task, Array] = {}
        self.norm = float((self.total * self.total).sum()) ** 0.5

    def features(self, dtype: Dtype) -> list[Array]:
        """Return the features on the device, in the precision asked for."""
        if dtype not in self._features:
            self._features[dtype] = [self.backend.array(x, dtype) for x in self._given]
        return self._features[dtype]

    def view(self, block: Block) -> PrimalView:
        """Prepare a block of targets."""
        return PrimalView(self, block, precision(block.data))

    def predictors(
        self, alpha: float, tasks: Sequence[Task], dtype: Dtype, stream: Dtype
    ) -> dict[Task, Predictor]:
        """Return the predictors X_run (Σ XᵀX + αI)⁻¹ for a penalty.

        Factored in `dtype`, returned in `stream`; see `DualSystem.predictors`.
        """
        backend = self.backend
        everything = slice(None)
        runs_of = {
            left_out: [task.run for task in tasks if task.left_out == left_out]
            for left_out in sorted({task.left_out for task in tasks})
        }
        x = self.features(dtype)
        solutions = backend.spd_solves(
            (self._covariance(left_out, dtype) for left_out in runs_of),
            alpha,
            (backend.concatenate([x[run] for run in runs]) for runs in runs_of.values()),
            dtype,
        )
        result = {}
        for (left_out, runs), solution in zip(runs_of.items(), solutions, strict=True):
            solved = backend.cast(solution, stream)
            for run, rows in zip(runs, run_slices([self.lengths[r] for r in runs]), strict=True):
                result[Task(left_out, run)] = Predictor(
                    left_out, self.lengths[run], [(everything, solved[rows])]
                )
        return result

    def predictors_from_spectra(self, alpha: float, tasks: Sequence[Task]) -> dict[Task, Predictor]:
        """Return the same predictors in single precision, from eigenvectors."""
        everything = slice(None)
        result = {}
        for task in tasks:
            matrix, vectors = self._divided(alpha, task)
            turned = self.backend.matmul(matrix, vectors.T)
            result[task] = Predictor(task.left_out, self.lengths[task.run], [(everything, turned)])
        return result

    def predictors_for_one_block(
        self, alpha: float, tasks: Sequence[Task]
    ) -> dict[Task, Predictor]:
        """Return single-precision predictors that are cheap to make and dear to use.

        They serve the first block of targets, where every penalty is looked at.
        """
        everything = slice(None)
        result = {}
        for task in tasks:
            matrix, vectors = self._divided(alpha, task)
            result[task] = Predictor(
                task.left_out, self.lengths[task.run], [(everything, matrix)], vectors
            )
        return result

    def _divided(self, alpha: float, task: Task) -> tuple[Array, Array]:
        """Return X Q (Λ + αI)⁻¹ of a task, and its Q."""
        if task.left_out not in self._spectra:
            covariance = self._covariance(task.left_out, "float32")
            self._spectra[task.left_out] = self.backend.eigh(covariance)
        values, vectors = self._spectra[task.left_out]
        if task not in self._in_eigenvectors:
            x = self.features("float32")[task.run]
            self._in_eigenvectors[task] = self.backend.matmul(x, vectors)
        return self._in_eigenvectors[task] / (values + alpha), vectors

    def trusts_spectra(self, alpha: float) -> bool:
        """Tell whether a penalty is large enough for eigenvectors in single precision."""
        return self.norm < _SPECTRA_TRUST * ILL_CONDITIONED * alpha

    def forget_spectra(self) -> None:
        """Give the decompositions' memory back."""
        self._spectra.clear()
        self._in_eigenvectors.clear()

    def _covariance(self, left_out: LeftOut, dtype: Dtype) -> Array:
        """XᵀX of the runs that are left; kept where there is room, for every penalty asks again."""
        if (left_out, dtype) in self._covariances:
            return self._covariances[left_out, dtype]
        covariance = self.total
        for run in left_out:
            covariance = covariance - self.per_run[run]
        covariance = self.backend.cast(covariance, dtype)
        size = self.total.shape[0] ** 2 * (8 if dtype == "float64" else 4)
        if size * (len(self._covariances) + 1) <= _KEPT_MEMORY:
            self._covariances[left_out, dtype] = covariance
        return covariance

    def trusts_single_precision(self, alpha: float) -> bool:
        """Tell whether a penalty makes XᵀX well conditioned enough to factor in float32."""
        return self.norm < ILL_CONDITIONED * alpha
