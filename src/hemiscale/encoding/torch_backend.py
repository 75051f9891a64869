"""The engine's dense operations on torch: the same results on a GPU."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from hemiscale.encoding.backend import EIGH_OPERATIONS, Dtype

__all__ = ["TorchBackend", "cuda_device_exists"]

_TYPES = {"float32": torch.float32, "float64": torch.float64}
_CHUNK = 2048


def cuda_device_exists(device: str) -> bool:
    """Tell whether ``cuda`` or ``cuda:N`` can be used here."""
    index = int(device.partition(":")[2] or 0)
    return torch.cuda.is_available() and index < torch.cuda.device_count()


class TorchBackend:
    """torch on the processor or on a GPU; see `Backend`."""

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        self.fast_eigh = self.device.type == "cpu"
        self.cached_rows = 256 if self.device.type == "cpu" else 0
        self.flops = 0.0

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

    def take(self, x: torch.Tensor, rows: np.ndarray) -> torch.Tensor:
        """Return the named rows of `x`."""
        return x[torch.as_tensor(rows, device=x.device)]

    def concatenate(self, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """Put arrays one below the other."""
        return torch.cat(list(parts))

    def matmul(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Matrix product."""
        self.flops += 2.0 * a.shape[0] * a.shape[1] * b.shape[1]
        return a @ b

    def gram(self, blocks: Sequence[np.ndarray]) -> torch.Tensor:
        """Z Zᵀ in float64, where Z is the blocks put one below the other."""
        n, p = sum(len(block) for block in blocks), blocks[0].shape[1]
        self.flops += 2.0 * n * n * p
        result = torch.zeros((n, n), dtype=torch.float64, device=self.device)
        for start in range(0, p, _CHUNK):
            chunk = np.concatenate([block[:, start : start + _CHUNK] for block in blocks])
            tensor = self.array(chunk, "float64")
            result.addmm_(tensor, tensor.T)
        return result

    def spd_inverse(self, matrix: torch.Tensor, shift: float, dtype: Dtype) -> torch.Tensor:
        """Inverse of ``matrix + shift I`` by Cholesky, in `dtype`."""
        self.flops += float(len(matrix)) ** 3
        return torch.cholesky_inverse(self._factored(matrix, shift, dtype))

    def spd_solve(
        self, matrix: torch.Tensor, shift: float, rows: torch.Tensor, dtype: Dtype
    ) -> torch.Tensor:
        """Solve ``solution (matrix + shift I) = rows`` by Cholesky, in `dtype`."""
        n = len(matrix)
        self.flops += float(n) ** 3 / 3 + 2.0 * n * n * len(rows)
        factor = self._factored(matrix, shift, dtype)
        return torch.cholesky_solve(self.cast(rows, dtype).T, factor).T

    def eigh(self, matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Eigenvalues and eigenvectors (columns) of a symmetric matrix."""
        self.flops += EIGH_OPERATIONS * float(len(matrix)) ** 3
        values, vectors = torch.linalg.eigh(matrix)
        return values, vectors

    def _factored(self, matrix: torch.Tensor, shift: float, dtype: Dtype) -> torch.Tensor:
        shifted = self.cast(matrix, dtype).clone()
        shifted.diagonal().add_(shift)
        return torch.linalg.cholesky(shifted)

    def correlate(
        self,
        prediction: torch.Tensor,
        target: torch.Tensor,
        target_norm: torch.Tensor,
        *,
        centred: bool,
    ) -> np.ndarray:
        """Pearson r of each row; 0 where a prediction is constant."""
        if not centred:
            prediction = prediction - prediction.mean(dim=1, keepdim=True)
        product = (prediction * target).sum(dim=1)
        norm = prediction.square().sum(dim=1).sqrt() * target_norm
        return self.numpy(torch.where(norm > 0, product / norm, torch.zeros_like(norm)))
