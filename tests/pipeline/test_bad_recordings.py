"""What may be wrong with recordings: one sentence each, from `hemiscale check`, before any work."""

import contextlib
import json

import nibabel
import numpy as np
import pytest

from hemiscale.errors import HemiscaleWarning, InputError
from hemiscale.pipeline import check_study, run_study
from hemiscale.results import ResultsFolder
from hemiscale.study import read_study


def load(path):
    image = nibabel.load(path)
    return np.asarray(image.dataobj, dtype=np.float32), image


def save(path, values, image, affine=None):
    again = nibabel.Nifti1Image(values, image.affine if affine is None else affine, image.header)
    nibabel.save(again, path)


def missing_run(path, folder):
    path.unlink()


def too_short(path, folder):
    for file in path.parent.parent.parent.rglob("*run-7*_bold.nii.gz"):
        values, image = load(file)
        save(file, values[..., :60], image)


def shorter_than_others(path, folder):
    values, image = load(path)
    save(path, values[..., :-3], image)


def another_grid(path, folder):
    values, image = load(path)
    save(path, values[:, :, 1:], image)


def zero_voxels(path, folder):
    values, image = load(path)
    values[5, 5, 4:6] = 0
    save(path, values, image)


def nan_voxels(path, folder):
    values, image = load(path)
    values[5, 5, 4, 10] = np.nan
    save(path, values, image)


def all_zero(path, folder):
    values, image = load(path)
    save(path, values * 0, image)


def wrong_t_r(path, folder):
    sidecar = path.with_name(path.name.replace(".nii.gz", ".json"))
    sidecar.write_text(json.dumps({"RepetitionTime": 1.5}))


def cut_off(path, folder):
    path.write_bytes(path.read_bytes()[:-2000])


def three_dimensions(path, folder):
    values, image = load(path)
    save(path, values[..., 0], image)


def web_page(path, folder):
    path.write_bytes(b"<!DOCTYPE html><html>not found</html>")


def mask_elsewhere(path, folder):
    mask = nibabel.load(folder / "mask.nii.gz")
    affine = mask.affine.copy()
    affine[1, 3] += 60
    nibabel.save(nibabel.Nifti1Image(np.asarray(mask.dataobj), affine), folder / "mask.nii.gz")


def flipped(path, folder):
    values, image = load(path)
    affine = image.affine.copy()
    affine[0] *= -1  # stored from right to left, and not resampled like the others
    save(path, values, image, affine)


def sides_disagree(path, folder):
    values, image = load(path)
    again = nibabel.Nifti1Image(values, image.affine, image.header)
    other = image.affine.copy()
    other[0] *= -1
    again.set_qform(other, code=1)
    again.set_sform(image.affine, code=1)
    nibabel.save(again, path)


