"""The folder where things are kept that are made once and serve all studies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """Find the cache folder; it need not exist yet.

    Returns
    -------
    Path
        ``$HEMISCALE_CACHE``, else ``hemiscale`` in the platform's cache folder.
    """
    chosen = os.environ.get("HEMISCALE_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "hemiscale"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "hemiscale"
