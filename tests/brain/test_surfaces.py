import nibabel
import numpy as np
import pytest
from nibabel.cifti2 import BrainModelAxis, SeriesAxis

from hemiscale.brain import homologous_vertices, read_cifti, read_gifti_pair
from hemiscale.errors import InputError

N = 50  # vertices of a hemisphere of the template


@pytest.fixture
def series():
    return np.random.default_rng(0).normal(size=(20, N)).astype(np.float32)


def write_gifti(path, values, structure=None, t_r=None):
    arrays = [
        nibabel.gifti.GiftiDataArray(scan, intent="NIFTI_INTENT_TIME_SERIES") for scan in values
    ]
    image = nibabel.gifti.GiftiImage(darrays=arrays)
    if structure:
        image.meta["AnatomicalStructurePrimary"] = structure
    if t_r:
        image.meta["TimeStep"] = str(1000 * t_r)
    nibabel.save(image, path)
    return path


def write_cifti(
    path, values, left, right, *, subcortex=3, t_r=2.0, names=("CORTEX_LEFT", "CORTEX_RIGHT")
):
    models = [
        BrainModelAxis.from_surface(v, N, name=name)
        for v, name in zip((left, right), names, strict=True)
    ]
    volume = np.zeros((5, 5, 5), bool)
    volume[2, 2, :subcortex] = True
    # Between the hemispheres, so that places in the file are no places in the array.
    axis = models[0] + BrainModelAxis.from_mask(volume, name="THALAMUS_LEFT") + models[1]
    image = nibabel.Cifti2Image(values, (SeriesAxis(0, t_r, len(values)), axis))
    nibabel.save(image, path)
    return path


def test_gifti_pair_leaves_out_the_medial_wall(tmp_path, series):
    left, right = series.copy(), series[:, ::-1].copy()
    left[:, :4] = 0
    right[:, 2:5] = np.nan  # as fMRIPrep writes it when asked to
    scans, vertices, t_r = read_gifti_pair(
        write_gifti(tmp_path / "l.func.gii", left, "CortexLeft", 1.5),
        write_gifti(tmp_path / "r.func.gii", right, "CortexRight", 1.5),
    )
    assert t_r == 1.5
    assert scans.shape == (20, 46 + 47)
    assert scans.dtype == np.float32
    np.testing.assert_array_equal(scans[:, :46], left[:, 4:])
    np.testing.assert_array_equal(vertices.right, np.r_[:2, 5:N])
    pairs = homologous_vertices(vertices)
    np.testing.assert_array_equal(vertices.left[pairs.left], np.arange(5, N))
    np.testing.assert_array_equal(vertices.right[pairs.right - 46], np.arange(5, N))
    np.testing.assert_array_equal(pairs.unpaired, [0, 46, 47])
    assert pairs.n_voxels == scans.shape[1]
    assert not len(pairs.midline)


def test_cifti_gives_both_cortices_and_nothing_else(tmp_path):
    left, right = np.arange(3, 40), np.arange(5, 45)
    rng = np.random.default_rng(1)
    values = rng.normal(size=(15, len(left) + 3 + len(right))).astype(np.float32)
    path = write_cifti(tmp_path / "x.dtseries.nii", values, left, right)
    scans, vertices, t_r = read_cifti(path)
    assert t_r == 2.0
    np.testing.assert_array_equal(scans, np.delete(values, np.s_[37:40], axis=1))
    np.testing.assert_array_equal(vertices.left, left)
    np.testing.assert_array_equal(vertices.right, right)
    assert vertices.n_template == N
    pairs = homologous_vertices(vertices)
    assert len(pairs.left) == 35
    assert len(pairs.unpaired) == 2 + 5


def test_exchanged_hemispheres_are_noticed(tmp_path, series):
    left = write_gifti(tmp_path / "l.func.gii", series, "CortexLeft")
    right = write_gifti(tmp_path / "r.func.gii", series, "CortexRight")
    with pytest.raises(InputError, match="are the hemispheres exchanged"):
        read_gifti_pair(right, left)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda v: v[:-1], "they are not of one run"),
        (lambda v: v[:, :-1], "not of one template"),
        (lambda v: v[:1], "holds one map where a series"),
        (
            lambda v: np.where(np.eye(20, N, 5) * (np.arange(N) == 7), np.nan, v),
            "1 of 100 vertices hold values that are not finite, the first is vertex 7 on the right",
        ),
        (lambda v: v * 0, "r.func.gii: all vertices of a hemisphere are constant"),
    ],
)
def test_gifti_files_that_cannot_be_used(tmp_path, series, change, sentence):
    left = write_gifti(tmp_path / "l.func.gii", series)
    right = write_gifti(tmp_path / "r.func.gii", change(series).astype(np.float32))
    with pytest.raises(InputError, match=sentence):
        read_gifti_pair(left, right)


def test_cifti_files_that_cannot_be_used(tmp_path, series):
    with pytest.raises(InputError, match="no such file"):
        read_cifti(tmp_path / "none.dtseries.nii")
    volume = tmp_path / "volume.nii"
    nibabel.save(nibabel.Nifti1Image(np.zeros((3, 3, 3, 3), np.float32), np.eye(4)), volume)
    with pytest.raises(InputError, match="not a CIFTI series"):
        read_cifti(volume)
    every = np.arange(N)
    values = np.random.default_rng(2).normal(size=(9, 2 * N + 3)).astype(np.float32)
    values[:, N + 3 + 4] = 1
    path = write_cifti(tmp_path / "still.dtseries.nii", values, every, every)
    with pytest.raises(
        InputError, match=r"1 of 100 vertices never change, .* vertex 4 on the right"
    ):
        read_cifti(path)
    other = write_cifti(
        tmp_path / "other.dtseries.nii", values, every, every, names=("CORTEX_LEFT", "CEREBELLUM")
    )
    with pytest.raises(InputError, match="CORTEX_RIGHT"):
        read_cifti(other)
    cut = tmp_path / "cut.dtseries.nii"
    cut.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(InputError, match="cut off"):
        read_cifti(cut)
