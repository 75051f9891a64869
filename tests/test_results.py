import copy
import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from hemiscale.errors import HemiscaleError, HemiscaleWarning
from hemiscale.results import (
    DamagedFileError,
    ResultsFolder,
    damage,
    file_digest,
    fingerprint,
    read_activations,
    read_dataset,
    read_record,
    remove_leftovers,
    safe_name,
    stored_fingerprint,
    write_activations,
    write_atomically,
    write_dataset,
    write_json,
    write_record,
    write_text,
)


def test_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path):
    path = tmp_path / "a" / "x.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), write_atomically(path) as temporary:  # noqa: PT012
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


def make_stored(path):
    """One stored file of each kind, by suffix."""
    if path.suffix == ".nc":
        values = np.arange(300, dtype=np.float32).reshape(3, 100)
        dataset = xr.Dataset({"x": (("a", "b"), values)}, coords={"a": list("abc")})
        write_dataset(path, dataset.assign_attrs(fingerprint="f"))
    elif path.suffix == ".safetensors":
        layers = [np.arange(60, dtype=np.float32).reshape(3, 20) + k for k in range(3)]
        metadata = {"fingerprint": "f", "n_bytes": "12"}
        write_activations(path, layers, extras={"norms": np.ones(4)}, metadata=metadata)
    else:
        write_record(path, {"model": "m", "seconds": {"a": 1.25}, "sink": [None, 3]})


def read_stored(path):
    readers = {".nc": read_dataset, ".safetensors": read_activations, ".json": read_record}
    return readers[path.suffix](path)


SUFFIXES = [".nc", ".safetensors", ".json"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"rubbish" * 100, b"{}", b"[1]", b'\xff"'])
def test_files_of_something_else_count_as_not_there(tmp_path, suffix, content):
    path = tmp_path / f"x{suffix}"
    assert damage(path) is None
    path.write_bytes(content)
    assert damage(path)
    assert suffix == ".json" or stored_fingerprint(path) is None
    with pytest.raises(DamagedFileError, match=r"is damaged.*run the study again"):
        read_stored(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_cut_is_noticed(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    make_stored(path)
    assert damage(path) is None
    whole = path.read_bytes()
    for length in [*range(0, len(whole), max(1, len(whole) // 150)), len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert damage(path), length
    path.write_bytes(whole + b"\0")
    assert damage(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_flipped_bit_that_matters_is_noticed(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    make_stored(path)
    whole, before = path.read_bytes(), read_stored(path)
    rng = np.random.default_rng(0)
    for at in rng.integers(0, len(whole), 300):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << rng.integers(8)
        path.write_bytes(flipped)
        if damage(path) is None:
            # White space of a header may change; what is read may not.
            assert suffix != ".nc"
            np.testing.assert_equal(read_stored(path), before)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_file_is_moved_aside_made_again_and_said(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    make_stored(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.warns(HemiscaleWarning, match=rf"kept as x{suffix}.damaged and made again"):
        make_stored(path)
    assert path.read_bytes() == whole
    assert (tmp_path / f"x{suffix}.damaged").read_bytes() == whole[:-30]
    make_stored(path)  # a whole file is replaced without a word


def test_one_layer_is_read_and_verified_alone(tmp_path):
    path = tmp_path / "m.safetensors"
    layers = [np.full((2, 3), k, np.float32) for k in range(4)]
    write_activations(path, layers, extras={"n": np.ones(2)}, metadata={})
    read, extras, _ = read_activations(path, layers=[3, 1])
    assert [a[0, 0] for a in read] == [3, 1]
    assert list(extras) == ["n"]
    content = path.read_bytes()
    at = content.rindex(np.full((2, 3), 2, np.float32).tobytes())
    path.write_bytes(content[:at] + b"\1" + content[at + 1 :])
    assert damage(path)
    read_activations(path, layers=[3, 1])
    with pytest.raises(DamagedFileError):
        read_activations(path, layers=[2])


def test_other_readers_do_not_mind_the_checksum(tmp_path):
    path = tmp_path / "x.nc"
    make_stored(path)
    with xr.open_dataset(path) as dataset:
        assert dataset.attrs == {"fingerprint": "f"}
        assert float(dataset["x"].sum()) == 299 * 150


def test_damage_can_be_told_across_processes():
    # Copying takes the way on which errors travel between processes.
    error = copy.copy(DamagedFileError(Path("a.nc"), "it is cut off"))
    assert str(error) == str(DamagedFileError(Path("a.nc"), "it is cut off"))


def test_missing_file_is_said(tmp_path):
    for suffix in SUFFIXES:
        with pytest.raises(HemiscaleError, match="no such file"):
            read_stored(tmp_path / f"x{suffix}")


def no_space(*arguments, **options):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_full_disk_leaves_what_was_there(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"x{suffix}"
    make_stored(path)
    whole = path.read_bytes()
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(HemiscaleError, match=r"No space left on device\); free some space"):
        make_stored(path)
    assert path.read_bytes() == whole
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_file_size_limit_ends_clearly(tmp_path, suffix):
    # A limit on file sizes ends writes as a full disk does, in the libraries' own code too.
    import resource

    path = tmp_path / f"x{suffix}"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        with pytest.raises(HemiscaleError, match="cannot be written"):
            make_stored(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, sys
from pathlib import Path
import numpy, safetensors.numpy
from hemiscale.results import write_activations

def killed(tensors, path, metadata):
    Path(path).with_name(".tmp0RlxDt").write_bytes(b"half")  # as safetensors does since 0.8
    os._exit(3)

safetensors.numpy.save_file = killed
write_activations(Path(sys.argv[1]), [numpy.zeros((2, 2), "f4")], extras={}, metadata={})
"""


def test_what_safetensors_leaves_when_it_is_killed_goes(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "run-01.safetensors")], check=False
    )
    assert ended.returncode == 3
    assert list(tmp_path.rglob(".tmp*"))
    remove_leftovers(tmp_path)
    assert not list(tmp_path.iterdir())


def test_leftovers_of_killed_processes_go(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    with write_atomically(tmp_path / "a" / "x.txt") as temporary:
        temporary.write_text("mine")
        dead = temporary.with_name(temporary.name.replace(f".{os.getpid()}.", f".{ended.pid}."))
        dead.write_text("half")
        elsewhere = temporary.with_name(f".x.txt.elsewhere.{ended.pid}.abcdef12.part")
        elsewhere.write_text("half")
        (temporary.parent / ".odd.part").write_text("not ours")
        remove_leftovers(tmp_path)
        assert temporary.exists()
        assert not dead.exists()
        assert elsewhere.exists()
        os.utime(elsewhere, (0, 0))
        remove_leftovers(tmp_path)
        assert not elsewhere.exists()
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == [".odd.part", "x.txt"]


def test_what_another_node_of_a_cluster_writes_stays(tmp_path, monkeypatch):
    monkeypatch.setattr("platform.node", lambda: "node01.cluster.local")
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    with write_atomically(tmp_path / "x.txt") as temporary:
        temporary.write_text("mine")
        elsewhere = temporary.with_name(
            temporary.name.replace(f".{os.getpid()}.", f".{ended.pid}.")
        )
        elsewhere.write_text("half")
        # Seen from another node, where that number is nobody's.
        monkeypatch.setattr("platform.node", lambda: "node02.cluster.local")
        remove_leftovers(tmp_path)
        assert elsewhere.exists()
        monkeypatch.setattr("platform.node", lambda: "node01.cluster.local")
        remove_leftovers(tmp_path)
        assert not elsewhere.exists()
        assert temporary.exists()


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
