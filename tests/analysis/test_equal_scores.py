"""Scores that are equal but for rounding: no slope, no interval made of rounding, and a note."""

import numpy as np
import pytest

from hemiscale.analysis import (
    line_over_families_and_listeners,
    line_over_runs,
    mixed_fit,
    robust_line,
    scaling_law,
    slope_maps,
    slope_over_listeners,
)
from hemiscale.analysis.regression import all_equal

SIZES = np.array([1e8, 3e8, 1e9, 3e9, 7e9, 1.4e10, 2e8, 5e8, 2e9, 6e9])
FAMILY = list("AAAABBBCCC")
# One value, summed up in different orders.
ROUNDED = 0.1 + 0.2 - np.array([0.0, 1e-17, 5e-17] * 3 + [0.1]) - np.array([0.0] * 9 + [-0.1])


def test_equal_is_relative_and_missing_is_not_equal():
    assert all_equal([[0.1, 1e-20, 1.0], [0.1 + 1e-16, 2e-20, np.nan]]).tolist() == [
        True,
        False,
        False,
    ]
    assert all_equal([0.0, 0.0])


@pytest.mark.parametrize("score", [np.full(10, 0.2), np.full(10, 0.1), np.zeros(10), ROUNDED])
@pytest.mark.parametrize("family", [None, FAMILY])
def test_a_law_of_equal_scores_says_that_there_is_no_scatter(score, family):
    law = scaling_law(SIZES, score, family=family)
    assert law.slope == law.slope_per_tenfold == 0.0
    assert law.intercept == pytest.approx(score[0])
    for name in ("slope_low", "slope_high", "slope_error", "r", "p", "r_squared", "f"):
        assert np.isnan(getattr(law, name)), name
    for name in ("zero_crossing", "zero_crossing_low", "zero_crossing_high"):
        assert np.isnan(getattr(law, name)), name
    assert law.families is None
    assert law.notes == (
        "All 10 scores are equal: the slope is zero, and without scatter nothing can be said about "
        "its uncertainty.",
    )
    new = law.predict(1e11)
    assert new.score[0] == pytest.approx(score[0])
    assert np.isnan([new.low[0], new.high[0]]).all()


def test_families_of_equal_scores_have_no_slope():
    design = np.column_stack([np.ones(10), np.log(SIZES)])
    robust = robust_line(design, np.full(10, 0.2), FAMILY)
    assert robust.slope == 0.0
    assert np.isnan([robust.slope_low, robust.p, robust.crossing_low]).all()
    mixed = mixed_fit(design, np.full(10, 0.2), FAMILY)
    assert (mixed.slope, mixed.intercept) == (0.0, pytest.approx(0.2))
    assert mixed.notice == "All scores are equal: families cannot differ."


def test_equal_scores_of_listeners_or_runs_have_no_line():
    x, same = np.arange(1.0, 7), np.repeat([[0.1, 0.2, 0.3]], 6, axis=0)
    assert line_over_families_and_listeners(x, same, list("ABCDEE")) is None
    found = line_over_runs(x, same, same)
    assert found["n_runs"] == 3
    assert np.isnan([found["slope_over_runs_low"], found["crossing_over_runs_high"]]).all()
    each = slope_over_listeners(x, same)
    assert each["slope_over_listeners"] == 0.0


def test_slope_maps_of_equal_scores_have_no_correlation():
    scores = np.column_stack([np.full(10, 0.1), np.log(SIZES) * 0.01, ROUNDED])
    found = slope_maps(SIZES, scores, family=FAMILY)
    assert found.slope[[0, 2]].tolist() == [0.0, 0.0]
    for values in (found.error, found.r, found.p, found.q):
        assert np.isnan(values[[0, 2]]).all()
    assert found.r[1] == pytest.approx(1.0)
