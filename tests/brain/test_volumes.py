import gzip
import os
import tracemalloc

import nibabel
import numpy as np
import pytest
from nilearn.maskers import NiftiMasker
from nilearn.masking import compute_multi_epi_mask

from hemiscale.brain import (
    Cleaning,
    Grid,
    clean_volumes,
    common_mask,
    homologous_voxels,
    masked_scans,
    symmetric_grid,
    voxel_coordinates,
)
from hemiscale.errors import InputError

N_SCANS = 90
SHAPE = (9, 8, 7)


@pytest.fixture
def scans():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(*SHAPE, N_SCANS))
    drift = np.linspace(0, 5, N_SCANS) * rng.normal(size=(*SHAPE, 1))
    return (1000 + 10 * noise + 10 * drift).astype(np.float32)


@pytest.fixture
def bold(make_image, tmp_path, scans):
    path = tmp_path / "bold.nii.gz"
    make_image(scans).to_filename(path)
    return path


@pytest.fixture
def mask(make_image):
    return make_image(np.random.default_rng(1).random(SHAPE) > 0.4)


def test_masked_scans_follow_the_masked_array(bold, mask, scans):
    inside = np.asarray(mask.dataobj) > 0
    values = masked_scans(bold, mask)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, scans[inside].T)


@pytest.mark.parametrize("smoothing", [None, 6.0])
def test_equals_niftimasker_on_the_same_grid(bold, mask, smoothing):
    expected = NiftiMasker(
        mask_img=mask,
        detrend=True,
        standardize="zscore_sample",
        high_pass=1 / 128,
        t_r=2.0,
        smoothing_fwhm=smoothing,
    ).fit_transform(str(bold))
    cleaning = Cleaning(2.0, drift="butterworth", smoothing=smoothing)
    np.testing.assert_allclose(clean_volumes(bold, mask, cleaning), expected, atol=2e-4)


