import pandas as pd
import pytest

from hemiscale.errors import HemiscaleError
from hemiscale.report import load_results


def test_reads_all_tables(simulated_results):
    results = load_results(simulated_results)
    assert results.problems == []
    assert results.simulated
    assert results.n_listeners == 27
    assert results.has_average
    assert len(results.groups) < len(results.models)
    assert {law["response"] for law in results.laws} >= {"score", "left_minus_right"}
    # Baselines have no family: an empty text, not a number that is not one.
    assert set(results.models.loc[results.models["kind"] == "control", "family"]) == {""}


def test_missing_and_damaged_files_leave_a_sentence(make_results):
    folder = make_results("word-rate")
    (folder / "timings.json").write_text("{ not json")
    (folder / "diagnostics.json").write_text("[1]")
    (folder / "study.toml").write_text("= nothing")
    (folder / "tables" / "layers.tsv").unlink()
    results = load_results(folder)
    assert [problem.split()[0] for problem in results.problems] == [
        "layers.tsv",
        "study.toml",
        "diagnostics.json",
        "timings.json",
    ]
    assert results.name == "results"
    assert not results.simulated


def test_without_groups_every_model_is_its_own(make_results):
    folder = make_results("word-rate", "glove-6b-50d")
    (folder / "tables" / "groups.tsv").unlink()
    assert set(load_results(folder).groups["group"]) == {"word-rate", "glove-6b-50d"}


def test_without_scores_there_is_nothing_to_report(tmp_path):
    with pytest.raises(HemiscaleError, match=r"models.tsv: there are no scores to report yet"):
        load_results(tmp_path)


def test_a_model_may_be_called_na(make_results):
    folder = make_results("word-rate")
    path = folder / "tables" / "models.tsv"
    table = pd.read_csv(path, sep="\t", keep_default_na=False)
    table["model"] = "NA"
    table.to_csv(path, sep="\t", index=False)
    assert list(load_results(folder).models["model"]) == ["NA"]
