"""A study of volumes, from NIfTI to maps."""

import nibabel
import numpy as np
import pandas as pd
import pytest

from hemiscale.errors import InputError
from hemiscale.pipeline import check_study, report_study, run_study, study_status
from hemiscale.results import file_digest, read_dataset
from hemiscale.study import read_study


@pytest.fixture
def no_page(monkeypatch):
    """Leave out figures and page: they take most of the time of so small a study."""

    def write(folder):
        page = folder / "report.html"
        page.write_text("")
        return page

    monkeypatch.setattr("hemiscale.report.write_report", write)


def run(folder, out, **options):
    return run_study(read_study(folder / "study.toml"), out, quiet=True, **options)


def change(folder, *changes):
    path = folder / "study.toml"
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def contents(out):
    files = [
        *out.glob("tables/*"),
        *out.glob("scores/*.nc"),
        *out.glob("maps/*"),
        out / "ceiling.nc",
    ]
    return {str(path.relative_to(out)): file_digest(path) for path in sorted(files)}


def test_planted_side_is_found_and_results_have_their_form(volume_folder, tmp_path):
    out = tmp_path / "out"
    assert run(volume_folder, out).is_file()
    mask = nibabel.load(volume_folder / "mask.nii.gz")
    n_voxels = int(np.asarray(mask.dataobj).sum())
    scores = read_dataset(out / "scores/word-rate.nc")
    assert scores.sizes == {"subject": 4, "layer": 1, "run": 3, "target": n_voxels}
    assert list(scores["subject"].values) == ["average", "s1", "s2", "s3"]
    mean = scores["score"].mean(["layer", "run"])
    side = scores["hemisphere"].values
    assert set(side) == {"left", "right", "midline"}
    assert float(mean.sel(subject="average")[side == "left"].mean()) > 0.8
    assert float(mean.sel(subject="s1")[side == "left"].mean()) > 0.65
    assert abs(float(mean[:, side != "left"].mean())) < 0.1

    mirror = scores["mirror"].values
    assert (mirror[side == "midline"] == -1).all()
    left = np.flatnonzero(side == "left")
    np.testing.assert_array_equal(mirror[mirror[left]], left)
    np.testing.assert_array_equal(scores["x"].values[left], -scores["x"].values[mirror[left]])

    ceiling = read_dataset(out / "ceiling.nc")
    assert ceiling["reliability"].sizes == {"split": 2, "target": n_voxels}
    reliability = ceiling["reliability"].mean("split").values
    assert reliability[side == "left"].mean() > 0.5 > abs(reliability[side == "right"].mean())

    voxels = read_dataset(out / "voxels.nc")
    np.testing.assert_array_equal(voxels["mask"].values, np.asarray(mask.dataobj) > 0)
    np.testing.assert_allclose(voxels["affine"].values, mask.affine)
    regions = dict(zip(voxels["region_name"].values, voxels["region"].values, strict=True))
    assert set(regions) == {"middle_left", "middle_right"}
    np.testing.assert_array_equal(
        np.sort(mirror[regions["middle_left"]]), np.flatnonzero(regions["middle_right"])
    )

    image = nibabel.load(out / "maps/score_word-rate.nii.gz")
    assert image.shape == mask.shape
    values = np.asarray(image.dataobj)
    assert np.isnan(values[~voxels["mask"].values]).all()
    np.testing.assert_allclose(
        values[voxels["mask"].values], mean.sel(subject="average").values, atol=1e-5
    )
    assert bytes(image.header["descrip"].tobytes()).startswith(b"simulated")
    models = pd.read_csv(out / "tables/models.tsv", sep="\t").set_index("model")
    assert models.loc["word-rate", "left_minus_right"] > 0.5


