"""Figures and the page: tables of a study in, SVG, PNG and one HTML file out.

Names are imported when first used, so that importing the package stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hemiscale.report.comparison import compare_studies
    from hemiscale.report.load import Results, load_results
    from hemiscale.report.page import render_page, write_report
    from hemiscale.report.svg import save_figure

_HOME = {
    "Results": "load",
    "compare_studies": "comparison",
    "load_results": "load",
    "render_page": "page",
    "save_figure": "svg",
    "write_report": "page",
}

__all__ = [
    "Results",
    "compare_studies",
    "load_results",
    "render_page",
    "save_figure",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
