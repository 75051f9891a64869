"""Regions from label files of both hemispheres."""

import nibabel
import numpy as np
import pytest

from hemiscale.brain import SurfaceVertices, label_regions, read_labels
from hemiscale.errors import InputError

N = 20
NAMES = {0: "???", 1: "L_V1", 2: "L_TE1", 3: "L_only"}


def write_labels(path, labels, names):
    table = nibabel.gifti.GiftiLabelTable()
    for key, name in names.items():
        label = nibabel.gifti.GiftiLabel(key=key)
        label.label = name
        table.labels.append(label)
    array = nibabel.gifti.GiftiDataArray(np.asarray(labels, np.int32), "NIFTI_INTENT_LABEL")
    nibabel.save(nibabel.gifti.GiftiImage(darrays=[array], labeltable=table), path)
    return path


@pytest.fixture
def sides(tmp_path):
    left = write_labels(tmp_path / "l.label.gii", np.arange(N) // 5, NAMES)
    names = {0: "Medial_wall", 1: "R_V1", 2: "R_TE1"}
    labels = np.minimum(np.arange(N) // 6, 2)
    right = tmp_path / "r.annot"
    nibabel.freesurfer.write_annot(
        right, labels, np.array([[k + 1, 0, 0, 0] for k in range(3)]), list(names.values())
    )
    return left, right


def test_regions_of_one_name_are_homologous(sides):
    vertices = SurfaceVertices(np.arange(4, N), np.arange(0, N, 2), N)
    found = {region.name: region for region in label_regions(*sides, vertices)}
    assert set(found) == {"V1_left", "V1_right", "TE1_left", "TE1_right", "only_left"}
    np.testing.assert_array_equal(vertices.left[found["V1_left"].voxels], np.arange(5, 10))
    on_right = vertices.right[found["TE1_right"].voxels - len(vertices.left)]
    np.testing.assert_array_equal(on_right, [12, 14, 16, 18])
    assert found["V1_left"].homologue == "V1_right"
    assert found["V1_right"].hemisphere == "right"
    assert found["only_left"].homologue == ""


def test_a_region_without_a_vertex_is_left_out(sides):
    vertices = SurfaceVertices(np.arange(5), np.arange(N), N)
    names = {region.name for region in label_regions(*sides, vertices)}
    assert names == {"V1_right", "TE1_right"}


def test_files_that_are_no_labels(tmp_path, sides):
    with pytest.raises(InputError, match="no such file of labels"):
        read_labels(tmp_path / "none.annot", N)
    with pytest.raises(InputError, match="has 20 vertices where the recordings have 21"):
        read_labels(sides[0], N + 1)
    (tmp_path / "x.annot").write_bytes(b"no")
    with pytest.raises(InputError, match="is no file of labels"):
        read_labels(tmp_path / "x.annot", N)
    with pytest.raises(InputError, match="is no file of labels"):
        read_labels(write_labels(tmp_path / "y.label.gii", np.zeros(N), {}), N)
    twice = write_labels(tmp_path / "z.label.gii", np.arange(N) // 10, {0: "V1", 1: "L_V1"})
    with pytest.raises(InputError, match="two regions are named"):
        label_regions(twice, sides[1], SurfaceVertices(np.arange(N), np.arange(N), N))


@pytest.mark.parametrize(
    "encoding", ["ASCII", "GIFTI_ENCODING_ASCII", "Base64Binary", "B64BIN", "B64GZ"]
)
def test_labels_within_the_file_are_read_in_every_encoding(sides, encoding):
    expected, names = read_labels(sides[0], N)
    image = nibabel.load(sides[0])
    image.darrays[0].encoding = nibabel.gifti.gifti.gifti_encoding_codes.code[encoding]
    nibabel.save(image, sides[0])
    written = nibabel.gifti.gifti.gifti_encoding_codes.specs[encoding]
    content = sides[0].read_text()
    assert f'Encoding="{written}"' in content
    sides[0].write_text(content.replace(f'Encoding="{written}"', f'Encoding="{encoding}"'))
    found, same = read_labels(sides[0], N)
    np.testing.assert_array_equal(found, expected)
    assert same == names
