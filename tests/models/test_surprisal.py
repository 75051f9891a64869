import numpy as np
import pytest

from hemiscale.models.surprisal import word_surprisal

#       0123456789...
TEXT = "Oh dear, rabbit-hole!"
WORDS = np.array([[0, 2], [3, 7], [9, 15], [16, 20]])
#                  Oh      dear    ,       rab      bit       -hole     !
TOKENS = np.array([[0, 2], [2, 7], [7, 8], [8, 12], [12, 15], [15, 20], [20, 21]])
LOGS = -np.log(2) * np.array([1.0, 2, 4, 8, 16, 32, 64])


def test_tokens_of_a_word_add_up_and_punctuation_after_it_does_not_count():
    made = word_surprisal(LOGS, TOKENS, WORDS, TEXT)
    assert made.shape == (4, 1)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made[:, 0], [1, 2, 8 + 16, 32])


def test_words_that_share_a_token_share_its_surprisal():
    spans = np.array([[0, 3], [3, 6], [7, 8]])
    tokens = np.array([[0, 6], [6, 8]])
    made = word_surprisal(-np.log(2) * np.array([6.0, 1]), tokens, spans, "didn't I")
    np.testing.assert_allclose(made[:, 0], [3, 3, 1])


def test_what_nothing_predicts_and_what_is_not_in_the_text_gets_the_mean():
    logs = LOGS.copy()
    logs[0] = np.nan
    words = np.array([[0, 2], [3, 7], [8, 8], [9, 15], [16, 20]])
    made = word_surprisal(logs, TOKENS, words, TEXT)
    mean = (2 + 24 + 32) / 3
    np.testing.assert_allclose(made[:, 0], [mean, 2, mean, 24, 32], rtol=1e-6)


@pytest.mark.parametrize("n_bytes", [1, 3])
def test_byte_tokens_of_one_character_all_count(n_bytes):
    text = "小 王"
    tokens = np.array([[0, 1]] * n_bytes + [[1, 3]])
    logs = -np.log(2) * np.array([1.0] * n_bytes + [5])
    made = word_surprisal(logs, tokens, np.array([[0, 1], [2, 3]]), text)
    np.testing.assert_allclose(made[:, 0], [n_bytes, 5])
