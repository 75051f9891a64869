"""Recordings, masks, sidecars and confounds that are wrong."""

import errno
import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest

STEM = "bids/sub-02/func/sub-02_task-story_run-2"
B, J, C = f"{STEM}_bold.nii.gz", f"{STEM}_bold.json", f"{STEM}_desc-confounds_timeseries.tsv"
M, S = "mask.nii.gz", "study.toml"
LONG = "x" * 300
GIFTI = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE GIFTI SYSTEM "http://www.nitrc.org/frs/download.php/115/gifti.dtd">
<GIFTI Version="1.0" NumberOfDataArrays="1"></GIFTI>"""


def like(image, values, affine=None, t_r=2.0):
    made = nibabel.Nifti1Image(values, image.affine if affine is None else affine)
    made.header.set_xyzt_units("mm", "sec")
    made.header.set_zooms((*made.header.get_zooms()[:3], *[t_r] * (values.ndim - 3)))
    return made


def without_place(image, values):
    made = like(image, values)
    made.header.set_sform(None, 0)
    made.header.set_qform(None, 0)
    made = nibabel.Nifti1Image(values, None, made.header)
    return made


def with_forms_that_disagree(image, values):
    made = like(image, values)
    turned = np.diag([-1, 1, 1, 1]) @ image.affine
    made.header.set_sform(image.affine, 1)
    made.header.set_qform(turned, 1)
    return made


def cifti():
    brain = nibabel.cifti2.BrainModelAxis.from_mask(np.ones((2, 2, 2)), "thalamus_left", np.eye(4))
    series = nibabel.cifti2.SeriesAxis(0, 2, 62)
    return nibabel.Cifti2Image(np.zeros((62, 8), np.float32), (series, brain)).to_bytes()


def save_pair(path):
    """A recording as Analyze has it: header and values in two files."""
    rng = np.random.default_rng(0)
    values = (100 + rng.normal(size=(7, 6, 5, 62))).astype(np.float32)
    affine = np.diag([8.0, 8.0, 8.0, 1.0])
    affine[:3, 3] = [-24, -20, -16]
    made = nibabel.Nifti1Pair(values, affine)
    made.header.set_xyzt_units("mm", "sec")
    made.header.set_zooms((8, 8, 8, 2))
    nibabel.save(made, path)


def value_at(where, what):
    def change(image, values):
        values[where] = what
        return like(image, values)

    return change


CASES = {
    "a run is missing": (
        [(B, "delete")],
        [
            "bids: sub-02 has 1 runs (1) where the story has 2; a run is missing, or one too many is there."
        ],
    ),
    "a subject is missing": (
        [
            ("bids/sub-02", "delete"),
            (S, "replace", "confounds", 'subjects = ["01", "02"]\nconfounds'),
        ],
        ["bids: there is no subject 02."],
    ),
    "all is missing": ([("bids", "delete")], ["bids: there is no such folder of recordings."]),
    "empty": (
        [(B, "write", b"")],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: the file is empty; download it again."
        ],
    ),
    "a link to nothing": (
        [(B, "link")],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: is a link to content that is not on this disk; get it first (datalad get, or git annex get)."
        ],
    ),
    "a git-annex pointer": (
        [(B, "write", "/annex/objects/SHA256E-s12--abc.nii.gz\n")],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: is a pointer to content that was not downloaded (git-annex or Git LFS); get it."
        ],
    ),
    "a git lfs pointer": (
        [(B, "write", "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n")],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: is a pointer to content that was not downloaded (git-annex or Git LFS); get it."
        ],
    ),
    "a web page": (
        [(B, "write", "<!DOCTYPE html><html>404</html>")],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: is a web page or an error message saved as NIfTI; download the file again."
        ],
    ),
    "an error of the bucket": (
        [(B, "write", '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>')],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: is a web page or an error message saved as NIfTI; download the file again."
        ],
    ),
    "a json message": (
        [(B, "write", '{"message": "rate limit"}')],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: is a message (JSON) saved as NIfTI; download the file again."
        ],
    ),
    "a web page, compressed": (
        [(B, "write", gzip.compress(b"<html>404</html>" * 100))],
        ["run-2_bold.nii.gz: not a NIfTI image ("],
    ),
    "not compressed": (
        [(B, "write", b"\x5c\x01\0\0" + b"\0" * 400)],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: is named .gz but is not compressed; download it again or rename it."
        ],
    ),
    "cut off": (
        [(B, "cut", 4000)],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: the file is cut off or damaged; download it again."
        ],
    ),
    "cut off in the header": (
        [(B, "write", gzip.compress(b"\x5c\x01\0\0"))],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: the file is cut off or damaged; download it again."
        ],
    ),
    "a flipped byte": (
        [(B, "flip", 20_000)],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: the file is cut off or damaged; download it again."
        ],
    ),
    "noise": (
        [(B, "write", gzip.compress(bytes(range(256)) * 40))],
        ["run-2_bold.nii.gz: not a NIfTI image ("],
    ),
    "a GIFTI surface": (
        [(B, "write", gzip.compress(GIFTI))],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: the file is cut off or damaged; download it again."
        ],
    ),
    "a CIFTI series": (
        [(B, "write", gzip.compress(cifti()))],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: has 6 dimensions (1 x 1 x 1 x 1 x 62 x 8) where a series of scans (4D) is expected."
        ],
    ),
    "one volume": (
        [(B, "image", lambda image, x: like(image, x[..., 0]))],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: has 3 dimensions (7 x 6 x 5) where a series of scans (4D) is expected."
        ],
    ),
    "fewer scans": (
        [(B, "image", lambda image, x: like(image, x[..., :-9]))],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: run 2 of 02 has 53 scans where most have 62.",
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: run 2 of 02 lasts 106 s (53 scans) but its story ends at 120.7 s; is a run missing, cut off or s",
            "bids/sub-02/func/sub-02_task-story_run-2_desc-confounds_timeseries.tsv: has 62 rows where sub-02_task-story_run-2_bold.nii.gz has 53 scans.",
        ],
    ),
    "another grid": (
        [(B, "image", lambda image, x: like(image, x[:-1]))],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: run 2 of 02 has another grid: 6 x 6 x 5 voxels of 8 x 8 x 8 mm where most have 7 x 6 x 5 voxels "
        ],
    ),
    "turned round": (
        [(B, "image", lambda image, x: like(image, x, np.diag([-1, 1, 1, 1]) @ image.affine))],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: run 2 of 02 has another grid: stored from right to left where most go from left to right, or the"
        ],
    ),
    "shifted": (
        [(B, "image", lambda image, x: like(image, x, image.affine + np.eye(4, k=3) * 9))],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: run 2 of 02 has another grid: the same voxels, but placed or turned differently."
        ],
    ),
    "no place in the header": (
        [(B, "image", without_place)],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: the header does not say where the voxels lie (sform and qform codes are 0), so left and right ca",
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: run 2 of 02 has another grid: stored from right to left where most go from left to right, or the",
        ],
    ),
    "two places in the header": (
        [(B, "image", with_forms_that_disagree)],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: the two transformations in the header (sform and qform) disagree about which side is left."
        ],
    ),
    "nan in the brain": (
        [(B, "image", value_at((3, 3, 2, 5), np.nan))],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: 1 of 60 voxels of the mask hold values that are not finite (NaN or infinity), the first at (0, 4"
        ],
    ),
    "infinite in the brain": (
        [(B, "image", value_at((3, 3, 2, 5), np.inf))],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: 1 of 60 voxels of the mask hold values that are not finite (NaN or infinity), the first at (0, 4"
        ],
    ),
    "all zero": (
        [(B, "image", lambda image, x: like(image, x * 0))],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: all voxels of the mask are zero; the recording is empty."
        ],
    ),
    "header and sidecar disagree": (
        [(B, "image", lambda image, x: like(image, x, t_r=1.5))],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: the sidecar gives a TR of 2 s and the header 1.5 s."
        ],
    ),
    "two TRs": (
        [
            (J, "write", '{"RepetitionTime": 3.0}'),
            (B, "image", lambda image, x: like(image, x, t_r=3.0)),
        ],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: the sidecar gives a TR of 3 s where most have 2 s.",
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: the sidecar gives a TR of 3 s where the study states 2 s.",
        ],
    ),
    "sidecar is no json": (
        [(J, "write", "<html>404</html>")],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.json: is not a JSON sidecar; download it again."
        ],
    ),
    "sidecar is a list": (
        [(J, "write", "[2.0]")],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.json: is not a JSON sidecar; download it again."
        ],
    ),
    "a run twice": (
        [(B.replace("_bold", "_desc-x_bold"), "write", b"")],
        [
            "bids/sub-02/func: run 2 of sub-02 has 2 files (sub-02_task-story_run-2_bold.nii.gz, sub-02_task-story_run-2_desc-x_bold.nii.gz); say which desc."
        ],
    ),
    "run is no number": (
        [(B.replace("run-2", "run-two"), "write", b"")],
        ["bids/sub-02/func/sub-02_task-story_run-two_bold.nii.gz: run 'two' is not a number."],
    ),
    "task of another study": (
        [(S, "replace", 'task = "story"', 'task = "stories"')],
        ["bids: no subject has recordings of task stories."],
    ),
    "folder of another study": (
        [(S, "replace", 'folder = "bids"', 'folder = "derivatives"')],
        ["derivatives: there is no such folder of recordings."],
    ),
    "confounds missing": (
        [(C, "delete")],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_bold.nii.gz: 0 files of confounds (..._desc-confounds_timeseries.tsv) lie beside it where one is meant."
        ],
    ),
    "confounds without that column": (
        [(C, "replace", "csf", "CSF")],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_desc-confounds_timeseries.tsv, row 1: there is no confound named 'csf'."
        ],
    ),
    "confounds too short": (
        [(C, "lines", lambda x: x[:40])],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_desc-confounds_timeseries.tsv: has 39 rows where sub-02_task-story_run-2_bold.nii.gz has 62 scans."
        ],
    ),
    "confounds with a gap": (
        [(C, "lines", lambda x: [*x[:40], "n/a", *x[41:]])],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_desc-confounds_timeseries.tsv, row 41: confound 'csf' is not a finite number."
        ],
    ),
    "confounds are binary": (
        [(C, "write", b"\xff\xfe\0\1")],
        [
            "bids/sub-02/func/sub-02_task-story_run-2_desc-confounds_timeseries.tsv: not a tab-separated table ('utf-8' codec can't decode byte 0xff in position 0:"
        ],
    ),
    "header and values in two files": (
        [
            *((f"{subject}-{run}.img", "make", save_pair) for subject in "ab" for run in (1, 2)),
            (S, "replace", 'kind = "bids"', 'kind = "volumes"\nsubjects = ["a", "b"]'),
            (S, "replace", 'folder = "bids"', 'files = "{subject}-{run}.img"'),
            (S, "replace", 'task = "story"\n', ""),
            (S, "replace", 'confounds = ["csf"]\n', ""),
        ],
        [
            "a-1.img: is one of the two files (.hdr and .img) of an image; save it as one (.nii or .nii.gz)."
        ],
    ),
    "two runs, not cut": (
        [(S, "replace", "blocks = 2", "blocks = 1")],
        [
            "study volumes: has 2 runs where at least 3 runs or blocks are needed",
            "under [design], blocks = 2 or more.",
        ],
    ),
    "no mask": ([(M, "delete")], ["mask.nii.gz: there is no such file."]),
    "no mask by a name that is too long": (
        [(S, "replace", M, LONG)],
        [f"{LONG}: cannot be opened (File name too long); correct the"],
    ),
    "mask is text": (
        [(M, "write", "1 1 1 0")],
        ["mask.nii.gz: is named .gz but is not compressed; download it again or rename it."],
    ),
    "mask is empty": (
        [(M, "image", lambda image, x: like(image, x * 0))],
        ["mask.nii.gz: the mask is empty; no voxel is above zero."],
    ),
    "mask is everything": (
        [(M, "image", lambda image, x: like(image, x * 0 + 1))],
        ["mask.nii.gz: every voxel is above zero; this is no mask."],
    ),
    "mask is 4D": (
        [(M, "image", lambda image, x: like(image, np.stack([x, x], -1)))],
        ["mask.nii.gz: has 4 dimensions (7 x 6 x 5 x 2) where one volume (3D) is expected."],
    ),
    "mask on one side": (
        [
            (
                M,
                "image",
                lambda image, x: like(image, np.where(np.arange(7)[:, None, None] < 3, x, 0)),
            )
        ],
        [
            "mask.nii.gz: none of the 24 voxels of the mask has a mirror image in it: it is not "
            "centred on the midline, or too small, as one is that was computed from recordings "
            "without a dark background; name another mask."
        ],
    ),
    "mask elsewhere": (
        [
            (
                M,
                "image",
                lambda image, x: like(
                    image, x, image.affine + np.outer([0, 1, 0, 0], [0, 0, 0, 400])
                ),
            )
        ],
        [
            "bids/sub-01/func/sub-01_task-story_run-1_bold.nii.gz: 100% of the mask lies outside this image; the mask is in another space.",
            "bids/sub-01/func/sub-01_task-story_run-2_bold.nii.gz: 100% of the mask lies outside this image; the mask is in another space.",
            "bids/sub-02/func/sub-02_task-story_run-1_bold.nii.gz: 100% of the mask lies outside this image; the mask is in another space.",
        ],
    ),
    "mask without place": (
        [(M, "image", without_place)],
        [
            "mask.nii.gz: the header does not say where the voxels lie (sform and qform codes are 0), so left and right cannot be told apart."
        ],
    ),
}


def test_good_ones_pass(volumes_folder, complains):
    assert "nothing is wrong" in complains(volumes_folder, [], 0, [])


@pytest.mark.parametrize("case", CASES)
def test_volumes(case, volumes_folder, complains):
    edits, fragments = CASES[case]
    complains(volumes_folder, edits, 2, fragments)


def test_a_mask_in_a_folder_that_may_not_be_searched(volumes_folder, complains, monkeypatch):
    stat = Path.stat

    def denied(path, **options):
        if path.name == M:  # who tests may be root, who may search everywhere
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, **options)

    (volumes_folder / M).unlink()
    monkeypatch.setattr(Path, "stat", denied)
    complains(volumes_folder, [], 2, [f"{M}: cannot be opened (Permission denied); correct the"])
