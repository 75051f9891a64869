"""A study on the surface, from GIFTI or CIFTI to tables and maps; the left follows the words."""

import importlib
import json
import warnings
from collections import Counter

import nibabel
import numpy as np
import pandas as pd
import pytest
from nibabel.cifti2 import BrainModelAxis, SeriesAxis
from rich.console import Console
from scipy.spatial import ConvexHull

from hemiscale.errors import HemiscaleError, HemiscaleWarning, InputError
from hemiscale.pipeline import check_study, read_inputs, run_study, study_status
from hemiscale.pipeline.brain_side import read_brain_side
from hemiscale.pipeline.helpers import Helpers
from hemiscale.pipeline.progress import Display
from hemiscale.results import ResultsFolder, file_digest, read_dataset
from hemiscale.study import read_study

STUDY = """\
name = "tiny-surface"
simulated = true

[stimulus]
words = "words.csv"
sections = [1, 2, 3]

[recordings]
kind = "surface"
left = "surf/sub-{subject}_run-{run}_hemi-L_bold.func.gii"
right = "surf/sub-{subject}_run-{run}_hemi-R_bold.func.gii"
subjects = ["s1", "s2"]
mesh_left = ["lh.surf.gii"]
mesh_right = ["rh.surf.gii"]
labels_left = "lh.label.gii"
labels_right = "rh.label.gii"
ceiling_splits = 2

[recordings.spheres]
side = [-60, 0, 0]

[baselines]
word_rate = true
"""

N, WALL = 80, 6  # vertices of a hemisphere, and those of its medial wall
SCANS = (70, 75, 80)


def write_series(path, values, side):
    arrays = [nibabel.gifti.GiftiDataArray(scan, "NIFTI_INTENT_TIME_SERIES") for scan in values]
    image = nibabel.gifti.GiftiImage(darrays=arrays)
    image.meta["AnatomicalStructurePrimary"] = side
    image.meta["TimeStep"] = "2000"
    path.parent.mkdir(exist_ok=True)
    nibabel.save(image, path)


def write_mesh(path, places, faces):
    arrays = [
        nibabel.gifti.GiftiDataArray(places.astype(np.float32), "NIFTI_INTENT_POINTSET"),
        nibabel.gifti.GiftiDataArray(faces.astype(np.int32), "NIFTI_INTENT_TRIANGLE"),
    ]
    nibabel.save(nibabel.gifti.GiftiImage(darrays=arrays), path)


def write_labels(path, labels):
    table = nibabel.gifti.GiftiLabelTable()
    for key, name in enumerate(("front", "back")):
        label = nibabel.gifti.GiftiLabel(key=key)
        label.label = name
        table.labels.append(label)
    array = nibabel.gifti.GiftiDataArray(labels.astype(np.int32), "NIFTI_INTENT_LABEL")
    nibabel.save(nibabel.gifti.GiftiImage(darrays=[array], labeltable=table), path)


@pytest.fixture
def bold():
    """Words of three runs, and scans of both hemispheres by subject and run."""
    from hemiscale.encoding import hrf_design

    rng = np.random.default_rng(1)
    tables, scans = [], {}
    for run, n_scans in enumerate(SCANS, start=1):
        onsets = np.cumsum(rng.uniform(0.25, 0.9, size=600))
        onsets = onsets[onsets < 2 * n_scans - 4]
        onsets = onsets[np.sin(onsets / (5 + 2 * run) + run) > -0.3]
        words = rng.choice(["fox", "rose", "well", "star"], len(onsets))
        tables.append(
            pd.DataFrame({"word": words, "onset": onsets, "offset": onsets + 0.2, "section": run})
        )
        rate = hrf_design(onsets, np.full(len(onsets), 0.2), n_scans, 2.0).sum(axis=1)
        rate = (rate - rate.mean()) / rate.std()
        for subject in ("s1", "s2"):
            noise = rng.normal(size=(2, n_scans, N)).astype(np.float32)
            noise[0] += 1.5 * rate[:, None].astype(np.float32)
            scans[subject, run] = 1000 + 10 * noise
    return pd.concat(tables), scans


