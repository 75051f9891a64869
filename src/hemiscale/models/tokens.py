"""A text as tokens: which characters each holds, which belong to which word, what goes in front."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

import numpy as np

from hemiscale.errors import InputError

__all__ = ["Tokens", "tokenize", "words_to_tokens"]


@dataclass(frozen=True)
class Tokens:
    """A tokenized text.

    Attributes
    ----------
    ids : (n_tokens,) int array
        Without special tokens.
    spans : (n_tokens, 2) int array
        Characters of the text that each token holds.
    prefix : tuple of int
        Special tokens that stand in front of every window; they belong to no word.
    """

    ids: np.ndarray
    spans: np.ndarray
    prefix: tuple[int, ...]


def tokenize(tokenizer: Any, text: str, *, bos: str = "default") -> Tokens:
    """Cut a text into tokens.

    Parameters
    ----------
    tokenizer : transformers.PreTrainedTokenizerBase
    text : str
    bos : str
        What stands in front: "default": what the tokenizer puts there; "always": that, or else
        the beginning-of-sequence token, or else the end-of-text token, where the model has one;
        "never": nothing.

    Returns
    -------
    Tokens

    Raises
    ------
    InputError
        Where the text is empty, or the tokenizer cannot say which characters a token holds.
    """
    if bos not in ("default", "always", "never"):
        raise InputError(f"bos {bos!r} is not known; use 'default', 'always' or 'never'.")
    if not text.strip():
        raise InputError("the text is empty; a model needs words to read.")
    if not getattr(tokenizer, "is_fast", False):
        raise InputError(
            f"{type(tokenizer).__name__} does not say which characters a token holds; use a model "
            "with a fast tokenizer (a tokenizer.json file)."
        )
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    ids = np.asarray(encoded["input_ids"], dtype=np.int64)
    spans = np.asarray(encoded["offset_mapping"], dtype=np.int64).reshape(-1, 2)
    if len(ids) == 0 or spans[:, 1].max() == 0:
        raise InputError("the tokenizer finds no token in the text; is it in its language?")
    return Tokens(ids, spans, _prefix(tokenizer, bos))


def _prefix(tokenizer: Any, bos: str) -> tuple[int, ...]:
    if bos == "never":
        return ()
    plain = list(tokenizer("a", add_special_tokens=False)["input_ids"])
    full = list(tokenizer("a", add_special_tokens=True)["input_ids"])
    match = difflib.SequenceMatcher(None, full, plain, autojunk=False).find_longest_match()
    prefix = tuple(full[: match.a]) if match.size else ()
    if prefix or bos == "default":
        return prefix
    for token in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if token is not None:
            return (int(token),)
    return ()


def words_to_tokens(word_spans: np.ndarray, tokens: Tokens, text: str) -> np.ndarray:
    """Tell which tokens belong to which word.

    A word's tokens are those from the token that holds its first character up to the next word's
    first token. The last word ends with the punctuation that follows it.

    Parameters
    ----------
    word_spans : (n_words, 2) int array
        Characters of each word, in order.
    tokens : Tokens
    text : str

    Returns
    -------
    (n_words, 2) int array
        First token and the one after the last; at least one token each. Two words that start in
        one token share it.
    """
    word_spans = np.asarray(word_spans, dtype=np.int64).reshape(-1, 2)
    n_tokens = len(tokens.ids)
    # Several byte tokens of one character share its span; the first of them holds it.
    ends = np.maximum.accumulate(tokens.spans[:, 1])
    first = np.minimum(np.searchsorted(ends, word_spans[:, 0], side="right"), n_tokens - 1)
    stop = np.append(first[1:], n_tokens)
    if len(word_spans):
        last_end = int(word_spans[-1, 1])
        for k in range(int(first[-1]) + 1, n_tokens):
            start, end = (int(value) for value in tokens.spans[k])
            if start >= last_end and any(c.isalnum() for c in text[start:end]):
                stop[-1] = k
                break
    return np.stack([first, np.maximum(stop, first + 1)], axis=1)
