"""What the dual form needs of features, so that the features themselves can be let go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hemiscale.encoding.backend import Array, Backend

__all__ = ["Kernel"]


@dataclass(frozen=True)
class Kernel:
    """Products of all scans of a feature set with all its scans.

    Attributes
    ----------
    matrix : (n_scans, n_scans) float64 array
        X Xᵀ, on the device, where X is the runs put one below the other.
    lengths : list of int
        Scans of each run.
    n_features : int
    """

    matrix: Array
    lengths: list[int]
    n_features: int

    @classmethod
    def of(cls, features: Sequence[Array], backend: Backend) -> Kernel:
        """Multiply.

        Parameters
        ----------
        features : sequence over runs of (n_scans, n_features) arrays
            As they are: nothing is checked or standardised.
        backend : Backend

        Returns
        -------
        Kernel
        """
        return cls(backend.gram(features), [len(x) for x in features], features[0].shape[1])
