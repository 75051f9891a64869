"""Designs of laws with families: checked, and put on one scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["checked_families", "family_names", "on_one_scale"]


def family_names(family: Sequence[str | None]) -> list[str]:
    """Take the name of each model's family.

    Raises
    ------
    ValueError
        If a model has none (None or NaN): models without a family are not one family.
    """
    missing = [k for k, name in enumerate(family) if name is None or name != name]
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(family)} models have no family (first: model "
            f"{missing[0] + 1}); name one for each, or leave `family` out"
        )
    return [str(name) for name in family]


def on_one_scale(
    design: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Centre and scale the predictors, so that the fit's height is at the means of all models.

    Parameters
    ----------
    design : (n, p) array
        The first column is the constant.

    Returns
    -------
    scaled : (n, p) array
        A constant of one, then the predictors.
    centre, scale : (p,) arrays
        What was subtracted, and what it was divided by.
    """
    centre = design.mean(axis=0)
    scale = np.where(design.std(axis=0) > 0, design.std(axis=0), 1.0)
    rest = ((design - centre) / scale)[:, 1:]
    return np.column_stack([np.ones(len(design)), rest]), centre, scale


def checked_families(
    design: ArrayLike, response: ArrayLike, family: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str]]:
    """Take a design (n, p), a response (n,) and a family per model that fit together.

    Raises
    ------
    ValueError
        If they do not, the design has no predictor, or a model has no family.
    """
    X = np.asarray(design, dtype=np.float64)
    y = np.asarray(response, dtype=np.float64)
    labels = family_names(family)
    if X.ndim != 2 or X.shape[1] < 2 or len(y) != len(X) or len(labels) != len(X):
        raise ValueError(
            f"design {X.shape}, response {y.shape} and {len(labels)} families do not fit together"
        )
    return X, y, labels
