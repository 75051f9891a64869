import pytest

from hemiscale.errors import HemiscaleWarning
from hemiscale.stimulus import align_words, doubtful_words, read_text, read_words


def reasons(words, text, **options):
    spans = align_words(words, text, **options)
    return [(d.index, d.word, d.matched, d.reason) for d in doubtful_words(words, text, spans)]


def test_words_as_printed_are_not_doubtful():
    words = ["ONCE", "I", "did", "n't", "deja"]
    assert reasons(words, "Once, I didn’t… “Déjà”") == []


def test_each_reason():
    text = "Alice was 6 in Zealand and then she fell down a very deep well"
    heard = "Alice was six in Zeland and then she fell down the very deep xyz"
    with pytest.warns(HemiscaleWarning, match=r"'the'.*'xyz'"):
        found = reasons(heard.split(), text.replace("a very", "very"), max_lost=0.5)
    assert found == [
        (2, "six", "6", "numeral"),
        (4, "Zeland", "Zealand", "other spelling"),
        (10, "the", "", "not in the text"),
        (13, "xyz", "well", "other word"),
    ]


def test_doubtful_words_of_alice_are_the_slips_of_its_table(alice):
    words = list(read_words(alice / "words.csv")["word"])
    found = reasons(words, read_text(alice / "text.txt"))
    assert [(word, matched) for _, word, matched, _ in found] == [
        ("Zeland", "Zealand"),
        ("though", "through"),
        ("know", "knew"),
        ("happpens", "happens"),
    ]
