import json

import nibabel
import numpy as np
import pytest

from hemiscale.brain import describe_recording, find_bids_recordings, find_recordings
from hemiscale.brain.recordings import entities
from hemiscale.errors import InputError

SCANS = np.ones((3, 4, 5, 6), np.float32)


def bids_name(subject, run, space="MNIColin27", task="lppEN"):
    return f"sub-{subject}_task-{task}_run-{run}_space-{space}_desc-preproc_bold.nii.gz"


@pytest.fixture
def derivatives(tmp_path):
    """Two subjects whose runs are numbered as a scanner does, with a gap, and one French."""
    for subject, runs, task in (
        ("EN057", ("15", "9", "17"), "lppEN"),
        ("EN058", ("04", "05", "06"), "lppEN"),
        ("FR001", ("1", "2", "3"), "lppFR"),
    ):
        for run in runs:
            path = tmp_path / f"sub-{subject}" / "func" / bids_name(subject, run, task=task)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return tmp_path


def names(paths):
    return [entities(path)["run"] for path in paths]


def test_entities_of_a_name():
    assert entities("a/" + bids_name("EN057", "15")) == {
        "sub": "EN057",
        "task": "lppEN",
        "run": "15",
        "space": "MNIColin27",
        "desc": "preproc",
        "suffix": "bold",
    }
    assert entities("task-x_bold.json") == {"task": "x", "suffix": "bold"}


def test_runs_come_in_ascending_order_of_their_numbers(derivatives):
    found = find_bids_recordings(derivatives, task="lppEN", n_runs=3)
    assert list(found) == ["EN057", "EN058"]
    assert names(found["EN057"]) == ["9", "15", "17"]
    assert names(found["EN058"]) == ["04", "05", "06"]


def test_named_subjects_with_or_without_prefix(derivatives):
    found = find_bids_recordings(derivatives, task="lppEN", subjects=["sub-EN058", "EN057"])
    assert list(found) == ["EN058", "EN057"]


def test_all_that_is_missing_is_said_at_once(derivatives):
    with pytest.raises(InputError) as caught:
        find_bids_recordings(
            derivatives, task="lppEN", subjects=["EN075", "FR001", "EN057"], n_runs=4
        )
    missing, other_task, too_few = caught.value.problems
    assert "there is no subject EN075; did you mean EN05" in missing
    assert "sub-FR001 has no recordings with task lppEN" in other_task
    assert "sub-EN057 has 3 runs (9, 15, 17) where the story has 4" in too_few


def test_two_files_of_one_run_must_be_told_apart(derivatives):
    (derivatives / "sub-EN057" / "func" / bids_name("EN057", "15", "T1w")).touch()
    with pytest.raises(InputError, match=r"run 15 of sub-EN057 has 2 files .* say which space"):
        find_bids_recordings(derivatives, task="lppEN")
    found = find_bids_recordings(derivatives, task="lppEN", space="MNIColin27", desc="preproc")
    assert len(found["EN057"]) == 3
    echoes = derivatives / "sub-EN057" / "func" / "sub-EN057_task-lppEN_run-15_echo-2_bold.nii.gz"
    echoes.touch()
    only = find_bids_recordings(derivatives, task="lppEN", subjects=["EN057"], others={"echo": "2"})
    assert only == {"EN057": (echoes,)}


def test_wrong_folder_gets_a_hint(derivatives, tmp_path):
    outer = tmp_path / "outer"
    (outer / "derivatives").mkdir(parents=True)
    (derivatives / "sub-EN057").rename(outer / "derivatives" / "sub-EN057")
    with pytest.raises(InputError, match=r"no folder named sub-...; did you mean .*derivatives"):
        find_bids_recordings(outer, task="lppEN")
    with pytest.raises(InputError, match="there is no such folder"):
        find_bids_recordings(tmp_path / "nowhere", task="lppEN")
    with pytest.raises(InputError, match="no subject has recordings of task other"):
        find_bids_recordings(derivatives, task="other")


def test_average_subject_by_pattern(tmp_path):
    for run in range(1, 12):
        (tmp_path / f"lpp_en_avg49ss_run{run}_bold.nii.gz").touch()
    numbered = find_recordings(f"{tmp_path}/lpp_en_avg49ss_run{{run}}_bold.nii.gz", n_runs=11)
    natural = find_recordings(f"{tmp_path}/*_bold.nii.gz", n_runs=11)
    assert numbered == natural
    assert [p.name for p in numbered["average"]][9:] == [
        "lpp_en_avg49ss_run10_bold.nii.gz",
        "lpp_en_avg49ss_run11_bold.nii.gz",
    ]