@pytest.fixture
def surface_folder(tmp_path, bold):
    words, scans = bold
    folder = tmp_path / "study"
    folder.mkdir()
    rng = np.random.default_rng(2)
    points = rng.normal(size=(N, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    faces = ConvexHull(points).simplices
    points = points * [20, 50, 35] - [40, 0, 0]
    order = rng.permutation(N)  # the right side has other numbers: pairs are found by position
    write_mesh(folder / "lh.surf.gii", points, faces)
    write_mesh(folder / "rh.surf.gii", (points * [-1, 1, 1])[order], np.argsort(order)[faces])
    front = points[:, 1] < 0
    write_labels(folder / "lh.label.gii", front)
    write_labels(folder / "rh.label.gii", front[order])
    wall = np.argsort(-points[:, 0])[:WALL]  # nearest to the midline
    for (subject, run), (left, right) in scans.items():
        left, right = left.copy(), right[:, order].copy()
        left[:, wall] = 0
        right[:, np.isin(order, wall)] = 0
        stem = f"sub-{subject}_run-{run}_hemi"
        write_series(folder / f"surf/{stem}-L_bold.func.gii", left, "CortexLeft")
        write_series(folder / f"surf/{stem}-R_bold.func.gii", right, "CortexRight")
    words.to_csv(folder / "words.csv", index=False)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    np.save(tmp_path / "order.npy", order)
    return folder


@pytest.fixture
def no_page(monkeypatch):
    def write(folder):
        (folder / "report.html").write_text("")
        return folder / "report.html"

    monkeypatch.setattr("hemiscale.report.write_report", write)


def run(folder, out, **options):
    return run_study(read_study(folder / "study.toml"), out, quiet=True, **options)


def test_from_gifti_to_maps(surface_folder, tmp_path, no_page):
    out = tmp_path / "out"
    run(surface_folder, out)
    n_here = N - WALL
    scores = read_dataset(out / "scores/word-rate.nc")
    assert list(scores["subject"].values) == ["average", "s1", "s2"]
    assert scores.sizes["target"] == 2 * n_here
    side = scores["hemisphere"].values
    mean = scores["score"].mean(["layer", "run"])
    assert float(mean[:, side == "left"].mean()) > 0.6
    assert abs(float(mean[:, side == "right"].mean())) < 0.1

    # Homologues: the right side was shuffled.
    order = np.load(tmp_path / "order.npy")
    mirror, vertex = scores["mirror"].values, scores["vertex"].values
    left = np.flatnonzero(side == "left")
    np.testing.assert_array_equal(order[vertex[mirror[left]]], vertex[left])
    np.testing.assert_array_equal(mirror[mirror[left]], left)
    np.testing.assert_allclose(scores["x"].values[left], -scores["x"].values[mirror[left]])

    ceiling = read_dataset(out / "ceiling.nc")["reliability"].mean("split").values
    assert ceiling[side == "left"].mean() > 0.5 > abs(ceiling[side == "right"].mean())

    voxels = read_dataset(out / "voxels.nc")
    assert voxels.attrs["n_template"] == N
    names = set(voxels["region_name"].values)
    assert names == {"side_left", "side_right", "front_left", "front_right", "back_left",
                     "back_right"}  # fmt: skip
    members = dict(zip(voxels["region_name"].values, voxels["region"].values, strict=True))
    for name in ("side", "front", "back"):
        np.testing.assert_array_equal(
            np.sort(mirror[members[f"{name}_left"]]), np.flatnonzero(members[f"{name}_right"])
        )

    table = pd.read_csv(out / "tables/models.tsv", sep="\t").iloc[0]
    assert table["average_left"] - table["average_right"] == pytest.approx(
        table["average_left_minus_right"], abs=1e-5
    )
    assert table["average_left"] > 0.6
    regions = pd.read_csv(out / "tables/regions.tsv", sep="\t")
    assert {"front_left", "reliable", "all"} <= set(regions["region"])

    images = [nibabel.load(out / f"maps/score_word-rate_hemi-{k}.func.gii") for k in "LR"]
    assert [image.meta["AnatomicalStructurePrimary"] for image in images] == [
        "CortexLeft",
        "CortexRight",
    ]
    assert images[0].meta["Description"] == "simulated data"
    values = np.concatenate([image.darrays[0].data for image in images])
    assert np.isnan(values).sum() == 2 * WALL
    shown = values[np.where(side == "left", vertex, N + vertex)]
    np.testing.assert_allclose(shown, mean.sel(subject="average").values, atol=0.02)
    notes = json.loads((out / "diagnostics.json").read_text())["notices"]
    assert any("74 pairs are homologous" in note and "0.0 mm apart" in note for note in notes)


def test_again_does_nothing_and_gives_the_same_bytes(surface_folder, tmp_path, no_page):
    out, other = tmp_path / "out", tmp_path / "other"
    study = read_study(surface_folder / "study.toml")
    assert study_status(study, out).left == ["word-rate"]
    run(surface_folder, out)
    assert study_status(study, out).left == []
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*.nc")}
    run(surface_folder, out)
    assert {p: p.stat().st_mtime_ns for p in before if p.name != "voxels.nc"} == {
        p: t for p, t in before.items() if p.name != "voxels.nc"
    }
    run(surface_folder, other)
    for pattern in ("tables/*", "scores/*.nc", "maps/*", "ceiling.nc"):
        for path in sorted(out.glob(pattern)):
            assert file_digest(path) == file_digest(other / path.relative_to(out)), path


class Blind:
    """A cluster of workers who see no recording of one listener."""

    def __init__(self):
        self.asked = []

    def map(self, function, items, **common):
        for item in items:
            self.asked.append(function.__name__)
            yield None if getattr(item[0], "subject", "") == "s2" else function(*item, **common)


def test_recordings_are_cleaned_by_whoever_sees_them(surface_folder, tmp_path):
    study = read_study(surface_folder / "study.toml")
    inputs = read_inputs(study)
    cluster, display = Blind(), Display(Console(stderr=True), quiet=True)
    found = []
    for name, helpers in (("here", Helpers()), ("two", Helpers(2)), ("far", Helpers(1, cluster))):
        folder = ResultsFolder(tmp_path / name)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", HemiscaleWarning)
            read_brain_side(study, inputs, folder, display, helpers)
        said = [str(w.message) for w in caught if "workers do not see" in str(w.message)]
        assert bool(said) == (name == "far")
        found.append(
            {p.relative_to(folder.root): file_digest(p) for p in folder.root.rglob("*.nc")}
        )
    assert len(found[0]) == 3 * 3 + 2  # two listeners and their average, vertices, voxels
    assert found[0] == found[1] == found[2]
    asked = Counter(cluster.asked)
    assert asked == {"_vertices": 6, "_prepare_one": 6, "_average_one": 3}


def test_cifti_is_paired_by_number(surface_folder, bold, tmp_path, no_page):
    kept = np.arange(WALL, N)
    axis = BrainModelAxis.from_surface(kept, N, name="CORTEX_LEFT")
    axis += BrainModelAxis.from_surface(kept[1:], N, name="CORTEX_RIGHT")
    for (subject, number), (left, right) in bold[1].items():
        values = np.hstack([left[:, kept], right[:, kept[1:]]])
        image = nibabel.Cifti2Image(values, (SeriesAxis(0, 2.0, len(values)), axis))
        nibabel.save(image, surface_folder / f"surf/{subject}-{number}.dtseries.nii")
    text = STUDY
    for key in ("left", "right", "mesh_left", "mesh_right", "labels_left", "labels_right"):
        text = "\n".join(line for line in text.splitlines() if not line.startswith(f"{key} ="))
    text = text.replace("[recordings.spheres]\nside = [-60, 0, 0]\n", "")
    text = text.replace(
        'kind = "surface"',
        'kind = "surface"\npairing = "number"\nfiles = "surf/{subject}-{run}.dtseries.nii"',
    )
    (surface_folder / "study.toml").write_text(text)
    out = tmp_path / "out"
    run(surface_folder, out)
    scores = read_dataset(out / "scores/word-rate.nc")
    mirror, vertex = scores["mirror"].values, scores["vertex"].values
    assert mirror[0] == -1  # its partner is not in the file
    np.testing.assert_array_equal(vertex[mirror[1 : len(kept)]], kept[1:])
    assert "x" not in scores.coords
    mean = scores["score"].mean(["layer", "run", "subject"]).values
    assert mean[: len(kept)].mean() > 0.6 > abs(mean[len(kept) :].mean())


def rewrite(path, change):
    image = nibabel.load(path)
    values = np.stack([array.data for array in image.darrays])
    write_series(path, change(values).astype(np.float32), image.meta["AnatomicalStructurePrimary"])


def broken(values):
    values[3, 40] = np.nan
    return values


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        (lambda p: p.unlink(), ["hemi-R_bold.func.gii: run 2 of s2 is missing."]),
        (lambda p: p.write_bytes(p.read_bytes()[:3000]), ["is cut off; download it again."]),
        (lambda p: p.write_bytes(b"<html>404</html>"), ["is not a GIFTI series (.func.gii)."]),
        (
            lambda p: rewrite(p, lambda v: v[:-5]),
            ["has 75 scans and ", "hemi-R_bold.func.gii 70; they are not of one run."],
        ),
        (
            lambda p: rewrite(p, lambda v: v[:, :-1]),
            ["has 80 vertices and ", " 79; they are not of one template."],
        ),
        (
            lambda p: [
                rewrite(q, lambda v: v[:, :-1])
                for q in (p, p.with_name(p.name.replace("-R_", "-L_")))
            ],
            ["run 2 of s2 has 79 vertices on each side where most have 80; it is of another"],
        ),
        (
            lambda p: [
                rewrite(q, lambda v: v[:40]) for q in (p, p.with_name(p.name.replace("-R_", "-L_")))
            ],
            ["run 2 of s2 has 40 scans where most have 75.", "lasts 80 s (40 scans) but its story"],
        ),
        (
            lambda p: p.write_bytes(p.with_name(p.name.replace("-R_", "-L_")).read_bytes()),
            ["says that it is of CortexLeft where CortexRight is expected"],
        ),
        (
            lambda p: p.with_suffix("").with_suffix(".json").write_text('{"RepetitionTime": 3}'),
            [],
        ),
        (
            lambda p: p.with_name("sub-s2_run-2_hemi-L_bold.json").write_text(
                '{"RepetitionTime": 3}'
            ),
            ["the sidecar gives a TR of 3 s and the file 2 s."],
        ),
        (lambda p: rewrite(p, broken), ["vertices hold values that are not finite, the first is"]),
        (lambda p: rewrite(p, lambda v: v * 0), ["all vertices of a hemisphere are constant"]),
        (
            lambda p: (p.parents[1] / "lh.surf.gii").unlink(),
            ["lh.surf.gii: there is no such mesh."],
        ),
        (
            lambda p: (p.parents[1] / "lh.label.gii").write_text("x"),
            ["lh.label.gii: is no file of labels with names"],
        ),
    ],
)
def test_bad_input_is_said_in_a_sentence(surface_folder, change, sentences):
    change(surface_folder / "surf/sub-s2_run-2_hemi-R_bold.func.gii")
    study = read_study(surface_folder / "study.toml")
    if not sentences:
        check_study(study)
        return
    with pytest.raises(InputError) as caught:
        check_study(study)
    for sentence in sentences:
        assert sentence in str(caught.value)
    if "not finite" not in sentences[0] and "constant" not in sentences[0]:
        assert len(caught.value.problems) <= 3


