import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemiscale.models.tokens import Tokens, tokenize, words_to_tokens
from hemiscale.models.windows import batches, windows


def made(spans):
    return Tokens(np.arange(len(spans)), np.array(spans), ())


def test_trailing_punctuation_belongs_to_the_word_before_it():
    text = "Oh, dear! said"
    tokens = made([(0, 2), (2, 3), (4, 8), (8, 9), (10, 12), (12, 14)])
    found = words_to_tokens(np.array([[0, 2], [4, 8], [10, 14]]), tokens, text)
    assert found.tolist() == [[0, 2], [2, 4], [4, 6]]


def test_spaces_in_front_do_not_move_a_word():
    # Sentencepiece counts the space to the token behind it; byte-level BPE does not.
    text = "Oh dear"
    for second in ((2, 7), (3, 7)):
        found = words_to_tokens(np.array([[0, 2], [3, 7]]), made([(0, 2), second]), text)
        assert found.tolist() == [[0, 1], [1, 2]]


def test_bytes_of_one_character_share_its_span(tokenizer):
    text = "“Oh” “my”"
    tokens = tokenize(tokenizer, text)
    spans = tokens.spans.tolist()
    assert len(spans) > len({tuple(span) for span in spans})
    words = np.array([[0, 4], [5, 9]])
    found = words_to_tokens(words, tokens, text)
    assert found[0, 0] == 0
    assert spans[found[1, 0]][0] <= 5 < spans[found[1, 0]][1]
    assert spans[found[1, 0] - 1][1] <= 5


def test_two_words_in_one_token_share_it():
    found = words_to_tokens(np.array([[0, 2], [2, 5], [6, 8]]), made([(0, 5), (5, 8)]), "gonna be")
    assert found.tolist() == [[0, 1], [0, 1], [1, 2]]


def test_the_last_word_ends_where_others_begin():
    text = "the end. More text"
    tokens = made([(0, 3), (4, 7), (7, 8), (9, 13), (14, 18)])
    found = words_to_tokens(np.array([[0, 3], [4, 7]]), tokens, text)
    assert found.tolist() == [[0, 1], [1, 3]]


def test_every_word_holds_its_first_character(tokenizer, text, spans):
    tokens = tokenize(tokenizer, text)
    for (start, _), (first, stop) in zip(spans, words_to_tokens(spans, tokens, text), strict=True):
        assert first < stop
        assert tokens.spans[first, 0] <= start < tokens.spans[first, 1]


def test_what_stands_in_front(tokenizer):
    assert tokenize(tokenizer, "Alice", bos="default").prefix == ()
    assert tokenize(tokenizer, "Alice", bos="always").prefix == (0,)
    assert tokenize(tokenizer, "Alice", bos="never").prefix == ()


def test_a_tokenizer_that_adds_tokens_at_both_ends(tokenizer):
    import copy

    from tokenizers.processors import TemplateProcessing

    both = copy.deepcopy(tokenizer)
    both.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|endoftext|> $A <|endoftext|>", special_tokens=[("<|endoftext|>", 0)]
    )
    assert both("a")["input_ids"][-1] == 0
    for bos in ("default", "always"):
        tokens = tokenize(both, "Alice was", bos=bos)
        assert tokens.prefix == (0,)
        assert 0 not in tokens.ids
    assert tokenize(both, "Alice was", bos="never").prefix == ()


@given(st.integers(1, 300), st.integers(1, 60), st.data())
def test_every_token_is_read_once_in_the_first_window_that_holds_it(n_tokens, length, data):
    step = data.draw(st.integers(1, length))
    found = windows(n_tokens, length, step)
    read = [t for w in found for t in range(w.read_from, w.stop)]
    assert read == list(range(n_tokens))
    for k, window in enumerate(found):
        assert window.start == k * step
        assert window.length <= length
        assert window.read_from >= window.start
        if k:
            assert window.read_from - window.start >= length - step
    for mixed in (False, True):
        grouped = list(batches([("me", w) for w in found], 4, mixed=mixed))
        assert [w for group in grouped for _, w in group] == found
        assert all(len(group) <= 4 for group in grouped)
        assert mixed or all(len({w.length for _, w in group}) == 1 for group in grouped)


def test_one_window_where_it_fits():
    assert len(windows(100, None, 64)) == len(windows(100, 100, 64)) == 1


@pytest.mark.parametrize("bos", ["default", "always"])
def test_real_line_ends_are_kept(tokenizer, bos):
    tokens = tokenize(tokenizer, "one\n\ntwo", bos=bos)
    assert (tokens.spans[:, 1] - tokens.spans[:, 0]).sum() == 8
