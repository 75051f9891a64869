"""Masks of recordings: the same whoever looks into them."""

import json
import warnings

import nibabel
import numpy as np
import pytest

from hemiscale.brain import common_mask, symmetric_grid
from hemiscale.errors import HemiscaleWarning, InputError
from hemiscale.pipeline import masks, read_inputs
from hemiscale.pipeline.digests import Digests
from hemiscale.pipeline.helpers import Helpers
from hemiscale.pipeline.masks import analysis_mask, known_mask, own_mask_file
from hemiscale.pipeline.volume_targets import volumes_fingerprint
from hemiscale.results import file_digest
from hemiscale.study import read_study


def study_without_mask(folder, options="voxel_size = 8"):
    path = folder / "study.toml"
    path.write_text(path.read_text().replace('mask = "mask.nii.gz"', options))
    return read_study(path)


@pytest.mark.parametrize("own", [False, True])
def test_the_mask_is_the_same_whoever_looks(volume_folder, tmp_path, own, half_blind_cluster):
    more = "\nown_masks = true\naverage = false" if own else ""
    study = study_without_mask(volume_folder, f"voxel_size = 8{more}")
    inputs = read_inputs(study)
    groups = [[r.path for r in inputs.recordings]]
    if own:
        groups = [[r.path for r in inputs.recordings if r.subject == s] for s in inputs.subjects]
    grid = symmetric_grid(groups[0][0], voxel_size=8)
    whole = [np.asarray(common_mask(paths, grid)[0].dataobj) > 0 for paths in groups]
    expected = np.logical_or.reduce(whole)
    clusters = [half_blind_cluster(), half_blind_cluster(blind=("s2",))]
    everybody = [Helpers(), Helpers(2), *(Helpers(1, one) for one in clusters)]
    for k, helpers in enumerate(everybody):
        folder = tmp_path / str(k)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", HemiscaleWarning)
            mask, _ = analysis_mask(
                study,
                study.recordings,
                inputs,
                folder,
                Digests(folder / "digests.json"),
                helpers=helpers,
            )
        unseen = [str(one.message) for one in said]
        assert len(unseen) == (k == 3)  # said once for all runs of this listener
        assert all("sub-s2/func: the workers do not see this folder" in one for one in unseen)
        np.testing.assert_array_equal(np.asarray(mask.dataobj) > 0, expected)
        kept = [own_mask_file(folder, s) for s in inputs.subjects if own]
        assert file_digest(folder / "mask.nii.gz") == file_digest(tmp_path / "0/mask.nii.gz")
        for path in kept:
            first = tmp_path / "0" / path.relative_to(folder)
            assert file_digest(path) == file_digest(first)
    assert [len(one.asked) for one in clusters] == [9, 9]


def found_in(study, folder):
    inputs = read_inputs(study)
    digest = Digests(folder / "digests.json")
    return analysis_mask(study, study.recordings, inputs, folder, digest)[0], inputs, digest


