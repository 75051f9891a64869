"""Windows over a text that is longer than a model's context."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from hemiscale.errors import HemiscaleWarning, InputError

__all__ = ["Window", "batches", "windows"]

_Owner = TypeVar("_Owner")


@dataclass(frozen=True)
class Window:
    """Tokens `start` to `stop` are fed; from `read_from` on they are read."""

    start: int
    stop: int
    read_from: int

    @property
    def length(self) -> int:
        """Tokens fed, without what stands in front."""
        return self.stop - self.start


def windows(n_tokens: int, length: int | None, step: int) -> list[Window]:
    """Cover a text with windows; each token is read in the first window that holds it.

    The first window is read whole. Every later one starts `step` tokens further and gives its last
    `step` tokens, so each of them has at least ``length - step`` tokens of context.

    Parameters
    ----------
    n_tokens : int
        Without special tokens.
    length : int or None
        Tokens of text per window; None: no limit.
    step : int
        Tokens by which windows slide.

    Returns
    -------
    list of Window

    Raises
    ------
    InputError
        Where windows would not move, or hold no token.

    Warns
    -----
    HemiscaleWarning
        Where the step is longer than a window; a whole window is the longest there can be.
    """
    if step < 1:
        raise InputError(f"a step of {step} token(s) does not move a window; use at least 1.")
    if length is None or n_tokens <= length:
        return [Window(0, n_tokens, 0)]
    if length < 1:
        raise InputError("the context leaves no room for words; make it longer.")
    if step > length:
        warnings.warn(
            f"a step of {step} tokens is longer than the window of {length}, so windows follow one "
            "another without overlap and their first words have no context; a shorter step is "
            "better.",
            HemiscaleWarning,
            stacklevel=3,
        )
        step = length
    found = [Window(0, length, 0)]
    while found[-1].stop < n_tokens:
        start = found[-1].start + step
        found.append(Window(start, min(start + length, n_tokens), found[-1].stop))
    return found


def batches(
    found: Sequence[tuple[_Owner, Window]], size: int, *, mixed: bool = False
) -> Iterator[list[tuple[_Owner, Window]]]:
    """Group neighbouring windows.

    Parameters
    ----------
    found : sequence of (whose it is, Window)
    size : int
        Windows per batch, at most.
    mixed : bool
        Whether windows of different length may be in one batch.

    Yields
    ------
    list of (whose it is, Window)
    """
    batch: list[tuple[_Owner, Window]] = []
    for owner, window in found:
        other = batch and not mixed and window.length != batch[0][1].length
        if batch and (len(batch) == size or other):
            yield batch
            batch = []
        batch.append((owner, window))
    if batch:
        yield batch
