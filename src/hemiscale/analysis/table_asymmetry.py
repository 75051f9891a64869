"""The tables of left minus right: per homologous pair or selection, and layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hemiscale.analysis.confidence import checked_confidence
from hemiscale.analysis.dictionary import COLUMNS
from hemiscale.analysis.model_summary import LAYER_CHOICES, ModelSummary
from hemiscale.analysis.over_runs import interval_over_runs
from hemiscale.analysis.table_rows import intervals_of, layer_intervals, over_ceiling_columns

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["asymmetry_index", "asymmetry_table", "layer_asymmetry_table"]


def asymmetry_index(
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    *,
    without: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    confidence: float = 0.95,
) -> tuple[float, float, float]:
    """Left minus right over left plus right, of means over units, with an interval over them.

    Parameters
    ----------
    left, right : (n_units,) arrays
        Scores of listeners, or of runs; a unit with a missing side is left out.
    without : tuple of two (n_units,) arrays, optional
        Of runs: left and right of the others with all done without each (see
        `interval_over_runs`).
    confidence : float

    Returns
    -------
    index, low, high : float
        Of the means, so that a listener with hardly any score does not count with a ratio of noise;
        NaN unless both means are positive. The interval is that of the ratio's linearisation,
        Student's or over runs; NaN with fewer than two units.
    """
    checked_confidence(confidence)
    known = np.isfinite(left) & np.isfinite(right)
    a, b = left[known], right[known]
    n = len(a)
    if n == 0 or a.mean() <= 0 or b.mean() <= 0:
        return float("nan"), float("nan"), float("nan")
    total = float((a + b).mean())
    index = float((a - b).mean()) / total

    def influence(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
        return ((left - right) - index * (left + right)) / total

    others = None if without is None else influence(without[0][known], without[1][known])
    around = interval_over_runs(influence(a, b), others, confidence=confidence)
    return index, index + float(around.low), index + float(around.high)


def asymmetry_table(
    summaries: Sequence[ModelSummary], pooled: Sequence[ModelSummary] = ()
) -> pd.DataFrame:
    """One row per model, homologous pair or selection, kind of subject and layer choice.

    The interval is that of the paired difference. With more than one pair of regions, ``all pairs``
    holds their mean. Of `pooled`, the groups of several seeds follow, under the group's name.
    """
    import pandas as pd

    rows = []
    for s in [*summaries, *(one for one in pooled if one.members > 1)]:
        for how in LAYER_CHOICES:
            units = {"listeners": s.by_listener[how], s.runs_of: s.by_run[how]}
            without = {s.runs_of: s.without_run[how]}
            for pair, *columns in s.pairs:
                at = [s.column(name) for name in columns]
                for subjects, over, interval in intervals_of(s, how, at):
                    if interval.n[2] == 0:
                        continue
                    values = units[subjects]
                    rest = without.get(subjects)
                    index = asymmetry_index(
                        *values[:, at[:2]].T,
                        without=None if rest is None else tuple(rest[:, at[:2]].T),
                    )
                    share = over_ceiling_columns(s, how, subjects, columns)
                    rows.append(
                        {
                            "model": s.name,
                            "pair": pair,
                            "subjects": subjects,
                            "layer_choice": how,
                            "left": interval.estimate[0],
                            "right": interval.estimate[1],
                            "left_minus_right": interval.estimate[2],
                            "low": interval.low[2],
                            "high": interval.high[2],
                            "interval_over": over,
                            "n": interval.n[2],
                            "index": index[0],
                            "index_low": index[1],
                            "index_high": index[2],
                            "over_ceiling": share.estimate[2] if share else np.nan,
                            "over_ceiling_low": share.low[2] if share else np.nan,
                            "over_ceiling_high": share.high[2] if share else np.nan,
                        }
                    )
    return pd.DataFrame(rows, columns=list(COLUMNS["asymmetry.tsv"]))


def layer_asymmetry_table(summaries: Sequence[ModelSummary]) -> pd.DataFrame:
    """One row per model, layer and homologous pair (or selection): scores of that very layer."""
    import pandas as pd

    rows = []
    for s in summaries:
        depth = s.layers / max(int(s.layers.max()), 1)
        columns = [s.column(name) for pair in s.pairs for name in pair[1:]]
        for subjects, over, interval in layer_intervals(s, columns):
            for layer in range(len(s.layers)):
                for k, pair in enumerate(s.pairs):
                    at = 3 * k
                    if interval.n[layer, at + 2] == 0:
                        continue
                    rows.append(
                        {
                            "model": s.name,
                            "layer": s.layers[layer],
                            "relative_depth": depth[layer],
                            "pair": pair.name,
                            "subjects": subjects,
                            "left": interval.estimate[layer, at],
                            "right": interval.estimate[layer, at + 1],
                            "left_minus_right": interval.estimate[layer, at + 2],
                            "low": interval.low[layer, at + 2],
                            "high": interval.high[layer, at + 2],
                            "interval_over": over,
                            "n": interval.n[layer, at + 2],
                        }
                    )
    return pd.DataFrame(rows, columns=list(COLUMNS["layer_asymmetry.tsv"]))
