"""Counting over simulated studies: how often an interval holds the planted value."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

__all__ = ["Tally"]


@dataclass
class Tally:
    """What became of one method over many simulated studies; tallies of parts add up.

    Attributes
    ----------
    n : int
        Studies in which the method gave an interval.
    none : int
        Studies in which it said that it cannot tell.
    held : int
        Intervals that held the planted value.
    without_zero : int
        Intervals that did not hold zero: a 5 % test says yes.
    off, off_squared : float
        Sums of estimate minus planted value, and of its square, where both are finite.
    bounded : int
        Intervals with two finite ends.
    width : float
        Sum of their widths.
    """

    n: int = 0
    none: int = 0
    held: int = 0
    without_zero: int = 0
    off: float = 0.0
    off_squared: float = 0.0
    bounded: int = 0
    width: float = 0.0

    def add(self, estimate: float, low: float, high: float, planted: float) -> None:
        """Count one study."""
        if np.isnan(low) or np.isnan(high):
            self.none += 1
            return
        self.n += 1
        self.held += bool(low <= planted <= high)
        self.without_zero += bool(low > 0 or high < 0)
        if np.isfinite(estimate - planted):
            self.off += float(estimate - planted)
            self.off_squared += float(estimate - planted) ** 2
        if np.isfinite(high - low):
            self.bounded += 1
            self.width += float(high - low)

    def __add__(self, other: Tally) -> Tally:
        """Put the tallies of two parts together."""
        mine, theirs = asdict(self), asdict(other)
        return Tally(**{name: mine[name] + theirs[name] for name in mine})

    def counts(self) -> list[float]:
        """All counts and sums, in the order of the attributes."""
        return list(asdict(self).values())

    def summary(self) -> dict[str, float]:
        """Rates in percent, each with its Monte Carlo standard error."""
        n = max(self.n, 1)
        held, zero, bias = self.held / n, self.without_zero / n, self.off / n
        return {
            "n": self.n,
            "none": self.none,
            "held": 100 * held,
            "held_error": 100 * float(np.sqrt(held * (1 - held) / n)),
            "without_zero": 100 * zero,
            "without_zero_error": 100 * float(np.sqrt(zero * (1 - zero) / n)),
            "bias": bias,
            "bias_error": float(np.sqrt(max(self.off_squared / n - bias**2, 0.0) / n)),
            "width": self.width / self.bounded if self.bounded else float("nan"),
        }
