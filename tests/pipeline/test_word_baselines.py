"""Word frequency and surprisal as features of a study."""

import numpy as np
import pytest

from hemiscale.errors import HemiscaleError, InputError
from hemiscale.models import load_model, read_story
from hemiscale.models.surprisal import word_surprisal
from hemiscale.pipeline import plan_study
from hemiscale.pipeline.features import baseline_features, load, read_run, surprisal_features
from hemiscale.pipeline.inputs import available, read_inputs
from hemiscale.results import ResultsFolder
from hemiscale.study import read_study


@pytest.fixture
def study_with(study_folder):
    def write(*lines):
        path = study_folder / "study.toml"
        path.write_text(path.read_text() + "\n".join(lines) + "\n")
        return read_study(path)

    return write


def test_frequency_from_a_table(study_with, study_folder):
    (study_folder / "frequencies.csv").write_text("word,count\nthe,99\nrabbit,9\n")
    study = study_with('word_frequency = "frequencies.csv"')
    feature = next(f for f in plan_study(study) if f.name == "word-frequency")
    assert (feature.kind, feature.width) == ("control", 1)
    assert available([feature]) == ([feature], {})
    inputs = read_inputs(study)
    with pytest.warns(Warning, match="not in the table of frequencies"):
        made = baseline_features(feature, inputs)[0]
    words = list(inputs.runs[0].words["word"])
    assert made[words.index("the")] == 2
    assert made[words.index("rabbit")] == 1


def test_a_missing_table_is_said_in_the_plan(study_with):
    with pytest.raises(InputError, match=r"word_frequency: .*nothing\.csv: there is no such file"):
        plan_study(study_with('word_frequency = "nothing.csv"'))


def test_surprisal_of_a_model_of_the_ladder(study_with, tmp_path):
    study = study_with('surprisal = ["austen-0.1m"]')
    feature = next(f for f in plan_study(study) if f.surprisal)
    assert feature.name == feature.group == "surprisal-austen-0.1m"
    assert (feature.kind, feature.width, feature.n_parameters) == ("control", 1, 0)
    assert feature.reads_story
    assert not feature.is_language_model
    inputs = read_inputs(study)
    folder = ResultsFolder(tmp_path / "results")
    read_run(
        study, inputs, feature, folder, 0, ["stamp"], load(feature, "cpu"), progress=lambda *_: None
    )
    made = surprisal_features(feature, inputs, folder, ["stamp"])
    run = inputs.runs[0]
    model, tokenizer = load_model("austen-0.1m")
    story = read_story(model, tokenizer, run.text, run.spans, bos="always")
    expected = word_surprisal(story.token_log_probabilities, story.token_spans, run.spans, run.text)
    np.testing.assert_allclose(made[0], expected, rtol=1e-6)
    assert made[0].min() > 0
    with pytest.raises(HemiscaleError, match="is not the file that was just made"):
        surprisal_features(feature, inputs, folder, ["another stamp"])
