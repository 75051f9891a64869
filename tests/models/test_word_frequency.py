import numpy as np
import pytest

from hemiscale.datasets import petit_prince_words
from hemiscale.errors import HemiscaleWarning, InputError
from hemiscale.models.word_frequency import read_frequencies, word_frequency


def write(tmp_path, content):
    path = tmp_path / "frequencies.csv"
    path.write_text(content, encoding="utf-8")
    return str(path)


def test_logarithms_are_taken_as_they_are(tmp_path):
    path = write(tmp_path, "Word\tFREQcount\tLg10WF\nthe\t1000\t3.5\nRabbit\t9\t1.25\n")
    made = word_frequency(["The", "rabbit,", "the", "rabbit"], path)
    assert made.dtype == np.float32
    assert made.tolist() == [[3.5], [1.25], [3.5], [1.25]]


def test_counts_become_logarithms(tmp_path):
    path = write(tmp_path, "word,count\nthe,999\nrabbit,0\n")
    np.testing.assert_allclose(word_frequency(["the", "rabbit"], path), [[3], [0]])


def test_unknown_words_count_as_the_rarest(tmp_path):
    path = write(tmp_path, "word,logfreq\nthe,3\nrabbit,1.5\n")
    made = word_frequency([*["the"] * 30, "xyzzy"], path)
    assert made[-1, 0] == 1.5
    with pytest.warns(HemiscaleWarning, match="1 of 2 words are not in the table .*'xyzzy'"):
        word_frequency(["the", "xyzzy"], path)


def test_table_of_petit_prince():
    frequencies = read_frequencies(petit_prince_words())
    assert frequencies["once"] == pytest.approx(5.82440591697994)
    assert frequencies["the"] > frequencies["prince"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("mot,n\nle,3\n", "row 1: expected a column 'word'"),
        ("", "row 1: expected a column 'word'"),
        ("word,count\n", "holds no words"),
        ("word,count\nthe,many\n", "row 2: the count 'many' of 'the' is not a number of occ"),
        ("word,count\nthe,-1\n", "row 2: the count '-1' of 'the' is not a number of occurrences"),
        ("word,logfreq\nthe,nan\n", "row 2: the logfreq 'nan' of 'the' is not a number"),
    ],
)
def test_what_is_wrong_has_its_sentence(tmp_path, content, sentence):
    with pytest.raises(InputError, match=sentence):
        read_frequencies(write(tmp_path, content))


def test_wordfreq_in_three_languages():
    wordfreq = pytest.importorskip("wordfreq")
    assert word_frequency(["the"], "wordfreq")[0, 0] == pytest.approx(
        wordfreq.zipf_frequency("the", "en")
    )
    for language, common, rare in (
        ("en", "the", "rabbit"),
        ("fr", "le", "lapin"),
        ("cn", "我们", "兔子"),
    ):
        made = word_frequency([common, rare, "xqxqxq"], "wordfreq", language=language)[:, 0]
        assert made[0] > made[1] > made[2] == 0
    with pytest.raises(InputError, match="no words of the language 'tlh'"):
        word_frequency(["a"], "wordfreq", language="tlh")


def test_without_wordfreq_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "wordfreq", None)
    with pytest.raises(InputError, match=r"pip install hemiscale\[frequency\]"):
        word_frequency(["a"], "wordfreq")
