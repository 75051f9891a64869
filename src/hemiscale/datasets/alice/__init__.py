"""Alice in Wonderland, chapter 1: 27 listeners (Brennan et al. 2016), carried by the package."""

from __future__ import annotations

from pathlib import Path

__all__ = ["alice_study"]


def alice_study() -> Path:
    """Find the study file that ships with the package.

    Returns
    -------
    Path
        The TOML file; the data lie beside it.
    """
    return Path(__file__).parent / "study.toml"
