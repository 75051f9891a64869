"""Scores of models that have not seen two runs, for all pairs of runs at once.

With B = (K + αI)⁻¹ over all scans, the residuals on any left-out set S of the model that has not
seen S are B_SS⁻¹ (B y)_S. For a pair S = {a, b} this is written with the runs' own left-out
residuals e_b = B_bb⁻¹ (B y)_b, which all pairs share:

    r_a = C (B y)_a - C B_ab e_b,    C = (B_aa - B_ab B_bb⁻¹ B_ba)⁻¹
    r_b = e_b - B_bb⁻¹ B_ba r_a

Three products of small matrices per pair, and one large one, B y, for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from hemiscale.encoding.backend import Array, Backend, Dtype

__all__ = ["PairOperator", "ResidualOperators", "pair_residuals"]


class PairOperator(NamedTuple):
    """For runs a < b: C, C B_ab and B_bb⁻¹ B_ba."""

    own: Array
    cross: Array
    back: Array


class ResidualOperators:
    """All that one penalty needs to leave out any pair of runs.

    Parameters
    ----------
    inverse : (n_scans, n_scans) array
        B.
    slices : sequence of slice
        Where each run lies.
    pairs : iterable of (int, int)
        Pairs a < b of runs to prepare.
    backend : Backend
    stream : {"float32", "float64"}
        Precision of the result; the matrices are inverted in that of `inverse`.
    """

    def __init__(
        self,
        inverse: Array,
        slices: Sequence[slice],
        pairs: Iterable[tuple[int, int]],
        backend: Backend,
        stream: Dtype,
    ) -> None:
        self.slices = slices
        self.backend = backend
        dtype: Dtype = "float64" if "64" in str(inverse.dtype) else "float32"
        pairs = sorted(pairs)
        single = {
            b: backend.spd_inverse(inverse[slices[b], slices[b]], 0.0, dtype)
            for b in {b for _, b in pairs}
        }
        self.pairs: dict[tuple[int, int], PairOperator] = {}
        for a, b in pairs:
            across = inverse[slices[a], slices[b]]
            back = backend.matmul(single[b], across.T)
            schur = inverse[slices[a], slices[a]] - backend.matmul(across, back)
            own = backend.spd_inverse(schur, 0.0, dtype)
            self.pairs[a, b] = PairOperator(
                *(backend.cast(m, stream) for m in (own, backend.matmul(own, across), back))
            )
        self.single = {b: backend.cast(m, stream) for b, m in single.items()}
        self.inverse = backend.cast(inverse, stream)


def pair_residuals(
    operators: ResidualOperators, targets: Array, pairs: Iterable[tuple[int, int]]
) -> Iterable[tuple[tuple[int, int], Mapping[int, Array]]]:
    """Yield, for each pair of runs, the residuals on both of the model that has seen neither.

    Parameters
    ----------
    operators : ResidualOperators
    targets : (n_targets, n_scans) array
        y, all runs one beside the other.
    pairs : iterable of (int, int)

    Yields
    ------
    (a, b), {a: (n_targets, n_scans_a) array, b: (n_targets, n_scans_b) array}
    """
    matmul = operators.backend.matmul
    fitted = matmul(targets, operators.inverse)
    alone: dict[int, Array] = {}
    for a, b in pairs:
        if b not in alone:
            alone[b] = matmul(fitted[:, operators.slices[b]], operators.single[b])
        operator = operators.pairs[a, b]
        left_a = matmul(fitted[:, operators.slices[a]], operator.own)
        left_a -= matmul(alone[b], operator.cross.T)
        yield (a, b), {a: left_a, b: alone[b] - matmul(left_a, operator.back.T)}