def test_a_second_run_repeats_nothing_and_workers_do_not_matter(no_page, volume_folder, tmp_path):
    out = tmp_path / "out"
    run(volume_folder, out)
    first = contents(out)
    kept = [*out.glob("prepared/*/*.nc"), *out.glob("scores/*.nc")]
    before = {path: path.stat().st_mtime_ns for path in kept}
    assert len(before) == 4 * 3 + 3
    study = read_study(volume_folder / "study.toml")
    state = study_status(study, out)
    assert len(state.done) == 3
    assert not state.left
    run(volume_folder, out)
    report_study(study, out, quiet=True)
    assert {path: path.stat().st_mtime_ns for path in kept} == before
    assert contents(out) == first
    run(volume_folder, tmp_path / "two", workers=2)
    assert contents(tmp_path / "two") == first


def test_an_interrupted_preparation_goes_on(no_page, volume_folder, tmp_path):
    out = tmp_path / "out"
    run(volume_folder, out)
    first = contents(out)
    removed = out / "prepared/s2/run-02.nc"
    removed.unlink()
    (out / "prepared/average/run-01.nc").unlink()
    kept = out / "prepared/s1/run-01.nc"
    before = kept.stat().st_mtime_ns
    run(volume_folder, out)
    assert removed.is_file()
    assert kept.stat().st_mtime_ns == before
    assert contents(out) == first


def test_another_recording_is_noticed(no_page, volume_folder, tmp_path, bold_path):
    out = tmp_path / "out"
    run(volume_folder, out)
    path = bold_path(volume_folder, "s1", 2)
    image = nibabel.load(path)
    nibabel.save(
        nibabel.Nifti1Image(image.get_fdata()[..., ::-1], image.affine, image.header), path
    )
    state = study_status(read_study(volume_folder / "study.toml"), out)
    assert not state.done
    assert len(state.left) == 3


def test_mask_is_computed_where_none_is_named(no_page, volume_folder, tmp_path):
    change(volume_folder, ('mask = "mask.nii.gz"\n', "voxel_size = 8\n"))
    study = read_study(volume_folder / "study.toml")
    out = tmp_path / "out"
    assert not study_status(study, out).done
    run(volume_folder, out)
    voxels = read_dataset(out / "voxels.nc")
    given = np.asarray(nibabel.load(volume_folder / "mask.nii.gz").dataobj) > 0
    made = voxels["mask"].values
    np.testing.assert_array_equal(made, made[::-1])  # symmetric about the midline
    # On the same grid, and the brain but for its rim, which nilearn opens.
    inside = (voxels["x"].values, voxels["y"].values, voxels["z"].values)
    where = np.stack(inside, axis=1)
    affine = nibabel.load(volume_folder / "mask.nii.gz").affine
    indices = np.rint((where - affine[:3, 3]) / 8).astype(int)
    assert given[tuple(indices.T)].all()
    assert len(indices) > 0.5 * given.sum()
    assert len(study_status(study, out).done) == 3


def test_every_listener_has_an_own_mask(no_page, volume_folder, tmp_path, bold_path):
    # A listener whose left front was not recorded, and with it goes the mirror image.
    for number in (1, 2, 3):
        path = bold_path(volume_folder, "s2", number)
        image = nibabel.load(path)
        values = image.get_fdata()
        values[:6, 7:] = 0
        nibabel.save(nibabel.Nifti1Image(values, image.affine, image.header), path)
    change(
        volume_folder,
        ('mask = "mask.nii.gz"\n', "voxel_size = 8\nown_masks = true\naverage = false\n"),
    )
    out = tmp_path / "out"
    run(volume_folder, out)
    scores = read_dataset(out / "scores/word-rate.nc")
    assert list(scores["subject"].values) == ["s1", "s2", "s3"]
    known = np.isfinite(scores["score"].isel(layer=0, run=0))
    affine = read_dataset(out / "voxels.nc")["affine"].values
    row = np.rint((scores["y"].values - affine[1, 3]) / affine[1, 1])
    side, mirror = scores["hemisphere"].values, scores["mirror"].values
    cut = (row >= 7) & (side != "midline")
    assert cut.any()
    assert not known.sel(subject="s2").values[cut].any()
    assert known.sel(subject="s1").values[cut].mean() > 0.9
    left = np.flatnonzero(side == "left")
    for mask in known.values:
        np.testing.assert_array_equal(mask[left], mask[mirror[left]])
    mean = scores["score"].sel(subject="s2").mean(["layer", "run"]).values
    assert np.nanmean(mean[left]) > 0.6
    assert len(study_status(read_study(volume_folder / "study.toml"), out).done) == 3


