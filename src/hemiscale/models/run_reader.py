"""What is gathered of one run while a model reads it window by window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hemiscale.errors import HemiscaleError, InputError
from hemiscale.models.contexts import window_length
from hemiscale.models.forward import Forward
from hemiscale.models.pooling import WordPool
from hemiscale.models.tokens import tokenize, words_to_tokens
from hemiscale.models.windows import Window, windows

__all__ = ["RunReader", "Story"]


@dataclass(frozen=True)
class Story:
    """What one pass of a model over a story gives.

    Attributes
    ----------
    activations : (n_layers + 1, n_words, n_hidden) float32 array
        Entry 0 is the embedding where the family gives it. A list of (n_words, n_hidden) arrays
        where widths differ, as in OPT-350m.
    token_spans : (n_tokens, 2) int array
        Characters of each token; special tokens are left out.
    token_log_probabilities : (n_tokens,) float64 array
        Natural logarithm; NaN where there was nothing in front to predict the token from.
    token_norms : (n_layers + 1, n_tokens) float32 array
        Euclidean norm of each token's hidden state.
    prefix_norms : (n_layers + 1, n_prefix) float32 array
        The same for the special tokens in front of the first window.
    n_bytes : int
        UTF-8 bytes of the predicted tokens' text.
    n_windows : int
    prefix : tuple of int
        Special tokens in front of every window.
    layers : list of str
        What each entry of `activations` is (`describe_layers`).
    """

    activations: np.ndarray | list[np.ndarray]
    token_spans: np.ndarray
    token_log_probabilities: np.ndarray
    token_norms: np.ndarray
    prefix_norms: np.ndarray
    n_bytes: int
    n_windows: int
    prefix: tuple[int, ...]
    layers: list[str]

    @property
    def bits_per_byte(self) -> float:
        """Bits that the model needs per byte of the story."""
        nats = -float(np.nansum(self.token_log_probabilities))
        return nats / np.log(2) / self.n_bytes


class RunReader:
    """Tokens and windows of one run, and what was read of them so far.

    Parameters
    ----------
    model, tokenizer, text, spans, context, step, pooling, bos
        As for `hemiscale.models.read_story`.

    Raises
    ------
    InputError
        Where text, spans or options cannot be used.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        text: str,
        spans: np.ndarray,
        *,
        context: int | None,
        step: int,
        pooling: str,
        bos: str,
    ) -> None:
        self._text = text
        self._tokens = tokenize(tokenizer, text, bos=bos)
        spans = _checked_spans(spans, text)
        self.n_prefix = len(self._tokens.prefix)
        n_tokens = len(self._tokens.ids)
        self.windows = windows(n_tokens, window_length(model, self.n_prefix, context), step)
        self.first_ids = self._tokens.ids[:3].tolist()
        self._pool: WordPool | None = WordPool(words_to_tokens(spans, self._tokens, text), pooling)
        self._log_probabilities = np.full(n_tokens, np.nan)
        self._norms: np.ndarray | None = None
        self._prefix_norms = np.empty((0, self.n_prefix), dtype=np.float32)

    def ids(self, window: Window) -> np.ndarray:
        """Give the tokens of a window, with what stands in front.

        Parameters
        ----------
        window : Window

        Returns
        -------
        (n_tokens,) int64 array
        """
        read = self._tokens.ids[window.start : window.stop]
        return np.concatenate([self._tokens.prefix, read]).astype(np.int64)

    def take(
        self,
        window: Window,
        states: list[Any],
        predict: Callable[[int, int], np.ndarray],
        forward: Forward,
    ) -> None:
        """Take in what a window gave; tokens that were read before are passed over.

        Parameters
        ----------
        window : Window
        states : list over layers of (n_tokens, n_hidden) tensors
            With what stands in front; what fills the window up at its end is passed over.
        predict : callable
            From `Forward`, for this window.
        forward : Forward
        """
        assert self._pool is not None
        first = self.n_prefix + window.read_from - window.start
        hidden = [state[first : self.n_prefix + window.length] for state in states]
        if self._norms is None:
            n_tokens = len(self._tokens.ids)
            self._norms = np.empty((len(states), n_tokens), dtype=np.float32)
            self._prefix_norms = forward.norms([state[: self.n_prefix] for state in states])
        self._norms[:, window.read_from : window.stop] = forward.norms(hidden)
        self._pool.add(window.read_from, hidden)
        # A token is predicted from the one in front of it, in the window it is read from.
        skipped = 1 if first == 0 else 0
        self._log_probabilities[window.read_from + skipped : window.stop] = predict(
            first + skipped, self.n_prefix + window.length
        )

    def story(self, layers: list[str]) -> Story:
        """Give what was read of the whole run.

        Parameters
        ----------
        layers : list of str
            Names of the entries that were kept.

        Returns
        -------
        Story

        Raises
        ------
        HemiscaleError
            Where hidden states are not finite.
        """
        assert self._pool is not None
        assert self._norms is not None
        activations = self._pool.result()
        for k, layer in enumerate(activations):
            if not np.isfinite(layer).all():
                raise HemiscaleError(
                    f"entry {k} of the hidden states is not finite; load the model with "
                    'dtype = "float32" (float16 overflows in some models).'
                )
        same_width = len({layer.shape[1] for layer in activations}) == 1
        unpredicted = np.isnan(self._log_probabilities)
        return Story(
            activations=np.stack(activations) if same_width else activations,
            token_spans=self._tokens.spans,
            token_log_probabilities=self._log_probabilities,
            token_norms=self._norms,
            prefix_norms=self._prefix_norms,
            n_bytes=_bytes_predicted(self._text, self._tokens.spans, unpredicted),
            n_windows=len(self.windows),
            prefix=self._tokens.prefix,
            layers=layers,
        )

    def forget(self) -> None:
        """Let go of the activations, which are the user's now."""
        self._pool = None
        self._norms = None


def _checked_spans(spans: np.ndarray, text: str) -> np.ndarray:
    array = np.asarray(spans)
    if array.ndim != 2 or array.shape[1] != 2 or not np.issubdtype(array.dtype, np.integer):
        raise InputError(
            "spans must be whole numbers in two columns, first character and the one after the "
            f"last of each word; got shape {array.shape}, {array.dtype}."
        )
    if len(array) == 0:
        raise InputError("there are no words: spans is empty.")
    wrong = (array[:, 0] < 0) | (array[:, 1] > len(text)) | (array[:, 1] < array[:, 0])
    wrong[1:] |= array[1:, 0] < array[:-1, 0]
    if wrong.any():
        k = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"word {k + 1} spans characters {array[k, 0]} to {array[k, 1]}, which is outside of "
            f"the text ({len(text)} characters) or before the word in front of it; align words "
            "and text with align_words."
        )
    return array.astype(np.int64)


def _bytes_predicted(text: str, spans: np.ndarray, unpredicted: np.ndarray) -> int:
    total = len(text.encode("utf-8"))
    lost = {(int(a), int(b)) for a, b in spans[unpredicted]}
    return total - sum(len(text[a:b].encode("utf-8")) for a, b in lost)
