import pandas as pd
import pytest

from hemiscale.errors import InputError
from hemiscale.stimulus import read_words

LONG = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 2.5
tiers? <exists>
size = 3
item []:
    item [1]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 2.5
        intervals: size = 1
        intervals [1]:
            xmin = 0
            xmax = 2.5
            text = "w"
    item [2]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 2.5
        intervals: size = 5
        intervals [1]:
            xmin = 0
            xmax = 0.25
            text = ""
        intervals [2]:
            xmin = 0.25
            xmax = 0.5
            text = "Once"
        intervals [3]:
            xmin = 0.5
            xmax = 1
            text = "sp"
        intervals [4]:
            xmin = 1
            xmax = 1.5
            text = "the ""item"""
        intervals [5]:
            xmin = 1.5
            xmax = 2.5
            text = "été"
    item [3]:
        class = "TextTier"
        name = "clicks"
        xmin = 0
        xmax = 2.5
        points: size = 1
        points [1]:
            number = 0.7
            mark = "click"
'''
SHORT = '''File type = "ooTextFile"
Object class = "TextGrid"

0
2.5
<exists>
3
"IntervalTier"
"phones"
0
2.5
1
0
2.5
"w"
"IntervalTier"
"words"
0
2.5
5
0
0.25
""
0.25
0.5
"Once"
0.5
1
"sp"
1
1.5
"the ""item"""
1.5
2.5
"été"
"TextTier"
"clicks"
0
2.5
1
0.7
"click"
'''
EXPECTED = pd.DataFrame(
    {
        "word": pd.Series(["Once", 'the "item"', "été"], dtype=object),
        "onset": [0.25, 1.0, 1.5],
        "offset": [0.5, 1.5, 2.5],
    }
)


@pytest.mark.parametrize("content", [LONG, SHORT, SHORT.rstrip("\n")], ids=["long", "short", "end"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["unix", "windows"])
def test_both_formats(tmp_path, content, encoding, newline):
    path = tmp_path / "story.TextGrid"
    path.write_bytes(content.replace("\n", newline).encode(encoding))
    pd.testing.assert_frame_equal(read_words(path), EXPECTED)


def test_another_tier_by_name(tmp_path):
    path = tmp_path / "story.TextGrid"
    path.write_text(LONG, encoding="utf-8")
    assert read_words(path, tier="phones")["word"].tolist() == ["w"]
    with pytest.raises(InputError, match=r"no interval tier named 'nouns'.*'phones', 'words'"):
        read_words(path, tier="nouns")
    path.write_text(LONG.replace('"words"', '"syllables"'), encoding="utf-8")
    with pytest.raises(InputError, match="no tier named 'words'; its interval tiers: 'phones', 's"):
        read_words(path)


@pytest.mark.parametrize("content", [LONG, SHORT], ids=["long", "short"])
def test_a_file_that_was_cut_off_anywhere_is_refused(tmp_path, content):
    path = tmp_path / "story.TextGrid"
    # Up to the last interval; after that only the clicks would be missing.
    lines = content[: content.index("été")].splitlines(keepends=True)
    for stop in range(1, len(lines)):
        path.write_text("".join(lines[:stop]), encoding="utf-8")
        with pytest.raises(InputError):
            read_words(path)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("xmin = 0.25", "xmin = soon", "not a complete Praat TextGrid"),
        ("xmin = 0.25", "xmin = -0.25", "negative times"),
        ('"TextGrid"', '"Sound"', "not a complete Praat TextGrid"),
        ("xmax = 0.5\n", "xmax = 0.2\n", "interval 2: 'Once' ends"),
    ],
)
def test_what_is_wrong_has_its_sentence(tmp_path, old, new, sentence):
    path = tmp_path / "story.TextGrid"
    assert old in LONG
    path.write_text(LONG.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=sentence):
        read_words(path)
