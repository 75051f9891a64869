"""From hidden states of tokens to activations of words, window by window."""

from __future__ import annotations

from typing import Any

import numpy as np

from hemiscale.errors import InputError

__all__ = ["WordPool"]


class WordPool:
    """Gathers the tokens of each word as they are read; pools in float32.

    Parameters
    ----------
    ranges : (n_words, 2) int array
        First token of each word and the one after the last.
    pooling : str
        "mean", "last" or "sum".
    """

    def __init__(self, ranges: np.ndarray, pooling: str) -> None:
        if pooling not in ("mean", "last", "sum"):
            raise InputError(f"pooling {pooling!r} is not known; use 'mean', 'last' or 'sum'.")
        if pooling == "last":
            ranges = np.stack([ranges[:, 1] - 1, ranges[:, 1]], axis=1)
        self._ranges = ranges
        self._counts = (ranges[:, 1] - ranges[:, 0]) if pooling == "mean" else None
        self._sums: list[np.ndarray] | None = None

    def add(self, first: int, states: list[Any]) -> None:
        """Take in the tokens from `first` on.

        Parameters
        ----------
        first : int
            Position in the text of the first of these tokens.
        states : list over layers of (n_tokens, n_hidden) tensors
        """
        import torch

        if self._sums is None:
            n_words = len(self._ranges)
            self._sums = [np.zeros((n_words, s.shape[1]), dtype=np.float32) for s in states]
        starts = np.maximum(self._ranges[:, 0], first)
        stops = np.minimum(self._ranges[:, 1], first + len(states[0]))
        here = np.flatnonzero(starts < stops)
        if len(here) == 0:
            return
        lengths = (stops - starts)[here]
        positions = np.concatenate([np.arange(starts[w], stops[w]) - first for w in here])
        owners = np.repeat(np.arange(len(here)), lengths)
        device = states[0].device
        index = torch.from_numpy(positions).to(device)
        owner = torch.from_numpy(owners).to(device)
        for total, state in zip(self._sums, states, strict=True):
            index, owner = index.to(state.device), owner.to(state.device)
            pooled = torch.zeros(
                (len(here), state.shape[1]), dtype=torch.float32, device=state.device
            )
            pooled.index_add_(0, owner, state[index].float())
            total[here] += pooled.cpu().numpy()

    def result(self) -> list[np.ndarray]:
        """Give the activations.

        Returns
        -------
        list over layers of (n_words, n_hidden) float32 arrays
        """
        assert self._sums is not None
        if self._counts is not None:
            for total in self._sums:
                total /= self._counts[:, None].astype(np.float32)
        return self._sums
