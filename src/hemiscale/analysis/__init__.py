"""Brain scores, layer choice, laws, asymmetry, uncertainty: reads results, writes tables.

Everything here is a pure function on arrays (or on one model's scores dataset), except
`write_tables`. Names are imported when first used, so that importing the package stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hemiscale.analysis.averages import mean_correlation
    from hemiscale.analysis.families import FamilyEffect, MixedFit, family_effect
    from hemiscale.analysis.hemispheres import Asymmetry, asymmetry
    from hemiscale.analysis.intervals import (
        Interval,
        interval_over_listeners,
        interval_over_runs,
        t_interval,
    )
    from hemiscale.analysis.laws import Prediction, ScalingLaw, scaling_law
    from hemiscale.analysis.layer_choice import best_layers, select_layers, take_layers
    from hemiscale.analysis.model_summary import ModelSummary, summarise_model
    from hemiscale.analysis.regression import LeastSquares, least_squares
    from hemiscale.analysis.saturation import Comparison, Saturating, compare_laws
    from hemiscale.analysis.tables import write_tables

_HOME = {
    "Asymmetry": "hemispheres",
    "asymmetry": "hemispheres",
    "mean_correlation": "averages",
    "FamilyEffect": "families",
    "MixedFit": "families",
    "family_effect": "families",
    "Interval": "intervals",
    "interval_over_listeners": "intervals",
    "interval_over_runs": "intervals",
    "t_interval": "intervals",
    "Prediction": "laws",
    "ScalingLaw": "laws",
    "scaling_law": "laws",
    "best_layers": "layer_choice",
    "select_layers": "layer_choice",
    "take_layers": "layer_choice",
    "ModelSummary": "model_summary",
    "summarise_model": "model_summary",
    "LeastSquares": "regression",
    "least_squares": "regression",
    "Comparison": "saturation",
    "Saturating": "saturation",
    "compare_laws": "saturation",
    "write_tables": "tables",
}

__all__ = [
    "Asymmetry",
    "Comparison",
    "FamilyEffect",
    "Interval",
    "LeastSquares",
    "MixedFit",
    "ModelSummary",
    "Prediction",
    "Saturating",
    "ScalingLaw",
    "asymmetry",
    "best_layers",
    "compare_laws",
    "family_effect",
    "interval_over_listeners",
    "interval_over_runs",
    "least_squares",
    "mean_correlation",
    "scaling_law",
    "select_layers",
    "summarise_model",
    "t_interval",
    "take_layers",
    "write_tables",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
