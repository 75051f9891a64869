"""Word tables as people have them, and one sentence for each thing that can be wrong."""

import math

import pandas as pd
import pytest

from hemiscale.datasets import petit_prince_words
from hemiscale.errors import HemiscaleWarning, InputError
from hemiscale.stimulus import read_words

EXPECTED = pd.DataFrame(
    {
        "word": pd.Series(["Once", "upon", "a"], dtype=object),
        "onset": [0.0, 0.5, 0.75],
        "offset": [0.5, 0.75, 1.0],
    }
)
ROWS = list(EXPECTED.itertuples(index=False))


@pytest.fixture
def write(tmp_path):
    def write(content, name="words.csv", encoding="utf-8", newline="\n"):
        path = tmp_path / name
        path.write_bytes(content.replace("\n", newline).encode(encoding))
        return path

    return write


def table(header, separator=",", line="{word}{s}{onset}{s}{offset}"):
    lines = [
        line.format(
            s=separator, word=w, onset=on, offset=off, duration=off - on, k=k, upper=w.upper()
        )
        for k, (w, on, off) in enumerate(ROWS)
    ]
    return "\n".join(([separator.join(header)] if header else []) + lines) + "\n"


FORMATS = {
    "csv": table(["word", "onset", "offset"]),
    "BIDS events": table(
        ["onset", "duration", "trial_type"], "\t", "{onset}{s}{duration}{s}{word}"
    ),
    "BIDS with value": table(["onset", "duration", "value"], "\t", "{onset}{s}{duration}{s}{word}"),
    "semicolons": table(["Word", "Start", "End"], ";"),
    "other names": table(["token", "start_time", "end_time"]),
    "spaces around names": table([" word ", " onset", "offset "]),
    "more columns": table(
        ["", "word", "lemma", "onset", "offset", "pos"],
        ",",
        "{k}{s}{word}{s}{upper}{s}{onset}{s}{offset}{s}DET",
    ),
    "gentle": table(None, ",", "{word}{s}{upper}{s}{onset}{s}{offset}"),
    "quoted cells": table(["word", "onset", "offset"], ",", '"{word}"{s}"{onset}"{s}"{offset}"'),
    "quoted tsv": table(["word", "onset", "offset"], "\t", '"{word}"{s}{onset}{s}{offset}'),
    "empty lines": "\n" + table(["word", "onset", "offset"]).replace("\n", "\n\n"),
}


