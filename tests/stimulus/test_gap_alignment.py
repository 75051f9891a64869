"""The alignment of letters, against a plain dynamic programme over all three states."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hemiscale.stimulus.gap_alignment import (
    GAP_EXTEND,
    GAP_OPEN,
    MATCH,
    MAXIMUM_CELLS,
    MISMATCH,
    START_BONUS,
    align_letters,
)

letters = st.text(alphabet="abc", max_size=9)
seeds = st.integers(0, 2**32 - 1)


def best_score(first, second, first_starts, second_starts):
    """Gotoh's recurrence cell by cell: the score that no alignment can beat."""
    low = -(10**9)
    n, m = len(first), len(second)
    table = np.full((3, n + 1, m + 1), low)  # paired, skip of first, skip of second
    table[0, 0, 0] = 0
    for i in range(n + 1):
        for j in range(m + 1):
            if i and j:
                same = MATCH if first[i - 1] == second[j - 1] else MISMATCH
                same += START_BONUS * int(first_starts[i - 1] and second_starts[j - 1])
                table[0, i, j] = table[:, i - 1, j - 1].max() + same
            if i:
                new = GAP_OPEN + GAP_EXTEND + START_BONUS * int(first_starts[i - 1])
                table[1, i, j] = max(
                    table[[0, 2], i - 1, j].max() + new, table[1, i - 1, j] + GAP_EXTEND
                )
            if j:
                new = GAP_OPEN + GAP_EXTEND
                # The first letters of second are left out at the same cost wherever they start.
                new += START_BONUS * int(second_starts[j - 1]) if i else 0
                table[2, i, j] = max(
                    table[[0, 1], i, j - 1].max() + new, table[2, i, j - 1] + GAP_EXTEND
                )
    return table[:, n, m].max()


def score_of(partners, first, second, first_starts, second_starts):
    score, j, skipping = 0, 0, False
    for i, partner in enumerate(partners):
        if partner < 0:
            bonus = 0 if skipping else GAP_OPEN + START_BONUS * int(first_starts[i])
            score += GAP_EXTEND + bonus
            skipping = True
            continue
        if partner > j:
            bonus = START_BONUS * int(second_starts[j]) if i else 0
            score += GAP_OPEN + GAP_EXTEND * (partner - j) + bonus
        score += MATCH if first[i] == second[partner] else MISMATCH
        score += START_BONUS * int(first_starts[i] and second_starts[partner])
        j, skipping = partner + 1, False
    if j < len(second):
        bonus = START_BONUS * int(second_starts[j]) if len(first) else 0
        score += GAP_OPEN + GAP_EXTEND * (len(second) - j) + bonus
    return score


@given(letters, letters, seeds)
@settings(max_examples=300, deadline=None)
def test_no_alignment_is_better(first, second, seed):
    rng = np.random.default_rng(seed)
    starts = rng.random(len(first)) < 0.3, rng.random(len(second)) < 0.3
    partners = align_letters(first, second, *starts)
    paired = partners[partners >= 0]
    assert np.all(np.diff(paired) > 0)
    if not len(first) or not len(second):
        assert len(paired) == 0
        return
    assert score_of(partners, first, second, *starts) == best_score(first, second, *starts)


def test_equal_strings_pair_letter_by_letter():
    starts = np.zeros(6, bool)
    assert align_letters("rabbit", "rabbit", starts, starts).tolist() == list(range(6))


def test_what_is_left_out_begins_with_a_word():
    # "the little prince said" in the mouth, "the little said" on paper: no letter is borrowed.
    first, second = "littleprincesaid", "littlesaid"
    first_starts = np.isin(np.arange(16), [0, 6, 12])
    second_starts = np.isin(np.arange(10), [0, 6])
    partners = align_letters(first, second, first_starts, second_starts)
    assert partners.tolist() == [0, 1, 2, 3, 4, 5, *[-1] * 6, 6, 7, 8, 9]


def test_stretches_beyond_the_limit_are_not_aligned():
    size = int(MAXIMUM_CELLS**0.5) + 1
    starts = np.zeros(size, bool)
    assert np.all(align_letters("a" * size, "a" * size, starts, starts) == -1)
