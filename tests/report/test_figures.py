import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from hemiscale.report import diagnostic_rows, figures, load_results, tidy
from hemiscale.report.chapters import chapters
from hemiscale.report.figures.laws import _apart, _half_width
from hemiscale.report.figures.style import FAMILY_COLOURS, read_mark


@pytest.fixture(scope="module")
def results(simulated_results):
    return load_results(simulated_results)


def marks(figure, column=0):
    found = []
    for axes in figure.axes:
        for artist in axes.get_children():
            identity = read_mark(artist.get_gid() or "")
            if identity:
                found.append(identity[column])
    return set(found)


def shown_texts(figure):
    """The texts that can be seen, with their boxes in pixels."""
    figure.draw_without_rendering()
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if not (axes.get_visible() and low <= tick.get_loc() <= high):
                    hidden |= {id(tick.label1), id(tick.label2)}
    texts = figure.findobj(lambda artist: hasattr(artist, "get_fontsize"))
    return [
        (text.get_text(), text.get_window_extent())
        for text in texts
        if text.get_visible()
        and text.get_text().strip()
        and id(text) not in hidden
        and (text.axes is None or text.axes.get_visible())
    ]


def overlaps(texts):
    """Pairs of texts whose boxes overlap by more than a hair."""
    bad = []
    for k, (one, a) in enumerate(texts):
        for other, b in texts[k + 1 :]:
            wide = min(a.x1, b.x1) - max(a.x0, b.x0)
            high = min(a.y1, b.y1) - max(a.y0, b.y0)
            if wide > 1.5 and high > 1.5:
                bad.append((one, other))
    return bad


def all_figures(results, width):
    who = "listeners"
    families = sorted(set(results.models["family"]) - {""})
    rows = tidy.baseline_rows(results, who)
    law = tidy.find_law(results, "score", "log parameters", who)
    bits = tidy.find_law(results, "score", "bits per byte", who)
    models = tidy.language_models(rows)
    options = {"width": width, "families": families}
    yield "baselines", figures.baseline_scores(rows, draws=tidy.draws(results, who), **options)
    yield "regions", figures.region_scores(tidy.region_rows(results, who), **options)
    yield (
        "average",
        figures.region_scores(
            tidy.region_rows(results, "average"), ceiling=results.ceiling, **options
        ),
    )
    bands = tidy.band_rows(results, who)
    yield "law", figures.law(models, fit=law, bands=bands, **options)
    yield (
        "bits",
        figures.law(models, predictor="bits_per_byte", fit=bits, bands=bands, **options),
    )
    sides = tidy.asymmetry_rows(results, who)
    yield "sides", figures.left_and_right(sides, width=width)
    yield "asymmetry", figures.asymmetry_law(tidy.language_models(sides), **options)
    yield "layers", figures.layer_profiles(tidy.layer_rows(results, who), **options)
    yield "training", figures.training_trajectory(tidy.training_rows(results, who), **options)
    yield "listeners", figures.listener_scores(tidy.listener_rows(results), **options)
    best = tidy.best_on_average(results)
    yield "ceiling", figures.ceiling(results.ceiling, best=best, width=width)
    yield "sink", figures.attention_sink(diagnostic_rows.attention_sink_rows(results), **options)
    yield "motion", figures.motion(diagnostic_rows.motion_rows(results), width=width)
    yield "timings", figures.timings(diagnostic_rows.timing_rows(results), width=width)


@pytest.mark.slow
@pytest.mark.parametrize("width", [figures.DOUBLE_COLUMN, figures.SINGLE_COLUMN])
def test_no_figure_has_overlapping_or_cut_off_text(results, width):
    for name, figure in all_figures(results, width):
        check_texts(name, figure, width)


@pytest.mark.slow
@pytest.mark.parametrize("width", [figures.DOUBLE_COLUMN, figures.SINGLE_COLUMN])
def test_no_figure_of_a_voxel_study_has_either(voxel_report, width):
    plans = [
        plan for chapter in chapters(load_results(voxel_report.parent)) for plan in chapter.plans
    ]
    drawn = set()
    for plan in plans:
        rows = plan.rows()
        # Glass brains and surfaces have next to no text, and take long to draw.
        if len(rows) and ("map" not in rows or plan.name == "parcel-ceiling-map"):
            check_texts(plan.name, plan.draw(rows, width), width)
            drawn.add(plan.name)
    assert {"left-minus-right-panels", "region-curves", "parcel-ceiling", "parcel-slopes"} <= drawn


def check_texts(name, figure, width):
    assert isinstance(figure, Figure)
    assert figure.get_figwidth() == width
    texts = shown_texts(figure)
    assert overlaps(texts) == [], name
    edge = figure.bbox
    for text, box in texts:
        outside = max(-box.x0, box.x1 - edge.x1, -box.y0, box.y1 - edge.y1)
        assert outside <= 1, (name, text)