def test_average_subject_from_one_file_per_run(no_page, volume_folder, tmp_path, bold_path):
    for k in (1, 2, 3):
        bold_path(volume_folder, "s1", k).rename(volume_folder / f"run{k}.nii.gz")
    change(
        volume_folder,
        ('"bids"', '"volumes"'),
        ('folder = "derivatives"\ntask = "story"', 'files = "run{run}.nii.gz"'),
        ("ceiling_splits = 2", 'reliability = "reliability.npy"'),
    )
    n_voxels = int(np.asarray(nibabel.load(volume_folder / "mask.nii.gz").dataobj).sum())
    np.save(volume_folder / "reliability.npy", np.full((4, n_voxels), 0.3))
    run(volume_folder, tmp_path / "out")
    scores = read_dataset(tmp_path / "out/scores/word-rate.nc")
    assert list(scores["subject"].values) == ["average"]
    ceiling = read_dataset(tmp_path / "out/ceiling.nc")
    assert ceiling.sizes["split"] == 4


def test_average_alone_keeps_no_listeners(no_page, volume_folder, tmp_path):
    change(volume_folder, ("ceiling_splits = 2", "ceiling_splits = 0\nindividuals = false"))
    run(volume_folder, tmp_path / "out")
    assert [p.name for p in (tmp_path / "out/prepared").iterdir() if p.is_dir()] == ["average"]


def test_nothing_is_wrong_with_it(volume_folder):
    notices = check_study(read_study(volume_folder / "study.toml"))
    assert len(notices) == 1
    assert "no text" in notices[0]


def test_blocks_of_several_runs_are_noticed(volume_folder):
    change(volume_folder, ("[baselines]", "[design]\nblocks = 2\n\n[baselines]"))
    notices = check_study(read_study(volume_folder / "study.toml"))
    assert any("each of the 3 runs into 2 blocks" in notice for notice in notices)


def test_grid_and_share_of_the_recordings(volume_folder, tmp_path, no_page):
    mask = nibabel.load(volume_folder / "mask.nii.gz")
    change(
        volume_folder,
        ('mask = "mask.nii.gz"', 'grid = "mask.nii.gz"\nmask_share = 0.5'),
        ("[recordings.spheres]\nmiddle = [-16, 0, 0]\n", ""),
    )
    out = tmp_path / "out"
    run(volume_folder, out, only=["word-rate"])
    voxels = read_dataset(out / "voxels.nc")
    assert voxels["mask"].shape == mask.shape
    np.testing.assert_allclose(voxels["affine"].values, mask.affine)
    found, egg = voxels["mask"].values, np.asarray(mask.dataobj) > 0
    # nilearn opens the mask of what is bright: a rim of so small a brain goes.
    assert not (found & ~egg).any()
    assert found.sum() > 0.6 * egg.sum()
    assert "more than 50% of 9 recordings" in (out / "diagnostics.json").read_text()

    affine = mask.affine.copy()
    affine[0, 3] += 3
    nibabel.save(nibabel.Nifti1Image(mask.get_fdata(), affine), volume_folder / "off.nii.gz")
    change(volume_folder, ('grid = "mask.nii.gz"', 'grid = "off.nii.gz"'))
    with pytest.raises(InputError, match="its grid is not symmetric about x = 0"):
        check_study(read_study(volume_folder / "study.toml"))
    change(volume_folder, ('grid = "off.nii.gz"', 'grid = "mask.nii.gz"\nmask = "mask.nii.gz"'))
    with pytest.raises(InputError, match="gives both mask and grid"):
        read_study(volume_folder / "study.toml")
