"""One side of a comparison: a results folder, or the published numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.report.load import load_results
from hemiscale.report.tidy import baseline_rows, find_law

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PUBLISHED", "RESPONSES", "ComparedStudy", "read_side", "split_name"]

RESPONSES = {"score": "score", "left_minus_right": "left minus right"}
"""What is compared, by its name in ``laws.json``, in words."""

PUBLISHED = "published"
"""The word that stands for the paper's numbers in place of a folder."""


@dataclass(frozen=True)
class ComparedStudy:
    """One side of a comparison.

    Attributes
    ----------
    name : str
    rows : DataFrame
        ``label, kind, family, parameters, bits_per_byte, score, low, high, left_minus_right,
        left_minus_right_low, left_minus_right_high``.
    laws : dict
        ``{"score": law, "left_minus_right": law}`` against log parameters; None where there is
        none.
    simulated : bool
    over : str
        What the intervals are over.
    data : str
        What data, in words.
    targets : {"regions", "voxels"}
    best_layer : str
        How the layer was chosen, in words.
    """

    name: str
    rows: pd.DataFrame
    laws: dict[str, dict[str, Any] | None]
    simulated: bool
    over: str
    data: str
    targets: str
    best_layer: str


def read_side(which: str | Path, subjects: str | None = None) -> ComparedStudy:
    """Read one side.

    Parameters
    ----------
    which : path, "published", or "NAME=" and one of these
        A results folder, or the paper's English numbers; the name that the page shall show.
    subjects : {"listeners", "average"}, optional
        Whose scores; the listeners where there are some.

    Returns
    -------
    ComparedStudy

    Raises
    ------
    HemiscaleError
        Where the folder holds no scores.
    """
    from hemiscale.report.captions import Words

    name, where = split_name(which)
    if where == PUBLISHED:
        published = _published()
        return replace(published, name=name or published.name)
    results = load_results(Path(where))
    words = Words(results)
    if subjects == "average" and not results.has_average:
        subjects = None
    whose = subjects or words.subjects
    rows = baseline_rows(results, whose)
    columns = ["label", "kind", "family", "parameters", "bits_per_byte", "score", "low", "high"]
    columns += [f"left_minus_right{end}" for end in ("", "_low", "_high")]
    return ComparedStudy(
        name=name or results.name,
        rows=rows[columns].reset_index(drop=True),
        laws={name: find_law(results, name, "log parameters", whose) for name in RESPONSES},
        simulated=results.simulated,
        over=words.over if whose == "listeners" else words.parts,
        data=(words.data if whose == "listeners" else words.average_data).removeprefix(
            f"{results.name}: "
        ),
        targets=words.places,
        best_layer="chosen on validation scans",
    )


def split_name(which: str | Path) -> tuple[str, str]:
    """Split ``NAME=FOLDER`` into name and folder; the name is "" where there is none."""
    name, equals, where = str(which).partition("=")
    if not equals or not name or "/" in name or Path(which).exists():
        return "", str(which)
    return name, where


def _published() -> ComparedStudy:
    from hemiscale.analysis import read_published, scaling_law

    models = read_published().models
    known: dict[str, Any] = {
        "label": models["model_name"].astype(str),
        "kind": "trained",
        "family": models["family"].astype(str),
        "parameters": models["n_parameters"].astype(float),
        "bits_per_byte": np.nan,
        "score": models["corr_all"],
        "low": np.nan,
        "high": np.nan,
        "left_minus_right": models["l_minus_r_all"],
        "left_minus_right_low": np.nan,
        "left_minus_right_high": np.nan,
    }
    rows = models.assign(**known)[list(known)].reset_index(drop=True)
    laws: dict[str, dict[str, Any] | None] = {}
    for name in RESPONSES:
        law = scaling_law(rows["parameters"], rows[name], family=list(rows["family"]))
        laws[name] = {
            "predictor": "log parameters",
            **{
                key: getattr(law, key)
                for key in ("slope", "slope_low", "slope_high", "intercept", "r", "n_models")
            },
            **_over_families(law),
            "zero_crossing": law.zero_crossing,
            "zero_crossing_low": law.zero_crossing_low,
            "zero_crossing_high": law.zero_crossing_high,
        }
    return ComparedStudy(
        name="Bonnasse-Gahot & Pallier 2024, English",
        rows=rows,
        laws=laws,
        simulated=False,
        over="nothing (the paper prints no intervals)",
        data="Le Petit Prince in English, average of 49 listeners, real fMRI; numbers read off the "
        "paper’s figures, all voxels.",
        targets="voxels",
        best_layer="each voxel’s best by its test score, which inflates scores",
    )


def _over_families(law: Any) -> dict[str, float | None]:
    """Intervals of slope and crossing over families, under the names of ``laws.json``."""
    robust = None if law.families is None else law.families.robust
    return {
        "over_families_low": robust and robust.slope_low,
        "over_families_high": robust and robust.slope_high,
        "crossing_families_low": robust and robust.crossing_low,
        "crossing_families_high": robust and robust.crossing_high,
    }
