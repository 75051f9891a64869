"""What `fit_runs` returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["RunScores"]


@dataclass(frozen=True)
class RunScores:
    """Scores of one feature set on one set of targets.

    Attributes
    ----------
    scores : (n_runs, n_targets) float64 array
        Pearson r between prediction and target on each left-out run; NaN for targets that are
        constant or not finite in some run.
    alphas : (n_runs,) or (n_runs, n_targets) float64 array
        The penalty chosen for each left-out run; a row of one per target where targets or groups
        of targets have penalties of their own.
    validation_scores : (n_runs, n_runs, n_targets) float32 array
        ``[test, validation]``: Pearson r on the validation run, of the model with the penalty
        chosen for the test run, fitted on the runs that are neither. NaN on the diagonal, and
        with ``validation="first"`` wherever the validation run is not the first remaining one.
    operations : float
        Floating-point operations that the computation took (to compare with the machine's rate).
    """

    scores: np.ndarray
    alphas: np.ndarray
    validation_scores: np.ndarray
    operations: float = 0.0

    @property
    def mean(self) -> np.ndarray:
        """Mean over left-out runs of the score, (n_targets,)."""
        return self.scores.mean(axis=0)

    @property
    def validation_mean(self) -> np.ndarray:
        """Mean over validation runs of the validation score, (n_runs, n_targets)."""
        filled = ~np.isnan(self.validation_scores).all(axis=2)
        total = np.where(filled[:, :, None], self.validation_scores, 0.0).sum(axis=1, dtype=float)
        count = filled.sum(axis=1)[:, None]
        with np.errstate(invalid="ignore"):
            return np.where(count > 0, total / count, np.nan)
