"""What models explain beyond a baseline: one ridge regression on the features of both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hemiscale.errors import HemiscaleError
from hemiscale.pipeline.finished import FinishedStudy, open_finished
from hemiscale.pipeline.plan import FeatureSet
from hemiscale.pipeline.progress import Display
from hemiscale.pipeline.scoring import score_layer
from hemiscale.results import read_dataset
from hemiscale.study import Study

if TYPE_CHECKING:
    import xarray as xr

    from hemiscale.analysis.columns import Columns

__all__ = ["write_unique_table"]


def write_unique_table(
    study: Study,
    out: Path,
    baseline: str,
    *,
    only: Sequence[str] = (),
    quiet: bool = False,
) -> Path:
    """Set joint models of a finished study against a baseline alone; write a table.

    Each layer of each model is fitted again together with the baseline's features, one penalty for
    both; layers as validation chooses them for the joint model.

    Parameters
    ----------
    study : Study
    out : Path
        Its results folder.
    baseline : str
        Name of a baseline of the study.
    only : sequence of str
        Names or groups of models; default all language models and static embeddings.
    quiet : bool
        Show nothing.

    Returns
    -------
    Path
        ``tables/unique_BASELINE.tsv``.

    Raises
    ------
    HemiscaleError
        Where baseline or models have no scores.
    """
    from rich.console import Console

    from hemiscale.analysis.columns import columns_of
    from hemiscale.analysis.dictionary import UNIQUE_COLUMNS

    display = Display(Console(stderr=True), quiet=quiet)
    with open_finished(study, out, display, only=(*only, baseline) if only else ()) as opened:
        beside = next((f for f in opened.features if f.name == baseline), None)
        if beside is None:
            raise HemiscaleError(f"{out}: {baseline!r} has no scores; name a baseline that has.")
        models = [
            f
            for f in opened.features
            if f is not beside and (f.is_language_model or f.kind == "static embedding")
        ]
        if not models:
            raise HemiscaleError(
                f"{out}: there is no model with scores to set against {baseline!r}."
            )
        ceiling = read_dataset(opened.folder.ceiling) if opened.folder.ceiling.is_file() else None
        voxels = read_dataset(opened.folder.voxels) if opened.folder.voxels.is_file() else None
        with opened.scores(beside) as stored:
            columns = columns_of(stored, ceiling, voxels)
        rows: list[dict[str, object]] = []
        for model in models:
            rows += _rows(opened, model, beside, columns)
            display.say(f"✓ {model.name} with {baseline}")
        return opened.write_table(f"unique_{baseline}", rows, UNIQUE_COLUMNS)


def _rows(
    opened: FinishedStudy, model: FeatureSet, beside: FeatureSet, columns: Columns
) -> list[dict[str, object]]:
    """Fit the joint model subject by subject, and put listeners and runs together."""
    from hemiscale.analysis import interval_over_listeners, interval_over_runs
    from hemiscale.analysis.averages import mean_correlation

    listeners, found = [], []
    # Of an only listener intervals are over runs, as in the other tables.
    only_one = len(opened.targets.subjects) == 1
    for subject, score, validation in _joint(opened, model, beside):
        with opened.scores(beside) as stored:
            alone = stored.sel(subject=subject).load()
        runs, without = _unique(
            score,
            validation,
            alone,
            columns,
            is_known=opened.study.encoding.validation == "all"
            and (subject == "average" or only_one),
        )
        if subject == "average" or only_one:
            whose = "average" if subject == "average" else "listeners"
            found.append((whose, "runs", interval_over_runs(runs, without)))
        else:
            listeners.append(mean_correlation(runs, axis=0))
    if listeners:
        found.insert(0, ("listeners", "listeners", interval_over_listeners(np.stack(listeners))))
    at = {row.column: (row.name, row.hemisphere) for row in columns.regions}
    at |= {row.difference: (row.name, "left - right") for row in columns.pairs}
    if not columns.selections:
        at["all"] = ("all", "both")
    return [
        {
            "model": model.name,
            "baseline": beside.name,
            "region": region,
            "hemisphere": side,
            "subjects": subjects,
            "unique_variance": interval.estimate[k],
            "low": interval.low[k],
            "high": interval.high[k],
            "interval_over": over,
            "n": interval.n[k],
        }
        for subjects, over, interval in found
        for column, (region, side) in at.items()
        for k in [columns.names.index(column)]
        if interval.n[k]
    ]


def _joint(
    opened: FinishedStudy, model: FeatureSet, beside: FeatureSet
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Fit every layer with the baseline's features beside it, subject by subject.

    Yields
    ------
    subject, score, validation
        The arrays are (n_layers, n_runs, n_targets).
    """
    layers, _ = opened.station.layers(model, opened.marks[model.name])
    (extra, *_), _ = opened.station.layers(beside, opened.marks[beside.name])
    for number, part in enumerate(opened.targets.parts):
        bank = opened.station.bank(number)
        scores = []
        for k in range(len(layers)):
            both = [np.hstack([a, b]) for a, b in zip(layers[k], extra, strict=True)]
            scores.append(
                score_layer(
                    opened.study,
                    both,
                    opened.station.designs(),
                    opened.targets,
                    bank,
                    len(part.subjects),
                    device="cpu",
                )
            )
        for k, subject in enumerate(part.subjects):
            score = np.stack([one.score[k] for one in scores])
            yield subject, score, np.stack([one.validation_score[k] for one in scores])


def _unique(
    score: np.ndarray,
    validation: np.ndarray,
    alone: xr.Dataset,
    columns: Columns,
    *,
    is_known: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Take the unique variance of one subject run by run, and of the others without each run."""
    from hemiscale.analysis import best_layers, take_layers, unique_variance
    from hemiscale.analysis.averages import mean_correlation
    from hemiscale.analysis.left_out_runs import maps_without

    alone = alone.transpose("layer", "run", "target")
    base, base_validation = alone["score"].values, alone["validation_score"].values
    joint, deciding = score[0], validation[0]
    if len(score) > 1:
        best = best_layers(validation)
        joint, deciding = take_layers(score, best), take_layers(validation, best)
    runs = columns.reduce(
        unique_variance(joint, base[0]), unique_variance(deciding, base_validation[0])
    )
    without = np.full(runs.shape, np.nan)
    if is_known and len(runs) > 2:
        pairs = zip(
            maps_without(score, validation, "validation"),
            maps_without(base[:1], base_validation[:1], 0),
            strict=True,
        )
        unique = (
            [unique_variance(a, b) for a, b in zip(both, one, strict=True)] for both, one in pairs
        )
        without = np.stack([mean_correlation(columns.reduce(*maps), axis=0) for maps in unique])
    return runs, without
