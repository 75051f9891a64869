import nibabel
import numpy as np
import pytest

from hemiscale.brain import (
    Grid,
    homologous_voxels,
    resample_mask,
    symmetric_grid,
    voxel_coordinates,
)


def test_grid_says_what_it_is(make_image):
    image = make_image(np.zeros((3, 4, 5)))
    grid = Grid.of(image)
    assert str(grid) == "3 x 4 x 5 voxels of 4 x 4 x 4 mm"
    assert grid == Grid.of(make_image(np.zeros((3, 4, 5, 2))))
    assert hash(grid) == hash(Grid.of(image))
    np.testing.assert_array_equal(grid.matrix, image.affine)


def test_grids_match_up_to_rounding(make_image):
    image = make_image(np.zeros((3, 4, 5)))
    grid = Grid.of(image)
    shifted = image.affine.copy()
    shifted[0, 3] += 1e-4
    assert grid.matches(Grid.of(make_image(np.zeros((3, 4, 5)), shifted)))
    shifted[0, 3] += 0.5
    assert not grid.matches(Grid.of(make_image(np.zeros((3, 4, 5)), shifted)))
    assert not grid.matches(Grid.of(make_image(np.zeros((3, 4, 6)), image.affine)))


def test_voxel_coordinates_follow_the_masked_array(make_image):
    mask = np.random.default_rng(0).random((3, 4, 5)) > 0.5
    image = make_image(mask)
    x = np.indices(mask.shape)[0] * 4.0 + image.affine[0, 3]
    np.testing.assert_allclose(voxel_coordinates(image)[:, 0], x[mask])


@pytest.mark.parametrize("shift", [0.0, 1.3, -7.0])
@pytest.mark.parametrize("size", [4.0, 3.0, (2.0, 3.0, 4.0)])
def test_symmetric_grid_covers_the_image_and_maps_onto_itself(make_image, shift, size):
    image = make_image(np.ones((11, 9, 8)))
    moved = image.affine.copy()
    moved[0, 3] += shift
    grid = symmetric_grid(make_image(np.ones((11, 9, 8)), moved), voxel_size=size)
    everywhere = nibabel.Nifti1Image(np.ones(grid.shape, np.uint8), grid.matrix)
    pairs = homologous_voxels(everywhere)
    assert pairs.unpaired.size == 0
    assert len(pairs.midline) == grid.shape[1] * grid.shape[2]
    assert grid.voxel_size == pytest.approx(np.broadcast_to(size, 3))
    world = voxel_coordinates(everywhere)
    corners = voxel_coordinates(make_image(np.ones((11, 9, 8)), moved))
    assert (world.min(0) <= corners.min(0) + 1e-6).all()
    assert (world.max(0) >= corners.max(0) - 1e-6).all()


def test_voxel_size_must_be_positive(make_image):
    with pytest.raises(ValueError, match="positive millimetres"):
        symmetric_grid(make_image(np.ones((3, 3, 3))), voxel_size=0)


def test_mask_on_its_own_grid_stays_as_it_is(make_image):
    mask = np.random.default_rng(0).random((3, 4, 5)) > 0.5
    image = make_image(mask)
    made = resample_mask(image, Grid.of(image))
    np.testing.assert_array_equal(np.asarray(made.dataobj), mask)


def test_mask_goes_to_another_grid_by_place(make_image):
    """A block of 2 mm voxels becomes a block of 4 mm voxels in the same place."""
    fine = np.zeros((21, 21, 21), bool)
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = -20
    fine[10:17, 4:13, 4:13] = True  # x from 0 to 12 mm
    image = make_image(fine, affine)
    made = resample_mask(image, symmetric_grid(image))
    x = voxel_coordinates(made)[:, 0]
    assert set(x) == {0, 4, 8, 12}
