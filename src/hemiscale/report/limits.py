"""What a study can and cannot say: sentences by rules, from its own tables and notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.report import numbers
from hemiscale.report.frames import each_row, row_of_largest
from hemiscale.report.load import Results
from hemiscale.report.tidy import baseline_rows, find_law

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "SHORT_MINUTES",
    "Limits",
    "homologous_pairs",
    "recorded_minutes",
    "recorded_parts",
    "what_it_says",
]

# Below these, a sentence says so.
_FEW_LISTENERS = 10
_FEW_MODELS = 8
_FEW_PAIRS = 5
# One interval in twenty misses zero by chance; a leak between training and test scans shows as a
# score that also matters.
_LEAK = 0.01
SHORT_MINUTES = 30
"""Recordings shorter than this are called short."""


@dataclass(frozen=True)
class Limits:
    """Sentences for the page.

    Attributes
    ----------
    can, cannot : list of str
        By the rules of this module.
    caveats : list of str
        What the study file itself says of its data.
    """

    can: list[str]
    cannot: list[str]
    caveats: list[str]


def what_it_says(results: Results) -> Limits:
    """Apply the rules to a study.

    Parameters
    ----------
    results : Results

    Returns
    -------
    Limits
    """
    subjects = "listeners" if results.has_listeners else "average"
    can = [*_scores(results, subjects), *_slope(results, subjects), *_sides(results, subjects)]
    cannot = [
        *_simulated(results),
        *_data(results),
        *_pairs(results),
        *_models(results),
        *_inflation(results),
    ]
    caveats = results.study.get("caveats")
    caveats = [str(caveat) for caveat in caveats] if isinstance(caveats, list) else []
    return Limits(can, cannot, caveats)


def _simulated(results: Results) -> list[str]:
    if not results.simulated:
        return []
    return [
        "The brain data are simulated: nothing on this page is a finding about people or brains."
    ]


def _over(results: Results, subjects: str) -> str:
    if subjects == "listeners" and results.listeners_over == "listeners":
        return "over listeners"
    if subjects == "listeners":
        return f"over {recorded_parts(results)} of the one listener"
    return f"over {recorded_parts(results)} of the average subject"


def _scores(results: Results, subjects: str) -> list[str]:
    rows = baseline_rows(results, subjects)
    sentences = []
    trained = rows[rows["kind"] == "trained"]
    if len(trained):
        best = row_of_largest(trained, "score")
        sentences.append(
            f"The best language model here, {best['label']}, reaches a mean score of "
            f"{numbers.with_interval(best['score'], best['low'], best['high'])} "
            f"(95 % {_over(results, subjects)})."
        )
    rate = rows[rows["label"] == "word rate"]
    if len(rate) and len(trained) and subjects == "listeners":
        sentences.append(_pairwise(results, best["group"], "word-rate", best["label"], "word rate"))
    static = rows[rows["kind"] == "static embedding"]
    if len(static) and len(trained) and subjects == "listeners":
        other = row_of_largest(static, "score")
        sentences.append(
            _pairwise(results, best["group"], other["group"], best["label"], other["label"])
        )
    sentences += _twins(rows)
    vectors = rows[rows["kind"] == "random vector"]
    for row in each_row(vectors):
        if np.isfinite(row.low) and row.low > 0 and row.score > _LEAK:
            sentences.append(
                f"{row.label} should score zero, but its interval "
                f"{numbers.bounds(row.low, row.high)} leaves zero out: look for a leak between "
                "training and test scans before believing anything else here."
            )
    return sentences


def _pairwise(results: Results, group: str, other: str, label: str, other_label: str) -> str:
    """How many listeners one model predicts better than another."""
    members = results.models.groupby("group")["model"].apply(list)
    means = []
    for name in (group, other):
        part = results.listeners[results.listeners["model"].isin(members[name])]
        if results.voxelwise:
            part = part[part["region"] == "all"]
        means.append(part.groupby("listener")["score"].mean())
    difference = (means[0] - means[1]).dropna()
    above = int((difference > 0).sum())
    return f"{label} scores above {other_label} in {above} of {len(difference)} listeners."


def _twins(rows: pd.DataFrame) -> list[str]:
    score = rows.set_index("group")["score"]
    pairs = [(g, f"{g}-untrained") for g in score.index if f"{g}-untrained" in score.index]
    if not pairs:
        return []
    above = sum(score[a] > score[b] for a, b in pairs)
    if len(pairs) == 1:
        answer = "raises" if above else "does not raise"
        return [f"Training {answer} the score of the one model that has an untrained twin."]
    share = f"all {above}" if above == len(pairs) else f"{above} of the {len(pairs)}"
    return [f"Training raises the score in {share} models that have an untrained twin."]


def _slope(results: Results, subjects: str) -> list[str]:
    law = find_law(results, "score", "log parameters", subjects)
    if law is None or law.get("slope_per_tenfold") is None:
        return []
    low, high, over = _interval(law)
    ten = float(np.log(10))
    text = (
        f"Over {law['n_models']} trained models the score changes by "
        f"{numbers.score(law['slope_per_tenfold'], sign=True)} per tenfold of parameters"
    )
    if low is None or high is None:
        return [text + "; an interval cannot be had from so few."]
    text += f", 95 % {numbers.bounds(low * ten, high * ten, sign=True)} over {over}"
    if low <= 0 <= high:
        text += ": these models do not settle whether it grows with size."
    else:
        text += f": it {'grows' if low > 0 else 'falls'} with size among these models."
    return [text, *_over_people(law, "the score")]


def _interval(law: dict[str, Any]) -> tuple[float | None, float | None, str]:
    """Interval of a slope: over families where there are enough of them, else over models."""
    low, high = law.get("over_families_low"), law.get("over_families_high")
    if low is not None and high is not None:
        return float(low), float(high), "families of models"
    return law.get("slope_low"), law.get("slope_high"), "models counted as independent"


def _over_people(law: dict[str, Any], what: str) -> list[str]:
    """Tell the same slope, listener by listener, and whether other people would show it."""
    keys = ("slope_over_listeners", "slope_over_listeners_low", "slope_over_listeners_high")
    values = [law.get(key) for key in keys]
    if any(value is None for value in values):
        return []
    slope, low, high = (float(value) * float(np.log(10)) for value in values if value is not None)
    text = (
        f"Taken listener by listener, with these models given, {what} changes by "
        f"{numbers.with_interval(slope, low, high, sign=True)} per tenfold of parameters "
        f"(95 % over {law.get('n_listeners')} listeners): other people "
    )
    return [text + ("need not show it." if low <= 0 <= high else "would most likely show it too.")]


def _sides(results: Results, subjects: str) -> list[str]:
    law = find_law(results, "left_minus_right", "log parameters", subjects)
    if law is None or law.get("slope_per_tenfold") is None:
        return []
    low, high, over = _interval(law)
    if low is None or high is None:
        return []
    ten = float(np.log(10))
    text = (
        "Left minus right changes by "
        f"{numbers.score(law['slope_per_tenfold'], sign=True)} per tenfold of parameters, 95 % "
        f"{numbers.bounds(low * ten, high * ten, sign=True)} over {over}"
    )
    text += (
        ": a trend cannot be told from none."
        if low <= 0 <= high
        else "; see what it cannot say before reading more into it."
    )
    return [text, *_over_people(law, "left minus right")]


def _data(results: Results) -> list[str]:
    sentences = []
    n = results.n_listeners
    if n == 1:
        sentences.append(
            "One listener: nothing here says anything about other people; "
            f"intervals over {recorded_parts(results)} are about this one person's recording."
        )
    elif 1 < n < _FEW_LISTENERS:
        sentences.append(
            f"Only {n} listeners: intervals over listeners are wide and lean on the assumption "
            "that listeners' scores are normal."
        )
    elif n == 0:
        sentences.append(
            "Only the average subject was scored: intervals are over "
            f"{recorded_parts(results)} and say nothing about how people differ."
        )
    minutes = recorded_minutes(results)
    if minutes is not None and minutes < SHORT_MINUTES:
        sentences.append(
            f"About {minutes:.0f} minutes of one story: a small sample of language; "
            "another story could rank the models differently."
        )
    runs = {block.get("recorded_run") for block in results.diagnostics.get("runs", [])}
    if len(runs) == 1:
        sentences.append(
            "One recording, cross-validated over contiguous blocks: training and test scans come "
            "from the same session."
        )
    elif len(runs) > 1 and recorded_parts(results) == "blocks":
        sentences.append(
            "Each run was cut into blocks: training and test scans come from the same runs, which "
            "leaving whole runs out would not do."
        )
    return sentences


def homologous_pairs(results: Results) -> list[str]:
    """Name the pairs of regions that mirror each other, as ``LEFT / RIGHT``; none of voxels."""
    if not len(results.asymmetry) or results.voxelwise:
        return []
    return sorted(set(results.asymmetry["pair"]) - {"all pairs"})


def _pairs(results: Results) -> list[str]:
    pairs = homologous_pairs(results)
    if results.voxelwise:
        return [
            "Left minus right is in units of correlation: a side whose signal is more reliable can "
            "be predicted better by any model. Compare it with the same over the ceiling, and with "
            "the left minus right of the baselines."
        ]
    if not pairs:
        return ["There is no pair of homologous regions: left and right cannot be compared."]
    if len(pairs) >= _FEW_PAIRS:
        return []
    minutes = recorded_minutes(results)
    time = (
        f"{numbers.in_words(minutes)} minutes and " if minutes and minutes < SHORT_MINUTES else ""
    )
    which = f"one pair of regions ({pairs[0]})"
    if len(pairs) > 1:
        which = f"{len(pairs)} pairs of regions"
    return [
        numbers.first_upper(
            f"{time}{which} cannot carry the claim that language is lateralized, or that the "
            "asymmetry grows with the models: such a difference may come from the regions' size, "
            "place or signal alone."
        )
    ]


def _models(results: Results) -> list[str]:
    trained = results.models[results.models["kind"] == "trained"]
    sentences = []
    if 0 < len(trained) < _FEW_MODELS:
        sentences.append(
            f"{len(trained)} trained models: a line through so few is a description of these "
            "models, not a law; its interval counts them as independent."
        )
    families = trained["family"].value_counts()
    if len(families) > 1 and families.min() == 1:
        single = ", ".join(sorted(str(name) for name in families.index[families == 1]))
        sentences.append(
            f"Size and family go together: {single} stands for its family alone, so that its size, "
            "its training text and its architecture cannot be told apart."
        )
    elif len(families) == 1 and len(trained) > 1:
        sentences.append("All trained models are of one family: nothing here holds beyond it.")
    law = find_law(results, "score", "log parameters", "listeners") or {}
    if law.get("favoured") == "undecided":
        sentences.append(
            "Whether the score grows with the logarithm of size or levels off cannot be decided "
            "with these models."
        )
    return sentences


def _inflation(results: Results) -> list[str]:
    return [
        "Scores choose the layer by validation scans. Scores with the best layer by test score, "
        "as often published, stand in the table of models for comparison only: that choice alone "
        "lifts them, the more layers the more."
    ]


def recorded_parts(results: Results) -> str:
    """Name what recordings were cross-validated over: runs, or blocks that runs were cut into."""
    recorded = len(results.diagnostics.get("scans") or [])
    analysed = len(results.diagnostics.get("runs") or [])
    return "runs" if recorded > 1 and analysed <= recorded else "blocks"


def recorded_minutes(results: Results) -> float | None:
    """Minutes of recording, from the scans that the pipeline noted; None if it noted none."""
    scans = [run.get("scans") for run in results.diagnostics.get("scans", [])]
    t_r = results.study.get("recordings", {}).get("t_r")
    if not scans or not t_r or not all(isinstance(n, (int, float)) for n in scans):
        return None
    return float(sum(scans)) * float(t_r) / 60