def test_confounds_are_regressed_out(surface_folder, bold, tmp_path, no_page):
    rng = np.random.default_rng(5)
    for (subject, number), (left, _) in bold[1].items():
        table = pd.DataFrame({"rate": left.mean(axis=1), "csf": rng.normal(size=len(left))})
        table.to_csv(surface_folder / f"{subject}-{number}.tsv", sep="\t", index=False)
    path = surface_folder / "study.toml"
    path.write_text(
        STUDY.replace(
            "ceiling_splits = 2",
            'confounds = ["rate"]\nconfound_files = "{subject}-{run}.tsv"\nceiling_splits = 0',
        )
    )
    out = tmp_path / "out"
    run(surface_folder, out)
    scores = read_dataset(out / "scores/word-rate.nc")
    # What followed the words went with the mean of the left side.
    assert abs(float(scores["score"].mean())) < 0.1
    short = surface_folder / "s2-2.tsv"
    short.write_text("\n".join(short.read_text().splitlines()[:-3]))
    with pytest.raises(InputError, match=r"s2-2.tsv: has 72 rows where .* has 75 scans"):
        check_study(read_study(path))


def kept(out):
    files = [*out.glob("prepared/**/*.nc"), *out.glob("scores/*.nc")]
    return {path.relative_to(out): file_digest(path) for path in files}


