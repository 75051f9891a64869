"""Recordings on the surface, meshes and labels that are wrong: GIFTI and CIFTI."""

import bz2
import importlib.util
from pathlib import Path

import nibabel
import numpy as np
import pytest
from nibabel.cifti2 import BrainModelAxis, LabelAxis, ParcelsAxis, ScalarAxis, SeriesAxis

SPEC = importlib.util.spec_from_file_location(
    "surfaces_conftest", Path(__file__).with_name("conftest.py")
)
HERE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(HERE)
gifti, series, label_table, cifti = HERE.gifti, HERE.series, HERE.label_table, HERE.cifti
N, SCANS = HERE.VERTICES, HERE.SCANS

S = "study.toml"
LEFT, RIGHT = "surf/b_run-2_hemi-L_bold.func.gii", "surf/b_run-2_hemi-R_bold.func.gii"
MESH, LABELS = "lh.surf.gii", "lh.label.gii"
C = "surf/b_run-2_bold.dtseries.nii"
NO_GIFTI = f"{RIGHT}: is no GIFTI or CIFTI file, or is cut off; download it again."
NO_CIFTI = f"{C}: is no GIFTI or CIFTI file, or is cut off; download it again."
NO_SERIES = f"{C}: is not a CIFTI series of vertices over time (.dtseries.nii)."
NO_MESH = f"{MESH}: is no mesh (.surf.gii or FreeSurfer geometry), or is cut off."
NO_LABELS = f"{LABELS}: is no file of labels with names (.label.gii or .annot), or is cut off."
ELSEWHERE = "names another file that holds its values, which is not read; write it again"
EMPTY = "all vertices of a hemisphere are constant or NaN; the recording is empty."
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + k, b"&%c;" % (97 + k) * 10) for k in range(9))
    + b"]><GIFTI><MetaData><MD><Name>x</Name><Value>&j;</Value></MD></MetaData></GIFTI>"
)


def scans(path):
    return np.stack([array.data for array in nibabel.load(path).darrays])


def again(change, side="Right"):
    """Write a GIFTI series again with other values."""
    return lambda path: nibabel.save(series(change(scans(path)).astype(np.float32), side), path)


def arrays(change):
    """Write a GIFTI file of other arrays, which are made of those that are there."""

    def make(path):
        image = nibabel.load(path)
        made = change(*(array.data for array in image.darrays))
        nibabel.save(gifti(made, labels=image.labeltable), path)

    return make


def named(*names):
    """Write labels again with other names."""
    return lambda path: nibabel.save(
        gifti([("LABEL", nibabel.load(path).darrays[0].data)], labels=label_table(names)), path
    )


def copy_of(name):
    """Put another file of the study in the place of this one."""

    def make(path):
        folder = path.parent.parent if path.parent.name == "surf" else path.parent
        path.write_bytes((folder / name).read_bytes())

    return make


def everywhere(old, new):
    """Put other bytes in the place of some, wherever they stand."""

    def make(path):
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new))

    return make


def encoded(name):
    """Give the arrays another encoding, and name another file."""

    def make(path):
        everywhere(b'Encoding="GZipBase64Binary"', b'Encoding="%s"' % name)(path)
        everywhere(b'ExternalFileName=""', b'ExternalFileName="/etc/passwd"')(path)

    return make


elsewhere = encoded(b"ExternalFileBinary")


def bzipped(path):
    elsewhere(path)
    path.with_name(f"{path.name}.bz2").write_bytes(bz2.compress(path.read_bytes()))


def one_scan(what):
    def change(values):
        values = values.copy()
        values[3] = what
        return values

    return change


