import pytest

from hemiscale.datasets import alice_study
from hemiscale.errors import InputError
from hemiscale.study import read_study, study_toml

MINIMAL = """\
name = "tiny"

[stimulus]
words = "w.csv"
text = "t.txt"

[recordings]
files = "{subject}.txt"
subjects = ["s1", "s2"]
t_r = 2.0

[[recordings.regions]]
name = "L"
hemisphere = "left"
homologue = "R"

[[recordings.regions]]
name = "R"
hemisphere = "right"
homologue = "L"
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="study.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems(path):
    with pytest.raises(InputError) as caught:
        read_study(path)
    return caught.value.problems


def test_minimal_study_has_the_papers_defaults(write, tmp_path):
    study = read_study(write(MINIMAL))
    assert study.folder == str(tmp_path)
    assert study.stimulus.words == ["w.csv"]
    assert (study.encoding.penalty_low, study.encoding.penalty_high) == (1e2, 1e7)
    assert study.encoding.n_penalties == 16
    assert study.design.trim == 20
    assert study.activations.step == 64


def test_alice_study_is_valid():
    study = read_study(alice_study())
    assert len(study.recordings.subjects) == 27
    assert "s33" not in study.recordings.subjects
    assert [e.subject for e in study.recordings.excluded] == ["s33"]
    assert study.attribution
    assert "CC BY 4.0" in study.attribution


@pytest.mark.parametrize("source", ["alice", "minimal"])
def test_resolved_study_reads_back_equal(write, source):
    study = read_study(alice_study() if source == "alice" else write(MINIMAL))
    text = study_toml(study, versions={"hemiscale": "1.2"})
    assert text.startswith("# hemiscale 1.2\n")
    assert read_study(write(text, "resolved.toml")) == study


def test_resolved_study_escapes_text(write):
    study = read_study(write(MINIMAL)).model_copy(
        update={"title": 'a "b" \\ c\nd\te\x7f', "description": "Ünïcode — 狐"}
    )
    assert read_study(write(study_toml(study), "r.toml")) == study


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (("t_r = 2.0", "t_r = 2.0\nhigh_paas = 3"), 11, "'high_pass'"),
        (("[stimulus]", "[simulus]"), 3, "did you mean 'stimulus'"),
        (("t_r = 2.0", "t_r = -1"), 10, "greater than 0"),
        (("t_r = 2.0", ""), 7, "'recordings.t_r' is missing"),
        (("t_r = 2.0", 't_r = "two"'), 10, "valid number"),
        (('homologue = "L"', 'homologue = "X"'), 7, "which is no region"),
        (('homologue = "L"', ""), 7, "must name each other"),
        (('"s1", "s2"', '"s1", "s1"'), 7, "subjects twice: s1"),
        (("{subject}.txt", "data.txt"), 8, "placeholder {subject}"),
        (("{subject}.txt", "{subject}{x}.txt"), 8, "and no others"),
        (("{subject}.txt", "{subject.txt"), 8, "not closed"),
        (('name = "R"', 'name = "R"\nhemisfere = "x"'), 19, "did you mean 'hemisphere'"),
        (('"w.csv"', '["a", "b"]'), 3, "2 word table"),
    ],
)
def test_every_problem_names_line_and_remedy(write, change, line, message):
    assert change[0] in MINIMAL
    path = write(MINIMAL.replace(*change))
    found = [p for p in problems(path) if message in p]
    assert found, problems(path)
    assert found[0].startswith(f"{path}, line {line}:")


def test_all_problems_are_told_at_once(write):
    text = MINIMAL.replace("t_r = 2.0", "t_r = 0\nfoo = 1") + "\n[desing]\n"
    assert len(problems(write(text))) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name = ", "not valid TOML"),
        (b"\xff\xfe", "line 1: not UTF-8"),
        (b"name = 'a'\nx = '\xe9'", "line 2: not UTF-8"),
    ],
)
def test_unreadable_files(tmp_path, content, message):
    path = tmp_path / "s.toml"
    path.write_bytes(content)
    assert message in problems(path)[0]


def test_missing_file_and_folder(tmp_path):
    assert "no such study file" in problems(tmp_path / "x.toml")[0]
    assert "is a folder" in problems(tmp_path)[0]


def test_models_twice_are_refused(write):
    text = MINIMAL + '\n[[models]]\nname = "a"\n[[models]]\nname = "a"\n'
    assert any("models twice: a" in p for p in problems(write(text)))


VOLUMES = """\
name = "tiny"

[stimulus]
words = "words.csv"
sections = [1, 2, 3]

[recordings]
kind = "bids"
folder = "derivatives"
task = "story"
subjects = ["sub-s1", "s2"]
paper_regions = true
"""


def test_bids_study(write):
    study = read_study(write(VOLUMES))
    assert study.stimulus.n_runs == 3
    assert study.stimulus.sections == ["1", "2", "3"]
    assert study.recordings.subjects == ["s1", "s2"]
    assert study.recordings.voxel_size == 4
    assert read_study(write(study_toml(study), "resolved.toml")) == study


def test_study_of_an_average_subject(write):
    text = VOLUMES.replace('"bids"', '"volumes"').replace('task = "story"\n', "")
    text = text.replace('folder = "derivatives"', 'files = "run{run}.nii.gz"')
    text = text.replace('subjects = ["sub-s1", "s2"]\n', "")
    study = read_study(write(text + "[recordings.spheres]\nheschl = [-42, -22, 8]\n"))
    assert study.recordings.is_average
    assert study.recordings.spheres == {"heschl": (-42, -22, 8)}
    assert read_study(write(study_toml(study), "resolved.toml")) == study


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (('"bids"', '"bidz"'), 8, "did you mean 'bids'"),
        (('task = "story"', ""), 7, "'recordings.task' is missing"),
        (('task = "story"', 'task = "story"\nspase = "MNI"'), 11, "did you mean 'space'"),
        (
            ('task = "story"', 'task = "story"\nregions = []'),
            11,
            "unknown key 'recordings.regions'",
        ),
        (("paper_regions = true", "voxel_size = 0"), 12, "greater than 0"),
        (("paper_regions = true", 'atlas_names = "a.csv"'), 7, "without an atlas"),
        (("paper_regions = true", "average = false\nindividuals = false"), 7, "nothing is left"),
        (('"words.csv"', '["a.csv", "b.csv"]'), 3, "sections are read from one"),
        (("[1, 2, 3]", '[1, 2, 3]\ntext = ["a", "b"]'), 3, "names 3 section(s) but 2 text(s)"),
    ],
)
def test_problems_of_volume_studies_name_line_and_remedy(write, change, line, message):
    assert change[0] in VOLUMES
    path = write(VOLUMES.replace(*change))
    found = [p for p in problems(path) if message in p]
    assert found, problems(path)
    assert found[0].startswith(f"{path}, line {line}:")


def test_recordings_must_be_a_table(write):
    text = 'name = "x"\nrecordings = "data"\n[stimulus]\nwords = "w.csv"\n'
    assert any("'recordings' must be a table" in p for p in problems(write(text)))


def test_own_masks_go_with_individuals_alone(write):
    path = write(VOLUMES.replace("paper_regions = true", "own_masks = true"))
    assert any("own_masks, which go with average = false" in p for p in problems(path))
