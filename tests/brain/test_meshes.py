"""Homologous vertices: on fsaverage5 by position, checked on anatomy that played no part in it."""

import nibabel
import numpy as np
import pytest
from nilearn.datasets import fetch_surf_fsaverage
from nilearn.surface import load_surf_data, load_surf_mesh
from scipy.optimize import linear_sum_assignment

from hemiscale.brain import mirror_pairs, surface_template
from hemiscale.errors import InputError

N = 10_242


@pytest.fixture(scope="module")
def fsaverage5():
    return surface_template("fsaverage5", N)


@pytest.fixture(scope="module")
def files():
    return fetch_surf_fsaverage("fsaverage5")


def write_mesh(path, places, faces):
    arrays = [
        nibabel.gifti.GiftiDataArray(places.astype(np.float32), "NIFTI_INTENT_POINTSET"),
        nibabel.gifti.GiftiDataArray(faces.astype(np.int32), "NIFTI_INTENT_TRIANGLE"),
    ]
    nibabel.save(nibabel.gifti.GiftiImage(darrays=arrays), path)
    return path


def test_pairs_of_fsaverage5_are_near_and_one_to_one(fsaverage5):
    paired = np.flatnonzero(fsaverage5.partner >= 0)
    assert len(paired) == 7908
    assert len(set(fsaverage5.partner[paired])) == len(paired)
    assert fsaverage5.distance[paired].max() < 3
    assert np.median(fsaverage5.distance[paired]) == pytest.approx(1.43, abs=0.01)
    assert np.isnan(fsaverage5.distance[fsaverage5.partner < 0]).all()


@pytest.mark.parametrize(("what", "least"), [("sulc", 0.97), ("thick", 0.95), ("curv", 0.87)])
def test_pairs_of_fsaverage5_have_the_same_anatomy(fsaverage5, files, what, least):
    # Depth, thickness and curvature of the group were not used to pair.
    left, right = (load_surf_data(files[f"{what}_{side}"]) for side in ("left", "right"))
    paired = np.flatnonzero(fsaverage5.partner >= 0)
    assert np.corrcoef(left[paired], right[fsaverage5.partner[paired]])[0, 1] > least
    # By number it would be chance.
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.1


def test_shuffled_mirror_images_are_found(files):
    mesh = load_surf_mesh(files["pial_left"]).coordinates
    order = np.random.default_rng(0).permutation(N)
    mirrored = (mesh * [-1, 1, 1])[order]
    partner = mirror_pairs(mesh, mirrored, limit=1.0)
    np.testing.assert_array_equal(order[partner], np.arange(N))


def test_nearest_pairs_first():
    rng = np.random.default_rng(1)
    left = rng.normal(size=(12, 3))
    right = left * [-1, 1, 1] + rng.normal(scale=0.02, size=left.shape)
    # Where points are far apart against the noise, nearest first is the best assignment.
    cost = np.linalg.norm((left * [-1, 1, 1])[:, None] - right[None], axis=2)
    np.testing.assert_array_equal(mirror_pairs(left, right, 0.5), linear_sum_assignment(cost)[1])
    far = right.copy()
    far[4] += 10
    assert mirror_pairs(left, far, 0.5)[4] == -1


def test_fslr_by_number_without_mesh():
    template = surface_template("fsLR", 32_492)
    np.testing.assert_array_equal(template.partner, np.arange(32_492))
    assert template.places is None
    assert template.distance is None


def test_own_mesh(tmp_path, files):
    mesh = load_surf_mesh(files["white_left"])
    left = write_mesh(tmp_path / "l.surf.gii", mesh.coordinates, mesh.faces)
    right = write_mesh(tmp_path / "r.surf.gii", mesh.coordinates * [-1, 1, 1], mesh.faces)
    template = surface_template(None, N, left=[left], right=[right])
    np.testing.assert_array_equal(template.partner, np.arange(N))
    np.testing.assert_allclose(template.distance, 0, atol=1e-4)
    with pytest.raises(InputError, match="are they exchanged"):
        surface_template(None, N, left=[right], right=[left])
    with pytest.raises(InputError, match=r"has 10,242 vertices where the recordings have 500"):
        surface_template(None, 500, left=[left], right=[right])
    with pytest.raises(InputError, match="no such mesh"):
        surface_template(None, N, left=[tmp_path / "none.surf.gii"], right=[right])
    left.write_bytes(left.read_bytes()[:900])
    with pytest.raises(InputError, match="is no mesh"):
        surface_template(None, N, left=[left], right=[right])


@pytest.mark.parametrize(
    ("name", "n_vertices", "pairing", "sentence"),
    [
        ("fsaverage5", N, "number", "do not correspond by the number"),
        ("fsaverage5", 32_492, None, "32,492 vertices on each side where 10,242 are expected"),
        ("fsLR", N, None, "where 4,002 or 7,842 or 32,492"),
        ("fsLR", 32_492, "position", "cannot be told without a mesh"),
        (None, N, None, "cannot be told without a mesh"),
    ],
)
def test_what_cannot_be_paired_is_refused(name, n_vertices, pairing, sentence):
    with pytest.raises(InputError, match=sentence):
        surface_template(name, n_vertices, pairing=pairing)


def test_mesh_that_has_to_be_downloaded(monkeypatch):
    def no_network(name):
        raise ConnectionError

    monkeypatch.setattr("nilearn.datasets.fetch_surf_fsaverage", no_network)
    with pytest.raises(InputError, match=r"nilearn cannot get its mesh .*name mesh_left"):
        surface_template("fsaverage6", 40_962)


def test_freesurfer_geometry_is_read_as_well(tmp_path):
    places = np.random.default_rng(2).normal(size=(30, 3)) - [9, 0, 0]
    faces = np.array([[0, 1, 2], [2, 3, 4]])
    sides = [tmp_path / "lh.white", tmp_path / "rh.white"]
    for path, sign in zip(sides, (1, -1), strict=True):
        nibabel.freesurfer.write_geometry(
            path, places * [sign, 1, 1], faces, volume_info={
                "head": np.array([2, 0, 20]), "valid": "1  # volume info valid",
                "filename": "x.mgz", "volume": np.full(3, 256), "voxelsize": np.ones(3),
                "xras": np.array([-1.0, 0, 0]), "yras": np.array([0, 0, -1.0]),
                "zras": np.array([0, 1.0, 0]), "cras": np.zeros(3),
            },
        )  # fmt: skip
    template = surface_template(None, 30, left=sides[:1], right=sides[1:])
    np.testing.assert_array_equal(template.partner, np.arange(30))
    np.testing.assert_allclose(template.distance, 0, atol=1e-4)
