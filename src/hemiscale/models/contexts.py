"""How many tokens a model can read at once."""

from __future__ import annotations

import warnings
from typing import Any

from hemiscale.errors import HemiscaleWarning, InputError

__all__ = ["has_learned_positions", "longest_context", "window_length"]

# Models without positions have no maximum; beyond what they were trained on they are unknown.
_TRAINED_LENGTHS = {"mamba": 2048}
_POSITION_TABLES = ("wpe", "embed_positions", "position_embeddings", "position_embedding")


def longest_context(model: Any) -> int | None:
    """Tokens that a model was made for, special tokens included.

    Parameters
    ----------
    model : transformers.PreTrainedModel

    Returns
    -------
    int or None
        None where the configuration does not say.
    """
    config = model.config
    for name in ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length"):
        value = getattr(config, name, None)
        if isinstance(value, int) and value > 0:
            return value
    return _TRAINED_LENGTHS.get(config.model_type)


def has_learned_positions(model: Any) -> bool:
    """Whether positions are a table, so that nothing can be read beyond its end.

    Parameters
    ----------
    model : transformers.PreTrainedModel

    Returns
    -------
    bool
        True for GPT-2 and OPT; False for rotary models and Mamba.
    """
    import torch

    return any(
        name.rpartition(".")[2] in _POSITION_TABLES and isinstance(module, torch.nn.Embedding)
        for name, module in model.named_modules()
    )


def window_length(model: Any, n_prefix: int, context: int | None) -> int | None:
    """Tokens of text that fit into one window.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    n_prefix : int
        Special tokens in front.
    context : int or None
        As asked for, special tokens included; None: the model's own.

    Returns
    -------
    int or None
        None where there is no limit.

    Raises
    ------
    InputError
        Where the context leaves no room for the text.

    Warns
    -----
    HemiscaleWarning
        Where more is asked for than the model was made for.
    """
    longest = longest_context(model)
    if context is not None and longest is not None and context > longest:
        if has_learned_positions(model):
            warnings.warn(
                f"a context of {context} tokens was asked for, but the model ends at {longest}; "
                f"it reads with {longest}.",
                HemiscaleWarning,
                stacklevel=3,
            )
            context = longest
        else:
            warnings.warn(
                f"a context of {context} tokens was asked for, but the model was made for "
                f"{longest}; what it does beyond is unknown.",
                HemiscaleWarning,
                stacklevel=3,
            )
    total = longest if context is None else context
    if total is None:
        return None
    if total <= n_prefix:
        raise InputError(
            f"a context of {total} token(s) leaves no room for words behind "
            f"{n_prefix} special token(s); make it longer."
        )
    return total - n_prefix
