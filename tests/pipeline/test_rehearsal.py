"""The dress rehearsal, small: written as Le Petit Prince is, run, and the planted law found."""

import json

import nibabel
import numpy as np
import pytest

from hemiscale.datasets.petit_prince import SCANS
from hemiscale.errors import InputError
from hemiscale.pipeline import check_study, run_study
from hemiscale.pipeline.rehearsal import write_rehearsal
from hemiscale.pipeline.rehearsal_check import compare_with_planted
from hemiscale.results import file_digest, read_dataset
from hemiscale.study import read_study

MODELS = ("austen-0.1m", "austen-1.1m")


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rehearsal")
    return write_rehearsal(folder, n_listeners=2, small=True, models=MODELS)


@pytest.mark.slow
def test_layout_is_that_of_the_data_set_and_says_simulated(rehearsal):
    folder = rehearsal.study.parent
    files = sorted(folder.glob("ds003643/derivatives/sub-*/func/*_bold.nii.gz"))
    assert len(files) == 2 * 3
    assert files[0].name == (
        "sub-EN057_task-lppEN_run-15_space-MNIColin27_desc-preproc_bold.nii.gz"
    )
    for path in files:
        image = nibabel.load(path)
        assert bytes(image.header["descrip"].tobytes()).startswith(b"SIMULATED")
        assert image.header.get_zooms()[3] == 2
        assert image.shape[3] in SCANS["en"][:3]
        sidecar = json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())
        assert sidecar["Simulated"].startswith("SIMULATED")
    described = json.loads((folder / "ds003643/dataset_description.json").read_text())
    assert "SIMULATED" in described["Name"]
    assert "SIMULATED" in (folder / "README").read_text()
    assert read_dataset(rehearsal.planted).attrs["simulated"].startswith("SIMULATED")
    study = read_study(rehearsal.study)
    assert study.simulated
    assert len(check_study(study)) >= 1  # the annotated words stand for the text


@pytest.mark.slow
def test_what_was_planted_is_found(rehearsal, tmp_path, monkeypatch):
    def write(folder):
        page = folder / "report.html"
        page.write_text("")
        return page

    monkeypatch.setattr("hemiscale.report.write_report", write)
    out = tmp_path / "out"
    run_study(read_study(rehearsal.study), out, only=[*MODELS, "word-rate"], quiet=True)
    found = compare_with_planted(rehearsal.planted, out)
    assert len(found) == len(MODELS) + 3
    assert all(row.inside for row in found), found
    slope = next(row for row in found if row.quantity.startswith("slope of the index per"))
    assert slope.planted > 0.01
    assert slope.found > 0
    # Models that are in the recordings fit them; the ceiling is that of 49 people.
    scores = read_dataset(out / "scores/austen-1.1m.nc")
    truth = read_dataset(rehearsal.planted)["expected_average"].sel(model="austen-1.1m").values
    mean = scores["score"].sel(subject="average").mean("run").max("layer").values
    assert np.corrcoef(mean, truth)[0, 1] > 0.5


@pytest.mark.slow
def test_the_same_seed_gives_the_same_recordings(tmp_path):
    digests = []
    for name in ("a", "b"):
        made = write_rehearsal(
            tmp_path / name, n_listeners=2, small=True, models=MODELS[:1], seed=3
        )
        files = sorted(made.study.parent.rglob("*_bold.nii.gz"))
        digests.append([file_digest(path) for path in files])
    assert digests[0] == digests[1]


def test_rehearsals_that_cannot_be(tmp_path):
    with pytest.raises(InputError, match="at least two"):
        write_rehearsal(tmp_path, n_listeners=1)
    (tmp_path / "study.toml").write_text("")
    with pytest.raises(InputError, match="is there already"):
        write_rehearsal(tmp_path, small=True)
