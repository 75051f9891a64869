"""Which scans are left out together: runs, or contiguous blocks of one run."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

__all__ = ["contiguous_blocks", "run_slices"]


def contiguous_blocks(n_scans: int, n_blocks: int, *, gap: int = 0) -> list[slice]:
    """Cut one run into blocks that are left out in turn, with a gap at the seams.

    Neighbouring scans share their noise and their haemodynamic response: without a gap the scans
    next to a left-out block tell what is in it.

    Parameters
    ----------
    n_scans : int
        Scans of the run.
    n_blocks : int
        Number of blocks; their lengths differ by one scan at most.
    gap : int
        Scans between two blocks that belong to neither.

    Returns
    -------
    list of slice
        In order of time.

    Raises
    ------
    ValueError
        Where a block would have fewer than two scans.
    """
    if n_blocks < 1 or gap < 0:
        raise ValueError(f"n_blocks is {n_blocks} and gap {gap}; at least 1 and 0 are needed.")
    kept = n_scans - gap * (n_blocks - 1)
    if kept < 2 * n_blocks:
        raise ValueError(
            f"{n_scans} scans are too few for {n_blocks} blocks with {gap} scans between them."
        )
    edges = np.linspace(0, kept, n_blocks + 1).round().astype(int)
    return [
        slice(int(start) + i * gap, int(stop) + i * gap)
        for i, (start, stop) in enumerate(pairwise(edges))
    ]


def run_slices(lengths: list[int]) -> list[slice]:
    """Return where each run lies when runs are put one below the other."""
    edges = np.concatenate([[0], np.cumsum(lengths)])
    return [slice(int(a), int(b)) for a, b in pairwise(edges)]