def test_marks_name_all_models_of_a_law(results):
    rows = tidy.language_models(tidy.baseline_rows(results, "listeners"))
    assert marks(figures.law(rows)) == set(rows["label"])
    assert marks(figures.law(rows), column=1) == {"trained", "untrained"}


def test_the_fit_is_drawn_where_the_law_says(results):
    rows = tidy.language_models(tidy.baseline_rows(results, "listeners"))
    figure = figures.law(rows, fit={"slope": 0.01, "intercept": -0.05})
    line = next(
        artist
        for artist in figure.axes[0].lines
        if (read_mark(artist.get_gid() or "") or [""])[0].startswith("fit")
    )
    x, y = line.get_data()
    np.testing.assert_allclose(y, -0.05 + 0.01 * np.log(x))
    trained = rows.loc[rows["kind"] == "trained", "parameters"]
    assert (x.min(), x.max()) == pytest.approx((trained.min(), trained.max()))


def test_band_of_a_line_against_the_textbook():
    # Half width at x0: t * s * sqrt(1/n + (x0 - mean)^2 / Sxx), Student's t with n - 2 freedom.
    x = np.array([0.0, 1.0, 2.0, 3.0])
    y = np.array([0.0, 1.1, 1.9, 3.2])
    slope, intercept = np.polyfit(x, y, 1)
    s = np.sqrt(((y - intercept - slope * x) ** 2).sum() / 2)
    at = np.array([0.0, 2.5])
    expected = 4.302653 * s * np.sqrt(1 / 4 + (at - 1.5) ** 2 / 5)
    np.testing.assert_allclose(_half_width(x, y, at), expected, rtol=1e-6)
    assert _half_width(x[:2], y[:2], at) is None


def test_bits_per_byte_run_backwards(results):
    rows = tidy.language_models(tidy.baseline_rows(results, "listeners"))
    low, high = figures.law(rows, predictor="bits_per_byte").axes[0].get_xlim()
    assert low > high


def test_names_of_bands_are_kept_apart_and_in_order():
    wanted = np.array([0.5, 0.51, 0.52, 0.0])
    placed = _apart(wanted, 0.1)
    assert np.diff(np.sort(placed)).min() >= 0.1 - 1e-9
    assert list(np.argsort(placed)) == list(np.argsort(wanted))
    assert placed[3] == 0


def test_a_family_has_the_same_colour_whatever_else_is_drawn(results):
    styles = figures.family_styles(["smollm2", "austen", ""])
    assert styles["austen"][0] == FAMILY_COLOURS[0]
    assert styles["smollm2"][0] == FAMILY_COLOURS[1]
    assert figures.family_styles(["austen", "smollm2"])["smollm2"] == styles["smollm2"]


def test_left_and_right_are_no_family_colours():
    sides = {figures.COLOURS["left"], figures.COLOURS["right"]}
    assert not sides & set(FAMILY_COLOURS)


def test_axes_of_ones_own_can_be_used(results):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    rows = tidy.baseline_rows(results, "listeners")
    assert figures.baseline_scores(rows, ax=left) is figure
    assert figures.law(tidy.language_models(rows), ax=right) is figure
    assert left.get_xlabel()
    assert right.get_ylabel()


def test_a_table_without_what_is_needed_says_so():
    with pytest.raises(ValueError, match=r"lacks the column\(s\) kind, family"):
        figures.baseline_scores(
            pd.DataFrame({"label": ["a"], "score": [1.0], "low": [0.0], "high": [2.0]})
        )
    empty = pd.DataFrame(columns=["listener", "label", "kind", "family", "score"])
    with pytest.raises(ValueError, match="nothing to draw"):
        figures.listener_scores(empty)


def test_intervals_that_do_not_exist_are_left_out():
    table = pd.DataFrame(
        {
            "label": ["a", "b"],
            "kind": ["trained", "trained"],
            "family": ["f", "f"],
            "parameters": [1e6, 1e7],
            "bits_per_byte": [2.0, 1.5],
            "score": [0.1, 0.2],
            "low": [np.nan, np.nan],
            "high": [np.nan, np.nan],
        }
    )
    figure = figures.law(table, fit={"slope": None, "intercept": None})
    assert marks(figure, column=0) == {"a", "b"}
    figures.baseline_scores(table)


def test_intervals_of_untrained_twins_lie_inside_the_axes(results):
    """They are drawn a few points aside, which matplotlib leaves out when it sets limits."""
    rows = tidy.language_models(tidy.baseline_rows(results, "listeners"))
    hollow = rows["kind"] == "untrained"
    rows.loc[hollow, "low"], rows.loc[hollow, "high"] = -0.4, 0.6
    low, high = figures.law(rows).axes[0].get_ylim()
    assert low < -0.4
    assert high > 0.6
