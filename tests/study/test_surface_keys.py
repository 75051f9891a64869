"""Recordings on the surface in a study file: what goes together, and what does not."""

import pytest

from hemiscale.errors import InputError
from hemiscale.study import SurfaceFiles, read_study, study_toml

HEAD = """\
name = "x"
[stimulus]
words = ["a.csv", "b.csv"]
[recordings]
kind = "surface"
"""
PAIR = 'left = "{subject}_{run}_L.gii"\nright = "{subject}_{run}_R.gii"\nsubjects = ["s1", "s2"]\n'


@pytest.fixture
def read(tmp_path):
    def read(lines):
        path = tmp_path / "study.toml"
        path.write_text(HEAD + lines, encoding="utf-8")
        return read_study(path)

    return read


def test_gifti_of_several_subjects(read, tmp_path):
    study = read(PAIR + 'template = "fsaverage5"\npaper_regions = true\n')
    recordings = study.recordings
    assert isinstance(recordings, SurfaceFiles)
    assert len(recordings.patterns) == 2
    assert not recordings.is_average
    assert (recordings.high_pass, recordings.ceiling_splits) == (128, 10)
    # Written out and read again it is the same.
    path = tmp_path / "again.toml"
    path.write_text(study_toml(study), encoding="utf-8")
    assert read_study(path).recordings == recordings


def test_cifti_of_an_average_subject(read):
    recordings = read('files = "{run}.dtseries.nii"\ntemplate = "fsLR"\n').recordings
    assert recordings.is_average
    assert recordings.patterns == ["{run}.dtseries.nii"]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ('template = "fsLR"\n', "needs either files (CIFTI), or left and right"),
        ('left = "{run}"\ntemplate = "fsLR"\n', "needs either files (CIFTI), or left and right"),
        (PAIR + 'files = "{run}"\ntemplate = "fsLR"\n', "needs either files (CIFTI), or left"),
        (PAIR, "names neither template nor mesh_left and mesh_right"),
        (PAIR + 'mesh_left = ["a"]\n', "needs both mesh_left and mesh_right, or neither"),
        (
            PAIR + 'mesh_left = ["a"]\nmesh_right = ["b", "c"]\n',
            "needs as many surfaces in mesh_left as in mesh_right",
        ),
        (
            PAIR + 'template = "fsLR"\nlabels_left = "a"\n',
            "needs both labels_left and labels_right, or neither",
        ),
        (PAIR + 'template = "fsLR"\npaper_regions = true\n', "which need the places of the"),
        (PAIR + 'template = "fsLR"\nconfounds = ["csf"]\n', "needs both confounds (columns)"),
        (PAIR.replace("{subject}_", "", 1) + 'template = "fsLR"\n', "in one of left and right"),
        ('files = "{subject}"\ntemplate = "fsLR"\n', "so subjects must name them"),
        ('files = "{run}"\ntemplate = "fsLR"\nsubjects = ["s"]\n', "must hold the placeholder"),
        ('files = "{run}"\ntemplate = "fsLR"\naverage = false\n', "average cannot be false"),
        ('files = "{runs}"\ntemplate = "fsLR"\n', "and no others"),
        (PAIR + 'template = "fsaverage7"\n', "'recordings.template' cannot be 'fsaverage7'"),
        (PAIR + 'template = "fsLR"\nsmoothing = 4\n', "unknown key 'recordings.smoothing'"),
        (PAIR + 'template = "fsLR"\nmesh_lft = ["a"]\n', "did you mean 'mesh_left'"),
    ],
)
def test_what_does_not_go_together(read, lines, sentence):
    with pytest.raises(InputError) as caught:
        read(lines)
    assert sentence in str(caught.value)


def test_kind_that_is_nearly_right(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(HEAD.replace('"surface"', '"surfaces"'), encoding="utf-8")
    with pytest.raises(InputError, match="did you mean 'surface'"):
        read_study(path)
