"""The page as text: everything there, nothing fetched, nothing run that came from a study."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hemiscale.errors import HemiscaleError
from hemiscale.report import chapters, figures, load_results, write_report
from hemiscale.report.citations import bibtex

FIGURES = (
    "baselines",
    "regions",
    "regions-average",
    "law-parameters",
    "law-bits-per-byte",
    "law-parameters-average",
    "left-right",
    "left-minus-right-parameters",
    "layers",
    "training",
    "listeners",
    "ceiling",
    "attention-sink",
    "motion",
    "timings",
)
LIMIT = 15_000_000


class Reader(HTMLParser):
    """Collects tags, ids and what the page would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "srcset", "poster", "data") or (tag == "link" and name == "href"):
                self.fetched.append(value or "")
            if tag == "a" and name == "href":
                self.links.append(value or "")
            if name.startswith("on"):
                self.handlers.append(name)


VOXEL_FIGURES = (
    *("baselines", "regions", "regions-average", "ceiling-map", "ceiling-distribution"),
    *("law-parameters", "law-reliable", "law-large", "law-bits-per-byte", "law-perplexity"),
    *(
        "law-hellaswag",
        "family-layers",
        "spread",
        "best-and-worst",
        "best-and-worst-glass",
        "slope-map",
    ),
    *("left-right-parameters", "left-minus-right-panels", "left-right", "region-slopes"),
    *("region-curves", "slope-against-ceiling", "listeners", "listener-slopes"),
)


@pytest.fixture(scope="module")
def page(simulated_report: Path) -> Reader:
    return Reader(simulated_report.read_text(encoding="utf-8"))


def test_every_figure_is_there_with_its_files(simulated_report: Path, page: Reader) -> None:
    for name in FIGURES:
        assert f"figure-{name}" in page.ids
        for end in ("svg", "png", "tsv"):
            assert (simulated_report.parent / "figures" / f"{name}.{end}").stat().st_size > 100
    assert "could not be made" not in simulated_report.read_text(encoding="utf-8")


def test_nothing_is_fetched_and_links_stay_in_the_folder(
    simulated_report: Path, page: Reader
) -> None:
    assert [source for source in page.fetched if not source.startswith("data:")] == []
    outside = [link for link in page.links if not link.startswith(("#", "figures/"))]
    assert outside == []
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids
        else:
            assert (simulated_report.parent / link).is_file()
    assert "url(http" not in simulated_report.read_text(encoding="utf-8")


def test_text_of_studies_is_escaped(simulated_report: Path, page: Reader) -> None:
    text = simulated_report.read_text(encoding="utf-8")
    # One script element, ours; the sentences of the study stand there as text.
    assert page.tags.count("script") == 1
    assert page.handlers == []
    assert "&lt;script&gt;alert(" in text
    assert '<script>alert("hemiscale")' not in text


def test_ids_are_unique_and_the_page_is_small(simulated_report: Path, page: Reader) -> None:
    assert len(page.ids) == len(set(page.ids))
    assert simulated_report.stat().st_size < LIMIT


def test_a_simulated_study_says_so_at_every_figure(simulated_report: Path) -> None:
    text = simulated_report.read_text(encoding="utf-8")
    assert "Simulated data." in text
    assert text.count('class="simulated"') == len(FIGURES)


def test_the_same_results_give_the_same_page(make_results: Callable[..., Path]) -> None:
    folder = make_results("austen-4m", "austen-1.1m", "word-rate")
    first = write_report(folder).read_bytes()
    assert write_report(folder).read_bytes() == first


def test_a_figure_that_fails_is_replaced_by_what_failed(
    make_results: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **options: object) -> None:
        raise ZeroDivisionError("no <b>ceiling</b>")

    monkeypatch.setattr(figures, "ceiling", fail)
    page = write_report(make_results("austen-4m", "austen-1.1m", "word-rate"))
    text = page.read_text(encoding="utf-8")
    assert "This figure could not be made." in text
    assert "ZeroDivisionError: no &lt;b&gt;ceiling&lt;/b&gt;" in text
    assert 'id="figure-listeners"' in text
    assert (page.parent / "figures" / "listeners.png").is_file()


def test_a_study_without_something_says_what_is_missing(make_results: Callable[..., Path]) -> None:
    text = write_report(make_results("word-rate")).read_text(encoding="utf-8")
    assert "the study names no checkpoints" in text
    assert "no language model has a score" in text


def test_a_damaged_file_leaves_a_sentence(make_results: Callable[..., Path]) -> None:
    folder = make_results("austen-4m", "austen-1.1m")
    (folder / "diagnostics.json").write_text("{", encoding="utf-8")
    text = write_report(folder).read_text(encoding="utf-8")
    assert "diagnostics.json could not be read" in text


def test_no_scores_no_page(tmp_path: Path) -> None:
    with pytest.raises(HemiscaleError, match="run the study first"):
        write_report(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_every_caption_says_what_data(simulated_results: Path) -> None:
    from hemiscale.report import load_results

    results = load_results(simulated_results)
    for chapter in chapters.chapters(results):
        for plan in chapter.plans:
            assert results.name in plan.caption, plan.name
            assert re.search(r"\d+ listeners?", plan.caption), plan.name


def test_a_voxel_study_has_its_own_figures(voxel_report: Path) -> None:
    text = voxel_report.read_text(encoding="utf-8")
    for name in VOXEL_FIGURES:
        assert f'<figure id="figure-{name}"' in text, name
        assert (voxel_report.parent / "figures" / f"{name}.tsv").is_file()
    assert "could not be made" not in text
    assert "could not be read" not in text
    assert re.search(r"<b>\d+</b> voxels", text)
    assert voxel_report.stat().st_size < LIMIT


def test_a_damaged_map_takes_its_figures_away_and_nothing_else(voxel_report: Path) -> None:
    import shutil

    folder = voxel_report.parent.with_name("damaged")
    shutil.copytree(voxel_report.parent, folder, ignore=shutil.ignore_patterns("figures"))
    (folder / "maps" / "slope.nii.gz").write_bytes(b"no map")
    text = write_report(folder).read_text(encoding="utf-8")
    assert "maps/slope.nii.gz could not be read" in text
    assert '<figure id="figure-slope-map"' not in text
    assert '<figure id="figure-best-and-worst"' in text
    assert '<figure id="figure-region-curves"' in text


def test_the_models_are_cited_by_their_family(simulated_results: Path) -> None:
    results = load_results(simulated_results)
    told = bibtex(results)
    for key in ("@software{hemiscale", "bonnassegahot2024fmri", "@misc{nobody", "smollm2", "glove"):
        assert key in told
    assert "gemma" not in told
    for family, key, other in (
        ("Gemma", "2403.08295", "2503.19786"),
        ("Gemma 3", "2503.19786", "2403.08295"),
        ("Qwen1.5", "2309.16609", "2407.10671"),
        ("OPT", "2205.01068", "2307.09288"),
    ):
        told = bibtex(replace(results, models=results.models.assign(family=family)))
        assert key in told
        assert other not in told
