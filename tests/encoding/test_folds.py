from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemiscale.encoding import contiguous_blocks


@given(st.integers(1, 8), st.integers(0, 6), st.integers(0, 300))
def test_blocks_are_equal_ordered_and_apart(n_blocks, gap, extra):
    n_scans = 2 * n_blocks + gap * (n_blocks - 1) + extra
    blocks = contiguous_blocks(n_scans, n_blocks, gap=gap)
    lengths = [block.stop - block.start for block in blocks]
    assert len(blocks) == n_blocks
    assert max(lengths) - min(lengths) <= 1
    assert blocks[0].start == 0
    assert blocks[-1].stop == n_scans
    for before, after in pairwise(blocks):
        assert after.start - before.stop == gap


def test_too_short_a_run_is_refused():
    with pytest.raises(ValueError, match="too few"):
        contiguous_blocks(20, 6, gap=3)
