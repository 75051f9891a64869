"""What docs/calibration.md shows: the intervals to read hold what they say, and it is all there."""

import json
from pathlib import Path

import numpy as np
import pytest

from hemiscale.calibration.page import OTHER_WAYS, page_text
from hemiscale.calibration.rises import ORDER
from hemiscale.calibration.tally import Tally

DOCS = Path(__file__).parents[2] / "docs"
RESULTS = json.loads((DOCS / "calibration.json").read_text(encoding="utf-8"))
LEAST, MOST = 0.93, 0.97


def error(share, n):
    """Monte Carlo standard error of a share."""
    return np.sqrt(share * (1 - share) / n)


def shipped(part):
    """Lines that are intervals to read: not naive, nor the other ways with families."""
    tallies = {name: Tally(*counts) for name, counts in RESULTS[part]["tallies"].items()}
    return {
        name: tally
        for name, tally in tallies.items()
        if not name.startswith("naive") and not name.endswith(OTHER_WAYS) and tally.n
    }


def may_hold_more(name):
    """Where a slope may be zero its crossing has no bound; runs that share nothing are said so."""
    return "crossing" in name or ("runs" in name and "noise" in name and "share" not in name)


PARTS = [name for name, part in RESULTS.items() if isinstance(part, dict) and "tallies" in part]


@pytest.mark.parametrize("part", PARTS)
def test_each_interval_to_read_holds_the_truth_as_often_as_the_bar_says(part):
    lines = {name: t for name, t in shipped(part).items() if not name.endswith(ORDER)}
    assert lines
    outside = {}
    for name, tally in lines.items():
        held = tally.held / tally.n
        low, high = LEAST - 2 * error(LEAST, tally.n), MOST + 2 * error(MOST, tally.n)
        if held < low or (held > high and not may_hold_more(name)):
            outside[name] = round(100 * held, 1)
    assert not outside


@pytest.mark.parametrize("part", PARTS)
def test_the_intervals_of_a_part_hold_enough_on_average(part):
    held = [t.held / t.n for name, t in shipped(part).items() if not name.endswith(ORDER)]
    assert np.mean(held) >= LEAST


def test_curves_that_rise_together_are_hardly_ever_set_in_an_order():
    for name, tally in shipped("rises").items():
        if name.endswith(ORDER):
            assert tally.without_zero / tally.n <= 0.05 + 2 * error(0.05, tally.n), name


def test_where_nothing_grows_a_test_says_yes_as_often_as_it_should():
    # These models, taken as given, may grow by chance: the line over listeners is not of these.
    lines = [f"slope of left − right, over families{more}" for more in ("", " and listeners")]
    rounds = [part for part in PARTS if part.startswith("laws: no growth")]
    assert len(rounds) == 2
    for part in rounds:
        for name in lines:
            tally = shipped(part)[name]
            said = tally.without_zero / tally.n
            assert said <= 0.07 + 2 * error(0.07, tally.n), (part, name)


def test_naive_versions_are_seen_to_fall_short():
    naive = [
        counts[2] / counts[0]
        for part in PARTS
        if part.startswith(("runs", "engine"))
        for name, counts in RESULTS[part]["tallies"].items()
        if name.startswith("naive") and "crossing" not in name
    ]
    assert max(naive) < LEAST


def test_the_page_is_the_one_of_these_results():
    page = (DOCS / "calibration.md").read_text(encoding="utf-8")
    assert page == page_text(RESULTS)
    with_the_engine = page[page.index("### With the engine") : page.index("## Along training")]
    assert "bias" not in with_the_engine
