"""The order of the page: which figures, from which rows, with which words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hemiscale.report import captions, diagnostic_rows, figures, numbers, tidy
from hemiscale.report.captions import LAYER_CHOICE, SELECTIONS, Words
from hemiscale.report.limits import SHORT_MINUTES, homologous_pairs, recorded_minutes
from hemiscale.report.load import Results
from hemiscale.report.plans import Chapter, FigurePlan
from hemiscale.report.voxel_chapters import voxel_chapters
from hemiscale.report.voxel_region_rows import region_ceiling_rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["chapters", "diagnostic_plans", "timing_plan"]


def chapters(results: Results) -> list[Chapter]:
    """Plan the page of a study.

    Parameters
    ----------
    results : Results

    Returns
    -------
    list of Chapter
    """
    words = Words(results)
    if results.voxelwise:
        own = voxel_chapters(results, words)
        return [
            _scores(results, words),
            own["ceiling"],
            own["size"],
            own["maps"],
            own["sides"],
            own["regions"],
            own["parcels"],
            _training(results, words),
            _listeners(results, words),
            own["people"],
        ]
    return [
        _scores(results, words),
        _size(results, words),
        _sides(results, words),
        _layers(results, words),
        _training(results, words),
        _listeners(results, words),
        _ceiling(results, words),
    ]


def _scores(results: Results, words: Words) -> Chapter:
    plans = [
        FigurePlan(
            "baselines",
            "What each model and each baseline predicts",
            f"{words.data} Brain score: correlation between predicted and measured signal of "
            f"left-out scans, mean over all {words.places}. Filled: trained; hollow: the same "
            f"network untrained; grey: baselines. {words.interval} Small ticks: single random "
            "seeds, which are averaged within each listener before the interval is taken. "
            f"{LAYER_CHOICE}",
            lambda: tidy.score_columns(tidy.baseline_rows(results, words.subjects)),
            lambda rows, width: figures.baseline_scores(
                rows,
                draws=tidy.draws(results, words.subjects),
                width=width,
                over=words.over,
                families=words.families,
            ),
            captions.list_scores,
            "nothing has a score",
        ),
    ]
    if results.has_listeners:
        plans.append(_regions(results, words, "listeners"))
    if results.has_average:
        plans.append(_regions(results, words, "average"))
    return Chapter(
        "scores",
        "Scores",
        "How well the activations of each model, or the values of each baseline, predict the "
        "signal of scans that took no part in the fit.",
        plans,
        ["models"],
    )


def _regions(results: Results, words: Words, subjects: str) -> FigurePlan:
    average = subjects == "average"
    what = "selection of voxels" if results.voxelwise else "region"
    selections = f" {SELECTIONS}" if results.voxelwise else ""
    ceiling = _sides_of_ceiling(results) if average and len(results.ceiling) else None
    if ceiling is not None and results.voxelwise:
        ceiling = region_ceiling_rows(results)
        ceiling = ceiling[ceiling["hemisphere"] == "both"]
    if average:
        name, title = "regions-average", f"Scores of the average subject by {what}"
        text = (
            f"{words.average_data} Averaging the recordings first removes much of the noise, so "
            f"these scores are higher than those of single listeners.{selections} "
            f"{captions.interval_words(words.parts, 0)}"
        )
        if ceiling is not None:
            text += (
                " Dashed: ceiling, one half of the listeners predicted from the other half’s "
                "average, mean over random halves; a half is noisier than the whole, so a model "
                "may pass it."
            )
    else:
        name, title = "regions", f"Scores by {what}"
        text = f"{words.data} A panel per {what}; marks as above.{selections} {words.interval}"
        if len(results.ceiling):
            text += (
                " The ceiling is not drawn here: it is that of averages of listeners, which are "
                "less noisy than one listener."
            )
    return FigurePlan(
        name,
        title,
        f"{text} {LAYER_CHOICE} {words.regions}",
        lambda: tidy.region_rows(results, subjects),
        lambda rows, width: figures.region_scores(
            rows,
            ceiling=ceiling,
            width=width,
            over=words.parts if average else words.over,
            families=words.families,
        ),
        captions.describe_regions,
        "no region has a score",
    )


def _size(results: Results, words: Words) -> Chapter:
    def plan(name: str, title: str, predictor: str, text: str, subjects: str) -> FigurePlan:
        law = tidy.find_law(results, "score", predictor, subjects)
        average = subjects == "average"
        data = words.average_data if average else words.data
        over = words.parts if average else words.over
        interval = captions.interval_words(over, results.n_listeners)
        return FigurePlan(
            name,
            title,
            f"{data} Mean over {words.places}. {text} {interval} Dashed: least squares through the "
            "trained models, each counted once, with the 95 % band of the line over models. Grey "
            "lines: baselines that have no size, their intervals at the right edge. "
            f"{captions.describe_law(law)} {LAYER_CHOICE}",
            lambda: tidy.score_columns(tidy.language_models(tidy.baseline_rows(results, subjects))),
            lambda rows, width: figures.law(
                rows,
                predictor="parameters" if predictor == "log parameters" else "bits_per_byte",
                fit=law,
                bands=tidy.band_rows(results, subjects),
                width=width,
                over=over,
                families=words.families,
            ),
            lambda rows: f"{captions.describe_law(law)} {captions.list_scores(rows)}",
            "no language model has a score",
        )

    twins = "Filled: trained; hollow: untrained twins, moved a little to the right."
    bits = (
        "Bits per byte: how surprised the model is at the story, per byte of text, from the same "
        "forward pass as its activations; fewer is better and drawn to the right."
    )
    title = "Score against number of parameters"
    plans = [
        plan("law-parameters", title, "log parameters", twins, words.subjects),
        plan(
            "law-bits-per-byte",
            "Score against bits per byte",
            "bits per byte",
            bits,
            words.subjects,
        ),
    ]
    if results.has_listeners and results.has_average:
        name = "law-parameters-average"
        plans.append(plan(name, f"{title}, average subject", "log parameters", twins, "average"))
    return Chapter(
        "size",
        "Size and surprise",
        "Does the score grow with the model, and with how well the model predicts the story?",
        plans,
        ["laws"],
    )


def _sides(results: Results, words: Words) -> Chapter:
    pairs = homologous_pairs(results)
    law = tidy.find_law(results, "left_minus_right", "log parameters", words.subjects)
    which = f"Pair: {pairs[0]}." if len(pairs) == 1 else f"Mean over {len(pairs)} pairs."
    lead = "Only regions that mirror each other are compared, and the difference is paired."
    minutes = recorded_minutes(results)
    if len(pairs) == 1 and minutes is not None and minutes < SHORT_MINUTES:
        lead = (
            f"{numbers.first_upper(numbers.in_words(minutes))} minutes and one pair of regions "
            "cannot carry a claim about lateralization: what follows tests the machinery, not the "
            f"hypothesis. {lead}"
        )
    missing = "no two regions of this study mirror each other"
    paired = (
        "paired within each listener"
        if words.over == "listeners"
        else f"paired within {words.over}"
    )
    return Chapter(
        "sides",
        "Left and right",
        lead,
        [
            FigurePlan(
                "left-right",
                "Left and right, model by model",
                f"{words.data} {which} Blue: left; vermilion: right; black: left minus right, "
                f"{paired}. Hollow: untrained. {words.interval} {LAYER_CHOICE}",
                lambda: tidy.asymmetry_rows(results, words.subjects),
                lambda rows, width: figures.left_and_right(rows, width=width, over=words.over),
                captions.describe_sides,
                missing,
            ),
            FigurePlan(
                "left-minus-right-parameters",
                "Left minus right against number of parameters",
                f"{words.data} {which} Above zero: the left is predicted better. {words.interval} "
                "Dashed: least squares through the trained models with the 95 % band of the line "
                f"over models. {captions.describe_law(law)} {LAYER_CHOICE}",
                lambda: tidy.language_models(tidy.asymmetry_rows(results, words.subjects)),
                lambda rows, width: figures.asymmetry_law(
                    rows, fit=law, width=width, over=words.over, families=words.families
                ),
                lambda rows: f"{captions.describe_law(law)} {captions.describe_sides(rows)}",
                missing,
            ),
        ],
        ["asymmetry"],
    )


def _layers(results: Results, words: Words) -> Chapter:
    return Chapter(
        "layers",
        "Layers",
        "Each layer by itself: nothing is chosen here.",
        [
            FigurePlan(
                "layers",
                "Score by relative depth",
                f"{words.data} Mean over {words.places}; every layer’s score on the test scans. "
                "Solid and filled: trained; dashed and hollow: the untrained twin. Shaded: 95 % "
                f"interval over {words.over}. To read the best layer off this figure would inflate "
                "its score; the scores above do not do that.",
                lambda: tidy.layer_rows(results, words.subjects),
                lambda rows, width: figures.layer_profiles(
                    rows, width=width, over=words.over, families=words.families
                ),
                captions.describe_layers,
                "no language model with layers was scored",
            )
        ],
    )


def _training(results: Results, words: Words) -> Chapter:
    return Chapter(
        "training",
        "Training",
        "The same network at several moments of its training.",
        [
            FigurePlan(
                "training",
                "Score, left minus right, and bits per byte during training",
                f"{words.data} Mean over {words.places}. Small points: checkpoints; hollow: the "
                f"untrained twin; large: the finished model. {words.interval} Left minus right: "
                "homologous pairs only, where there are any. Bits per byte of the story at the "
                f"same steps: fewer is better. {LAYER_CHOICE}",
                lambda: tidy.training_rows(results, words.subjects),
                lambda rows, width: figures.training_trajectory(
                    rows, width=width, over=words.over, families=words.families
                ),
                captions.list_scores,
                "the study names no checkpoints",
            )
        ],
    )


def _listeners(results: Results, words: Words) -> Chapter:
    return Chapter(
        "listeners",
        "Listeners",
        "How the same few models fare with each person.",
        [
            FigurePlan(
                "listeners",
                "Each listener’s score",
                f"{words.data} Mean over {words.places}, and over seeds where there are several. "
                "Listeners are sorted by the model that leads the legend. No intervals: each mark "
                f"is one person. {LAYER_CHOICE}",
                lambda: tidy.listener_rows(results),
                lambda rows, width: figures.listener_scores(
                    rows, width=width, families=words.families
                ),
                captions.describe_listeners,
                "no listener was scored",
            )
        ],
    )


def _sides_of_ceiling(results: Results) -> pd.DataFrame:
    """Take the ceiling of regions, without the rows of left minus right of their pairs."""
    rows = results.ceiling
    return rows[rows["hemisphere"] != "left - right"].reset_index(drop=True)


def _ceiling(results: Results, words: Words) -> Chapter:
    return Chapter(
        "ceiling",
        "Ceiling",
        "How much of the signal listeners share.",
        [
            FigurePlan(
                "ceiling",
                "Inter-subject reliability by region",
                f"{words.average_data} Dots: one half of the listeners predicted from the other "
                "half’s average, mean over random halves; bars: the middle 95 % of the halves (a "
                "range: all halves are of the same people, so it is no interval over listeners). "
                "Blue: left; vermilion: right. Diamonds: the best trained model on the average "
                "subject.",
                lambda: _sides_of_ceiling(results),
                lambda rows, width: figures.ceiling(
                    rows, best=tidy.best_on_average(results), width=width
                ),
                captions.describe_ceiling,
                "fewer than two listeners were scored, or the study asks for no splits",
            )
        ],
    )


def diagnostic_plans(results: Results) -> list[FigurePlan]:
    """Plan the figures of the diagnostics.

    Parameters
    ----------
    results : Results

    Returns
    -------
    list of FigurePlan
    """
    words = Words(results)
    return [
        FigurePlan(
            "attention-sink",
            "The first token as an attention sink",
            "Norm of the activation of the first token over that of the median token, layer by "
            "layer (the largest over runs). A large ratio marks an attention sink: that token "
            "stands for no word any more. Dashed: untrained.",
            lambda: diagnostic_rows.attention_sink_rows(results),
            lambda rows, width: figures.attention_sink(rows, width=width, families=words.families),
            captions.describe_sink,
            "no language model read the story",
        ),
        FigurePlan(
            "motion",
            "Head motion",
            f"{words.data} Framewise displacement (Power et al. 2012, head radius 50 mm): sum of "
            "the absolute changes of the six motion parameters from scan to scan.",
            lambda: diagnostic_rows.motion_rows(results),
            lambda rows, width: figures.motion(rows, width=width),
            captions.describe_motion,
            "the study names no motion parameters",
        ),
    ]


def timing_plan(results: Results) -> FigurePlan:
    """Plan the figure of the seconds spent.

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
        "Seconds of one process on the machine named below, when the scores were made (a later "
        "run that finds them ready spends nothing). Seeds of a baseline are added up. Reading: "
        "activations of the story; encoding: every layer, every listener.",
        lambda: diagnostic_rows.timing_rows(results),
        lambda rows, width: figures.timings(rows, width=width),
        captions.describe_timings,
        "no times were noted",
    )
