"""The engine's dense operations on torch: the same results on a GPU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch

from hemiscale.encoding.backend import (
    EIGH_OPERATIONS,
    Dtype,
    Operations,
    not_positive,
    precision,
    solve_operations,
)
from hemiscale.encoding.standardise import RELATIVELY_CONSTANT
from hemiscale.errors import HemiscaleError

__all__ = ["TorchBackend", "cuda_device_exists"]

_TYPES = {"float32": torch.float32, "float64": torch.float64}
#: Columns of features that are taken to float64 at a time (memory, not speed).
_CHUNK, _COLUMNS = 2048, 8192
#: A GPU is idle between small products: as many targets a block as its memory has room for (so
#: many arrays of predictions and what is made of them in a quarter of it), up to this many.
_MOST_TARGETS, _ARRAYS = 8192, 8
#: Matrices up to this size leave a GPU idle, unless they are factored at once. torch takes up to
#: eight of them one by one, whatever their size.
_SMALL, _LEAST_BATCH = 1024, 9
#: A batch takes up to so many bytes, and up to so many times what its matrices take.
_BATCH_MEMORY, _MOST_PADDING = 2.5e8, 3


def cuda_device_exists(device: str) -> bool:
    """Tell whether ``cuda`` or ``cuda:N`` can be used here."""
    index = int(device.partition(":")[2] or 0)
    return torch.cuda.is_available() and index < torch.cuda.device_count()


def _worth_a_batch(matrices: Sequence[torch.Tensor]) -> bool:
    sizes = [len(matrix) for matrix in matrices]
    padded = max(len(sizes), _LEAST_BATCH) * max(sizes) ** 2
    return len(sizes) > 1 and padded <= _MOST_PADDING * sum(size**2 for size in sizes)


class TorchBackend:
    """torch on the processor or on a GPU; see `Backend`."""

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        #: Whether many small operations leave the device idle.
        self._parallel = self._is_gpu()
        self.fast_eigh = not self._parallel
        self.cached_rows = 0 if self._parallel else 256
        self.operations: Operations = Counter()

    def _is_gpu(self) -> bool:
        return self.device.type == "cuda"

    def check(self) -> None:
        """Refuse to multiply in less than single precision, as torch can be set to."""
        x = torch.full((256, 256), 1 + 2.0**-14, dtype=torch.float32, device=self.device)
        one = torch.eye(256, dtype=torch.float32, device=self.device)
        if not torch.equal(x @ one, x):
            raise HemiscaleError(
                f"torch is set to round what it multiplies on {self.device} (TF32 or bfloat16), "
                "which keeps three digits; call torch.set_float32_matmul_precision('highest')."
            )

    def block_size(self, n_scans: int) -> int:
        """So many that products are fast; by all memory of a GPU, not by what is free today."""
        if not self._parallel:
            return 1024
        room = self._all_memory() / 4 / (_ARRAYS * 4 * n_scans)
        return int(min(_MOST_TARGETS, max(1024, room)))

    def _all_memory(self) -> float:
        return float(torch.cuda.get_device_properties(self.device).total_memory)

    def free_memory(self) -> float:
        """Free memory of the device, in bytes; infinite on the processor."""
        if self.device.type != "cuda":
            return float("inf")
        return float(torch.cuda.mem_get_info(self.device)[0])

    def array(self, x: np.ndarray | torch.Tensor, dtype: Dtype) -> torch.Tensor:
        """Return `x` (on the device already, or not) on the device, contiguous, in `dtype`."""
        return self._tensor(x).to(_TYPES[dtype]).contiguous()

    def _tensor(self, x: np.ndarray | torch.Tensor) -> torch.Tensor:
        """Return an array of any kind on the device, in single precision if it is so already."""
        if isinstance(x, np.ndarray):
            kept = np.float32 if x.dtype == np.float32 else np.float64
            x = torch.from_numpy(np.require(x, kept, ["C", "W"]))
        return x.to(self.device)

    def indices(self, rows: np.ndarray) -> torch.Tensor:
        """Return row numbers on the device."""
        return torch.as_tensor(rows, device=self.device)

    def standardised(self, x: np.ndarray) -> tuple[torch.Tensor, np.ndarray]:
        """Give columns mean 0 and standard deviation 1; tell which are constant or not finite."""
        made, unusable = [], []
        for start in range(0, x.shape[1], _COLUMNS):
            given = self._tensor(x[:, start : start + _COLUMNS])
            exact = given.to(torch.float64)
            centred = exact - exact.mean(dim=0)
            deviation = centred.square().mean(dim=0).sqrt()
            varies = deviation > RELATIVELY_CONSTANT * exact.abs().amax(dim=0)
            unusable.append(~(torch.isfinite(deviation) & varies))
            made.append((centred / deviation).to(given.dtype))
        return torch.cat(made, dim=1), self.numpy(torch.cat(unusable))

    def cast(self, x: torch.Tensor, dtype: Dtype) -> torch.Tensor:
        """Return `x` in `dtype`."""
        return x.to(_TYPES[dtype])

    def numpy(self, x: torch.Tensor) -> np.ndarray:
        """Return `x` as a numpy array on the processor."""
        return x.cpu().numpy()

    def on_host(self, arrays: Sequence[torch.Tensor]) -> list[np.ndarray]:
        """Return arrays of one dimension as numpy arrays, all of them in one transfer."""
        if not arrays:
            return []
        edges = np.cumsum([len(x) for x in arrays])[:-1]
        return np.split(self.numpy(torch.cat(list(arrays))), edges)

    def take(self, x: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Return the named rows of `x`."""
        return x[rows]

    def concatenate(self, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """Put arrays one below the other."""
        return torch.cat(list(parts))

    def padded(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x`."""
        return x

    def matmul(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Matrix product."""
        self.operations[precision(a)] += 2 * a.shape[0] * a.shape[1] * b.shape[1]
        return a @ b

    def gram(self, blocks: Sequence[np.ndarray | torch.Tensor]) -> torch.Tensor:
        """Z Zᵀ in float64, where Z is the blocks put one below the other."""
        n, p = sum(len(block) for block in blocks), blocks[0].shape[1]
        self.operations["float64"] += 2 * n * n * p
        result = torch.zeros((n, n), dtype=torch.float64, device=self.device)
        for start in range(0, p, _CHUNK):
            columns = slice(start, min(start + _CHUNK, p))
            parts = [self._tensor(block[:, columns]) for block in blocks]
            chunk = torch.cat(parts).to(torch.float64)
            result.addmm_(chunk, chunk.T)
        return result

    def spd_inverse(self, matrix: torch.Tensor, shift: float, dtype: Dtype) -> torch.Tensor:
        """Inverse of ``matrix + shift I`` by Cholesky, in `dtype`."""
        self.operations[dtype] += len(matrix) ** 3
        return self._inverse(self._factored(self.cast(matrix, dtype).clone(), shift, dtype))

    def spd_inverses(
        self, matrices: Iterable[torch.Tensor], dtype: Dtype
    ) -> Iterable[torch.Tensor]:
        """Inverses of several small matrices, in turn; a GPU makes them at once."""
        for batch in self._batches((matrix,) for matrix in matrices):
            of_batch = [matrix for (matrix,) in batch]
            if not _worth_a_batch(of_batch):
                yield from (self.spd_inverse(matrix, 0.0, dtype) for matrix in of_batch)
                continue
            self.operations[dtype] += sum(len(matrix) ** 3 for matrix in of_batch)
            inverses = self._inverse(self._factored(self._stacked(of_batch, dtype), 0.0, dtype))
            yield from (inverses[i, : len(m), : len(m)] for i, m in enumerate(of_batch))

    def spd_solve(
        self, matrix: torch.Tensor, shift: float, rows: torch.Tensor, dtype: Dtype
    ) -> torch.Tensor:
        """Solve ``solution (matrix + shift I) = rows`` by Cholesky, in `dtype`."""
        self.operations[dtype] += solve_operations(len(matrix), len(rows))
        factor = self._factored(self.cast(matrix, dtype).clone(), shift, dtype)
        return torch.cholesky_solve(self.cast(rows, dtype).T, factor).T

    def spd_solves(
        self,
        matrices: Iterable[torch.Tensor],
        shift: float,
        rows: Iterable[torch.Tensor],
        dtype: Dtype,
    ) -> Iterable[torch.Tensor]:
        """Solve several systems of one size, in turn; a GPU solves small ones at once."""
        for batch in self._batches(zip(matrices, rows, strict=True)):
            of_batch = [matrix for matrix, _ in batch]
            if not _worth_a_batch(of_batch):
                yield from (self.spd_solve(matrix, shift, x, dtype) for matrix, x in batch)
                continue
            n, sizes = len(of_batch[0]), [len(x) for _, x in batch]
            self.operations[dtype] += sum(solve_operations(n, size) for size in sizes)
            factors = self._factored(self._stacked(of_batch, dtype), shift, dtype)
            right = torch.zeros(
                (len(factors), max(sizes), n), dtype=_TYPES[dtype], device=self.device
            )
            for i, (_, x) in enumerate(batch):
                right[i, : sizes[i]] = x
            half = torch.linalg.solve_triangular(factors, right.mT, upper=False)
            solved = torch.linalg.solve_triangular(factors.mT, half, upper=True).mT
            yield from (solved[i, :size] for i, size in enumerate(sizes))

    def _batches(
        self, systems: Iterable[tuple[torch.Tensor, ...]]
    ) -> Iterator[list[tuple[torch.Tensor, ...]]]:
        """Cut systems, each with its matrix first, into those to be done at once: 1 on a CPU."""
        batch: list[tuple[torch.Tensor, ...]] = []
        largest = 0
        for system in systems:
            largest = max(largest, len(system[0]))
            full = 8 * (len(batch) + 1) * largest**2 > _BATCH_MEMORY
            if batch and (full or largest > _SMALL or not self._parallel):
                yield batch
                batch, largest = [], len(system[0])
            batch.append(system)
        if batch:
            yield batch

    def _stacked(self, matrices: Sequence[torch.Tensor], dtype: Dtype) -> torch.Tensor:
        """Stack matrices, each with ones on the diagonal up to the size of the largest."""
        largest = torch.eye(max(map(len, matrices)), dtype=_TYPES[dtype], device=self.device)
        stacked = largest.repeat(max(len(matrices), _LEAST_BATCH), 1, 1)
        for i, matrix in enumerate(matrices):
            stacked[i, : len(matrix), : len(matrix)] = matrix
        return stacked

    def _factored(self, matrix: torch.Tensor, shift: float, dtype: Dtype) -> torch.Tensor:
        """Factor one matrix or a stack of them, in place of which ``matrix + shift I`` is put."""
        matrix.diagonal(dim1=-2, dim2=-1).add_(shift)
        factor, failed = torch.linalg.cholesky_ex(matrix)
        if failed.any():
            raise not_positive(shift, dtype)
        return factor

    def _inverse(self, factor: torch.Tensor) -> torch.Tensor:
        if not self._parallel:
            return torch.cholesky_inverse(factor)
        one = torch.eye(factor.shape[-1], dtype=factor.dtype, device=self.device)
        half = torch.linalg.solve_triangular(factor, one.expand_as(factor), upper=False)
        return half.mT @ half

    def eigh(self, matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Eigenvalues and eigenvectors (columns) of a symmetric matrix."""
        self.operations[precision(matrix)] += round(EIGH_OPERATIONS * len(matrix) ** 3)
        values, vectors = torch.linalg.eigh(matrix)
        return values, vectors

    def correlate(
        self,
        prediction: torch.Tensor,
        target: torch.Tensor,
        target_norm: torch.Tensor,
        *,
        centred: bool,
    ) -> torch.Tensor:
        """Pearson r of each row; 0 where a prediction is constant."""
        if not centred:
            prediction = prediction - prediction.mean(dim=1, keepdim=True)
        product = torch.linalg.vecdot(prediction, target)
        norm = torch.linalg.vector_norm(prediction, dim=1) * target_norm
        return torch.where(norm > 0, product / norm, 0.0)
