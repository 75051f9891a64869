"""Which backend does the work on a device."""

from __future__ import annotations

import re
import warnings

from hemiscale.encoding.backend import Backend, NumpyBackend
from hemiscale.errors import HemiscaleWarning

__all__ = ["select_backend"]


def select_backend(device: str) -> Backend:
    """Return the backend for a device.

    Parameters
    ----------
    device : str
        ``"cpu"`` (numpy), ``"cuda"`` or ``"cuda:1"`` (torch), ``"torch-cpu"`` (torch on the
        processor). Where there is no such GPU the work is done on the processor, with a warning.
    """
    if device == "cpu":
        return NumpyBackend()
    if device != "torch-cpu" and not re.fullmatch(r"cuda(:\d+)?", device):
        raise ValueError(f"device is {device!r}; expected cpu, cuda, cuda:N or torch-cpu.")
    from hemiscale.encoding.torch_backend import TorchBackend, cuda_device_exists

    if device == "torch-cpu":
        return TorchBackend("cpu")
    if not cuda_device_exists(device):
        warnings.warn(
            f"There is no device {device} here; the work is done on the processor.",
            HemiscaleWarning,
            stacklevel=3,
        )
        return NumpyBackend()
    return TorchBackend(device)
