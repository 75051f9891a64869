"""Tiny random models of every family, and a plain loop that reads a story window by window."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import hemiscale

LADDER = Path(hemiscale.__file__).parent / "datasets" / "ladder"

TEXT = (
    "“Come, there’s no use in crying like that!” said Alice to herself, rather sharply; "
    "“I advise you to leave off this minute!”\n\nShe generally gave herself very good advice, "
    "(though she very seldom followed it), and sometimes she scolded herself so severely as to "
    "bring tears into her eyes."
)

_SMALL = {
    "vocab_size": 2048,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 32,
    "initializer_range": 0.2,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": None,
}

FAMILIES = {
    "gpt2": {"n_positions": 32, "n_embd": 32, "n_layer": 3, "n_head": 4},
    "opt": {"ffn_dim": 48, "word_embed_proj_dim": 32, "pad_token_id": 1},
    "llama": {"num_key_value_heads": 2},
    "qwen2": {"num_key_value_heads": 2},
    "gemma": {"num_key_value_heads": 1, "head_dim": 8},
    "stablelm": {"num_key_value_heads": 4},
    "mistral": {"num_key_value_heads": 2, "sliding_window": 16},
    "mamba": {"state_size": 4},
    "gpt_neox": {},
    "olmo2": {"num_key_value_heads": 2},
}


def tiny_model(family: str, seed: int = 1, **changes):
    """Make a random model of a family, in evaluation mode."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    settings = _SMALL | FAMILIES[family] | changes
    if family == "gpt2":
        drop = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
        settings = {
            k: v for k, v in settings.items() if k not in (*drop, "max_position_embeddings")
        }
    if family == "mamba":
        settings = {k: v for k, v in settings.items() if k != "max_position_embeddings"}
    config = AutoConfig.for_model(family, **settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AutoModelForCausalLM.from_config(config).eval()


def opt_350m_like(seed: int = 1):
    """Make a model whose embedding is narrower than its layers."""
    return tiny_model("opt", seed, word_embed_proj_dim=16, do_layer_norm_before=False)


def word_spans(text: str) -> np.ndarray:
    """Find the words of a text, without the punctuation around them."""
    spans, start = [], None
    for k, character in enumerate(text + " "):
        inside = character.isalnum() or (character == "’" and start is not None)
        if inside and start is None:
            start = k
        if not inside and start is not None:
            spans.append((start, k))
            start = None
    return np.array(spans)


def plain_loop(model, tokenizer, text, spans, *, context, step, bos):
    """Read a story in the most literal way: each token's window fed alone.

    Returns activations as a list over layers, and log-probabilities.
    """
    import torch

    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids, offsets = encoded["input_ids"], encoded["offset_mapping"]
    length = context - len(bos)
    states, log_probabilities, read_in = {}, [], None
    for token in range(len(ids)):
        k = 0
        while not k * step <= token < k * step + length:
            k += 1
        window = [*bos, *ids[k * step : k * step + length]]
        if read_in != k:
            with torch.no_grad():
                output = model(torch.tensor([window]), output_hidden_states=True)
            read_in = k
        place = len(bos) + token - k * step
        for layer, hidden in enumerate(output.hidden_states):
            states.setdefault(layer, []).append(hidden[0, place].numpy())
        log_probabilities.append(
            float(output.logits[0, place - 1].log_softmax(0)[ids[token]]) if place else np.nan
        )
    firsts = []
    for start, _ in spans:
        firsts.append(next(i for i, (_, end) in enumerate(offsets) if end > start))
    stops = [*firsts[1:], len(ids)]
    activations = [
        np.stack(
            [
                np.mean(states[layer][a : max(b, a + 1)], axis=0)
                for a, b in zip(firsts, stops, strict=True)
            ]
        )
        for layer in states
    ]
    return activations, np.array(log_probabilities)


@pytest.fixture(scope="session")
def tiny():
    """Give what tests share: `model(family)`, `opt_350m()`, `loop(...)`, `words(text)`."""
    return SimpleNamespace(
        model=tiny_model, opt_350m=opt_350m_like, loop=plain_loop, words=word_spans
    )


@pytest.fixture(scope="session")
def text():
    return TEXT


@pytest.fixture(scope="session")
def tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(LADDER / "tokenizer")


@pytest.fixture(scope="session")
def spans():
    return word_spans(TEXT)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HEMISCALE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
