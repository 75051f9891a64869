"""The chapters that only voxel studies have: ceiling, maps, selections, sides, regions."""

from __future__ import annotations

from typing import Any

from hemiscale.report import captions, figures, numbers, tidy, voxel_rows
from hemiscale.report.captions import LAYER_CHOICE, Words
from hemiscale.report.load import Results
from hemiscale.report.plans import Chapter, FigurePlan
from hemiscale.results import safe_name

__all__ = ["voxel_chapters"]

_MAP_FILES = "Values are those of the nearest voxel at the cortical surface (fsaverage5), inflated."
_TITLES = {"hellaswag": "HellaSwag", "blimp": "BLiMP"}
_FAMILY_SLOPE = (
    "The interval is over families of models where there are enough of them, else over models "
    "counted as independent."
)


class _Study:
    """What all captions of a voxel study share."""

    def __init__(self, results: Results, words: Words) -> None:
        self.results, self.words = results, words
        self.subjects = "average" if results.has_average else "listeners"
        self.over = "runs" if self.subjects == "average" else "listeners"
        self.data = words.average_data if self.subjects == "average" else words.data
        runs = "Bars: 95 % interval over runs (Student’s t)."
        self.interval = runs if self.over == "runs" else words.interval

    def law(
        self, response: str, predictor: str = "log parameters", **options: str
    ) -> dict[str, Any] | None:
        return tidy.find_law(self.results, response, predictor, self.subjects, **options)


def voxel_chapters(results: Results, words: Words) -> dict[str, Chapter]:
    """Plan the chapters of a voxel study, by name.

    Parameters
    ----------
    results : Results
    words : Words

    Returns
    -------
    dict of Chapter
        ``ceiling, size, maps, sides, regions, people``.
    """
    study = _Study(results, words)
    found = [_ceiling(study), _size(study), _maps(study), _sides(study), _regions(study)]
    return {chapter.name: chapter for chapter in [*found, _people(study)]}


def _ceiling(study: _Study) -> Chapter:
    results = study.results
    threshold = voxel_rows.reliable_from(results)
    missing = "the study has no inter-subject reliability of its voxels"
    how = (
        "Reliability: one half of the listeners predicted from the other half’s average, mean over "
        "random halves."
    )
    return Chapter(
        "ceiling",
        "Ceiling",
        "How much of the signal listeners share: no model can be expected to predict more. It "
        "knows no model, but it is not the same on both sides.",
        [
            FigurePlan(
                "ceiling-map",
                "Inter-subject reliability of each voxel",
                f"{study.words.average_data} {how} {_MAP_FILES}",
                lambda: voxel_rows.ceiling_rows(results),
                lambda rows, width: figures.brain_maps(
                    rows, label="reliability (Pearson r)", width=width
                ),
                _describe_maps,
                missing,
            ),
            FigurePlan(
                "ceiling-distribution",
                "Reliability over voxels",
                f"{study.words.average_data} {how} Dashed: the threshold of the quarter of voxels "
                "that is called reliable (homologous pairs are in or out as one, by the mean of "
                "the two).",
                lambda: voxel_rows.ceiling_rows(results)[["hemisphere", "value"]],
                lambda rows, width: figures.ceiling_distribution(
                    rows, threshold=threshold, width=width
                ),
                lambda rows: f"Mean {numbers.score(rows['value'].mean())} over {len(rows)} voxels.",
                missing,
            ),
        ],
    )