def test_patterns_with_subject_and_stars(tmp_path):
    for subject in ("a", "b"):
        (tmp_path / subject).mkdir()
        for run in (1, 2):
            (tmp_path / subject / f"x_{run:02d}_of_{subject}.nii").touch()
    pattern = f"{tmp_path}/{{subject}}/x_{{run:02d}}_*.nii"
    found = find_recordings(pattern, n_runs=2, subjects=["a", "b"])
    assert found["b"][1].name == "x_02_of_b.nii"
    with pytest.raises(InputError, match="run 3 of a is missing"):
        find_recordings(pattern, n_runs=3, subjects=["a"])
    with pytest.raises(InputError, match="matches 2 files where one is meant"):
        find_recordings(f"{tmp_path}/*/x_{{run:02d}}_*.nii", n_runs=1)
    with pytest.raises(InputError, match=r"matches 4 file\(s\) where the story has 2 runs"):
        find_recordings(f"{tmp_path}/*/*.nii", n_runs=2)
    with pytest.raises(InputError, match="nothing else in curly brackets"):
        find_recordings(f"{tmp_path}/{{session}}.nii", n_runs=2)


def write(make_image, path, t_r=2.0, unit="sec", data=SCANS):
    image = make_image(data, t_r=t_r)
    image.header.set_xyzt_units("mm", unit)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.to_filename(path)
    return path


@pytest.mark.parametrize(
    ("t_r", "unit", "expected"),
    [
        (2.0, "sec", 2.0),
        (1500.0, "msec", 1.5),
        (2.5, "unknown", 2.5),
        (1.0, "unknown", None),
        (0.0, "sec", None),
        (1.0, "sec", 1.0),
    ],
)
def test_t_r_of_the_header(make_image, tmp_path, t_r, unit, expected):
    path = write(make_image, tmp_path / "run.nii.gz", t_r, unit)
    recording = describe_recording(path, subject="average", run=1)
    assert recording.t_r == expected
    assert recording.t_r_source == ("header" if expected else "")
    assert (recording.n_scans, recording.grid.shape) == (6, (3, 4, 5))
    assert recording.doubts == ()


def test_t_r_of_the_sidecar_is_inherited(make_image, tmp_path):
    path = write(make_image, tmp_path / "sub-a" / "func" / "sub-a_task-t_run-1_bold.nii.gz", 0.0)
    (tmp_path / "dataset_description.json").write_text("{}")
    (tmp_path / "task-other_bold.json").write_text(json.dumps({"RepetitionTime": 9}))
    assert describe_recording(path, subject="a", run=1).t_r is None
    (tmp_path / "task-t_bold.json").write_text(json.dumps({"RepetitionTime": 2.0}))
    recording = describe_recording(path, subject="a", run=1)
    assert (recording.t_r, recording.t_r_source) == (2.0, "sidecar")
    own = path.with_name("sub-a_task-t_run-1_bold.json")
    own.write_text(json.dumps({"RepetitionTime": 1.5}))
    assert describe_recording(path, subject="a", run=1).t_r == 1.5
    own.write_text("<html>")
    with pytest.raises(InputError, match="is not a JSON sidecar"):
        describe_recording(path, subject="a", run=1)


def test_sidecar_and_header_that_disagree(make_image, tmp_path):
    path = write(make_image, tmp_path / "sub-a_task-t_bold.nii.gz", 3.0)
    path.with_name("sub-a_task-t_bold.json").write_text(json.dumps({"RepetitionTime": 2.0}))
    (doubt,) = describe_recording(path, subject="a", run=1).doubts
    assert "sidecar gives a TR of 2 s and the header 3 s" in doubt


def test_headers_that_confuse_left_and_right(make_image, tmp_path):
    path = write(make_image, tmp_path / "a.nii.gz")
    image = nibabel.load(path)
    flipped = image.affine.copy()
    flipped[0] *= -1
    image.set_qform(flipped, 1)
    image.set_sform(image.affine, 2)
    nibabel.save(image, tmp_path / "b.nii.gz")
    (doubt,) = describe_recording(tmp_path / "b.nii.gz", subject="a", run=1).doubts
    assert "disagree about which side is left" in doubt
    image.header["qform_code"] = image.header["sform_code"] = 0
    image = nibabel.Nifti1Image(SCANS, None, image.header)
    nibabel.save(image, tmp_path / "c.nii.gz")
    (doubt,) = describe_recording(tmp_path / "c.nii.gz", subject="a", run=1).doubts
    assert "left and right cannot be told apart" in doubt


def test_one_volume_is_no_recording(make_image, tmp_path):
    path = write(make_image, tmp_path / "a.nii.gz", data=SCANS[..., :1])
    with pytest.raises(InputError, match="3 dimensions"):
        describe_recording(path, subject="a", run=1)
