"""Small arrays that are good as long as what they were made from is the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hemiscale.errors import HemiscaleError
from hemiscale.results.stored import read_activations

__all__ = ["read_stamped"]


def read_stamped(path: Path, stamp: str) -> tuple[dict[str, np.ndarray], dict[str, str]] | None:
    """Read the extras of a file of `write_activations`, if it has this fingerprint.

    Parameters
    ----------
    path : Path
    stamp : str
        Fingerprint of what they are to be made from.

    Returns
    -------
    arrays : dict of arrays
    metadata : dict of str
        None in place of both where there is no whole file with this fingerprint.
    """
    if not path.is_file():
        return None
    try:
        _, arrays, facts = read_activations(path, layers=[])
    except HemiscaleError:  # damaged, or taken away by a process that had all it needs
        return None
    return (arrays, facts) if facts["fingerprint"] == stamp else None
