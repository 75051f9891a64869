"""Figures of voxel studies: maps where they belong, left on the left, lines where they are."""

from __future__ import annotations

import nibabel
import numpy as np
import pandas as pd
import pytest

from hemiscale.analysis import read_published, scaling_law
from hemiscale.report import figures
from hemiscale.report.figures.brains import _at_surface, _meshes, _surface, map_colours
from hemiscale.report.figures.style import read_mark
from hemiscale.report.svg import draw_svg, inline_svg

WIDTHS = [figures.DOUBLE_COLUMN, figures.SINGLE_COLUMN]


@pytest.fixture(scope="module")
def voxels() -> pd.DataFrame:
    """A brain-sized box of 8 mm voxels around the midline."""
    grid = np.stack(np.meshgrid(*[np.arange(-72, 73, 8)] * 3, indexing="ij"), axis=-1)
    places = grid.reshape(-1, 3) + np.array([0, -16, 8])
    return pd.DataFrame(places, columns=["x", "y", "z"]).assign(map="made up")


@pytest.fixture(scope="module")
def published() -> pd.DataFrame:
    table = read_published().models.assign(kind="trained")
    return table.rename(
        columns={"model_name": "label", "n_parameters": "parameters", "ppl": "perplexity"}
    )


def test_a_volume_has_its_values_where_they_were(voxels: pd.DataFrame) -> None:
    values = np.arange(len(voxels), dtype=float)
    image = figures.volume_of(voxels.assign(value=values))
    index = nibabel.affines.apply_affine(
        np.linalg.inv(image.affine), voxels[["x", "y", "z"]].to_numpy()
    )
    found = np.asarray(image.dataobj)[tuple(np.rint(index).astype(int).T)]
    np.testing.assert_array_equal(found, values)
    assert nibabel.affines.voxel_sizes(image.affine) == pytest.approx([8, 8, 8])


def test_voxels_off_the_grid_are_refused(voxels: pd.DataFrame) -> None:
    bent = voxels.assign(value=1.0, x=voxels["x"] + np.linspace(0, 3, len(voxels)))
    with pytest.raises(ValueError, match="no regular grid"):
        figures.volume_of(bent)


@pytest.mark.parametrize("side", ["left", "right"])
def test_left_is_left_on_the_surface(voxels: pd.DataFrame, side: str) -> None:
    """Voxels of one side only colour that side's views only."""
    here = (voxels["x"] < 0) if side == "left" else (voxels["x"] > 0)
    image = figures.volume_of(voxels.assign(value=np.where(here, 1.0, np.nan)))
    other = "right" if side == "left" else "left"
    # Vertices at the very midline read the plane x = 0, which has no value here.
    assert np.isfinite(_at_surface(image, _meshes(side)[0])).mean() > 0.8
    assert np.isfinite(_at_surface(image, _meshes(other)[0])).mean() < 0.01
    colours, scale = map_colours([1.0], signed=False)

    def coloured(which: str) -> float:
        pixels = _surface(image, which, "lateral", colours, scale, None).astype(float)
        brain = pixels[..., 3] > 200
        spread = pixels[..., :3].max(axis=-1) - pixels[..., :3].min(axis=-1)
        return float((spread[brain] > 30).mean())

    assert coloured(side) > 0.9
    assert coloured(other) < 0.05


@pytest.mark.parametrize(("y", "place"), [(40, "front"), (-80, "back")])
def test_the_front_points_outwards_in_lateral_views(
    voxels: pd.DataFrame, y: int, place: str
) -> None:
    near = (voxels["y"] > 20) if place == "front" else (voxels["y"] < -60)
    image = figures.volume_of(voxels.assign(value=np.where(near, 1.0, np.nan)))
    colours, scale = map_colours([1.0], signed=False)
    for side in ("left", "right"):
        pixels = _surface(image, side, "lateral", colours, scale, None).astype(float)
        spread = pixels[..., :3].max(axis=-1) - pixels[..., :3].min(axis=-1)
        columns = np.flatnonzero(((spread > 30) & (pixels[..., 3] > 200)).any(axis=0))
        middle = columns.mean() / pixels.shape[1]
        on_left = (side == "left") == (place == "front")
        assert (middle < 0.4) if on_left else (middle > 0.6)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("draw", [figures.brain_maps, figures.glass_brains])
def test_brains_are_drawn_at_their_width_and_fit_a_page(
    voxels: pd.DataFrame, width: float, draw: object
) -> None:
    rng = np.random.default_rng(0)
    table = voxels.assign(value=rng.normal(size=len(voxels)))
    figure = draw(table, signed=True, threshold=0.5, label="slope", width=width)  # type: ignore[operator]
    assert figure.get_figwidth() == width
    svg = inline_svg(draw_svg(figure), "brain")
    assert "data:image/png;base64," in svg
    assert len(svg) < 1_500_000
    assert "http" not in svg.replace("http://www.w3.org", "")


