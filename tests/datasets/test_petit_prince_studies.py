"""The study files of Le Petit Prince are valid and have the paper's settings."""

import pytest

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
    assert (study.activations.step, study.activations.bos) == (64, "default")
    assert not study.simulated
    features = plan_study(study)
    assert len([f for f in features if f.kind == "random vector"]) == 20
    languages = {"en": "en", "fr": "fr", "cn": "zh"}
    assert study.language == languages[like.split("-")[2]]


def test_english_average_and_individuals(tmp_path):
    average = read_study(write_template(tmp_path / "a", "petit-prince-en"))
    assert isinstance(average.recordings, VolumeFiles)
    assert average.recordings.is_average
    assert len(average.models) == 28
    people = read_study(write_template(tmp_path / "b", "petit-prince-en-individuals"))
    assert isinstance(people.recordings, BidsRecordings)
    assert (people.recordings.smoothing, people.recordings.average) == (4, False)
    assert people.recordings.own_masks


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
