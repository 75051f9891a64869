import errno
import hashlib
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from hemiscale.datasets import RemoteFile, fetch_files, missing_bytes
from hemiscale.datasets.transfer import check_content, part_file, safe_target
from hemiscale.errors import HemiscaleError

CONTENT = b"\x1f\x8b" + os.urandom(300_000)
BLOCK = 16_384  # a connection that is cut loses less than this
NAME = "derivatives/sub-EN057/func/run.nii.gz"


@pytest.fixture
def remote(site):
    site.files[f"/{NAME}"] = CONTENT
    return RemoteFile(
        f"{site.url}/{NAME}", NAME, size=len(CONTENT), etag=hashlib.md5(CONTENT).hexdigest()
    )


@pytest.fixture
def fetch(tmp_path, pauses):
    def fetch(*files, **options):
        return fetch_files(files, tmp_path / "data", pause=pauses.append, **options)

    return fetch


def leftovers(folder):
    return [p.name for p in Path(folder).rglob("*.part")]


def test_file_comes_whole_under_its_name(fetch, remote, tmp_path):
    seen = []
    done = fetch(remote, progress=lambda done, total: seen.append((done, total)))
    target = tmp_path / "data" / NAME
    assert done.downloaded == [target]
    assert (done.kept, done.unverified) == ([], [])
    assert target.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert leftovers(tmp_path) == []


def test_what_is_there_and_right_is_not_asked_for_again(fetch, remote, site):
    fetch(remote)
    done = fetch(remote)
    assert len(done.kept) == 1
    assert done.downloaded == []
    assert len(site.requests) == 1


def test_what_is_there_and_wrong_is_replaced(fetch, remote, tmp_path):
    target = tmp_path / "data" / NAME
    target.parent.mkdir(parents=True)
    target.write_bytes(b"\x1f\x8b" + bytes(len(CONTENT) - 2))  # the right size
    assert len(fetch(remote).downloaded) == 1
    assert target.read_bytes() == CONTENT


def test_cut_connections_are_resumed(fetch, remote, site, tmp_path, pauses):
    site.faults[f"/{NAME}"] = [{"cut": 6 * BLOCK}, {"cut": 3 * BLOCK + 9}, {"cut": 0}]
    fetch(remote)
    assert (tmp_path / "data" / NAME).read_bytes() == CONTENT
    expected = [None, f"bytes={6 * BLOCK}-", f"bytes={9 * BLOCK}-", f"bytes={9 * BLOCK}-"]
    assert site.ranges(f"/{NAME}") == expected
    assert len(pauses) == 3


def test_next_call_goes_on_where_the_last_one_stopped(fetch, remote, site, tmp_path):
    site.faults[f"/{NAME}"] = [{"cut": 12 * BLOCK}] + [{"status": 503}] * 3
    with pytest.raises(HemiscaleError, match=r"after 3 attempts in vain \(the server answers 503"):
        fetch(remote, attempts=3)
    assert not (tmp_path / "data" / NAME).exists()
    assert missing_bytes([remote], tmp_path / "data") == len(CONTENT) - 12 * BLOCK
    fetch(remote)
    assert site.ranges(f"/{NAME}")[-1] == f"bytes={12 * BLOCK}-"
    assert (tmp_path / "data" / NAME).read_bytes() == CONTENT
    assert leftovers(tmp_path) == []


def test_attempts_are_bounded(fetch, remote, site, pauses):
    site.faults[f"/{NAME}"] = [{"status": 500}] * 1000
    with pytest.raises(HemiscaleError, match="after 4 attempts in vain"):
        fetch(remote, attempts=4)
    assert len(site.requests) == 4
    assert len(pauses) == 3
    assert max(pauses) <= 60


def test_attempts_that_crawl_are_bounded_too(fetch, remote, site):
    """Each attempt brings a block: progress, but not without end."""
    site.faults[f"/{NAME}"] = [{"cut": BLOCK}] * 1000
    with pytest.raises(HemiscaleError, match="not downloaded"):
        fetch(remote, attempts=1)
    assert len(site.requests) == 10


def test_server_says_how_long_to_wait(fetch, remote, site, pauses):
    site.faults[f"/{NAME}"] = [{"status": 429, "after": 7}, {"status": 503, "after": 9999}]
    fetch(remote)
    assert pauses == [7, 60]


def test_server_that_knows_no_ranges(fetch, remote, site, tmp_path):
    site.faults[f"/{NAME}"] = [{"cut": 100_000}, {"whole": True}]
    fetch(remote)
    assert (tmp_path / "data" / NAME).read_bytes() == CONTENT


