from dataclasses import replace

import numpy as np
import pytest

from hemiscale.models import read_story
from hemiscale.pipeline import plan_study, read_inputs
from hemiscale.pipeline.features import (
    activation_fingerprint,
    load,
    read_features,
    read_run,
    source_identity,
)
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


@pytest.mark.parametrize("quantisation", ["8bit", "4bit"])
def test_a_quantised_model_has_as_many_parameters(three_runs, quantisation):
    feature = three_runs[2]
    full, small = load(feature, "cpu"), load(replace(feature, quantisation=quantisation), "cpu")
    assert full.n_parameters == sum(p.numel() for p in full.model.parameters())
    assert small.n_parameters == full.n_parameters


def changed(study, **options):
    activations = study.activations.model_copy(update=options)
    return study.model_copy(update={"activations": activations})


def test_activations_of_another_option_text_or_model_are_not_taken(three_runs):
    study, inputs, feature, _, stamps = three_runs
    identity = source_identity(feature)

    def stamp(study=study, run=inputs.runs[0], feature=feature, identity=identity):
        here = replace(inputs, runs=[run])
        return activation_fingerprint(study, here, feature, identity, 0)

    run = inputs.runs[0]
    others = [
        *(stamp(changed(study, **{key: value})) for key, value in (
            ("pooling", "last"), ("step", 32), ("context", 128), ("bos", "never"),
        )),
        stamp(run=replace(run, text=run.text.upper())),
        stamp(run=replace(run, spans=run.spans + np.array([[0, 1]]))),
        stamp(feature=replace(feature, kind="untrained", seed=0),
              identity=source_identity(replace(feature, seed=0))),
        stamp(feature=replace(feature, dtype="bfloat16")),
        stamp(feature=replace(feature, quantisation="8bit")),
        stamp(identity=source_identity(replace(feature, source="austen-1.1m@step31"))),
        stamp(identity=source_identity(replace(feature, tokenizer="austen-4m"))),
        stamp(identity=identity | {"files": identity["files"] | {"tokenizer.json": "other"}}),
    ]  # fmt: skip
    assert stamp() == stamps[0]
    assert len({stamps[0], *others}) == len(others) + 1
    # Times do not enter activations.
    later = run.words.assign(onset=run.words["onset"] + 1)
    assert stamp(run=replace(run, words=later)) == stamps[0]
