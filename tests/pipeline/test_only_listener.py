"""A study of one listener, without the average: intervals over runs, all the way."""

import json

import numpy as np
import pandas as pd
import pytest

from hemiscale.pipeline import run_study
from hemiscale.pipeline.unique import write_unique_table
from hemiscale.study import read_study


@pytest.fixture
def study(study_folder):
    words = sorted(set(pd.read_csv(study_folder / "words.csv")["word"]))
    vectors = np.random.default_rng(0).normal(size=(len(words), 2))
    lines = [f"{word} {a:.4f} {b:.4f}\n" for word, (a, b) in zip(words, vectors, strict=True)]
    (study_folder / "vectors.txt").write_text("".join(lines), encoding="utf-8")
    path = study_folder / "study.toml"
    text = path.read_text(encoding="utf-8")
    for old, new in (
        ('["s1", "s2", "s3", "s4"]', '["s1"]\naverage = false'),
        ("ceiling_splits = 3", "ceiling_splits = 0"),
        ("[baselines]\n", '[baselines]\nstatic_embeddings = ["vectors.txt"]\n'),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return read_study(path)


def test_an_only_listener_has_intervals_over_runs_in_all_tables(study, tmp_path):
    out = tmp_path / "out"
    run_study(study, out, quiet=True)
    models = pd.read_csv(out / "tables" / "models.tsv", sep="\t").set_index("model")
    rate = models.loc["word-rate"]
    assert rate["score_low"] < rate["score"] < rate["score_high"]
    assert np.isnan(rate["average_score"])
    write_unique_table(study, out, "word-rate", quiet=True)
    for name in ("regions", "layers", "asymmetry", "over_baseline", "unique_word-rate"):
        table = pd.read_csv(out / "tables" / f"{name}.tsv", sep="\t")
        assert len(table), name
        assert set(table["subjects"]) == {"listeners"}, name
        assert set(table["interval_over"]) == {"runs"}, name
        assert (table["n"] == 4).all(), name
        assert table["low"].notna().all(), name
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "are about this one person" in page
    assert "Bars: 95 % interval over blocks" in page
    assert "Bars: 95 % interval over listeners" not in page
    laws = json.loads((out / "tables" / "laws.json").read_text(encoding="utf-8"))["laws"]
    assert all(law["subjects"] == "listeners" for law in laws)
