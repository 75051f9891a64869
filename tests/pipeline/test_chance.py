"""Scores of finished studies against signals shifted in time."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from hemiscale.analysis.dictionary import CHANCE_COLUMNS
from hemiscale.errors import HemiscaleError
from hemiscale.pipeline import run_study
from hemiscale.pipeline.chance import predictions, write_chance_table
from hemiscale.study import read_study


def test_what_follows_the_words_is_above_chance_and_noise_is_not(study_folder, tmp_path):
    study, out = read_study(study_folder / "study.toml"), tmp_path / "out"
    with pytest.raises(HemiscaleError, match="no scores yet"):
        write_chance_table(study, out, quiet=True)
    run_study(study, out, only=["word-rate", "random-vector-20d"], quiet=True)
    path = write_chance_table(study, out, n_shifts=199, quiet=True)
    assert "different shifts" not in (out / "log.txt").read_text(encoding="utf-8")
    table = pd.read_csv(path, sep="\t")
    assert list(table.columns) == list(CHANCE_COLUMNS)
    rows = table.set_index(["model", "region"])
    assert rows.loc[("word-rate", "L"), "p"] == pytest.approx(1 / 200)
    assert rows.loc[("word-rate", "L"), "p_over_all"] == pytest.approx(1 / 200)
    assert rows.loc[("word-rate", "R"), "p"] > 0.02
    assert rows.loc[("word-rate", "all"), "share_q_below_5_percent"] == 0.5
    stored = pd.read_csv(out / "tables" / "regions.tsv", sep="\t")
    stored = stored.query("subjects == 'average' and layer_choice == 'validation'")
    scores = stored.set_index(["model", "region"])["score"]
    for (model, region), score in scores.items():
        assert rows.loc[(model, region), "score"] == pytest.approx(score, abs=1e-4)
    assert "## chance.tsv" in (out / "tables" / "README.md").read_text(encoding="utf-8")
    before = path.read_bytes()
    assert write_chance_table(study, out, n_shifts=199, quiet=True).read_bytes() == before
    # Other words: what is stored was not made from them.
    words = pd.read_csv(study_folder / "words.csv")
    words.assign(onset=words["onset"] + 0.1).to_csv(study_folder / "words.csv", index=False)
    with pytest.raises(HemiscaleError, match="other inputs"):
        write_chance_table(study, out, quiet=True)


def test_voxels_have_one_row_each_model(volume_folder, tmp_path):
    study, out = read_study(volume_folder / "study.toml"), tmp_path / "out"
    run_study(study, out, only=["word-rate"], quiet=True)
    table = pd.read_csv(write_chance_table(study, out, n_shifts=99, quiet=True), sep="\t")
    row = table[table["region"] == "all"].iloc[0]
    assert row["p"] == pytest.approx(0.01)
    assert 0.3 < row["share_q_below_5_percent"] < 0.6  # the left half follows the words


def test_short_recordings_say_how_few_shifts_there_are(study_folder, tmp_path, capsys):
    study, out = read_study(study_folder / "study.toml"), tmp_path / "out"
    run_study(study, out, only=["word-rate"], quiet=True)
    table = pd.read_csv(write_chance_table(study, out, n_shifts=40_000), sep="\t")
    # Four blocks of 32 scans, in their place or shifted by 10 to 22 each.
    assert set(table["n_shifts"]) == {14**4 - 1}
    assert f"{14**4 - 1} different shifts" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("dimensions", [None, 5])
def test_predictions_of_chosen_layers_score_what_the_engine_says(dimensions):
    from hemiscale.encoding import TargetBank, standardise
    from hemiscale.pipeline.fitting import fit_layer

    generator = np.random.default_rng(0)
    layers = [
        [standardise(generator.normal(size=(50, 9))).astype(np.float32) for _ in range(4)]
        for _ in range(2)
    ]
    weights = generator.normal(size=(9, 6))
    signals = [
        standardise(a @ weights + b @ weights + 5 * generator.normal(size=(50, 6))).astype(
            np.float32
        )
        for a, b in zip(*layers, strict=True)
    ]
    for reduction in ("random projection", "principal components")[: 2 if dimensions else 1]:
        encoding = SimpleNamespace(dimensions=dimensions, reduction=reduction, reduction_seed=0)
        alphas = np.geomspace(1, 1e4, 6)
        fits = [
            fit_layer(layer, TargetBank(signals), encoding, alphas=alphas, validation="all")
            for layer in layers
        ]
        chosen = generator.integers(0, 2, (4, 6))
        opened = SimpleNamespace(
            study=SimpleNamespace(encoding=encoding), layer=lambda _, k: layers[k]
        )
        made = predictions(opened, None, signals, chosen, np.stack([fit.alphas for fit in fits]))
        for run in range(4):
            for target in range(6):
                r = np.corrcoef(made[run][:, target], signals[run][:, target])[0, 1]
                expected = fits[chosen[run, target]].scores[run, target]
                assert r == pytest.approx(expected, abs=1e-4)
