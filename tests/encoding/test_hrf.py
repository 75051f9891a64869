"""`hrf_design` against nilearn, column by column."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nilearn.glm.first_level.hemodynamic_models import compute_regressor

import hemiscale.datasets
from hemiscale.encoding import convolved_features, hrf_design
from hemiscale.errors import HemiscaleWarning


def nilearn_columns(onsets, durations, activations, n_scans, t_r, model, reference, **options):
    times = (np.arange(n_scans) + reference) * t_r
    columns = [
        compute_regressor((onsets, durations, values), model, times, **options)[0]
        for values in activations.T
    ]
    return np.stack(columns, axis=-1)  # (n_scans, n_kernels, n_features)


def words(seed, n, length):
    rng = np.random.default_rng(seed)
    onsets = np.sort(rng.uniform(0, length, n))
    durations = rng.uniform(0, 0.8, n)
    durations[rng.random(n) < 0.1] = 0.0
    return onsets, durations, rng.standard_normal((n, 5))


@pytest.mark.parametrize("model", ["glover", "spm"])
@pytest.mark.parametrize(("t_r", "reference"), [(2.0, 0.5), (1.5, 0.0), (0.72, 1.0), (2.2, 0.3)])
def test_equals_nilearn(model, t_r, reference):
    onsets, durations, activations = words(1, 300, 130.0)  # some past the end, some overlapping
    n_scans = int(120 / t_r)
    design = hrf_design(onsets, durations, n_scans, t_r, hrf_model=model, slice_time_ref=reference)
    truth = nilearn_columns(onsets, durations, activations, n_scans, t_r, model, reference)[:, 0]
    assert design.shape == (n_scans, 300)
    np.testing.assert_allclose(design @ activations, truth, rtol=0, atol=1e-10)


@pytest.mark.parametrize("family", ["glover", "spm"])
@pytest.mark.parametrize("variant", [" + derivative", " + derivative + dispersion"])
def test_derivatives_equal_nilearn(family, variant):
    onsets, durations, activations = words(2, 80, 100.0)
    design = hrf_design(onsets, durations, 55, 2.0, hrf_model=family + variant)
    truth = nilearn_columns(onsets, durations, activations, 55, 2.0, family + variant, 0.5)
    ours = convolved_features(design, activations)
    np.testing.assert_allclose(
        ours, np.concatenate(list(truth.transpose(1, 0, 2)), axis=1), rtol=0, atol=1e-10
    )


def test_fir_equals_nilearn():
    onsets, durations, activations = words(3, 80, 100.0)
    delays = [0, 1, 3, 4]
    design = hrf_design(onsets, durations, 55, 2.0, hrf_model="fir", fir_delays=delays)
    truth = nilearn_columns(onsets, durations, activations, 55, 2.0, "fir", 0.5, fir_delays=delays)
    np.testing.assert_allclose(
        convolved_features(design, activations, orthogonal=False),
        np.concatenate(list(truth.transpose(1, 0, 2)), axis=1),
        rtol=0,
        atol=1e-10,
    )


@settings(max_examples=40, deadline=None)
@given(
    events=st.lists(
        st.tuples(st.floats(0, 90), st.floats(0, 5), st.floats(-100, 100)), min_size=1, max_size=20
    ),
    t_r=st.sampled_from([0.8, 1.0, 2.0, 3.1]),
    reference=st.floats(0, 1),
)
def test_equals_nilearn_for_any_events(events, t_r, reference):
    onsets, durations, values = (np.array(column) for column in zip(*events, strict=True))
    design = hrf_design(onsets, durations, 30, t_r, slice_time_ref=reference)
    truth = nilearn_columns(onsets, durations, values[:, None], 30, t_r, "glover", reference)
    np.testing.assert_allclose(design @ values, truth[:, 0, 0], rtol=0, atol=1e-10)


def test_words_past_the_end_do_nothing():
    design = hrf_design(np.array([5.0, 500.0]), np.array([0.3, 0.3]), 20, 2.0)
    assert np.abs(design[:, 0]).max() > 0
    assert not design[:, 1].any()


def test_words_long_before_the_first_scan_are_warned_about():
    with pytest.warns(HemiscaleWarning, match="1 of 2 words"):
        hrf_design(np.array([-60.0, 4.0]), np.array([0.3, 0.3]), 20, 2.0)


@pytest.mark.parametrize(
    ("onsets", "durations", "message"),
    [
        ([1.0, np.nan], [0.1, 0.1], "Word 1"),
        ([1.0, 2.0], [0.1, -0.1], "Word 1"),
        ([1.0], [0.1, 0.2], "one length"),
    ],
)
def test_bad_events_are_refused(onsets, durations, message):
    with pytest.raises(ValueError, match=message):
        hrf_design(np.array(onsets), np.array(durations), 20, 2.0)


def test_unknown_models_are_refused():
    with pytest.raises(ValueError, match="expected one of glover"):
        hrf_design(np.array([1.0]), np.array([0.1]), 20, 2.0, hrf_model="canonical")


def real_words(story):
    """A real word table from the package: onsets, durations, number of scans."""
    folder = Path(hemiscale.datasets.__file__).parent
    if story == "alice":
        words = pd.read_csv(folder / "alice" / "words.csv")
        return words["onset"].to_numpy(), (words["offset"] - words["onset"]).to_numpy(), 362
    words = pd.read_csv(folder / "petit_prince" / "words_en.csv")
    words = words[words["section"] == 3]
    return words["onset"].to_numpy(), (words["offset"] - words["onset"]).to_numpy(), 340


@pytest.mark.parametrize("story", ["alice", "petit-prince"])
@pytest.mark.parametrize("model", ["glover", "spm + derivative + dispersion", "fir"])
@pytest.mark.parametrize(("t_r", "reference"), [(2.0, 0.5), (1.3, 0.0)])
def test_equals_nilearn_on_real_word_tables(story, model, t_r, reference):
    onsets, durations, n_scans = real_words(story)
    assert len(onsets) > 1000
    n_scans = int(n_scans * 2.0 / t_r) - 60  # words past the end
    activations = np.random.default_rng(0).standard_normal((len(onsets), 2))
    design = hrf_design(onsets, durations, n_scans, t_r, hrf_model=model, slice_time_ref=reference)
    options = {"fir_delays": [1, 2, 3, 4]} if model == "fir" else {}
    truth = nilearn_columns(
        onsets, durations, activations, n_scans, t_r, model, reference, **options
    )
    ours = convolved_features(design, activations, orthogonal=model != "fir")
    np.testing.assert_allclose(
        ours, np.concatenate(list(truth.transpose(1, 0, 2)), axis=1), rtol=0, atol=1e-10
    )


def test_words_of_no_length_and_words_on_top_of_each_other():
    onsets = np.array([4.0, 4.0, 4.1, 10.0, 10.0, 37.99, 38.0, 39.0])
    durations = np.array([0.0, 0.5, 3.0, 0.0, 0.0, 0.0, 5.0, 0.0])
    activations = np.random.default_rng(0).standard_normal((8, 3))
    design = hrf_design(onsets, durations, 20, 2.0)
    truth = nilearn_columns(onsets, durations, activations, 20, 2.0, "glover", 0.5)[:, 0]
    np.testing.assert_allclose(design @ activations, truth, rtol=0, atol=1e-10)
