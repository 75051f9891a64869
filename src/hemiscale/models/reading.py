"""Let a model read a story: hidden states per word, and how well it predicted each token."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from hemiscale.models.contexts import window_length
from hemiscale.models.forward import Forward
from hemiscale.models.layer_names import describe_layers
from hemiscale.models.run_reader import RunReader, Story
from hemiscale.models.tokens import tokenize
from hemiscale.models.windows import Window, batches, windows

__all__ = ["Story", "extract_activations", "read_stories", "read_story", "runs_together"]

_TOKENS_PER_BATCH = 4096


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
    (story,) = read_stories(
        model,
        tokenizer,
        [text],
        [spans],
        context=context,
        step=step,
        pooling=pooling,
        bos=bos,
        layers=layers,
        batch=batch,
        progress=progress,
    )
    return story


def read_stories(
    model: Any,
    tokenizer: Any,
    texts: Sequence[str],
    spans: Sequence[np.ndarray],
    *,
    context: int | None = None,
    step: int = 64,
    pooling: str = "mean",
    bos: str = "default",
    layers: Sequence[int] | None = None,
    batch: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Story]:
    """Read the runs of a story one after the other, short ones together.

    Runs are texts of their own: nothing of one is seen in another. Neighbouring runs that fit into
    one batch are fed at once, so that no more is in memory than one long run takes. Shorter
    windows of a batch are filled up at their end, where causal models do not look.

    Parameters
    ----------
    model, tokenizer
        As for `read_story`.
    texts : sequence over runs of str
    spans : sequence over runs of (n_words, 2) int arrays
    context, step, pooling, bos, layers, batch
        As for `read_story`.
    progress : callable, optional
        Called with (done, total) windows of all runs.

    Yields
    ------
    Story
        Run by run.

    Raises
    ------
    InputError
        Where text, spans or options cannot be used; before anything is read.
    """
    runs = [
        RunReader(
            model, tokenizer, text, span, context=context, step=step, pooling=pooling, bos=bos
        )
        for text, span in zip(texts, spans, strict=True)
    ]
    forward = Forward(model, layers)
    total = sum(len(run.windows) for run in runs)
    done, names = 0, list[str]()
    for group in _groups([run.windows for run in runs], [run.n_prefix for run in runs], batch):
        pairs = [(runs[k], window) for k in group for window in runs[k].windows]
        longest = max(window.length + run.n_prefix for run, window in pairs)
        size = batch or max(1, _TOKENS_PER_BATCH // longest)
        for some in batches(pairs, size, mixed=len(group) > 1):
            states, predict = forward(_filled([run.ids(window) for run, window in some]))
            for row, (run, window) in enumerate(some):
                run.take(window, [state[row] for state in states], partial(predict, row), forward)
            done += len(some)
            if progress is not None:
                progress(done, total)
        names = names or forward.kept(describe_layers(model, runs[group[0]].first_ids))
        for k in group:
            yield runs[k].story(names)
            runs[k].forget()


def runs_together(
    model: Any,
    tokenizer: Any,
    texts: Sequence[str],
    *,
    context: int | None = None,
    step: int = 64,
    bos: str = "default",
) -> list[list[int]]:
    """Tell which runs `read_stories` feeds at once.

    Parameters
    ----------
    model, tokenizer
        As for `read_story`.
    texts : sequence over runs of str
    context, step, bos
        As for `read_story`.

    Returns
    -------
    list of list of int
        Places of neighbouring runs in `texts`; a long run is alone.

    Raises
    ------
    InputError
        Where text or options cannot be used.
    """
    found, n_prefix = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said when they are read
        for text in texts:
            tokens = tokenize(tokenizer, text, bos=bos)
            n_prefix.append(len(tokens.prefix))
            length = window_length(model, len(tokens.prefix), context)
            found.append(windows(len(tokens.ids), length, step))
    return list(_groups(found, n_prefix, None))


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


def _groups(
    runs: Sequence[list[Window]], n_prefix: Sequence[int], batch: int | None
) -> Iterator[list[int]]:
    """Neighbouring runs whose windows fit into one batch together; longer ones alone."""
    group: list[int] = []
    longest = n_windows = 0
    for k, (found, prefix) in enumerate(zip(runs, n_prefix, strict=True)):
        longest = max(longest, max(window.length for window in found) + prefix)
        n_windows += len(found)
        fits = n_windows * longest <= _TOKENS_PER_BATCH and n_windows <= (batch or n_windows)
        if group and not fits:
            yield group
            group = []
            longest, n_windows = max(window.length for window in found) + prefix, len(found)
        group.append(k)
    if group:
        yield group


def _filled(rows: list[np.ndarray]) -> np.ndarray:
    """Rows of tokens brought to one length by repeating their last token."""
    length = max(len(row) for row in rows)
    return np.stack([np.pad(row, (0, length - len(row)), mode="edge") for row in rows])
