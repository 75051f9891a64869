import numpy as np
import pytest

from hemiscale.brain import paper_regions, sphere, voxel_coordinates


def test_sphere_holds_the_voxels_within_the_radius(make_image):
    mask = make_image(np.random.default_rng(0).random((9, 9, 9)) > 0.3)
    inside = sphere(mask, (3.0, -5.0, 2.0), 9.0)
    distance = np.sqrt(((voxel_coordinates(mask) - [3.0, -5.0, 2.0]) ** 2).sum(1))
    np.testing.assert_array_equal(inside, distance <= 9.0)


def test_surface_belongs_to_the_sphere(make_image):
    """Lattice points within 2 steps of one of them: 1 + 6 + 12 + 8 + 6."""
    mask = make_image(np.ones((9, 9, 9)))
    assert sphere(mask, (0, 0, 0), 8.0).sum() == 33
    assert sphere(mask, (0, 0, 0), 7.99).sum() == 27


def test_mask_stored_from_right_to_left_gives_the_same_places(make_image):
    data = np.ones((9, 9, 9))
    straight = make_image(data)
    flip = straight.affine.copy()
    flip[0] *= -1
    flipped = make_image(data, flip)
    places = [
        {tuple(p) for p in voxel_coordinates(m)[sphere(m, (-8, 0, 0), 6.0)]}
        for m in (straight, flipped)
    ]
    assert places[0] == places[1]
    assert all(x < 0 for x, _, _ in places[0])


def test_wrong_centre_and_radius(make_image):
    mask = make_image(np.ones((3, 3, 3)))
    with pytest.raises(ValueError, match="three coordinates"):
        sphere(mask, (1, 2), 3.0)
    with pytest.raises(ValueError, match="three coordinates"):
        sphere(mask, (1, 2, np.nan), 3.0)
    with pytest.raises(ValueError, match="positive millimetres"):
        sphere(mask, (1, 2, 3), 0.0)


def test_mask_of_another_space_is_refused(make_image):
    with pytest.raises(ValueError, match="TP_left; is the mask in MNI space"):
        paper_regions(make_image(np.ones((5, 5, 5))))
