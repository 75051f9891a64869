"""netCDF files with the same bytes for the same content, whoever looks on."""

import hashlib
import io
import sys

import h5netcdf
import numpy as np
import pytest
import xarray as xr

from hemiscale.results.netcdf import put_netcdf

PLACES = {"score": (("subject", "run", "voxel"), "<f4"), "alpha": (("subject",), "<f8")}


def a_dataset():
    return xr.Dataset(
        {
            "bold": (("scan", "voxel"), np.arange(12, dtype=np.float32).reshape(4, 3)),
            "kept": ("voxel", np.array([True, False, True])),
        },
        {
            "subject": ["average", "s1", "ü"],
            "run": [1, 2],
            "voxel": np.arange(3),
            "side": ("voxel", ["left", "right", ""]),
            "x": ("voxel", [1.5, np.nan, -3.0]),
        },
        {"fingerprint": "abc", "n": 3, "share": 0.5, "shape": np.array([2, 3])},
    )


def written(dataset, places=None):
    file = io.BytesIO()
    offsets = put_netcdf(file, dataset, places)
    return file.getvalue(), offsets


def test_content_comes_back_in_its_order():
    dataset = a_dataset()
    dataset["bold"].encoding = {"zlib": True, "complevel": 1}
    content, _ = written(dataset)
    with xr.open_dataset(io.BytesIO(content), engine="h5netcdf") as found:
        xr.testing.assert_identical(found.load(), dataset)
        assert found["kept"].dtype == bool
        assert found["bold"].encoding["complevel"] == 1
        assert list(found.sizes) == list(dataset.sizes)
        assert set(found.coords) == set(dataset.coords)
    with h5netcdf.File(io.BytesIO(content), "r") as found:
        assert dict(found.dimensions).keys() == dataset.sizes.keys()
        assert found["bold"].dimensions == ("scan", "voxel")
        assert "scan" not in found.variables  # a dimension without a coordinate


def test_nothing_along_a_dimension_is_written_too():
    dataset = xr.Dataset({"x": (("run", "voxel"), np.zeros((2, 0)))}, {"name": ("voxel", [])})
    dataset["name"] = dataset["name"].astype(str)
    content, offsets = written(dataset, {"y": (("voxel",), "<f4")})
    assert offsets == {"y": 0}
    with xr.open_dataset(io.BytesIO(content), engine="h5netcdf") as found:
        assert found["x"].shape == (2, 0)
        assert found["y"].shape == (0,)


def test_numbers_come_to_their_places_later():
    content, offsets = written(a_dataset(), PLACES)
    later = bytearray(content)
    score = np.arange(18, dtype="<f4")
    later[offsets["score"] : offsets["score"] + score.nbytes] = score.tobytes()
    with xr.open_dataset(io.BytesIO(bytes(later)), engine="h5netcdf") as found:
        assert found["score"].dims == ("subject", "run", "voxel")
        np.testing.assert_array_equal(found["score"].values.ravel(), score)
        np.testing.assert_array_equal(found["alpha"], [0, 0, 0])


def test_bytes_are_the_same_where_a_profiler_holds_on_to_everything():
    expected = hashlib.sha256(written(a_dataset(), PLACES)[0]).hexdigest()
    held = []
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, argument: held.append((frame, argument)))
    try:
        found = written(a_dataset(), PLACES)[0]
    finally:
        sys.setprofile(before)
    assert len(held) > 1000
    assert hashlib.sha256(found).hexdigest() == expected


@pytest.mark.parametrize(
    "dataset",
    [
        xr.Dataset({"when": ("run", np.array(["2020-01-01"], dtype="datetime64[s]"))}),
        xr.Dataset({"mixed": ("run", np.array(["a", 1], dtype=object))}),
        xr.Dataset(attrs={"flag": None}),
        xr.Dataset(attrs={"names": ["a", "b"]}),
    ],
)
def test_what_is_not_stored_is_named(dataset):
    name = next(iter([*dataset.variables, *dataset.attrs]))
    with pytest.raises(TypeError, match=rf"{name}.* is not stored"):
        put_netcdf(io.BytesIO(), dataset)
