"""Whatever a file holds, a parser returns or says in a sentence what is wrong. Nothing else."""

import warnings

import numpy as np
import pytest
from hypothesis import given, strategies

from hemiscale.brain import read_confounds, read_motion, read_region_table
from hemiscale.errors import HemiscaleWarning, InputError
from hemiscale.stimulus import align_words, read_text, read_words
from hemiscale.study import read_study

WORDS_CSV = 'word,onset,offset\nAlice,0.5,0.9\nwas,0.9,1.1\n"don\'t",1.2,1.5\n'
GENTLE = "Alice,alice,0.5,0.9\nwas,was,0.9,1.1\nvery,,,\n"
WORDS_TSV = 'onset\tduration\ttrial_type\n0.5\t0.4\tAlice\n0.9\t0.2\t"was"\n'
TEXTGRID_LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 2.0
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 2.0
        intervals: size = 2
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = ""
        intervals [2]:
            xmin = 0.5
            xmax = 2.0
            text = "Alice"
"""
TEXTGRID_SHORT = (
    'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n2\n<exists>\n1\n"IntervalTier"\n'
    '"words"\n0\n2\n2\n0\n0.5\n""\n0.5\n2\n"Alice"\n'
)
STUDY = """\
name = "tiny"
caveats = ["one", "two"]
[stimulus]
words = ["a.csv", "b.csv"]
text = ["a.txt", "b.txt"]
[recordings]
files = "{subject}-{run}.txt"
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
[design]
blocks = 4
[[models]]
name = "austen-0.1m"
untrained = [0, 1]
[baselines]
random_vectors = { dimensions = [20], seeds = 2 }
"""
VOLUMES = """\
name = "v"
[stimulus]
words = "a.csv"
[recordings]
kind = "bids"
folder = "bids"
task = "alice"
t_r = 2
[recordings.spheres]
x = [1, 2.5, -3]
"""
STORY = ["Alice", "was", "beginning", "to", "get", "very", "tired", "of", "sitting"]
REGIONS = "L R\n1.5 2.5\n1e3 -4\n3 4\n"
MOTION = "1 2 3 .1 .2 .3\n2 3 4 .1 .2 .3\n"
CONFOUNDS = "csf\twhite\nn/a\t1\n2.5\t3\n1e-3\t-4\n"

# Pieces that parsers trip over, to be put anywhere into a file that is otherwise good.
PIECES = [
    b"\0", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\r\n", b"\n", b"\n\n\n", b'"', b"'",
    b'""', b"[", b"]", b"[[", b"{", b"}", b"{}", b"{x}", b"{subject.__class__}", b"{0}", b"=",
    b",", b";", b"\t", b"#", b"\\", b"nan", b"inf", b"-inf", b"1e999", b"1e308", b"-1", b"0x10",
    b"1_000", b"9" * 400, b"9" * 5000, b"1e", b"true", b"2024-01-01", b"../../etc/passwd", b"/",
    b"\x1b[31m", "\u202e".encode(), "\u2028".encode(), "\x85".encode(), "٣".encode(), b"<exists>",
    b"intervals: size = 99999999999", b"size = 1e300", b"size = -1", b"[1]", b"x" * 5000,
]  # fmt: skip


@strategies.composite
def damaged(draw, *seeds):
    """One of the seeds with up to four cuts, flips, pieces put in, or parts doubled."""
    content = draw(strategies.sampled_from(seeds)).encode()
    for _ in range(draw(strategies.integers(0, 4))):
        start = draw(strategies.integers(0, len(content)))
        stop = min(len(content), start + draw(strategies.sampled_from([0, 1, 2, 5, 20, 200])))
        how = draw(strategies.sampled_from(["put", "cut", "double", "end", "bytes"]))
        if how == "put":
            inserted = draw(strategies.sampled_from(PIECES))
        elif how == "bytes":
            inserted = draw(strategies.binary(min_size=1, max_size=8))
        elif how == "double":
            inserted = content[start:stop] * draw(strategies.integers(2, 40))
        else:
            inserted = b""
        content = content[:start] + inserted + (b"" if how == "end" else content[stop:])
    return content


def survives(read, path, content):
    """Read a file; an `InputError` must be sentences about this file, and short enough to read."""
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HemiscaleWarning)
        try:
            return read(path)
        except InputError as error:
            problems = error.problems
    assert problems
    for problem in problems:
        assert path.name in problem
        assert len(problem) < 1000, problem[:200]
        assert "Traceback" not in problem
    return None


@given(content=damaged(STUDY, VOLUMES))
def test_study_files(tmp_path, content):
    study = survives(read_study, tmp_path / "study.toml", content)
    if study is not None:
        assert study.name


@given(content=damaged(WORDS_CSV, WORDS_TSV, GENTLE))
def test_word_tables(tmp_path, content):
    check_words(survives(read_words, tmp_path / "words.csv", content))


@given(content=damaged(TEXTGRID_LONG, TEXTGRID_SHORT))
def test_textgrids(tmp_path, content):
    check_words(survives(read_words, tmp_path / "words.TextGrid", content))


def check_words(words):
    if words is not None:
        times = words[["onset", "offset"]].to_numpy()
        assert np.isfinite(times).all()
        assert (times[:, 1] >= times[:, 0]).all()
        assert (np.diff(times[:, 0]) >= 0).all()
        assert all(isinstance(word, str) and word for word in words["word"])


@given(content=damaged(REGIONS))
def test_region_tables(tmp_path, content):
    values = survives(lambda path: read_region_table(path, ["L", "R"]), tmp_path / "a.txt", content)
    if values is not None:
        assert values.shape[1] == 2
        assert np.isfinite(values).all()


@given(content=damaged(MOTION))
def test_motion(tmp_path, content):
    values = survives(read_motion, tmp_path / "motion.txt", content)
    assert values is None or values.shape[1] == 6


@given(content=damaged(CONFOUNDS))
def test_confounds(tmp_path, content):
    values = survives(
        lambda path: read_confounds(path, ["csf", "white"]), tmp_path / "c.tsv", content
    )
    assert values is None or np.isfinite(values).all()


@given(content=damaged(" ".join(STORY * 5)))
def test_texts(tmp_path, content):
    text = survives(read_text, tmp_path / "t.txt", content)
    if text is None:
        return
    words = list(STORY) * 5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HemiscaleWarning)
        try:
            spans = align_words(words, text)
        except (InputError, ValueError):
            return
    assert spans.shape == (len(words), 2)
    assert (spans >= 0).all()
    assert (spans <= len(text)).all()
    assert (spans[1:, 0] >= spans[:-1, 1]).all()


def test_numbers_beyond_all_bounds(tmp_path):
    # Found by a long run.
    digits = b"9" * 5000
    survives(read_study, tmp_path / "study.toml", b"name = " + digits)
    survives(lambda path: read_confounds(path, ["a"]), tmp_path / "c.tsv", b"a\n1\n" + digits[:600])


@pytest.mark.parametrize("name", ["study.toml", "words.csv", "a.TextGrid", "regions.txt"])
def test_deep_and_long_files_end(tmp_path, name):
    readers = {
        "study.toml": read_study,
        "words.csv": read_words,
        "a.TextGrid": read_words,
        "regions.txt": lambda path: read_region_table(path, ["L"]),
    }
    for content in (b"[" * 100_000, b"a=" + b"{b=" * 5000, b"\n" * 200_000, b'"' * 100_000):
        assert survives(readers[name], tmp_path / name, content) is None
