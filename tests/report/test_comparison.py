"""Studies in one page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hemiscale.analysis import read_published
from hemiscale.errors import HemiscaleError, InputError
from hemiscale.report import compare_studies
from hemiscale.report.compared import read_side, split_name
from hemiscale.report.comparison import common_models
from hemiscale.report.crossings import interval_of_crossing

_FIGURES = ("compare-scores", "compare-left-minus-right", "compare-overlaid", "compare-slopes")


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
    # Where it crosses zero is said with its interval over families, which has bounds.
    law = side.laws["left_minus_right"]
    assert law is not None
    low, high, over = interval_of_crossing(law) or (None, None, "")
    assert over == "over families"
    assert low is not None
    assert high is not None
    assert 1e6 < low < law["zero_crossing"] < high < 1e9


def test_a_study_against_itself_has_no_differences(simulated_results: Path, tmp_path: Path) -> None:
    a, b = read_side(simulated_results), read_side(simulated_results)
    shared = common_models(a, b)
    assert len(shared) == len(a.rows)
    np.testing.assert_array_equal(shared["first"], shared["second"])
    page = compare_studies([simulated_results, simulated_results], tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "rank correlation 1.00" in text
    for name in (*_FIGURES, "compare-models"):
        assert f'<figure id="figure-{name}"' in text
        assert (tmp_path / "figures" / f"{name}.svg").is_file()
    assert "Simulated data." in text
    assert "<script>alert" not in text


def test_published_against_ours_says_what_differs(simulated_results: Path, tmp_path: Path) -> None:
    text = compare_studies(["published", simulated_results], tmp_path).read_text(encoding="utf-8")
    assert "the level of their scores cannot be compared" in text
    assert "best by its test score, which inflates scores" in text
    assert "No model was scored in both" in text
    assert "Not shown: the same models in both" in text
    assert f"hemiscale compare published {simulated_results}" in text


def test_a_folder_without_scores_is_named(simulated_results: Path, tmp_path: Path) -> None:
    with pytest.raises(HemiscaleError, match="nothing-here"):
        compare_studies([simulated_results, tmp_path / "nothing-here"], tmp_path / "out")


def test_three_studies_have_a_panel_a_colour_and_a_row_each(
    simulated_results: Path, tmp_path: Path
) -> None:
    studies = [simulated_results, "published", simulated_results]
    text = compare_studies(studies, tmp_path).read_text(encoding="utf-8")
    paper, twin = "Bonnasse-Gahot & Pallier 2024, English", read_side(simulated_results).name
    names = [f"{twin} ({simulated_results.name}), {k}" for k in (1, 3)]
    for name in (paper.replace("&", "&amp;"), *names):
        assert f"score, {name}" in text
    for name in _FIGURES[:2]:
        panels = pd.read_csv(tmp_path / "figures" / f"{name}.tsv", sep="\t")["panel"]
        assert list(dict.fromkeys(panels)) == [names[0], paper, names[1]]
    rows = pd.read_csv(tmp_path / "figures" / "compare-slopes.tsv", sep="\t")
    ours = read_side(simulated_results).laws["score"]
    assert ours is not None
    score = rows[rows["response"] == "score"].set_index("study")["slope"]
    assert score[names[0]] == pytest.approx(ours["slope"] * np.log(10), rel=1e-4)
    models = read_published().models
    slope = np.polyfit(np.log10(models["n_parameters"]), models["corr_all"], 1)[0]
    assert score[paper] == pytest.approx(slope, rel=1e-4)
    overlaid = pd.read_csv(tmp_path / "figures" / "compare-overlaid.tsv", sep="\t")
    assert set(overlaid["study"]) == {paper, *names}
    # The same study twice lies on the diagonal; the paper's models are others.
    pairs = [path.name for path in tmp_path.glob("figures/compare-models-*.tsv")]
    assert pairs == ["compare-models-2.tsv"]


def test_studies_are_named_on_the_command_line(simulated_results: Path, tmp_path: Path) -> None:
    studies = ["Paper=published", f"Ours={simulated_results}"]
    text = compare_studies(studies, tmp_path).read_text(encoding="utf-8")
    assert "<h1>Paper and Ours</h1>" in text
    assert "score, Ours" in text
    folder = tmp_path / "a=b"
    assert split_name(folder) == ("", str(folder))  # a path, not a name
    folder.mkdir()
    assert split_name("x=published") == ("x", "published")
    assert split_name("published") == ("", "published")


@pytest.mark.parametrize("n", [1, 9])
def test_too_few_or_too_many_studies(simulated_results: Path, tmp_path: Path, n: int) -> None:
    with pytest.raises(InputError, match="expected two to eight"):
        compare_studies([simulated_results] * n, tmp_path)
