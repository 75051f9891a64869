"""The same computation on torch: here on the processor, on a GPU where there is one."""

import numpy as np
import pytest
import torch

from hemiscale.encoding import TargetBank, fit_runs, intersubject_reliability
from hemiscale.encoding.devices import select_backend
from hemiscale.encoding.torch_backend import TorchBackend
from hemiscale.errors import HemiscaleError, HemiscaleWarning

ALPHAS = np.logspace(0, 5, 11)
DEVICES = ["torch-cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(autouse=True)
def one_torch_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_features", [30, 110, 300])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"validation": "all"},
        {"validation": "all", "search": "exhaustive"},
        {"alpha_per_target": True},
        {"penalty_groups": np.arange(400) % 3},
    ],
)
def test_torch_gives_what_numpy_gives(problem, device, dtype, n_features, options):
    x, y = problem(1, [40, 35, 45, 38], n_features, 400)
    numpy = fit_runs(x, TargetBank(y, dtype=dtype, block_size=64), alphas=ALPHAS, **options)
    bank = TargetBank(y, dtype=dtype, block_size=64, device=device)
    ours = fit_runs(x, bank, alphas=ALPHAS, **options)
    np.testing.assert_array_equal(ours.alphas, numpy.alphas)
    np.testing.assert_allclose(ours.scores, numpy.scores, rtol=0, atol=1e-5)
    np.testing.assert_allclose(ours.validation_scores, numpy.validation_scores, rtol=0, atol=1e-5)


@pytest.fixture
def as_a_gpu_does_it(monkeypatch):
    """Work on the processor in the way that suits a GPU of 8 GB."""
    monkeypatch.setattr(TorchBackend, "_is_gpu", lambda self: True)
    monkeypatch.setattr(TorchBackend, "_all_memory", lambda self: 8e9)


@pytest.mark.parametrize("small", [10, 1024])  # none and all systems are small
@pytest.mark.parametrize("n_features", [30, 300])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"validation": "all"},
        {"alpha_per_target": True},
        {"penalty_groups": np.arange(1100) % 3},
    ],
)
def test_small_systems_at_once(
    problem, dtype, options, n_features, small, as_a_gpu_does_it, monkeypatch
):
    monkeypatch.setattr("hemiscale.encoding.torch_backend._SMALL", small)
    x, y = problem(5, [40, 35, 45, 12, 38], n_features, 1100)
    numpy = fit_runs(x, TargetBank(y, dtype=dtype), alphas=ALPHAS, **options)
    bank = TargetBank(y, dtype=dtype, device="torch-cpu")
    assert len(bank) == 3  # where most penalties are dropped, where few are left, and the rest
    ours = fit_runs(x, bank, alphas=ALPHAS, **options)
    np.testing.assert_array_equal(ours.alphas, numpy.alphas)
    atol = 1e-6 if dtype == "float32" else 1e-11
    np.testing.assert_allclose(ours.scores, numpy.scores, rtol=0, atol=atol)
    np.testing.assert_allclose(ours.validation_scores, numpy.validation_scores, rtol=0, atol=2e-6)


def test_batches_have_bounds(as_a_gpu_does_it, monkeypatch):
    stacks = []
    stacked = TorchBackend._stacked

    def noted(self, matrices, dtype):
        stacks.append([len(matrix) for matrix in matrices])
        return stacked(self, matrices, dtype)

    monkeypatch.setattr(TorchBackend, "_stacked", noted)
    backend = TorchBackend("cpu")
    rng = np.random.default_rng(0)

    def inverses_are_right(sizes):
        stacks.clear()
        matrices = [np.cov(rng.standard_normal((n, 3 * n))) + np.eye(n) for n in sizes]
        given = [backend.array(matrix, "float64") for matrix in matrices]
        for matrix, inverse in zip(matrices, backend.spd_inverses(given, "float64"), strict=True):
            np.testing.assert_allclose(inverse.numpy(), np.linalg.inv(matrix), atol=1e-12)

    inverses_are_right([30, 20, 25, 31])
    assert stacks == [[30, 20, 25, 31]]
    inverses_are_right([300, *[10] * 12])  # mostly padding
    assert stacks == []
    monkeypatch.setattr("hemiscale.encoding.torch_backend._SMALL", 50)
    inverses_are_right([20, 20, 20, 20, 60, 20, 20, 20, 20])  # too large to wait for others
    assert stacks == [[20] * 4, [20] * 4]
    monkeypatch.setattr("hemiscale.encoding.torch_backend._BATCH_MEMORY", 8 * 5 * 20**2)
    inverses_are_right([20] * 8)
    assert stacks == [[20] * 5, [20] * 3]
    assert list(backend.spd_inverses([], "float64")) == []
    assert list(backend.spd_solves([], 1.0, [], "float64")) == []


