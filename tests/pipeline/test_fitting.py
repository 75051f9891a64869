import numpy as np
import pytest
from sklearn.decomposition import PCA

from hemiscale.encoding import TargetBank, fit_runs
from hemiscale.models.reduction import project, random_projection
from hemiscale.pipeline.fitting import fit_layer
from hemiscale.study import Encoding

ALPHAS = np.geomspace(1, 1e4, 5)
OPTIONS = {"alphas": ALPHAS, "validation": "all"}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    mixing, weights = rng.standard_normal((6, 40)), rng.standard_normal((6, 3))
    features, targets = [], []
    for n_scans in (60, 50, 70, 55):
        latent = rng.standard_normal((n_scans, 6))
        X = latent @ mixing + rng.standard_normal((n_scans, 40))
        features.append(((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32))
        targets.append(latent @ weights + 2 * rng.standard_normal((n_scans, 3)))
    return features, targets


def test_without_dimensions_or_below_them_nothing_is_reduced(data):
    plain = fit_runs(*data, **OPTIONS)
    for encoding in (Encoding(), Encoding(dimensions=40), Encoding(dimensions=99, reduction="pca")):
        np.testing.assert_array_equal(fit_layer(*data, encoding, **OPTIONS).scores, plain.scores)


def test_random_projection_is_the_same_for_all_runs_and_seeded(data):
    features, targets = data
    encoding = Encoding(dimensions=8, reduction_seed=3)
    made = fit_layer(features, targets, encoding, **OPTIONS)
    matrix = random_projection(40, 8, seed=3)
    expected = fit_runs(project(features, matrix), targets, **OPTIONS)
    np.testing.assert_array_equal(made.scores, expected.scores)
    other = fit_layer(features, targets, Encoding(dimensions=8, reduction_seed=4), **OPTIONS)
    assert not np.array_equal(made.scores, other.scores)


def test_principal_components_know_nothing_of_the_test_run(data):
    features, targets = data
    bank = TargetBank(targets)
    made = fit_layer(features, bank, Encoding(dimensions=6, reduction="pca"), **OPTIONS)
    targets = [(y - y.mean(axis=0)) / y.std(axis=0) for y in targets]
    for test in range(4):
        training = [k for k in range(4) if k != test]
        X = np.concatenate([features[k] for k in training]).astype(np.float64)
        pca = PCA(6, svd_solver="full").fit(X)
        scale = np.sqrt(pca.transform(X).var(axis=0).mean())
        Z, z = pca.transform(X) / scale, pca.transform(features[test].astype(float)) / scale
        y = np.concatenate([targets[k] for k in training])
        weights = np.linalg.solve(Z.T @ Z + made.alphas[test] * np.eye(6), Z.T @ y)
        expected = [
            np.corrcoef(p, t)[0, 1] for p, t in zip((z @ weights).T, targets[test].T, strict=True)
        ]
        np.testing.assert_allclose(made.scores[test], expected, atol=1e-5)
    assert made.validation_scores.shape == (4, 4, 3)
    assert np.isnan(made.validation_scores[np.arange(4), np.arange(4)]).all()