def test_server_that_sends_another_range(fetch, remote, site, tmp_path):
    site.faults[f"/{NAME}"] = [{"cut": 100_000}, {"wrong_range": True}]
    fetch(remote)
    assert (tmp_path / "data" / NAME).read_bytes() == CONTENT
    assert site.ranges(f"/{NAME}")[-1] is None


def test_file_that_changed_meanwhile_is_not_mixed(fetch, remote, site, tmp_path):
    site.faults[f"/{NAME}"] = [{"cut": 100_000}] + [{"status": 503}] * 2
    with pytest.raises(HemiscaleError):
        fetch(remote, attempts=2)
    other = b"\x1f\x8b" + os.urandom(len(CONTENT) - 2)
    site.files[f"/{NAME}"] = other
    changed = RemoteFile(remote.url, NAME, len(other), hashlib.md5(other).hexdigest())
    fetch(changed)
    assert (tmp_path / "data" / NAME).read_bytes() == other


@pytest.mark.parametrize("fault", [{"page": True}, {"plain_page": True}])
def test_error_page_instead_of_the_file(fetch, site, tmp_path, fault):
    """Without a known size, too, a page is told from data."""
    site.files[f"/{NAME}"] = CONTENT
    unknown = RemoteFile(f"{site.url}/{NAME}", NAME)
    site.faults[f"/{NAME}"] = [fault] * 2
    with pytest.raises(HemiscaleError, match="is a web page or an error message"):
        fetch(unknown, attempts=2)
    assert not (tmp_path / "data" / NAME).exists()
    site.faults[f"/{NAME}"] = [fault]
    done = fetch(unknown)
    assert (tmp_path / "data" / NAME).read_bytes() == CONTENT
    assert done.unverified == done.downloaded  # nothing was known to compare it with


def test_error_page_with_a_known_size(fetch, remote, site, tmp_path):
    site.faults[f"/{NAME}"] = [{"page": True}]
    fetch(remote)
    assert (tmp_path / "data" / NAME).read_bytes() == CONTENT


def test_wrong_size_at_the_server_is_said_at_once(fetch, remote, site):
    site.faults[f"/{NAME}"] = [{"size": 1000}] * 5
    with pytest.raises(HemiscaleError, match="has 1000 bytes where 300002 are expected"):
        fetch(remote)
    assert len(site.requests) == 1


def test_damaged_bytes_are_fetched_again(fetch, remote, site, tmp_path):
    site.faults[f"/{NAME}"] = [{"flip": 5000}]
    fetch(remote)
    assert (tmp_path / "data" / NAME).read_bytes() == CONTENT


def test_bytes_that_stay_damaged_are_not_kept(fetch, remote, site, tmp_path):
    site.faults[f"/{NAME}"] = [{"flip": 5000}] * 50
    with pytest.raises(HemiscaleError, match="its MD5 is not the expected one"):
        fetch(remote, attempts=2)
    assert not (tmp_path / "data" / NAME).exists()
    assert len(site.requests) <= 20


def test_no_answer_in_time(fetch, remote, site, tmp_path):
    site.faults[f"/{NAME}"] = [{"hang": 0.6}]
    fetch(remote, timeout=(5.0, 0.2))
    assert (tmp_path / "data" / NAME).read_bytes() == CONTENT


def test_no_connection(fetch, tmp_path):
    nowhere = RemoteFile("http://127.0.0.1:9/x.nii.gz", "x.nii.gz", size=3)
    with pytest.raises(HemiscaleError, match=r"after 2 attempts in vain \(no connection\)"):
        fetch(nowhere, attempts=2)


@pytest.mark.parametrize(
    ("status", "message"),
    [(404, "is not there"), (403, "may not be read, or"), (401, "signing in"), (418, "status 418")],
)
def test_refusals_are_not_repeated(fetch, remote, site, status, message):
    site.faults[f"/{NAME}"] = [{"status": status}]
    with pytest.raises(HemiscaleError, match=message):
        fetch(remote)
    assert len(site.requests) == 1


def test_others_are_finished_when_one_fails(fetch, remote, site, tmp_path):
    missing = [RemoteFile(f"{site.url}/{k}.nii.gz", f"{k}.nii.gz", size=9) for k in range(12)]
    with pytest.raises(HemiscaleError) as caught:
        fetch(*missing, remote)
    lines = str(caught.value).splitlines()
    assert len(lines) == 12
    assert lines[-2] == "and 2 more files like these."
    assert lines[-1] == "1 other file(s) are finished and kept."
    assert (tmp_path / "data" / NAME).read_bytes() == CONTENT


def test_transfers_run_side_by_side_but_not_more_than_asked(fetch, site):
    site.slow = 0.1
    files = []
    for k in range(9):
        site.files[f"/{k}"] = b"x" * 1000
        files.append(RemoteFile(f"{site.url}/{k}", str(k), size=1000))
    fetch(*files, workers=3)
    assert site.most_active == 3


