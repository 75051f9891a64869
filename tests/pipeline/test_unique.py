"""What models explain beyond a baseline, from joint models of a finished study."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from hemiscale.analysis import interval_over_listeners
from hemiscale.analysis.columns import columns_of
from hemiscale.analysis.dictionary import UNIQUE_COLUMNS
from hemiscale.encoding import fit_runs, hrf_design, standardise
from hemiscale.errors import HemiscaleError
from hemiscale.pipeline import run_study
from hemiscale.pipeline.finished import open_finished
from hemiscale.pipeline.progress import Display
from hemiscale.pipeline.unique import _unique, write_unique_table
from hemiscale.results import read_dataset
from hemiscale.study import read_study


@pytest.fixture
def study(study_folder):
    """Two word vectors that know nothing stand in for a model; the left side follows word rate."""
    words = sorted(set(pd.read_csv(study_folder / "words.csv")["word"]))
    generator = np.random.default_rng(0)
    vectors = study_folder / "vectors.txt"
    vectors.write_text(
        "".join(
            f"{word} {a:.4f} {b:.4f}\n"
            for word, (a, b) in zip(words, generator.normal(size=(len(words), 2)), strict=True)
        ),
        encoding="utf-8",
    )
    path = study_folder / "study.toml"
    text = path.read_text(encoding="utf-8").replace(
        "[baselines]\n", f'[baselines]\nstatic_embeddings = ["{vectors.name}"]\n'
    )
    path.write_text(text, encoding="utf-8")
    return read_study(path)


def test_joint_models_less_the_baseline_alone(study, tmp_path):
    from rich.console import Console

    out = tmp_path / "out"
    run_study(study, out, quiet=True)
    table = pd.read_csv(write_unique_table(study, out, "word-rate", quiet=True), sep="\t")
    assert list(table.columns) == list(UNIQUE_COLUMNS)
    (model,) = set(table["model"])
    # The same by hand, of one listener after the other, with the engine and no pipeline.
    with open_finished(study, out, Display(Console(quiet=True), quiet=True)) as opened:
        words = opened.station.job.inputs.runs[0].words
        onsets, offsets = words["onset"].to_numpy(), words["offset"].to_numpy()
        design = hrf_design(onsets, offsets - onsets, 160, 2.0)
        feature = next(f for f in opened.features if f.name == model)
        vectors = opened.station.layers(feature, opened.marks[model])[0][0][0]
        columns = design @ np.column_stack([vectors, np.ones(len(words))])
        runs = [
            standardise(columns[scans]).astype(np.float32) for _, scans in opened.targets.slices
        ]
        encoding = study.encoding
        alphas = np.geomspace(encoding.penalty_low, encoding.penalty_high, encoding.n_penalties)
        alone = read_dataset(out / "scores" / "word-rate.nc")
        unique = []
        for subject in ("s1", "s2", "s3", "s4"):
            joint = fit_runs(runs, opened.signals(subject), alphas=alphas, validation="all").scores
            base = alone.sel(subject=subject)["score"].values[0]
            unique.append((np.maximum(joint, 0) ** 2 - np.maximum(base, 0) ** 2).mean(axis=0))
    expected = interval_over_listeners(np.array(unique))
    rows = table.query("subjects == 'listeners'").set_index("region")
    for k, region in enumerate(("L", "R")):
        assert rows.loc[region, "unique_variance"] == pytest.approx(
            float(expected.estimate[k]), abs=1e-4
        )
        assert rows.loc[region, "low"] == pytest.approx(float(expected.low[k]), abs=1e-3)
    average = table.query("subjects == 'average'").set_index("region")
    # There is nothing beyond word rate, and features that know nothing cost a little.
    assert -0.2 < average.loc["L", "unique_variance"] < 0.01
    assert average.loc["L", "low"] < average.loc["L", "unique_variance"]
    assert (average.loc["L", "interval_over"], average.loc["L", "n"]) == ("runs", 4)
    assert "L / R" in rows.index
    with pytest.raises(HemiscaleError, match="has no scores"):
        write_unique_table(study, out, "word-length", quiet=True)
    with pytest.raises(HemiscaleError, match="no model"):
        write_unique_table(study, out, "word-rate", only=["random-vector-20d"], quiet=True)


def test_the_best_voxels_are_chosen_by_validation_scores_of_both():
    """One layer, so that all can be done by hand; the scores themselves have no say."""
    n_runs, n_pairs = 4, 50
    generator = np.random.default_rng(1)
    score, validation, base, base_validation = generator.uniform(
        0.1, 0.5, (4, 1, n_runs, 2 * n_pairs)
    )
    dims = ("layer", "run", "target")
    mirror = np.roll(np.arange(2 * n_pairs), n_pairs)
    alone = xr.Dataset(
        {"score": (dims, base), "validation_score": (dims, base_validation)},
        coords={
            "hemisphere": ("target", ["left"] * n_pairs + ["right"] * n_pairs),
            "mirror": ("target", mirror),
        },
    )
    columns = columns_of(alone)
    runs, without = _unique(score, validation, alone, columns, is_known=True)
    deciding = (validation**2 - base_validation**2)[0]
    pairs = np.argsort(-(deciding + deciding[:, mirror])[:, :n_pairs], axis=1)[:, : n_pairs // 10]
    unique = (score**2 - base**2)[0]
    left = np.take_along_axis(unique, pairs, axis=1).mean(axis=1)
    right = np.take_along_axis(unique, pairs + n_pairs, axis=1).mean(axis=1)
    best = [columns.names.index(f"best 10 %: {side}") for side in ("all", "left_minus_right")]
    np.testing.assert_allclose(runs[:, best[0]], (left + right) / 2)
    np.testing.assert_allclose(runs[:, best[1]], left - right)
    assert np.isfinite(without[:, best]).all()