def no_orientation(path, folder):
    values, image = load(path)
    again = nibabel.Nifti1Image(values, image.affine, image.header)
    again.set_sform(None, code=0)
    again.set_qform(None, code=0)
    nibabel.save(again, path)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (missing_run, r"sub-s2 has 2 runs \(3, 12\) where the story has 3"),
        (too_short, r"run 2 of s2 lasts 120 s \(60 scans\) but its story ends at 1"),
        (shorter_than_others, r"run 2 of s2 has 72 scans where most have 75"),
        (another_grid, r"run 2 of s2 has another grid: 13 x 11 x 8 voxels"),
        (zero_voxels, r"2 of \d+ voxels of the mask are zero in all scans, the first at \("),
        (nan_voxels, r"1 of \d+ voxels of the mask hold values that are not finite"),
        (all_zero, r"all voxels of the mask are zero; the recording is empty"),
        (wrong_t_r, r"the sidecar gives a TR of 1.5 s (where most have|and the header) 2 s"),
        (cut_off, r"the file is cut off or damaged; download it again"),
        (three_dimensions, r"has 3 dimensions \(13 x 11 x 9\) where a series of scans"),
        (web_page, r"is a web page or an error message saved as NIfTI"),
        (mask_elsewhere, r"of the mask lies outside this image; the mask is in another space"),
        (flipped, r"another grid: stored from right to left"),
        (sides_disagree, r"\(sform and qform\) disagree about which side is left"),
        (no_orientation, r"left and right cannot be told apart"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_one_sentence_says_what_is_wrong(volume_folder, bold_path, damage, sentence):
    path = bold_path(volume_folder, "s2", 2)
    damage(path, volume_folder)
    with pytest.raises(InputError, match=sentence) as caught:
        check_study(read_study(volume_folder / "study.toml"))
    for problem in caught.value.problems:
        assert problem.count("\n") == 0
        assert problem.endswith((".", "?"))
    if damage not in (too_short, mask_elsewhere, wrong_t_r, no_orientation):
        assert len(caught.value.problems) == 1, caught.value.problems
        assert "s2" in caught.value.problems[0]


def test_values_are_checked_without_a_mask_too(volume_folder, bold_path):
    all_zero(bold_path(volume_folder, "s3", 1), volume_folder)
    path = volume_folder / "study.toml"
    path.write_text(path.read_text().replace('mask = "mask.nii.gz"\n', ""))
    with pytest.raises(InputError, match=r"sub-s3.*the recording is empty"):
        check_study(read_study(path))


def test_broken_recordings_stop_a_run_together(volume_folder, bold_path, tmp_path):
    for subject in ("s1", "s3"):
        nan_voxels(bold_path(volume_folder, subject, 2), volume_folder)
    with pytest.raises(InputError) as caught:
        run_study(read_study(volume_folder / "study.toml"), tmp_path / "out", quiet=True)
    assert len(caught.value.problems) == 2


def test_swapped_runs_are_warned_of(volume_folder, bold_path, tmp_path):
    from rich.console import Console

    from hemiscale.pipeline.brain_side import read_brain_side
    from hemiscale.pipeline.helpers import Helpers
    from hemiscale.pipeline.inputs import read_inputs
    from hemiscale.pipeline.progress import Display

    # Of equal length, so that nothing but the scans themselves can tell.
    paths = [bold_path(volume_folder, "s1", run) for run in (1, 2)]
    (first, image), (second, _) = (load(path) for path in paths)
    save(paths[0], second[..., : first.shape[3]], image)
    filler = first[..., : second.shape[3] - first.shape[3]]
    save(paths[1], np.concatenate([first, filler], axis=3), image)
    study = read_study(volume_folder / "study.toml")
    display = Display(Console(stderr=True), quiet=True)
    folder = ResultsFolder(tmp_path / "out")
    kept = folder.prepared / "swapped-runs.json"
    for content in (None, None, b"[1]", b'{"fingerprint": "", "notices": [1]}'):
        # Found; remembered; damaged and found again.
        expected = contextlib.nullcontext()
        if content is not None:
            whole = kept.read_bytes()
            kept.write_bytes(content)
            expected = pytest.warns(HemiscaleWarning, match=r"swapped-runs\.json: .* was damaged")
        with expected:
            brain = read_brain_side(study, read_inputs(study), folder, display, Helpers())
        doubts = [notice for notice in brain.notices if "swapped" in notice]
        assert len(doubts) == 2
        assert doubts[0].startswith("s1, run 1: its scans follow the words of run 2")
    assert kept.read_bytes() == whole
    # An answer from before there were checksums is remembered as well.
    answer = json.loads(whole)
    kept.write_text(json.dumps({name: answer[name] for name in ("fingerprint", "notices")}))
    whole = kept.read_bytes()
    brain = read_brain_side(study, read_inputs(study), folder, display, Helpers())
    assert [notice for notice in brain.notices if "swapped" in notice] == doubts
    assert kept.read_bytes() == whole


def test_mask_that_is_not_symmetric_is_made_so(volume_folder):
    path = volume_folder / "mask.nii.gz"
    mask = nibabel.load(path)
    inside = np.asarray(mask.dataobj).copy()
    left = np.argwhere(inside)[np.argwhere(inside)[:, 0] < 6][:4]
    inside[tuple(left.T)] = 0
    nibabel.save(nibabel.Nifti1Image(inside, mask.affine), path)
    from hemiscale.pipeline.volume_inputs import given_mask

    study = read_study(volume_folder / "study.toml")
    made, notices = given_mask(study, study.recordings)
    values = np.asarray(made.dataobj)
    np.testing.assert_array_equal(values, values[::-1])
    assert "4 of" in notices[0]
    assert "have no mirror image" in notices[0]


def test_excluded_subjects_are_left_out(volume_folder, bold_path):
    from hemiscale.pipeline.inputs import read_inputs

    cut_off(bold_path(volume_folder, "s2", 2), volume_folder)
    path = volume_folder / "study.toml"
    path.write_text(
        path.read_text().replace(
            "[baselines]",
            '[[recordings.excluded]]\nsubject = "s2"\nreason = "cut off"\n[baselines]',
        )
    )
    assert read_inputs(read_study(path)).subjects == ["s1", "s3"]


def test_no_t_r_anywhere_asks_for_one(volume_folder):
    for path in volume_folder.rglob("*_bold.nii.gz"):
        values, image = load(path)
        image.header.set_zooms((*image.header.get_zooms()[:3], 0.0))
        save(path, values, image)
    with pytest.raises(InputError, match="neither sidecar nor header gives a TR; state t_r"):
        check_study(read_study(volume_folder / "study.toml"))


def test_t_r_is_taken_as_stated(volume_folder):
    from hemiscale.pipeline.inputs import read_inputs

    for path in volume_folder.rglob("*_bold.nii.gz"):
        sidecar = path.with_name(path.name.replace(".nii.gz", ".json"))
        sidecar.write_text(json.dumps({"RepetitionTime": 1.99995}))
    assert read_inputs(read_study(volume_folder / "study.toml")).t_r == 1.99995


def test_confounds_are_found_beside_each_recording_and_regressed_out(volume_folder, tmp_path):
    import pandas as pd

    from hemiscale.pipeline.inputs import read_inputs

    rng = np.random.default_rng(5)
    for path in volume_folder.rglob("*_bold.nii.gz"):
        n_scans = nibabel.load(path).shape[3]
        table = pd.DataFrame(rng.normal(size=(n_scans, 2)), columns=["rot_x", "rot_y"])
        name = path.name.replace("_bold.nii.gz", "_desc-confounds_timeseries.tsv")
        table.to_csv(path.with_name(name), sep="\t", index=False)
    study = volume_folder / "study.toml"
    text = study.read_text()
    study.write_text(text.replace('task = "story"', 'task = "story"\nconfounds = ["rot_y"]'))
    inputs = read_inputs(read_study(study))
    assert len(inputs.confounds) == 9
    first = inputs.recordings[0]
    assert inputs.confounds[first.path].shape == (first.n_scans, 1)
    study.write_text(text.replace('task = "story"', 'task = "story"\nconfounds = ["rot_yy"]'))
    with pytest.raises(InputError, match="no confound named 'rot_yy'; did you mean 'rot_y'"):
        read_inputs(read_study(study))
