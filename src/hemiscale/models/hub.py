"""Download models from the hub: safetensors only, resumed, and every failure in one sentence."""

from __future__ import annotations

import os
import shutil
import traceback
from pathlib import Path
from typing import Any

from hemiscale.errors import HemiscaleError, InputError
from hemiscale.models.sources import locate_source

__all__ = ["download_model", "hub_token"]

_WANTED = ("*.json", "*.safetensors", "tokenizer.model", "merges.txt", "vocab.txt", "*.jinja")
_CONVERTED = "Adding `safetensors` variant of this model"


def hub_token() -> str | bool:
    """Give the access token, from the environment alone.

    Returns
    -------
    str or bool
        ``$HF_TOKEN``; False where there is none, which also keeps a token that was stored on
        this machine from being sent.
    """
    return os.environ.get("HF_TOKEN") or False


def download_model(source: str, *, api: Any = None) -> Path | None:
    """Download a hub model that is not here yet; what is there of it is kept.

    Parameters
    ----------
    source : str
        Catalogue name or hub id, with ``@REVISION``.
    api : huggingface_hub.HfApi, optional
        For tests.

    Returns
    -------
    Path or None
        Its folder; None for models that do not come from the hub.

    Raises
    ------
    InputError
        Where it is gated, or not there, or has no safetensors weights.
    HemiscaleError
        Where there is no network or no room on the disk.
    """
    found = locate_source(source)
    if found.kind != "hub" or found.path is not None:
        return found.path if found.kind == "hub" else None
    from huggingface_hub import HfApi, errors

    token = hub_token()
    api = api or HfApi(token=token)
    hub, revision = str(found.hub), found.revision
    page = f"https://huggingface.co/{hub}"
    try:
        info = api.model_info(hub, revision=revision, files_metadata=True)
        if not any(file.rfilename.endswith(".safetensors") for file in info.siblings or []):
            revision = _converted_revision(api, hub, source, revision)
            info = api.model_info(hub, revision=revision, files_metadata=True)
        _check_room(info, source)
        return Path(api.snapshot_download(hub, revision=revision, allow_patterns=list(_WANTED)))
    except errors.GatedRepoError:
        raise InputError(
            f"model {source!r} is gated: accept its licence at {page}, make an access token, and "
            "start again with HF_TOKEN set to it."
        ) from None
    except errors.RevisionNotFoundError:
        raise InputError(f"model {source!r}: {page} has no revision {revision!r}.") from None
    except errors.RepositoryNotFoundError:
        raise InputError(
            f"model {source!r}: there is no {page}, or it is private and HF_TOKEN is not set."
        ) from None
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled):
        raise _no_network(source) from None
    except OSError as error:
        if error.errno == 28:
            raise HemiscaleError(
                f"model {source!r}: the disk is full; free some space, or set HF_HOME to a larger "
                "disk, and start again: what is downloaded is kept."
            ) from None
        raise _no_network(source) from None
    except Exception as error:
        # The hub's client changes its network library between versions.
        if type(error).__module__.partition(".")[0] in ("httpx", "requests", "urllib3"):
            raise _no_network(source) from None
        if token and str(token) in "".join(traceback.format_exception(error)):
            # Shown as it is, also with HEMISCALE_DEBUG, it would show the token.
            said = str(error).replace(str(token), "(HF_TOKEN)")
            raise HemiscaleError(
                f"model {source!r}: the hub's client failed: {type(error).__name__}: {said}"
            ) from None
        raise


def _no_network(source: str) -> HemiscaleError:
    return HemiscaleError(
        f"model {source!r}: the hub cannot be reached; try again when there is a network. What is "
        "downloaded is kept."
    )


def _converted_revision(api: Any, hub: str, source: str, revision: str | None) -> str:
    """Older models have pickled weights only; the hub's converter offers safetensors beside."""
    if revision not in (None, "main"):
        # What the converter offers are the weights of main, not of this checkpoint.
        raise InputError(
            f"model {source!r}: revision {revision!r} of https://huggingface.co/{hub} has no "
            "safetensors weights, and pickled ones are never read; convert it where you trust it "
            "(transformers: from_pretrained with this revision, then save_pretrained) and name "
            "the folder."
        )
    for discussion in api.get_repo_discussions(hub, discussion_type="pull_request"):
        if discussion.title == _CONVERTED and discussion.author == "SFconvertbot":
            return f"refs/pr/{discussion.num}"
    raise InputError(
        f"model {source!r} has no safetensors weights at the hub, and pickled ones are never "
        "read; convert it at https://huggingface.co/spaces/safetensors/convert."
    )


def _check_room(info: Any, source: str) -> None:
    from huggingface_hub import constants
    from huggingface_hub.utils import filter_repo_objects

    files = {file.rfilename: file.size or 0 for file in info.siblings or []}
    needed = sum(files[name] for name in filter_repo_objects(files, allow_patterns=list(_WANTED)))
    folder = Path(constants.HF_HUB_CACHE)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise HemiscaleError(
            f"model {source!r} needs {needed / 1e9:.1f} GB of disk, but {free / 1e9:.1f} GB are "
            "free; free some space, or set HF_HOME to a larger disk."
        )
