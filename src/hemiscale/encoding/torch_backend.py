"""The engine's dense operations on torch: the same results on a GPU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch

from hemiscale.encoding.backend import (
    EIGH_OPERATIONS,
    Dtype,
    Operations,
    not_positive,
    precision,
)
from hemiscale.errors import HemiscaleError

__all__ = ["TorchBackend", "cuda_device_exists"]

_TYPES = {"float32": torch.float32, "float64": torch.float64}
_CHUNK = 2048
#: A GPU is idle between small products: as many targets a block as its memory has room for (so
#: many arrays of predictions and what is made of them in a quarter of it), up to this many.
_MOST_TARGETS, _ARRAYS = 8192, 8


def cuda_device_exists(device: str) -> bool:
    """Tell whether ``cuda`` or ``cuda:N`` can be used here."""
    index = int(device.partition(":")[2] or 0)
    return torch.cuda.is_available() and index < torch.cuda.device_count()


class TorchBackend:
    """torch on the processor or on a GPU; see `Backend`.

    Parameters
    ----------
    device : str
        As torch names it.

    Raises
    ------
    HemiscaleError
        Where torch is set to multiply in less than single precision.
    """

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        self.fast_eigh = self.device.type == "cpu"
        self.cached_rows = 256 if self.device.type == "cpu" else 0
        self.operations: Operations = Counter()
        if self._rounds_products():
            raise HemiscaleError(
                f"torch is set to round what it multiplies on {device} (TF32 or bfloat16), which "
                "keeps three digits; call torch.set_float32_matmul_precision('highest')."
            )

    def _rounds_products(self) -> bool:
        x = torch.full((256, 256), 1 + 2.0**-14, device=self.device)
        return not torch.equal(self.matmul(x, torch.eye(256, device=self.device)), x)

    def block_size(self, n_scans: int) -> int:
        """So many that products are fast; by all memory of a GPU, not by what is free today."""
        if self.device.type != "cuda":
            return 1024
        memory = torch.cuda.get_device_properties(self.device).total_memory
        room = int(memory / 4 / (_ARRAYS * 4 * n_scans))
        return min(_MOST_TARGETS, max(1024, room))

    def free_memory(self) -> float:
        """Free memory of the device, in bytes; infinite on the processor."""
        if self.device.type != "cuda":
            return float("inf")
        return float(torch.cuda.mem_get_info(self.device)[0])

    def array(self, x: np.ndarray, dtype: Dtype) -> torch.Tensor:
        """Return `x` on the device, contiguous, in `dtype`."""
        return torch.as_tensor(np.ascontiguousarray(x)).to(self.device, _TYPES[dtype])

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

    def take(self, x: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        """Return the named rows of `x`."""
        return x[torch.as_tensor(rows, device=x.device)]

    def concatenate(self, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """Put arrays one below the other."""
        return torch.cat(list(parts))

    def matmul(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Matrix product."""
        self.operations[precision(a)] += 2 * a.shape[0] * a.shape[1] * b.shape[1]
        return a @ b

    def gram(self, blocks: Sequence[np.ndarray]) -> torch.Tensor:
        """Z Zᵀ in float64, where Z is the blocks put one below the other."""
        n, p = sum(len(block) for block in blocks), blocks[0].shape[1]
        self.operations["float64"] += 2 * n * n * p
        result = torch.zeros((n, n), dtype=torch.float64, device=self.device)
        for start in range(0, p, _CHUNK):
            chunk = np.concatenate([block[:, start : start + _CHUNK] for block in blocks])
            # As it is, and to double precision there: half of the way.
            tensor = torch.as_tensor(chunk).to(self.device).to(torch.float64)
            result.addmm_(tensor, tensor.T)
        return result

    def spd_inverse(self, matrix: torch.Tensor, shift: float, dtype: Dtype) -> torch.Tensor:
        """Inverse of ``matrix + shift I`` by Cholesky, in `dtype`."""
        self.operations[dtype] += len(matrix) ** 3
        return torch.cholesky_inverse(self._factored(matrix, shift, dtype))

    def spd_inverses(self, matrices: Sequence[torch.Tensor], dtype: Dtype) -> list[torch.Tensor]:
        """Inverses of several small matrices; on a GPU at once, with ones to the largest size."""
        if self.device.type != "cuda" or not matrices:
            return [self.spd_inverse(matrix, 0.0, dtype) for matrix in matrices]
        sizes = [len(matrix) for matrix in matrices]
        self.operations[dtype] += sum(size**3 for size in sizes)
        largest = torch.eye(max(sizes), dtype=_TYPES[dtype], device=self.device)
        batch = largest.repeat(len(sizes), 1, 1)
        for place, (size, matrix) in enumerate(zip(sizes, matrices, strict=True)):
            batch[place, :size, :size] = matrix
        inverses = torch.cholesky_inverse(self._cholesky(batch, 0.0, dtype))
        return [inverse[:size, :size] for size, inverse in zip(sizes, inverses, strict=True)]

    def spd_solve(
        self, matrix: torch.Tensor, shift: float, rows: torch.Tensor, dtype: Dtype
    ) -> torch.Tensor:
        """Solve ``solution (matrix + shift I) = rows`` by Cholesky, in `dtype`."""
        n = len(matrix)
        self.operations[dtype] += n**3 // 3 + 2 * n * n * len(rows)
        factor = self._factored(matrix, shift, dtype)
        return torch.cholesky_solve(self.cast(rows, dtype).T, factor).T

    def eigh(self, matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Eigenvalues and eigenvectors (columns) of a symmetric matrix."""
        self.operations[precision(matrix)] += round(EIGH_OPERATIONS * len(matrix) ** 3)
        values, vectors = torch.linalg.eigh(matrix)
        return values, vectors

    def _factored(self, matrix: torch.Tensor, shift: float, dtype: Dtype) -> torch.Tensor:
        shifted = self.cast(matrix, dtype).clone()
        shifted.diagonal().add_(shift)
        return self._cholesky(shifted, shift, dtype)

    @staticmethod
    def _cholesky(matrix: torch.Tensor, shift: float, dtype: Dtype) -> torch.Tensor:
        factor, failed = torch.linalg.cholesky_ex(matrix)
        if failed.any():
            raise not_positive(shift, dtype)
        return factor

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
