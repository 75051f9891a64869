"""From features and brain data to brain scores: arrays in, arrays out."""

from hemiscale.encoding.bank import TargetBank
from hemiscale.encoding.ceiling import intersubject_reliability
from hemiscale.encoding.fit import DEFAULT_ALPHAS, fit_runs
from hemiscale.encoding.folds import contiguous_blocks
from hemiscale.encoding.hrf import HRF_MODELS, convolved_features, hrf_design
from hemiscale.encoding.scores import RunScores
from hemiscale.encoding.standardise import standardise, standardise_runs

__all__ = [
    "DEFAULT_ALPHAS",
    "HRF_MODELS",
    "RunScores",
    "TargetBank",
    "contiguous_blocks",
    "convolved_features",
    "fit_runs",
    "hrf_design",
    "intersubject_reliability",
    "standardise",
    "standardise_runs",
]
