import nibabel
import numpy as np
import pytest

from hemiscale.brain import homologous_voxels


def image(mask, affine):
    return nibabel.Nifti1Image(mask.astype(np.uint8), affine)


@pytest.fixture
def mask():
    half = np.random.default_rng(0).random((3, 4, 5)) > 0.4
    middle = np.random.default_rng(1).random((1, 4, 5)) > 0.5
    return np.concatenate([half, middle, half[::-1]])


def affine(step):
    return np.array([[step, 0, 0, -3 * step], [0, 4.0, 0, -8], [0, 0, 4.0, 2], [0, 0, 0, 1]])


@pytest.mark.parametrize("step", [4.0, -4.0])
def test_pairs_mirror_each_other_by_world_coordinate(mask, step):
    img = image(mask, affine(step))
    pairs = homologous_voxels(img)
    world = nibabel.affines.apply_affine(img.affine, np.argwhere(mask))
    assert (world[pairs.left, 0] < 0).all()
    np.testing.assert_allclose(world[pairs.left] * [-1, 1, 1], world[pairs.right])
    np.testing.assert_allclose(world[pairs.midline, 0], 0)
    assert len(pairs.left) * 2 + len(pairs.midline) == mask.sum()
    assert pairs.unpaired.size == 0


def test_voxels_without_mirror_image_are_unpaired(mask):
    lopsided = mask.copy()
    lopsided[0] = False
    pairs = homologous_voxels(image(lopsided, affine(4.0)))
    assert len(pairs.unpaired) == mask[0].sum()
    assert len(pairs.left) == mask[:3].sum() - mask[0].sum()


def test_grid_that_is_not_symmetric_is_refused(mask):
    shifted = affine(4.0)
    shifted[0, 3] += 1.0
    with pytest.raises(ValueError, match="does not map onto itself"):
        homologous_voxels(image(mask, shifted))


def test_four_dimensions_are_refused():
    with pytest.raises(ValueError, match="4 dimensions"):
        homologous_voxels(nibabel.Nifti1Image(np.ones((2, 2, 2, 2), np.uint8), np.eye(4)))
