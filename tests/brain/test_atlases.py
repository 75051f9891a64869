import numpy as np
import pytest

from hemiscale.brain import atlas_regions, mask_regions, voxel_coordinates

SHAPE = (9, 6, 6)  # x from -16 to 16 mm, the midline at index 4


@pytest.fixture
def mask(make_image):
    return make_image(np.ones(SHAPE))


def test_label_on_both_sides_is_split_and_the_midline_left_out(make_image, mask):
    labels = np.zeros(SHAPE, np.int16)
    labels[2:7, :3] = 5
    left, right = atlas_regions(make_image(labels), mask, names={5: "cuneus"})
    assert (left.name, left.hemisphere, left.homologue) == ("cuneus_left", "left", "cuneus_right")
    assert (right.name, right.hemisphere, right.homologue) == (
        "cuneus_right",
        "right",
        "cuneus_left",
    )
    x = voxel_coordinates(mask)[:, 0]
    assert set(x[left.voxels]) == {-8, -4}
    assert set(x[right.voxels]) == {4, 8}
    assert len(left.voxels) == len(right.voxels) == 2 * 3 * 6


def test_one_sided_labels_keep_their_names_and_find_their_mirror_images(make_image, mask):
    labels = np.zeros(SHAPE, np.int16)
    labels[:3, :3], labels[6:, :3] = 1, 2
    labels[:3, 3:] = 3  # no mirror image
    labels[4, 3:] = 4  # on the midline
    names = ["Background", "L front", "R front", "L back", "corpus callosum"]
    regions = {r.name: r for r in atlas_regions(make_image(labels), mask, names=names)}
    assert list(regions) == names[1:]
    assert (regions["L front"].hemisphere, regions["L front"].homologue) == ("left", "R front")
    assert (regions["R front"].hemisphere, regions["R front"].homologue) == ("right", "L front")
    assert (regions["L back"].hemisphere, regions["L back"].homologue) == ("left", "")
    assert regions["corpus callosum"].hemisphere == "midline"


def test_spill_over_the_midline_is_cut_off(make_image, mask):
    labels = np.zeros(SHAPE, np.int16)
    labels[:4] = 1
    labels[5, 0, :2] = 1
    (region,) = atlas_regions(make_image(labels), mask)
    assert (region.name, region.hemisphere) == ("label-1", "left")
    assert len(region.voxels) == 4 * 36


def test_atlas_on_a_finer_grid(make_image, mask):
    fine = np.zeros((33, 21, 21), np.int16)  # 1 mm, the same space
    affine = np.eye(4)
    affine[:3, 3] = [-16, -10, -10]
    fine[17:, :, :] = 7
    (region,) = atlas_regions(make_image(fine, affine), mask)
    assert region.hemisphere == "right"
    assert (voxel_coordinates(mask)[region.voxels, 0] > 0).all()
    assert len(region.voxels) == 4 * 36


def test_what_is_no_atlas(make_image, mask):
    with pytest.raises(ValueError, match="probabilistic"):
        atlas_regions(make_image(np.ones((*SHAPE, 2))), mask)
    with pytest.raises(ValueError, match="not whole numbers"):
        atlas_regions(make_image(np.full(SHAPE, 0.4)), mask)
    with pytest.raises(ValueError, match="no label of the atlas lies in the mask"):
        atlas_regions(make_image(np.zeros(SHAPE, np.int16)), mask)
    with pytest.raises(ValueError, match="label 3 of the atlas has no name"):
        atlas_regions(make_image(np.full(SHAPE, 3, np.int16)), mask, names=["Background", "a"])


def test_masks_may_overlap_and_must_hold_voxels(make_image, mask):
    one, two = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    one[:3], two[6:] = True, True
    two[6:, 0] = False
    regions = mask_regions({"A": make_image(one), "B": make_image(two), "C": make_image(one)}, mask)
    assert [r.hemisphere for r in regions] == ["left", "right", "left"]
    assert regions[0].homologue == "B"
    with pytest.raises(ValueError, match="region empty has no voxel"):
        mask_regions({"empty": make_image(np.zeros(SHAPE, bool))}, mask)
