"""The figures: one function each, tidy data in, matplotlib figure out, for papers as for the page.

All take ``width`` in inches (`DOUBLE_COLUMN`, `SINGLE_COLUMN`) and lay themselves out for it; those
with one panel take ``ax=``. Nothing here reads a file or touches pyplot. Save with matplotlib's own
``savefig``, or with `hemiscale.report.save_figure`, whose SVG is the same on every run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hemiscale.report.figures.asymmetry import asymmetry_law, left_and_right
    from hemiscale.report.figures.diagnostics import attention_sink, motion, timings
    from hemiscale.report.figures.dots import baseline_scores, ceiling, region_scores
    from hemiscale.report.figures.laws import law
    from hemiscale.report.figures.layers import layer_profiles
    from hemiscale.report.figures.listeners import listener_scores
    from hemiscale.report.figures.style import (
        COLOURS,
        DOUBLE_COLUMN,
        SINGLE_COLUMN,
        family_styles,
        figure_style,
    )
    from hemiscale.report.figures.training import training_trajectory

_HOME = {
    "COLOURS": "style",
    "DOUBLE_COLUMN": "style",
    "SINGLE_COLUMN": "style",
    "asymmetry_law": "asymmetry",
    "attention_sink": "diagnostics",
    "baseline_scores": "dots",
    "ceiling": "dots",
    "family_styles": "style",
    "figure_style": "style",
    "law": "laws",
    "layer_profiles": "layers",
    "left_and_right": "asymmetry",
    "listener_scores": "listeners",
    "motion": "diagnostics",
    "region_scores": "dots",
    "timings": "diagnostics",
    "training_trajectory": "training",
}

__all__ = [
    "COLOURS",
    "DOUBLE_COLUMN",
    "SINGLE_COLUMN",
    "asymmetry_law",
    "attention_sink",
    "baseline_scores",
    "ceiling",
    "family_styles",
    "figure_style",
    "law",
    "layer_profiles",
    "left_and_right",
    "listener_scores",
    "motion",
    "region_scores",
    "timings",
    "training_trajectory",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
