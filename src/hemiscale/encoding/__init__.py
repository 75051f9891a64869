"""From features and brain data to brain scores: arrays in, arrays out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hemiscale.encoding.bank import TargetBank
from hemiscale.encoding.ceiling import intersubject_reliability
from hemiscale.encoding.fit import DEFAULT_ALPHAS, fit_runs
from hemiscale.encoding.folds import contiguous_blocks
from hemiscale.encoding.hrf import HRF_MODELS, convolved_features, hrf_design
from hemiscale.encoding.lanczos import delayed, delayed_design, lanczos_design
from hemiscale.encoding.scores import RunScores
from hemiscale.encoding.standardise import standardise, standardise_runs

if TYPE_CHECKING:
    from hemiscale.encoding.estimator import RidgeRuns

__all__ = [
    "DEFAULT_ALPHAS",
    "HRF_MODELS",
    "RidgeRuns",
    "RunScores",
    "TargetBank",
    "contiguous_blocks",
    "convolved_features",
    "delayed",
    "delayed_design",
    "fit_runs",
    "hrf_design",
    "intersubject_reliability",
    "lanczos_design",
    "standardise",
    "standardise_runs",
]


def __getattr__(name: str) -> Any:
    """Import scikit-learn only where its face is asked for."""
    if name == "RidgeRuns":
        from hemiscale.encoding.estimator import RidgeRuns

        return RidgeRuns
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
