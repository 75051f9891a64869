"""The engine's numbers are those of scikit-learn's `Ridge` and of himalaya."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from hemiscale.bench.problem import planted_problem
from hemiscale.bench.yardsticks import himalaya_part, scikit_learn_part
from hemiscale.encoding import TargetBank, fit_runs

ALPHAS = np.logspace(0, 4, 9)
LENGTHS = [40, 35, 45, 38]


@pytest.mark.parametrize("n_features", [20, 150, 400])
def test_scikit_learn_at_every_penalty(problem, n_features):
    x, y = problem(1, LENGTHS, n_features, 8)
    for alpha in ALPHAS[::4]:
        ours = fit_runs(x, y, alphas=[alpha], validation="all")
        for test in range(4):
            kept = [r for r in range(4) if r != test]
            ridge = Ridge(alpha=alpha, fit_intercept=False)
            ridge.fit(np.concatenate([x[r] for r in kept]), np.concatenate([y[r] for r in kept]))
            prediction = ridge.predict(x[test])
            truth = [np.corrcoef(prediction[:, j], y[test][:, j])[0, 1] for j in range(8)]
            np.testing.assert_allclose(ours.scores[test], truth, rtol=0, atol=1e-9)


@pytest.mark.parametrize("n_features", [20, 150, 400])
@pytest.mark.parametrize("per_target", [False, True])
def test_himalayas_kernel_ridge_with_the_same_split(problem, n_features, per_target):
    from himalaya.kernel_ridge import KernelRidgeCV
    from himalaya.scoring import correlation_score

    x, y = problem(2, LENGTHS, n_features, 8, strength=0.8)
    ours = fit_runs(x, y, alphas=ALPHAS, alpha_per_target=per_target)
    for test in range(4):
        kept = [r for r in range(4) if r != test]
        X, Y = np.concatenate([x[r] for r in kept]), np.concatenate([y[r] for r in kept])
        first = LENGTHS[kept[0]]
        model = KernelRidgeCV(
            ALPHAS,
            cv=[(np.arange(first, len(X)), np.arange(first))],
            warn=False,
            solver_params={"local_alpha": per_target, "score_func": correlation_score},
        ).fit(X, Y)
        np.testing.assert_allclose(ours.alphas[test], model.best_alphas_[0] if not per_target
                                   else model.best_alphas_)  # fmt: skip
        theirs = correlation_score(y[test], model.predict(x[test]))
        np.testing.assert_allclose(ours.scores[test], theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("n_features", [30, 300])
def test_the_yardsticks_do_the_same_work(n_features):
    """What the benchmark times gives the engine's penalties and scores."""
    made = planted_problem(n_features, scans=(41, 50, 38, 45), n_voxels=300)
    alphas = np.logspace(1, 5, 9)
    ours = fit_runs(made.features, TargetBank(made.targets, dtype="float32"), alphas=alphas)
    himalaya = himalaya_part(made, alphas, n_tests=4)
    assert list(himalaya.alphas.values()) == pytest.approx(ours.alphas)
    for test, scores in himalaya.scores.items():
        np.testing.assert_allclose(ours.scores[test], scores, rtol=0, atol=2e-5)
    sklearn = scikit_learn_part(made, 9, ours.alphas[0])
    np.testing.assert_allclose(ours.scores[0], sklearn.scores[0], rtol=0, atol=1e-5)
    assert sklearn.whole > sklearn.measured > 0
