from types import SimpleNamespace

import numpy as np
import pytest

from hemiscale.analysis import (
    asymmetry,
    asymmetry_slope_maps,
    brain_score,
    interval_over_listeners,
    interval_over_runs,
    reliable_pairs,
    t_interval,
)


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
    assert len(found.notes) == 1
    assert "takes them as independent" in found.notes[0]


def test_what_the_other_runs_show_without_each_makes_the_interval_over_runs(scores):
    others = (scores.sum(axis=1, keepdims=True) - scores) / 4
    found = asymmetry(scores, ([0, 1, 2], [3, 4, 5]), without=others)
    difference, rest = ((r[:, :, :3] - r[:, :, 3:6]).mean(axis=(0, 2)) for r in (scores, others))
    expected = interval_over_runs(difference, rest)
    assert found.over_runs.low == pytest.approx(float(expected.low))
    assert found.notes == ()
    two = asymmetry(scores[:, :2], ([0, 1, 2], [3, 4, 5]), without=others[:, :2])
    assert two.notes == (
        "2 runs, and not known what the others show without each: the interval over runs is "
        "corrected for shared training data only.",
    )
    others[:, 1] = np.nan
    assert "not known" in asymmetry(scores, ([0, 1], [3, 4]), without=others).notes[0]


def test_who_has_no_score_is_left_out_and_counted(scores):
    scores[3] = np.nan
    scores[:, 1] = np.nan
    found = asymmetry(scores, ([0, 1, 2], [3, 4, 5]))
    assert (found.n_listeners, found.n_runs) == (11, 4)
    assert found.over_listeners.n == 11
    assert found.notes[:2] == (
        "1 of 12 listeners left out: no homologous pair has a score on both sides.",
        "1 of 5 runs left out: no homologous pair has a score on both sides.",
    )
    scores[1:] = np.nan
    alone = asymmetry(scores, ([0, 1, 2], [3, 4, 5]))
    assert alone.over_listeners is None
    assert any("One subject" in note for note in alone.notes)
    nobody = asymmetry(np.full((3, 4, 7), np.nan), ([0, 1, 2], [3, 4, 5]))
    assert nobody.notes == ("No homologous pair has a score on both sides.",)
    assert (nobody.n_listeners, nobody.over_listeners, nobody.over_runs) == (0, None, None)


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
    negative = asymmetry(-scores, ([0], [3]))
    assert np.isnan(negative.index)
    assert "ratio of noise" in negative.notes[-1]


def test_positions_that_do_not_fit_are_refused(scores):
    with pytest.raises(ValueError, match="equal length"):
        asymmetry(scores, ([0, 1], [3]))
    with pytest.raises(ValueError, match="beyond the 7 targets"):
        asymmetry(scores, ([0], [9]))
    with pytest.raises(ValueError, match="shape"):
        asymmetry(scores[0, 0], ([0], [3]))
    for wrong in ([-1, 0, 1], [0.5, 1, 2], [True, False, True], [0, 1, np.nan]):
        with pytest.raises(ValueError, match="left must hold positions of targets"):
            asymmetry(scores, (wrong, [3, 4, 5]))
    with pytest.raises(ValueError, match="right must hold positions of targets from 0 on, got -2"):
        reliable_pairs(scores[0, 0], ([0, 1], [3, -2]))
    with pytest.raises(ValueError, match="beyond the 7 targets: right holds 8"):
        asymmetry_slope_maps(np.arange(1, 6), scores[0], ([0], [8]))
    with pytest.raises(ValueError, match="beyond the 7 targets: right holds 8"):
        reliable_pairs(scores[0, 0], ([0], [8]))
    with pytest.raises(ValueError, match="beyond the 7 targets: left holds 7"):
        brain_score(scores[0], ([7], [3]))
    with pytest.raises(ValueError, match="got 3 lists"):
        asymmetry(scores, ([0], [3], [6]))


def test_pairs_and_without_that_do_not_fit_are_refused(scores):
    sides = ([0, 1, 2], [3, 4, 5])
    for wrong, said in (
        ([True, False], r"mask of shape \(2,\) for 3 pairs"),
        ([0, 3], "numbers from 0 to 2"),
        ([-1], "numbers from 0 to 2"),
        ([0.5], "mask over the pairs, or a list"),
        ([[0]], "mask over the pairs, or a list"),
    ):
        with pytest.raises(ValueError, match=said):
            asymmetry(scores, sides, pairs=wrong)
    assert asymmetry(scores, sides, pairs=[]).n_pairs == 0
    assert asymmetry(scores, sides, pairs=[2, 0]).n_pairs == 2
    with pytest.raises(ValueError, match=r"shape of scores, \(12, 5, 7\), got \(12, 4, 7\)"):
        asymmetry(scores, sides, without=scores[:, :4])
