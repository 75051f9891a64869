"""The real English mask, regions and reliability: numbers of the paper and of the data set."""

import nibabel
import numpy as np
import pytest

from hemiscale.brain import (
    PAPER_REGIONS,
    halves_of_masked_array,
    homologous_voxels,
    mask_regions,
    paper_regions,
    reliable_voxels,
    sphere,
    symmetric_mask,
    voxel_coordinates,
)
from hemiscale.datasets import (
    petit_prince_mask,
    petit_prince_region_masks,
    petit_prince_reliability,
)


@pytest.fixture(scope="module")
def mask():
    return nibabel.load(petit_prince_mask())


@pytest.fixture(scope="module")
def homologues(mask):
    return homologous_voxels(mask)


@pytest.fixture(scope="module")
def reliability():
    return petit_prince_reliability()


def test_pairs_and_midline(mask, homologues):
    assert homologues.n_voxels == 25_870
    assert len(homologues.left) == len(homologues.right) == 12_425
    assert len(homologues.midline) == 1_020
    assert len(homologues.unpaired) == 0
    every = np.concatenate([homologues.left, homologues.right, homologues.midline])
    np.testing.assert_array_equal(np.sort(every), np.arange(25_870))
    world = voxel_coordinates(mask)
    np.testing.assert_allclose(world[homologues.left] * [-1, 1, 1], world[homologues.right])


def test_making_it_symmetric_costs_nothing(mask):
    again, n_lost = symmetric_mask(mask)
    assert n_lost == 0
    np.testing.assert_array_equal(np.asarray(again.dataobj), np.asarray(mask.dataobj))


def test_published_halves_hold_half_the_midline_each(mask, homologues):
    halves = halves_of_masked_array(mask)
    assert [len(half) for half in halves] == [12_935, 12_935]
    for half, side in zip(halves, (homologues.left, homologues.right), strict=True):
        assert np.isin(side, half).all()
        assert np.isin(homologues.midline, half).sum() == 510


def test_published_reliable_voxels(mask, reliability):
    reliable = reliable_voxels(reliability, pairs=False)
    assert reliable.sum() == 6_468
    mean = reliability.mean(axis=0)
    np.testing.assert_array_equal(reliable, mean > np.quantile(mean, 0.75))
    assert [reliable[half].sum() for half in halves_of_masked_array(mask)] == [3_297, 3_171]


def test_reliable_pairs_are_symmetric(homologues, reliability):
    reliable = reliable_voxels(reliability, homologues)
    np.testing.assert_array_equal(reliable[homologues.left], reliable[homologues.right])
    assert abs(int(reliable.sum()) - 6_468) <= 1


@pytest.mark.parametrize(
    ("name", "n_outside"),
    [("TP", 11), ("aSTS", 0), ("pSTS", 0), ("AG_TPJ", 0), ("BA44", 0), ("BA45", 3), ("BA47", 0)],
)
def test_spheres_equal_the_published_regions(mask, name, n_outside):
    inside = np.asarray(mask.dataobj) > 0
    given = nibabel.load(petit_prince_region_masks()[name])
    np.testing.assert_array_equal(given.affine, mask.affine)
    published = given.get_fdata() > 0
    assert not (published & ~inside).any()
    made = sphere(mask, PAPER_REGIONS[name], 10.0)
    np.testing.assert_array_equal(made, published[inside])
    everywhere = nibabel.Nifti1Image(np.ones(mask.shape, np.uint8), mask.affine)
    full = sphere(everywhere, PAPER_REGIONS[name], 10.0).reshape(mask.shape)
    difference = full & ~published
    assert difference.sum() == n_outside
    assert not (difference & inside).any()  # the mask is the only reason for it


def test_paper_regions_mirror_each_other(mask, homologues):
    regions = {region.name: region for region in paper_regions(mask)}
    assert set(regions) == {f"{n}_{side}" for n in PAPER_REGIONS for side in ("left", "right")}
    mirror = np.arange(homologues.n_voxels)
    mirror[homologues.left] = homologues.right
    for name in PAPER_REGIONS:
        left, right = regions[f"{name}_left"], regions[f"{name}_right"]
        assert (left.homologue, right.homologue) == (right.name, left.name)
        np.testing.assert_array_equal(np.sort(mirror[left.voxels]), right.voxels)


def test_published_region_files_become_left_regions(mask):
    made = {region.name.removesuffix("_left"): region for region in paper_regions(mask)}
    for region in mask_regions(petit_prince_region_masks(), mask):
        assert region.hemisphere == "left"
        np.testing.assert_array_equal(region.voxels, made[region.name].voxels)


def test_reliability_left_against_right_by_region_and_pair(mask, homologues, reliability):
    mean = reliability.mean(axis=0, dtype=np.float64)
    # The same from the volume, turned over: no indices of pairs involved.
    volume = np.full(mask.shape, np.nan)
    volume[np.asarray(mask.dataobj) > 0] = mean
    assert mask.shape[0] % 2 == 1
    assert mask.affine[0, 3] == -mask.affine[0, 0] * (mask.shape[0] // 2)
    difference = volume - volume[::-1]
    inside = np.asarray(mask.dataobj) > 0
    by_pair = mean[homologues.left] - mean[homologues.right]
    np.testing.assert_allclose(by_pair, difference[inside][homologues.left], atol=1e-12)
    assert by_pair.mean() == pytest.approx(0.00665, abs=5e-6)
    assert (by_pair > 0).mean() == pytest.approx(0.5334, abs=5e-5)

    published = petit_prince_region_masks()
    regions = {region.name: region for region in paper_regions(mask)}
    for name in PAPER_REGIONS:
        given = nibabel.load(published[name]).get_fdata() > 0
        left, right = (mean[regions[f"{name}_{side}"].voxels].mean() for side in ("left", "right"))
        assert left == pytest.approx(np.nanmean(volume[given]), abs=1e-12)
        assert right == pytest.approx(np.nanmean(volume[::-1][given]), abs=1e-12)
        # Listeners agree more on the left but for the superior temporal sulcus.
        assert (left > right) == (name not in ("aSTS", "pSTS"))
