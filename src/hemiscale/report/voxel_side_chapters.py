"""The chapters of a voxel study about its two sides: models, regions, parcels, people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hemiscale.report import (
    captions,
    figures,
    numbers,
    tidy,
    voxel_map_rows,
    voxel_region_rows,
    voxel_rows,
)
from hemiscale.report.captions import LAYER_CHOICE
from hemiscale.report.crossings import describe_crossing
from hemiscale.report.frames import each_row
from hemiscale.report.plans import Chapter, FigurePlan
from hemiscale.report.voxel_regions import ShownRegion, named_regions, parcels
from hemiscale.report.voxel_study import MAP_FILES, VoxelStudy, describe_maps

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["side_chapters"]

_MIRRORED = "Each is taken on the left with its mirror image on the right."
_FAMILY_SLOPE = (
    "The interval is over families of models where there are enough of them, else over models "
    "counted as independent."
)


def side_chapters(study: VoxelStudy) -> list[Chapter]:
    """Plan the chapters about left and right.

    Parameters
    ----------
    study : VoxelStudy

    Returns
    -------
    list of Chapter
        ``sides, regions, parcels, people``.
    """
    return [_sides(study), _regions(study), _parcels(study), _people(study)]


def _sides(study: VoxelStudy) -> Chapter:
    results, subjects = study.results, study.subjects
    paired = "paired over homologous voxels, the midline left out"
    missing = "no language model has a score on both sides"
    fits = {side: study.law(side, selection="reliable") for side in ("left", "right")}
    responses = {
        "left_minus_right": "left_minus_right",
        "over_ceiling": "left_minus_right over ceiling",
    }
    laws = {
        panel: study.law(responses[column], selection=selection)
        for panel, selection, column in voxel_rows.PANELS
        if column in responses
    }
    units = {panel: voxel_rows.UNITS[column] for panel, _, column in voxel_rows.PANELS}
    crossings = [
        f"{panel} at {describe_crossing(law)}"
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
                "anyway does not count as better predicted. Best 10 %: homologous pairs chosen "
                "for each run by validation scores, which exclude it; 90th percentile: as "
                "published, of each side by itself, chosen by the scores shown. "
                "Share of both sides: (left − right) / (left + right), without a fit. "
                f"Ring: where the line crosses zero, with its 95 % interval. {told} "
                f"{study.interval} {LAYER_CHOICE}",
                lambda: voxel_rows.asymmetry_panel_rows(results, subjects),
                lambda rows, width: figures.asymmetry_panels(
                    rows,
                    fits=laws,
                    width=width,
                    over=study.over,
                    families=study.words.families,
                    responses=units,
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
                "left-minus-right-layers",
                "Left minus right of each layer",
                f"{study.data} Reliable pairs of homologous voxels; every layer by itself, nothing "
                "is chosen. A line per trained model, the stronger its colour the larger. No "
                "intervals: they are in tables/layer_asymmetry.tsv.",
                lambda: voxel_rows.layer_asymmetry_rows(results, subjects, "reliable"),
                lambda rows, width: figures.family_profiles(
                    rows,
                    width=width,
                    families=study.words.families,
                    response="left minus right (r)",
                ),
                lambda rows: (
                    f"{rows['label'].nunique()} models of {rows['family'].nunique()} families."
                ),
                "no trained model with layers was scored on both sides",
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
        ["asymmetry"],
    )


def _regions(study: VoxelStudy) -> Chapter:
    results, subjects = study.results, study.subjects
    missing = "the study names no regions"
    ceiling = voxel_region_rows.region_ceiling_rows(results)
    return Chapter(
        "regions",
        "Regions",
        f"The named regions. {_MIRRORED}",
        [
            FigurePlan(
                "region-slopes",
                "Slope of each region, left and right",
                f"{study.data} Change of the mean score per tenfold of parameters over trained "
                f"models. Bars: 95 % interval. {_FAMILY_SLOPE} {LAYER_CHOICE}",
                lambda: voxel_region_rows.slope_rows(results, subjects),
                lambda rows, width: figures.region_slopes(rows, width=width),
                _describe_slopes,
                missing,
            ),
            FigurePlan(
                "region-curves",
                "Left and right of each region against number of parameters",
                f"{study.data} {study.interval} Dashed with its band: the ceiling of that region "
                f"and side, middle 95 % of random halves. {LAYER_CHOICE}",
                lambda: voxel_region_rows.region_curve_rows(results, subjects),
                lambda rows, width: figures.region_curves(
                    rows,
                    ceiling=ceiling if len(ceiling) else None,
                    width=width,
                    over=study.over,
                ),
                lambda rows: f"{rows['region'].nunique()} regions, {len(rows)} points.",
                missing,
            ),
            _against_ceiling(
                study, "slope-against-ceiling", "region", named_regions(results), missing
            ),
        ],
    )


def _parcels(study: VoxelStudy) -> Chapter:
    results = study.results
    found = parcels(results)
    atlas = str(results.study.get("recordings", {}).get("atlas") or "")
    missing = "the study names no atlas with a dozen parcels or more"
    no_ceiling = missing if not found else "the parcels have no ceiling on both sides"
    what = (
        f"{study.words.average_data} Atlas: {atlas}. Ceiling: inter-subject reliability, mean over "
        "random halves and over the voxels of a parcel; left minus right over homologous voxels."
    )
    return Chapter(
        "parcels",
        "Parcels",
        "All parcels of an atlas: does left minus right of the models grow where that of the "
        f"ceiling is large already? {_MIRRORED}",
        [
            FigurePlan(
                "parcel-ceiling-map",
                "Left minus right of the ceiling, on the brain",
                f"{what} Drawn on the left; green: listeners agree more on the left. {MAP_FILES}",
                lambda: voxel_map_rows.parcel_map_rows(results, found),
                lambda rows, width: figures.brain_maps(
                    rows, signed=True, label="reliability, left minus right (r)", width=width
                ),
                describe_maps,
                no_ceiling,
            ),
            FigurePlan(
                "parcel-ceiling",
                "Left minus right of the ceiling, parcel by parcel",
                f"{what} Blue: larger on the left; vermilion: on the right. Bars: the middle 95 % "
                "of the halves (a range: all halves are of the same people, so it is no interval "
                "over listeners).",
                lambda: _known(voxel_region_rows.ceiling_differences(results, found)),
                lambda rows, width: figures.ceiling_asymmetry(rows, width=width),
                _describe_differences,
                no_ceiling,
            ),
            _against_ceiling(study, "parcel-slopes", "parcel", found, no_ceiling),
        ],
    )


def _against_ceiling(
    study: VoxelStudy, name: str, what: str, regions: list[ShownRegion], missing: str
) -> FigurePlan:
    """Slope of left minus right against that of the ceiling, a point per region or parcel."""
    results, subjects = study.results, study.subjects
    if what == "parcel":
        relation = voxel_region_rows.relation_to_ceiling(results, subjects)
        told = f" {relation} Neighbouring parcels are not independent: counting them gives no p."
    else:
        told = ""
    return FigurePlan(
        name,
        f"Growth of left minus right against the asymmetry of the ceiling, by {what}",
        f"{study.data} A point per {what} with its mirror image; slope of left minus right per "
        f"tenfold of parameters over trained models. Bars: 95 % interval. {_FAMILY_SLOPE} Where "
        f"{what}s with a left-biased ceiling are those whose left minus right grows, growth may "
        f"reflect how well each side can be predicted at all.{told} {LAYER_CHOICE}",
        lambda: voxel_region_rows.ceiling_slope_rows(results, subjects, regions),
        lambda rows, width: figures.slope_against_ceiling(rows, width=width),
        lambda rows: _describe_relation(rows, what),
        missing,
    )


def _people(study: VoxelStudy) -> Chapter:
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


def _known(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["ceiling_difference"].notna()].reset_index(drop=True)


def _describe_slopes(rows: pd.DataFrame) -> str:
    parts = [
        f"{row.region}, {row.hemisphere} {numbers.score(row.slope, sign=True)}"
        for row in each_row(rows)
    ]
    return f"Slopes: {'; '.join(parts)}."


def _describe_differences(rows: pd.DataFrame) -> str:
    value = rows["ceiling_difference"]
    return (
        f"{int((value > 0).sum())} of {len(rows)} parcels have more on the left; from "
        f"{numbers.score(value.min(), sign=True)} to {numbers.score(value.max(), sign=True)}."
    )


def _describe_relation(rows: pd.DataFrame, what: str) -> str:
    text = f"{len(rows)} {what}s."
    if len(rows) < 3:
        return text
    r = float(rows["ceiling_difference"].corr(rows["slope"]))
    return f"{text} Correlation over them {numbers.score(r, sign=True, digits=2)}."
