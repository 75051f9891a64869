"""Load a language model and its tokenizer: from a folder, the hub, a GGUF file, or untrained."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from pathlib import Path
from typing import Any

from hemiscale.errors import HemiscaleWarning, InputError
from hemiscale.models.gguf_files import converted_folder
from hemiscale.models.quiet import quiet_transformers
from hemiscale.models.sources import Source, availability, locate_source

__all__ = ["load_model", "missing_for_options"]

_DTYPES = ("float32", "bfloat16", "float16")
_QUANTISATIONS = ("8bit", "4bit")


def load_model(
    source: str | Path,
    *,
    untrained: int | None = None,
    tokenizer: str | Path | None = None,
    device: str = "cpu",
    dtype: str = "float32",
    device_map: str | None = None,
    quantisation: str | None = None,
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
    device_map : str, optional
        "auto" spreads the model over GPUs and CPU (needs accelerate).
    quantisation : str, optional
        "8bit" or "4bit" (needs bitsandbytes): linear layers hold whole numbers, four or eight
        times smaller than in float32; embeddings stay as they are.

    Returns
    -------
    model : transformers.PreTrainedModel
        In evaluation mode.
    tokenizer : transformers.PreTrainedTokenizerBase

    Raises
    ------
    InputError
        Where it cannot be had here; the sentence says what to do.

    Warns
    -----
    HemiscaleWarning
        Where there is no CUDA device and the CPU takes its place.
    """
    _check_options(untrained, dtype, device_map, quantisation)
    reason = availability(source)
    if reason is not None:
        raise InputError(reason)
    found = locate_source(source)
    folder = _folder(found)
    device = _device(device)
    words = _tokenizer(_tokenizer_folder(tokenizer, found, folder))
    if untrained is not None:
        return _untrained(folder, untrained, dtype).to(device).eval(), words
    placed = device_map or ({"": device} if quantisation else None)
    model = _trained(folder, dtype, placed, quantisation)
    return (model if placed else model.to(device)).eval(), words


def _check_options(
    untrained: int | None, dtype: str, device_map: str | None, quantisation: str | None
) -> None:
    problems = []
    if dtype not in _DTYPES:
        problems.append(f"dtype {dtype!r} is not known; use {', '.join(_DTYPES)}.")
    if quantisation is not None and quantisation not in _QUANTISATIONS:
        problems.append(
            f"quantisation {quantisation!r} is not known; use {' or '.join(_QUANTISATIONS)}."
        )
    problems += missing_for_options(device_map=device_map, quantisation=quantisation)
    for option, value in (("device_map", device_map), ("quantisation", quantisation)):
        if value is not None and untrained is not None:
            problems.append(f"{option} = {value!r} cannot be used with untrained weights.")
    if problems:
        raise InputError(*problems)


def missing_for_options(*, device_map: str | None, quantisation: str | None) -> list[str]:
    """Tell what this machine lacks for the options of `load_model`.

    Parameters
    ----------
    device_map, quantisation : str or None

    Returns
    -------
    list of str
        One sentence for each thing that is not here.
    """
    return [
        f"{option} = {value!r} needs {package}: pip install 'hemiscale[large]'."
        for option, value, package in (
            ("device_map", device_map, "accelerate"),
            ("quantisation", quantisation, "bitsandbytes"),
        )
        if value is not None and importlib.util.find_spec(package) is None
    ]


def _device(device: str) -> str:
    import torch

    if device.startswith("cuda") and not torch.cuda.is_available():
        warnings.warn(
            "there is no CUDA device here; the model runs on the CPU.",
            HemiscaleWarning,
            stacklevel=3,
        )
        return "cpu"
    return device


def _tokenizer_folder(tokenizer: str | Path | None, found: Source, folder: Path) -> Path:
    if tokenizer is None:
        return found.tokenizer or folder
    if Path(tokenizer).is_dir():
        return Path(tokenizer)
    reason = availability(tokenizer)
    if reason is not None:
        raise InputError(f"the tokenizer {str(tokenizer)!r} cannot be had: {reason}")
    other = locate_source(tokenizer)
    return other.tokenizer or _folder(other)


def _folder(found: Source) -> Path:
    if found.kind == "gguf":
        return converted_folder(found.gguf_file())
    assert found.path is not None
    return found.path


def _trained(folder: Path, dtype: str, placed: Any, quantisation: str | None) -> Any:
    import torch
    from safetensors import SafetensorError

    options: dict[str, Any] = {"device_map": placed} if placed else {}

    with quiet_transformers():
        from transformers import AutoModelForCausalLM, BitsAndBytesConfig

        if quantisation is not None:
            # It tells of a cast in every layer and every window.
            logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
            options["quantization_config"] = BitsAndBytesConfig(
                load_in_8bit=quantisation == "8bit", load_in_4bit=quantisation == "4bit"
            )
        try:
            model, report = AutoModelForCausalLM.from_pretrained(
                str(folder),
                dtype=getattr(torch, dtype),
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
                **options,
            )
        except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
            reason = str(error).strip().splitlines()
            raise InputError(
                f"{folder}: the model cannot be loaded ({reason[0] if reason else error!r}); "
                "is a file of it damaged? Download or save it again."
            ) from error
    # transformers draws what is missing at random, and goes on.
    missing = sorted(report["missing_keys"])
    if missing:
        raise InputError(
            f"{folder}: {len(missing)} weights of the model are missing from its safetensors files "
            f"({', '.join(missing[:3])} ...); download or save it again."
        )
    return model


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
        except (OSError, ValueError, TypeError, KeyError, ImportError) as error:
            reason = str(error).strip().splitlines()
            raise InputError(
                f"{where}: the tokenizer cannot be loaded ({reason[0] if reason else error!r})."
            ) from error
