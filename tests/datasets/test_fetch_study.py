"""Fetching what a study names, from a server on this machine."""

import hashlib
import json

import pytest

from hemiscale.errors import InputError
from hemiscale.pipeline import fetch_study
from hemiscale.study import read_study


def write(folder, like):
    from hemiscale.datasets import write_template

    return read_study(write_template(folder, like))


def recording(subject, run):
    return (
        f"derivatives/sub-{subject}/func/sub-{subject}_task-lppEN_run-{run}"
        "_space-MNIColin27_desc-preproc_bold.nii.gz"
    )


@pytest.fixture
def bucket(site):
    paths = [
        *(recording("EN057", run) for run in (15, 16)),
        *(recording(subject, 4) for subject in ("EN058", "EN059", "EN061", "EN062", "EN063")),
        "annotation/EN/lppEN_word_information.csv",
        "dataset_description.json",
    ]
    for path in paths:
        head = b"\x1f\x8b" if path.endswith(".gz") else b"{}"
        site.files[f"/openneuro.org/ds003643/{path}"] = head + path.encode()
    return f"{site.url}/openneuro.org"


def test_individuals_come_with_their_annotations(bucket, tmp_path):
    study = write(tmp_path / "s", "petit-prince-en-individuals")
    done = fetch_study(study, subjects=["EN057"], models=False, bucket_url=bucket)
    assert (done.downloaded, done.kept) == (4, 0)
    root = tmp_path / "s/ds003643"
    assert (root / recording("EN057", 15)).is_file()
    assert not (root / recording("EN058", 4)).exists()
    assert (root / "annotation/EN/lppEN_word_information.csv").is_file()
    (root / recording("EN057", 16)).unlink()
    again = fetch_study(study, models=False, bucket_url=bucket)
    # The five listeners that the study names, and no other.
    assert (again.downloaded, again.kept) == (5, 3)
    assert (root / recording("EN062", 4)).is_file()
    assert not (root / recording("EN063", 4)).exists()


def test_average_subject_comes_from_its_repository(bucket, site, tmp_path):
    tree = []
    for run in range(1, 10):
        path, content = f"bold/lpp_en_avg49ss_run{run}_bold.nii.gz", b"\x1f\x8b%d" % run
        site.files[f"/chrplr/lpp_average_subject_en/main/{path}"] = content
        sha = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        tree.append({"path": path, "type": "blob", "size": len(content), "sha": sha})
    listing = json.dumps({"tree": tree}).encode()
    site.files["/repos/chrplr/lpp_average_subject_en/git/trees/main"] = listing
    study = write(tmp_path / "s", "petit-prince-en")
    done = fetch_study(study, models=False, bucket_url=bucket, average_urls=(site.url, site.url))
    assert done.downloaded == 9 + 1
    assert (tmp_path / "s/bold/lpp_en_avg49ss_run9_bold.nii.gz").is_file()
    assert (tmp_path / "s/ds003643/annotation/EN/lppEN_word_information.csv").is_file()
    with pytest.raises(InputError, match="no subjects to choose"):
        fetch_study(study, subjects=["EN057"], models=False)


def test_other_studies_have_nothing_to_fetch(tmp_path):
    study = write(tmp_path / "s", "own-data")
    with pytest.raises(InputError, match="names no data set"):
        fetch_study(study, models=False)


def test_check_says_how_to_get_what_is_missing(tmp_path):
    from hemiscale.pipeline import check_study

    with pytest.raises(InputError) as caught:
        check_study(write(tmp_path / "s", "petit-prince-en-individuals"))
    assert len(caught.value.problems) == 3  # words, recordings, and what to do
    assert "hemiscale fetch" in caught.value.problems[-1]
