"""Language models: the catalogue, loading, activations per word; baselines; competence.

Nothing heavy is imported until it is used: ``import hemiscale.models`` loads neither torch nor
transformers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hemiscale.models.entries import CatalogueEntry as CatalogueEntry
    from hemiscale.models.entries import catalogue as catalogue
    from hemiscale.models.entries import expand_group as expand_group
    from hemiscale.models.entries import find_model as find_model
    from hemiscale.models.estimates import estimate_model as estimate_model
    from hemiscale.models.hub import download_model as download_model
    from hemiscale.models.identity import model_identity as model_identity
    from hemiscale.models.layer_names import describe_layers as describe_layers
    from hemiscale.models.loading import load_model as load_model
    from hemiscale.models.reading import Story as Story
    from hemiscale.models.reading import extract_activations as extract_activations
    from hemiscale.models.reading import read_stories as read_stories
    from hemiscale.models.reading import read_story as read_story
    from hemiscale.models.reading import runs_together as runs_together
    from hemiscale.models.sources import availability as availability
    from hemiscale.models.sources import local_files as local_files

_HOMES = {
    "download_model": "hub",
    "estimate_model": "estimates",
    "model_identity": "identity",
    "describe_layers": "layer_names",
    "CatalogueEntry": "entries",
    "catalogue": "entries",
    "expand_group": "entries",
    "find_model": "entries",
    "availability": "sources",
    "local_files": "sources",
    "load_model": "loading",
    "Story": "reading",
    "extract_activations": "reading",
    "read_stories": "reading",
    "read_story": "reading",
    "runs_together": "reading",
}

__all__ = [
    "CatalogueEntry",
    "Story",
    "availability",
    "catalogue",
    "describe_layers",
    "download_model",
    "estimate_model",
    "expand_group",
    "extract_activations",
    "find_model",
    "load_model",
    "local_files",
    "model_identity",
    "read_stories",
    "read_story",
    "runs_together",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        found = getattr(import_module(f"hemiscale.models.{_HOMES[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
