"""One forward pass: the hidden states that are wanted, and log-probabilities on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hemiscale.errors import InputError

__all__ = ["Forward", "input_device"]

_ROWS_AT_ONCE = 256


def input_device(model: Any) -> Any:
    """Find where a model expects its token ids.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Whole on one device, or spread over several by accelerate.

    Returns
    -------
    torch.device
    """
    import torch

    device = model.get_input_embeddings().weight.device
    if device.type != "meta":
        return device
    # Weights that accelerate keeps aside are brought to the device that computes.
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Forward:
    """Runs batches of windows, filled up to one length, through a causal language model.

    Logits of a long window over a large vocabulary would take gigabytes, so the output layer is
    applied to a few positions at a time. Whether that gives what the model itself gives (some
    families scale their logits) is tried once; where it does not, the model's own logits are used.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    layers : sequence of int, optional
        Entries of the hidden states to keep; default: all.
    """

    def __init__(self, model: Any, layers: Sequence[int] | None = None) -> None:
        self._model = model
        self._layers = None if layers is None else list(layers)
        self._piecewise: bool | None = None
        self._device = input_device(model)

    def __call__(self, ids: np.ndarray) -> tuple[list[Any], Callable[[int, int, int], np.ndarray]]:
        """Read windows.

        Parameters
        ----------
        ids : (n_windows, n_tokens) int array

        Returns
        -------
        states : list over layers of (n_windows, n_tokens, n_hidden) tensors
        predict : callable
            Takes a window and the positions in it of a token and of the one after the last; gives
            the log-probabilities of these tokens as a float64 array.
        """
        import torch

        inputs = torch.from_numpy(ids).to(self._device)
        if self._piecewise is None:
            self._piecewise = self._head_is_plain(inputs[:1, :8])
        reader = self._model.base_model if self._piecewise else self._model
        with torch.inference_mode():
            output = reader(input_ids=inputs, output_hidden_states=True, use_cache=False)
        if output.hidden_states is None:
            raise InputError(f"{type(self._model).__name__} gives no hidden states.")
        states = list(output.hidden_states)
        last = output.last_hidden_state if self._piecewise else output.logits

        def predict(row: int, first: int, end: int) -> np.ndarray:
            found = np.empty(max(end - first, 0))
            with torch.inference_mode():
                for start in range(first, end, _ROWS_AT_ONCE):
                    stop = min(start + _ROWS_AT_ONCE, end)
                    part = last[row, start - 1 : stop - 1]
                    logits = self._head(part) if self._piecewise else part
                    logits = logits.float()
                    wanted = inputs[row, start:stop, None].to(logits.device)
                    chosen = logits.gather(1, wanted)[:, 0] - logits.logsumexp(dim=1)
                    found[start - first : stop - first] = chosen.double().cpu().numpy()
            return found

        return self.kept(states), predict

    def kept(self, states: list[Any]) -> list[Any]:
        """Choose the wanted entries from a list over all of them.

        Parameters
        ----------
        states : list

        Returns
        -------
        list

        Raises
        ------
        InputError
            Where a wanted entry is not there.
        """
        if self._layers is None:
            return states
        wrong = [k for k in self._layers if not -len(states) <= k < len(states)]
        if wrong:
            raise InputError(
                f"layers {wrong} are not there; the model gives {len(states)} entries, "
                f"0 to {len(states) - 1}."
            )
        return [states[k] for k in self._layers]

    def _head(self, states: Any) -> Any:
        head = self._model.get_output_embeddings()
        return head(states.to(head.weight.dtype))

    def _head_is_plain(self, inputs: Any) -> bool:
        import torch

        if self._model.get_output_embeddings() is None or self._model.base_model is self._model:
            return False
        with torch.inference_mode():
            whole = self._model(input_ids=inputs, use_cache=False).logits.float()
            base = self._model.base_model(input_ids=inputs, use_cache=False).last_hidden_state
            parts = self._head(base).float()
        return whole.shape == parts.shape and bool(
            torch.allclose(whole, parts, rtol=1e-3, atol=1e-3)
        )

    @staticmethod
    def norms(states: list[Any]) -> np.ndarray:
        """Give the length of each token's hidden state.

        Parameters
        ----------
        states : list over layers of (n_tokens, n_hidden) tensors

        Returns
        -------
        (n_layers, n_tokens) float32 array
        """
        return np.stack([state.float().norm(dim=1).cpu().numpy() for state in states])
