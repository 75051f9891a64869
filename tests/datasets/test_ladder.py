"""The language models that ship with the package are whole, small, and better with size."""

import json
import math
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

LADDER = Path(str(files("hemiscale"))) / "datasets" / "ladder"
TRAINING = json.loads((LADDER / "training.json").read_text(encoding="utf-8"))
MODELS = {name: LADDER / name for name in TRAINING["models"]}
CHECKPOINTS = {
    checkpoint["step"]: folder / f"step-{checkpoint['step']:05d}"
    for name, folder in MODELS.items()
    for checkpoint in TRAINING["models"][name]["checkpoints"]
}
FOLDERS = [*MODELS.values(), *CHECKPOINTS.values()]

# Mansfield Park, chapter 47: from the part that was held out.
HELD_OUT = (
    "Sir Thomas, however, remained yet a little longer in town, in the hope of discovering and "
    "snatching her from farther vice, though all was lost on the side of character.\n"
    "His present state Fanny could hardly bear to think of. There was but one of his children who "
    "was not at this time a source of misery to him. Tom's complaints had been greatly heightened "
    "by the shock of his sister's conduct, and his recovery so much thrown back by it, that even "
    "Lady Bertram had been struck by the difference, and all her alarms were regularly sent off to "
    "her husband; and Julia's elopement, the additional blow which had met him on his arrival in "
    "London, though its force had been deadened at the moment, must, she knew, be sorely felt. She "
    "saw that it was. His letters expressed how much he deplored it. Under any circumstances it "
    "would have been an unwelcome alliance; but to have it so clandestinely formed, and such a "
    "period chosen for its completion, placed Julia's feelings in a most unfavourable light, and "
    "severely aggravated the folly of her choice."
)


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(LADDER / "tokenizer")


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@torch.inference_mode()
def bits_per_byte(folder, tokenizer):
    ids = torch.tensor([[tokenizer.bos_token_id, *tokenizer(HELD_OUT)["input_ids"]]])
    nats = torch.nn.functional.cross_entropy(
        load(folder)(ids).logits[0, :-1], ids[0, 1:], reduction="sum"
    )
    return float(nats) / math.log(2) / len(HELD_OUT.encode())


def test_four_models_and_six_checkpoints_are_there():
    assert len(MODELS) == 4
    assert len(CHECKPOINTS) == 6
    stored = {path.parent for path in LADDER.rglob("model.safetensors")}
    assert stored == set(FOLDERS)


def test_the_ladder_fits_into_the_package():
    assert sum(path.stat().st_size for path in LADDER.rglob("*") if path.is_file()) < 25_000_000


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_weights_are_float16_and_finite(folder):
    with safe_open(folder / "model.safetensors", framework="pt") as stored:
        for name in stored.keys():  # noqa: SIM118 - not a dict
            tensor = stored.get_tensor(name)
            assert tensor.dtype == torch.float16, name
            assert tensor.isfinite().all(), name


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_configurations_say_what_the_weights_are(folder, tokenizer):
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["dtype"] == "float16"
    assert config["bos_token_id"] == config["eos_token_id"] == tokenizer.bos_token_id
    assert config["n_positions"] == tokenizer.model_max_length == 512
    assert config["vocab_size"] == len(tokenizer) == 2048


@pytest.mark.parametrize("name", MODELS)
def test_parameters_are_as_recorded(name):
    recorded = TRAINING["models"][name]["parameters"]
    folders = [MODELS[name], *MODELS[name].glob("step-*")]
    assert [load(folder).num_parameters() for folder in folders] == [recorded] * len(folders)


def test_tokenizer_gives_back_the_text_and_its_offsets(tokenizer):
    text = 'Down, down, down--would the fall "never" come to an end?  \u00a3100\n'
    encoded = tokenizer(text, return_offsets_mapping=True)
    assert set(encoded) == {"input_ids", "attention_mask", "offset_mapping"}
    assert tokenizer.decode(encoded["input_ids"]) == text
    covered = {i for start, end in encoded["offset_mapping"] for i in range(start, end)}
    assert covered == set(range(len(text)))


def test_larger_models_predict_held_out_text_better(tokenizer):
    by_size = sorted(MODELS, key=lambda name: TRAINING["models"][name]["parameters"])
    bits = [bits_per_byte(MODELS[name], tokenizer) for name in by_size]
    assert bits == sorted(bits, reverse=True)
    assert bits[-1] < 2


def test_recorded_bits_fall_by_many_standard_errors_from_size_to_size():
    # The standard error of a difference between two sizes is about 0.001 to 0.002 bits per byte
    # (stretches of chapters resampled; see the ladder's README).
    bits = [model["held_out_bits_per_byte"] for model in TRAINING["models"].values()]
    assert all(larger < smaller - 0.01 for smaller, larger in pairwise(bits))


def test_training_goes_on_from_checkpoint_to_checkpoint(tokenizer):
    (owner,) = {folder.parent for folder in CHECKPOINTS.values()}
    bits = [bits_per_byte(CHECKPOINTS[step], tokenizer) for step in sorted(CHECKPOINTS)]
    bits.append(bits_per_byte(owner, tokenizer))
    assert bits == sorted(bits, reverse=True)
    assert bits[0] / bits[-1] > 1.5