@pytest.mark.parametrize("content", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_usual_formats(write, content, newline, encoding):
    pd.testing.assert_frame_equal(
        read_words(write(content, encoding=encoding, newline=newline)), EXPECTED
    )


def test_a_word_may_hold_a_comma_or_a_quotation_mark(write):
    path = write('word,onset,offset\n"well, ",0,1\n"""no""",1,2\n')
    assert list(read_words(path)["word"]) == ["well,", '"no"']
    path = write('word\tonset\toffset\n"No\t0\t1\nshe"\t1\t2\n', "words.tsv")
    assert list(read_words(path)["word"]) == ['"No', 'she"']


def test_words_that_look_like_missing_values_are_words(write):
    path = write("word,onset,offset\nNA,0,1\nnull,1,2\nnan,2,3\n007,3,4\n")
    assert list(read_words(path)["word"]) == ["NA", "null", "nan", "007"]


def test_petit_prince_table_has_its_words_and_runs():
    with pytest.warns(HemiscaleWarning, match="without a word"):
        words = [read_words(petit_prince_words(), section=section) for section in range(1, 10)]
    rows = pd.read_csv(petit_prince_words(), keep_default_na=False)
    assert sum(map(len, words)) == len(rows) - (rows["word"] == "").sum() == 15345
    # Row 334 of the data set: "hasnt" and its rest.
    hasnt = words[0].loc[words[0]["word"] == "hasnt"].iloc[0]
    assert hasnt[["onset", "offset"]].tolist() == pytest.approx([125.488, 125.858])


SECTIONS = "word,onset,offset,section\na,0,1,1\nb,1,2,1\nc,0,1,2\n"


def test_sections(write):
    path = write(SECTIONS)
    assert list(read_words(path, section=1)["word"]) == ["a", "b"]
    assert list(read_words(path, section="2")["word"]) == ["c"]
    with pytest.raises(InputError, match=r"no section 3; it has 1, 2\."):
        read_words(path, section=3)
    with pytest.raises(InputError, match=r"holds 2 runs \(1, 2\)"):
        read_words(path)


def test_gentle_leaves_out_what_it_could_not_time(write):
    path = write("Once,once,0,0.5\nupon,upon,,\na,a,0.75,1\n", "align.csv")
    with pytest.warns(HemiscaleWarning, match=r"1 of 3 words; they are left out: 'upon' \(row 2\)"):
        words = read_words(path)
    assert list(words["word"]) == ["Once", "a"]


def test_a_row_without_a_word_is_the_rest_of_the_word_before(write):
    path = write("word,onset,offset\nhasnt,0,0.2\n,0.2,0.4\nbeen,0.5,0.6\n")
    with pytest.warns(HemiscaleWarning, match=r"taken as its rest \(row 3\)"):
        words = read_words(path)
    assert words.values.tolist() == [["hasnt", 0, 0.4], ["been", 0.5, 0.6]]


BAD = {
    "empty word after a pause": ("word,onset,offset\na,0,1\n,2,3\n", "row 3: the word is empty"),
    "empty word first": ("word,onset,offset\n,0,1\n", "row 2: the word is empty"),
    "no number": ("word,onset,offset\na,soon,1\n", "row 2: the onset 'soon' is not a number"),
    "nan": ("word,onset,offset\na,NaN,1\n", "row 2: the onset 'NaN' is not a number"),
    "n/a": ("onset\tduration\tword\n1\tn/a\ta\n", "row 2: the duration 'n/a' is not a number"),
    "missing": ("word,onset,offset\na,,1\n", "row 2: the onset '' is not a number"),
    "infinite": ("word,onset,offset\na,0,inf\n", "row 2: the offset 'inf' is not a number"),
    "decimal comma": ("word;onset;offset\na;0,5;1\n", "row 2: the onset '0,5' is not a number"),
    "backwards": ("word,onset,offset\na,2,1\n", r"row 2: 'a' ends \(1 s\) before it begins"),
    "order": (
        "word,onset,offset\na,0,1\nb,5,6\nc,3,4\nd,6,7\n",
        r"row 4: the onset 3 s is before that of row 3 \(5 s\)",
    ),
    "no header": ("a;0;1\nb;1;2\n", "row 1: expected a header with columns word, onset"),
    "other columns": ("Wort,Anfang,Ende\na,0,1\n", "found 'Wort', 'Anfang', 'Ende'"),
    "only onsets": ("word,onset\na,0\n", "offset or duration"),
    "short row": ("word,onset,offset\na,0\n", "row 2: has too few columns"),
    "header only": ("word,onset,offset\n", "holds no words"),
    "empty": ("", "the table is empty"),
    "blank": ("\n \n\n", "the table is empty"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "sentence"), BAD.values(), ids=BAD)
def test_what_is_wrong_has_its_sentence(write, content, sentence):
    path = write(content)
    with pytest.raises(InputError, match=sentence) as caught:
        read_words(path)
    assert all(problem.startswith(str(path)) for problem in caught.value.problems)
    assert len(caught.value.problems) == 1


def test_all_problems_are_said_at_once_and_no_endless_list(write):
    path = write("word,onset,offset\n,0,1\nb,x,1\nc,3,y\n")
    with pytest.raises(InputError) as caught:
        read_words(path)
    assert len(caught.value.problems) == 3
    path = write("word,onset,offset\n" + "a,x,1\n" * 100)
    with pytest.raises(InputError, match="and 80 more problems like these") as caught:
        read_words(path)
    assert len(caught.value.problems) == 21


def test_equal_onsets_and_words_of_no_length_are_allowed(write):
    words = read_words(write("word,onset,offset\na,1,1\nb,1,2\n"))
    assert words["onset"].tolist() == [1, 1]
    assert all(math.isfinite(value) for value in words["offset"])


def test_files_that_are_no_text(tmp_path, write):
    with pytest.raises(InputError, match="there is no such file"):
        read_words(tmp_path / "nothing.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_words(tmp_path)
    path = tmp_path / "latin.csv"
    path.write_bytes("word,onset,offset\na,0,1\nété,1,2\n".encode("latin-1"))
    with pytest.raises(InputError, match="row 3: not UTF-8 text; save the file as UTF-8"):
        read_words(path)
    path.write_bytes(b"PK\x03\x04\x00\x00")
    with pytest.raises(InputError, match="zero bytes"):
        read_words(path)
