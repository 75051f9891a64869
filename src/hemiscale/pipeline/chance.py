"""Are scores above chance? Predictions of left-out runs against signals shifted in time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hemiscale.errors import HemiscaleError
from hemiscale.pipeline.finished import FinishedStudy, open_finished
from hemiscale.pipeline.plan import FeatureSet
from hemiscale.pipeline.progress import Display
from hemiscale.study import Encoding, Study

__all__ = ["predictions", "write_chance_table"]

# Predictions are made again, in double precision: their scores are the stored ones to this.
_SAME = 2e-3

_MOST_NAMED = 500


def write_chance_table(
    study: Study,
    out: Path,
    *,
    only: Sequence[str] = (),
    n_shifts: int = 1000,
    seed: int = 0,
    quiet: bool = False,
) -> Path:
    """Test the scores of a finished study by circular shifts, run by run; write ``chance.tsv``.

    Of the average subject, or of every listener where there is none; layers as validation chose
    them.

    Parameters
    ----------
    study : Study
    out : Path
        Its results folder.
    only : sequence of str
        Names or groups of feature sets; default all.
    n_shifts, seed : int
        See `shift_test`.
    quiet : bool
        Show nothing.

    Returns
    -------
    Path
        The table, tab-separated.

    Raises
    ------
    HemiscaleError
        Where there are no scores, or predictions do not give the stored scores again.
    """
    from rich.console import Console

    from hemiscale.analysis.dictionary import CHANCE_COLUMNS

    display = Display(Console(stderr=True), quiet=quiet)
    with open_finished(study, out, display, only=only) as opened:
        subjects = opened.targets.subjects
        subjects = ["average"] if "average" in subjects else subjects
        rows: list[dict[str, object]] = []
        notes: dict[str, None] = {}
        for feature in opened.features:
            for subject in subjects:
                found, said = _rows(opened, feature, subject, n_shifts, seed)
                rows += found
                notes |= dict.fromkeys(said)
            display.say(f"✓ {feature.name}")
        for note in notes:
            display.warn(note)
        return opened.write_table("chance", rows, CHANCE_COLUMNS)


def predictions(
    opened: FinishedStudy,
    feature: FeatureSet,
    signals: Sequence[np.ndarray],
    chosen: np.ndarray,
    alphas: np.ndarray,
) -> list[np.ndarray]:
    """Predict each left-out run, each target from its chosen layer.

    Parameters
    ----------
    opened : FinishedStudy
    feature : FeatureSet
    signals : list over runs of (n_scans, n_targets) arrays
        As `FinishedStudy.signals`.
    chosen : (n_runs, n_targets) int array
        Layers; -1 for none.
    alphas : (n_layers, n_runs) array

    Returns
    -------
    list over runs of (n_scans, n_targets) float64 arrays
        NaN where there is no layer or no signal.
    """
    from hemiscale.encoding.ridge import ridge_weights

    made = [np.full(run.shape, np.nan) for run in signals]
    known = np.isfinite(signals[0][0])
    for k in np.unique(chosen[chosen >= 0]):
        features = opened.layer(feature, int(k))
        for test in range(len(signals)):
            here = np.flatnonzero((chosen[test] == k) & known)
            if not here.size:
                continue
            fitted = _projected(features, test, opened.study.encoding)
            training = [run for run in range(len(signals)) if run != test]
            x = np.concatenate([fitted[run] for run in training])
            y = np.concatenate([signals[run][:, here] for run in training])
            made[test][:, here] = fitted[test] @ ridge_weights(x, y, float(alphas[k, test]))
    return made


def _projected(features: list[np.ndarray], test: int, encoding: Encoding) -> list[np.ndarray]:
    """Reduce wide layers as `fit_layer` does."""
    from hemiscale.encoding import standardise
    from hemiscale.models.reduction import principal_components, project, random_projection

    width, dimensions = features[0].shape[1], encoding.dimensions
    if dimensions is not None and width > dimensions:
        if encoding.reduction == "random projection":
            matrix = random_projection(width, dimensions, seed=encoding.reduction_seed)
            features = [standardise(run) for run in project(features, matrix)]
        else:
            training = [run for k, run in enumerate(features) if k != test]
            features = project(features, principal_components(training, dimensions))
    return [run.astype(np.float64) for run in features]


def _rows(
    opened: FinishedStudy, feature: FeatureSet, subject: str, n_shifts: int, seed: int
) -> tuple[list[dict[str, object]], tuple[str, ...]]:
    """Rows of one feature set and subject, and what cannot be said."""
    from hemiscale.analysis import false_discovery_rate, select_layers, shift_test

    with opened.scores(feature) as stored:
        one = stored.sel(subject=[subject]).load()
    selected = select_layers(one)
    chosen = selected["chosen_layer"].values[0]
    signals = opened.signals(subject)
    alphas = one["alpha"].transpose("subject", "layer", "run").values[0]
    made = predictions(opened, feature, signals, chosen, alphas)
    found = shift_test(made, signals, n_shifts=n_shifts, seed=seed)
    off = np.abs(found.scores - selected["score"].values[0].mean(axis=0))
    if np.nanmax(off, initial=0.0) > _SAME:
        raise HemiscaleError(
            f"{feature.name}, {subject}: predictions made again differ from the stored scores by "
            f"up to {np.nanmax(off):.3f}; run the study again."
        )
    q = false_discovery_rate(found.p)
    known = np.isfinite(found.scores)
    common = {"model": feature.name, "subject": subject, "n_shifts": found.n_shifts}
    rows: list[dict[str, object]] = [
        {
            **common,
            "region": "all",
            "hemisphere": "both",
            "score": float(found.scores[known].mean()) if known.any() else np.nan,
            "p": found.p_mean,
            "share_q_below_5_percent": float((q[known] < 0.05).mean()) if known.any() else np.nan,
        }
    ]
    names = [str(name) for name in one["target"].values]
    if len(names) <= _MOST_NAMED:
        sides = [str(side) for side in one["hemisphere"].values]
        rows += [
            {
                **common,
                "region": name,
                "hemisphere": side,
                "score": found.scores[k],
                "p": found.p[k],
                "p_over_all": found.p_over_all[k],
                "q": q[k],
            }
            for k, (name, side) in enumerate(zip(names, sides, strict=True))
        ]
    return rows, found.notes
