"""Single precision where it is hardest: collinear features, small penalties, faint predictions."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hemiscale.encoding import TargetBank, fit_runs, winners
from hemiscale.encoding.backend import NumpyBackend
from hemiscale.encoding.dual import DualSystem
from hemiscale.encoding.folds import run_slices
from hemiscale.encoding.pairs import PairOperators, pair_predictions


def hard_problem(seed, lengths, n_features, n_targets, *, shared, decay, strength):
    """Features that decay in size, mixed, with a time course that all of them share."""
    rng = np.random.default_rng(seed)
    size = np.arange(1, n_features + 1) ** -decay
    mixing = np.linalg.qr(rng.standard_normal((n_features, n_features)))[0]
    weights = rng.standard_normal((n_features, n_targets)) * size[:, None]
    features, targets = [], []
    for n in lengths:
        x = (rng.standard_normal((n, n_features)) * size) @ mixing
        x += shared * rng.standard_normal((n, 1))
        y = x @ weights
        y = strength * y / y.std(axis=0) + rng.standard_normal((n, n_targets))
        features.append((x - x.mean(axis=0)) / x.std(axis=0))
        targets.append(((y - y.mean(axis=0)) / y.std(axis=0)).astype(np.float32))
    return features, targets


COMMON = {"n_targets": 30, "search": "exhaustive", "per_target": True, "lowest": -2.0}


# These are at the edge of what single precision can do: the same problems each time.
@settings(max_examples=25, deadline=None, derandomize=True)
@example(  # as many features as scans: the inverse's entries are large and must cancel
    seed=1, lengths=[57, 60, 58, 61, 57], n_features=293, validation="all", form="auto",
    shared=0.0, decay=0.0, strength=0.0, **COMMON,
)  # fmt: skip
@example(
    seed=2, lengths=[50, 52, 55, 50], n_features=207, validation="first", form="primal",
    shared=0.0, decay=0.0, strength=1.0, **COMMON,
)  # fmt: skip
@example(  # one time course is nearly all there is
    seed=3, lengths=[55, 50, 60, 56, 56], n_features=554, validation="all", form="dual",
    shared=10.0, decay=1.0, strength=0.2, **(COMMON | {"lowest": 0.0}),
)  # fmt: skip
@example(
    seed=108, lengths=[60, 60, 58], n_features=300, validation="first", form="dual",
    shared=10.0, decay=0.5, strength=0.0, **(COMMON | {"lowest": 0.0, "n_targets": 40}),
)  # fmt: skip
@example(  # more targets than are measured
    seed=4, lengths=[42, 32, 35], n_features=109, validation="all", form="dual",
    shared=10.0, decay=0.5, strength=0.2,
    **(COMMON | {"n_targets": 400, "search": "adaptive", "per_target": False}),
)  # fmt: skip
@given(
    seed=st.integers(0, 10**6),
    lengths=st.lists(st.integers(15, 60), min_size=3, max_size=5),
    n_features=st.integers(10, 300),
    n_targets=st.sampled_from([10, 40]),
    validation=st.sampled_from(["first", "all"]),
    form=st.sampled_from(["auto", "primal", "dual"]),
    search=st.sampled_from(["adaptive", "exhaustive"]),
    per_target=st.booleans(),
    lowest=st.sampled_from([-2.0, 0.0, 2.0]),
    shared=st.sampled_from([0.0, 1.0, 10.0]),
    decay=st.sampled_from([0.0, 0.5, 2.0]),
    strength=st.sampled_from([0.0, 0.2, 5.0]),
)
def test_hard_problems_agree_with_the_oracle(
    oracle, seed, lengths, n_features, n_targets, validation, form, search, per_target, lowest,
    shared, decay, strength,
):  # fmt: skip
    x, y = hard_problem(
        seed, lengths, n_features, n_targets, shared=shared, decay=decay, strength=strength
    )
    alphas = np.logspace(lowest, lowest + 5, 8)
    truth = oracle(x, y, alphas, validation, np.arange(n_targets) if per_target else None)
    bank = TargetBank(y, dtype="float32", block_size=8)
    ours = fit_runs(
        x, bank, alphas=alphas, validation=validation, form=form, search=search,
        alpha_per_target=per_target,
    )  # fmt: skip
    expected = truth.alphas if per_target else truth.alphas[:, 0]
    np.testing.assert_array_equal(ours.alphas, expected)
    np.testing.assert_allclose(ours.scores, truth.scores, rtol=0, atol=1e-5)
    np.testing.assert_allclose(ours.validation_scores, truth.validation_scores, rtol=0, atol=1e-5)


@pytest.mark.parametrize("alpha", [1.0, 1e3, 1e6])
def test_faint_predictions_of_pairs_keep_their_precision(alpha):
    """y minus a residual would be rounding where a prediction is a millionth of y."""
    x, y = hard_problem(5, [40, 50, 45, 42], 30, 20, shared=0.0, decay=0.5, strength=0.2)
    backend, slices = NumpyBackend(), run_slices([len(run) for run in x])
    inverse = DualSystem(x, slices, backend).inverse(alpha, "float64")  # as where K is faint
    pairs = list(combinations(range(4), 2))
    found = {}
    for stream in ("float32", "float64"):
        targets = np.concatenate(y).T.astype(stream)
        operators = PairOperators(inverse, slices, pairs, backend, stream)
        found[stream] = dict(pair_predictions(operators, targets, pairs))
    for pair in pairs:
        for run in pair:
            exact = found["float64"][pair][run]
            error = np.abs(found["float32"][pair][run] - exact).max()
            assert error < 2e-5 * np.abs(exact).max()


def test_what_is_too_coarse_is_done_again(monkeypatch):
    """With no patience for rounding at all, everything that wins is scored in double precision."""
    x, y = hard_problem(7, [60, 55, 65, 58], 40, 700, shared=3.0, decay=0.5, strength=0.3)
    alphas = np.logspace(-1, 3, 5)
    exact = fit_runs(x, TargetBank(y, dtype="float64"), alphas=alphas, validation="all")
    bank = TargetBank(y, dtype="float32", block_size=300)
    usual = fit_runs(x, bank, alphas=alphas, validation="all")
    monkeypatch.setattr(winners, "_COARSE", 0.0)
    strict = fit_runs(x, bank, alphas=alphas, validation="all")
    np.testing.assert_array_equal(strict.alphas, exact.alphas)
    rounding = np.abs(usual.scores - exact.scores).max()
    assert np.abs(strict.scores - exact.scores).max() < rounding / 10
    np.testing.assert_allclose(
        strict.validation_scores, exact.validation_scores, rtol=0, atol=1.5e-7
    )
