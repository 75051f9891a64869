"""Two studies in one page: two languages, two groups of people, or published against ours."""

from __future__ import annotations

import math
import shlex
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.report import captions, figures, numbers
from hemiscale.report.compared import ComparedStudy, read_side
from hemiscale.report.page import draw_figure, fill_template
from hemiscale.report.plans import FigurePlan
from hemiscale.report.tables import Cell, Row, Table
from hemiscale.report.tidy import KIND_ORDER
from hemiscale.results import write_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["common_models", "compare_studies"]

_LANGUAGE = ("trained", "untrained")


def compare_studies(
    first: Path | str, second: Path | str, out: Path | str, *, subjects: str | None = None
) -> Path:
    """Write a page that shows two studies side by side.

    Parameters
    ----------
    first, second : path, or "published"
        Results folders; "published" stands for the paper's English numbers.
    out : path
        Folder of the page; made if need be.
    subjects : {"listeners", "average"}, optional
        Whose scores; in each study the listeners where it has some.

    Returns
    -------
    Path
        ``compare.html`` in that folder.

    Raises
    ------
    HemiscaleError
        Where a folder holds no scores.
    """
    a, b = read_side(first, subjects), read_side(second, subjects)
    if a.name == b.name:
        a, b = _told_apart(a, str(first)), _told_apart(b, str(second))
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    everyone = sorted({f for side in (a, b) for f in side.rows["family"] if f})
    html = fill_template(
        "compare.html.j2",
        first=a,
        second=b,
        simulated=" and ".join(side.name for side in (a, b) if side.simulated),
        can=_can(a, b),
        cannot=_cannot(a, b),
        filters={
            "kind": list(dict.fromkeys([*a.rows["kind"], *b.rows["kind"]])),
            "family": everyone,
        },
        drawn=[draw_figure(folder, plan) for plan in _plans(a, b, everyone)],
        models=_models(a, b),
        laws=_laws(a, b),
        command=shlex.join(
            ["hemiscale", "compare", str(first), str(second), "--out", str(out)]
            + (["--subjects", subjects] if subjects else [])
        ),
    )
    page = folder / "compare.html"
    write_text(page, html)
    return page


def common_models(a: ComparedStudy, b: ComparedStudy) -> pd.DataFrame:
    """Pair the models that both studies scored, by name and kind.

    Parameters
    ----------
    a, b : ComparedStudy

    Returns
    -------
    DataFrame
        ``label, kind, family, first, first_low, first_high, second, second_low, second_high``.
    """
    keys = ["label", "kind", "family"]
    values = ["score", "low", "high"]
    left = a.rows[keys + values].rename(
        columns={"score": "first", "low": "first_low", "high": "first_high"}
    )
    right = b.rows[["label", "kind", *values]].rename(
        columns={"score": "second", "low": "second_low", "high": "second_high"}
    )
    paired = left.merge(right, on=["label", "kind"])
    return paired[np.isfinite(paired["first"] + paired["second"])].reset_index(drop=True)


def _told_apart(side: ComparedStudy, where: str) -> ComparedStudy:
    from dataclasses import replace

    return replace(side, name=f"{side.name} ({Path(where).name})")


def _stacked(a: ComparedStudy, b: ComparedStudy) -> pd.DataFrame:
    import pandas as pd

    parts = [side.rows.assign(panel=side.name) for side in (a, b)]
    rows = pd.concat(parts, ignore_index=True)
    return rows[rows["kind"].isin(_LANGUAGE) & (rows["parameters"] > 0)]


def _plans(a: ComparedStudy, b: ComparedStudy, families: list[str]) -> list[FigurePlan]:
    data = f"{a.name}: {a.data} {b.name}: {b.data}"
    intervals = f"Bars: 95 % intervals; {a.name} over {a.over}; {b.name} over {b.over}."
    fits = {
        name: {side.name: side.laws[name] for side in (a, b)}
        for name in ("score", "left_minus_right")
    }

    def told(name: str) -> str:
        sentences = [
            f"{side.name}: {captions.describe_law(side.laws[name])}"
            for side in (a, b)
            if captions.describe_law(side.laws[name])
        ]
        return " ".join(sentences)

    def differences() -> pd.DataFrame:
        rows = _stacked(a, b)
        return rows[rows["left_minus_right"].notna()].drop(columns=["score", "low", "high"])

    return [
        FigurePlan(
            "compare-scores",
            "Score against number of parameters",
            f"{data} Filled: trained; hollow: untrained. One vertical scale. {intervals} Dashed: "
            f"least squares through the trained models. {told('score')}",
            lambda: _stacked(a, b)[_stacked(a, b)["score"].notna()],
            lambda rows, width: figures.law_panels(
                rows, fits=fits["score"], width=width, over="see caption", families=families
            ),
            lambda rows: told("score") or "Scores of both studies.",
            "no language model has a score",
        ),
        FigurePlan(
            "compare-left-minus-right",
            "Left minus right against number of parameters",
            f"{data} Each panel has its own scale. {intervals} {told('left_minus_right')}",
            differences,
            lambda rows, width: figures.asymmetry_panels(
                rows,
                fits=fits["left_minus_right"],
                width=width,
                over="see caption",
                families=families,
            ),
            lambda rows: told("left_minus_right") or "Left minus right of both studies.",
            "no model has a score on both sides",
        ),
        FigurePlan(
            "compare-models",
            "The same models in both",
            f"{data} A mark per model or baseline that both studies scored; line: equal scores. "
            f"{intervals}",
            lambda: common_models(a, b),
            lambda rows, width: figures.score_against_score(
                rows, names=(a.name, b.name), width=width, families=families
            ),
            lambda rows: f"{len(rows)} models and baselines.",
            "no model was scored in both studies under the same name",
        ),
    ]


