import numpy as np
import pytest

from hemiscale.models import read_story
from hemiscale.pipeline import plan_study, read_inputs
from hemiscale.pipeline.features import load, read_features, read_run
from hemiscale.pipeline.marks import make_marks
from hemiscale.results import ResultsFolder, file_digest, read_activations, stored_fingerprint
from hemiscale.study import read_study

MODEL = "austen-0.1m"


@pytest.fixture
def three_runs(volume_folder, tmp_path):
    """Three short runs and a model that is to read them."""
    path = volume_folder / "study.toml"
    path.write_text(path.read_text() + f'\n[[models]]\nname = "{MODEL}"\n')
    study = read_study(path)
    inputs = read_inputs(study)
    feature = next(f for f in plan_study(study) if f.name == MODEL)
    marks = make_marks(study, inputs, feature, "targets")
    return study, inputs, feature, ResultsFolder(tmp_path / "out"), marks.activations


def test_short_runs_are_read_at_once_and_always_the_same_ones(three_runs):
    study, inputs, feature, folder, stamps = three_runs
    loaded, seen = load(feature, "cpu"), []
    paths = [folder.activations(MODEL, k + 1) for k in range(3)]

    def read(run):
        read_run(
            study, inputs, feature, folder, run, stamps, loaded,
            progress=lambda done, total: seen.append((done, total)),
        )  # fmt: skip

    read(1)
    assert seen == [(3, 3)]  # three windows in one batch
    assert [stored_fingerprint(path) for path in paths] == list(stamps)
    before = [(file_digest(path), path.stat().st_mtime_ns) for path in paths]
    paths[2].unlink()
    read(2)
    after = [(file_digest(path), path.stat().st_mtime_ns) for path in paths]
    assert after[:2] == before[:2]  # what was there is not written again
    assert after[2][0] == before[2][0]  # and the rest is the same, byte for byte
    for path, run in zip(paths, inputs.runs, strict=True):
        alone = read_story(loaded.model, loaded.tokenizer, run.text, run.spans, bos="always")
        layers, _, _ = read_activations(path)
        for found, expected in zip(layers, alone.activations, strict=True):
            assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


def test_what_stands_in_front_is_in_the_diagnostics(three_runs):
    study, inputs, feature, folder, stamps = three_runs
    loaded = load(feature, "cpu")
    read_run(study, inputs, feature, folder, 0, stamps, loaded, progress=lambda *_: None)
    layers, reading = read_features(feature, folder, stamps)
    for run, here in zip(inputs.runs, reading.sink, strict=True):
        story = read_story(loaded.model, loaded.tokenizer, run.text, run.spans, bos="always")
        np.testing.assert_allclose(here["prefix_norm"], story.prefix_norms.max(axis=1), rtol=1e-4)
        np.testing.assert_allclose(here["first_token_norm"], story.token_norms[:, 0], rtol=1e-4)
    assert len(here["prefix_norm"]) == len(layers)
