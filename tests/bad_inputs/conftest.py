"""Damage a study that is good, ask the command line about it, and see what people read.

A case is data: which file, what is done to it, the exit code, and pieces of the sentences that must
be read. Whatever the case, nobody sees a traceback, nothing hangs, and no file changes.
"""

import functools
import gzip
import hashlib
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

LONGEST = 60  # seconds that a complaint may take


def damage(folder: Path, name: str, how: str, *what):
    """Damage one file of a folder.

    ``write CONTENT``, ``replace OLD NEW`` (the first), ``append``, ``prepend``, ``cut BYTES``
    (from the end), ``flip AT``, ``delete``, ``folder``, ``link`` (to nothing), ``gzip``,
    ``lines FUNCTION`` (of the list of lines), ``image FUNCTION`` (of a NIfTI image and its values).
    """
    path = folder / name
    if how == "delete":
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        return
    if how in ("folder", "link"):
        path.unlink()
        path.mkdir() if how == "folder" else path.symlink_to("nowhere")
        return
    content = path.read_bytes() if path.is_file() else b""
    if how == "write":
        content = as_bytes(what[0])
    elif how == "replace":
        assert as_bytes(what[0]) in content, f"{what[0]!r} is not in {name}"
        content = content.replace(as_bytes(what[0]), as_bytes(what[1]), 1)
    elif how == "append":
        content += as_bytes(what[0])
    elif how == "prepend":
        content = as_bytes(what[0]) + content
    elif how == "cut":
        content = content[: -what[0]]
    elif how == "flip":
        content = bytearray(content)
        content[what[0]] ^= 0x5A
    elif how == "gzip":
        content = gzip.compress(content)
    elif how == "image":
        import nibabel

        image = nibabel.load(path)
        changed = what[0](image, image.get_fdata().astype("float32"))
        path.unlink()
        nibabel.save(changed, path)
        return
    elif how == "lines":
        content = "\n".join(what[0](content.decode().splitlines())).encode()
    else:
        raise ValueError(how)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(content))


def as_bytes(content) -> bytes:
    return content.encode() if isinstance(content, str) else content


def digests(folder: Path) -> dict[str, str]:
    """Every file below a folder, links as links."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else "link"
        if path.is_symlink()
        else "folder"
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def hemiscale(monkeypatch, capfd, tmp_path):
    """Run a command in this process; give exit code and all that is read."""
    from hemiscale.cli import main

    def too_long(*arguments):
        raise AssertionError(f"no answer within {LONGEST} s")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["hemiscale", *map(str, arguments)])
        monkeypatch.chdir(tmp_path)
        capfd.readouterr()
        handler = signal.signal(signal.SIGALRM, too_long)
        signal.alarm(LONGEST)
        code = 0
        try:
            main()
        except SystemExit as error:
            code = error.code or 0
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, handler)
        shown = capfd.readouterr()
        return code, shown.out + shown.err

    return run


def complaint(ask, folder, edits, code, fragments, command=("check", "study.toml")):
    """Damage a folder, ask the command line, and check what it says; give all that is read."""
    for edit in edits:
        damage(folder, *edit)
    before = digests(folder)
    arguments = [folder / part if part.endswith(".toml") else part for part in command]
    ended, shown = ask(*arguments)
    assert digests(folder) == before, "a file was changed"
    assert "Traceback" not in shown, shown
    assert "fault of hemiscale" not in shown, shown
    missing = [fragment for fragment in fragments if fragment not in shown]
    assert not missing, f"{missing} not in what was shown:\n{shown}"
    assert ended == code, shown
    return shown


@pytest.fixture
def complains(hemiscale):
    """Damage a folder and check what the command line says about it."""
    return functools.partial(complaint, hemiscale)


@pytest.fixture
def really_complains(tmp_path):
    """The same by the real command, in a process of its own."""

    def ask(*arguments):
        ended = subprocess.run(
            [Path(sys.executable).with_name("hemiscale"), *map(str, arguments)],
            capture_output=True, text=True, timeout=LONGEST, cwd=tmp_path, check=False,
        )  # fmt: skip
        assert ended.stdout == "", "complaints are read on stderr"
        lines = ended.stderr.splitlines()
        assert len(lines) == 1, ended.stderr
        assert lines[0].startswith("error: ")
        return ended.returncode, ended.stderr

    return functools.partial(complaint, ask)


VOLUMES = """\
name = "volumes"
simulated = true

[stimulus]
words = ["run-1.csv", "run-2.csv"]

[recordings]
kind = "bids"
folder = "bids"
task = "story"
mask = "mask.nii.gz"
confounds = ["csf"]
ceiling_splits = 2

[design]
blocks = 2

[baselines]
word_rate = true
"""


@pytest.fixture(scope="session")
def good_volumes(tmp_path_factory):
    """Two listeners, two runs of two blocks, on a grid of 8 mm."""
    import nibabel
    import numpy as np

    folder = tmp_path_factory.mktemp("good") / "volumes"
    folder.mkdir()
    rng = np.random.default_rng(0)
    shape = (7, 6, 5)
    affine = np.diag([8.0, 8.0, 8.0, 1.0])
    affine[:3, 3] = [-24, -20, -16]
    for run in (1, 2):
        onsets = 1 + np.arange(200) * 0.6
        rows = [f"alice,{onset:.2f},{onset + 0.3:.2f}" for onset in onsets]
        (folder / f"run-{run}.csv").write_text("\n".join(["word,onset,offset", *rows]))
        for subject in ("01", "02"):
            stem = folder / f"bids/sub-{subject}/func/sub-{subject}_task-story_run-{run}"
            stem.parent.mkdir(parents=True, exist_ok=True)
            values = 100 + rng.normal(size=(*shape, 62))
            image = nibabel.Nifti1Image(values.astype(np.float32), affine)
            image.header.set_xyzt_units("mm", "sec")
            image.header.set_zooms((8, 8, 8, 2))
            nibabel.save(image, f"{stem}_bold.nii.gz")
            Path(f"{stem}_bold.json").write_text('{"RepetitionTime": 2.0}')
            numbers = "\n".join(map(str, rng.normal(size=62)))
            Path(f"{stem}_desc-confounds_timeseries.tsv").write_text(f"csf\n{numbers}\n")
    mask = np.zeros(shape, np.uint8)
    mask[1:-1, 1:-1, 1:-1] = 1
    nibabel.save(nibabel.Nifti1Image(mask, affine), folder / "mask.nii.gz")
    (folder / "study.toml").write_text(VOLUMES)
    return folder


@pytest.fixture
def volumes_folder(good_volumes, tmp_path):
    """A copy to damage."""
    return Path(shutil.copytree(good_volumes, tmp_path / "volumes"))


@pytest.fixture
def model_folder(study_folder):
    """A study with a model in a folder of its own, with its tokenizer."""
    import hemiscale.datasets

    ladder = Path(hemiscale.datasets.__file__).parent / "ladder"
    model = study_folder / "model"
    model.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(ladder / "austen-0.1m" / name, model)
    for path in (ladder / "tokenizer").iterdir():
        shutil.copy(path, model)
    study = study_folder / "study.toml"
    study.write_text(study.read_text() + '\n[[models]]\nname = "model"\n')
    return study_folder
