"""The words around figures: what data, what interval, and each figure told in a sentence."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hemiscale.report import numbers
from hemiscale.report.frames import each_row, rows_of_largest
from hemiscale.report.limits import recorded_minutes, recorded_parts
from hemiscale.report.load import Results

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "LAYER_CHOICE",
    "SELECTIONS",
    "Words",
    "describe_ceiling",
    "describe_law",
    "describe_layers",
    "describe_listeners",
    "describe_motion",
    "describe_regions",
    "describe_sides",
    "describe_sink",
    "describe_timings",
    "interval_words",
    "list_scores",
]

LAYER_CHOICE = "Layer chosen on validation scans, never on the test scans."

SELECTIONS = (
    "Reliable: the top quarter of voxels by inter-subject reliability; best 10 %: chosen for each "
    "run by validation scores, which exclude it; 90th percentile: as published, chosen by the very "
    "scores shown; a region stands for both sides."
)

_MOST_NAMED = 12
_MOST_DECIMALS = 7
_PER = {"log parameters": "tenfold of parameters", "bits per byte": "bit per byte"}


class Words:
    """Turns of phrase that all captions of one study share.

    Attributes
    ----------
    subjects : {"listeners", "average"}
        Whose scores the main figures show.
    parts : {"runs", "blocks"}
        What the intervals of an average subject, or of an only listener, are over.
    over : {"listeners", "runs", "blocks"}
        What those of the main figures are over.
    data, average_data : str
        The recordings behind the listeners' scores, and behind those of the average subject.
    interval : str
        What the bars of the main figures are.
    regions : str
        Abbreviated region names spelt out; "" where the study gives no labels.
    places : {"regions", "voxels"}
        What mean scores are means over.
    families : list of str
    """

    def __init__(self, results: Results) -> None:
        self.subjects = "listeners" if results.has_listeners else "average"
        self.parts = recorded_parts(results)
        people = results.has_listeners and results.listeners_over == "listeners"
        self.over = "listeners" if people else self.parts
        kind = "simulated data" if results.simulated else "real fMRI"
        minutes = recorded_minutes(results)
        time = f", {minutes:.0f} minutes" if minutes else ""
        n = results.n_listeners
        who = f"{n} listener{'s' if n != 1 else ''}"
        self.average_data = (
            f"{results.name}: average of {who if n else 'all listeners'}{time}, {kind}."
        )
        self.data = f"{results.name}: {who}{time}, {kind}." if n else self.average_data
        self.interval = interval_words(self.over, n)
        self.regions = _spelt_out(results)
        self.places = "voxels" if results.voxelwise else "regions"
        self.families = sorted({f for f in results.models["family"] if f})


def interval_words(over: str, n_listeners: int) -> str:
    """Say what the bars of a figure are."""
    if over == "blocks":
        return "Bars: 95 % interval over blocks of the recording (corrected for what blocks share)."
    if over == "runs":
        return "Bars: 95 % interval over runs (corrected for what runs share)."
    from hemiscale.analysis.intervals import FEWEST_FOR_BOOTSTRAP

    how = "bootstrap" if n_listeners >= FEWEST_FOR_BOOTSTRAP else "Student’s t"
    return f"Bars: 95 % interval over listeners ({how})."


def _spelt_out(results: Results) -> str:
    regions = results.study.get("recordings", {}).get("regions", [])
    labels = [(r.get("name"), r.get("label")) for r in regions if isinstance(r, dict)]
    named = [f"{name}: {label}" for name, label in labels if label]
    return "; ".join(named) + "." if 0 < len(named) <= _MOST_NAMED else ""


def describe_law(law: dict[str, Any] | None) -> str:
    """Tell a law in a sentence: slope, interval, correlation.

    Parameters
    ----------
    law : dict or None
        An entry of ``laws.json``.

    Returns
    -------
    str
        "" where there is no law.
    """
    if law is None or law.get("slope") is None:
        return ""
    predictor = str(law.get("predictor"))
    factor = math.log(10) if predictor == "log parameters" else 1.0
    per = _PER.get(predictor, f"unit of {predictor}")
    slope = law["slope"] * factor
    ends = [law[end] * factor for end in ("slope_low", "slope_high") if law.get(end) is not None]
    digits = _decimals(max([abs(slope), *(abs(end) / 2 for end in ends)]))
    text = f"Slope {numbers.score(slope, sign=True, digits=digits)} per {per}"
    if law.get("slope_low") is not None and law.get("slope_high") is not None:
        low, high = law["slope_low"] * factor, law["slope_high"] * factor
        text += f", 95 % {numbers.bounds(low, high, sign=True, digits=digits)} over models"
    if law.get("over_families_low") is not None and law.get("over_families_high") is not None:
        low, high = law["over_families_low"] * factor, law["over_families_high"] * factor
        text += f" and {numbers.bounds(low, high, sign=True, digits=digits)} over families"
    if law.get("r") is not None:
        text += f"; r = {numbers.score(law['r'], digits=2)} over {law['n_models']} models"
    return text + "."


def _decimals(size: float) -> int:
    """Three, or what leaves two digits of small slopes: left minus right, or per perplexity."""
    if size == 0 or not math.isfinite(size):
        return 3
    return min(_MOST_DECIMALS, max(3, 1 - math.floor(math.log10(size))))


def list_scores(rows: pd.DataFrame) -> str:
    """Tell the scores of the first rows: ``label, score``."""
    parts = [f"{r.label} {numbers.score(r.score)}" for r in each_row(rows.head(_MOST_NAMED))]
    return _sentence(parts, len(rows))


def describe_regions(rows: pd.DataFrame) -> str:
    """Tell the best model of each region."""
    best = rows_of_largest(rows, "score", of_each="region").head(_MOST_NAMED)
    parts = [f"{r.region} {r.label} {numbers.score(r.score)}" for r in each_row(best)]
    return "Best of each region: " + _sentence(parts, rows["region"].nunique())


def describe_sides(rows: pd.DataFrame) -> str:
    """Tell left minus right of each model."""
    parts = [
        f"{r.label} {numbers.score(r.left_minus_right, sign=True)}"
        for r in each_row(rows.head(_MOST_NAMED))
    ]
    return "Left minus right: " + _sentence(parts, len(rows))


def describe_layers(rows: pd.DataFrame) -> str:
    """Tell where the profile of each trained model is highest."""
    trained = rows[rows["kind"] == "trained"]
    top = rows_of_largest(trained, "score", of_each="label")
    parts = [f"{r.label} at relative depth {r.relative_depth:.2f}" for r in each_row(top)]
    return "Highest: " + _sentence(parts, len(parts))


def describe_listeners(rows: pd.DataFrame) -> str:
    """Tell the range of scores over listeners, model by model."""
    parts = [
        f"{label} from {numbers.score(part.min())} to {numbers.score(part.max())}"
        for label, part in rows.groupby("label", sort=False)["score"]
    ]
    return f"{rows['listener'].nunique()} listeners: " + _sentence(parts, len(parts))


def describe_ceiling(rows: pd.DataFrame) -> str:
    """Tell the reliability of each region."""
    parts = [
        f"{r.region} {numbers.score(r.reliability, digits=2)}"
        for r in each_row(rows.head(_MOST_NAMED))
    ]
    return "Reliability: " + _sentence(parts, len(rows))


def describe_sink(rows: pd.DataFrame) -> str:
    """Tell the largest ratio of each model, and that of the token in front of the text."""
    top = rows_of_largest(rows, "ratio", of_each="label")
    parts = [f"{r.label} {r.ratio:.3g} at layer {r.layer}" for r in each_row(top)]
    told = "Largest ratio: " + _sentence(parts, len(parts))
    front = rows[rows["in_front"].notna()]
    if len(front):
        top = rows_of_largest(front, "in_front", of_each="label")
        parts = [f"{r.label} {r.in_front:.3g} at layer {r.layer}" for r in each_row(top)]
        told += " Of the token in front of the text, which is no word's: " + _sentence(
            parts, len(parts)
        )
    return told


def describe_motion(rows: pd.DataFrame) -> str:
    """Tell the range of mean displacements."""
    mean = rows["mean_displacement_mm"]
    return f"Means from {mean.min():.2f} to {mean.max():.2f} mm over {len(rows)} listeners."


def describe_timings(rows: pd.DataFrame) -> str:
    """Tell what took longest."""
    parts = [
        f"{r.label} {numbers.duration(r.features + r.encoding)}" for r in each_row(rows.head(5))
    ]
    return "Longest: " + _sentence(parts, len(parts))


def _sentence(parts: list[str], total: int) -> str:
    more = f"; and {total - len(parts)} more" if total > len(parts) else ""
    return "; ".join(parts) + more + "."
