"""Regions of voxel studies: once per pair, under readable names; parcels painted where they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hemiscale.brain import PAPER_REGIONS
from hemiscale.report import Results, figures, load_results, tidy
from hemiscale.report.voxel_map_rows import parcel_map_rows
from hemiscale.report.voxel_region_rows import (
    ceiling_differences,
    ceiling_slope_rows,
    relation_to_ceiling,
    slope_rows,
)
from hemiscale.report.voxel_regions import (
    PAPER_NAMES,
    PLAIN_SELECTIONS,
    named_regions,
    parcels,
    shown_name,
)
from hemiscale.report.voxel_rows import (
    PANELS,
    asymmetry_panel_rows,
    layer_asymmetry_rows,
    selection_rows,
)
from hemiscale.results import read_dataset


@pytest.fixture(scope="module")
def results(voxel_report: Path) -> Results:
    return load_results(voxel_report.parent)


def test_the_papers_regions_have_the_papers_names() -> None:
    assert set(PAPER_NAMES) == set(PAPER_REGIONS)
    assert shown_name("AG_TPJ_left") == "AG/TPJ, left"
    assert shown_name("my_own_region") == "my own region"


def test_a_region_and_its_mirror_image_are_one(results: Results) -> None:
    assert [r.name for r in named_regions(results)] == ["AG/TPJ", "BA45"]
    assert [r.key for r in named_regions(results)] == ["AG_TPJ_left", "BA45_left"]
    rows = tidy.region_rows(results, "average")
    assert set(rows["region"]) == {*PLAIN_SELECTIONS, "AG/TPJ", "BA45"}
    assert list(slope_rows(results, "average")["region"].unique()) == ["AG/TPJ", "BA45"]


def test_many_parcels_are_no_regions_and_few_are(results: Results) -> None:
    found = parcels(results)
    assert [r.name for r in found] == [f"parcel {k}" for k in range(1, 13)]
    few = replace(results, regions=results.regions[~results.regions["region"].str.contains("1")])
    assert parcels(few) == []
    assert "parcel 2" in [r.name for r in named_regions(few)]
    study = {"recordings": {**results.study["recordings"], "atlas": None}}
    assert parcels(replace(results, study=study)) == []


def test_left_minus_right_of_the_ceiling_is_that_of_the_voxels(results: Results) -> None:
    found = parcels(results)
    voxels = read_dataset(results.folder / "voxels.nc")
    reliability = read_dataset(results.folder / "ceiling.nc")["reliability"].values.mean(axis=0)
    inside = voxels["region"].sel(region_name=[r.key for r in found]).values.astype(bool)
    mirror = voxels["mirror"].values
    expected = [(reliability[m] - reliability[mirror[m]]).mean() for m in inside]
    table = ceiling_differences(results, found)
    np.testing.assert_allclose(table["ceiling_difference"], expected, atol=1e-5)

    painted = parcel_map_rows(results, found)
    at = dict(zip(zip(painted.x, painted.y, painted.z, strict=True), painted.value, strict=True))
    x, y, z = (voxels[axis].values for axis in ("x", "y", "z"))
    for member, value in zip(inside, expected, strict=True):
        for k in np.flatnonzero(member):
            assert at[x[k], y[k], z[k]] == pytest.approx(value, abs=1e-5)
    assert painted.loc[painted["x"] >= 0, "value"].isna().all()


def test_slopes_of_parcels_are_those_of_their_scores(results: Results) -> None:
    found = parcels(results)
    table = ceiling_slope_rows(results, "average", found)
    assert list(table["region"]) == [r.name for r in found]
    rows = selection_rows(results, found[3].key, "average")
    trained = rows[rows["kind"] == "trained"]
    slope = np.polyfit(np.log10(trained["parameters"]), trained["left_minus_right"], 1)[0]
    assert table["slope"][3] == pytest.approx(slope, rel=1e-3)
    assert (table["low"] < table["slope"]).all()


def test_untrained_twins_of_one_seed_stand_in_every_figure_of_size(results: Results) -> None:
    for selection in ("all", "reliable"):
        rows = selection_rows(results, selection, "average")
        assert list(rows.loc[rows["kind"] == "untrained", "label"]) == ["alpha-small (untrained)"]
        assert rows["left_minus_right"].notna().all()
    panels = asymmetry_panel_rows(results, "average")
    assert set(panels["panel"]) == {name for name, _, _ in PANELS}
    assert (panels.groupby("panel")["kind"].agg(lambda k: (k == "untrained").sum()) == 1).all()


def test_each_layer_has_its_left_minus_right(results: Results) -> None:
    rows = layer_asymmetry_rows(results, "average", "reliable")
    trained = results.models[results.models["kind"] == "trained"]
    assert rows.groupby("label")["layer"].nunique().to_dict() == {
        m.model: m.layers + 1 for m in trained.itertuples()
    }
    table = results.layer_asymmetry
    one = table[(table["subjects"] == "average") & (table["pair"] == "reliable")]
    one = one[(one["model"] == "beta-large") & (one["layer"] == 2)]
    mine = rows[(rows["label"] == "beta-large") & (rows["layer"] == 2)]
    assert mine["score"].item() == one["left_minus_right"].item()


def test_checkpoints_have_left_minus_right_of_their_own(results: Results) -> None:
    rows = tidy.training_rows(results, "average")
    assert list(rows["kind"]).count("checkpoint") == 3
    figure = figures.training_trajectory(rows)
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == ["brain score", "left minus right", "bits per byte"]


@pytest.mark.parametrize("width", [figures.DOUBLE_COLUMN, figures.SINGLE_COLUMN])
def test_parcels_are_named_up_to_sixty(results: Results, width: float) -> None:
    table = ceiling_differences(results, parcels(results))
    figure = figures.ceiling_asymmetry(table, width=width)
    order = list(table.sort_values("ceiling_difference", ascending=False)["region"])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == order
    many = table.loc[table.index.repeat(6)]
    assert figures.ceiling_asymmetry(many, width=width).axes[0].get_yticklabels() == []


def test_maps_of_one_side_are_drawn_on_that_side_only(results: Results) -> None:
    figure = figures.brain_maps(parcel_map_rows(results, parcels(results)), signed=True)
    drawn = [ax for ax in figure.axes if ax.images]
    assert [text.get_text() for ax in drawn for text in ax.texts] == [
        "left, outside",
        "left, inside",
    ]


def test_the_relation_to_the_ceiling_is_that_of_the_table(results: Results) -> None:
    table = results.reliability
    row = table[
        (table["quantity"] == "slope of left_minus_right") & (table["subjects"] == "average")
    ].iloc[0]
    told = relation_to_ceiling(results, "average")
    assert f"r = {row['r']:.2f}".replace("-", "−") in told
    assert f"{abs(row['slope']) * np.log(10):.3f}" in told
    assert relation_to_ceiling(replace(results, reliability=table.head(0)), "average") == ""