CASES = {
    "a file is missing": ([(RIGHT, "delete")], [f"{RIGHT}: run 2 of b is missing."]),
    "left without right": (
        [(name.replace("b_run-2", f"{s}_run-{k}"), "delete") for s in "ab" for k in (1, 2)
         for name in (RIGHT,)],
        ["surf/a_run-1_hemi-R_bold.func.gii: run 1 of a is missing.",
         "surf/b_run-2_hemi-R_bold.func.gii: run 2 of b is missing."],
    ),
    "left without right in the study": (
        [(S, "lines", lambda rows: [row for row in rows if not row.startswith("right =")])],
        ["study.toml, line 7: 'recordings' needs either files (CIFTI), or left and right"],
    ),
    "a link to nothing": ([(RIGHT, "link")], [f"{RIGHT}: there is no such file."]),
    "empty": ([(RIGHT, "write", b"")], [NO_GIFTI]),
    "cut off": ([(RIGHT, "cut", 4000)], [NO_GIFTI]),
    "cut off by a byte": ([(RIGHT, "cut", 2)], [NO_GIFTI]),
    "a flipped byte in a tag": ([(RIGHT, "flip", 60)], [NO_GIFTI]),
    "a flipped byte in the values": ([(RIGHT, "flip", 20_000)], [NO_GIFTI]),
    "another value in the values": (
        [(RIGHT, "replace", "<Data>eJ", "<Data>eK")], [NO_GIFTI],
    ),
    "not XML": ([(RIGHT, "write", bytes(range(256)) * 9)], [NO_GIFTI]),
    "a web page": (
        [(RIGHT, "write", "<html>404</html>")], [f"{RIGHT}: is not a GIFTI series (.func.gii)."],
    ),
    "a git-annex pointer": ([(RIGHT, "write", "/annex/objects/SHA256E-s12--abc\n")], [NO_GIFTI]),
    "a json message": ([(RIGHT, "write", '{"message": "rate limit"}')], [NO_GIFTI]),
    "compressed": ([(RIGHT, "gzip")], [NO_GIFTI]),
    "an unknown encoding": ([(RIGHT, "replace", "UTF-8", "UTF-x")], [NO_GIFTI]),
    "labels in an unknown encoding": ([(LABELS, "replace", "UTF-8", "UTF-x")], [NO_LABELS]),
    "entities that grow": ([(RIGHT, "write", BOMB)], [NO_GIFTI]),
    "a mesh": ([(RIGHT, "make", copy_of("rh.surf.gii"))],
               [f"{RIGHT}: its scans have different numbers of vertices."]),
    "labels": ([(RIGHT, "make", copy_of("rh.label.gii"))],
               [f"{RIGHT}: holds one map where a series of scans is expected."]),
    "the other hemisphere": (
        [(RIGHT, "make", copy_of(LEFT))],
        [f"{RIGHT}: says that it is of CortexLeft where CortexRight is expected"],
    ),
    "one scan": ([(RIGHT, "make", again(lambda x: x[:1]))],
                 [f"{RIGHT}: holds one map where a series of scans is expected."]),
    "fewer scans than the other side": (
        [(RIGHT, "make", again(lambda x: x[:-9]))],
        [f"{LEFT} has 62 scans and ", f"{RIGHT} 53; they are not of one run."],
    ),
    "fewer scans than the other runs": (
        [(RIGHT, "make", again(lambda x: x[:-9])), (LEFT, "make", again(lambda x: x[:-9], "Left"))],
        [f"{LEFT}: run 2 of b has 53 scans where most have 62."],
    ),
    "fewer vertices than the other side": (
        [(RIGHT, "make", again(lambda x: x[:, :-1]))],
        [f"{LEFT} has 24 vertices and ", f"{RIGHT} 23; they are not of one template."],
    ),
    "another template": (
        [(RIGHT, "make", again(lambda x: x[:, :-1])),
         (LEFT, "make", again(lambda x: x[:, :-1], "Left"))],
        [f"{LEFT}: run 2 of b has 23 vertices on each side where most have 24; it is of another"],
    ),
    "no vertices": ([(RIGHT, "make", everywhere(b'Dim0="24"', b'Dim0="0"'))], [NO_GIFTI]),
    "vertices below none": ([(RIGHT, "make", everywhere(b'Dim0="24"', b'Dim0="-24"'))], [NO_GIFTI]),
    "arrays without dimensions": (
        [(RIGHT, "make", everywhere(b'Dimensionality="1"', b'Dimensionality="0"'))], [NO_GIFTI],
    ),
    "scans of two columns": (
        [(RIGHT, "make", arrays(lambda *x: [("TIME_SERIES", np.stack([y, y], 1)) for y in x]))],
        [f"{RIGHT}: its scans are no lists of one value for each vertex."],
    ),
    "values of another type": (
        [(RIGHT, "make", everywhere(b"NIFTI_TYPE_FLOAT32", b"NIFTI_TYPE_FLOAT64"))], [NO_GIFTI],
    ),
    "values in another file": ([(RIGHT, "make", elsewhere)], [f"{RIGHT}: {ELSEWHERE}"]),
    "values in another file by another name": (
        [(RIGHT, "make", encoded(b"External"))], [f"{RIGHT}: {ELSEWHERE}"],
    ),
    "values in an unknown encoding": ([(RIGHT, "make", encoded(b"Extern"))], [NO_GIFTI]),
    "nan everywhere": ([(RIGHT, "make", again(lambda x: x * np.nan))], [f"{RIGHT}: {EMPTY}"]),
    "all zero": ([(RIGHT, "make", again(lambda x: x * 0))], [f"{RIGHT}: {EMPTY}"]),
    "nan in one scan": (
        [(RIGHT, "make", again(one_scan(np.nan)))],
        [f"{RIGHT}: 24 of 47 vertices hold values that are not finite, the first is vertex 0 on"],
    ),
    "infinite in one scan": (
        [(LEFT, "make", again(one_scan(np.inf), "Left"))],
        [f"{LEFT}: 24 of 47 vertices hold values that are not finite, the first is vertex 0 on"],
    ),
    "another TR": (
        [(LEFT, "replace", "2000", "3000"), (RIGHT, "replace", "2000", "3000")],
        [f"{LEFT}: the file gives a TR of 3 s where most have 2 s."],
    ),
    "no mesh": ([(MESH, "delete")], [f"{MESH}: there is no such mesh."]),
    "mesh is empty": ([(MESH, "write", b"")], [NO_MESH]),
    "mesh is cut off": ([(MESH, "cut", 400)], [NO_MESH]),
    "mesh with a flipped byte": ([(MESH, "flip", 900)], [NO_MESH]),
    "mesh is a series": ([(MESH, "make", copy_of(RIGHT))], [NO_MESH]),
    "mesh of other size": (
        [(MESH, "make", arrays(lambda x, f: [("POINTSET", x[:-1]), ("TRIANGLE", f[:5] * 0)]))],
        [f"{MESH}: has 23 vertices where the recordings have 24; it is of another template."],
    ),
    "mesh in a plane": (
        [(MESH, "make", arrays(
            lambda x, f: [("POINTSET", x[:, :2].copy()), ("TRIANGLE", f)]))],
        [NO_MESH],
    ),
    "mesh without places": (
        [(MESH, "make", arrays(lambda x, f: [("POINTSET", x * np.float32("nan")), ("TRIANGLE", f)]))],
        [NO_MESH],
    ),
    "mesh of vertices that are not there": (
        [(MESH, "make", arrays(lambda x, f: [("POINTSET", x), ("TRIANGLE", f + N)]))], [NO_MESH],
    ),
    "mesh in another space": (
        [(MESH, "make", arrays(
            lambda x, f: [("POINTSET", x + np.float32([0, 900, 0])), ("TRIANGLE", f)]))],
        ["template 'own mesh': no vertex of the left mesh has one on the right near its mirror"],
    ),
    "one mesh twice": (
        [(MESH, "make", copy_of("rh.surf.gii"))],
        ["template 'own mesh': the left mesh does not lie to the left of the right one"],
    ),
    "mesh with values in another file": ([(MESH, "make", elsewhere)], [f"{MESH}: {ELSEWHERE}"]),
    "mesh in another file by another name": (
        [(MESH, "make", encoded(b"GIFTI_ENCODING_EXTBIN"))], [f"{MESH}: {ELSEWHERE}"],
    ),
    "no labels": ([(LABELS, "delete")], [f"{LABELS}: there is no such file of labels."]),
    "labels are empty": ([(LABELS, "write", b"")], [NO_LABELS]),
    "labels are text": ([(LABELS, "write", "front back")], [NO_LABELS]),
    "labels are cut off": ([(LABELS, "cut", 100)], [NO_LABELS]),
    "labels are a series": ([(LABELS, "make", copy_of(RIGHT))], [NO_LABELS]),
    "labels of other size": (
        [(LABELS, "make", arrays(lambda x: [("LABEL", x[:-1])]))],
        [f"{LABELS}: has 23 vertices where the recordings have 24; it is of another template."],
    ),
    "labels of one name": (
        [(LABELS, "make", named("front", "front"))], [f"{LABELS}: two regions are named 'front'."],
    ),
    "labels in another file": ([(LABELS, "make", elsewhere)], [f"{LABELS}: {ELSEWHERE}"]),
    **{
        f"labels in another file by the name {name}": (
            [(LABELS, "make", encoded(name.encode()))], [f"{LABELS}: {ELSEWHERE}"],
        )
        for name in ("External", "GIFTI_ENCODING_EXTBIN")
    },
    "labels in another file, compressed": (
        [(LABELS, "make", bzipped), (S, "replace", LABELS, f"{LABELS}.bz2")],
        [NO_LABELS.replace(LABELS, f"{LABELS}.bz2", 1)],
    ),
}  # fmt: skip


