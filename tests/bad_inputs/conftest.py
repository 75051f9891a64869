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
    ``lines FUNCTION`` (of the list of lines), ``image FUNCTION`` (of a NIfTI image and its values),
    ``make FUNCTION`` (of the path).
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
    elif how == "make":
        what[0](path)
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


SURFACES = """\
name = "surfaces"
simulated = true

[stimulus]
words = ["run-1.csv", "run-2.csv"]

[recordings]
kind = "surface"
left = "surf/{subject}_run-{run}_hemi-L_bold.func.gii"
right = "surf/{subject}_run-{run}_hemi-R_bold.func.gii"
subjects = ["a", "b"]
mesh_left = ["lh.surf.gii"]
mesh_right = ["rh.surf.gii"]
labels_left = "lh.label.gii"
labels_right = "rh.label.gii"
ceiling_splits = 2

[design]
blocks = 2

[baselines]
word_rate = true
"""

CIFTI = """\
name = "cifti"
simulated = true

[stimulus]
words = ["run-1.csv", "run-2.csv"]

[recordings]
kind = "surface"
files = "surf/{subject}_run-{run}_bold.dtseries.nii"
subjects = ["a", "b"]
pairing = "number"
ceiling_splits = 2

[design]
blocks = 2

[baselines]
word_rate = true
"""

VERTICES, SCANS = 24, 62


def gifti(arrays, side=None, labels=None):
    """A GIFTI image of arrays by intent."""
    import nibabel

    made = [nibabel.gifti.GiftiDataArray(a, f"NIFTI_INTENT_{intent}") for intent, a in arrays]
    image = nibabel.gifti.GiftiImage(darrays=made, labeltable=labels)
    if side:
        image.meta["AnatomicalStructurePrimary"] = f"Cortex{side}"
        image.meta["TimeStep"] = "2000"
    return image


def series(values, side):
    """A GIFTI series of (n_scans, n_vertices) values."""
    return gifti([("TIME_SERIES", scan) for scan in values], side)


def label_table(names):
    """A table of labels from 0."""
    import nibabel

    table = nibabel.gifti.GiftiLabelTable()
    for key, name in enumerate(names):
        label = nibabel.gifti.GiftiLabel(key=key)
        label.label = name
        table.labels.append(label)
    return table


def cifti(values, left, right, n_vertices=VERTICES):
    """A CIFTI series of (n_scans, n_columns) values on the vertices of both sides."""
    import nibabel

    axis = nibabel.cifti2.BrainModelAxis.from_surface(left, n_vertices, name="CORTEX_LEFT")
    axis += nibabel.cifti2.BrainModelAxis.from_surface(right, n_vertices, name="CORTEX_RIGHT")
    return nibabel.Cifti2Image(
        values, (nibabel.cifti2.SeriesAxis(0, 2.0, len(values)), axis), dtype="float32"
    )


def write_words(folder):
    """Words of two runs of two minutes."""
    for run in (1, 2):
        onsets = [1 + 0.3 * run + 0.6 * k for k in range(195)]
        rows = [f"alice,{onset:.2f},{onset + 0.3:.2f}" for onset in onsets]
        (folder / f"run-{run}.csv").write_text("\n".join(["word,onset,offset", *rows]))


@pytest.fixture(scope="session")
def good_surfaces(tmp_path_factory):
    """Two listeners, two runs of two blocks: GIFTI on a mesh of 24 vertices a side."""
    import nibabel
    import numpy as np
    from scipy.spatial import ConvexHull

    folder = tmp_path_factory.mktemp("good") / "surfaces"
    (folder / "surf").mkdir(parents=True)
    write_words(folder)
    rng = np.random.default_rng(0)
    points = rng.normal(size=(VERTICES, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    faces = ConvexHull(points).simplices.astype(np.int32)
    points = points * [20, 50, 35] - [40, 0, 0]
    for letter, side, sign in (("l", "Left", 1), ("r", "Right", -1)):
        places = (points * [sign, 1, 1]).astype(np.float32)
        nibabel.save(
            gifti([("POINTSET", places), ("TRIANGLE", faces)]), folder / f"{letter}h.surf.gii"
        )
        labels = (points[:, 1] < 0).astype(np.int32)
        image = gifti([("LABEL", labels)], labels=label_table(["front", "back"]))
        nibabel.save(image, folder / f"{letter}h.label.gii")
        for subject in "ab":
            for run in (1, 2):
                values = (100 + rng.normal(size=(SCANS, VERTICES))).astype(np.float32)
                values[:, 0] = 0  # the medial wall
                name = f"surf/{subject}_run-{run}_hemi-{letter.upper()}_bold.func.gii"
                nibabel.save(series(values, side), folder / name)
    (folder / "study.toml").write_text(SURFACES)
    return folder


@pytest.fixture(scope="session")
def good_cifti(tmp_path_factory):
    """Two listeners, two runs of two blocks: CIFTI on 24 vertices a side."""
    import nibabel
    import numpy as np

    folder = tmp_path_factory.mktemp("good") / "cifti"
    (folder / "surf").mkdir(parents=True)
    write_words(folder)
    rng = np.random.default_rng(0)
    kept = np.arange(1, VERTICES)
    for subject in "ab":
        for run in (1, 2):
            values = (100 + rng.normal(size=(SCANS, 2 * len(kept)))).astype(np.float32)
            image = cifti(values, kept, kept)
            nibabel.save(image, folder / f"surf/{subject}_run-{run}_bold.dtseries.nii")
    (folder / "study.toml").write_text(CIFTI)
    return folder


@pytest.fixture
def surfaces_folder(good_surfaces, tmp_path):
    """A copy to damage."""
    return Path(shutil.copytree(good_surfaces, tmp_path / "surfaces"))


@pytest.fixture
def cifti_folder(good_cifti, tmp_path):
    """A copy to damage."""
    return Path(shutil.copytree(good_cifti, tmp_path / "cifti"))
