import re
import xml.etree.ElementTree as ET

import pandas as pd
import pytest

from hemiscale.report import figures, save_figure
from hemiscale.report.figures.style import COLOURS, mark, read_mark
from hemiscale.report.svg import draw_svg, inline_svg, plain_svg

NASTY = '<b>"x" & y</b>'


@pytest.fixture
def figure():
    return figures.baseline_scores(
        pd.DataFrame(
            {
                "label": [NASTY, "word rate"],
                "kind": ["trained", "control"],
                "family": ["fam", ""],
                "score": [0.2, 0.1],
                "low": [0.15, 0.05],
                "high": [0.25, 0.15],
            }
        )
    )


def test_every_role_has_a_colour_of_its_own():
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_a_mark_reads_back():
    from matplotlib.lines import Line2D

    line = Line2D([], [])
    mark(line, NASTY, kind="trained", family="f", lines=["a", "b"])
    assert read_mark(line.get_gid()) == (NASTY, "trained", "f", ["a", "b"])
    assert read_mark("axes_1") is None


def test_the_same_figure_gives_the_same_bytes(figure, tmp_path):
    save_figure(figure, tmp_path / "one")
    save_figure(figure, tmp_path / "two")
    for end in ("svg", "png"):
        one, two = ((tmp_path / f"{name}.{end}").read_bytes() for name in ("one", "two"))
        assert one == two


def test_the_file_names_its_marks(figure):
    text = plain_svg(draw_svg(figure))
    root = ET.fromstring(text)
    titles = [element.text for element in root.iter("{http://www.w3.org/2000/svg}title")]
    assert f"{NASTY}\nscore 0.200\n95 % over listeners [0.150, 0.250]" in titles
    assert "mark[" not in text
    assert "date" not in text.lower()
    # Text stays text: it can be searched, and edited in a drawing program.
    assert "brain score" in "".join(root.itertext())


def test_inlined_it_follows_the_theme_and_keeps_to_itself(figure):
    drawing = draw_svg(figure)
    text = inline_svg(drawing, "first")
    root = ET.fromstring(text)
    assert not re.search(r"#[0-9a-fA-F]{6}\b", text)
    used = set(re.findall(r"var\(--fig-([a-z0-9]+)\)", text))
    assert used
    assert used <= set(COLOURS)
    assert "<style" not in text
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert ids
    assert all(name.startswith("first-") for name in ids)
    for target in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text):
        assert "".join(target) in ids
    marks = [e for e in root.iter() if e.get("class") == "mark"]
    assert {e.get("data-model") for e in marks} == {NASTY, "word rate"}
    assert {e.get("data-kind") for e in marks} == {"trained", "control"}
    # The drawing itself is left as it was.
    assert inline_svg(drawing, "first") == text
