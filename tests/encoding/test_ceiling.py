import itertools
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest

from hemiscale.encoding import ceiling, intersubject_reliability, plan, standardise
from hemiscale.encoding.bank import _block_columns
from hemiscale.encoding.folds import run_slices
from hemiscale.encoding.kernels import Kernel
from hemiscale.encoding.validators import validation_runs
from hemiscale.errors import HemiscaleWarning


def listeners(n_subjects, shared, seed=0, n_targets=6):
    rng = np.random.default_rng(seed)
    signals = [rng.standard_normal((60, n_targets)) for _ in range(4)]
    return [[shared * s + rng.standard_normal(s.shape) for s in signals] for _ in range(n_subjects)]


def test_reliability_is_what_the_noise_allows():
    """Halves of 14 with signal-to-noise 1: correlation of two averages is 14 / 15."""
    reliability = intersubject_reliability(listeners(28, 1.0), n_splits=4, seed=1)
    assert reliability.shape == (4, 6)
    np.testing.assert_allclose(reliability.mean(), 14 / 15, atol=0.03)


def test_no_shared_signal_no_reliability():
    reliability = intersubject_reliability(listeners(10, 0.0), n_splits=6, seed=1)
    assert abs(reliability.mean()) < 0.08


def test_the_seed_decides():
    subjects = listeners(8, 0.5)
    first = intersubject_reliability(subjects, n_splits=2, seed=3)
    np.testing.assert_array_equal(first, intersubject_reliability(subjects, n_splits=2, seed=3))
    np.testing.assert_array_equal(first[:1], intersubject_reliability(subjects, n_splits=1, seed=3))
    assert not np.array_equal(first, intersubject_reliability(subjects, n_splits=2, seed=4))


def test_equals_the_oracle_on_trimmed_time_courses(oracle):
    """Standardised, then cut: columns have other means, and predictions need no zero mean."""
    rng = np.random.default_rng(5)
    subjects = []
    shared = [rng.standard_normal((n, 9)) for n in (50, 42, 47)]
    for _ in range(5):
        runs = [standardise(s + rng.standard_normal(s.shape)) for s in shared]
        subjects.append([run[10:-10] for run in runs])
    alphas = np.logspace(-1, 3, 9)
    ours = intersubject_reliability(subjects, n_splits=3, seed=11, alphas=alphas)
    for split in range(3):
        order = np.random.default_rng([11, split]).permutation(5)
        halves = [
            [np.mean([subjects[s][r] for s in half], axis=0) for r in range(3)]
            for half in (order[:2], order[2:])
        ]
        assert max(abs(run.mean(axis=0)).max() for run in halves[0]) > 0.1
        truth = oracle(*halves, alphas, "first")
        np.testing.assert_allclose(ours[split], truth.scores.mean(axis=0), rtol=0, atol=1e-6)


def test_a_broken_voxel_of_one_subject_is_nan_and_harms_no_other():
    subjects = listeners(8, 1.0)
    broken = [[run.copy() for run in subject] for subject in subjects]
    broken[3][1][7, 2] = np.nan
    for subject in broken:
        subject[2][:, 4] = 1.0
    with pytest.warns(HemiscaleWarning, match="2 of 6 targets"):
        ours = intersubject_reliability(broken, n_splits=2, seed=1)
    assert np.isnan(ours[:, [2, 4]]).all()
    kept = [0, 1, 3, 5]
    clean = intersubject_reliability([[run[:, kept] for run in s] for s in subjects], n_splits=2,
                                     seed=1)  # fmt: skip
    np.testing.assert_array_equal(ours[:, kept], clean)


def test_subjects_may_be_read_when_their_turn_comes():
    """Each run of each subject is asked for once per split, and never all at once."""
    subjects = listeners(6, 0.5)
    asked = []

    class Stored:
        def __init__(self, number):
            self.number = number

        def __len__(self):
            return 4

        def __getitem__(self, run):
            asked.append((self.number, run))
            return subjects[self.number][run]

    stored = intersubject_reliability([Stored(k) for k in range(6)], n_splits=2, seed=3)
    np.testing.assert_array_equal(stored, intersubject_reliability(subjects, n_splits=2, seed=3))
    assert sorted(asked) == sorted([(k, run) for k in range(6) for run in range(4)] * 2)


