"""The smallest and the longest studies: one region of one listener, and a hundred runs."""

import numpy as np
import pandas as pd
import pytest

from hemiscale.pipeline import run_study
from hemiscale.results import read_activations, read_dataset
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

ONE_VOXEL = """\
name = "one-voxel"
simulated = true
[stimulus]
words = ["w1.csv"]
[recordings]
kind = "volumes"
{who}
mask = "mask.nii.gz"
t_r = 2.0
ceiling_splits = 0
[design]
trim = 4.0
blocks = 4
gap = 8.0
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


@pytest.mark.slow
def test_runs_of_five_thousand_words(tmp_path, monkeypatch):
    """Half an hour of fast speech in each run, read by a model with a context of 512 tokens."""
    monkeypatch.setattr("hemiscale.report.write_report", lambda folder: folder / "report.html")
    rng = np.random.default_rng(0)
    words = [f"w{run}.csv" for run in (1, 2, 3)]
    vocabulary = [
        "the",
        "rabbit",
        "ran",
        "down",
        "hole",
        "and",
        "then",
        "saw",
        "queen",
        "who",
        "said",
        "nothing",
        "at",
        "all",
    ]
    for run, name in enumerate(words, start=1):
        onsets = np.sort(rng.uniform(0, 1990, 5000))
        table = pd.DataFrame({"word": rng.choice(vocabulary, 5000), "onset": onsets})
        table.assign(offset=table["onset"] + 0.2).to_csv(tmp_path / name, index=False)
        np.savetxt(tmp_path / f"s1-{run}.txt", rng.normal(size=(1000, 1)))
    study = STUDY.format(words=words) + '[[models]]\nname = "austen-0.1m"\n'
    study += "[activations]\nstep = 256\n"
    (tmp_path / "study.toml").write_text(study)
    out = tmp_path / "out"
    run_study(read_study(tmp_path / "study.toml"), out, quiet=True, only=["austen-0.1m"])
    for run in (1, 2, 3):
        layers, _, _ = read_activations(out / f"activations/austen-0.1m/run-{run:02d}.safetensors")
        assert {len(layer) for layer in layers} == {5000}
    assert np.isfinite(read_dataset(out / "scores/austen-0.1m.nc")["score"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("average", [True, False])
def test_one_run_in_blocks_with_one_voxel_of_one_listener(tmp_path, monkeypatch, average):
    """The voxel lies on the midline: it has no mirror image, and the tables say so."""
    import nibabel

    monkeypatch.setattr("hemiscale.report.write_report", lambda folder: folder / "report.html")
    rng = np.random.default_rng(0)
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = -4.0
    mask = np.zeros((3, 3, 3), np.uint8)
    mask[1, 1, 1] = 1
    nibabel.save(nibabel.Nifti1Image(mask, affine), tmp_path / "mask.nii.gz")
    bold = nibabel.Nifti1Image(100 + rng.normal(size=(3, 3, 3, 120)).astype(np.float32), affine)
    bold.header.set_xyzt_units("mm", "sec")
    bold.header.set_zooms((4, 4, 4, 2))
    nibabel.save(bold, tmp_path / ("average-1.nii.gz" if average else "s1-1.nii.gz"))
    onsets = np.sort(rng.uniform(0, 235, 300))
    table = pd.DataFrame({"word": "alice", "onset": onsets, "offset": onsets + 0.2})
    table.to_csv(tmp_path / "w1.csv", index=False)
    who = 'files = "average-{run}.nii.gz"'
    if not average:
        who = 'files = "{subject}-{run}.nii.gz"\nsubjects = ["s1"]\naverage = false'
    (tmp_path / "study.toml").write_text(ONE_VOXEL.format(who=who))
    run_study(read_study(tmp_path / "study.toml"), tmp_path / "out", quiet=True)
    scores = read_dataset(tmp_path / "out/scores/word-rate.nc")
    assert scores["score"].shape == (1, 1, 4, 1)
    assert np.isfinite(scores["score"]).all()
    models = pd.read_csv(tmp_path / "out/tables/models.tsv", sep="\t")
    assert np.isfinite(models["average_score" if average else "score"]).all()
    assert models["left"].isna().all()
