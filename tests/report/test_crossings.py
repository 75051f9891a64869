"""Which interval of a crossing is shown, and how bounds that do not exist are said."""

import math

import pytest

from hemiscale.report.crossings import describe_crossing, interval_of_crossing

LAW = {
    "predictor": "log parameters",
    "zero_crossing": 97e6,
    "slope_low": 0.001,
    "zero_crossing_low": 60e6,
    "zero_crossing_high": 150e6,
}
FAMILIES = {"over_families_low": 0.0005, "crossing_families_low": 30e6}
BOTH = {"slope_over_both_low": 0.0002, "crossing_over_both_high": 4e8}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "95 % from 60 M to 150 M over models"),
        (FAMILIES | {"crossing_families_high": 3e8}, "95 % from 30 M to 300 M over families"),
        # Without a bound over families, the shorter interval over models is not shown in its place.
        (
            FAMILIES | {"crossing_families_high": None},
            "95 % from 30 M over families, no upper bound",
        ),
        (
            FAMILIES | BOTH | {"crossing_over_both_low": 0.0},
            "95 % up to 400 M over families and listeners, no lower bound",
        ),
        (
            FAMILIES | BOTH | {"crossing_over_both_low": 0.0, "crossing_over_both_high": None},
            "no bounds at 95 % over families and listeners",
        ),
        # A slope's interval does not tell that the crossing's was looked for.
        ({"over_families_low": 0.0005}, "95 % from 60 M to 150 M over models"),
        ({"slope_low": None, "zero_crossing_low": None, "zero_crossing_high": None}, "no interval"),
    ],
)
def test_the_interval_that_generalises_most_is_said_with_the_bounds_it_has(more, said):
    assert describe_crossing(LAW | more) == f"97 M parameters ({said})"


def test_zero_is_a_bound_of_columns_that_may_be_negative():
    law = {"predictor": "hellaswag", "slope_low": 0.1, "zero_crossing_low": 0.0}
    assert interval_of_crossing(law | {"zero_crossing_high": math.inf}) == (
        0.0,
        None,
        "over models",
    )
