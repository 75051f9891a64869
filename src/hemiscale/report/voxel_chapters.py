"""The chapters that only voxel studies have: ceiling, size, maps; and those of both sides."""

from __future__ import annotations

from typing import Any

from hemiscale.report import captions, figures, numbers, voxel_map_rows, voxel_rows
from hemiscale.report.captions import LAYER_CHOICE, Words
from hemiscale.report.load import Results
from hemiscale.report.plans import Chapter, FigurePlan
from hemiscale.report.voxel_side_chapters import side_chapters
from hemiscale.report.voxel_study import MAP_FILES, VoxelStudy, describe_maps
from hemiscale.results import safe_name

__all__ = ["voxel_chapters"]

_TITLES = {"hellaswag": "HellaSwag", "blimp": "BLiMP"}


def voxel_chapters(results: Results, words: Words) -> dict[str, Chapter]:
    """Plan the chapters of a voxel study, by name.

    Parameters
    ----------
    results : Results
    words : Words

    Returns
    -------
    dict of Chapter
        ``ceiling, size, maps, sides, regions, parcels, people``.
    """
    study = VoxelStudy(results, words)
    found = [_ceiling(study), _size(study), _maps(study), *side_chapters(study)]
    return {chapter.name: chapter for chapter in found}


def _ceiling(study: VoxelStudy) -> Chapter:
    results = study.results
    threshold = voxel_map_rows.reliable_from(results)
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
                f"{study.words.average_data} {how} {MAP_FILES}",
                lambda: voxel_map_rows.ceiling_rows(results),
                lambda rows, width: figures.brain_maps(
                    rows, label="reliability (Pearson r)", width=width
                ),
                describe_maps,
                missing,
            ),
            FigurePlan(
                "ceiling-distribution",
                "Reliability over voxels",
                f"{study.words.average_data} {how} Dashed: the threshold of the quarter of voxels "
                "that is called reliable (homologous pairs are in or out as one, by the mean of "
                "the two).",
                lambda: voxel_map_rows.ceiling_rows(results)[["hemisphere", "value"]],
                lambda rows, width: figures.ceiling_distribution(
                    rows, threshold=threshold, width=width
                ),
                lambda rows: f"Mean {numbers.score(rows['value'].mean())} over {len(rows)} voxels.",
                missing,
            ),
        ],
    )


def _size(study: VoxelStudy) -> Chapter:
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
    if "hellaswag" not in added:
        added["hellaswag"] = "hellaswag"  # the page says that there is none
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
    study: VoxelStudy, name: str, title: str, selection: str, column: str, predictor: str
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
        f"no model has a value of {_TITLES.get(predictor, predictor)}"
        + ("; a study gives them in a table of [competence]" if not plain else ""),
    )


def _maps(study: VoxelStudy) -> Chapter:
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
                lambda: voxel_map_rows.spread_rows(results, subjects),
                lambda rows, width: figures.voxel_distributions(
                    rows, width=width, families=study.words.families
                ),
                lambda rows: f"{rows['label'].nunique()} models and baselines.",
                missing,
            ),
            FigurePlan(
                "best-and-worst",
                "Best and worst model over a baseline",
                f"{what} {MAP_FILES} {LAYER_CHOICE}",
                lambda: voxel_map_rows.best_and_worst_rows(results, subjects),
                lambda rows, width: figures.brain_maps(
                    rows, signed=True, label="score minus baseline (r)", width=width
                ),
                describe_maps,
                missing,
            ),
            FigurePlan(
                "best-and-worst-glass",
                "The same in a glass brain",
                f"{what} The largest value along each line of sight. {LAYER_CHOICE}",
                lambda: voxel_map_rows.best_and_worst_rows(results, subjects),
                lambda rows, width: figures.glass_brains(
                    rows, signed=True, label="score minus baseline (r)", width=width
                ),
                describe_maps,
                missing,
            ),
            FigurePlan(
                "slope-map",
                "Slope of the score in each voxel",
                f"{study.data} Change of the score per tenfold of parameters over trained models; "
                "only voxels whose slope can be told from none (false discovery rate .05 over "
                "voxels; the error of a slope is over families of models where there are enough "
                f"of them, else over models). {MAP_FILES}",
                lambda: voxel_map_rows.slope_map_rows(results, "slope"),
                lambda rows, width: figures.brain_maps(
                    rows, signed=True, label="slope (r per tenfold)", width=width
                ),
                describe_maps,
                few,
            ),
            FigurePlan(
                "asymmetry-slope-map",
                "Slope of left minus right in each homologous pair",
                f"{study.data} As above, for left minus right of homologous voxels, drawn on the "
                "left; green: the left gains on the right.",
                lambda: voxel_map_rows.slope_map_rows(results, "asymmetry_slope"),
                lambda rows, width: figures.brain_maps(
                    rows, signed=True, label="slope of left − right (r per tenfold)", width=width
                ),
                describe_maps,
                few,
            ),
        ],
    )
