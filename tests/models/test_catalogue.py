"""Parameters of the catalogue against the architectures themselves, built without weights."""

import json
from pathlib import Path

import pytest

import hemiscale
from hemiscale.models import catalogue

DATASETS = Path(hemiscale.__file__).parent / "datasets"


def _gpt2(layers, width, heads, vocabulary=50257):
    sizes = {"n_layer": layers, "n_embd": width, "n_head": heads, "n_positions": 1024}
    ends = {"bos_token_id": 0, "eos_token_id": 0}
    return "gpt2", sizes | ends | {"vocab_size": vocabulary}


def _opt(layers, width, heads, projected=None):
    sizes = {"num_hidden_layers": layers, "hidden_size": width, "num_attention_heads": heads}
    rest = {"ffn_dim": 4 * width, "vocab_size": 50272, "max_position_embeddings": 2048}
    # OPT-350m alone has a narrower embedding, and norms behind its layers.
    narrow = {"word_embed_proj_dim": projected or width, "do_layer_norm_before": projected is None}
    return "opt", sizes | rest | narrow


def _mamba(layers, width):
    return "mamba", {"num_hidden_layers": layers, "hidden_size": width, "vocab_size": 50280}


def _rotary(kind, layers, width, inner, heads, keys, vocabulary, **rest):
    return kind, {
        "num_hidden_layers": layers,
        "hidden_size": width,
        "intermediate_size": inner,
        "num_attention_heads": heads,
        "num_key_value_heads": keys,
        "vocab_size": vocabulary,
        **rest,
    }


def _neox(layers, width, heads, vocabulary=50304):
    kind, sizes = _rotary("gpt_neox", layers, width, 4 * width, heads, heads, vocabulary)
    del sizes["num_key_value_heads"]
    return kind, sizes


