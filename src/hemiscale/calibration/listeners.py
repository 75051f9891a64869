"""Simulated studies of a few to many listeners: what intervals over listeners hold."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from hemiscale.analysis import asymmetry_index, interval_over_listeners
from hemiscale.calibration.tally import Tally
from hemiscale.simulation import PlantedLaw, ScoreSimulator

__all__ = ["LISTENERS", "examine_listeners"]

LISTENERS = (6, 20, 27, 49)
"""Numbers of listeners that are tried: on both sides of where BCa takes over from Student."""

_SIZE = 7e9


def examine_listeners(studies: range, seed: int) -> dict[str, Tally]:
    """Score one model in more and more listeners: its score, left minus right, their index.

    Parameters
    ----------
    studies : range
        Their numbers; each study depends on its number and the seed alone.
    seed : int

    Returns
    -------
    dict of {method: Tally}
        Planted is what listeners of this story would show.
    """
    law = replace(PlantedLaw(), model_sd=0.0, family_sd=0.0)
    tallies: dict[str, Tally] = defaultdict(Tally)
    for n_listeners in LISTENERS:
        simulator = ScoreSimulator([_SIZE], ["one"], n_listeners=n_listeners)
        for k in studies:
            study = simulator.study(law, np.random.default_rng([seed, n_listeners, k]))
            scores = study.scores[0].astype(np.float64)
            sides = [scores[..., side].mean(axis=(1, 2)) for side in simulator.homologues]
            planted = float(study.score_in_story[0])
            planted_gap = float(study.asymmetry_in_story[0])
            score = interval_over_listeners((sides[0] + sides[1]) / 2)
            gap = interval_over_listeners(sides[0] - sides[1])
            for name, (estimate, low, high), value in (
                ("score", (score.estimate, score.low, score.high), planted),
                ("left − right", (gap.estimate, gap.low, gap.high), planted_gap),
                ("index", asymmetry_index(*sides), planted_gap / (2 * planted)),
            ):
                tallies[f"{name}, {n_listeners} listeners"].add(
                    float(estimate), float(low), float(high), value
                )
    return dict(tallies)
