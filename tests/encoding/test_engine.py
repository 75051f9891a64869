"""The engine's own ways (single precision, blocks, race, two forms) against the plain oracle."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from hemiscale.encoding import TargetBank, engine, fit_runs
from hemiscale.encoding.search import Race
from hemiscale.encoding.validators import PredictorValidator

ALPHAS = np.logspace(0, 5, 11)
WAYS = [
    (form, validation, dtype)
    for form in ("primal", "dual")
    for validation in ("first", "all")
    for dtype in ("float32", "float64")
]


@pytest.mark.parametrize("n_features", [9, 75, 110, 260])
@pytest.mark.parametrize(("form", "validation", "dtype"), WAYS)
def test_every_way_agrees_with_the_oracle(problem, oracle, n_features, form, validation, dtype):
    """Features below, near and above the number of scans (about 75 to train, 105 in all)."""
    x, y = problem(11, [31, 24, 22, 28], n_features, 40)
    truth = oracle(x, y, ALPHAS, validation)
    bank = TargetBank(y, dtype=dtype, block_size=7)
    ours = fit_runs(x, bank, alphas=ALPHAS, validation=validation, form=form)
    np.testing.assert_array_equal(ours.alphas, truth.alphas[:, 0])
    tolerance = 1e-5 if dtype == "float32" else 1e-9
    np.testing.assert_allclose(ours.scores, truth.scores, rtol=0, atol=tolerance)
    np.testing.assert_allclose(
        ours.validation_scores, truth.validation_scores, rtol=0, atol=max(tolerance, 1e-7)
    )


@settings(max_examples=60, deadline=None)
@example(  # a prediction that all but vanishes
    seed=13,
    lengths=[13, 10, 13],
    n_features=2,
    n_targets=27,
    validation="first",
    form="auto",
    dtype="float32",
    strength=0.0,
)
@given(
    seed=st.integers(0, 10**6),
    lengths=st.lists(st.integers(10, 30), min_size=3, max_size=5),
    n_features=st.integers(2, 120),
    n_targets=st.integers(1, 30),
    validation=st.sampled_from(["first", "all"]),
    form=st.sampled_from(["auto", "primal", "dual"]),
    dtype=st.sampled_from(["float32", "float64"]),
    strength=st.sampled_from([0.0, 0.2, 1.0]),
)
def test_random_problems_agree_with_the_oracle(
    problem, oracle, seed, lengths, n_features, n_targets, validation, form, dtype, strength
):
    x, y = problem(seed, lengths, n_features, n_targets, strength=strength)
    alphas = np.logspace(0, 4, 7)
    if dtype == "float32":  # the data as the engine sees them, so that ties are the same ties
        y = [run.astype(np.float32) for run in y]
    truth = oracle(x, y, alphas, validation)
    bank = TargetBank(y, dtype=dtype, block_size=8)
    ours = fit_runs(x, bank, alphas=alphas, validation=validation, form=form)
    np.testing.assert_array_equal(ours.alphas, truth.alphas[:, 0])
    np.testing.assert_allclose(ours.scores, truth.scores, rtol=0, atol=1e-5)
    # Few scans, and models that are factored in single precision: rounding shows more.
    tolerance = 1e-4 if dtype == "float32" else 1e-7
    np.testing.assert_allclose(
        ours.validation_scores, truth.validation_scores, rtol=0, atol=tolerance
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("validation", ["first", "all"])
@pytest.mark.parametrize("form", ["primal", "dual"])
def test_near_ties_are_resolved_in_double_precision(problem, oracle, dtype, validation, form):
    """Penalties so close that their mean scores differ by 1e-9 to 1e-7."""
    x, y = problem(21, [40, 35, 45, 38], 50, 25)
    y = [run.astype(np.float32) for run in y]
    middle = np.median(oracle(x, y, np.logspace(0, 5, 40), validation).alphas)
    alphas = middle * (1 + 1e-4 * np.arange(-6, 7))
    truth = oracle(x, y, alphas, validation)
    curve = np.nanmean(truth.curves, axis=(1, 3)) if validation == "all" else None
    if curve is not None:
        assert np.ptp(curve, axis=1).max() < 1e-5
    ours = fit_runs(x, TargetBank(y, dtype=dtype), alphas=alphas, validation=validation, form=form)
    np.testing.assert_array_equal(ours.alphas, truth.alphas[:, 0])


@pytest.mark.parametrize("validation", ["first", "all"])
@pytest.mark.parametrize("n_features", [30, 300])
def test_the_race_and_the_exhaustive_search_agree(problem, n_features, validation):
    x, y = problem(31, [40, 35, 45, 38], n_features, 1500, strength=0.3)
    bank = TargetBank(y, dtype="float32", block_size=200)
    assert len(bank) > 5
    race = fit_runs(x, bank, alphas=ALPHAS, validation=validation, search="adaptive")
    whole = fit_runs(x, bank, alphas=ALPHAS, validation=validation, search="exhaustive")
    np.testing.assert_array_equal(race.alphas, whole.alphas)
    np.testing.assert_array_equal(race.scores, whole.scores)
    np.testing.assert_array_equal(race.validation_scores, whole.validation_scores)
    assert race.operations < whole.operations


@pytest.mark.parametrize("strength", [0.0, 0.3])
@pytest.mark.parametrize("room", [1, 3, 100])
@pytest.mark.parametrize("n_features", [30, 300])
def test_little_memory_changes_nothing(problem, monkeypatch, n_features, room, strength):
    x, y = problem(33, [40, 35, 45, 38], n_features, 1500, strength=strength)
    bank = TargetBank(y, dtype="float32", block_size=200)
    with monkeypatch.context() as patched:
        made = []
        prepare = PredictorValidator.prepare
        patched.setattr(engine, "_OPERATOR_MEMORY", room * 158 * n_features * 4)
        patched.setattr(engine, "_WAITING_MEMORY", room * 1e5)
        patched.setattr(
            PredictorValidator,
            "prepare",
            lambda self, alpha, *rest: (made.append(alpha), prepare(self, alpha, *rest))[1],
        )
        race = fit_runs(x, bank, alphas=ALPHAS, search="adaptive", form="primal")
        whole = fit_runs(x, bank, alphas=ALPHAS, search="exhaustive", form="primal")
    usual = fit_runs(x, bank, alphas=ALPHAS, form="primal")
    for other in (race, whole):
        np.testing.assert_array_equal(usual.alphas, other.alphas)
        np.testing.assert_array_equal(usual.scores, other.scores)
        np.testing.assert_array_equal(usual.validation_scores, other.validation_scores)
    if room == 1 and strength == 0:
        assert len(made) > 3 * len(ALPHAS)


@pytest.mark.parametrize("n_features", [30, 300])
def test_same_penalties_for_all_block_sizes(problem, n_features):
    x, y = problem(41, [40, 35, 45, 38], n_features, 700)
    results = [
        fit_runs(x, TargetBank(y, dtype="float32", block_size=size), alphas=ALPHAS)
        for size in (1, 64, 300, 5000)
    ]
    for other in results[1:]:
        np.testing.assert_array_equal(results[0].alphas, other.alphas)
        np.testing.assert_allclose(results[0].scores, other.scores, rtol=0, atol=2e-6)


@pytest.mark.parametrize("validation", ["first", "all"])
@pytest.mark.parametrize("n_features", [30, 300])
def test_equal_settings_give_equal_bits(problem, n_features, validation):
    x, y = problem(51, [40, 35, 45, 38], n_features, 700)
    first, again = (
        fit_runs(x, TargetBank(y, dtype="float32"), alphas=ALPHAS, validation=validation)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.scores, again.scores)
    np.testing.assert_array_equal(first.alphas, again.alphas)
    np.testing.assert_array_equal(first.validation_scores, again.validation_scores)


def test_same_penalties_for_all_numbers_of_threads(problem):
    x, y = problem(61, [30, 25, 35, 28], 150, 300)
    results = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            bank = TargetBank(y, dtype="float32")
            results.append(fit_runs(x, bank, alphas=ALPHAS, validation="all"))
    np.testing.assert_array_equal(results[0].alphas, results[1].alphas)
    np.testing.assert_allclose(results[0].scores, results[1].scores, rtol=0, atol=2e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_features", [30, 300])
def test_a_penalty_per_target(problem, oracle, n_features, dtype):
    x, y = problem(71, [40, 35, 45, 38], n_features, 60, strength=0.8)
    y = [run.astype(np.float32) for run in y]
    truth = oracle(x, y, ALPHAS, "first", np.arange(60))
    ours = fit_runs(
        x, TargetBank(y, dtype=dtype, block_size=16), alphas=ALPHAS, alpha_per_target=True
    )
    np.testing.assert_array_equal(ours.alphas, truth.alphas)
    np.testing.assert_allclose(ours.scores, truth.scores, rtol=0, atol=1e-5)
    np.testing.assert_allclose(ours.validation_scores, truth.validation_scores, rtol=0, atol=1e-5)


def test_a_bank_serves_many_feature_sets_and_stays_as_it_is(problem):
    x, y = problem(81, [40, 35, 45], 30, 50)
    bank = TargetBank(y)
    first = fit_runs(x, bank, alphas=ALPHAS)
    fit_runs([run[:, :5] for run in x], bank, alphas=ALPHAS)
    np.testing.assert_array_equal(first.scores, fit_runs(x, bank, alphas=ALPHAS).scores)
    np.testing.assert_array_equal(first.scores, fit_runs(x, y, alphas=ALPHAS).scores)


def test_scores_are_those_of_the_targets_in_their_order(problem, oracle):
    """Targets are shuffled inside; nobody outside may notice."""
    x, y = problem(91, [40, 35, 45], 30, 50)
    for run in y:
        run[:, 17] = 0.0
    with pytest.warns(UserWarning, match="1 of 50"):
        bank = TargetBank(y, block_size=8)
    ours = fit_runs(x, bank, alphas=[50.0])
    kept = np.delete(np.arange(50), 17)
    truth = oracle(x, [run[:, kept] for run in y], [50.0], "first")
    np.testing.assert_allclose(ours.scores[:, kept], truth.scores, rtol=0, atol=1e-9)
    assert np.isnan(ours.scores[:, 17]).all()
    assert np.isnan(ours.validation_scores[:, :, 17]).all()


def test_predictions_need_not_have_zero_mean(problem, oracle):
    """Features with an offset (the ceiling's are trimmed, not standardised): still Pearson's r."""
    x, y = problem(101, [40, 35, 45], 20, 10)
    x = [run + 0.7 for run in x]
    truth = oracle(x, y, ALPHAS, "first")
    for dtype in ("float32", "float64"):
        ours = fit_runs(x, TargetBank(y, dtype=dtype), alphas=ALPHAS, standardise=False)
        np.testing.assert_allclose(ours.scores, truth.scores, rtol=0, atol=1e-5)


def test_badly_conditioned_kernels_are_factored_in_double_precision(oracle):
    """One feature in a thousand carries nearly all variance of all scans; the penalty is tiny."""
    rng = np.random.default_rng(5)
    x, y = [], []
    for n in (50, 45, 55):
        run = rng.standard_normal((n, 1)) * 30 + 0.05 * rng.standard_normal((n, 300))
        x.append(run / run.std(axis=0))
        target = run[:, :1] + 20 * rng.standard_normal((n, 12))
        y.append((target - target.mean(axis=0)) / target.std(axis=0))
    alphas = np.logspace(-5, -2, 4)
    truth = oracle(x, y, alphas, "first")
    bank = TargetBank(y, dtype="float32", block_size=4)
    ours = fit_runs(x, bank, alphas=alphas, form="dual", standardise=False)
    np.testing.assert_array_equal(ours.alphas, truth.alphas[:, 0])
    np.testing.assert_allclose(ours.scores, truth.scores, rtol=0, atol=1e-4)


def test_the_race_drops_only_what_is_surely_behind():
    """Ten penalties 0.002 apart under noise of 0.05: the best is never dropped, in 200 races."""
    rng = np.random.default_rng(8)
    dropped_in_time = 0
    for _ in range(200):
        scores = rng.normal(0, 0.05, (10, 3000)) - 0.002 * np.arange(10)[:, None]
        race = Race([1], 3000, "float64", np.zeros(10))
        for columns in (slice(0, 500), slice(500, 1500), slice(1500, 3000)):
            for i in race.alphas():
                race.record(i, columns, {0: scores[i : i + 1, columns]})
            race.drop_losers(columns.stop)
            if columns.stop == 1500:
                dropped_in_time += 10 - len(race.alphas())
        assert race.alphas() == [int(scores.mean(axis=1).argmax())]
    assert dropped_in_time > 200


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"validation": "last"}, "expected 'first' or 'all'"),
        ({"search": "greedy"}, "expected 'adaptive' or 'exhaustive'"),
        ({"dtype": "float16"}, "expected 'float32' or 'float64'"),
        ({"device": "tpu"}, "expected cpu, cuda"),
        ({"alphas": [1.0, 0.0]}, "above zero"),
        ({"alpha_per_target": True, "penalty_groups": np.zeros(5)}, "exclude each other"),
        ({"penalty_groups": np.zeros(4)}, "one label for each of the 5 targets"),
    ],
)
def test_wrong_arguments_are_refused(problem, change, message):
    x, y = problem(1, [20, 20, 20], 4, 5)
    with pytest.raises(ValueError, match=message):
        fit_runs(x, y, **change)


def test_wrong_shapes_are_refused(problem):
    x, y = problem(1, [20, 20, 20], 4, 5)
    with pytest.raises(ValueError, match="contiguous_blocks"):
        fit_runs(x[:2], y[:2])
    with pytest.raises(ValueError, match="features have 2 runs, targets 3"):
        fit_runs(x[:2], y)
    with pytest.raises(ValueError, match="Run 2: features have shape"):
        fit_runs([x[0], x[1][:-1], x[2]], y)
    with pytest.raises(ValueError, match="one number of targets"):
        fit_runs(x, [y[0], y[1][:, :3], y[2]])
