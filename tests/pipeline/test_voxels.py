"""Regions of a study of volumes: spheres, mask images, atlases from a file or by name."""

from types import SimpleNamespace

import nibabel
import numpy as np
import pandas as pd
import pytest

from hemiscale.errors import HemiscaleError, InputError
from hemiscale.pipeline.voxels import describe_voxels
from hemiscale.study import read_study


@pytest.fixture
def described(volume_folder):
    def described(lines):
        path = volume_folder / "study.toml"
        text = path.read_text()
        head, tail = text.split("[recordings.spheres]", 1)
        path.write_text(head + lines + "\n" + tail[tail.index("[baselines]") :])
        study = read_study(path)
        mask = nibabel.load(volume_folder / "mask.nii.gz")
        voxels = describe_voxels(study, study.recordings, mask)
        return dict(zip(voxels["region_name"].values, voxels["region"].values, strict=True)), voxels

    return described


@pytest.fixture
def atlas(volume_folder):
    mask = nibabel.load(volume_folder / "mask.nii.gz")
    labels = np.zeros(mask.shape, np.int16)
    labels[:, :5], labels[:, 6:] = 1, 2
    image = nibabel.Nifti1Image(labels, mask.affine)
    nibabel.save(image, volume_folder / "atlas.nii.gz")
    return image


def test_atlas_from_a_file_is_split_at_the_midline(described, atlas, volume_folder):
    names = pd.DataFrame({"index": [1, 2], "name": ["back", "front"]})
    names.to_csv(volume_folder / "names.tsv", sep="\t", index=False)
    regions, voxels = described('atlas = "atlas.nii.gz"\natlas_names = "names.tsv"')
    assert list(regions) == ["back_left", "back_right", "front_left", "front_right"]
    assert list(voxels["region_homologue"].values[:2]) == ["back_right", "back_left"]
    side = voxels["hemisphere"].values
    assert set(side[regions["front_left"]]) == {"left"}
    assert not (regions["front_left"] & regions["back_left"]).any()


def test_atlas_by_name_comes_through_nilearn(described, atlas, monkeypatch):
    asked = {}

    def fetch(**options):
        asked.update(options)
        lut = pd.DataFrame({"index": [0, 1, 2], "name": ["Background", "back", "front"]})
        return SimpleNamespace(maps=atlas, lut=lut)

    monkeypatch.setattr("nilearn.datasets.fetch_atlas_schaefer_2018", fetch)
    regions, _ = described('atlas = "schaefer-400"')
    assert "front_right" in regions
    assert asked["n_rois"] == 400


def test_no_network_is_one_sentence(described, monkeypatch):
    def fetch(**options):
        raise ConnectionError("a long story")

    monkeypatch.setattr("nilearn.datasets.fetch_atlas_aal", fetch)
    with pytest.raises(HemiscaleError, match=r"'aal': cannot be downloaded \(ConnectionError\)"):
        described('atlas = "aal"')


def test_mask_images_and_spheres(described, volume_folder):
    mask = nibabel.load(volume_folder / "mask.nii.gz")
    left = np.asarray(mask.dataobj).copy()
    left[6:] = 0
    nibabel.save(nibabel.Nifti1Image(left, mask.affine), volume_folder / "left.nii.gz")
    regions, voxels = described(
        '[recordings.region_masks]\nhalf = "left.nii.gz"\n[recordings.spheres]\nm = [16, 0, 0]'
    )
    assert list(regions) == ["m_left", "m_right", "half"]
    np.testing.assert_array_equal(regions["half"], voxels["hemisphere"].values == "left")


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ('atlas = "schaefer"', "nor an atlas named 'schaefer'; did you mean 'schaefer-[14]00'"),
        ('atlas = "none.nii.gz"', "there is no such file"),
        ('atlas = "atlas.nii.gz"\natlas_names = "study.toml"', "columns index .* and name"),
        ("paper_regions = true\nsphere_radius = 1", "no voxel of the mask lies within 1 mm"),
        ("[recordings.spheres]\nfar = [-300, 0, 0]", "no voxel of the mask lies in the sphere far"),
    ],
)
def test_regions_that_cannot_be_made(described, atlas, lines, sentence):
    with pytest.raises(InputError, match=sentence):
        described(lines)
