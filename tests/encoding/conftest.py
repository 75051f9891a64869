"""An independent truth for the engine, written plainly: float64, Cholesky, no tricks."""

import numpy as np
import pytest
from scipy.linalg import cho_factor, cho_solve
from threadpoolctl import threadpool_limits


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Small matrices and a busy machine: more threads only wait for each other."""
    with threadpool_limits(1):
        yield


def pearson(a, b):
    return np.array([np.corrcoef(a[:, j], b[:, j])[0, 1] for j in range(a.shape[1])])


def ridge_predictions(x_runs, y_runs, left_out, run, alpha):
    kept = [r for r in range(len(x_runs)) if r not in left_out]
    X = np.concatenate([x_runs[r] for r in kept]).astype(np.float64)
    Y = np.concatenate([y_runs[r] for r in kept]).astype(np.float64)
    factor = cho_factor(X.T @ X + alpha * np.eye(X.shape[1]))
    return x_runs[run].astype(np.float64) @ cho_solve(factor, X.T @ Y)


class Oracle:
    """Leave-one-run-out ridge as a sentence: fit, predict, correlate, choose."""

    def __init__(self, x_runs, y_runs, alphas, validation, groups=None):
        n_runs, n_targets = len(x_runs), y_runs[0].shape[1]
        groups = np.zeros(n_targets, dtype=int) if groups is None else np.asarray(groups)
        self.curves = np.full((n_runs, n_runs, len(alphas), n_targets), np.nan)
        for t in range(n_runs):
            others = [v for v in range(n_runs) if v != t]
            for v in others[:1] if validation == "first" else others:
                for i, alpha in enumerate(alphas):
                    prediction = ridge_predictions(x_runs, y_runs, {t, v}, v, alpha)
                    self.curves[t, v, i] = pearson(prediction, y_runs[v].astype(np.float64))
        self.alphas = np.empty((n_runs, n_targets))
        self.scores = np.empty((n_runs, n_targets))
        self.validation_scores = np.full((n_runs, n_runs, n_targets), np.nan)
        for t in range(n_runs):
            curve = np.array([c for c in self.curves[t] if not np.isnan(c).all()]).mean(axis=0)
            for group in np.unique(groups):
                here = groups == group
                mean = curve[:, here].mean(axis=1)
                best = int(np.argmax(mean >= mean.max() - 1e-12))  # the first of equals
                self.alphas[t, here] = alphas[best]
                prediction = ridge_predictions(x_runs, y_runs, {t}, t, alphas[best])
                self.scores[t, here] = pearson(prediction, y_runs[t].astype(np.float64))[here]
                self.validation_scores[t][:, here] = self.curves[t, :, best][:, here]


@pytest.fixture(scope="session")
def oracle():
    return Oracle


def planted(seed, n_scans, n_features, n_targets, *, strength=0.4, rank=None):
    """Runs with a planted linear relation, standardised per run."""
    rng = np.random.default_rng(seed)
    rank = n_features if rank is None else rank
    mixing = rng.standard_normal((rank, n_features)) * np.linspace(2.0, 0.2, n_features)
    weights = rng.standard_normal((n_features, n_targets)) / np.sqrt(n_features)
    features, targets = [], []
    for n in n_scans:
        x = rng.standard_normal((n, rank)) @ mixing + 0.3 * rng.standard_normal((n, n_features))
        x = (x - x.mean(axis=0)) / x.std(axis=0)
        y = strength * x @ weights + rng.standard_normal((n, n_targets))
        features.append(x)
        targets.append((y - y.mean(axis=0)) / y.std(axis=0))
    return features, targets


@pytest.fixture(scope="session")
def problem():
    return planted
