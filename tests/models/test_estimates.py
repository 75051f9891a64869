import pytest

from hemiscale.models.estimates import (
    Estimate,
    available_memory,
    describe_estimate,
    estimate_model,
    too_large,
    work_rate,
)


def test_a_story_that_fits_one_window_costs_two_operations_per_parameter_and_token():
    found = estimate_model("austen-4m", [100], rate=1e9)
    assert found.seconds == pytest.approx(2 * 4050816 * 140 / 0.5e9)
    assert found.disk == found.download == 0
    assert found.memory > 4050816 * 4


def test_windows_are_counted():
    short = estimate_model("austen-4m", [300], rate=1e9)
    long = estimate_model("austen-4m", [3000], rate=1e9)
    fast = estimate_model("austen-4m", [3000], rate=1e9, step=512)
    assert long.seconds > 10 * short.seconds
    assert fast.seconds < long.seconds / 4


def test_hub_models_are_estimated_before_they_are_here():
    found = estimate_model("llama-2-7b", [1700] * 9, rate=50e9)
    assert found.download == found.disk == pytest.approx(13.5e9, rel=0.01)
    assert 27e9 < found.memory < 35e9
    half = estimate_model("llama-2-7b", [1700] * 9, rate=50e9, dtype="bfloat16")
    assert half.memory == pytest.approx(found.memory - 13.5e9, rel=0.01)
    four = estimate_model("llama-2-7b", [1700] * 9, rate=50e9, quantisation="4bit")
    assert four.memory < half.memory


def test_what_the_catalogue_does_not_know_is_not_guessed():
    assert estimate_model("someone/some-model", [100], rate=1e9) is None


def test_too_large_for_memory_or_disk():
    estimate = Estimate(download=9e9, disk=10e9, memory=20e9, seconds=7200)
    assert too_large("m", estimate, memory=30e9, free_disk=30e9) is None
    assert "10.0 GB of disk, but 5.0 GB" in too_large("m", estimate, memory=30e9, free_disk=5e9)
    assert "20.0 GB of memory" in too_large("m", estimate, memory=8e9, free_disk=30e9)
    assert describe_estimate(estimate) == (
        "about 20.0 GB of memory, 10.0 GB of disk, 9.0 GB to download, 2.0 h on one core"
    )


def test_this_machine_is_measured():
    assert work_rate() > 1e8
    assert available_memory() > 1e7