@pytest.fixture(scope="module")
def whole():
    """What an undisturbed run stores, once there is one."""
    return {}


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("hemiscale.pipeline.brain_side", "analysis_vertices"),
        ("hemiscale.pipeline.brain_side", "prepare_surfaces"),
        ("hemiscale.brain.prepared_surfaces", "read_surface"),
    ],
)
def test_a_recording_that_changes_leaves_nothing(
    surface_folder, tmp_path, monkeypatch, no_page, whole, where, name
):
    path = surface_folder / "surf" / "sub-s2_run-2_hemi-R_bold.func.gii"
    good = path.read_bytes()
    module = importlib.import_module(where)
    function, times = getattr(module, name), []

    def changed_first(*arguments, **options):
        if not times:
            scans = [array.data for array in nibabel.load(path).darrays]
            write_series(path, scans[::-1], "CortexRight")
        times.append(1)
        return function(*arguments, **options)

    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr(module, name, changed_first)
        with pytest.raises(HemiscaleError, match=f"{path.name}: changed while the study was"):
            run(surface_folder, out, only=["word-rate"])
    assert not list(out.glob("scores/*"))
    path.write_bytes(good)
    run(surface_folder, out, only=["word-rate"])
    if not whole:
        run(surface_folder, tmp_path / "whole", only=["word-rate"])
        whole |= kept(tmp_path / "whole")
    assert len(whole) > 7
    assert kept(out) == whole
