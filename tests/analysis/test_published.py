import importlib.util
from pathlib import Path

import numpy as np
import pytest

from hemiscale.analysis import scaling_law
from hemiscale.analysis.published import (
    Published,
    compare_with_published,
    digitisation_reach,
    read_published,
)


@pytest.fixture(scope="module")
def published():
    return read_published()


ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script():
    path = ROOT / "tools" / "published_numbers.py"
    spec = importlib.util.spec_from_file_location("published_numbers", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def lines(published):
    return compare_with_published(published)


def test_every_statistic_that_the_scores_allow_comes_back(lines):
    compared = lines[lines["agrees"].notna()]
    # 30 printed r and p, five regressions of R², F and four coefficients with their errors.
    assert len(compared) == 30 + 5 * 10
    disagree = compared[~compared["agrees"].astype(bool)]
    assert disagree.empty, disagree.to_string()


def test_the_published_correlations_are_all_there(lines):
    chosen = lines.query("statistic == 'r' and selection == '28 models'").dropna()
    found = dict(zip(chosen["response"] + " ~ " + chosen["predictor"], chosen["ours"], strict=True))
    assert {name: round(value, 2) for name, value in found.items()} == {
        "corr_all ~ log n_parameters": 0.95,
        "corr_rv ~ log n_parameters": 0.95,
        "l_minus_r_all ~ log n_parameters": 0.82,
        "l_minus_r_p90 ~ log n_parameters": 0.93,
        "l_minus_r_rv ~ log n_parameters": 0.89,
        "corr_all ~ ppl": -0.91,
        "corr_all ~ hellaswag": 0.95,
        "corr_rv ~ ppl": -0.91,
        "corr_rv ~ hellaswag": 0.95,
    }


def test_the_comparison_can_fail(published):
    models = published.models.copy()
    models.loc[0, "corr_all"] += 0.003
    moved = compare_with_published(Published(models, published.statistics, published.regressions))
    wrong = moved[moved["agrees"].eq(False)]
    assert set(wrong["response"]) == {"corr_all"}
    assert len(wrong) > 5


def test_a_selection_of_another_number_of_models_is_an_error(published):
    fewer = published.models.iloc[1:]
    with pytest.raises(ValueError, match="should be 28 models, not 27"):
        compare_with_published(Published(fewer, published.statistics, published.regressions))


def test_reach_is_zero_without_error_and_grows_with_it(published):
    x = np.log(published.models["n_parameters"].to_numpy(float))
    X = np.column_stack([np.ones(28), x])
    y = published.models["corr_all"].to_numpy()
    none = digitisation_reach(X, y, np.zeros(28), n_draws=50)
    assert all(np.abs(value).max() < 1e-12 for value in none.values())
    small, large = (digitisation_reach(X, y, np.full(28, e), n_draws=500) for e in (1e-5, 1e-3))
    assert large["r"] > 10 * small["r"] > 0


def test_left_minus_right_crosses_zero_near_a_hundred_million(published):
    models = published.models
    for response in ("l_minus_r_all", "l_minus_r_rv", "l_minus_r_p90"):
        law = scaling_law(models["n_parameters"], models[response], family=list(models["family"]))
        assert 1e7 < law.zero_crossing_low < law.zero_crossing < law.zero_crossing_high < 3e8
        # What the paper claims survives families.
        assert law.families.mixed.slope_low > 0
        assert law.families.bootstrap.slope_low > 0
        assert min(law.families.left_out.values()) > 0


def test_the_page_in_the_docs_is_what_the_script_writes(script, published):
    page = (ROOT / "docs" / "published.md").read_text(encoding="utf-8")
    # The simulated part takes a minute; its layout is held against a short run of it.
    written = script.compared_part(published) + script.added_part(published)
    assert page.startswith(written)
    rest = page.removeprefix(written)
    short = script.simulated_part(published, n_cases=2)
    assert rest.splitlines()[0] == short.splitlines()[0]
    assert len(rest.splitlines()) == len(short.rstrip().splitlines())
    assert "80 of 80 numbers agree" in page
