"""GGUF files: converted once to a folder with safetensors weights, kept in the cache."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import uuid
from pathlib import Path

from hemiscale.errors import HemiscaleError, InputError
from hemiscale.models.cache import cache_folder
from hemiscale.models.quiet import quiet_transformers
from hemiscale.results import file_digest

__all__ = ["converted_folder"]


def converted_folder(path: Path) -> Path:
    """Give the folder of a converted GGUF file; convert it if that has not been done.

    The folder is named after the file and its digest, written beside its place and renamed. Where
    two processes want it at once, one waits for the other.

    Parameters
    ----------
    path : Path
        The GGUF file.

    Returns
    -------
    Path
        A folder with config.json, model.safetensors and the tokenizer.

    Raises
    ------
    InputError
        Where the file cannot be understood.
    HemiscaleError
        Where the cache folder cannot be written.
    """
    from filelock import FileLock

    target = cache_folder() / "gguf" / f"{path.stem}-{file_digest(path)[:16]}"
    if target.is_dir():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock"):
            if not target.is_dir():
                _convert(path, target)
    except OSError as error:
        raise HemiscaleError(
            f"{target}: cannot be written ({error.strerror or error}); free some space, or set "
            "HEMISCALE_CACHE to another folder."
        ) from error
    return target


def _convert(path: Path, target: Path) -> None:
    import torch

    # The converter's progress bar ignores transformers' switch for progress bars.
    with quiet_transformers(), contextlib.redirect_stderr(io.StringIO()):
        import transformers
        from transformers import AutoModelForCausalLM, AutoTokenizer

        # Newer versions keep packed blocks unless told otherwise; such models cannot be saved.
        packed = getattr(transformers, "GgufConfig", None)
        unpack = {} if packed is None else {"quantization_config": packed(dequantize=True)}
        where = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
        try:
            tokenizer = AutoTokenizer.from_pretrained(**where)
            model, report = AutoModelForCausalLM.from_pretrained(
                **where, **unpack, dtype=torch.float32, output_loading_info=True
            )
        except ImportError as error:
            raise InputError(
                f"{path}: a GGUF file, for which `pip install gguf accelerate` is needed."
            ) from error
        except Exception as error:  # whatever its readers trip over
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(f"{path}: this GGUF file cannot be converted ({reason}).") from error
        # transformers draws what is missing at random, and goes on.
        missing = sorted(report["missing_keys"])
        if missing:
            raise InputError(
                f"{path}: {len(missing)} weights of the model are missing from this GGUF file "
                f"({', '.join(missing[:3])} ...); download it again."
            )
        temporary = target.with_name(f".{target.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.part")
        try:
            model.save_pretrained(temporary)
            tokenizer.save_pretrained(temporary)
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