TIED, APART = {"tie_word_embeddings": True}, {"tie_word_embeddings": False}
ARCHITECTURES = {
    "smollm2-135m": _rotary("llama", 30, 576, 1536, 9, 3, 49152, **TIED),
    "gemma-3-270m": _rotary("gemma3_text", 18, 640, 2048, 4, 1, 262144, head_dim=256),
    "gpt2": _gpt2(12, 768, 12),
    "gpt2-medium": _gpt2(24, 1024, 16),
    "gpt2-large": _gpt2(36, 1280, 20),
    "gpt2-xl": _gpt2(48, 1600, 25),
    "opt-125m": _opt(12, 768, 12),
    "opt-350m": _opt(24, 1024, 16, projected=512),
    "opt-1.3b": _opt(24, 2048, 32),
    "opt-2.7b": _opt(32, 2560, 32),
    "opt-6.7b": _opt(32, 4096, 32),
    "opt-13b": _opt(40, 5120, 40),
    "mamba-130m": _mamba(24, 768),
    "mamba-370m": _mamba(48, 1024),
    "mamba-790m": _mamba(48, 1536),
    "mamba-1.4b": _mamba(48, 2048),
    "mamba-2.8b": _mamba(64, 2560),
    "llama-2-7b": _rotary("llama", 32, 4096, 11008, 32, 32, 32000),
    "llama-2-13b": _rotary("llama", 40, 5120, 13824, 40, 40, 32000),
    "mistral-7b-v0.1": _rotary("mistral", 32, 4096, 14336, 32, 8, 32000),
    "gemma-2b": _rotary("gemma", 18, 2048, 16384, 8, 1, 256000, head_dim=256),
    "gemma-7b": _rotary("gemma", 28, 3072, 24576, 16, 16, 256000, head_dim=256),
    "stablelm-2-1_6b": _rotary("stablelm", 24, 2048, 5632, 32, 32, 100352, use_qkv_bias=True),
    "stablelm-3b-4e1t": _rotary("stablelm", 32, 2560, 6912, 32, 32, 50304),
    "stablelm-2-12b": _rotary(
        "stablelm", 40, 5120, 13824, 32, 8, 100352, use_parallel_residual=True, qk_layernorm=True
    ),
    "qwen1.5-0.5b": _rotary("qwen2", 24, 1024, 2816, 16, 16, 151936, **TIED),
    "qwen1.5-1.8b": _rotary("qwen2", 24, 2048, 5504, 16, 16, 151936, **APART),
    "qwen1.5-4b": _rotary("qwen2", 40, 2560, 6912, 20, 20, 151936, **APART),
    "qwen1.5-7b": _rotary("qwen2", 32, 4096, 11008, 32, 32, 151936, **APART),
    "qwen1.5-14b": _rotary("qwen2", 40, 5120, 13696, 40, 40, 152064, **APART),
    "gpt2-base-french": _gpt2(12, 768, 12, vocabulary=50000),
    "gpt2-tiny-chinese": _gpt2(4, 312, 12, vocabulary=21128),
    "gpt2-base-chinese": _gpt2(12, 768, 12, vocabulary=21128),
    "qwen2-0.5b": _rotary("qwen2", 24, 896, 4864, 14, 2, 151936, **TIED),
    "qwen2-1.5b": _rotary("qwen2", 28, 1536, 8960, 12, 2, 151936, **TIED),
    "qwen2-7b": _rotary("qwen2", 28, 3584, 18944, 28, 4, 152064, **APART),
    "pythia-70m": _neox(6, 512, 8),
    "pythia-160m": _neox(12, 768, 12),
    "pythia-410m": _neox(24, 1024, 16),
    "pythia-1b": _neox(16, 2048, 8),
    "pythia-1.4b": _neox(24, 2048, 16),
    "pythia-2.8b": _neox(32, 2560, 32),
    "pythia-6.9b": _neox(32, 4096, 32, vocabulary=50432),
    "pythia-12b": _neox(36, 5120, 40, vocabulary=50688),
    "olmo-2-1b": _rotary("olmo2", 16, 2048, 8192, 16, 16, 100352, **APART),
    "olmo-2-7b": _rotary("olmo2", 32, 4096, 11008, 32, 32, 100352, **APART),
    "olmo-2-13b": _rotary("olmo2", 40, 5120, 13824, 40, 40, 100352, **APART),
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_parameters_are_those_of_the_architecture(name):
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    kind, sizes = ARCHITECTURES[name]
    config = AutoConfig.for_model(kind, **sizes)
    # Only shapes are made, no numbers.
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    entry = catalogue()[name]
    assert entry.n_parameters == sum(parameter.numel() for parameter in model.parameters())
    assert (entry.n_layers, entry.width) == (config.num_hidden_layers, config.hidden_size)
    assert "counted from the architecture" in entry.checked["size"] or not entry.hub


def test_every_language_model_is_counted_or_lies_here():
    for name, entry in catalogue().items():
        if entry.kind == "language model" and not entry.folder:
            assert name in ARCHITECTURES


def test_the_ladder_is_as_its_files_say():
    from safetensors import safe_open

    for entry in catalogue().values():
        if entry.folder is None:
            continue
        folder = DATASETS / entry.folder
        config = json.loads((folder / "config.json").read_text())
        with safe_open(folder / "model.safetensors", framework="np") as weights:
            sizes = [weights.get_slice(key).get_shape() for key in weights.keys()]  # noqa: SIM118
        n_parameters = sum(size[0] * (size[1] if len(size) > 1 else 1) for size in sizes)
        assert entry.n_parameters == n_parameters
        assert (entry.n_layers, entry.width) == (config["n_layer"], config["n_embd"])
        assert entry.context == config["n_positions"]


def test_facts_that_were_checked_have_names_and_a_source():
    facts = {"size", "context", "licence", "gated", "steps", "files"}
    for name, entry in catalogue().items():
        assert set(entry.checked) <= facts, name
        assert all(against.strip() for against in entry.checked.values()), name
        if entry.kind == "language model":
            assert "size" in entry.checked, name
        assert "steps" not in entry.checked or entry.steps, name