@pytest.fixture
def fine(make_image, tmp_path):
    """A 3 mm recording, in the order right to left, around the 4 mm mask."""
    rng = np.random.default_rng(2)
    affine = np.diag([-3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = [24, -21, -18]
    path = tmp_path / "fine.nii.gz"
    smooth = rng.normal(size=(17, 15, 13, N_SCANS)).cumsum(0).cumsum(1)
    make_image(smooth.astype(np.float32), affine).to_filename(path)
    return path


@pytest.mark.filterwarnings("ignore:imgs are being resampled:UserWarning")
def test_equals_niftimasker_on_another_grid(fine, mask):
    masker = NiftiMasker(
        mask_img=mask,
        target_affine=mask.affine,
        target_shape=mask.shape,
        smoothing_fwhm=5.0,
        standardize="zscore_sample",
        clean_args={"filter": "cosine"},
        high_pass=1 / 64,
        t_r=2.0,
    )
    expected = masker.fit_transform(str(fine))
    got = clean_volumes(fine, mask, Cleaning(2.0, high_pass=64, smoothing=5.0))
    np.testing.assert_allclose(got, expected, atol=1e-3)


@pytest.mark.parametrize("interpolation", ["continuous", "linear"])
def test_places_survive_resampling(make_image, tmp_path, mask, interpolation):
    """Each voxel of a flipped 3 mm image holds its x coordinate, times time."""
    affine = np.diag([-3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = [24, -21, -18]
    x = 24 - 3.0 * np.indices((17, 15, 13))[0]
    path = tmp_path / "x.nii.gz"
    scans = (100 + x)[..., None] * np.array([1.0, 2.0, 3.0])
    make_image(scans.astype(np.float32), affine).to_filename(path)
    values = masked_scans(path, mask, interpolation=interpolation)
    where = voxel_coordinates(mask)[:, 0]
    np.testing.assert_allclose(values[1], 2 * (100 + where), rtol=1e-3)


def test_how_many_scans_are_read_at_once_changes_nothing(fine, mask, monkeypatch):
    once = masked_scans(fine, mask, smoothing=4.0)
    monkeypatch.setattr("hemiscale.brain.nifti.SCANS_AT_ONCE", 7)
    np.testing.assert_array_equal(masked_scans(fine, mask, smoothing=4.0), once)


def test_columns_are_standardised_and_drifts_gone(bold, mask):
    for drift in ("cosine", "butterworth"):
        values = clean_volumes(bold, mask, Cleaning(2.0, drift=drift))
        assert values.dtype == np.float32
        np.testing.assert_allclose(values.mean(0), 0, atol=1e-5)
        np.testing.assert_allclose(values.std(0, ddof=1), 1, atol=1e-5)


def test_confounds_are_regressed_out_and_must_fit(bold, mask):
    motion = np.random.default_rng(0).normal(size=(N_SCANS, 2))
    values = clean_volumes(bold, mask, Cleaning(2.0), confounds=motion)
    raw = clean_volumes(bold, mask, Cleaning(2.0))
    centred = motion[:, 0] - motion[:, 0].mean()
    assert np.abs(centred @ values).max() < 0.5 * np.abs(centred @ raw).max()
    with pytest.raises(InputError, match="has 90 scans but there are 80 rows of confounds"):
        clean_volumes(bold, mask, Cleaning(2.0), confounds=motion[:80])


def write(make_image, path, scans):
    make_image(scans).to_filename(path)
    return path


def test_voxels_that_are_not_finite(make_image, tmp_path, mask, scans):
    inside = np.argwhere(np.asarray(mask.dataobj) > 0)
    outside = np.argwhere(np.asarray(mask.dataobj) == 0)
    scans[tuple(outside[0])] = np.nan
    path = write(make_image, tmp_path / "a.nii.gz", scans)
    assert np.isfinite(masked_scans(path, mask)).all()
    assert np.isfinite(masked_scans(path, mask, smoothing=4.0)).all()
    scans[(*inside[3], 40)] = np.inf
    path = write(make_image, tmp_path / "b.nii.gz", scans)
    x, y, z = nibabel.affines.apply_affine(mask.affine, inside[3])
    with pytest.raises(
        InputError, match=r"1 of \d+ voxels of the mask hold values that are not"
    ) as e:
        masked_scans(path, mask)
    assert f"the first at ({x:g}, {y:g}, {z:g}) mm" in str(e.value)


def test_voxels_not_finite_on_another_grid(make_image, tmp_path, mask, fine):
    image = nibabel.load(fine)
    data = image.get_fdata(dtype=np.float32)
    data[8, 7, 6, 5] = np.nan  # the origin
    path = tmp_path / "nan.nii.gz"
    make_image(data, image.affine).to_filename(path)
    whole = make_image(np.ones(SHAPE))
    with pytest.raises(InputError, match="not finite"):
        masked_scans(path, whole)


def test_voxels_that_are_zero_or_never_change(make_image, tmp_path, mask, scans):
    inside = np.argwhere(np.asarray(mask.dataobj) > 0)
    scans[tuple(inside[:5].T)] = 0
    path = write(make_image, tmp_path / "a.nii.gz", scans)
    with pytest.raises(InputError, match=r"5 of \d+ voxels of the mask are zero in all scans, the"):
        masked_scans(path, mask)
    scans[tuple(inside[:5].T)] = 7
    path = write(make_image, tmp_path / "b.nii.gz", scans)
    with pytest.raises(InputError, match=r"5 of \d+ voxels of the mask never change"):
        masked_scans(path, mask)
    path = write(make_image, tmp_path / "c.nii.gz", np.zeros_like(scans))
    with pytest.raises(InputError, match="all voxels of the mask are zero; the recording is empty"):
        masked_scans(path, mask)


def test_damage_in_the_middle_of_the_file(bold, mask):
    """The length at the end of the file is right, the bytes before are not."""
    content = bytearray(bold.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = os.urandom(2000)
    bold.write_bytes(bytes(content))
    with pytest.raises(InputError, match=r"cannot be read|cut off or damaged"):
        masked_scans(bold, mask)


def test_one_run_is_read_a_few_scans_at_a_time(make_image, tmp_path):
    data = np.random.default_rng(0).integers(0, 1000, size=(40, 40, 30, 200)).astype(np.int16)
    path = tmp_path / "long.nii"
    make_image(data).to_filename(path)
    small = np.zeros((40, 40, 30), bool)
    small[20:22, 20:22] = True
    mask = make_image(small)
    whole = data.size * 4
    del data
    tracemalloc.start()
    masked_scans(path, mask)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < whole / 3


def head(rng, shift=0, shape=(21, 25, 21)):
    """A bright ball with noise, dark around it; `shift` voxels to the right."""
    place = np.stack(np.indices(shape), -1) - (np.array(shape) - 1) / 2 - [shift, 0, 0]
    ball = np.linalg.norm(place, axis=-1) < 8
    return ball[..., None] * (1000 + 20 * rng.normal(size=(*shape, 12)))


def test_common_mask_is_what_all_recordings_share(make_image, tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for k, shift in enumerate((-1, 0, 2)):
        paths.append(tmp_path / f"{k}.nii.gz")
        make_image(head(rng, shift).astype(np.float32)).to_filename(paths[-1])
    grid = Grid.of(nibabel.load(paths[0]))
    mask, n_lost = common_mask(paths, grid, symmetric=False)
    assert n_lost == 0
    x = voxel_coordinates(mask)[:, 0]
    assert (x.min(), x.max()) == pytest.approx((-20, 24), abs=8)
    assert x.min() > -28
    symmetric, n_lost = common_mask(paths, grid)
    assert n_lost == len(x) - len(voxel_coordinates(symmetric)) > 0
    assert homologous_voxels(symmetric).unpaired.size == 0
    for share in (1, 0.5):
        most, _ = common_mask(paths, grid, share=share, symmetric=False)
        for path in paths:
            assert np.isfinite(masked_scans(path, most)).all()  # no voxel is zero anywhere


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_common_mask_is_nilearns(make_image, tmp_path, share):
    rng = np.random.default_rng(3)
    paths = []
    for k, shift in enumerate((-2, 0, 2, 3)):
        noise = rng.normal(20, 5, size=(21, 25, 21, 12))
        paths.append(tmp_path / f"{k}.nii.gz")
        make_image((head(rng, shift) + noise).astype(np.float32)).to_filename(paths[-1])
    images = [nibabel.load(path) for path in paths]
    expected = np.asarray(compute_multi_epi_mask(images, threshold=share).dataobj) > 0
    mask, _ = common_mask(paths, Grid.of(images[0]), share=share, symmetric=False)
    np.testing.assert_array_equal(np.asarray(mask.dataobj) > 0, expected)
    assert 100 < expected.sum() < expected.size / 2


def test_common_mask_on_the_analysis_grid(make_image, tmp_path):
    path = tmp_path / "a.nii.gz"
    affine = np.diag([3.0, 3, 3, 1])
    affine[:3, 3] = [-30, -36, -30]
    image = make_image(head(np.random.default_rng(0)).astype(np.float32), affine)
    image.to_filename(path)
    mask, _ = common_mask([path], symmetric_grid(image))
    assert Grid.of(mask).voxel_size == (4.0, 4.0, 4.0)
    volume = len(voxel_coordinates(mask)) * 64
    assert 0.75 < volume / (4 / 3 * np.pi * 24**3) < 1  # voxels half outside are left out
    assert np.isfinite(masked_scans(path, mask)).all()


def test_voxels_broken_in_one_scan_are_not_in_the_common_mask(make_image, tmp_path):
    scans = head(np.random.default_rng(0)).astype(np.float32)
    scans[10, 12, 10, 5] = np.nan
    path = tmp_path / "a.nii.gz"
    make_image(scans).to_filename(path)
    grid = Grid.of(nibabel.load(path))
    mask, _ = common_mask([path], grid)
    assert np.asarray(mask.dataobj)[9, 12, 10]
    assert not np.asarray(mask.dataobj)[10, 12, 10]
    assert np.isfinite(masked_scans(path, mask)).all()


def test_common_mask_needs_recordings_with_brain(make_image, tmp_path):
    grid = Grid.of(make_image(np.zeros(SHAPE)))
    with pytest.raises(ValueError, match="no recordings"):
        common_mask([], grid)
    path = tmp_path / "zero.nii.gz"
    make_image(np.zeros((*SHAPE, 4), np.float32)).to_filename(path)
    with pytest.raises(InputError, match="the recording is empty"):
        common_mask([path], grid)


def test_gzip_in_the_test_is_what_is_read(bold):
    assert len(gzip.decompress(bold.read_bytes())) == 352 + np.prod(SHAPE) * N_SCANS * 4
