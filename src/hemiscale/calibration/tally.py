"""Counting over simulated studies: how often an interval holds the planted value."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

__all__ = ["Tally"]


@dataclass
class Tally:
    """What became of one method over many simulated studies.

    Attributes
    ----------
    n : int
        Studies in which the method gave an interval.
    held : int
        Intervals that held the planted value.
    without_zero : int
        Intervals that did not hold zero: a 5 % test says yes.
    bias, width : list of float
        Estimate minus planted value, and width of the interval, of each study.
    none : int
        Studies in which the method said that it cannot tell.
    """

    n: int = 0
    held: int = 0
    without_zero: int = 0
    bias: list[float] = field(default_factory=list)
    width: list[float] = field(default_factory=list)
    none: int = 0

    def add(self, estimate: float, low: float, high: float, planted: float) -> None:
        """Count one study."""
        if np.isnan(low) or np.isnan(high):
            self.none += 1
            return
        self.n += 1
        self.held += bool(low <= planted <= high)
        self.without_zero += bool(low > 0 or high < 0)
        self.bias.append(float(estimate - planted))
        self.width.append(float(high - low))

    def summary(self) -> dict[str, float]:
        """Rates in percent, each with its Monte Carlo standard error."""
        n = max(self.n, 1)
        held, zero = self.held / n, self.without_zero / n
        return {
            "n": self.n,
            "none": self.none,
            "held": 100 * held,
            "held_error": 100 * float(np.sqrt(held * (1 - held) / n)),
            "without_zero": 100 * zero,
            "without_zero_error": 100 * float(np.sqrt(zero * (1 - zero) / n)),
            "bias": float(np.mean(self.bias)) if self.bias else float("nan"),
            "bias_error": float(np.std(self.bias) / np.sqrt(n)) if self.bias else float("nan"),
            "width": float(np.median(self.width)) if self.width else float("nan"),
        }
