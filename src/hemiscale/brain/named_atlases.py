"""Atlases by name; nilearn downloads them and keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hemiscale.errors import HemiscaleError

__all__ = ["NAMED_ATLASES", "fetch_named_atlas"]

NAMED_ATLASES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "aal": ("fetch_atlas_aal", {}),
    "destrieux": ("fetch_atlas_destrieux_2009", {}),
    "harvard-oxford-cortical": (
        "fetch_atlas_harvard_oxford",
        {"atlas_name": "cort-maxprob-thr25-2mm"},
    ),
    "harvard-oxford-subcortical": (
        "fetch_atlas_harvard_oxford",
        {"atlas_name": "sub-maxprob-thr25-2mm"},
    ),
    "juelich": ("fetch_atlas_juelich", {"atlas_name": "maxprob-thr25-2mm"}),
    "schaefer-100": ("fetch_atlas_schaefer_2018", {"n_rois": 100, "resolution_mm": 2}),
    "schaefer-400": ("fetch_atlas_schaefer_2018", {"n_rois": 400, "resolution_mm": 2}),
}
"""nilearn's fetcher, and what it is asked for, by the name in a study file."""


def fetch_named_atlas(name: str) -> tuple[Any, dict[int, str]]:
    """Get an atlas of labels through nilearn.

    Parameters
    ----------
    name : str
        One of `NAMED_ATLASES`.

    Returns
    -------
    labels_img : Niimg-like
    names : dict
        Name of each label, for `atlas_regions`.

    Raises
    ------
    KeyError
        Where there is no atlas of this name.
    HemiscaleError
        Where it is not on this machine yet and cannot be downloaded.
    """
    import nilearn.datasets

    function, options = NAMED_ATLASES[name]
    try:
        atlas = getattr(nilearn.datasets, function)(**options, verbose=0)
    except Exception as error:  # requests, urllib, zipfile and nilearn have one each
        raise HemiscaleError(
            f"atlas {name!r}: cannot be downloaded ({type(error).__name__}); try again when there "
            "is a network, or name a file with labels."
        ) from None
    table = getattr(atlas, "lut", None)
    if table is not None:
        names = dict(zip(table["index"].astype(int), table["name"].astype(str), strict=True))
    else:  # before nilearn 0.12: labels in the order of their numbers
        numbers = [int(number) for number in getattr(atlas, "indices", range(len(atlas.labels)))]
        names = {
            number: label.decode() if isinstance(label, bytes) else str(label)
            for number, label in zip(numbers, atlas.labels, strict=True)
        }
    return atlas.maps, names
