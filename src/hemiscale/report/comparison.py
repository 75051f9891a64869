"""Studies in one page: languages, groups of people, or published against ours."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hemiscale.errors import InputError
from hemiscale.report import captions, figures, numbers
from hemiscale.report.compared import RESPONSES, ComparedStudy, read_side, split_name
from hemiscale.report.comparison_tables import laws_table, models_table
from hemiscale.report.page import draw_figure, fill_template
from hemiscale.report.plans import FigurePlan
from hemiscale.report.voxel_region_rows import slope_of
from hemiscale.results import write_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["common_models", "compare_studies", "stacked_rows"]

_LANGUAGE = ("trained", "untrained")
# More studies than colours and markers that can be told apart.
_MOST = 8
_ALL_PAIRS = 3


def compare_studies(
    studies: Sequence[Path | str], out: Path | str, *, subjects: str | None = None
) -> Path:
    """Write a page that shows studies side by side.

    Parameters
    ----------
    studies : sequence of path, "published", or "NAME=" and one of these
        Results folders, two to eight; "published" stands for the paper's English numbers. A study
        is called by its title, or by the name given: ``"French=lpp-fr-results"``.
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
    InputError
        Where there are fewer than two studies, or more than eight.
    HemiscaleError
        Where a folder holds no scores.
    """
    if not 2 <= len(studies) <= _MOST:
        raise InputError(
            f"{len(studies)} stud{'y' if len(studies) == 1 else 'ies'} to compare; expected two to "
            f"eight results folders, or the word published for one of them."
        )
    sides = _told_apart([read_side(which, subjects) for which in studies], studies)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    everyone = sorted({f for side in sides for f in side.rows["family"] if f})
    html = fill_template(
        "compare.html.j2",
        studies=sides,
        names=_listed([side.name for side in sides]),
        simulated=_listed([side.name for side in sides if side.simulated]),
        can=_can(sides),
        cannot=_cannot(sides),
        filters={
            "kind": list(dict.fromkeys(kind for side in sides for kind in side.rows["kind"])),
            "family": everyone,
        },
        drawn=[draw_figure(folder, plan) for plan in _plans(sides, everyone)],
        models=models_table(sides),
        laws=laws_table(sides),
        command=shlex.join(
            ["hemiscale", "compare", *map(str, studies), "--out", str(out)]
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


def stacked_rows(sides: Sequence[ComparedStudy]) -> pd.DataFrame:
    """Stack the language models of all studies, the study's name in the column ``panel``."""
    import pandas as pd

    parts = [side.rows.assign(panel=side.name) for side in sides]
    rows = pd.concat(parts, ignore_index=True)
    return rows[rows["kind"].isin(_LANGUAGE) & (rows["parameters"] > 0)]


def _told_apart(
    sides: Sequence[ComparedStudy], studies: Sequence[Path | str]
) -> list[ComparedStudy]:
    """Give studies of one name the names of their folders, and numbers where these are alike."""
    names = [side.name for side in sides]
    folders = [Path(split_name(which)[1]).name for which in studies]
    longer = [
        f"{name} ({folder})" if names.count(name) > 1 else name
        for name, folder in zip(names, folders, strict=True)
    ]
    return [
        replace(side, name=f"{name}, {k + 1}" if longer.count(name) > 1 else name)
        for k, (side, name) in enumerate(zip(sides, longer, strict=True))
    ]


def _listed(names: Sequence[str]) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{'; '.join(names[:-1])} and {names[-1]}"


def _told(sides: Sequence[ComparedStudy], response: str) -> str:
    laws = [(side.name, captions.describe_law(side.laws[response])) for side in sides]
    return " ".join(f"{name}: {law}" for name, law in laws if law)


