"""Predictions of models that have not seen two runs, for all pairs of runs at once.

With B = (K + αI)⁻¹ over all scans, the model that has not seen run a predicts it by the blocks of
B beside the diagonal, p°_a = -B_aa⁻¹ Σ_c B_ac y_c. To leave out another run b as well is to put
its own prediction in its place. So for a pair, with what p° leaves, e° = y - p°:

    p_a = p°_a + C B_ab (e°_b - B_bb⁻¹ B_ba e°_a),    C = (B_aa - B_ab B_bb⁻¹ B_ba)⁻¹
    p_b = p°_b + B_bb⁻¹ B_ba (y_a - p_a)

Three products of small matrices per pair, and one large one for all of them. No prediction is the
difference of y and a residual: where a model can predict next to nothing, p keeps its precision.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from hemiscale.encoding.backend import Array, Backend, Dtype, precision

__all__ = ["PairOperator", "PairOperators", "pair_predictions"]


class PairOperator(NamedTuple):
    """For runs a < b: C B_ab and B_bb⁻¹ B_ba."""

    to_first: Array
    to_second: Array


class PairOperators:
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
        dtype = precision(inverse)
        pairs = sorted(pairs)
        runs = sorted({run for pair in pairs for run in pair})
        blocks = (inverse[slices[run], slices[run]] for run in runs)
        single = dict(zip(runs, backend.spd_inverses(blocks, dtype), strict=True))
        to_second: dict[tuple[int, int], Array] = {}

        def schur_complements() -> Iterator[Array]:
            for a, b in pairs:
                across = inverse[slices[a], slices[b]]
                second = backend.matmul(single[b], across.T)
                to_second[a, b] = backend.cast(second, stream)
                yield inverse[slices[a], slices[a]] - backend.matmul(across, second)

        self.pairs: dict[tuple[int, int], PairOperator] = {}
        inverses = backend.spd_inverses(schur_complements(), dtype)
        for (a, b), c in zip(pairs, inverses, strict=True):
            first = backend.matmul(c, inverse[slices[a], slices[b]])
            self.pairs[a, b] = PairOperator(backend.cast(first, stream), to_second[a, b])
        self.single = {run: backend.cast(-m, stream) for run, m in single.items()}
        self.between = backend.cast(inverse, stream) + 0  # a copy
        for scans in slices:
            self.between[scans, scans] = 0


def pair_predictions(
    operators: PairOperators, targets: Array, pairs: Iterable[tuple[int, int]]
) -> Iterable[tuple[tuple[int, int], Mapping[int, Array]]]:
    """Yield, for each pair of runs, the predictions of both by the model that has seen neither.

    Parameters
    ----------
    operators : PairOperators
    targets : (n_targets, n_scans) array
        y, all runs one beside the other.
    pairs : iterable of (int, int)

    Yields
    ------
    (a, b), {a: (n_targets, n_scans_a) array, b: (n_targets, n_scans_b) array}
    """
    matmul, slices = operators.backend.matmul, operators.slices
    from_others = matmul(targets, operators.between)
    alone = {
        run: matmul(from_others[:, slices[run]], matrix) for run, matrix in operators.single.items()
    }
    left = {run: targets[:, slices[run]] - alone[run] for run in alone}
    for a, b in pairs:
        operator = operators.pairs[a, b]
        both = left[b] - matmul(left[a], operator.to_second.T)
        first = alone[a] + matmul(both, operator.to_first.T)
        second = alone[b] + matmul(targets[:, slices[a]] - first, operator.to_second.T)
        yield (a, b), {a: first, b: second}
