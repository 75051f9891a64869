"""The page in a real browser: no errors, no requests, and everything on it works."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from browser import Tab

_SHOWN = (
    "return [...document.querySelectorAll(arguments[0])]"
    ".filter(e => e.checkVisibility({visibilityProperty: true}))"
)
PHONE = 390


def _helpers() -> Any:
    # Tests are no package; the helper lies beside this file.
    spec = spec_from_file_location("report_browser", Path(__file__).with_name("browser.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    helpers = _helpers()
    with helpers.chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield helpers.Tab(driver)


def test_opens_without_errors_or_requests(tab: Tab, simulated_report: Path) -> None:
    tab.open(simulated_report)
    assert tab.run("return document.title").endswith("hemiscale")
    assert tab.console() == []
    assert tab.requests() == [simulated_report.as_uri()]


def test_all_figures_are_drawn(tab: Tab, simulated_report: Path) -> None:
    tab.open(simulated_report)
    sizes = tab.run(
        "return [...document.querySelectorAll('figure')].map(f => ["
        "f.dataset.figure, ...(b => [b.width, b.height])("
        "[...f.querySelectorAll('svg')].find(s => s.checkVisibility()).getBoundingClientRect())])"
    )
    assert len(sizes) == 15
    for name, width, height in sizes:
        assert min(width / 300, height / 80) > 1, name
    alts = tab.run(
        "return [...document.querySelectorAll('[role=img]')].map(e => e.getAttribute('aria-label'))"
    )
    assert len(alts) == 15
    assert all(len(alt) > 40 for alt in alts)


def test_text_of_the_study_is_text(tab: Tab, simulated_report: Path) -> None:
    tab.open(simulated_report)
    assert "<script>alert(" in tab.run("return document.querySelector('#says').innerText")
    assert tab.run("return document.querySelectorAll('script').length") == 1
    assert tab.run("return document.querySelectorAll('#says li b').length") == 0


@pytest.mark.parametrize("width", [PHONE, 320, 768, 1100])
def test_nothing_scrolls_sideways(tab: Tab, simulated_report: Path, width: int) -> None:
    tab.open(simulated_report, width=width)
    tab.run("for (const d of document.querySelectorAll('details')) d.open = true")
    assert tab.run("return document.documentElement.scrollWidth") <= width


def test_phones_see_the_narrow_drawing(tab: Tab, simulated_report: Path) -> None:
    tab.open(simulated_report, width=PHONE)
    assert len(tab.run(_SHOWN, ".drawing .wide")) == 0
    assert len(tab.run(_SHOWN, ".drawing .narrow")) == 15
    # Read on a phone, the smallest letters of a drawing stay above eight pixels.
    smallest = tab.run(
        "return Math.min(...[...document.querySelectorAll('.narrow svg text')].map("
        "t => t.getBoundingClientRect().height))"
    )
    assert smallest > 8


def test_the_filter_hides_marks_and_rows(tab: Tab, simulated_report: Path) -> None:
    tab.open(simulated_report)
    for field, value in (("kind", "checkpoint"), ("family", "smollm2")):
        query = f"[data-{field}='{value}']"
        box = f"document.querySelector(\"input[data-filter='{field}'][value='{value}']\")"
        assert len(tab.run(_SHOWN, f".wide .mark{query}")) > 0
        assert len(tab.run(_SHOWN, f"#table-models tr{query}")) > 0
        tab.run(f"{box}.click()")
        assert tab.run(_SHOWN, f".wide .mark{query}") == []
        assert tab.run(_SHOWN, f"#table-models tr{query}") == []
    assert len(tab.run(_SHOWN, ".wide .mark[data-family='austen']")) > 0
    tab.run("document.querySelector('form.filters button').click()")
    tab.driver.implicitly_wait(0)
    tab.driver.execute_async_script("setTimeout(arguments[0], 50)")
    assert len(tab.run(_SHOWN, ".wide .mark[data-family='smollm2']")) > 0


def test_tables_sort_by_number_and_name(tab: Tab, simulated_report: Path) -> None:
    tab.open(simulated_report)

    def column(k: int) -> list[str]:
        return tab.run(
            "return [...document.querySelector('#table-models').tBodies[0].rows]"
            ".map(r => r.cells[arguments[0]].dataset.value)",
            k,
        )

    def click(k: int) -> str:
        return tab.run(
            "const th = document.querySelector('#table-models').tHead.rows[0].cells[arguments[0]];"
            "th.querySelector('button').click(); return th.getAttribute('aria-sort')",
            k,
        )

    parameters = 4
    assert click(parameters) == "descending"
    values = [float(v) for v in column(parameters) if v]
    assert values == sorted(values, reverse=True)
    assert column(parameters)[-1] == ""  # what has no size stays last
    assert click(parameters) == "ascending"
    values = [float(v) for v in column(parameters) if v]
    assert values == sorted(values)
    assert column(parameters)[-1] == ""
    assert click(0) == "ascending"
    names = [name for name in column(0) if "," not in name]  # widths sort as numbers
    assert names == sorted(names)
    assert next(n for n in column(0) if n.startswith("random vector")) == "random vector, 300 d"


def test_hovering_a_point_shows_the_model_and_its_numbers(tab: Tab, simulated_report: Path) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    tab.open(simulated_report)
    mark = tab.driver.find_elements(
        By.CSS_SELECTOR, "#figure-law-parameters .wide .mark[data-model='smollm2-135m']"
    )[-1]
    tab.run("arguments[0].scrollIntoView({block: 'center'})", mark)
    assert not tab.run("return document.getElementById('tip').checkVisibility()")
    ActionChains(tab.driver).move_to_element(mark).perform()
    tip = tab.run("return document.getElementById('tip').innerText")
    assert tip.startswith("smollm2-135m")
    assert "score 0." in tip
    assert "135 M parameters" in tip
    assert "95 % over listeners" in tip


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, 1100])
def test_contrast_and_names_pass_an_accessibility_check(
    tab: Tab, simulated_report: Path, theme: str, width: int
) -> None:
    tab.open(simulated_report, theme=theme, width=width)
    tab.run("for (const d of document.querySelectorAll('details')) d.open = true")
    assert tab.violations() == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_drawings_can_be_seen_in_both_themes(tab: Tab, simulated_report: Path, theme: str) -> None:
    """Contrast of every colour of the figures against the page: 4.5 for text, 3 for marks."""
    tab.open(simulated_report, theme=theme)
    colours = tab.run(
        "const s = getComputedStyle(document.documentElement); const names = ['paper', 'fig-ink',"
        "'fig-muted', 'fig-left', 'fig-right', 'fig-baseline', ...[1,2,3,4,5,6,7,8].map("
        "k => `fig-family${k}`)];"
        "return Object.fromEntries(names.map(n => [n, s.getPropertyValue('--' + n).trim()]))"
    )

    def luminance(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    paper = luminance(colours.pop("paper"))
    for name, colour in colours.items():
        light, dark = sorted((luminance(colour), paper), reverse=True)
        least = 4.5 if name in ("fig-ink", "fig-muted") else 3.0
        assert (light + 0.05) / (dark + 0.05) >= least, (theme, name, colour)


def test_print_is_on_white_without_controls(tab: Tab, simulated_report: Path) -> None:
    tab.open(simulated_report, theme="dark", media="print")
    assert tab.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.run(_SHOWN, ".filters, nav, .copy, details.rows") == []
    pdf = tab.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    assert len(pdf["data"]) > 50_000


def test_a_voxel_page_opens_fits_and_passes(tab: Tab, voxel_report: Path) -> None:
    tab.open(voxel_report, width=PHONE, theme="dark")
    assert tab.console() == []
    assert tab.requests() == [voxel_report.as_uri()]
    tab.run("for (const d of document.querySelectorAll('details')) d.open = true")
    assert tab.run("return document.documentElement.scrollWidth") <= PHONE
    assert tab.violations() == []
    brains = tab.run(_SHOWN, "#figure-ceiling-map .narrow image")
    assert len(brains) == 5  # four views and the colour bar


def test_a_comparison_opens_fits_and_passes(
    tab: Tab, simulated_results: Path, tmp_path: Path
) -> None:
    from hemiscale.report import compare_studies

    page = compare_studies(["published", simulated_results], tmp_path)
    tab.open(page, width=PHONE)
    assert tab.console() == []
    assert tab.requests() == [page.as_uri()]
    assert tab.run("return document.documentElement.scrollWidth") <= PHONE
    assert tab.violations() == []
