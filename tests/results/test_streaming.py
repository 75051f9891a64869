"""Results in parts: the same content as written at once, the same bytes in any order."""

import itertools
import resource
import signal
import tracemalloc

import numpy as np
import pytest
import xarray as xr

from hemiscale.errors import HemiscaleError
from hemiscale.results import (
    DamagedFileError,
    damage,
    file_digest,
    open_dataset,
    read_dataset,
    stored_fingerprint,
    write_dataset,
    write_in_parts,
)

DIMS = ("subject", "layer", "target")


@pytest.fixture
def whole():
    rng = np.random.default_rng(0)
    score = rng.normal(size=(3, 2, 5)).astype(np.float32)
    score[1, 0, 2] = np.nan
    return xr.Dataset(
        {"score": (DIMS, score), "alpha": (DIMS[:2], rng.normal(size=(3, 2)))},
        coords={
            "subject": ["average", "s1", "s2"],
            "layer": np.arange(2),
            "target": np.arange(5),
            "hemisphere": ("target", ["left", "left", "midline", "right", "right"]),
            "x": ("target", np.linspace(-4, 4, 5, dtype=np.float32)),
        },
        attrs={"fingerprint": "0123", "model": "größe", "n": 3, "width": 1.5},
    )


def write(path, whole, order=None, skip=()):
    places = order or list(itertools.product(range(3), range(2)))
    labels = whole.drop_vars(["score", "alpha"])
    variables = {"score": (DIMS, "float32"), "alpha": (DIMS[:2], "float64")}
    with write_in_parts(path, labels, variables) as parts:
        for subject in range(3):
            parts.put("alpha", whole["alpha"].values[subject], subject=subject)
        for subject, layer in places:
            if (subject, layer) not in skip:
                values = whole["score"].values[subject, layer]
                parts.put("score", values, layer=layer, subject=subject)


def test_the_same_as_written_at_once(tmp_path, whole):
    write(tmp_path / "parts.nc", whole)
    write_dataset(tmp_path / "whole.nc", whole)
    found = read_dataset(tmp_path / "parts.nc")
    xr.testing.assert_identical(found, read_dataset(tmp_path / "whole.nc"))
    assert set(found.coords) == set(whole.coords)
    assert stored_fingerprint(tmp_path / "parts.nc") == "0123"
    assert not list(tmp_path.glob(".*"))


def test_the_same_bytes_in_any_order(tmp_path, whole):
    write(tmp_path / "a.nc", whole)
    write(tmp_path / "b.nc", whole, order=[(2, 1), (0, 0), (1, 1), (0, 1), (2, 0), (1, 0)])
    assert file_digest(tmp_path / "a.nc") == file_digest(tmp_path / "b.nc")


def test_subjects_are_read_as_they_are_asked_for(tmp_path, whole):
    write(tmp_path / "a.nc", whole)
    with open_dataset(tmp_path / "a.nc") as dataset:
        one = dataset.isel(subject=[2])
        np.testing.assert_array_equal(one["score"].values[0], whole["score"].values[2])
        assert one.attrs["model"] == "größe"


def test_neither_writing_nor_reading_holds_the_whole(tmp_path):
    n_subjects, n_targets = 40, 250_000  # 1 MB a subject
    labels = xr.Dataset(
        coords={"subject": np.arange(n_subjects), "target": np.arange(n_targets)},
        attrs={"fingerprint": "0"},
    )
    path = tmp_path / "large.nc"
    tracemalloc.start()
    with write_in_parts(path, labels, {"score": (("subject", "target"), "float32")}) as parts:
        for k in range(n_subjects):
            parts.put("score", np.full(n_targets, k), subject=k)
    written = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    with open_dataset(path) as dataset:
        means = [float(dataset.isel(subject=[k])["score"].mean()) for k in range(n_subjects)]
    read = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert means == list(range(n_subjects))
    assert path.stat().st_size > 40e6
    assert written < 16e6
    assert read < 16e6


def test_a_part_that_is_missing_leaves_no_file(tmp_path, whole):
    path = tmp_path / "a.nc"
    with pytest.raises(ValueError, match="score: 25 of 30 values"):
        write(path, whole, skip=[(1, 1)])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("values", "at", "sentence"),
    [
        (np.zeros(4), {"subject": 0, "layer": 0}, r"the part is \(4,\) where \(5,\)"),
        (np.zeros(5), {"subject": 0, "layer": 2}, "no layer 2 among 2"),
        (np.zeros(5), {"layer": 0, "target": 0}, "not its first dimensions"),
    ],
)
def test_parts_that_do_not_fit(tmp_path, whole, values, at, sentence):
    labels = whole.drop_vars(["score", "alpha"])
    with (
        pytest.raises(ValueError, match=sentence),
        write_in_parts(tmp_path / "a.nc", labels, {"score": (DIMS, "float32")}) as parts,
    ):
        parts.put("score", values, **at)


def test_damage_is_noticed(tmp_path, whole):
    path = tmp_path / "a.nc"
    write(path, whole)
    assert damage(path) is None
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match="checksum"), open_dataset(path):
        pass


def test_full_disk_leaves_what_was_there(tmp_path, whole):
    path = tmp_path / "a.nc"
    write(path, whole)
    before, limit = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
    try:
        with pytest.raises(HemiscaleError, match=r"cannot be written .*what is finished is kept"):
            write(path, whole)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_bytes() == before
