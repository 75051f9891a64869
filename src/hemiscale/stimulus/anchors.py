"""Stretches that two long strings have in common and nowhere else: they cut the alignment up."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

__all__ = ["counterpart", "find_anchors"]

Anchor = tuple[int, int, int]  # start in first, start in second, length
_EDGE = 6  # letters at both ends of an anchor that may agree by chance, where a word is missing
_MARGIN = 24


def find_anchors(first: str, second: str, length: int = 16) -> list[Anchor]:
    """Find stretches that occur exactly once in each of two strings, in the same order.

    Parameters
    ----------
    first, second : str
    length : int
        Of the stretches that must be unique; neighbouring ones are joined.

    Returns
    -------
    list of (start in first, start in second, length)
        Increasing in both, not overlapping. The ends of joined stretches are left off: where a
        word is missing on one side, the letters beside the gap may agree by chance.

    Notes
    -----
    The longest increasing subsequence of unique matches, as in patience diff.
    """
    places = _unique_places(second, length)
    pairs = [(i, places[s]) for s, i in _unique_places(first, length).items() if s in places]
    pairs.sort()
    anchors: list[Anchor] = []
    for i, j in _longest_increasing(pairs):
        if anchors:
            start, other, size = anchors[-1]
            if i - start == j - other and i <= start + size:
                anchors[-1] = (start, other, i - start + length)
                continue
            if i < start + size or j < other + size:
                continue
        anchors.append((i, j, length))
    return [(i + _EDGE, j + _EDGE, size - 2 * _EDGE) for i, j, size in anchors]


def counterpart(anchors: list[Anchor], start: int, stop: int) -> tuple[int, int | None] | None:
    """Tell where in the second string the counterpart of a stretch of the first may be.

    Parameters
    ----------
    anchors : list of (start in first, start in second, length)
    start, stop : int
        Of the stretch.

    Returns
    -------
    (start, stop) or None
        The gap between the anchors around it, with a margin; stop is None at the end of the
        string. None where the stretch lies within an anchor: its counterpart is equal to it.
    """
    after = bisect_right(anchors, start, key=lambda anchor: anchor[0])
    low, high = 0, None
    if after:
        i, j, size = anchors[after - 1]
        if stop <= i + size:
            return None
        low = max(0, j + size - _MARGIN)
    while after < len(anchors) and anchors[after][0] < stop:
        after += 1
    if after < len(anchors):
        high = anchors[after][1] + _MARGIN
    return low, high


def _unique_places(string: str, length: int) -> dict[str, int]:
    places: dict[str, int] = {}
    twice: set[str] = set()
    for i in range(len(string) - length + 1):
        piece = string[i : i + length]
        if piece in places:
            twice.add(piece)
        else:
            places[piece] = i
    return {piece: i for piece, i in places.items() if piece not in twice}


def _longest_increasing(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    ends: list[int] = []  # smallest second value that ends an increasing run of each length
    last: list[int] = []  # index of the pair that does
    before: list[int] = []
    for index, (_, j) in enumerate(pairs):
        size = bisect_left(ends, j)
        before.append(last[size - 1] if size else -1)
        if size == len(ends):
            ends.append(j)
            last.append(index)
        else:
            ends[size], last[size] = j, index
    chain = []
    index = last[-1] if last else -1
    while index >= 0:
        chain.append(pairs[index])
        index = before[index]
    return chain[::-1]
