"""Brain scores, layer choice, laws, asymmetry, uncertainty: reads results, writes tables.

Everything here is a pure function on arrays (or on one model's scores dataset), except
`write_tables`. Names are imported when first used, so that importing the package stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hemiscale.analysis.averages import mean_correlation
    from hemiscale.analysis.beyond import OverBaseline, over_baseline, unique_variance
    from hemiscale.analysis.brain_scores import (
        BrainScore,
        brain_score,
        over_ceiling,
        reliable_pairs,
        reliable_targets,
    )
    from hemiscale.analysis.columns import Columns, columns_of, voxels_of
    from hemiscale.analysis.crossed import CrossedLine, line_over_families_and_listeners
    from hemiscale.analysis.families import (
        FamilyBootstrap,
        FamilyEffect,
        bootstrap_over_families,
        family_effect,
        leave_one_family_out,
    )
    from hemiscale.analysis.family_mixed import MixedFit, mixed_fit
    from hemiscale.analysis.family_robust import FamilyRobust, RobustLine, robust_line
    from hemiscale.analysis.hemispheres import Asymmetry, Homologues, asymmetry
    from hemiscale.analysis.intervals import Interval, interval_over_listeners, t_interval
    from hemiscale.analysis.laws import Prediction, ScalingLaw, scaling_law
    from hemiscale.analysis.layer_choice import best_layers, select_layers, take_layers
    from hemiscale.analysis.maps import voxel_maps
    from hemiscale.analysis.model_summary import ModelSummary, join_subjects, summarise_model
    from hemiscale.analysis.over_runs import interval_over_runs, line_over_runs
    from hemiscale.analysis.published import compare_with_published, read_published
    from hemiscale.analysis.regression import LeastSquares, fieller_crossing, least_squares
    from hemiscale.analysis.reliability import ReliabilityRelation, relation_to_reliability
    from hemiscale.analysis.saturation import Comparison, Saturating, compare_laws, fit_saturating
    from hemiscale.analysis.significance import (
        ShiftTest,
        false_discovery_rate,
        shift_test,
        voxels_as_independent_test,
    )
    from hemiscale.analysis.subject_summary import (
        RunSummary,
        SubjectMap,
        SubjectSummary,
        summarise_subject,
    )
    from hemiscale.analysis.table_asymmetry import asymmetry_index
    from hemiscale.analysis.table_laws import slope_over_listeners
    from hemiscale.analysis.tables import write_reduced_tables, write_tables
    from hemiscale.analysis.trajectories import Rise, rise_of, rises_before
    from hemiscale.analysis.voxel_slopes import SlopeMaps, asymmetry_slope_maps, slope_maps

_HOME = {
    "CrossedLine": "crossed",
    "line_over_families_and_listeners": "crossed",
    "FamilyRobust": "family_robust",
    "RobustLine": "family_robust",
    "robust_line": "family_robust",
    "OverBaseline": "beyond",
    "over_baseline": "beyond",
    "unique_variance": "beyond",
    "ReliabilityRelation": "reliability",
    "relation_to_reliability": "reliability",
    "asymmetry_index": "table_asymmetry",
    "mean_correlation": "averages",
    "BrainScore": "brain_scores",
    "brain_score": "brain_scores",
    "over_ceiling": "brain_scores",
    "reliable_pairs": "brain_scores",
    "reliable_targets": "brain_scores",
    "FamilyBootstrap": "families",
    "FamilyEffect": "families",
    "MixedFit": "family_mixed",
    "bootstrap_over_families": "families",
    "family_effect": "families",
    "leave_one_family_out": "families",
    "mixed_fit": "family_mixed",
    "Asymmetry": "hemispheres",
    "asymmetry": "hemispheres",
    "Homologues": "hemispheres",
    "Interval": "intervals",
    "interval_over_listeners": "intervals",
    "interval_over_runs": "over_runs",
    "line_over_runs": "over_runs",
    "t_interval": "intervals",
    "Prediction": "laws",
    "ScalingLaw": "laws",
    "scaling_law": "laws",
    "best_layers": "layer_choice",
    "select_layers": "layer_choice",
    "take_layers": "layer_choice",
    "ModelSummary": "model_summary",
    "summarise_model": "model_summary",
    "compare_with_published": "published",
    "read_published": "published",
    "LeastSquares": "regression",
    "fieller_crossing": "regression",
    "least_squares": "regression",
    "Comparison": "saturation",
    "Saturating": "saturation",
    "compare_laws": "saturation",
    "fit_saturating": "saturation",
    "ShiftTest": "significance",
    "false_discovery_rate": "significance",
    "shift_test": "significance",
    "voxels_as_independent_test": "significance",
    "slope_over_listeners": "table_laws",
    "Columns": "columns",
    "columns_of": "columns",
    "voxels_of": "columns",
    "join_subjects": "model_summary",
    "RunSummary": "subject_summary",
    "SubjectMap": "subject_summary",
    "SubjectSummary": "subject_summary",
    "summarise_subject": "subject_summary",
    "write_reduced_tables": "tables",
    "write_tables": "tables",
    "Rise": "trajectories",
    "rise_of": "trajectories",
    "rises_before": "trajectories",
    "voxel_maps": "maps",
    "SlopeMaps": "voxel_slopes",
    "asymmetry_slope_maps": "voxel_slopes",
    "slope_maps": "voxel_slopes",
}

__all__ = [
    "Asymmetry",
    "BrainScore",
    "Columns",
    "Comparison",
    "CrossedLine",
    "FamilyBootstrap",
    "FamilyEffect",
    "FamilyRobust",
    "Homologues",
    "Interval",
    "LeastSquares",
    "MixedFit",
    "ModelSummary",
    "OverBaseline",
    "Prediction",
    "ReliabilityRelation",
    "Rise",
    "RobustLine",
    "RunSummary",
    "Saturating",
    "ScalingLaw",
    "ShiftTest",
    "SlopeMaps",
    "SubjectMap",
    "SubjectSummary",
    "asymmetry",
    "asymmetry_index",
    "asymmetry_slope_maps",
    "best_layers",
    "bootstrap_over_families",
    "brain_score",
    "columns_of",
    "compare_laws",
    "compare_with_published",
    "false_discovery_rate",
    "family_effect",
    "fieller_crossing",
    "fit_saturating",
    "interval_over_listeners",
    "interval_over_runs",
    "join_subjects",
    "least_squares",
    "leave_one_family_out",
    "line_over_families_and_listeners",
    "line_over_runs",
    "mean_correlation",
    "mixed_fit",
    "over_baseline",
    "over_ceiling",
    "read_published",
    "relation_to_reliability",
    "reliable_pairs",
    "reliable_targets",
    "rise_of",
    "rises_before",
    "robust_line",
    "scaling_law",
    "select_layers",
    "shift_test",
    "slope_maps",
    "slope_over_listeners",
    "summarise_model",
    "summarise_subject",
    "t_interval",
    "take_layers",
    "unique_variance",
    "voxel_maps",
    "voxels_as_independent_test",
    "voxels_of",
    "write_reduced_tables",
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
