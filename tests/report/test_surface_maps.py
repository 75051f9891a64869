"""Maps of a study on the surface: read from GIFTI, and drawn without gaps."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from nilearn.datasets import fetch_surf_fsaverage
from nilearn.surface import load_surf_mesh

from hemiscale.pipeline.surface_maps import write_surface_maps
from hemiscale.report.figures.brains import _at_surface, _image_of, _meshes
from hemiscale.report.map_files import read_maps, read_voxels
from hemiscale.results import write_dataset


@pytest.fixture
def voxels():
    sides = np.array(["left"] * 4 + ["right"] * 3)
    return xr.Dataset(
        {"region": (("region_name", "target"), np.zeros((0, 7), bool))},
        coords={
            "hemisphere": ("target", sides),
            "vertex": ("target", [0, 2, 3, 4, 1, 2, 4]),
            "mirror": ("target", np.full(7, -1)),
            **{axis: ("target", np.arange(7.0)) for axis in "xyz"},
        },
        attrs={"n_template": 5, "fingerprint": "x"},
    )


def test_what_is_written_is_read(voxels, tmp_path):
    values = np.random.default_rng(0).normal(size=(2, 7)).astype(np.float32)
    values[1, 3] = np.nan
    maps = xr.Dataset(
        {"score": (("model", "target"), values), "slope": ("target", values[0])},
        coords={"model": ["a/b", "c"]},
    )
    write_dataset(tmp_path / "voxels.nc", voxels)
    write_surface_maps(maps, voxels, tmp_path / "maps", simulated=True)
    problems = []
    read = read_maps(tmp_path, read_voxels(tmp_path, problems), ["a/b", "c", "none"], problems)
    assert not problems
    np.testing.assert_array_equal(read["score"].values, values)
    np.testing.assert_array_equal(read["slope"].values, values[0])
    assert list(read["model"].values) == ["a/b", "c"]
    (tmp_path / "maps" / "slope_hemi-R.func.gii").write_text("no")
    assert "slope" not in read_maps(tmp_path, voxels, ["c"], problems)
    assert problems[0].startswith("maps/slope_hemi-L.func.gii could not be read")


def test_a_surface_without_a_mesh_has_no_maps_to_draw(voxels, tmp_path):
    write_dataset(tmp_path / "voxels.nc", voxels.drop_vars(["x", "y", "z"]))
    problems = []
    assert read_voxels(tmp_path, problems) is None
    assert not problems


def test_each_side_is_painted_with_its_own_vertices():
    files = fetch_surf_fsaverage("fsaverage5")
    parts = []
    for side, value in (("left", 1.0), ("right", 2.0)):
        middle = (
            sum(load_surf_mesh(files[f"{k}_{side}"]).coordinates for k in ("white", "pial")) / 2
        )
        parts.append(pd.DataFrame(middle, columns=list("xyz")).assign(value=value))
    image = _image_of(pd.concat(parts))
    for side, value in (("left", 1.0), ("right", 2.0)):
        seen = _at_surface(image, _meshes(side)[0])
        assert np.isfinite(seen).mean() > 0.99
        # Some of the medial wall of fsaverage lies across x = 0.
        assert (seen[np.isfinite(seen)] == value).mean() > 0.98
