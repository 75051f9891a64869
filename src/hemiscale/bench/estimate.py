"""How long the encoding of many models takes, from the time of a layer at a few widths."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

__all__ = ["PAPER_MODELS", "paper_models", "seconds_per_layer", "study_seconds"]

#: Language models of Bonnasse-Gahot & Pallier (2024).
PAPER_MODELS = 28


def paper_models() -> dict[str, tuple[int, int]]:
    """Return layers and width of each of the paper's models, from the catalogue."""
    from hemiscale.models import catalogue

    return {
        name: (entry.n_layers, entry.width)
        for name, entry in catalogue().items()
        # The catalogue gives HellaSwag as published for these models and for no others.
        if entry.hellaswag is not None and entry.n_layers and entry.width
    }


def seconds_per_layer(width: int, measured: Mapping[int, float]) -> float:
    """Interpolate the time of a layer between measured widths.

    Parameters
    ----------
    width : int
    measured : mapping of int to float
        Width to seconds, two or more.

    Returns
    -------
    float
        Linear between measured widths and beyond the last two; below the first one its time.
    """
    widths = np.array(sorted(measured), dtype=float)
    seconds = np.array([measured[int(w)] for w in widths])
    if width <= widths[-1]:
        return float(np.interp(width, widths, seconds))
    slope = (seconds[-1] - seconds[-2]) / (widths[-1] - widths[-2])
    return float(seconds[-1] + slope * (width - widths[-1]))


def study_seconds(models: Mapping[str, tuple[int, int]], measured: Mapping[int, float]) -> float:
    """Estimate the time to encode all layers, and the embedding, of all models.

    Parameters
    ----------
    models : mapping of str to (n_layers, width)
    measured : mapping of int to float
        See `seconds_per_layer`.
    """
    return sum(
        (n_layers + 1) * seconds_per_layer(width, measured) for n_layers, width in models.values()
    )
