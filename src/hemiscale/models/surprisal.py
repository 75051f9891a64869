"""How unexpected each word was to a language model."""

from __future__ import annotations

import numpy as np

from hemiscale.models.tokens import Tokens, words_to_tokens

__all__ = ["word_surprisal"]


def word_surprisal(
    token_log_probabilities: np.ndarray,
    token_spans: np.ndarray,
    word_spans: np.ndarray,
    text: str,
) -> np.ndarray:
    """Sum the surprisal of each word's tokens.

    Parameters
    ----------
    token_log_probabilities : (n_tokens,) array
        Natural logarithms; NaN where a token had nothing in front.
    token_spans : (n_tokens, 2) int array
        Characters of each token.
    word_spans : (n_words, 2) int array
        Characters of each word, in order.
    text : str

    Returns
    -------
    (n_words, 1) float32 array
        In bits. Tokens of punctuation alone that follow a word do not count. Words that share a
        token share its surprisal. Words with a token that nothing predicts (the first one, where
        no token stands in front), and words that are not in the text, get the mean of the others.

    References
    ----------
    Levy (2008), Expectation-based syntactic comprehension, Cognition 106, 1126-1177.
    """
    word_spans = np.asarray(word_spans).reshape(-1, 2)
    token_spans = np.asarray(token_spans)
    bits = -np.asarray(token_log_probabilities, dtype=np.float64) / np.log(2)
    tokens = Tokens(np.zeros(len(bits), dtype=np.int64), token_spans, ())
    ranges = words_to_tokens(word_spans, tokens, text)
    members = [
        [t for t in range(first, stop) if start < end and (t == first or token_spans[t, 0] < end)]
        for (first, stop), (start, end) in zip(ranges, word_spans, strict=True)
    ]
    n_sharing = np.bincount([t for word in members for t in word], minlength=len(bits))
    surprisal = np.array([(bits[word] / n_sharing[word]).sum() for word in members])
    surprisal[word_spans[:, 0] == word_spans[:, 1]] = np.nan
    known = np.isfinite(surprisal)
    if known.any():
        surprisal[~known] = surprisal[known].mean()
    return surprisal.astype(np.float32).reshape(-1, 1)