@pytest.mark.parametrize("n_maps", [1, 2])
def test_names_of_maps_are_not_cut_off_at_the_top(voxels: pd.DataFrame, n_maps: int) -> None:
    """In what is written to files, whose layout the SVG settles."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    table = voxels.assign(value=np.sin(voxels["x"] / 20))
    maps = pd.concat([table.assign(map=f"map {k}") for k in range(n_maps)])
    figure = figures.brain_maps(maps, signed=True)
    draw_svg(figure)
    renderer = FigureCanvasAgg(figure).get_renderer()
    named = [ax for ax in figure.axes if ax.get_title(loc="left")]
    assert len(named) == n_maps
    for ax in named:
        ax.draw(renderer)
        title = ax._left_title.get_window_extent(renderer)
        assert title.y1 <= figure.bbox.height


def test_the_crossing_is_marked_where_the_law_has_it(published: pd.DataFrame) -> None:
    law = scaling_law(published["parameters"], published["l_minus_r_rv"])
    fit = {
        name: getattr(law, name)
        for name in ("slope", "intercept", "zero_crossing", "zero_crossing_low")
    } | {"zero_crossing_high": law.zero_crossing_high}
    table = published.assign(
        panel="reliable",
        left_minus_right=published["l_minus_r_rv"],
        left_minus_right_low=np.nan,
        left_minus_right_high=np.nan,
    )
    figure = figures.asymmetry_panels(table, fits={"reliable": fit})
    points = [
        line
        for line in figure.axes[0].lines
        if (read_mark(line.get_gid() or "") or ("",))[0] == "zero crossing"
    ]
    assert points[-1].get_xdata()[0] == pytest.approx(law.zero_crossing)


@pytest.mark.parametrize("width", WIDTHS)
def test_laws_against_other_columns(published: pd.DataFrame, width: float) -> None:
    table = published.assign(score=published["corr_rv"], low=np.nan, high=np.nan)
    for predictor, backwards in (("perplexity", True), ("hellaswag", False)):
        law = scaling_law(published[predictor], table["score"], scale="linear")
        fit = {"slope": law.slope, "intercept": law.intercept}
        figure = figures.law(table, predictor=predictor, fit=fit, width=width)
        axis = figure.axes[0]
        assert axis.xaxis_inverted() == backwards
        line = next(entry for entry in axis.lines if len(entry.get_xdata()) == 80)
        np.testing.assert_allclose(
            line.get_ydata(), law.intercept + law.slope * np.asarray(line.get_xdata())
        )
    # Scores around .4: an axis from zero would hide the law, and the figure says so.
    assert "does not start at zero" in axis.get_ylabel()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_other_figures_draw_a_mark_for_each_row(published: pd.DataFrame, width: float) -> None:
    rng = np.random.default_rng(1)
    regions = pd.DataFrame(
        [
            {"region": name, "hemisphere": side, "slope": 0.01, "low": 0.0, "high": 0.02}
            for name in ("TP", "AG/TPJ")
            for side in ("left", "right")
        ]
    )
    drawn = [
        (figures.region_slopes(regions, width=width), 4),
        (
            figures.listener_slopes(
                pd.DataFrame({"listener": list("abcdefghijkl"), "slope": rng.normal(size=12)}),
                width=width,
            ),
            13,
        ),
        (
            figures.slope_against_ceiling(
                pd.DataFrame(
                    {
                        "region": ["a", "b", "c"],
                        "ceiling_difference": [0.1, np.nan, -0.1],
                        "slope": [0.0, 1.0, 2.0],
                    }
                ),
                width=width,
            ),
            2,
        ),
        (
            figures.sides_law(
                published.rename(columns={"corr_l_rv": "left", "corr_r_rv": "right"}), width=width
            ),
            56,
        ),
        (
            figures.score_against_score(
                published.assign(first=published["corr_all"], second=published["corr_rv"]),
                names=("all", "reliable"),
                width=width,
            ),
            28,
        ),
        (
            figures.voxel_distributions(
                published.assign(value=published["corr_rv"])[["label", "kind", "family", "value"]],
                width=width,
            ),
            28,
        ),
    ]
    for figure, expected in drawn:
        points = [
            line
            for line in figure.axes[0].lines
            if read_mark(line.get_gid() or "") and line.get_marker() not in ("None", "", None)
        ]
        assert len(points) == expected


def test_the_ceiling_tells_the_share_above_its_threshold() -> None:
    table = pd.DataFrame({"hemisphere": ["left", "right"] * 50, "value": np.linspace(0, 1, 100)})
    figure = figures.ceiling_distribution(table, threshold=0.75)
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert any("25 %" in text for text in texts)


def test_curves_and_profiles_have_a_panel_each(published: pd.DataFrame) -> None:
    curves = pd.concat(
        [
            published.assign(region=name, hemisphere=side, score=published["corr_rv"])
            for name in ("TP", "BA44", "BA45")
            for side in ("left", "right")
        ]
    )
    ceiling = pd.DataFrame(
        {
            "region": ["TP"],
            "hemisphere": ["left"],
            "reliability": [0.5],
            "low": [0.4],
            "high": [0.6],
        }
    )
    figure = figures.region_curves(curves, ceiling=ceiling)
    assert [ax.get_title(loc="left") for ax in figure.axes if ax.get_visible()] == [
        "TP",
        "BA44",
        "BA45",
    ]
    profiles = pd.concat(
        [
            published.assign(layer=k, relative_depth=k / 3, score=published["corr_rv"] + k)
            for k in range(4)
        ]
    )
    figure = figures.family_profiles(profiles)
    families = sorted(set(published["family"]))
    assert [ax.get_title(loc="left") for ax in figure.axes if ax.get_visible()] == families
    assert sum(len(ax.lines) - 1 for ax in figure.axes if ax.get_visible()) == 28


def test_panels_side_by_side_share_their_scale(published: pd.DataFrame) -> None:
    parts = [
        published.assign(panel=name, score=published[column], low=np.nan, high=np.nan)
        for name, column in (("all", "corr_all"), ("reliable", "corr_rv"))
    ]
    figure = figures.law_panels(pd.concat(parts))
    first, second = figure.axes[:2]
    assert first.get_ylim() == second.get_ylim()