def _size(study: _Study) -> Chapter:
    results, subjects = study.results, study.subjects
    plans = []
    for selection, name, title in (
        ("all", "law-parameters", "Score against number of parameters, all voxels"),
        ("reliable", "law-reliable", "Score against number of parameters, reliable voxels"),
    ):
        plans.append(_law_plan(study, name, title, selection, "parameters", "log parameters"))
    large = "trained models above 3e9 parameters"
    law = study.law("score", selection="reliable", model_set=large)
    plans.append(
        FigurePlan(
            "law-large",
            "Models above three billion parameters only",
            f"{study.data} Reliable voxels. {study.interval} {captions.describe_law(law)} "
            f"{LAYER_CHOICE}",
            lambda: voxel_rows.large_model_rows(results, "reliable", subjects),
            lambda rows, width: figures.law(
                rows, fit=law, width=width, over=study.over, families=study.words.families
            ),
            captions.list_scores,
            "fewer than three trained models have more than three billion parameters",
        )
    )
    added = voxel_rows.user_columns(results)
    for column, predictor, name in (
        ("bits_per_byte", "bits per byte", "law-bits-per-byte"),
        ("perplexity", "perplexity", "law-perplexity"),
        *((column, name, f"law-{safe_name(name)}") for name, column in added.items()),
    ):
        title = f"Score against {_TITLES.get(predictor, predictor)}"
        plans.append(_law_plan(study, name, title, "reliable", column, predictor))
    plans.append(
        FigurePlan(
            "family-layers",
            "Layer profiles by family",
            f"{study.data} All voxels; every layer’s score on the test scans. A line per trained "
            "model, the stronger its colour the larger. To read the best layer off this figure "
            "would inflate its score; the scores above do not do that.",
            lambda: voxel_rows.family_layer_rows(results, subjects),
            lambda rows, width: figures.family_profiles(
                rows, width=width, families=study.words.families
            ),
            lambda rows: (
                f"{rows['label'].nunique()} models of {rows['family'].nunique()} families."
            ),
            "no trained model with layers was scored",
        )
    )
    return Chapter(
        "size",
        "Size and surprise",
        "Does the score grow with the model, and with how well the model predicts text?",
        plans,
        ["laws"],
    )


def _law_plan(
    study: _Study, name: str, title: str, selection: str, column: str, predictor: str
) -> FigurePlan:
    results, subjects = study.results, study.subjects
    law = study.law("score", predictor, selection=selection)
    plain = column in ("parameters", "bits_per_byte")
    over = "All voxels." if selection == "all" else "Reliable voxels (top quarter by reliability)."

    def rows() -> Any:
        if plain:
            found = voxel_rows.selection_rows(results, selection, subjects)
            return found[found[column].notna() & (found[column] > 0)]
        return voxel_rows.column_rows(results, selection, subjects, column)

    return FigurePlan(
        name,
        title,
        f"{study.data} {over} Filled: trained; hollow: untrained. {study.interval} Dashed: least "
        "squares through the trained models with the 95 % band of the line over models counted as "
        f"independent. {captions.describe_law(law)} {LAYER_CHOICE}",
        rows,
        lambda drawn, width: figures.law(
            drawn,
            predictor=column,
            fit=law,
            width=width,
            over=study.over,
            families=study.words.families,
        ),
        lambda drawn: f"{captions.describe_law(law)} {captions.list_scores(drawn)}",
        f"no model has a value of {column.replace('_', ' ')}",
    )


