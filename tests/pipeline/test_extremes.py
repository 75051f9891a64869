"""The smallest and the longest studies: one region of one listener, and a hundred runs."""

import numpy as np
import pandas as pd
import pytest

from hemiscale.pipeline import run_study
from hemiscale.results import read_dataset
from hemiscale.study import read_study

STUDY = """\
name = "extreme"
simulated = true
[stimulus]
words = {words}
[recordings]
files = "{{subject}}-{{run}}.txt"
subjects = ["s1"]
average = false
t_r = 2.0
high_pass = 0
ceiling_splits = 0
[[recordings.regions]]
name = "L"
hemisphere = "left"
[design]
trim = 4.0
[encoding]
validation = "first"
[baselines]
word_rate = true
random_vectors = {{ dimensions = [3], seeds = 1 }}
"""


@pytest.mark.slow
@pytest.mark.parametrize("n_runs", [3, 100])
def test_one_region_of_one_listener_in_many_runs(tmp_path, monkeypatch, n_runs):
    monkeypatch.setattr("hemiscale.report.write_report", lambda folder: folder / "report.html")
    rng = np.random.default_rng(0)
    words = [f"w{run}.csv" for run in range(1, n_runs + 1)]
    for run, name in enumerate(words, start=1):
        onsets = np.sort(rng.uniform(0, 40, 30))
        table = pd.DataFrame({"word": "alice", "onset": onsets, "offset": onsets + 0.2})
        table.to_csv(tmp_path / name, index=False)
        np.savetxt(tmp_path / f"s1-{run}.txt", rng.normal(size=(22, 1)))
    (tmp_path / "study.toml").write_text(STUDY.format(words=words))
    run_study(read_study(tmp_path / "study.toml"), tmp_path / "out", quiet=True)
    scores = read_dataset(tmp_path / "out/scores/word-rate.nc")
    assert scores["score"].shape == (1, 1, n_runs, 1)
    assert np.isfinite(scores["score"]).all()
    models = pd.read_csv(tmp_path / "out/tables/models.tsv", sep="\t")
    assert len(models) == 2
