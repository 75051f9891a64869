"""One inverse for every left-out set: the formulas against models fitted without the set."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemiscale.encoding.backend import NumpyBackend
from hemiscale.encoding.bank import Block, TargetBank
from hemiscale.encoding.dual import DualSystem
from hemiscale.encoding.folds import run_slices
from hemiscale.encoding.pairs import PairOperators, pair_predictions
from hemiscale.encoding.predictors import Task
from hemiscale.encoding.primal import PrimalSystem, decomposes
from hemiscale.encoding.torch_backend import TorchBackend
from hemiscale.encoding.validators import score_predictors


def brute_force(x, y, left_out, run, alpha):
    kept = [r for r in range(len(x)) if r not in left_out]
    X, Y = np.concatenate([x[r] for r in kept]), np.concatenate([y[r] for r in kept])
    weights = np.linalg.solve(X.T @ X + alpha * np.eye(X.shape[1]), X.T @ Y)
    return x[run] @ weights


LENGTHS = st.lists(st.integers(3, 15), min_size=3, max_size=6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), LENGTHS, st.integers(1, 60), st.floats(0.1, 1e4))
def test_predictions_of_all_pairs(problem, seed, lengths, n_features, alpha):
    x, y = problem(seed, lengths, n_features, 5)
    backend, slices = NumpyBackend(), run_slices(lengths)
    system = DualSystem(x, slices, backend)
    pairs = list(combinations(range(len(lengths)), 2))
    operators = PairOperators(system.inverse(alpha, "float64"), slices, pairs, backend, "float64")
    targets = np.ascontiguousarray(np.concatenate(y).T)
    seen = []
    for pair, predictions in pair_predictions(operators, targets, pairs):
        seen.append(pair)
        for run in pair:
            truth = brute_force(x, y, pair, run, alpha)
            np.testing.assert_allclose(predictions[run].T, truth, rtol=0, atol=1e-8)
    assert seen == pairs


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), LENGTHS, st.integers(1, 60), st.floats(0.1, 1e4))
def test_predictors_of_single_runs_and_pairs(problem, seed, lengths, n_features, alpha):
    x, y = problem(seed, lengths, n_features, 5)
    bank = TargetBank(y, dtype="float64", standardise=False)
    block = bank.block(0)
    runs = range(len(lengths))
    singles = [Task((run,), run) for run in runs]
    pairs = [Task(pair, run) for pair in combinations(runs, 2) for run in pair]
    with_first = [task for task in pairs if task.left_out[0] == 0]
    for form in (DualSystem, PrimalSystem):
        for tasks in (singles, pairs, with_first):
            system = form(x, bank.slices, bank.backend)  # anew, for what is kept takes another way
            predictors = system.predictors(alpha, tasks, "float64", "float64")
            view = system.view(block)
            for task in tasks:
                ours = view.predict(view.data(predictors[task]), predictors[task])
                truth = brute_force(x, y, task.left_out, task.run, alpha)
                np.testing.assert_allclose(ours.T, truth[:, bank.order], rtol=0, atol=1e-8)


@pytest.mark.parametrize("backend", [NumpyBackend(), TorchBackend("cpu")])
def test_one_decomposition_serves_all_penalties(problem, backend):
    lengths, n_features = [30, 25, 35, 28], 20
    x, y = problem(3, lengths, n_features, 7)
    bank = TargetBank(y, dtype="float32", standardise=False)
    system = PrimalSystem([run.astype(np.float32) for run in x], bank.slices, backend)
    block = bank.block(0)
    moved = Block(backend.array(block.data, "float32"), block.norms)
    tasks = [Task(pair, run) for pair in combinations(range(4), 2) for run in pair]
    view = system.view(moved)
    for alpha in (0.1, 10.0, 1e4):
        quick = system.predictors_for_one_block(alpha, tasks)
        turned = system.predictors_from_spectra(alpha, tasks)
        factored = system.predictors(alpha, tasks, "float32", "float32")
        for task in tasks:
            truth = brute_force(x, y, task.left_out, task.run, alpha)[:, bank.order].T
            scale = np.abs(truth).max()
            for predictor in (quick[task], turned[task], factored[task]):
                for rows in (slice(None), slice(2, 5), np.array([6, 0])):
                    ours = backend.numpy(view.predict(view.data(predictor, rows), predictor))
                    np.testing.assert_allclose(ours, truth[rows], rtol=0, atol=1e-4 * scale)
            assert quick[task].rotation is not None
            assert turned[task].rotation is None
    system.forget_spectra()


def test_a_matrix_that_is_not_positive_definite_is_an_error():
    with pytest.raises(np.linalg.LinAlgError, match="leave out the smallest penalties"):
        NumpyBackend().spd_inverse(-np.eye(3), 0.0, "float64")


@pytest.mark.parametrize("at_once", [1, 3, 7, 50])
def test_scores_do_not_depend_on_how_many_targets_are_predicted_at_once(problem, at_once):
    x, y = problem(5, [30, 25, 35], 12, 7)
    backend = NumpyBackend()
    bank = TargetBank(y, dtype="float64")
    system = PrimalSystem(x, bank.slices, backend)
    task = Task((0, 2), 2)
    predictor = system.predictors(3.0, [task], "float64", "float64")[task]
    view = system.view(bank.block(0))
    prediction, truth = view.predict(view.data(predictor), predictor), y[2][:, bank.order].T
    expected = [np.corrcoef(p, t)[0, 1] for p, t in zip(prediction, truth, strict=True)]
    view.at_once = at_once
    np.testing.assert_allclose(
        score_predictors(system, view, [predictor], 2)[0], expected, rtol=0, atol=1e-12
    )
    rows = np.array([5, 1, 2, 6])
    np.testing.assert_allclose(
        score_predictors(system, view, [predictor], 2, rows)[0],
        np.array(expected)[rows],
        rtol=0,
        atol=1e-12,
    )


def test_covariances_are_decomposed_where_there_is_room():
    backend = NumpyBackend()
    assert decomposes(backend, "float32", 768, 36, 16)
    assert not decomposes(backend, "float32", 2048, 36, 16)  # 0.6 GB of eigenvectors
    assert decomposes(backend, "float32", 2048, 8, 16)
    assert not decomposes(backend, "float32", 768, 36, 2)
    assert not decomposes(backend, "float64", 768, 36, 16)


def test_rows_are_padded_with_zeros_where_it_pays():
    backend, rng = NumpyBackend(), np.random.default_rng(0)
    for n, padded in ((2, 2), (63, 63), (64, 64), (65, 72), (269, 272), (272, 272)):
        x = rng.standard_normal((n, 5))
        found = backend.padded(x)
        assert found.shape == (padded, 5)
        np.testing.assert_array_equal(found[:n], x)
        assert not found[n:].any()


@pytest.mark.parametrize("stream", ["float32", "float64"])
def test_padding_is_not_predicted(problem, stream):
    lengths = [70, 65, 90, 67]
    x, y = problem(11, lengths, 30, 5)
    bank = TargetBank(y, dtype=stream, standardise=False)
    runs = range(len(lengths))
    singles = [Task((run,), run) for run in runs]
    pairs = [Task(pair, run) for pair in combinations(runs, 2) for run in pair]
    for tasks in (singles, pairs, [task for task in pairs if task.left_out[0] == 0]):
        system = DualSystem(x, bank.slices, bank.backend)
        predictors = system.predictors(10.0, tasks, "float64", stream)
        view = system.view(bank.block(0))
        for task in tasks:
            ours = view.predict(view.data(predictors[task]), predictors[task])
            truth = brute_force(x, y, task.left_out, task.run, 10.0)[:, bank.order].T
            assert len(predictors[task].pieces[0][1]) % 8 == 0
            np.testing.assert_allclose(ours, truth, rtol=0, atol=1e-4 * np.abs(truth).max())