def _maps(study: _Study) -> Chapter:
    results, subjects = study.results, study.subjects
    missing = "the results hold no maps of scores"
    what = (
        f"{study.data} Score of the best and of the worst trained model minus that of the "
        "baseline named, voxel by voxel; green: the model predicts more. One colour scale."
    )
    few = "no voxel has a slope that can be told from none (false discovery rate .05)"
    return Chapter(
        "maps",
        "Maps",
        "Where models predict, and where prediction grows with them.",
        [
            FigurePlan(
                "spread",
                "Scores over voxels, models and baselines",
                f"{study.data} Thin: 5 % to 95 % of all voxels; thick: the middle half; mark: the "
                "median. This is how scores spread over the brain, and no interval of any mean. "
                f"{LAYER_CHOICE}",
                lambda: voxel_rows.spread_rows(results, subjects),
                lambda rows, width: figures.voxel_distributions(
                    rows, width=width, families=study.words.families
                ),
                lambda rows: f"{rows['label'].nunique()} models and baselines.",
                missing,
            ),
            FigurePlan(
                "best-and-worst",
                "Best and worst model over a baseline",
                f"{what} {_MAP_FILES} {LAYER_CHOICE}",
                lambda: voxel_rows.best_and_worst_rows(results, subjects),
                lambda rows, width: figures.brain_maps(
                    rows, signed=True, label="score minus baseline (r)", width=width
                ),
                _describe_maps,
                missing,
            ),
            FigurePlan(
                "best-and-worst-glass",
                "The same in a glass brain",
                f"{what} The largest value along each line of sight. {LAYER_CHOICE}",
                lambda: voxel_rows.best_and_worst_rows(results, subjects),
                lambda rows, width: figures.glass_brains(
                    rows, signed=True, label="score minus baseline (r)", width=width
                ),
                _describe_maps,
                missing,
            ),
            FigurePlan(
                "slope-map",
                "Slope of the score in each voxel",
                f"{study.data} Change of the score per tenfold of parameters over trained models; "
                "only voxels whose slope can be told from none (false discovery rate .05 over "
                "voxels; the error of a slope is over families of models where there are enough "
                f"of them, else over models). {_MAP_FILES}",
                lambda: voxel_rows.slope_map_rows(results, "slope"),
                lambda rows, width: figures.brain_maps(
                    rows, signed=True, label="slope (r per tenfold)", width=width
                ),
                _describe_maps,
                few,
            ),
            FigurePlan(
                "asymmetry-slope-map",
                "Slope of left minus right in each homologous pair",
                f"{study.data} As above, for left minus right of homologous voxels, drawn on the "
                "left; green: the left gains on the right.",
                lambda: voxel_rows.slope_map_rows(results, "asymmetry_slope"),
                lambda rows, width: figures.brain_maps(
                    rows, signed=True, label="slope of left − right (r per tenfold)", width=width
                ),
                _describe_maps,
                few,
            ),
        ],
    )


def _sides(study: _Study) -> Chapter:
    results, subjects = study.results, study.subjects
    paired = "paired over homologous voxels, the midline left out"
    missing = "no language model has a score on both sides"
    fits = {side: study.law(side, selection="reliable") for side in ("left", "right")}
    laws = {
        panel: study.law(
            "left_minus_right" + (" over ceiling" if column == "over_ceiling" else ""),
            selection=selection,
        )
        for panel, selection, column in voxel_rows.PANELS
    }
    crossings = [
        f"{panel} at {_crossing(law)}"
        for panel, law in laws.items()
        if law is not None and law.get("zero_crossing") is not None
    ]
    told = f"The lines cross zero: {'; '.join(crossings)}." if crossings else ""
    return Chapter(
        "sides",
        "Left and right",
        "Homologous voxels only: each voxel on the left with its mirror image on the right.",
        [
            FigurePlan(
                "left-right-parameters",
                "Left and right against number of parameters",
                f"{study.data} Reliable pairs of homologous voxels. Blue: left; vermilion: right. "
                f"{study.interval} Dashed: least squares through the trained models. "
                f"{LAYER_CHOICE}",
                lambda: voxel_rows.selection_rows(results, "reliable", subjects),
                lambda rows, width: figures.sides_law(
                    rows, fits=fits, width=width, over=study.over
                ),
                captions.describe_sides,
                missing,
            ),
            FigurePlan(
                "left-minus-right-panels",
                "Left minus right against number of parameters, raw and over the ceiling",
                f"{study.data} {numbers.first_upper(paired)}. Over the ceiling: each voxel’s score "
                "divided by its reliability first, so that a side that can be predicted better "
                "anyway does not count as better predicted. Best 10 %: voxels chosen for each run "
                "by the other runs; 90th percentile: as published, chosen by the scores shown. "
                f"Ring: where the line crosses zero, with its 95 % interval. {told} "
                f"{study.interval} {LAYER_CHOICE}",
                lambda: voxel_rows.asymmetry_panel_rows(results, subjects),
                lambda rows, width: figures.asymmetry_panels(
                    rows, fits=laws, width=width, over=study.over, families=study.words.families
                ),
                lambda rows: (
                    " ".join(
                        f"{panel}: {captions.describe_law(law)}"
                        for panel, law in laws.items()
                        if law is not None
                    )
                    or "Left minus right of each model."
                ),
                missing,
            ),
            FigurePlan(
                "left-right",
                "Left and right, model by model",
                f"{study.data} All homologous pairs. Blue: left; vermilion: right; black: left "
                f"minus right, {paired}. Hollow: untrained. {study.interval} Baselines stand "
                f"below: what is asymmetric in them is not the models’ doing. {LAYER_CHOICE}",
                lambda: tidy.asymmetry_rows(results, subjects),
                lambda rows, width: figures.left_and_right(rows, width=width, over=study.over),
                captions.describe_sides,
                missing,
            ),
        ],
    )


