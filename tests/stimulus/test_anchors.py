from hypothesis import given, settings
from hypothesis import strategies as st

from hemiscale.stimulus.anchors import counterpart, find_anchors

letters = st.text(alphabet="abcde", max_size=120)


@given(letters, letters, letters)
@settings(max_examples=200, deadline=None)
def test_anchors_are_equal_stretches_in_order(before, shared, after):
    first, second = before + shared, shared + after
    end = other_end = 0
    for i, j, size in find_anchors(first, second):
        assert first[i : i + size] == second[j : j + size]
        assert size > 0
        assert i >= end
        assert j >= other_end
        end, other_end = i + size, j + size


def test_equal_stretches_meet_across_a_gap():
    left, right = "thequickbrownfoxjumpsoverthe", "andwasneverseenbyanyoneagain"
    anchors = find_anchors(left + "lazydog" + right, left + right)
    assert [(i, j) for i, j, _ in anchors] == [(6, 6), (41, 34)]
    # The last letters before the gap are left to the alignment letter by letter.
    assert anchors[0][2] < len(left)


def test_what_stands_twice_is_no_anchor():
    assert find_anchors("abcdefghijklmnopqrst" * 2, "abcdefghijklmnopqrst") == []


def test_counterpart_is_the_gap_between_anchors():
    anchors = [(100, 110, 50), (300, 350, 50)]
    assert counterpart(anchors, 110, 120) is None
    assert counterpart(anchors, 200, 205) == (136, 374)
    assert counterpart(anchors, 0, 5) == (0, 134)
    assert counterpart(anchors, 400, 405) == (376, None)
    assert counterpart([], 3, 5) == (0, None)
