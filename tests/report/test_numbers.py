import math

import pytest

from hemiscale.report import numbers


@pytest.mark.parametrize(
    ("value", "options", "text"),
    [
        (0.1234, {}, "0.123"),
        (-0.05, {}, "−0.050"),
        (0.05, {"sign": True}, "+0.050"),
        (-0.0001, {"sign": True}, "0.000"),
        (0.5, {"digits": 2}, "0.50"),
        (None, {}, "–"),
        (math.nan, {}, "–"),
    ],
)
def test_score(value, options, text):
    assert numbers.score(value, **options) == text


def test_intervals():
    assert numbers.with_interval(0.1, 0.05, 0.15) == "0.100 [0.050, 0.150]"
    assert numbers.with_interval(0.1, math.nan, 0.15) == "0.100"
    assert numbers.bounds(-0.01, 0.02, sign=True) == "[−0.010, +0.020]"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (105_000, "105 k"),
        (999_999, "1 M"),
        (1_120_000, "1.12 M"),
        (134_515_008, "135 M"),
        (6.9e9, "6.9 B"),
        (12, "12"),
        (0, "–"),
        (None, "–"),
    ],
)
def test_parameters(value, text):
    assert numbers.parameters(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "< 0.1 s"),
        (9.9, "9.9 s"),
        (9.97, "10 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (None, "–"),
    ],
)
def test_duration(seconds, text):
    assert numbers.duration(seconds) == text


def test_counts_and_sizes():
    assert numbers.count(2127) == "2\N{NARROW NO-BREAK SPACE}127"
    assert numbers.count(-3) == "−3"
    assert numbers.count(None) == "–"
    assert numbers.size_of_file(4.1e8) == "410 MB"
    assert numbers.size_of_file(1.9e9) == "1.9 GB"
    assert numbers.size_of_file(0) == "–"


def test_words():
    assert numbers.in_words(12.07) == "twelve"
    assert numbers.in_words(98) == "98"
    assert numbers.first_upper("twelve minutes of Alice") == "Twelve minutes of Alice"
