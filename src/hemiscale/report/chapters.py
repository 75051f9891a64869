"""The order of the page: which figures, from which rows, with which words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hemiscale.report import figures, numbers, tidy
from hemiscale.report.limits import recorded_minutes
from hemiscale.report.load import Results

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Chapter", "FigurePlan", "chapters", "diagnostic_plans", "timing_plan"]


@dataclass(frozen=True)
class FigurePlan:
    """One figure of the page, not drawn yet.

    Attributes
    ----------
    name : str
        File name without suffix, and anchor.
    title : str
    caption : str
        What data, what selection, what interval.
    data : callable
        Gives the tidy rows; an empty frame means that the study has no such thing.
    draw : callable
        ``(rows, width in inches) -> Figure``.
    alt : callable
        ``rows -> str``: the figure in words.
    missing : str
        Why there may be no rows.
    """

    name: str
    title: str
    caption: str
    data: Callable[[], pd.DataFrame]
    draw: Callable[[pd.DataFrame, float], Figure]
    alt: Callable[[pd.DataFrame], str]
    missing: str


@dataclass(frozen=True)
class Chapter:
    """A heading of the page with its figures.

    Attributes
    ----------
    name, title, lead : str
        Anchor, heading, and a sentence or two under it.
    plans : list of FigurePlan
    tables : list of str
        Tables of the page that follow: ``models``, ``laws``, ``asymmetry``.
    """

    name: str
    title: str
    lead: str
    plans: list[FigurePlan] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)


def chapters(results: Results) -> list[Chapter]:
    """Plan the page of a study.

    Parameters
    ----------
    results : Results

    Returns
    -------
    list of Chapter
    """
    words = _Words(results)
    return [
        _scores(results, words),
        _size(results, words),
        _sides(results, words),
        _layers(results, words),
        _training(results, words),
        _listeners(results, words),
        _ceiling(results, words),
    ]


class _Words:
    """Turns of phrase that every caption of one study shares."""

    def __init__(self, results: Results) -> None:
        self.subjects = "listeners" if results.has_listeners else "average"
        self.over = "listeners" if results.has_listeners else "blocks"
        kind = "simulated data" if results.simulated else "real fMRI"
        minutes = recorded_minutes(results)
        time = f", {minutes:.0f} minutes" if minutes else ""
        self.data = f"{results.name}: {results.n_listeners} listeners{time}, {kind}."
        self.average_data = (
            f"{results.name}: average of {results.n_listeners or 'all'} listeners{time}, {kind}."
        )
        if not results.has_listeners:
            self.data = self.average_data
        self.interval = {
            "listeners": "Bars: 95 % interval over listeners (bootstrap).",
            "blocks": "Bars: 95 % interval over blocks of the recording (Student's t).",
        }[self.over]
        self.choice = "Layer chosen on validation scans, never on the test scans."
        self.families = sorted({f for f in results.models["family"] if f})


def _scores(results: Results, words: _Words) -> Chapter:
    plans = [
        FigurePlan(
            "baselines",
            "What each model and each baseline predicts",
            f"{words.data} Brain score: correlation between predicted and measured signal of "
            "left-out scans, mean over all regions. Filled: trained; hollow: the same network "
            f"untrained; grey: baselines. {words.interval} Small ticks: single random seeds, which "
            f"are averaged within each listener first. {words.choice}",
            lambda: tidy.baseline_rows(results, words.subjects),
            lambda rows, width: figures.baseline_scores(
                rows,
                draws=tidy.draws(results, words.subjects),
                width=width,
                over=words.over,
                families=words.families,
            ),
            lambda rows: _list_scores("Mean brain scores, best first", rows),
            "no model has a score",
        ),
    ]
    if results.has_listeners:
        plans.append(
            FigurePlan(
                "regions",
                "Scores by region",
                f"{words.data} One panel per region; models and marks as above. "
                f"{words.interval} {words.choice} No ceiling is drawn here: the ceiling is that of "
                "averages of listeners, whose noise is smaller than one listener's.",
                lambda: tidy.region_rows(results, "listeners"),
                lambda rows, width: figures.region_scores(
                    rows, width=width, families=words.families
                ),
                _regions_alt,
                "no listener was scored",
            )
        )
    if results.has_average:
        plans.append(
            FigurePlan(
                "regions-average",
                "Scores of the average subject by region",
                f"{words.average_data} Averaging the recordings first removes much of the noise, so "
                "scores are higher than those of single listeners. Bars: 95 % interval over blocks "
                "of the recording (Student's t). Dashed: ceiling, how well one half of the "
                "listeners predicts the other half's average, mean over random halves; it is "
                f"learnt from half as many people, so a model may pass it. {words.choice}",
                lambda: tidy.region_rows(results, "average"),
                lambda rows, width: figures.region_scores(
                    rows,
                    ceiling=results.ceiling if len(results.ceiling) else None,
                    width=width,
                    over="blocks",
                    families=words.families,
                ),
                _regions_alt,
                "the average subject was not scored",
            )
        )
    return Chapter(
        "scores",
        "Scores",
        "How well the activations of each model, or the values of each baseline, predict the "
        "signal of scans that took no part in the fit.",
        plans,
        ["models"],
    )


def _size(results: Results, words: _Words) -> Chapter:
    def bands() -> pd.DataFrame:
        return tidy.band_rows(results, words.subjects)

    def plan(name: str, title: str, predictor: str, column: str, text: str) -> FigurePlan:
        law = tidy.find_law(results, "score", predictor, words.subjects)
        return FigurePlan(
            name,
            title,
            f"{words.data} Mean over regions. {text} {words.interval} Dashed: least squares "
            "through the trained models, each counted once, with the 95 % band of the line over "
            f"models. Grey bands: baselines that have no size. {_law_words(law)} {words.choice}",
            lambda: tidy.size_rows(results, words.subjects),
            lambda rows, width: figures.law(
                rows,
                predictor=column,
                fit=law,
                bands=bands(),
                width=width,
                over=words.over,
                families=words.families,
            ),
            lambda rows: _list_scores(title, rows[rows["kind"] == "trained"]) + _law_words(law),
            "no language model has a score",
        )

    return Chapter(
        "size",
        "Size and surprise",
        "Does the score grow with the model, and with how well the model itself predicts the story?",
        [
            plan(
                "law-parameters",
                "Score against number of parameters",
                "log parameters",
                "parameters",
                "Filled: trained; hollow: untrained twins, moved slightly to the right.",
            ),
            plan(
                "law-bits-per-byte",
                "Score against bits per byte",
                "bits per byte",
                "bits_per_byte",
                "Bits per byte: how surprised the model is at the story, per byte of text, from "
                "the same forward pass as its activations; fewer is better, drawn to the right.",
            ),
        ],
        ["laws"],
    )


def _sides(results: Results, words: _Words) -> Chapter:
    pairs = sorted(set(results.asymmetry["pair"]) - {"all pairs"}) if len(results.asymmetry) else []
    law = tidy.find_law(results, "left_minus_right", "log parameters", words.subjects)
    which = f"Pair: {pairs[0]}." if len(pairs) == 1 else f"Mean over {len(pairs)} pairs."
    lead = "Only regions that mirror each other are compared; the difference is paired."
    minutes = recorded_minutes(results)
    if len(pairs) == 1 and minutes is not None and minutes < 30:
        lead = (
            f"{minutes:.0f} minutes and one pair of regions cannot carry a claim about "
            "lateralization: what follows tests the machinery, not the hypothesis. " + lead
        )
    none = "no two regions of this study mirror each other"
    return Chapter(
        "sides",
        "Left and right",
        lead,
        [
            FigurePlan(
                "left-right",
                "Left and right, model by model",
                f"{words.data} {which} Blue: left; vermilion: right; black: left minus right, "
                f"paired within each listener. Hollow: untrained. {words.interval} {words.choice}",
                lambda: tidy.asymmetry_rows(results, words.subjects),
                lambda rows, width: figures.left_and_right(rows, width=width, over=words.over),
                _sides_alt,
                none,
            ),
            FigurePlan(
                "left-minus-right-parameters",
                "Left minus right against number of parameters",
                f"{words.data} {which} Above zero: the left is predicted better. {words.interval} "
                "Dashed: least squares through the trained models with the 95 % band of the line "
                f"over models. {_law_words(law)}",
                lambda: tidy.language_models(tidy.asymmetry_rows(results, words.subjects)),
                lambda rows, width: figures.asymmetry_law(
                    rows, fit=law, width=width, over=words.over, families=words.families
                ),
                lambda rows: _sides_alt(rows) + _law_words(law),
                none,
            ),
        ],
        ["asymmetry"],
    )


def _layers(results: Results, words: _Words) -> Chapter:
    return Chapter(
        "layers",
        "Layers",
        "Each layer by itself: nothing is chosen here.",
        [
            FigurePlan(
                "layers",
                "Score by relative depth",
                f"{words.data} Mean over regions; every layer's score on the test scans. Solid and "
                "filled: trained; dashed and hollow: the untrained twin. Shaded: 95 % interval "
                f"over {words.over}. Reading the best layer off this figure would inflate its "
                "score; the scores above do not.",
                lambda: tidy.layer_rows(results, words.subjects),
                lambda rows, width: figures.layer_profiles(
                    rows, width=width, over=words.over, families=words.families
                ),
                _layers_alt,
                "no language model with layers was scored",
            )
        ],
    )


def _training(results: Results, words: _Words) -> Chapter:
    return Chapter(
        "training",
        "Training",
        "The same network at several moments of its training.",
        [
            FigurePlan(
                "training",
                "Score and bits per byte during training",
                f"{words.data} Mean over regions. Small points: checkpoints; hollow: the untrained "
                f"twin; large: the finished model. {words.interval} Right: bits per byte of the "
                f"story at the same steps (fewer is better). {words.choice}",
                lambda: tidy.training_rows(results, words.subjects),
                lambda rows, width: figures.training_trajectory(
                    rows, width=width, over=words.over, families=words.families
                ),
                lambda rows: _list_scores(
                    "Scores along training, by step", rows.sort_values("training_step")
                ),
                "the study names no checkpoints",
            )
        ],
    )


def _listeners(results: Results, words: _Words) -> Chapter:
    return Chapter(
        "listeners",
        "Listeners",
        "People differ more than models do.",
        [
            FigurePlan(
                "listeners",
                "Each listener's score",
                f"{words.data} Mean over regions, mean over seeds where there are several. "
                "Listeners are sorted by the model that leads the legend. No intervals: each mark "
                f"is one person. {words.choice}",
                lambda: tidy.listener_rows(results),
                lambda rows, width: figures.listener_scores(
                    rows, width=width, families=words.families
                ),
                _listeners_alt,
                "no listener was scored",
            )
        ],
    )


def _ceiling(results: Results, words: _Words) -> Chapter:
    return Chapter(
        "ceiling",
        "Ceiling",
        "How much of the signal listeners share.",
        [
            FigurePlan(
                "ceiling",
                "Inter-subject reliability by region",
                f"{words.average_data} Dots: one half of the listeners predicted from the other "
                "half's average, mean over random halves; bars: the middle 95 % of the halves (a "
                "range: all halves are of the same people, so it is no interval over listeners). "
                "Blue: left; vermilion: right. Diamonds: the best trained model on the average "
                "subject.",
                lambda: results.ceiling,
                lambda rows, width: figures.ceiling(
                    rows, best=tidy.best_on_average(results), width=width
                ),
                lambda rows: (
                    "Reliability: "
                    + "; ".join(
                        f"{r.region} {numbers.score(r.reliability, digits=2)}"
                        for r in rows.itertuples()
                    )
                    + "."
                ),
                "fewer than two listeners were scored, or the study asks for no splits",
            )
        ],
    )


def diagnostic_plans(results: Results) -> list[FigurePlan]:
    """Figures of the diagnostics.

    Parameters
    ----------
    results : Results

    Returns
    -------
    list of FigurePlan
    """
    words = _Words(results)
    return [
        FigurePlan(
            "attention-sink",
            "The first token as an attention sink",
            "Norm of the activation of the first token over that of the median token, layer by "
            "layer (the largest over runs). Where the ratio is large, the token stands for no "
            "word: hemiscale feeds a token in front of the story, so that no word of the "
            "story takes its place. Dashed: untrained.",
            lambda: tidy.attention_sink_rows(results),
            lambda rows, width: figures.attention_sink(rows, width=width, families=words.families),
            _sink_alt,
            "no language model read the story",
        ),
        FigurePlan(
            "motion",
            "Head motion",
            f"{words.data} Framewise displacement (Power et al. 2012, head radius 50 mm): sum of "
            "the absolute changes of the six motion parameters from scan to scan. Dots: mean; "
            "ticks: largest. Nobody was left out for it.",
            lambda: tidy.motion_rows(results),
            lambda rows, width: figures.motion(rows, width=width),
            lambda rows: (
                "Mean framewise displacement from "
                f"{rows['mean_displacement_mm'].min():.2f} to "
                f"{rows['mean_displacement_mm'].max():.2f} mm over {len(rows)} listeners."
            ),
            "the study names no motion parameters",
        ),
    ]


def timing_plan(results: Results) -> FigurePlan:
    """The figure of seconds spent.

    Parameters
    ----------
    results : Results

    Returns
    -------
    FigurePlan
    """
    return FigurePlan(
        "timings",
        "Time spent on each model",
        "Seconds of one process on the machine named below, at the time when the scores were "
        "made (a later run that finds them ready spends nothing). Seeds of a baseline are added "
        "up. Reading: activations of the story; encoding: every layer, every listener.",
        lambda: tidy.timing_rows(results),
        lambda rows, width: figures.timings(rows, width=width),
        lambda rows: (
            "Longest: "
            + "; ".join(
                f"{r.label} {numbers.duration(r.features + r.encoding)}"
                for r in rows.head(5).itertuples()
            )
            + "."
        ),
        "no times were noted",
    )


def _law_words(law: dict[str, Any] | None) -> str:
    """A law in one or two sentences, for captions and alternative texts."""
    if law is None or law.get("slope") is None:
        return ""
    ten = 2.302585092994046
    log = law.get("predictor") == "log parameters"
    factor, per = (ten, "tenfold of parameters") if log else (1.0, "bit per byte")
    slope = numbers.score(law["slope"] * factor, sign=True)
    text = f"Slope {slope} per {per}"
    if law.get("slope_low") is not None and law.get("slope_high") is not None:
        low, high = law["slope_low"] * factor, law["slope_high"] * factor
        text += f", 95 % {numbers.bounds(low, high, sign=True)}"
    if law.get("r") is not None:
        text += f"; r = {numbers.score(law['r'], digits=2)} over {law['n_models']} models"
    return text + "."


def _list_scores(what: str, rows: pd.DataFrame) -> str:
    parts = [f"{r.label} {numbers.score(r.score)}" for r in rows.head(12).itertuples()]
    more = f"; and {len(rows) - 12} more" if len(rows) > 12 else ""
    return f"{what}: {'; '.join(parts)}{more}. "


def _regions_alt(rows: pd.DataFrame) -> str:
    best = rows.loc[rows.groupby("region", sort=False)["score"].idxmax()]
    parts = [f"{r.region} {r.label} {numbers.score(r.score)}" for r in best.itertuples()]
    return f"Best model of each region: {'; '.join(parts)}."


def _sides_alt(rows: pd.DataFrame) -> str:
    parts = [
        f"{r.label} {numbers.score(r.left_minus_right, sign=True)}"
        for r in rows.head(12).itertuples()
    ]
    return f"Left minus right: {'; '.join(parts)}. "


def _layers_alt(rows: pd.DataFrame) -> str:
    trained = rows[rows["kind"] == "trained"]
    if not len(trained):
        return "Layer profiles."
    top = trained.loc[trained.groupby("label", sort=False)["score"].idxmax()]
    parts = [f"{r.label} at depth {r.relative_depth:.2f}" for r in top.itertuples()]
    return f"Scores by relative depth; highest: {'; '.join(parts)}."


def _listeners_alt(rows: pd.DataFrame) -> str:
    parts = [
        f"{label} from {numbers.score(part.min())} to {numbers.score(part.max())}"
        for label, part in rows.groupby("label", sort=False)["score"]
    ]
    return f"Scores of {rows['listener'].nunique()} listeners: {'; '.join(parts)}."


def _sink_alt(rows: pd.DataFrame) -> str:
    top = rows.loc[rows.groupby("label", sort=False)["ratio"].idxmax()]
    parts = [f"{r.label} {r.ratio:.3g} at layer {r.layer}" for r in top.itertuples()]
    return f"Largest ratio of norms: {'; '.join(parts)}."