@pytest.mark.parametrize(
    ("memory", "n_scans", "size"), [(8e10, 2701, 8192), (2e9, 10_000, 1562), (1e9, 100_000, 1024)]
)
def test_blocks_are_as_large_as_the_gpu(as_a_gpu_does_it, monkeypatch, memory, n_scans, size):
    monkeypatch.setattr(TorchBackend, "_all_memory", lambda self: memory)
    assert TorchBackend("cpu").block_size(n_scans) == size


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("standardise", [True, False])
def test_arrays_of_any_kind(problem, device, standardise):
    x, y = problem(6, [40, 35, 45], 30, 20)
    reference = fit_runs(x, y, alphas=ALPHAS, standardise=standardise)
    frozen = [run.copy() for run in x]
    for run in frozen:
        run.flags.writeable = False
    turned = [np.ascontiguousarray(run[:, ::-1])[:, ::-1] for run in x]
    other_end = [run.astype(">f8") for run in x]
    for given in (frozen, turned, other_end, [run.astype(np.longdouble) for run in x]):
        ours = fit_runs(given, y, alphas=ALPHAS, device=device, standardise=standardise)
        np.testing.assert_array_equal(ours.alphas, reference.alphas)
        np.testing.assert_allclose(ours.scores, reference.scores, rtol=0, atol=1e-10)


@pytest.mark.parametrize("device", ["cpu", *DEVICES])
def test_predictions_of_nothing_correlate_with_nothing(device):
    backend = select_backend(device)
    small = np.full((3, 8), 1e-30) * [[0.0], [1.0], [np.nan]]
    small[:, 0] *= 2
    target = np.random.default_rng(0).standard_normal((3, 8))
    prediction, target = (backend.array(x, "float32") for x in (small, target))
    norm = backend.array(np.ones(3), "float32")
    r = backend.numpy(backend.correlate(prediction, target, norm, centred=True))
    np.testing.assert_array_equal(r, 0)


@pytest.mark.parametrize("device", DEVICES)
def test_the_oracle_and_equal_bits(problem, oracle, device):
    x, y = problem(2, [40, 35, 45, 38], 200, 30)
    truth = oracle(x, y, ALPHAS, "all")
    ours, again = (fit_runs(x, y, alphas=ALPHAS, validation="all", device=device) for _ in range(2))
    np.testing.assert_array_equal(ours.alphas, truth.alphas[:, 0])
    np.testing.assert_allclose(ours.scores, truth.scores, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(ours.scores, again.scores)


@pytest.mark.parametrize("n_targets", [90, 400])  # less and more than two for each scan
@pytest.mark.parametrize("device", DEVICES)
def test_the_ceiling(device, n_targets):
    rng = np.random.default_rng(0)
    shared = [rng.standard_normal((60, n_targets)) for _ in range(3)]
    subjects = [[s + rng.standard_normal(s.shape) for s in shared] for _ in range(6)]
    numpy = intersubject_reliability(subjects, n_splits=2, seed=1)
    ours = intersubject_reliability(subjects, n_splits=2, seed=1, device=device)
    np.testing.assert_allclose(ours, numpy, rtol=0, atol=1e-6)


@pytest.mark.parametrize("device", DEVICES)
def test_blocks_that_do_not_fit_the_device_travel(problem, device, monkeypatch):
    x, y = problem(3, [40, 35, 45, 38], 30, 400)
    here = fit_runs(x, TargetBank(y, dtype="float32", block_size=64, device=device), alphas=ALPHAS)
    monkeypatch.setattr(TorchBackend, "free_memory", lambda self: 1000.0)
    bank = TargetBank(y, dtype="float32", block_size=64, device=device)
    assert isinstance(bank._blocks[0].data, np.ndarray)
    np.testing.assert_array_equal(fit_runs(x, bank, alphas=ALPHAS).scores, here.scores)


@pytest.mark.parametrize("default", [torch.float32, torch.float64])
@pytest.mark.parametrize("device", DEVICES)
def test_products_that_are_rounded_are_refused(problem, device, default, monkeypatch):
    x, y = problem(4, [40, 35, 45], 30, 20)
    y = TargetBank(y, device=device)  # made before something else sets torch
    if device == "cuda":  # as users set it, for language models
        torch.set_float32_matmul_precision("high")
    else:  # not every processor has such products
        exact = torch.Tensor.__matmul__
        monkeypatch.setattr(
            torch.Tensor,
            "__matmul__",
            lambda a, b: (
                exact(a.bfloat16(), b.bfloat16()).to(a.dtype)
                if a.dtype == torch.float32
                else exact(a, b)
            ),
        )
    torch.set_default_dtype(default)
    try:
        with pytest.raises(HemiscaleError, match=r"set_float32_matmul_precision\('highest'\)"):
            fit_runs(x, y, alphas=ALPHAS)
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_float32_matmul_precision("highest")


@pytest.mark.parametrize("device", DEVICES)
def test_matrices_that_cannot_be_factored(problem, device):
    backend = select_backend(device)
    bad = backend.array(-np.eye(3), "float64")
    with pytest.raises(np.linalg.LinAlgError, match=r"penalty 0\.5 is not positive definite"):
        backend.spd_inverse(bad, 0.5, "float64")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_the_processor_does_it_with_a_notice(problem):
    x, y = problem(4, [40, 35, 45], 30, 20)
    with pytest.warns(HemiscaleWarning, match="no device cuda here"):
        ours = fit_runs(x, y, alphas=ALPHAS, device="cuda")
    np.testing.assert_array_equal(ours.scores, fit_runs(x, y, alphas=ALPHAS).scores)
