"""Digests of recordings: taken once, by whoever sees the file."""

import pytest

from hemiscale.errors import HemiscaleWarning, InputError
from hemiscale.pipeline import digests
from hemiscale.pipeline.digests import Digests
from hemiscale.pipeline.helpers import Helpers
from hemiscale.results import file_digest


def test_digests_are_taken_once_by_whoever_sees_the_file(tmp_path, monkeypatch, half_blind_cluster):
    monkeypatch.setattr(digests, "READ", 1)
    paths = [tmp_path / f"sub-{name}.nii" for name in ("a", "b", "c")]
    for path in paths:
        path.write_text(path.name)
    digest = Digests(tmp_path / "digests.json")
    cluster = half_blind_cluster(blind=("sub-b",))
    digest.learn(paths, Helpers(1, cluster))
    assert cluster.asked == [path.name for path in paths]
    taken = []
    monkeypatch.setattr(
        digests, "file_digest", lambda path: taken.append(path) or file_digest(path)
    )
    assert [digest(path) for path in paths] == [file_digest(path) for path in paths]
    assert taken == [paths[1]]
    paths[2].write_text("something else")
    digest.save()
    again = Digests(tmp_path / "digests.json")
    again.learn(paths, Helpers(1, cluster))
    assert again(paths[2]) == file_digest(paths[2])
    assert taken == [paths[1], paths[2]]  # the only one that is new: read here
    paths[0].unlink()
    with pytest.raises(InputError, match=r"sub-a\.nii: is not there any more"):
        again.learn(paths, Helpers())


HOW = ["flipped", "cut off", "empty", "of something else", "nested"]
HOW += ["without checksum, and no digests"]


@pytest.mark.parametrize("how", HOW)
def test_damaged_digests_are_moved_aside_taken_again_and_said(tmp_path, damaged, how):
    recording, path = tmp_path / "a.nii", tmp_path / "digests.json"
    recording.write_text("a")
    digest = Digests(path)
    digest(recording)
    digest.save()
    whole = path.read_bytes()
    path.write_bytes(damaged(path, how))
    again = Digests(path)
    again.learn([recording], Helpers())
    assert again(recording) == file_digest(recording)
    with pytest.warns(HemiscaleWarning, match=r"digests\.json: the stored file was damaged"):
        again.save()
    assert path.read_bytes() == whole
    assert (tmp_path / "digests.json.damaged").is_file()
    again.save()  # without a word


def test_digests_from_before_there_were_checksums_are_read(tmp_path, monkeypatch, without_checksum):
    recording, path = tmp_path / "a.nii", tmp_path / "digests.json"
    recording.write_text("a")
    digest = Digests(path)
    expected = digest(recording)
    digest.save()
    whole = path.read_bytes()
    without_checksum(path)
    monkeypatch.setattr(digests, "file_digest", None)
    again = Digests(path)
    assert again(recording) == expected
    again.save()  # without a word
    assert path.read_bytes() == whole
    assert not (tmp_path / "digests.json.damaged").exists()
