"""The figures: one function each, tidy data in, matplotlib figure out, for papers as for the page.

All take ``width`` in inches (`DOUBLE_COLUMN`, `SINGLE_COLUMN`) and lay themselves out for it; those
with one panel take ``ax=``. Nothing here reads a file or touches pyplot. Save with matplotlib's own
``savefig``, or with `hemiscale.report.save_figure`, whose SVG is the same on every run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hemiscale.report.figures.asymmetry import (
        asymmetry_law,
        left_and_right,
    )
    from hemiscale.report.figures.brains import (
        brain_maps,
        glass_brains,
        volume_of,
    )
    from hemiscale.report.figures.diagnostics import (
        attention_sink,
        motion,
        timings,
    )
    from hemiscale.report.figures.distributions import (
        ceiling_distribution,
        voxel_distributions,
    )
    from hemiscale.report.figures.dots import (
        baseline_scores,
        ceiling,
        region_scores,
    )
    from hemiscale.report.figures.laws import (
        law,
    )
    from hemiscale.report.figures.layers import (
        family_profiles,
        layer_profiles,
    )
    from hemiscale.report.figures.listeners import (
        listener_scores,
    )
    from hemiscale.report.figures.parcels import (
        ceiling_asymmetry,
    )
    from hemiscale.report.figures.side_by_side import (
        law_panels,
        score_against_score,
    )
    from hemiscale.report.figures.sides import (
        asymmetry_panels,
        sides_law,
    )
    from hemiscale.report.figures.slopes import (
        listener_slopes,
        region_curves,
        region_slopes,
        slope_against_ceiling,
    )
    from hemiscale.report.figures.studies import (
        studies_law,
        study_slopes,
    )
    from hemiscale.report.figures.style import (
        COLOURS,
        DOUBLE_COLUMN,
        SINGLE_COLUMN,
        family_styles,
        figure_style,
        study_styles,
    )
    from hemiscale.report.figures.training import (
        training_trajectory,
    )

_HOME = {
    "COLOURS": "style",
    "DOUBLE_COLUMN": "style",
    "SINGLE_COLUMN": "style",
    "asymmetry_law": "asymmetry",
    "asymmetry_panels": "sides",
    "attention_sink": "diagnostics",
    "baseline_scores": "dots",
    "brain_maps": "brains",
    "ceiling": "dots",
    "ceiling_asymmetry": "parcels",
    "ceiling_distribution": "distributions",
    "family_profiles": "layers",
    "family_styles": "style",
    "figure_style": "style",
    "glass_brains": "brains",
    "law": "laws",
    "law_panels": "side_by_side",
    "layer_profiles": "layers",
    "left_and_right": "asymmetry",
    "listener_scores": "listeners",
    "listener_slopes": "slopes",
    "motion": "diagnostics",
    "region_curves": "slopes",
    "region_scores": "dots",
    "region_slopes": "slopes",
    "score_against_score": "side_by_side",
    "sides_law": "sides",
    "slope_against_ceiling": "slopes",
    "studies_law": "studies",
    "study_slopes": "studies",
    "study_styles": "style",
    "timings": "diagnostics",
    "training_trajectory": "training",
    "volume_of": "brains",
    "voxel_distributions": "distributions",
}

__all__ = [
    "COLOURS",
    "DOUBLE_COLUMN",
    "SINGLE_COLUMN",
    "asymmetry_law",
    "asymmetry_panels",
    "attention_sink",
    "baseline_scores",
    "brain_maps",
    "ceiling",
    "ceiling_asymmetry",
    "ceiling_distribution",
    "family_profiles",
    "family_styles",
    "figure_style",
    "glass_brains",
    "law",
    "law_panels",
    "layer_profiles",
    "left_and_right",
    "listener_scores",
    "listener_slopes",
    "motion",
    "region_curves",
    "region_scores",
    "region_slopes",
    "score_against_score",
    "sides_law",
    "slope_against_ceiling",
    "studies_law",
    "study_slopes",
    "study_styles",
    "timings",
    "training_trajectory",
    "volume_of",
    "voxel_distributions",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