def test_own_masks_follow_their_listeners(volume_folder, tmp_path, bold_path):
    for run in (1, 2, 3):  # the scanner missed the top of this brain
        path = bold_path(volume_folder, "s2", run)
        image = nibabel.load(path)
        values = np.asarray(image.dataobj)
        values[:, :, -values.shape[2] // 4 :] = 0
        nibabel.save(nibabel.Nifti1Image(values, image.affine, image.header), path)
    study = study_without_mask(volume_folder, "voxel_size = 8\nown_masks = true\naverage = false")
    before, *_ = found_in(study, tmp_path)
    sizes = [
        np.count_nonzero(nibabel.load(own_mask_file(tmp_path, subject)).dataobj)
        for subject in ("s1", "s2")
    ]
    assert sizes[1] < sizes[0]
    for run in (1, 2, 3):  # two names were mixed up
        one, other = (bold_path(volume_folder, subject, run) for subject in ("s1", "s2"))
        aside = one.with_name("aside.nii.gz")
        one.rename(aside)
        other.rename(one)
        aside.rename(other)
    after, *_ = found_in(study, tmp_path)
    np.testing.assert_array_equal(before.dataobj, after.dataobj)
    assert sizes[::-1] == [
        np.count_nonzero(nibabel.load(own_mask_file(tmp_path, subject)).dataobj)
        for subject in ("s1", "s2")
    ]


def test_a_share_makes_other_targets_of_own_masks_though_all_voxels_stay(volume_folder, tmp_path):
    study = study_without_mask(volume_folder, "voxel_size = 8\nown_masks = true\naverage = false")
    mask, inputs, digest = found_in(study, tmp_path)
    stamps = {
        volumes_fingerprint(
            study.recordings.model_copy(update={"mask_share": share, "own_masks": own}),
            inputs,
            mask,
            digest,
        )
        for own in (True, False)
        for share in (0.5, 1.0)
    }
    assert len(stamps) == 3


def test_a_killed_run_leaves_no_note_about_other_masks(volume_folder, tmp_path, monkeypatch):
    study = study_without_mask(volume_folder)
    expected = np.asarray(found_in(study, tmp_path)[0].dataobj)

    class Killed(BaseException):
        pass

    def killed(*_):
        raise Killed

    other = study.model_copy(
        update={"recordings": study.recordings.model_copy(update={"voxel_size": 10.0})}
    )
    with monkeypatch.context() as patched:
        patched.setattr(masks, "write_record", killed)
        with pytest.raises(Killed):
            found_in(other, tmp_path)
    assert nibabel.load(tmp_path / "mask.nii.gz").shape != expected.shape
    np.testing.assert_array_equal(np.asarray(found_in(study, tmp_path)[0].dataobj), expected)


def test_all_recordings_without_a_brain_are_named(volume_folder, tmp_path, bold_path):
    study = study_without_mask(volume_folder)
    inputs = read_inputs(study)
    for subject, run in (("s1", 2), ("s3", 1)):
        path = bold_path(volume_folder, subject, run)
        path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError) as said:
        analysis_mask(
            study,
            study.recordings,
            inputs,
            tmp_path,
            Digests(tmp_path / "digests.json"),
            helpers=Helpers(),
        )
    assert [("sub-s1" in one, "sub-s3" in one) for one in said.value.problems] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize("name", ["mask.json", "mask.nii.gz", "s2/mask.nii.gz"])
def test_a_damaged_mask_is_moved_aside_made_again_and_said(volume_folder, tmp_path, damaged, name):
    study = study_without_mask(volume_folder, "voxel_size = 8\nown_masks = true\naverage = false")
    _, inputs, digest = found_in(study, tmp_path)
    path = tmp_path / name
    whole = path.read_bytes()

    def mask():
        return analysis_mask(study, study.recordings, inputs, tmp_path, digest)

    for how in ("flipped", "cut off", "empty"):
        path.write_bytes(damaged(path, how))
        with pytest.warns(HemiscaleWarning, match=rf"{name}: the stored file was damaged"):
            mask()
        assert path.read_bytes() == whole
        assert path.with_name(f"{path.name}.damaged").is_file()
    mask()


def test_a_mask_from_before_there_were_checksums_is_read(
    volume_folder, tmp_path, monkeypatch, without_checksum
):
    study = study_without_mask(volume_folder)
    expected, inputs, digest = found_in(study, tmp_path)
    without_checksum(tmp_path / "mask.json")
    with monkeypatch.context() as patched:
        patched.setattr(masks, "_common_masks", None)
        mask, notices = analysis_mask(study, study.recordings, inputs, tmp_path, digest)
    np.testing.assert_array_equal(mask.dataobj, expected.dataobj)
    assert "without a mirror image were left out" in notices[0]
    # Of other recordings, it is replaced without a word about damage.
    other = study.recordings.model_copy(update={"voxel_size": 10.0})
    analysis_mask(study, other, inputs, tmp_path, digest)
    assert "checksum" in json.loads((tmp_path / "mask.json").read_text())


def test_who_asks_for_a_mask_that_is_known_makes_none(volume_folder, tmp_path, bold_path):
    study = study_without_mask(volume_folder)
    mask, inputs, digest = found_in(study, tmp_path)

    def known(digest, study=study):
        return known_mask(study, study.recordings, inputs, tmp_path, digest)

    np.testing.assert_array_equal(known(digest).dataobj, mask.dataobj)
    content = {path: path.read_bytes() for path in tmp_path.rglob("mask*")}
    path = bold_path(volume_folder, "s2", 2)
    path.write_bytes(bold_path(volume_folder, "s2", 3).read_bytes())
    assert known(Digests(tmp_path / "digests.json")) is None
    assert {path: path.read_bytes() for path in tmp_path.rglob("mask*")} == content
    (tmp_path / "mask.json").unlink()
    assert known(digest) is None
