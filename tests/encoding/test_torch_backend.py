"""The same computation on torch: here on the processor, on a GPU where there is one."""

import numpy as np
import pytest

from hemiscale.encoding import TargetBank, fit_runs, intersubject_reliability
from hemiscale.encoding.devices import select_backend
from hemiscale.errors import HemiscaleError, HemiscaleWarning

torch = pytest.importorskip("torch")

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


@pytest.mark.parametrize("n_features", [30, 300])
@pytest.mark.parametrize("validation", ["first", "all"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_small_systems_at_once_as_on_a_gpu(problem, dtype, validation, n_features, monkeypatch):
    from hemiscale.encoding.torch_backend import TorchBackend

    x, y = problem(5, [40, 35, 45, 38], n_features, 400)
    numpy = fit_runs(x, TargetBank(y, dtype=dtype), alphas=ALPHAS, validation=validation)
    monkeypatch.setattr(TorchBackend, "_is_gpu", lambda self: True)
    bank = TargetBank(y, dtype=dtype, device="torch-cpu")
    ours = fit_runs(x, bank, alphas=ALPHAS, validation=validation)
    np.testing.assert_array_equal(ours.alphas, numpy.alphas)
    atol = 1e-6 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(ours.scores, numpy.scores, rtol=0, atol=atol)
    np.testing.assert_allclose(ours.validation_scores, numpy.validation_scores, rtol=0, atol=1e-6)


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
    from hemiscale.encoding.torch_backend import TorchBackend

    x, y = problem(3, [40, 35, 45, 38], 30, 400)
    here = fit_runs(x, TargetBank(y, dtype="float32", block_size=64, device=device), alphas=ALPHAS)
    monkeypatch.setattr(TorchBackend, "free_memory", lambda self: 1000.0)
    bank = TargetBank(y, dtype="float32", block_size=64, device=device)
    assert isinstance(bank._blocks[0].data, np.ndarray)
    np.testing.assert_array_equal(fit_runs(x, bank, alphas=ALPHAS).scores, here.scores)


@pytest.mark.parametrize("device", DEVICES)
def test_products_that_are_rounded_are_refused(problem, device, monkeypatch):
    x, y = problem(4, [40, 35, 45], 30, 20)
    if device == "cuda":  # as users set it, for language models
        torch.set_float32_matmul_precision("high")
    else:  # not every processor has such products
        exact = torch.Tensor.__matmul__
        monkeypatch.setattr(
            torch.Tensor, "__matmul__", lambda a, b: exact(a.bfloat16(), b.bfloat16()).to(a.dtype)
        )
    try:
        with pytest.raises(HemiscaleError, match=r"set_float32_matmul_precision\('highest'\)"):
            fit_runs(x, y, alphas=ALPHAS, device=device)
    finally:
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