def _can(a: ComparedStudy, b: ComparedStudy) -> list[str]:
    sentences = []
    for name, what in (("score", "the score"), ("left_minus_right", "left minus right")):
        parts = [
            f"{side.name}: {captions.describe_law(side.laws[name])}"
            for side in (a, b)
            if side.laws[name]
        ]
        if parts:
            sentences.append(f"How {what} grows. {' '.join(parts)}")
    shared = common_models(a, b)
    trained = shared[shared["kind"] == "trained"]
    if len(trained) >= 3:
        order = np.corrcoef(trained["first"].rank(), trained["second"].rank())[0, 1]
        sentences.append(
            f"The order of the {len(trained)} trained models that both scored: rank correlation "
            f"{numbers.score(float(order), digits=2)}."
        )
    return sentences


def _cannot(a: ComparedStudy, b: ComparedStudy) -> list[str]:
    sentences = [
        f"The brain data of {side.name} are simulated: nothing about them is a finding."
        for side in (a, b)
        if side.simulated
    ]
    if a.targets != b.targets:
        sentences.append(
            f"{a.name} has {a.targets}, {b.name} has {b.targets}: the level of their scores cannot "
            "be compared."
        )
    if a.best_layer != b.best_layer:
        sentences.append(
            f"Layers: {a.name}, {a.best_layer}; {b.name}, {b.best_layer}. Scores differ by that "
            "alone."
        )
    if a.over != b.over:
        sentences.append(
            f"Intervals are over {a.over} in {a.name} and over {b.over} in {b.name}: "
            "they do not answer the same question."
        )
    sentences.append(
        "The studies differ in people, recordings and text at once: a difference of scores is not "
        "the effect of any one of them. No test of the difference is made here; two intervals that "
        "overlap do not show that there is none."
    )
    if not len(common_models(a, b)):
        sentences.append("No model was scored in both, so that lines are of different models.")
    return sentences


def _models(a: ComparedStudy, b: ComparedStudy) -> Table:
    merged = a.rows.merge(b.rows, on=["label", "kind"], how="outer", suffixes=("_a", "_b"))
    columns = [("model", False), ("kind", False), (f"score, {a.name}", True)]
    columns += [(f"score, {b.name}", True), ("second minus first", True)]
    columns += [(f"left − right, {a.name}", True), (f"left − right, {b.name}", True)]
    rows = []
    rank = {kind: k for k, kind in enumerate(KIND_ORDER)}
    merged = merged.assign(rank=merged["kind"].map(rank).fillna(len(rank)))
    merged = merged.sort_values(["rank", "score_b", "score_a", "label"], kind="stable")
    for record in merged.to_dict("records"):
        one, two = record["score_a"], record["score_b"]
        family = record["family_a"] if isinstance(record["family_a"], str) else record["family_b"]
        both = isinstance(one, float) and isinstance(two, float) and math.isfinite(one + two)
        rows.append(
            Row(
                [
                    Cell(str(record["label"]), str(record["label"]).lower()),
                    Cell(str(record["kind"]), str(record["kind"])),
                    _estimate(record, "score", "low", "high", "a"),
                    _estimate(record, "score", "low", "high", "b"),
                    Cell(numbers.score(two - one, sign=True), two - one)
                    if both
                    else Cell(numbers.NOTHING),
                    *(_estimate(record, *_DIFFERENCE, side, sign=True) for side in ("a", "b")),
                ],
                str(record["kind"]),
                str(family or ""),
            )
        )
    return Table(
        "models",
        f"Every model of either study. Intervals: 95 %, {a.name} over {a.over}, {b.name} over "
        f"{b.over}. Models are matched by name and kind.",
        columns,
        rows,
    )


_DIFFERENCE = ("left_minus_right", "left_minus_right_low", "left_minus_right_high")


def _estimate(
    record: dict[Hashable, Any], value: str, low: str, high: str, side: str, *, sign: bool = False
) -> Cell:
    estimate = float(record[f"{value}_{side}"])
    if not math.isfinite(estimate):
        return Cell(numbers.NOTHING)
    ends = float(record[f"{low}_{side}"]), float(record[f"{high}_{side}"])
    return Cell(numbers.score(estimate, sign=sign), estimate, numbers.bounds(*ends, sign=sign))


def _laws(a: ComparedStudy, b: ComparedStudy) -> Table:
    ten = math.log(10)
    rows = []
    for name in ("score", "left_minus_right"):
        for side in (a, b):
            law = side.laws[name]
            if law is None or law.get("slope") is None:
                continue
            low, high = law.get("slope_low"), law.get("slope_high")
            ends = ""
            if low is not None and high is not None:
                ends = numbers.bounds(low * ten, high * ten, sign=True)
            slope = float(law["slope"]) * ten
            rows.append(
                Row(
                    [
                        Cell(name.replace("_", " "), name),
                        Cell(side.name, side.name),
                        Cell(str(law.get("n_models", "")), float(law.get("n_models") or 0)),
                        Cell(numbers.score(slope, sign=True, digits=4), slope, ends),
                        Cell(numbers.score(law.get("r"), digits=2), law.get("r")),
                    ]
                )
            )
    columns = [("response", False), ("study", False), ("models", True)]
    columns += [("slope per tenfold of parameters", True), ("r", True)]
    return Table(
        "laws",
        "Least squares against log parameters over trained models; in brackets the 95 % interval "
        "over models counted as independent.",
        columns,
        rows,
    )
