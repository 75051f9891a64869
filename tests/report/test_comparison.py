"""Two studies in one page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hemiscale.analysis import read_published
from hemiscale.errors import HemiscaleError
from hemiscale.report import compare_studies
from hemiscale.report.compared import read_side
from hemiscale.report.comparison import common_models


def test_the_published_side_holds_the_published_numbers() -> None:
    side = read_side("published")
    models = read_published().models
    np.testing.assert_array_equal(side.rows["score"], models["corr_all"])
    np.testing.assert_array_equal(side.rows["left_minus_right"], models["l_minus_r_all"])
    law = side.laws["score"]
    assert law is not None
    slope, intercept = np.polyfit(np.log(models["n_parameters"]), models["corr_all"], 1)
    assert law["slope"] == pytest.approx(slope)
    assert law["intercept"] == pytest.approx(intercept)


def test_a_study_against_itself_has_no_differences(simulated_results: Path, tmp_path: Path) -> None:
    a, b = read_side(simulated_results), read_side(simulated_results)
    shared = common_models(a, b)
    assert len(shared) == len(a.rows)
    np.testing.assert_array_equal(shared["first"], shared["second"])
    page = compare_studies(simulated_results, simulated_results, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "rank correlation 1.00" in text
    for name in ("compare-scores", "compare-left-minus-right", "compare-models"):
        assert f'<figure id="figure-{name}"' in text
        assert (tmp_path / "figures" / f"{name}.svg").is_file()
    assert "Simulated data." in text
    assert "<script>alert" not in text


def test_published_against_ours_says_what_differs(simulated_results: Path, tmp_path: Path) -> None:
    text = compare_studies("published", simulated_results, tmp_path).read_text(encoding="utf-8")
    assert "the level of their scores cannot be compared" in text
    assert "best by its test score, which inflates scores" in text
    assert "No model was scored in both" in text
    assert "Not shown: the same models in both" in text
    assert f"hemiscale compare published {simulated_results}" in text


def test_a_folder_without_scores_is_named(simulated_results: Path, tmp_path: Path) -> None:
    with pytest.raises(HemiscaleError, match="nothing-here"):
        compare_studies(simulated_results, tmp_path / "nothing-here", tmp_path / "out")