def random(*shape):
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


KEPT = np.arange(1, N)


def models(*names, n_vertices=N):
    made = [BrainModelAxis.from_surface(KEPT, n_vertices, name=name) for name in names]
    return made[0] if len(made) == 1 else made[0] + made[1]


BOTH = models("CORTEX_LEFT", "CORTEX_RIGHT")
TIME = SeriesAxis(0, 2.0, SCANS)
MAPS = [str(k) for k in range(SCANS)]


def image_of(values, *axes):
    return lambda path: nibabel.save(nibabel.Cifti2Image(values, axes), path)


def recast(change):
    """Write a CIFTI series again with other values."""

    def make(path):
        values = np.asarray(nibabel.load(path, mmap=False).dataobj)
        nibabel.save(cifti(change(values).astype(np.float32), KEPT, KEPT), path)

    return make


def vertices(left):
    return lambda path: nibabel.save(cifti(random(SCANS, len(left) + N - 1), left, KEPT), path)


CIFTIS = {
    "a file is missing": ([(C, "delete")], [f"{C}: run 2 of b is missing."]),
    "empty": ([(C, "write", b"")], [NO_CIFTI]),
    "cut off": ([(C, "cut", 4000)], [f"{C}: the file is cut off or damaged; download it again."]),
    "cut off in the header": ([(C, "make", lambda p: p.write_bytes(p.read_bytes()[:700]))],
                              [NO_CIFTI]),
    "flipped bytes in the header": ([(C, "flip", 560)], [NO_CIFTI]),
    "a dimension without a meaning": (
        [(C, "replace", 'AppliesToMatrixDimension="1"', 'AppliesToMatrixDimension="9"')],
        [f"{C}: ", "cut off", "; download it again."],
    ),
    "text": ([(C, "write", "a series")], [NO_CIFTI]),
    "a web page": ([(C, "write", "<html>404</html>")], [NO_CIFTI]),
    "a git lfs pointer": (
        [(C, "write", "version https://git-lfs.github.com/spec/v1\noid sha256:ab\n")], [NO_CIFTI],
    ),
    "a GIFTI series": (
        [(C, "make", lambda path: path.write_bytes(series(random(3, N), "Left").to_bytes()))],
        [NO_CIFTI],
    ),
    "a volume": (
        [(C, "make", lambda p: nibabel.save(nibabel.Nifti1Image(random(4, 4, 4, 62), np.eye(4)), p))],
        [NO_SERIES],
    ),
    "labels": (
        [(C, "make", image_of(random(SCANS, 46), LabelAxis(MAPS, [{0: ("a", (0,) * 4)}] * SCANS),
                              BOTH))],
        [NO_SERIES],
    ),
    "connectivity": ([(C, "make", image_of(random(46, 46), BOTH, BOTH))], [NO_SERIES]),
    "parcels": (
        [(C, "make", image_of(random(SCANS, 1), TIME, ParcelsAxis.from_brain_models([("p", BOTH)])))],
        [NO_SERIES],
    ),
    "turned round": ([(C, "make", image_of(random(46, SCANS), BOTH, TIME))], [NO_SERIES]),
    "one map": (
        [(C, "make", image_of(random(1, 46), ScalarAxis(["a"]), BOTH))],
        [f"{C}: holds one map where a series of scans is expected."],
    ),
    "left without right": (
        [(C, "make", image_of(random(SCANS, 23), TIME, models("CORTEX_LEFT")))],
        [f"{C}: has no CIFTI_STRUCTURE_CORTEX_RIGHT."],
    ),
    "cerebellum alone": (
        [(C, "make", image_of(random(SCANS, 23), TIME, models("CEREBELLUM")))],
        [f"{C}: has no CIFTI_STRUCTURE_CORTEX_LEFT and no CIFTI_STRUCTURE_CORTEX_RIGHT."],
    ),
    "fewer scans": (
        [(C, "make", recast(lambda x: x[:-9]))],
        [f"{C}: run 2 of b has 53 scans where most have 62."],
    ),
    "another template": (
        [(C, "make", image_of(random(SCANS, 46), TIME,
                              models("CORTEX_LEFT", "CORTEX_RIGHT", n_vertices=30)))],
        [f"{C}: run 2 of b has 30 vertices on each side where most have 24; it is of another"],
    ),
    "sides of two templates": (
        [(C, "make", image_of(random(SCANS, 46), TIME,
                              models("CORTEX_LEFT") + models("CORTEX_RIGHT", n_vertices=30)))],
        [f"{C}: the hemispheres have 24 and 30 vertices; they are not of one template."],
    ),
    "a vertex twice": (
        [(C, "make", vertices(np.array([1, 2, 2, 3])))],
        [f"{C}: its vertices on the left are not numbers below 24 in ascending order"],
    ),
    "vertices out of order": (
        [(C, "make", vertices(KEPT[::-1]))],
        [f"{C}: its vertices on the left are not numbers below 24 in ascending order"],
    ),
    "nan everywhere": ([(C, "make", recast(lambda x: x * np.nan))], [f"{C}: {EMPTY}"]),
    "all zero": ([(C, "make", recast(lambda x: x * 0))], [f"{C}: {EMPTY}"]),
    "nan in one scan": (
        [(C, "make", recast(one_scan(np.nan)))],
        [f"{C}: 46 of 46 vertices hold values that are not finite, the first is vertex 1 on the"],
    ),
    "another TR": (
        [(C, "make", image_of(random(SCANS, 46), SeriesAxis(0, 3.0, SCANS), BOTH))],
        [f"{C}: the file gives a TR of 3 s where most have 2 s."],
    ),
}  # fmt: skip


def test_good_ones_pass(surfaces_folder, cifti_folder, complains):
    for folder in (surfaces_folder, cifti_folder):
        assert "nothing is wrong" in complains(folder, [], 0, [])


@pytest.mark.parametrize("case", CASES)
def test_gifti(case, surfaces_folder, complains):
    edits, fragments = CASES[case]
    complains(surfaces_folder, edits, 2, fragments)


@pytest.mark.parametrize("case", CIFTIS)
def test_cifti(case, cifti_folder, complains):
    edits, fragments = CIFTIS[case]
    complains(cifti_folder, edits, 2, fragments)


@pytest.mark.parametrize("case", ["a flipped byte in the values", "nan everywhere"])
def test_run_says_the_same_as_check(case, surfaces_folder, complains, tmp_path):
    edits, fragments = CASES[case]
    command = ("run", S, "--out", str(tmp_path / "out"), "--quiet")
    complains(surfaces_folder, edits, 2, fragments, command)
    assert not list((tmp_path / "out").rglob("*.nc"))