def _slopes(sides: Sequence[ComparedStudy]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for response, title in RESPONSES.items():
        for side in sides:
            slope, low, high = slope_of(side.laws[response])
            if np.isfinite(slope):
                what = {"study": side.name, "response": title}
                rows.append({**what, "slope": slope, "low": low, "high": high})
    return pd.DataFrame(rows, columns=["study", "response", "slope", "low", "high"])


def _plans(sides: Sequence[ComparedStudy], families: list[str]) -> list[FigurePlan]:
    data = " ".join(f"{side.name}: {side.data}" for side in sides)
    over = "; ".join(f"{side.name} over {side.over}" for side in sides)
    intervals = f"Bars: 95 % intervals; {over}."
    names = [side.name for side in sides]
    fits = {name: {side.name: side.laws[name] for side in sides} for name in RESPONSES}

    def rows(response: str) -> pd.DataFrame:
        stacked = stacked_rows(sides)
        dropped = ["score", "low", "high"] if response == "left_minus_right" else []
        return stacked[stacked[response].notna()].drop(columns=dropped)

    def overlaid() -> pd.DataFrame:
        found = rows("left_minus_right")
        return found[found["kind"] == "trained"].rename(columns={"panel": "study"})

    return [
        FigurePlan(
            "compare-scores",
            "Score against number of parameters",
            f"{data} Filled: trained; hollow: untrained. One vertical scale. {intervals} Dashed: "
            f"least squares through the trained models. {_told(sides, 'score')}",
            lambda: rows("score"),
            lambda drawn, width: figures.law_panels(
                drawn, fits=fits["score"], width=width, over="see caption", families=families
            ),
            lambda drawn: _told(sides, "score") or f"Scores of {_listed(names)}.",
            "no language model has a score",
        ),
        FigurePlan(
            "compare-left-minus-right",
            "Left minus right against number of parameters",
            f"{data} Each panel has its own scale. {intervals} {_told(sides, 'left_minus_right')}",
            lambda: rows("left_minus_right"),
            lambda drawn, width: figures.asymmetry_panels(
                drawn,
                fits=fits["left_minus_right"],
                width=width,
                over="see caption",
                families=families,
            ),
            lambda drawn: _told(sides, "left_minus_right") or f"Of {_listed(names)}.",
            "no model has a score on both sides",
        ),
        FigurePlan(
            "compare-overlaid",
            "Left minus right of all studies on one scale",
            f"{data} Trained models only; a colour and a marker for each study, none for families. "
            f"{intervals} Dashed: least squares.",
            overlaid,
            lambda drawn, width: figures.studies_law(
                drawn, fits=fits["left_minus_right"], width=width, over="see caption"
            ),
            lambda drawn: _told(sides, "left_minus_right") or f"Of {_listed(names)}.",
            "no model has a score on both sides",
        ),
        FigurePlan(
            "compare-slopes",
            "Slopes of all studies",
            f"{data} Change per tenfold of parameters over the trained models of each study. Bars: "
            "95 % interval over families of models where there are enough of them, else over "
            "models counted as independent.",
            lambda: _slopes(sides),
            lambda drawn, width: figures.study_slopes(drawn, width=width),
            lambda drawn: f"{_told(sides, 'score')} {_told(sides, 'left_minus_right')}",
            "no study has two trained models of different size",
        ),
        *_pair_plans(sides, families, f"{data} {intervals}"),
    ]


def _pair_plans(
    sides: Sequence[ComparedStudy], families: list[str], caption: str
) -> list[FigurePlan]:
    """Model by model: all pairs of up to three studies; of more, each with the first."""
    pairs = list(combinations(sides, 2))
    if len(sides) > _ALL_PAIRS:
        pairs = [pair for pair in pairs if pair[0] is sides[0]]
    if len(pairs) == 1:
        return [_pair_plan("compare-models", "both", pairs[0], families, caption)]
    return [
        _pair_plan(
            f"compare-models-{k + 1}", f"{pair[0].name} and {pair[1].name}", pair, families, caption
        )
        for k, pair in enumerate(pairs)
    ]


def _pair_plan(
    name: str,
    where: str,
    pair: tuple[ComparedStudy, ComparedStudy],
    families: list[str],
    caption: str,
) -> FigurePlan:
    a, b = pair
    return FigurePlan(
        name,
        f"The same models in {where}",
        f"A mark per model or baseline that both studies scored; line: equal scores. {caption}",
        lambda: common_models(a, b),
        lambda rows, width: figures.score_against_score(
            rows, names=(a.name, b.name), width=width, families=families
        ),
        lambda rows: f"{len(rows)} models and baselines.",
        "no model was scored in both studies under the same name",
    )


def _can(sides: Sequence[ComparedStudy]) -> list[str]:
    sentences = []
    for name, what in (("score", "the score"), ("left_minus_right", "left minus right")):
        told = _told(sides, name)
        if told:
            sentences.append(f"How {what} grows. {told}")
    for a, b in combinations(sides, 2):
        shared = common_models(a, b)
        trained = shared[shared["kind"] == "trained"]
        if len(trained) >= 3:
            order = np.corrcoef(trained["first"].rank(), trained["second"].rank())[0, 1]
            where = "both" if len(sides) == 2 else f"{a.name} and {b.name}"
            sentences.append(
                f"The order of the {len(trained)} trained models that {where} scored: rank "
                f"correlation {numbers.score(float(order), digits=2)}."
            )
    return sentences


def _cannot(sides: Sequence[ComparedStudy]) -> list[str]:
    sentences = [
        f"The brain data of {side.name} are simulated: nothing about them is a finding."
        for side in sides
        if side.simulated
    ]
    if len({side.targets for side in sides}) > 1:
        each = ", ".join(f"{side.name} has {side.targets}" for side in sides)
        sentences.append(f"{each}: the level of their scores cannot be compared.")
    if len({side.best_layer for side in sides}) > 1:
        each = "; ".join(f"{side.name}, {side.best_layer}" for side in sides)
        sentences.append(f"Layers: {each}. Scores differ by that alone.")
    if len({side.over for side in sides}) > 1:
        each = ", ".join(f"over {side.over} in {side.name}" for side in sides)
        sentences.append(f"Intervals are {each}: they do not answer the same question.")
    sentences.append(
        "The studies differ in people, recordings and text at once: a difference of scores is not "
        "the effect of any one of them. No test of the difference is made here; two intervals that "
        "overlap do not show that there is none."
    )
    if not any(len(common_models(a, b)) for a, b in combinations(sides, 2)):
        sentences.append(
            f"No model was scored in {'both' if len(sides) == 2 else 'two of them'}, so that lines "
            "are of different models."
        )
    return sentences
