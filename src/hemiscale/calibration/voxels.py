"""Left minus right of simulated studies, with voxels taken as independent and not."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from hemiscale.analysis import asymmetry, voxels_as_independent_test
from hemiscale.calibration.tally import Tally
from hemiscale.simulation import PlantedLaw, ScoreSimulator

__all__ = ["examine_voxels"]

_FLAT = replace(
    PlantedLaw(),
    slope=0.0,
    asymmetry_slope=0.0,
    family_sd=0.0,
    model_sd=0.0,
    asymmetry_family_sd=0.0,
    asymmetry_model_sd=0.0,
)


def examine_voxels(studies: range, seed: int) -> dict[str, Tally]:
    """Test left minus right of one model where there is none, in no listener.

    Returns
    -------
    dict of {method: Tally}
    """
    law = replace(_FLAT, listener_asymmetry_sd=0.0, listener_slope_sd=0.0)
    simulator = ScoreSimulator([1e9], ["one"])
    tallies: dict[str, Tally] = defaultdict(Tally)
    for k in studies:
        study = simulator.study(law, np.random.default_rng([seed, k]))
        left, right = simulator.homologues
        scores = study.scores[0].astype(np.float64)
        found = asymmetry(scores, (left, right))
        in_story = float(study.asymmetry_in_story[0])
        for name, i, planted in (
            ("left − right, over listeners", found.over_listeners, in_story),
            (
                "naive: left − right, over listeners, read as if for any story",
                found.over_listeners,
                0.0,
            ),
            ("left − right, over runs", found.over_runs, 0.0),
        ):
            if i is not None:
                tallies[name].add(float(i.estimate), float(i.low), float(i.high), planted)
        mean = scores.mean(axis=(0, 1))
        naive = voxels_as_independent_test(mean[left], mean[right])
        # Only the verdict matters: an interval around zero, or not.
        sign = 1.0 if naive.p < 0.05 else -1.0
        width = abs(naive.difference) + 1e-9
        tallies["naive: left − right, t-test over voxels"].add(
            naive.difference,
            naive.difference - width * (1 - 0.5 * (sign > 0)),
            naive.difference + width * (1 - 0.5 * (sign > 0)),
            0.0,
        )
    return dict(tallies)
