import json

import numpy as np
import pytest
import xarray as xr

from hemiscale.errors import HemiscaleError
from hemiscale.results import (
    ResultsFolder,
    file_digest,
    fingerprint,
    read_activations,
    read_dataset,
    safe_name,
    stored_fingerprint,
    write_activations,
    write_atomically,
    write_dataset,
    write_json,
    write_text,
)


def test_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path):
    path = tmp_path / "a" / "x.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), write_atomically(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in path.parent.iterdir()] == ["x.txt"]


def test_unwritable_place_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HemiscaleError, match="cannot be written"):
        write_text(tmp_path / "file" / "x.txt", "a")


def test_activations_round_trip(tmp_path):
    rng = np.random.default_rng(0)
    layers = [rng.normal(size=(5, w)).astype(np.float32) for w in (2, 3)]
    path = tmp_path / "m.safetensors"
    extras = {"norms": rng.normal(size=(2, 4))}
    write_activations(path, layers, extras=extras, metadata={"fingerprint": "f", "n": "3"})
    read, read_extras, metadata = read_activations(path)
    for a, b in zip(layers, read, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(read_extras["norms"], extras["norms"])
    assert metadata == {"fingerprint": "f", "n": "3"}
    assert stored_fingerprint(path) == "f"


def test_more_than_a_thousand_layers_are_no_problem_but_order_is_kept(tmp_path):
    layers = [np.full((1, 1), k, np.float32) for k in range(120)]
    path = tmp_path / "m.safetensors"
    write_activations(path, layers, extras={}, metadata={})
    assert [int(a[0, 0]) for a in read_activations(path)[0]] == list(range(120))


def test_datasets_round_trip_with_the_same_bytes(tmp_path):
    dataset = xr.Dataset(
        {"score": (("subject", "target"), np.ones((2, 3), np.float32))},
        coords={"subject": ["average", "s1"], "target": list("abc")},
        attrs={"fingerprint": "f", "x": float("nan")},
    )
    for name in ("a.nc", "b.nc"):
        write_dataset(tmp_path / name, dataset)
    assert file_digest(tmp_path / "a.nc") == file_digest(tmp_path / "b.nc")
    xr.testing.assert_equal(read_dataset(tmp_path / "a.nc"), dataset)
    assert stored_fingerprint(tmp_path / "a.nc") == "f"


@pytest.mark.parametrize("suffix", [".nc", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"rubbish" * 100])
def test_damaged_files_count_as_not_there(tmp_path, suffix, content):
    path = tmp_path / f"x{suffix}"
    assert stored_fingerprint(path) is None
    path.write_bytes(content)
    assert stored_fingerprint(path) is None


def test_fingerprint_tells_inputs_apart():
    a = np.arange(3)
    stamps = {
        fingerprint(x=1),
        fingerprint(x=2),
        fingerprint(y=1),
        fingerprint(x=a),
        fingerprint(x=a.astype(np.float32)),
        fingerprint(x=a[::-1]),
        fingerprint(x=[1, "a"]),
        fingerprint(x={"b": 1, "a": [2]}),
    }
    assert len(stamps) == 8
    assert fingerprint(x={"b": 1, "a": [2]}) == fingerprint(x={"a": [2], "b": 1})


def test_safe_names():
    assert safe_name("austen-1.1m@step200") == "austen-1.1m@step200"
    for bad in ("../x", "a/b", ".hidden", "", "x" * 300, "a b"):
        name = safe_name(bad)
        assert "/" not in name
        assert not name.startswith(".")
        assert len(name) < 130
    assert safe_name("a/b") != safe_name("a_b") != safe_name("a b")


def test_json_has_no_nan(tmp_path):
    write_json(tmp_path / "x.json", {"a": np.float32("nan"), "b": np.arange(2), "c": (1, None)})
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": None, "b": [0, 1], "c": [1, None]}


def test_models_stay_inside_the_folder(tmp_path):
    folder = ResultsFolder(tmp_path)
    for path in (folder.scores("../../etc/x"), folder.activations("../x", 1)):
        assert path.resolve().is_relative_to(tmp_path.resolve())