def test_many_regressors_equal_the_oracle(oracle):
    """More than two per scan: predictors are let go once their kernel is known."""
    rng = np.random.default_rng(6)
    shared = [rng.standard_normal((n, 190)) for n in (30, 26, 28)]
    subjects = [
        [standardise(s + rng.standard_normal(s.shape))[2:-2] for s in shared] for _ in range(4)
    ]
    alphas = np.logspace(0, 3, 4)
    broken = [[run.copy() for run in subject] for subject in subjects]
    broken[0][2][5, 7] = np.nan  # in a later run
    broken[3][0][:, 9] = np.nan  # in all, as outside of a listener's own mask
    broken[3][1][:, 9] = np.nan
    broken[3][2][:, 9] = np.nan
    kept = np.setdiff1d(np.arange(190), [7, 9])
    with pytest.warns(HemiscaleWarning, match="2 of 190 targets"):
        ours = intersubject_reliability(broken, n_splits=2, seed=11, alphas=alphas)
    assert np.isnan(ours[:, [7, 9]]).all()
    for split in range(2):
        halves = [
            [np.mean([subjects[s][r][:, kept] for s in half], axis=0) for r in range(3)]
            for half in ceiling.random_halves(4, seed=11, split=split)
        ]
        assert isinstance(ceiling._predictors_or_kernel(halves[0], "cpu"), Kernel), (
            "this is to test the kernel"
        )
        truth = oracle(*halves, alphas, "first")
        np.testing.assert_allclose(ours[split, kept], truth.scores.mean(axis=0), rtol=0, atol=1e-6)


def test_with_many_regressors_per_scan_the_dual_form_is_always_quicker(monkeypatch):
    """What the ceiling counts on: a kernel leaves no choice."""
    primal, dual = SimpleNamespace(), SimpleNamespace()
    monkeypatch.setattr(plan, "PrimalSystem", lambda *_, **__: primal)
    monkeypatch.setattr(plan, "DualSystem", lambda *_, **__: dual)
    for name in ("PredictorValidator", "PairValidator"):
        monkeypatch.setattr(plan, name, lambda *_, **__: None)

    def chosen(n_runs, length, n_alphas, per_scan):
        n_scans = n_runs * length
        p = int(per_scan * n_scans)
        few = p * n_scans <= 2_000_000
        bank = SimpleNamespace(
            lengths=[length] * n_runs,
            slices=run_slices([length] * n_runs),
            n_runs=n_runs,
            n_usable=p,
            columns=_block_columns(p, 1024),
            dtype="float64" if few else "float32",
            backend=SimpleNamespace(fast_eigh=True),
        )
        features = [np.broadcast_to(0.0, (length, p))] * n_runs
        partners, alphas = validation_runs(n_runs, "first"), np.logspace(2, 7, n_alphas)
        return plan.plan(features, bank, partners, alphas, adaptive=len(bank.columns) > 1)[0]

    sizes = list(itertools.product((3, 4, 9, 40), (5, 50, 300, 1000), (1, 5, 16)))
    for per_scan in (ceiling._WIDE, 5, 50):
        assert all(chosen(*size, per_scan) is dual for size in sizes)
    assert any(chosen(*size, 0.5) is primal for size in sizes)


def test_one_copy_of_the_data_is_in_memory(noise_runs):
    """Predictors until their kernel is known, then targets: never both."""
    n_targets, n_runs, n_scans = 20_000, 8, 40

    two = [noise_runs(k, n_runs, n_scans, n_targets) for k in (0, 1)]
    # Libraries are there before memory is counted.
    intersubject_reliability(listeners(2, 1.0, n_targets=600), n_splits=1, seed=1)
    tracemalloc.start()
    intersubject_reliability(two, n_splits=1, seed=1, alphas=[10.0, 1e4])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Beside the copy, a sum in float64 (as much as two runs) and a subject's run, or the scores.
    copy = 4 * n_runs * n_scans * n_targets
    assert copy < peak < 1.9 * copy, peak / copy


def test_what_does_not_fit_is_refused():
    subjects = listeners(4, 1.0)
    with pytest.raises(ValueError, match="at least two"):
        intersubject_reliability(subjects[:1], seed=0)
    with pytest.raises(ValueError, match="n_splits is 0"):
        intersubject_reliability(subjects, n_splits=0, seed=0)
    with pytest.raises(ValueError, match=r"number of runs: \[3, 4\]"):
        intersubject_reliability([*subjects[:3], subjects[3][:3]], seed=0)
    shorter = [run[:-1] if k == 1 else run for k, run in enumerate(subjects[3])]
    with pytest.raises(ValueError, match="Run 2: subject"):
        intersubject_reliability([*subjects[:3], shorter], seed=0)
    with pytest.raises(ValueError, match="Run 2: subject 2 has an array of shape"):
        intersubject_reliability([subjects[0], shorter], seed=2)
