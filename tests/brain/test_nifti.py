import gzip

import nibabel
import numpy as np
import pytest

from hemiscale.brain import read_mask
from hemiscale.brain.nifti import open_nifti
from hemiscale.errors import InputError


@pytest.fixture
def scans(make_image, tmp_path):
    path = tmp_path / "bold.nii.gz"
    data = np.random.default_rng(0).normal(size=(6, 7, 8, 30)).astype(np.float32)
    make_image(data).to_filename(path)
    return path, data


def test_whole_files_are_opened_and_read_in_pieces(scans):
    path, data = scans
    image = open_nifti(path, dimensions=4)
    np.testing.assert_array_equal(np.asarray(image.dataobj[..., 3:9]), data[..., 3:9])
    np.testing.assert_array_equal(np.asarray(image.dataobj[..., 9:12]), data[..., 9:12])


@pytest.mark.parametrize("share", [0.02, 0.5, 0.999])
def test_compressed_file_cut_off(scans, share):
    path, _ = scans
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError, match=r"bold\.nii\.gz: the file is cut off or damaged"):
        open_nifti(path)


def test_whole_compressed_file_is_not_read_through(scans, monkeypatch):
    path, _ = scans
    read = []
    original = gzip.GzipFile.read
    monkeypatch.setattr(
        gzip.GzipFile, "read", lambda self, size=-1: read.append(size) or original(self, size)
    )
    open_nifti(path)
    assert sum(read) < 10_000 < 6 * 7 * 8 * 30 * 4
    assert min(read) > 0


def test_uncompressed_file_cut_off(scans, tmp_path):
    path, _ = scans
    plain = tmp_path / "bold.nii"
    plain.write_bytes(gzip.decompress(path.read_bytes())[:-100])
    with pytest.raises(InputError, match="cut off"):
        open_nifti(plain)


def test_compressed_in_several_members_is_whole(scans, tmp_path):
    path, data = scans
    content = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(content[:5000]) + gzip.compress(content[5000:]))
    np.testing.assert_array_equal(np.asarray(open_nifti(path).dataobj), data)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n<!DOCTYPE html><html><body>404</body></html>", "is a web page or an error message"),
        (b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", "is a web page or an err"),
        (b'{"message": "rate limit"}', "is a message"),
        (b"../../.git/annex/objects/aa/bb/MD5E-s1--x.nii.gz", "was not downloaded"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "was not downloaded"),
        (b"\x00" * 400, "is named .gz but is not compressed"),
        (gzip.compress(b"no image at all" * 100, mtime=0), "not a NIfTI image"),
    ],
)
def test_what_is_no_nifti(tmp_path, content, message):
    path = tmp_path / "bold.nii.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        open_nifti(path)
    assert len(caught.value.problems) == 1
    assert str(caught.value).startswith(str(path))


def test_missing_links_and_folders(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        open_nifti(tmp_path / "none.nii.gz")
    with pytest.raises(InputError, match="is a folder"):
        open_nifti(tmp_path)
    link = tmp_path / "link.nii.gz"
    link.symlink_to(tmp_path / "annex" / "nowhere")
    with pytest.raises(InputError, match="content that is not on this disk"):
        open_nifti(link)


def test_number_of_dimensions(make_image, tmp_path):
    path = tmp_path / "x.nii.gz"
    make_image(np.zeros((3, 4, 5))).to_filename(path)
    assert open_nifti(path, dimensions=3).shape == (3, 4, 5)
    with pytest.raises(InputError, match=r"has 3 dimensions \(3 x 4 x 5\) where a series of scans"):
        open_nifti(path, dimensions=4)
    nibabel.Nifti1Image(np.zeros((3, 4, 5, 1)), np.eye(4)).to_filename(path)
    assert open_nifti(path, dimensions=3).shape == (3, 4, 5, 1)
    with pytest.raises(InputError, match="3 dimensions"):
        open_nifti(path, dimensions=4)
    nibabel.Nifti1Image(np.zeros((3, 4, 5, 2)), np.eye(4)).to_filename(path)
    with pytest.raises(InputError, match="where one volume"):
        open_nifti(path, dimensions=3)


def test_masks(make_image, tmp_path):
    path = tmp_path / "mask.nii.gz"
    data = np.zeros((3, 4, 5), np.float32)
    data[1], data[2] = 0.5, np.nan
    make_image(data).to_filename(path)
    np.testing.assert_array_equal(np.asarray(read_mask(path).dataobj), data == 0.5)
    nibabel.Nifti1Image(data[..., None], np.eye(4)).to_filename(path)
    assert read_mask(path).shape == (3, 4, 5)


def test_what_is_no_mask(make_image, tmp_path):
    path = tmp_path / "mask.nii.gz"
    make_image(np.zeros((3, 4, 5))).to_filename(path)
    with pytest.raises(InputError, match="the mask is empty"):
        read_mask(path)
    make_image(np.ones((3, 4, 5))).to_filename(path)
    with pytest.raises(InputError, match="every voxel is above zero"):
        read_mask(path)
    make_image(np.ones((3, 4, 5, 6))).to_filename(path)
    with pytest.raises(InputError, match="4 dimensions"):
        read_mask(path)
    half = np.zeros((3, 4, 5), np.uint8)
    half[0] = 1
    nibabel.Nifti1Image(half, None).to_filename(path)
    with pytest.raises(InputError, match="left and right cannot be told apart"):
        read_mask(path)
