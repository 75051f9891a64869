import nibabel
import numpy as np
import pytest

from hemiscale.brain import (
    halves_of_masked_array,
    homologous_voxels,
    reliable_voxels,
    resample_mask,
    symmetric_grid,
    symmetric_mask,
    voxel_coordinates,
)


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


def test_symmetric_mask_says_what_it_costs(mask):
    lopsided = mask.copy()
    lopsided[0] = False
    made, n_lost = symmetric_mask(image(lopsided, affine(4.0)))
    assert n_lost == mask[0].sum()
    expected = lopsided.copy()
    expected[-1] = False
    np.testing.assert_array_equal(np.asarray(made.dataobj), expected)
    assert homologous_voxels(made).unpaired.size == 0
    np.testing.assert_array_equal(made.affine, affine(4.0))


def test_mask_with_nothing_on_the_other_side_is_refused(mask):
    lopsided = np.zeros_like(mask)
    lopsided[0] = True
    with pytest.raises(ValueError, match="none of the 20 voxels"):
        symmetric_mask(image(lopsided, affine(4.0)))


def test_flipped_image_gives_the_same_pairs_of_places(mask):
    """The same mask stored from right to left: other indices, the same places."""
    straight, flipped = image(mask, affine(4.0)), image(mask[::-1], affine(-4.0))
    places = []
    for img in (straight, flipped):
        pairs = homologous_voxels(img)
        world = voxel_coordinates(img)
        assert (world[pairs.left, 0] < 0).all()
        places.append({tuple(p) for p in np.round(world[pairs.left], 3)})
    assert places[0] == places[1]


def test_first_half_of_a_flipped_image_is_not_the_left_one(mask):
    first, second = halves_of_masked_array(image(mask, affine(4.0)))
    n = mask.sum()
    np.testing.assert_array_equal(np.concatenate([first, second]), np.arange(n))
    assert len(first) == n // 2
    with pytest.raises(ValueError, match="does not run from left to right"):
        halves_of_masked_array(image(mask, affine(-4.0)))


def rotation(degrees, axis):
    angle = np.deg2rad(degrees)
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = np.cos(angle)
    matrix[j, i], matrix[i, j] = np.sin(angle), -np.sin(angle)
    return matrix


def oblique_ball(turn, n=41, step=3.0, radius=40.0):
    """A ball about the origin, on a grid turned against the axes of the world."""
    matrix = np.eye(4)
    matrix[:3, :3] = turn * step
    matrix[:3, 3] = -matrix[:3, :3] @ np.full(3, (n - 1) / 2)
    world = nibabel.affines.apply_affine(matrix, np.indices((n, n, n)).reshape(3, -1).T)
    return image((np.linalg.norm(world, axis=1) <= radius).reshape(n, n, n), matrix)


def test_pitched_image_is_paired_as_it_is():
    """A grid turned about the left-right axis still maps onto itself."""
    ball = oblique_ball(rotation(17, "x"))
    pairs = homologous_voxels(ball)
    world = voxel_coordinates(ball)
    assert pairs.unpaired.size == 0
    assert len(pairs.left) > 1000
    np.testing.assert_allclose(world[pairs.left] * [-1, 1, 1], world[pairs.right], atol=1e-4)


@pytest.mark.parametrize("axis", ["y", "z"])
def test_oblique_image_is_refused_and_then_resampled(axis):
    ball = oblique_ball(rotation(17, axis) @ rotation(8, "x"))
    with pytest.raises(ValueError, match="does not map onto itself"):
        homologous_voxels(ball)
    grid = symmetric_grid(ball, voxel_size=4.0)
    made, n_lost = symmetric_mask(resample_mask(ball, grid))
    pairs = homologous_voxels(made)
    world = voxel_coordinates(made)
    assert (world[pairs.left, 0] < 0).all()
    assert pairs.unpaired.size == 0
    n_voxels = len(world)
    volume = np.asarray(ball.dataobj).sum() * 3.0**3
    assert (n_voxels + n_lost) * 4.0**3 == pytest.approx(volume, rel=0.02)
    assert n_lost < 0.03 * n_voxels  # the surface, where the turned grid leaves some doubt
    assert np.linalg.norm(world, axis=1).max() < 40 + 4


def test_reliable_voxels_one_by_one_and_in_pairs(mask):
    pairs = homologous_voxels(image(mask, affine(4.0)))
    n = pairs.n_voxels
    value = np.random.default_rng(3).normal(size=n)
    for fraction in (0.1, 0.25, 0.5, 1.0):
        single = reliable_voxels(value, pairs=False, fraction=fraction)
        assert single.sum() == int(n * fraction + 0.5)
        assert value[single].min() >= value[~single].max(initial=-np.inf)
        chosen = reliable_voxels(np.stack([value - 1, value + 1]), pairs, fraction=fraction)
        np.testing.assert_array_equal(chosen[pairs.left], chosen[pairs.right])
        assert 0 <= chosen.sum() - int(n * fraction + 0.5) <= 1
        mean = (value[pairs.left] + value[pairs.right]) / 2
        rest = np.concatenate(
            [mean[~chosen[pairs.left]], value[pairs.midline][~chosen[pairs.midline]]]
        )
        best = np.concatenate(
            [mean[chosen[pairs.left]], value[pairs.midline][chosen[pairs.midline]]]
        )
        assert best.min() >= rest.max(initial=-np.inf)


def test_voxels_without_reliability_or_partner_are_not_chosen(mask):
    lopsided = mask.copy()
    lopsided[0] = False
    pairs = homologous_voxels(image(lopsided, affine(4.0)))
    value = np.ones(pairs.n_voxels)
    value[pairs.left[0]] = np.nan
    chosen = reliable_voxels(value, pairs, fraction=1.0)
    out = [pairs.left[0], pairs.right[0], *pairs.unpaired]
    assert not chosen[out].any()
    assert chosen.sum() == pairs.n_voxels - len(out)
    assert not reliable_voxels(value, pairs=False, fraction=1.0)[pairs.left[0]]


def test_reliable_voxels_refuses_what_does_not_fit(mask):
    pairs = homologous_voxels(image(mask, affine(4.0)))
    with pytest.raises(ValueError, match="not of one mask"):
        reliable_voxels(np.ones(3), pairs)
    with pytest.raises(ValueError, match="needs the homologues"):
        reliable_voxels(np.ones(3))
    with pytest.raises(ValueError, match="fraction is 0 where"):
        reliable_voxels(np.ones(3), pairs=False, fraction=0.0)
    with pytest.raises(ValueError, match="n_splits"):
        reliable_voxels(np.ones((1, 2, 3)), pairs=False)
