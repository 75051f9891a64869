from types import SimpleNamespace

import numpy as np
import pytest

from hemiscale.analysis import asymmetry, interval_over_listeners, t_interval


@pytest.fixture
def scores():
    # 12 listeners, 5 runs, 7 targets: 0-2 left, 3-5 their mirrors, 6 on the midline.
    r = np.random.default_rng(0).normal(0.2, 0.03, (12, 5, 7))
    r[:, :, :3] += 0.05
    return r


def test_difference_is_paired_and_planted(scores):
    found = asymmetry(scores, ([0, 1, 2], [3, 4, 5]))
    assert found.left_minus_right == pytest.approx(found.left - found.right)
    assert found.left_minus_right == pytest.approx(0.05, abs=0.01)
    assert found.index == pytest.approx(found.left_minus_right / (found.left + found.right))
    per_listener = (scores[:, :, :3] - scores[:, :, 3:6]).mean(axis=(1, 2))
    expected = interval_over_listeners(per_listener)
    assert found.over_listeners.low == expected.low
    over_runs = t_interval((scores[:, :, :3] - scores[:, :, 3:6]).mean(axis=(0, 2)))
    assert found.over_runs.high == pytest.approx(over_runs.high)
    assert found.per_pair.shape == (3,)
    assert (found.n_listeners, found.n_runs, found.n_pairs) == (12, 5, 3)
    assert found.notes == ()


def test_mirrored_brain_changes_sign_and_object_is_taken(scores):
    here = asymmetry(scores, SimpleNamespace(left=np.arange(3), right=np.arange(3, 6)))
    there = asymmetry(scores, SimpleNamespace(left=np.arange(3, 6), right=np.arange(3)))
    assert there.left_minus_right == -here.left_minus_right
    assert there.index == -here.index


def test_pairs_can_be_selected(scores):
    found = asymmetry(scores, ([0, 1, 2], [3, 4, 5]), pairs=[True, False, True])
    expected = (scores[..., [0, 2]] - scores[..., [3, 5]]).mean()
    assert found.left_minus_right == pytest.approx(expected)
    assert found.n_pairs == 2


def test_a_pair_with_one_missing_side_counts_on_neither(scores):
    scores[:, :, 3] = np.nan
    found = asymmetry(scores, ([0, 1], [3, 4]))
    assert found.left == pytest.approx(scores[..., 1].mean())
    assert np.isnan(found.per_pair[0])


def test_one_subject_one_run_one_pair_say_what_they_cannot(scores):
    found = asymmetry(scores[:1, :1], ([0], [3]))
    assert found.over_listeners is None
    assert found.over_runs is None
    text = " ".join(found.notes)
    assert "One homologous pair" in text
    assert "One subject" in text
    assert "One run" in text
    assert asymmetry(scores[0], ([0], [3])).n_listeners == 1


def test_no_pair_and_no_positive_score_have_no_index(scores):
    empty = asymmetry(scores, ([], []))
    assert np.isnan(empty.left_minus_right)
    assert "No homologous pair" in empty.notes[0]
    assert np.isnan(asymmetry(-scores, ([0], [3])).index)


def test_positions_that_do_not_fit_are_refused(scores):
    with pytest.raises(ValueError, match="equal length"):
        asymmetry(scores, ([0, 1], [3]))
    with pytest.raises(ValueError, match="beyond the 7 targets"):
        asymmetry(scores, ([0], [9]))
    with pytest.raises(ValueError, match="shape"):
        asymmetry(scores[0, 0], ([0], [3]))
