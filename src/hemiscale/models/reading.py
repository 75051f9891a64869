"""Let a model read a story: hidden states per word, and how well it predicted each token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hemiscale.errors import HemiscaleError, InputError
from hemiscale.models.contexts import window_length
from hemiscale.models.forward import Forward
from hemiscale.models.layer_names import describe_layers
from hemiscale.models.pooling import WordPool
from hemiscale.models.tokens import tokenize, words_to_tokens
from hemiscale.models.windows import batches, windows

__all__ = ["Story", "extract_activations", "read_story"]

_TOKENS_PER_BATCH = 4096


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


def read_story(
    model: Any,
    tokenizer: Any,
    text: str,
    spans: np.ndarray,
    *,
    context: int | None = None,
    step: int = 64,
    pooling: str = "mean",
    bos: str = "default",
    layers: Sequence[int] | None = None,
    batch: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Story:
    """Read a story once: activations of every word in every layer, and token probabilities.

    A text that does not fit into the context is read in windows that slide by `step` tokens; each
    token is read from the first window that holds it. Special tokens stand in front of every
    window, once, count as part of the context and belong to no word. The first token of a window
    is an attention sink in many models; ``bos="always"`` keeps it off the words.

    Parameters
    ----------
    model, tokenizer
        From `load_model`, or any causal language model of transformers with a fast tokenizer.
    text : str
    spans : (n_words, 2) int array
        Characters of each word in `text`, in order (`hemiscale.stimulus.align_words`).
    context : int, optional
        Tokens per window, special tokens included; default: the model's maximum.
    step : int
        Tokens by which windows slide; 64 in Bonnasse-Gahot & Pallier (2024).
    pooling : str
        "mean", "last" or "sum" over a word's tokens.
    bos : str
        "default": special tokens as the tokenizer adds them; "always": if it adds none, the
        beginning-of-sequence or else the end-of-text token; "never": none.
    layers : sequence of int, optional
        Which entries to keep; default: all. Negative numbers count from the end.
    batch : int, optional
        Windows fed at once; default: as many as make 4,096 tokens.
    progress : callable, optional
        Called with (done, total) windows.

    Returns
    -------
    Story

    Raises
    ------
    InputError
        Where text, spans or options cannot be used.
    """
    tokens = tokenize(tokenizer, text, bos=bos)
    spans = _checked_spans(spans, text)
    length = window_length(model, len(tokens.prefix), context)
    found = windows(len(tokens.ids), length, step)
    pool = WordPool(words_to_tokens(spans, tokens, text), pooling)
    forward = Forward(model, layers)
    n_tokens, n_prefix = len(tokens.ids), len(tokens.prefix)
    log_probabilities = np.full(n_tokens, np.nan)
    norms: np.ndarray | None = None
    prefix_norms = np.empty((0, n_prefix), dtype=np.float32)
    size = batch or max(1, _TOKENS_PER_BATCH // (found[0].length + n_prefix))
    done = 0
    for group in batches(found, size):
        ids = np.stack(
            [np.concatenate([tokens.prefix, tokens.ids[w.start : w.stop]]) for w in group]
        ).astype(np.int64)
        states, predict = forward(ids)
        for row, window in enumerate(group):
            first = n_prefix + window.read_from - window.start
            hidden = [state[row, first:] for state in states]
            if norms is None:
                norms = np.empty((len(states), n_tokens), dtype=np.float32)
                prefix_norms = forward.norms([state[row, :n_prefix] for state in states])
            norms[:, window.read_from : window.stop] = forward.norms(hidden)
            pool.add(window.read_from, hidden)
            # A token is predicted from the one in front of it, in the window it is read from.
            skipped = 1 if first == 0 else 0
            log_probabilities[window.read_from + skipped : window.stop] = predict(
                row, first + skipped
            )
        done += len(group)
        if progress is not None:
            progress(done, len(found))
    assert norms is not None
    activations = pool.result()
    for k, layer in enumerate(activations):
        if not np.isfinite(layer).all():
            raise HemiscaleError(
                f"entry {k} of the hidden states is not finite; load the model with "
                'dtype = "float32" (float16 overflows in some models).'
            )
    same_width = len({layer.shape[1] for layer in activations}) == 1
    unpredicted = np.isnan(log_probabilities)
    return Story(
        activations=np.stack(activations) if same_width else activations,
        token_spans=tokens.spans,
        token_log_probabilities=log_probabilities,
        token_norms=norms,
        prefix_norms=prefix_norms,
        n_bytes=_bytes_predicted(text, tokens.spans, unpredicted),
        n_windows=len(found),
        prefix=tokens.prefix,
        layers=forward.kept(describe_layers(model, tokens.ids[:3].tolist())),
    )


def extract_activations(
    model: Any,
    tokenizer: Any,
    text: str,
    spans: np.ndarray,
    *,
    context: int | None = None,
    step: int = 64,
    pooling: str = "mean",
    bos: str = "default",
    layers: Sequence[int] | None = None,
) -> np.ndarray | list[np.ndarray]:
    """Activations of every word in every layer; see `read_story` for all that it means.

    Parameters
    ----------
    model, tokenizer
        From `load_model`.
    text : str
    spans : (n_words, 2) int array
        Characters of each word in `text`.
    context : int, optional
        Tokens per window; default: the model's maximum.
    step : int
        Tokens by which windows slide.
    pooling : str
        "mean", "last" or "sum" over a word's tokens.
    bos : str
        "default", "always" or "never".
    layers : sequence of int, optional
        Which entries to keep; default: all.

    Returns
    -------
    (n_layers + 1, n_words, n_hidden) float32 array
        Entry 0 is the embedding where the family gives it. A list of arrays where widths differ.

    Raises
    ------
    InputError
        Where text, spans or options cannot be used.
    """
    return read_story(
        model,
        tokenizer,
        text,
        spans,
        context=context,
        step=step,
        pooling=pooling,
        bos=bos,
        layers=layers,
    ).activations


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
