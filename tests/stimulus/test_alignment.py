import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemiscale.datasets import petit_prince_words
from hemiscale.errors import HemiscaleWarning, InputError
from hemiscale.stimulus import align_words, read_text, read_words


def pieces(words, text, **options):
    spans = align_words(words, text, **options)
    assert spans.shape == (len(words), 2)
    assert spans.dtype == np.int64
    return [text[start:stop] for start, stop in spans]


FOUND = {
    "punctuation": (
        ["once", "when", "I", "was", "six"],
        "“Once—when I was (six)…",
        ["Once", "when", "I", "was", "six"],
    ),
    "line breaks": (["a", "true", "story"], "A\r\n\r\ntrue\n story", ["A", "true", "story"]),
    "parts of words": (
        ["I", "did", "n't", "rabbit", "hole", "'s"],
        "I didn’t: rabbit-hole’s",
        ["I", "did", "n’t", "rabbit", "hole", "s"],
    ),
    "two printed words": (["rabbithole", "cannot"], "rabbit-hole can not",
                          ["rabbit-hole", "can not"]),
    "contraction without apostrophe": (["hasnt", "wont"], "hasn't won’t", ["hasn't", "won’t"]),
    "contraction spelt out": (["it", "is", "not"], "It isn't.", ["It", "is", "n't"]),
    "accents": (["deja", "vu", "oeuvre"], "Déjà vu: œuvre", ["Déjà", "vu", "œuvre"]),
    "numeral on paper": (["all", "six", "of", "us"], "All 6 of us", ["All", "6", "of", "us"]),
    "numeral in the table": (["asteroid", "612"], "asteroid six hundred and twelve",
                             ["asteroid", "six hundred and twelve"]),
    "French": (
        ["l'", "homme", "qu'", "il", "aujourd'hui", "c'est", "quatre-vingts", "fleurs"],
        "L’homme qu’il… aujourd’hui ? C’est 80 fleurs !",
        ["L", "homme", "qu", "il", "aujourd’hui", "C’est", "80", "fleurs"],
    ),
    "Chinese": (
        ["我", "六岁", "的", "时候", "看见", "了", "一", "幅", "画"],
        "我6岁的时候，\n看见了一幅画。",
        ["我", "6岁", "的", "时候", "看见", "了", "一", "幅", "画"],
    ),
    "Chinese and Latin": (["B", "六一二", "小行星"], "B612小行星", ["B", "612", "小行星"]),
    "full width": (["６１２", "ａ"], "612 A", ["612", "A"]),
    "punctuation as words": (["Oh", "dear"], "Oh, dear!", ["Oh", "dear"]),
}  # fmt: skip


