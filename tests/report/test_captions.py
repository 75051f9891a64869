"""What captions say of laws."""

import math

import pytest

from hemiscale.report.captions import describe_law


@pytest.mark.parametrize(
    ("slope", "low", "high", "said"),
    [
        (0.0213, 0.0181, 0.0242, "+0.021 per unit of x, 95 % [+0.018, +0.024]"),
        (0.00213, 0.0018, 0.0024, "+0.0021 per unit of x, 95 % [+0.0018, +0.0024]"),
        (-0.000213, -0.0003, -0.0001, "−0.00021 per unit of x, 95 % [−0.00030, −0.00010]"),
        (1e-9, -0.02, 0.02, "0.000 per unit of x, 95 % [−0.020, +0.020]"),  # nothing, not 1e-9
        (0.0, 0.0, 0.0, "0.000 per unit of x, 95 % [0.000, 0.000]"),
    ],
)
def test_slopes_have_the_decimals_that_they_need(slope, low, high, said):
    law = {"predictor": "x", "slope": slope, "slope_low": low, "slope_high": high}
    assert describe_law(law) == f"Slope {said} over models."


def test_laws_of_size_are_per_tenfold():
    law = {"predictor": "log parameters", "slope": 0.02 / math.log(10), "r": 0.9, "n_models": 28}
    assert describe_law(law) == "Slope +0.020 per tenfold of parameters; r = 0.90 over 28 models."
    assert describe_law(None) == describe_law({"slope": None}) == ""
