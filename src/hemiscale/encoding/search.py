"""Which penalty wins on the validation runs: a race that stops evaluating sure losers.

The winner is the penalty with the highest mean score over all targets. Blocks of targets are a
random sample without replacement of all of them; once a penalty is more than six standard errors
(of the paired difference, with the finite-population correction) behind the leader, it is dropped.
"""

from __future__ import annotations

import numpy as np

__all__ = ["Race", "group_means", "middle_first"]

#: Standard errors that a penalty must be behind before it is dropped.
_SURE = 6.0
#: Targets that must have been seen before a standard error is believed.
_ENOUGH = 100


def middle_first(n: int) -> list[int]:
    """Return 0 to n - 1 from the middle outwards: the winner tends to come early."""
    return sorted(range(n), key=lambda i: (abs(i - (n - 1) / 2), i))


def group_means(values: np.ndarray, groups: np.ndarray, n_groups: int) -> np.ndarray:
    """Mean over validation runs and over each group's targets, (n_groups,) float64.

    Parameters
    ----------
    values : (n_validation_runs, n_targets) array
    groups : (n_targets,) int array
    n_groups : int
    """
    mean = values.mean(axis=0, dtype=np.float64)
    if n_groups == 1:
        return mean.mean(keepdims=True)
    return np.bincount(groups, mean, n_groups) / np.bincount(groups, minlength=n_groups)


class Race:
    """Validation scores so far, and the penalties still in the race for each test run.

    Parameters
    ----------
    n_validation : sequence of int
        Number of validation runs of each test run.
    n_targets : int
    dtype : str
        Precision in which scores are kept.
    tolerance : (n_alphas,) array
        Differences from a penalty's mean score below this are never decisive: the scores' own
        precision.
    """

    def __init__(
        self,
        n_validation: list[int],
        n_targets: int,
        dtype: str,
        tolerance: np.ndarray,
    ) -> None:
        self.alive = np.ones((len(n_validation), len(tolerance)), dtype=bool)
        self.curves: dict[tuple[int, int], np.ndarray] = {}
        self._n_validation = n_validation
        self._n_targets = n_targets
        self._dtype = dtype
        self._tolerance = tolerance

    def tests(self, alpha: int) -> list[int]:
        """Test runs for which a penalty is still in the race."""
        return np.flatnonzero(self.alive[:, alpha]).tolist()

    def alphas(self) -> list[int]:
        """Penalties that are still in the race for some test run."""
        return np.flatnonzero(self.alive.any(axis=0)).tolist()

    @property
    def settled(self) -> bool:
        """Whether one penalty is left for every test run."""
        return bool((self.alive.sum(axis=1) == 1).all())

    def record(self, alpha: int, columns: slice, scores: dict[int, np.ndarray]) -> None:
        """Note the scores of one penalty on one block, by test run."""
        for test, values in scores.items():
            if (test, alpha) not in self.curves:
                shape = (self._n_validation[test], self._n_targets)
                self.curves[test, alpha] = np.empty(shape, dtype=self._dtype)
            self.curves[test, alpha][:, columns] = values

    def drop_losers(self, n_seen: int) -> None:
        """Drop what is surely behind, judged on the first `n_seen` targets."""
        if n_seen < min(_ENOUGH, self._n_targets):
            return
        missing = max(0.0, 1.0 - n_seen / self._n_targets)
        for test, alive in enumerate(self.alive):
            running = [i for i in np.flatnonzero(alive).tolist() if (test, i) in self.curves]
            if len(running) < 2:
                continue
            scores = np.array(
                [self.curves[test, i][:, :n_seen].mean(axis=0, dtype=float) for i in running]
            )
            best = scores.mean(axis=1).argmax()
            behind = scores[best] - scores
            error = behind.std(axis=1) * np.sqrt(missing / n_seen)
            tolerance = self._tolerance[running]
            lost = behind.mean(axis=1) > _SURE * error + np.maximum(tolerance, tolerance[best])
            for i in np.array(running)[lost]:
                alive[i] = False
                del self.curves[test, i]
