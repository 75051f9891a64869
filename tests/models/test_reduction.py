import numpy as np
import pytest
from sklearn.decomposition import PCA

from hemiscale.models.reduction import principal_components, project, random_projection


def standardised(rng, n_scans, n_features):
    X = rng.standard_normal((n_scans, 8)) @ rng.standard_normal((8, n_features))
    X += 0.3 * rng.standard_normal((n_scans, n_features))
    return (X - X.mean(axis=0)) / X.std(axis=0)


def test_random_projection_keeps_inner_products_in_expectation():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 400))
    matrix = random_projection(400, 5000, seed=1)
    assert matrix.dtype == np.float32
    projected_a, projected_b = a @ matrix, b @ matrix
    # Relative error of squared norms: sqrt(2 / dimensions) = 2 %.
    assert projected_a @ projected_a == pytest.approx(a @ a, rel=0.08)
    tolerance = 4 * np.linalg.norm(a) * np.linalg.norm(b) / np.sqrt(5000)
    assert projected_a @ projected_b == pytest.approx(a @ b, abs=tolerance)


def test_random_projection_depends_on_seed_and_sizes_only():
    first = random_projection(30, 10, seed=0)
    np.testing.assert_array_equal(first, random_projection(30, 10, seed=0))
    assert not np.array_equal(first, random_projection(30, 10, seed=1))
    assert not np.array_equal(first[:, :5] * np.sqrt(2), random_projection(30, 5, seed=0))


@pytest.mark.parametrize("n_features", [20, 300], ids=["more scans", "more features"])
def test_principal_components_are_those_of_scikit_learn(n_features):
    rng = np.random.default_rng(1)
    runs = [standardised(rng, n, n_features) for n in (50, 60, 40)]
    ours = principal_components(runs, 6)
    X = np.concatenate(runs)
    theirs = PCA(6, svd_solver="full").fit(X).components_.T
    cosines = np.abs((ours / np.linalg.norm(ours, axis=0) * theirs).sum(axis=0))
    np.testing.assert_allclose(cosines, 1, atol=1e-10)
    scores = X @ ours
    assert scores.var(axis=0).mean() == pytest.approx(1)
    assert np.all(np.diff(scores.var(axis=0)) < 0)
    assert np.all(np.take_along_axis(ours, np.abs(ours).argmax(axis=0)[None], 0) > 0)


def test_no_more_components_than_the_rank():
    rng = np.random.default_rng(2)
    X = rng.standard_normal((40, 3)) @ rng.standard_normal((3, 30))
    assert principal_components([X[:20], X[20:]], 10).shape == (30, 3)


def test_project():
    rng = np.random.default_rng(3)
    runs = [rng.standard_normal((5, 4)).astype(np.float32) for _ in range(2)]
    matrix = rng.standard_normal((4, 2))
    for made, run in zip(project(runs, matrix), runs, strict=True):
        assert made.dtype == np.float32
        np.testing.assert_allclose(made, run @ matrix, rtol=1e-5, atol=1e-6)