def _regions(study: _Study) -> Chapter:
    results, subjects = study.results, study.subjects
    missing = "the study names no regions"
    ceiling = results.ceiling if len(results.ceiling) else None
    return Chapter(
        "regions",
        "Regions",
        "The named regions, each with its mirror image.",
        [
            FigurePlan(
                "region-slopes",
                "Slope of each region, left and right",
                f"{study.data} Change of the mean score per tenfold of parameters over trained "
                f"models. Bars: 95 % interval. {_FAMILY_SLOPE} {LAYER_CHOICE}",
                lambda: voxel_rows.slope_rows(results, subjects),
                lambda rows, width: figures.region_slopes(rows, width=width),
                lambda rows: f"{rows['region'].nunique()} regions.",
                missing,
            ),
            FigurePlan(
                "region-curves",
                "Left and right of each region against number of parameters",
                f"{study.data} {study.interval} Dashed with its band: the ceiling of that region "
                f"and side, middle 95 % of random halves. {LAYER_CHOICE}",
                lambda: voxel_rows.region_curve_rows(results, subjects),
                lambda rows, width: figures.region_curves(
                    rows, ceiling=ceiling, width=width, over=study.over
                ),
                lambda rows: f"{rows['region'].nunique()} regions, {len(rows)} points.",
                missing,
            ),
            FigurePlan(
                "slope-against-ceiling",
                "Growth of left minus right against the asymmetry of the ceiling",
                f"{study.data} A point per region. Where regions with a left-biased ceiling are "
                "those whose left minus right grows, growth may reflect how well each side can be "
                "predicted at all.",
                lambda: voxel_rows.ceiling_slope_rows(results, subjects),
                lambda rows, width: figures.slope_against_ceiling(rows, width=width),
                lambda rows: f"{len(rows)} regions.",
                missing,
            ),
        ],
    )


def _people(study: _Study) -> Chapter:
    results = study.results
    return Chapter(
        "people",
        "Individual slopes",
        "Does left minus right grow in each person, with the same models?",
        [
            FigurePlan(
                "listener-slopes",
                "Each listener’s slope of left minus right",
                f"{study.words.data} Reliable pairs of homologous voxels; change per tenfold of "
                "parameters. Diamond: mean over listeners with its 95 % interval, these models "
                "taken as given.",
                lambda: voxel_rows.listener_slope_rows(results, "reliable"),
                lambda rows, width: figures.listener_slopes(rows, width=width),
                lambda rows: (
                    f"Mean {numbers.score(rows['slope'].mean(), sign=True, digits=4)} "
                    f"over {len(rows)} listeners."
                ),
                "no listener was scored with two models of different size",
            )
        ],
    )


def _crossing(law: dict[str, Any]) -> str:
    low, high = law.get("crossing_families_low"), law.get("crossing_families_high")
    if low is None or high is None:
        low, high = law.get("zero_crossing_low"), law.get("zero_crossing_high")
    text = f"{numbers.parameters(law['zero_crossing'])} parameters"
    if low is None or high is None:
        return f"{text} (no bounded interval)"
    return f"{text} (95 % {numbers.parameters(low)} to {numbers.parameters(high)})"


def _describe_maps(rows: Any) -> str:
    names = ", ".join(dict.fromkeys(rows["map"]))
    return f"{names}: values from {numbers.score(rows['value'].min())} to " + numbers.score(
        rows["value"].max()
    )