def test_room_on_the_disk_is_checked_first(fetch, remote, site, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 0, len(CONTENT) + 50))
    with pytest.raises(HemiscaleError, match=r"300\.0 kB are still to come but only 300\.1 kB are"):
        fetch(remote, reserve=100)
    assert site.requests == []
    fetch(remote, reserve=10)
    fetch(remote, reserve=10**15)  # nothing is to come, so no room is needed


def test_disk_that_fills_up(fetch, remote, site, tmp_path, monkeypatch):
    """The system refuses to write beyond half of the file, as on a full disk."""
    import hemiscale.datasets.transfer as transfer

    room = [150_000]

    def writing(stream, original):
        def write(block):
            fits = min(len(block), room[0])
            room[0] -= fits
            original(block[:fits])
            if fits < len(block):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return fits

        return write

    class Full:
        """A stream on a disk with little room."""

        def __init__(self, stream):
            self._stream = stream
            self.write = writing(stream, stream.write)

        def __getattr__(self, name):
            return getattr(self._stream, name)

    original = transfer._fill
    monkeypatch.setattr(
        transfer,
        "_fill",
        lambda session, file, stream, *rest: original(session, file, Full(stream), *rest),
    )
    others = [RemoteFile(f"{site.url}/{k}", f"{k}", size=5) for k in range(50)]
    site.files |= {f"/{k}": b"12345" for k in range(50)}
    with pytest.raises(HemiscaleError, match="the disk is full; free some space") as caught:
        fetch(remote, *others, workers=1)
    assert len(site.requests) < 10  # the rest is not tried
    assert "Traceback" not in str(caught.value)
    room[0] = 10**9
    fetch(remote, *others)
    assert site.ranges(f"/{NAME}")[-1] == "bytes=150000-"
    assert (tmp_path / "data" / NAME).read_bytes() == CONTENT


def test_folder_that_cannot_be_written(fetch, remote, tmp_path):
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(HemiscaleError, match="cannot be written"):
        fetch(remote)


def test_names_from_the_server_stay_in_the_folder(tmp_path):
    for path in ("../x", "/etc/x", "a/../../x", "a//b", "", "a\\..\\x", "a/./b"):
        with pytest.raises(HemiscaleError, match="no safe file name"):
            safe_target(tmp_path, path)
    assert safe_target(tmp_path, "a/b.txt") == tmp_path / "a" / "b.txt"


def test_two_files_of_one_name(fetch, remote):
    with pytest.raises(HemiscaleError, match="two files would be written"):
        fetch(remote, remote)


def test_two_processes_do_not_write_one_file(fetch, remote, tmp_path):
    import fcntl

    part = part_file(tmp_path / "data", remote)
    part.parent.mkdir(parents=True)
    with part.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(HemiscaleError, match="another process is downloading this file"):
            fetch(remote)
    fetch(remote)


def write(tmp_path, content):
    path = tmp_path / "file.bin"
    path.write_bytes(content)
    return path


def test_checksums_of_every_kind(tmp_path):
    content = os.urandom(12 << 20)
    path = write(tmp_path, content)

    def check(**known):
        return check_content(path, RemoteFile("u", "file.bin", **known))

    mib8 = [content[:8388608], content[8388608:]]
    parts = hashlib.md5(b"".join(hashlib.md5(p).digest() for p in mib8)).hexdigest()
    git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    for known in (
        {"sha256": hashlib.sha256(content).hexdigest()},
        {"etag": hashlib.md5(content).hexdigest()},
        {"etag": '"' + hashlib.md5(content).hexdigest().upper() + '"'},
        {"etag": f"{parts}-2"},
        {"git_blob": git},
    ):
        assert check(**known) == (None, True), known
    for known in ({"sha256": "0" * 64}, {"etag": "0" * 32}, {"git_blob": "0" * 40}):
        problem, verified = check(**known)
        assert problem is not None
        assert not verified
    # Parts of unknown size and weak tags say nothing.
    for etag in (f"{'0' * 32}-2", 'W/"abc"', "abc", None):
        assert check(etag=etag) == (None, False)
    assert check(size=5)[0] == f"has {len(content)} bytes where 5 are expected"


def test_pages_are_told_from_data(tmp_path):
    path = write(tmp_path, b"  <html>")
    assert "web page" in check_content(path, RemoteFile("u", "x.csv"))[0]
    assert check_content(path, RemoteFile("u", "x.html")) == (None, False)
    path = write(tmp_path, b"no gzip")
    assert "not compressed" in check_content(path, RemoteFile("u", "x.nii.gz"))[0]
