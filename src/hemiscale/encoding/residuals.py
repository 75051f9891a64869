"""Scores of models that have not seen two runs, for all pairs of runs at once.

Let D be a residual operator of the fit on all scans: D = (K + αI)⁻¹ or D = I - H, equal up to a
factor. For any left-out set S the residuals of the model that has not seen S are D_SS⁻¹ (D y)_S.
For a pair S = {a, b} this is written with the two runs' own left-out residuals
e_b = D_bb⁻¹ (D y)_b, which all pairs share:

    r_a = C (D y)_a - C D_ab e_b,    C = (D_aa - D_ab D_bb⁻¹ D_ba)⁻¹
    r_b = e_b - D_bb⁻¹ D_ba r_a

three products of small matrices per pair, and one large one, D y, for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from hemiscale.encoding.backend import Array, Backend, Dtype

__all__ = ["PairOperator", "ResidualOperators", "pair_residuals"]


class PairOperator(NamedTuple):
    """For runs a < b: C, C D_ab and D_bb⁻¹ D_ba."""

    own: Array
    cross: Array
    back: Array


class ResidualOperators:
    """All that one penalty needs to leave out any pair of runs.

    Parameters
    ----------
    operator : (n_scans, n_scans) array
        D.
    for_views : array
        What a view's ``residuals`` needs to give D y.
    slices : sequence of slice
        Where each run lies.
    pairs : iterable of (int, int)
        Pairs a < b of runs to prepare.
    backend : Backend
    stream : {"float32", "float64"}
        Precision of the result; the matrices are inverted in that of `operator`.
    """

    def __init__(
        self,
        operator: Array,
        for_views: Array,
        slices: Sequence[slice],
        pairs: Iterable[tuple[int, int]],
        backend: Backend,
        stream: Dtype,
    ) -> None:
        self.slices = slices
        self.backend = backend
        dtype: Dtype = "float64" if "64" in str(operator.dtype) else "float32"
        pairs = sorted(pairs)
        single = {
            b: backend.spd_inverse(operator[slices[b], slices[b]], 0.0, dtype)
            for b in {b for _, b in pairs}
        }
        self.pairs: dict[tuple[int, int], PairOperator] = {}
        for a, b in pairs:
            across = operator[slices[a], slices[b]]
            back = backend.matmul(single[b], across.T)
            schur = operator[slices[a], slices[a]] - backend.matmul(across, back)
            own = backend.spd_inverse(schur, 0.0, dtype)
            self.pairs[a, b] = PairOperator(
                *(backend.cast(m, stream) for m in (own, backend.matmul(own, across), back))
            )
        self.single = {b: backend.cast(m, stream) for b, m in single.items()}
        self.for_views = backend.cast(for_views, stream)


def pair_residuals(
    operators: ResidualOperators, fitted: Array, pairs: Iterable[tuple[int, int]]
) -> Iterable[tuple[tuple[int, int], Mapping[int, Array]]]:
    """Yield, for each pair of runs, the residuals on both of the model that has seen neither.

    Parameters
    ----------
    operators : ResidualOperators
    fitted : (n_targets, n_scans) array
        D y, from a view's ``residuals``.
    pairs : iterable of (int, int)

    Yields
    ------
    (a, b), {a: (n_targets, n_scans_a) array, b: (n_targets, n_scans_b) array}
    """
    matmul = operators.backend.matmul
    alone: dict[int, Array] = {}
    for a, b in pairs:
        if b not in alone:
            alone[b] = matmul(fitted[:, operators.slices[b]], operators.single[b])
        operator = operators.pairs[a, b]
        left_a = matmul(fitted[:, operators.slices[a]], operator.own)
        left_a -= matmul(alone[b], operator.cross.T)
        yield (a, b), {a: left_a, b: alone[b] - matmul(left_a, operator.back.T)}
