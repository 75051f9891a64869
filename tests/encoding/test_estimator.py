"""`RidgeRuns`: scikit-learn's rules, and the numbers of `fit_runs` and of `Ridge`."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from hemiscale.encoding import RidgeRuns, fit_runs
from hemiscale.errors import HemiscaleWarning

ALPHAS = np.logspace(0, 4, 9)


@pytest.fixture
def study(problem):
    x, y = problem(7, [40, 35, 45, 38], 12, 6)
    groups = np.repeat(["b", "a", "d", "c"], [40, 35, 45, 38])
    return x, y, np.concatenate(x), np.concatenate(y), groups


@pytest.mark.parametrize("options", [{}, {"validation": "all"}, {"alpha_per_target": True}])
def test_scores_are_those_of_fit_runs(study, options):
    x, y, X, Y, groups = study
    ridge = RidgeRuns(ALPHAS, **options).fit(X, Y, groups)
    truth = fit_runs(x, y, alphas=ALPHAS, **options)
    np.testing.assert_array_equal(ridge.runs_, ["b", "a", "d", "c"])
    np.testing.assert_array_equal(ridge.scores_, truth.scores)
    np.testing.assert_array_equal(ridge.alphas_, truth.alphas)
    np.testing.assert_array_equal(ridge.validation_scores_, truth.validation_scores)


def test_runs_need_not_lie_together(study):
    _, _, X, Y, groups = study
    order = np.argsort(np.concatenate([np.arange(n) for n in (40, 35, 45, 38)]), kind="stable")
    ridge = RidgeRuns(ALPHAS).fit(X, Y, groups)
    mixed = RidgeRuns(ALPHAS).fit(X[order], Y[order], groups[order])
    np.testing.assert_array_equal(ridge.scores_, mixed.scores_)


@pytest.mark.parametrize("n_features", [12, 300])
@pytest.mark.parametrize("per_target", [False, True])
def test_the_model_on_all_runs_is_scikit_learns(problem, n_features, per_target):
    x, y = problem(8, [40, 35, 45, 38], n_features, 6)
    X, Y = np.concatenate(x), np.concatenate(y)
    groups = np.repeat(np.arange(4), [40, 35, 45, 38])
    ours = RidgeRuns(ALPHAS, alpha_per_target=per_target).fit(X, Y, groups)
    assert np.isin(ours.alpha_, ALPHAS).all()
    theirs = Ridge(alpha=ours.alpha_, fit_intercept=False).fit(X, Y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-10)
    np.testing.assert_allclose(ours.predict(X, groups), theirs.predict(X), rtol=0, atol=1e-9)


def test_raw_data_are_standardised_within_runs(study):
    _, _, X, Y, groups = study
    offset = np.where(groups == "a", 100.0, 3.0)[:, None]
    ridge = RidgeRuns(ALPHAS).fit(X, Y, groups)
    raw = RidgeRuns(ALPHAS).fit(7 * X + offset, 40 * Y - offset, groups)
    np.testing.assert_array_equal(ridge.alphas_, raw.alphas_)
    np.testing.assert_allclose(ridge.scores_, raw.scores_, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ridge.coef_, raw.coef_, rtol=0, atol=1e-9)
    one_run = X[groups == "d"]
    np.testing.assert_allclose(
        raw.predict(7 * one_run + 1000), ridge.predict(one_run), rtol=0, atol=1e-9
    )


def test_a_vector_of_targets_gives_vectors(study):
    _, _, X, Y, groups = study
    both = RidgeRuns(ALPHAS, alpha_per_target=True).fit(X, Y, groups)
    one = RidgeRuns(ALPHAS, alpha_per_target=True).fit(X, Y[:, 2], groups)
    assert (one.scores_.shape, one.coef_.shape, one.predict(X).shape) == ((4,), (12,), (158,))
    np.testing.assert_allclose(one.scores_, both.scores_[:, 2], rtol=0, atol=1e-12)
    assert one.alpha_ == both.alpha_[2]


def test_targets_without_scores_have_no_weights(study):
    _, _, X, Y, groups = study
    Y = Y.copy()
    Y[5, 3] = np.nan
    with pytest.warns(HemiscaleWarning, match="1 of 6 targets"):
        ridge = RidgeRuns(ALPHAS).fit(X, Y, groups)
    np.testing.assert_array_equal(np.isnan(ridge.coef_).any(axis=1), np.arange(6) == 3)
    assert np.isnan(ridge.predict(X, groups)[:, 3]).all()


def test_clone_and_pipeline(study):
    _, _, X, Y, groups = study
    ridge = RidgeRuns(ALPHAS, validation="all")
    fitted = clone(ridge).fit(X, Y, groups)
    assert not hasattr(ridge, "scores_")
    chain = make_pipeline(PCA(5, random_state=0), ridge).fit(X, Y, ridgeruns__groups=groups)
    reduced = PCA(5, random_state=0).fit_transform(X)
    expected = clone(ridge).fit(reduced, Y, groups)
    np.testing.assert_array_equal(chain[-1].scores_, expected.scores_)
    np.testing.assert_array_equal(chain.predict(X), expected.predict(reduced))
    assert fitted.scores_.shape == expected.scores_.shape


def test_what_is_missing_is_said(study):
    _, _, X, Y, groups = study
    with pytest.raises(ValueError, match="needs groups"):
        RidgeRuns().fit(X, Y)
    with pytest.raises(ValueError, match="one label per scan"):
        RidgeRuns().fit(X, Y, groups[:-1])
    with pytest.raises(ValueError, match="158 scans and y has 157"):
        RidgeRuns().fit(X, Y[:-1], groups)
    X = X.copy()
    X[groups == "d", 7] = 1.0
    with pytest.raises(ValueError, match=r"Run 3: .*: 7 "):
        RidgeRuns().fit(X, Y, groups)


class PairsOfScans(RidgeRuns):
    """scikit-learn's checks know no groups, and sort or repeat their targets."""

    def __init__(self, alphas=(1.0, 10.0), *, standardise=False):
        super().__init__(alphas, standardise=standardise)

    def fit(self, X, y, groups=None):
        n_scans = X.shape[0] if hasattr(X, "shape") else np.asarray(X).shape[0]
        return super().fit(X, y, np.arange(n_scans) // 2 % 3)


@parametrize_with_checks(
    [PairsOfScans()],
    expected_failed_checks=lambda _: {
        "check_fit2d_1feature": "its target is 0 for all scans",
    },
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)
