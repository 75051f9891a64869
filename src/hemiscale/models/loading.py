"""Load a language model and its tokenizer: from a folder, the hub, a GGUF file, or untrained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hemiscale.errors import InputError
from hemiscale.models.gguf_files import converted_folder
from hemiscale.models.quiet import quiet_transformers
from hemiscale.models.sources import Source, availability, locate_source

__all__ = ["load_model"]

_DTYPES = ("float32", "bfloat16", "float16")


def load_model(
    source: str | Path,
    *,
    untrained: int | None = None,
    tokenizer: str | Path | None = None,
    device: str = "cpu",
    dtype: str = "float32",
) -> tuple[Any, Any]:
    """Load a causal language model and its tokenizer, ready to read.

    Weights are read from safetensors only; code that comes with a model is never run.

    Parameters
    ----------
    source : str or Path
        Catalogue name, hub id (with ``@REVISION``), folder, or GGUF file.
    untrained : int, optional
        Seed: the architecture of `source` with freshly drawn weights, as its configuration says.
    tokenizer : str or Path, optional
        Folder or hub id of the tokenizer, where it is not the model's.
    device : str
        "cpu" or "cuda".
    dtype : str
        "float32", "bfloat16" or "float16".

    Returns
    -------
    model : transformers.PreTrainedModel
        In evaluation mode.
    tokenizer : transformers.PreTrainedTokenizerBase

    Raises
    ------
    InputError
        Where it cannot be had here; the sentence says what to do.
    """
    if dtype not in _DTYPES:
        raise InputError(f"dtype {dtype!r} is not known; use {', '.join(_DTYPES)}.")
    reason = availability(source)
    if reason is not None:
        raise InputError(reason)
    found = locate_source(source)
    folder = _folder(found)
    model = (
        _untrained(folder, untrained, dtype) if untrained is not None else _trained(folder, dtype)
    )
    words = _tokenizer(Path(tokenizer) if tokenizer else found.tokenizer or folder)
    return model.to(device).eval(), words


def _folder(found: Source) -> Path:
    assert found.path is not None
    return converted_folder(found.path) if found.kind == "gguf" else found.path


def _trained(folder: Path, dtype: str) -> Any:
    import torch

    with quiet_transformers():
        from transformers import AutoModelForCausalLM

        try:
            return AutoModelForCausalLM.from_pretrained(
                str(folder),
                dtype=getattr(torch, dtype),
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            reason = str(error).strip().splitlines()
            raise InputError(
                f"{folder}: the model cannot be loaded ({reason[0] if reason else error!r})."
            ) from error


def _untrained(folder: Path, seed: int, dtype: str) -> Any:
    import torch

    with quiet_transformers():
        from transformers import AutoConfig, AutoModelForCausalLM

        config = AutoConfig.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
        # The caller's random state is left as it was.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    return model.to(getattr(torch, dtype))


def _tokenizer(where: Path) -> Any:
    with quiet_transformers():
        from transformers import AutoTokenizer

        try:
            return AutoTokenizer.from_pretrained(
                str(where), local_files_only=True, trust_remote_code=False
            )
        except (OSError, ValueError, KeyError, ImportError) as error:
            reason = str(error).strip().splitlines()
            raise InputError(
                f"{where}: the tokenizer cannot be loaded ({reason[0] if reason else error!r})."
            ) from error