@pytest.mark.parametrize(("words", "text", "expected"), FOUND.values(), ids=FOUND)
def test_words_of_three_languages(words, text, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pieces(words, text) == expected


def test_several_words_may_share_a_numeral():
    words = ["kings", "one", "hundred", "and", "eleven", "of", "them"]
    text = "Kings? 111 of them."
    found = align_words(words, text)
    assert [text[a:b] for a, b in found[[0, 5, 6]]] == ["Kings", "of", "them"]
    assert "".join(text[a:b] for a, b in found[1:5]) == "111"
    assert np.all(np.diff(found.ravel()) >= 0)


def test_a_word_not_in_the_text_gets_what_stands_between_its_neighbours():
    text = "down the dark hole went Alice " * 10
    words = text.split()
    words[2] = "xyzzy"
    with pytest.warns(HemiscaleWarning, match=r"1 of 60 words .*: 'xyzzy' \(word 3\)\."):
        assert pieces(words, text)[:5] == ["down", "the", "dark", "hole", "went"]
    with pytest.warns(HemiscaleWarning, match="xyzzy"):
        found = pieces(words, text.replace("dark ", "", 1))
    assert found[:5] == ["down", "the", "", "hole", "went"]


def test_words_missing_at_both_ends():
    text = "down the dark hole went Alice " * 10
    with pytest.warns(HemiscaleWarning, match="2 of 62"):
        found = pieces(["qqqq", *text.split(), "zzzz"], text, max_lost=0.05)
    assert found == ["", *text.split(), ""]


def test_text_that_nobody_reads_aloud_is_passed_over():
    text = "CHAPTER I. Down the Rabbit-Hole\n\nAlice was [Illustration] beginning. THE END"
    assert pieces(["Alice", "was", "beginning"], text) == ["Alice", "was", "beginning"]


def test_more_than_a_few_lost_words_are_an_error_that_shows_ten():
    text = "down the dark hole went Alice " * 10
    words = text.split()
    words[10:30] = [f"{letter}{letter}{letter}" for letter in "bcdfgijkmnpqrsuvwxyz"]
    with pytest.raises(InputError, match=r"more than the 3% allowed") as caught:
        align_words(words, text)
    assert str(caught.value).count("(word ") == 10
    assert "'bbb' (word 11)" in str(caught.value)
    with pytest.warns(HemiscaleWarning):
        align_words(words, text, max_lost=0.5)


@pytest.mark.parametrize(
    "text",
    [
        "Il était une fois un petit prince qui habitait une planète à peine plus grande. " * 20,
        "从前有一个小王子，他住在一个比他自己大不了多少的行星上。" * 20,
        "7 8 9 10 11 12 13",
    ],
    ids=["French", "Chinese", "numbers"],
)
def test_a_text_in_another_language_is_an_error(text):
    words = ["Alice", "was", "beginning", "to", "get", "very", "tired", "of", "sitting"] * 10
    with pytest.raises(InputError, match="same story, run and language"):
        align_words(words, text)


@pytest.mark.parametrize("text", ["", "  \n", "…!"])
def test_an_empty_text_is_an_error(text):
    with pytest.raises(InputError, match="The text is empty"):
        align_words(["Alice"], text)


def test_no_words_have_no_spans():
    assert align_words([], "Alice").shape == (0, 2)


@given(
    words=st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=25),
    text=st.text(max_size=120),
)
@settings(max_examples=200, deadline=None)
def test_spans_are_in_order_apart_and_inside_whatever_comes(words, text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HemiscaleWarning)
        try:
            spans = align_words(words, text, max_lost=1.0)
        except InputError:
            assert not any(character.isalnum() for character in text)
            return
    ends = spans.ravel()
    assert np.all(np.diff(ends) >= 0)
    assert ends[0] >= 0
    assert ends[-1] <= len(text)


vocabulary = st.sampled_from(
    ["the", "rabbit", "hole", "a", "and", "queen", "of", "hearts", "she", "had", "never", "before"]
)


@given(
    words=st.lists(vocabulary, min_size=1, max_size=60),
    marks=st.lists(
        st.sampled_from([" ", ", ", "…\n", " — “", ".” ", "--"]), min_size=60, max_size=60
    ),
)
@settings(max_examples=100, deadline=None)
def test_words_in_the_text_are_found_exactly_whatever_stands_between(words, marks):
    text, expected = "“", []
    for word, mark in zip(words, marks, strict=False):
        expected.append([len(text), len(text) + len(word)])
        text += word + mark
    assert align_words(words, text).tolist() == expected


def is_right(text, span, truth):
    """As planted; of a word left out of the text, nothing but spaces and marks is given to it."""
    if truth is None:
        return not any(character.isalnum() for character in text[span[0] : span[1]])
    return tuple(span) == truth


def test_real_words_of_petit_prince_in_a_printed_text(print_story):
    """The English word table against nine texts made from it as a printer would.

    Of 15,345 words, all but 6 are exactly at the planted place. The rest stand beside changed
    words and inserted text.
    """
    right, total, by_kind = 0, 0, {}
    for section in range(1, 10):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", HemiscaleWarning)
            words = list(read_words(petit_prince_words(), section=section)["word"])
            printed = print_story(words, seed=section)
            spans = align_words(words, printed.text)
        for span, truth, kind in zip(spans, printed.spans, printed.done, strict=True):
            found = is_right(printed.text, span, truth)
            right, total = right + found, total + 1
            counts = by_kind.setdefault(kind, [0, 0])
            by_kind[kind] = [counts[0] + found, counts[1] + 1]
    assert total == 15345
    assert set(by_kind) == {"printed", "contraction", "numeral", "missing", "changed", "typo"}
    assert right / total > 0.999, by_kind
    for kind in ("printed", "contraction", "numeral", "missing"):
        assert by_kind[kind][0] / by_kind[kind][1] > 0.99, by_kind


def test_alice_is_found_word_by_word(alice):
    words = list(read_words(alice / "words.csv")["word"])
    text = read_text(alice / "text.txt")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = pieces(words, text)
    assert len(words) == 2127
    assert all(piece.strip() for piece in found)
    assert sum(a.casefold() == b.casefold() for a, b in zip(words, found, strict=True)) > 2000
