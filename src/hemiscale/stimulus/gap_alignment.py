"""Optimal alignment of two strings of letters with affine gap costs (Gotoh 1982).

Gotoh, O. (1982). An improved algorithm for matching biological sequences. Journal of Molecular
Biology 162, 705-708. Rows are computed whole; the running maximum replaces Gotoh's inner loop.
"""

from __future__ import annotations

import numpy as np

__all__ = ["MAXIMUM_CELLS", "align_letters"]

MATCH, START_BONUS, MISMATCH, GAP_OPEN, GAP_EXTEND = 4, 1, -3, -4, -1
MAXIMUM_CELLS = 60_000_000  # a byte each: beyond this two stretches have too little in common
_LOWEST = -(2**28)


def align_letters(
    first: str, second: str, first_starts: np.ndarray, second_starts: np.ndarray
) -> np.ndarray:
    """Pair the letters of one string with those of another.

    Parameters
    ----------
    first, second : str
    first_starts, second_starts : bool arrays
        Which letters begin a word. Two such letters are a better match than others, and letters
        are better left out from the start of a word on than from its middle.

    Returns
    -------
    (len(first),) int array
        For each letter of `first` the index of its partner in `second` (equal or different
        letter), -1 where it has none.
    """
    n, m = len(first), len(second)
    partners = np.full(n, -1, dtype=np.int64)
    if n == 0 or m == 0 or n * m > MAXIMUM_CELLS:
        return partners
    a = np.frombuffer(first.encode("utf-32-le"), dtype=np.uint32)
    b = np.frombuffer(second.encode("utf-32-le"), dtype=np.uint32)
    # Bits of a cell: 1-2 where its best score comes from (0 diagonal, 1 skip a letter of first,
    # 2 skip one of second); 4 and 8: the skip continues an earlier one.
    moves = np.zeros((n + 1, m + 1), dtype=np.uint8)
    ramp = -GAP_EXTEND * np.arange(m + 1, dtype=np.int32)
    best = GAP_OPEN - ramp
    best[0] = 0
    moves[0, 1:] = 2 + 8
    moves[0, 1:2] = 2
    down = np.full(m + 1, _LOWEST, dtype=np.int32)
    bonus = START_BONUS * second_starts.astype(np.int32)
    ramp_and_bonus = ramp.copy()
    ramp_and_bonus[:-1] += bonus
    for i in range(1, n + 1):
        continued = down + GAP_EXTEND
        opened = best + (GAP_OPEN + GAP_EXTEND + START_BONUS * int(first_starts[i - 1]))
        down = np.maximum(continued, opened)
        similarity = np.where(b == a[i - 1], MATCH, MISMATCH)
        if first_starts[i - 1]:
            similarity = similarity + bonus
        diagonal = np.empty(m + 1, dtype=np.int32)
        diagonal[0] = _LOWEST
        diagonal[1:] = best[:-1] + similarity
        without_right = np.maximum(diagonal, down)
        # Skipping letters of second: the best earlier cell of this row, less the way from it.
        reach = np.maximum.accumulate(without_right + ramp_and_bonus)
        right = np.full(m + 1, _LOWEST, dtype=np.int32)
        right[1:] = reach[:-1] + GAP_OPEN - ramp[1:]
        best = np.maximum(without_right, right)
        row = moves[i]
        row[:] = np.where(diagonal == best, 0, np.where(down == best, 1, 2))
        row += np.where(continued >= opened, 4, 0).astype(np.uint8)
        longer = np.zeros(m + 1, dtype=bool)
        longer[2:] = right[1:-1] + GAP_EXTEND == right[2:]
        row += np.where(longer, 8, 0).astype(np.uint8)
    _trace_back(moves, partners)
    return partners


def _trace_back(moves: np.ndarray, partners: np.ndarray) -> None:
    i, j = moves.shape[0] - 1, moves.shape[1] - 1
    state = 0  # 0: any; 1: inside a skip of first; 2: inside a skip of second
    while i > 0 and j > 0:
        move = int(moves[i, j])
        kind = state or move & 3
        if kind == 0:
            i, j = i - 1, j - 1
            partners[i] = j
        elif kind == 1:
            state = 1 if move & 4 else 0
            i -= 1
        else:
            state = 2 if move & 8 else 0
            j -= 1
