"""From words to the features of a layer, for every model of the response a study can name."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from nilearn.glm.first_level import compute_regressor

from hemiscale.encoding import TargetBank, hrf_design, standardise
from hemiscale.pipeline.scoring import make_designs, score_layer
from hemiscale.study import Design, Encoding

T_R, LENGTHS = 1.5, (90, 100, 95)
MODELS = ["glover", "spm + derivative", "glover + derivative + dispersion", "fir"]


def heard(seed, n_scans):
    rng = np.random.default_rng(seed)
    onsets = np.sort(rng.uniform(0, n_scans * T_R - 8, 220))
    words = pd.DataFrame({"onset": onsets, "offset": onsets + rng.uniform(0.1, 0.4, 220)})
    return SimpleNamespace(words=words, n_scans=n_scans)


@pytest.fixture
def inputs():
    runs = [heard(seed, n) for seed, n in enumerate(LENGTHS)]
    return SimpleNamespace(runs=runs, t_r=T_R)


def study(**design):
    encoding = Encoding(penalty_low=1.0, penalty_high=1e4, n_penalties=5)
    return SimpleNamespace(design=Design(**design), encoding=encoding)


def scored(given, inputs, layer, responses):
    targets = SimpleNamespace(
        slices=[(run, slice(5, n - 5)) for run, n in enumerate(LENGTHS)], n_targets=2
    )
    bank = TargetBank(
        [y[scans] for y, (_, scans) in zip(responses, targets.slices, strict=True)],
        dtype="float64",
    )
    designs = make_designs(given, inputs)
    return score_layer(given, layer, designs, targets, bank, 1, device="cpu").score[0].mean(axis=0)


@pytest.mark.parametrize("hrf_model", MODELS)
def test_designs_are_nilearns_regressors(inputs, hrf_model):
    """Each column of the design, of a word with an amplitude of its own."""
    (design, *_) = make_designs(study(hrf_model=hrf_model, delays=[0, 2, 5]), inputs)
    words = inputs.runs[0].words
    amplitudes = np.random.default_rng(9).standard_normal(len(words))
    events = np.array([words["onset"], words["offset"] - words["onset"], amplitudes])
    times = (np.arange(LENGTHS[0]) + 0.5) * T_R
    theirs, _ = compute_regressor(events, hrf_model, times, fir_delays=[0, 2, 5])
    stack = design if design.ndim == 3 else design[None]
    np.testing.assert_allclose(stack[0] @ amplitudes, theirs[:, 0], atol=1e-10)
    assert len(stack) == theirs.shape[1]


# What is planted are boxes, which the filter has to make up from its lobes.
@pytest.mark.parametrize(("hrf_model", "least"), [("fir", 0.7), ("lanczos", 0.5)])
def test_a_response_of_another_shape_is_found_by_delays(inputs, hrf_model, least):
    """Planted: voxels that answer eight seconds late, and early, unlike the usual response."""
    rng = np.random.default_rng(2)
    layer = [rng.standard_normal((len(run.words), 3)) for run in inputs.runs]
    responses = []
    for run, activations in zip(inputs.runs, layer, strict=True):
        words = run.words
        boxes = hrf_design(
            words["onset"].to_numpy(),
            (words["offset"] - words["onset"]).to_numpy(),
            run.n_scans,
            T_R,
            hrf_model="fir",
            fir_delays=[0, 8],
        )
        signal = np.stack([box @ activations[:, 0] for box in boxes], axis=1)
        noise = rng.standard_normal(signal.shape)
        responses.append(standardise(signal) + 0.3 * noise)
    delays = study(hrf_model=hrf_model, delays=list(range(11)))
    usual = scored(study(hrf_model="glover"), inputs, layer, responses)
    free = scored(delays, inputs, layer, responses)
    assert (free > least).all()
    assert (free > usual + 0.3).all()
