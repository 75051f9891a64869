"""The study files of Le Petit Prince are valid and have the paper's settings."""

import pytest

from hemiscale.analysis.published import read_published
from hemiscale.datasets import write_template
from hemiscale.datasets.petit_prince import SCANS
from hemiscale.datasets.petit_prince.studies import PETIT_PRINCE_STUDIES, petit_prince_study
from hemiscale.errors import InputError
from hemiscale.pipeline.plan import plan_study
from hemiscale.study import BidsRecordings, VolumeFiles, read_study


@pytest.mark.parametrize("like", PETIT_PRINCE_STUDIES)
def test_settings_are_the_papers(like, tmp_path):
    study = read_study(write_template(tmp_path / like, like))
    assert study.stimulus.n_runs == len(SCANS[like.split("-")[2]]) == 9
    recordings = study.recordings
    assert (recordings.t_r, recordings.high_pass, recordings.drift) == (2, 128, "butterworth")
    assert (recordings.paper_regions, recordings.sphere_radius) == (True, 10)
    assert (study.design.hrf_model, study.design.trim) == ("glover", 20)
    encoding = study.encoding
    assert (encoding.penalty_low, encoding.penalty_high, encoding.n_penalties) == (1e2, 1e7, 16)
    assert encoding.validation == "first"
    assert (study.activations.step, study.activations.bos) == (64, "default")
    assert not study.simulated
    features = plan_study(study)
    assert len([f for f in features if f.kind == "random vector"]) == 20
    languages = {"en": "en", "fr": "fr", "cn": "zh"}
    assert study.language == languages[like.split("-")[2]]


def test_english_average_has_the_published_models(tmp_path):
    average = read_study(write_template(tmp_path / "a", "petit-prince-en"))
    recordings = average.recordings
    assert isinstance(recordings, VolumeFiles)
    assert recordings.is_average
    assert (recordings.mask, recordings.reliability) == ("petit-prince-en", "petit-prince-en")
    published = list(read_published().models["model_name"])
    assert sorted(model.label for model in average.models) == sorted(published)
    assert len(published) == 28


def test_individuals_are_the_papers_five(tmp_path):
    people = read_study(write_template(tmp_path / "b", "petit-prince-en-individuals"))
    recordings = people.recordings
    assert isinstance(recordings, BidsRecordings)
    assert (recordings.smoothing, recordings.average) == (4, False)
    assert recordings.own_masks
    assert recordings.subjects == ["EN057", "EN058", "EN059", "EN061", "EN062"]
    assert (recordings.mask_share, recordings.grid) == (0.5, "petit-prince-en")
    families = {model.name.split("/")[0] for model in people.models}
    assert families == {"openai-community", "Qwen"}
    assert len(people.models) == 9


@pytest.mark.parametrize(("like", "code"), [("petit-prince-fr", "FR"), ("petit-prince-cn", "CN")])
def test_other_languages_average_all_listeners_on_the_same_grid(tmp_path, like, code):
    path = write_template(tmp_path, like)
    recordings = read_study(path).recordings
    assert isinstance(recordings, BidsRecordings)
    assert (recordings.task, recordings.subjects) == (f"lpp{code}", [])
    assert (recordings.mask_share, recordings.grid) == (0.5, "petit-prince-en")
    assert (recordings.average, recordings.individuals) == (True, False)
    assert recordings.ceiling_splits == 10
    assert "may be another one" in path.read_text(encoding="utf-8")


def test_a_rehearsal_says_that_it_is_one(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(petit_prince_study("petit-prince-en", simulated=True), encoding="utf-8")
    study = read_study(path)
    assert study.simulated
    assert study.description.startswith("SIMULATED")
    assert any("simulated" in caveat for caveat in study.caveats)


def test_unknown_template_names_the_nearest(tmp_path):
    with pytest.raises(InputError, match="did you mean 'petit-prince-en'"):
        write_template(tmp_path, "petit-prince-e")
