"""Headers of surface files agree with what nibabel reads from the whole file."""

import gzip
import json

import nibabel
import numpy as np
import pytest

from hemiscale.brain import SurfaceVertices, describe_surface, read_surface
from hemiscale.brain.prepared import read_prepared
from hemiscale.brain.prepared_surfaces import (
    SurfaceCleaning,
    common_vertices,
    prepare_surface,
    prepare_surface_average,
    surface_fingerprint,
)
from hemiscale.errors import HemiscaleError, InputError

N = 30


def gifti(path, values, *, side=None, t_r=None, as_one=False):
    arrays = [values.T] if as_one else list(values)
    image = nibabel.gifti.GiftiImage(
        darrays=[
            nibabel.gifti.GiftiDataArray(a.astype(np.float32), "NIFTI_INTENT_TIME_SERIES")
            for a in arrays
        ]
    )
    if side:
        image.meta["AnatomicalStructurePrimary"] = side
    if t_r:
        image.meta["TimeStep"] = str(1000 * t_r)
    content = image.to_bytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.fixture
def pair(tmp_path):
    rng = np.random.default_rng(0)
    values = 100 + rng.normal(size=(2, 12, N))
    values[0, :, :3] = 0
    values[1, :, 5] = np.nan
    return tuple(
        gifti(
            tmp_path / f"sub-1_task-x_run-3_hemi-{side[0]}_bold.func.gii", v, side=f"Cortex{side}"
        )
        for side, v in zip(("Left", "Right"), values, strict=True)
    )


def test_header_of_gifti(pair):
    recording = describe_surface(pair, subject="1", run=2)
    assert (recording.n_scans, recording.n_template, recording.t_r) == (12, N, None)
    assert recording.path == pair[0]


@pytest.mark.parametrize(("ending", "as_one"), [(".func.gii", True), (".func.gii.gz", False)])
def test_other_forms_of_gifti(tmp_path, ending, as_one):
    values = np.random.default_rng(1).normal(size=(9, N))
    paths = tuple(
        gifti(tmp_path / f"{side}{ending}", values, t_r=1.5, as_one=as_one) for side in "lr"
    )
    recording = describe_surface(paths, subject="1", run=1)
    assert (recording.n_scans, recording.n_template, recording.t_r) == (9, N, 1.5)
    scans, _ = read_surface(paths)
    np.testing.assert_allclose(scans, np.hstack([values, values]), rtol=1e-6)


def test_sidecar_goes_before_the_file_and_must_agree(tmp_path, pair):
    sidecar = pair[0].with_name(pair[0].name.replace(".func.gii", ".json"))
    sidecar.write_text(json.dumps({"RepetitionTime": 2.0}))
    recording = describe_surface(pair, subject="1", run=1)
    assert (recording.t_r, recording.t_r_source, recording.doubts) == (2.0, "sidecar", ())
    gifti(pair[0], np.ones((12, N)), t_r=3.0)
    doubts = describe_surface(pair, subject="1", run=1).doubts
    assert doubts[0].endswith("the sidecar gives a TR of 2 s and the file 3 s.")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.ones((11, N)), "12 scans and .* 11; they are not of one run"),
        (np.ones((12, N + 1)), "30 vertices and .* 31; they are not of one template"),
        (np.ones((1, N)), "holds one map where a series of scans is expected"),
    ],
)
def test_files_that_do_not_belong_together(pair, values, sentence):
    gifti(pair[1], values)
    with pytest.raises(InputError, match=sentence):
        describe_surface(pair, subject="1", run=1)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is cut off"),
        (b"<html><body>404</body></html>", "is not a GIFTI series"),
        (b"\x1f\x8b no", "is cut off"),
        (b"<GIFTI><DataArray Dimensionality='x'/></GIFTI>", "is cut off"),
        (b"<GIFTI><DataArray Dimensionality='1'/></GIFTI>", "is cut off"),
    ],
)
def test_what_is_no_gifti(pair, content, sentence):
    pair[1].write_bytes(content)
    with pytest.raises(InputError, match=sentence):
        describe_surface(pair, subject="1", run=1)


def test_exchanged_and_cut_off_and_missing(pair):
    with pytest.raises(InputError, match="exchanged"):
        describe_surface(pair[::-1], subject="1", run=1)
    pair[0].write_bytes(pair[0].read_bytes()[:-40])
    with pytest.raises(InputError, match="cut off"):
        describe_surface(pair, subject="1", run=1)
    pair[0].unlink()
    with pytest.raises(InputError, match="no such file"):
        describe_surface(pair, subject="1", run=1)


def test_entities_of_xml_do_not_explode(pair):
    levels = "".join(f'<!ENTITY a{k} "{f"&a{k - 1};" * 10}">' for k in range(1, 12))
    bomb = f'<!DOCTYPE x [<!ENTITY a0 "ha">{levels}]><GIFTI><Name>&a11;</Name></GIFTI>'
    pair[0].write_text(bomb)
    with pytest.raises(InputError, match="cut off"):
        describe_surface(pair, subject="1", run=1)


def test_vertices_that_all_recordings_have(pair):
    _, first = read_surface(pair)
    np.testing.assert_array_equal(first.left, np.arange(3, N))
    np.testing.assert_array_equal(first.right, np.delete(np.arange(N), 5))
    other = SurfaceVertices(np.arange(10), np.arange(N), N)
    common = common_vertices([first, other])
    np.testing.assert_array_equal(common.left, np.arange(3, 10))
    np.testing.assert_array_equal(common.right, first.right)
    with pytest.raises(ValueError, match="no vertex on the left"):
        common_vertices([common, SurfaceVertices(np.arange(2), np.arange(N), N)])
    with pytest.raises(ValueError, match=r"\[30, 31\]"):
        common_vertices([common, SurfaceVertices(np.arange(2), np.arange(N), N + 1)])


def test_prepared_as_the_columns_that_are_kept(tmp_path, pair):
    from hemiscale.brain import clean_time_courses

    recording = describe_surface(pair, subject="s", run=1)
    vertices = SurfaceVertices(np.array([4, 9]), np.array([0, 6]), N)
    cleaning = SurfaceCleaning(t_r=2.0, high_pass=0)
    mark = surface_fingerprint(["a", "b"], vertices, cleaning)
    path, _ = prepare_surface(recording, vertices, cleaning, tmp_path / "out", mark)
    scans, own = read_surface(pair)
    columns = [*np.searchsorted(own.left, [4, 9]), *(N - 3 + np.searchsorted(own.right, [0, 6]))]
    expected = clean_time_courses(scans[:, columns], 2.0, high_pass=0)
    np.testing.assert_allclose(read_prepared(path, mark), expected, atol=1e-6)
    before = path.stat().st_mtime_ns
    prepare_surface(recording, vertices, cleaning, tmp_path / "out", mark)
    assert path.stat().st_mtime_ns == before
    average = prepare_surface_average(["s"], 1, [mark], tmp_path / "out")
    np.testing.assert_allclose(read_prepared(*average), expected, atol=1e-6)
    with pytest.raises(HemiscaleError, match="not the scans that this study was started with"):
        prepare_surface_average(["s"], 1, ["another mark"], tmp_path / "out")
    with pytest.raises(InputError, match=r"1 vertices never change .* vertex 5 on the right"):
        prepare_surface(
            recording,
            SurfaceVertices(vertices.left, np.array([5]), N),
            cleaning,
            tmp_path / "out",
            "other",
        )
