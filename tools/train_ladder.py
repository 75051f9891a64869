"""Train the ladder: four small GPT-2-style language models that ship with hemiscale.

The models share their text (Jane Austen's six novels, public domain, from Debian's package
r-cran-janeaustenr), their tokenizer and their number of training tokens, and differ in size
only. The third one is also kept at six points of its training. Everything is stored as float16
safetensors; the bits per byte in training.json are those of the stored weights. One core needs
about an hour; models that are already there, made by the same recipe, are not trained again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# Before torch and tokenizers are imported: with one thread, a run can be repeated to the bit.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import tokenizers
import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from ladder_text import (
    BOS,
    PACKAGE,
    Novels,
    encode,
    load_novels,
    make_tokenizer,
    save_tokenizer,
    split_chapters,
    split_held_out,
)

DEFAULT_OUT = Path(__file__).resolve().parents[1] / "src/hemiscale/datasets/ladder"


@dataclass(frozen=True)
class Rung:
    """One model of the ladder and the points of its training to keep."""

    name: str
    width: int
    layers: int
    heads: int
    learning_rate: float
    seed: int
    kept: tuple[float, ...] = ()  # shares of all steps, roughly even in the logarithm


LADDER = (
    Rung("austen-0.1m", 32, 2, 2, 6e-3, 101),
    Rung("austen-0.4m", 64, 4, 4, 4e-3, 102),
    Rung("austen-1.1m", 128, 4, 4, 2.5e-3, 103, (0.01, 0.025, 0.06, 0.15, 0.35, 0.65)),
    Rung("austen-4m", 192, 8, 6, 1.5e-3, 104),
)


@dataclass(frozen=True)
class Recipe:
    """What all models have in common."""

    epochs: int = 3
    batch_windows: int = 2
    context: int = 512
    vocabulary: int = 2048
    held_out_share: float = 0.05
    bos_share: float = 0.5
    warmup_share: float = 0.02
    final_learning_rate_share: float = 0.02
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.99)
    clip_norm: float = 1.0
    dropout: float = 0.0


@dataclass(frozen=True)
class Corpus:
    """The text as the models get it: tokens to train on, and chapters held out."""

    description: dict[str, Any]
    tokenizer: PreTrainedTokenizerFast
    train: torch.Tensor
    held_out: list[str]


def make_corpus(novels: Novels, recipe: Recipe) -> Corpus:
    """Split and tokenize the novels; every chapter begins with BOS."""
    chapters = [split_chapters(lines) for lines in novels.lines.values()]
    parts = [split_held_out(novel, recipe.held_out_share) for novel in chapters]
    texts = [text for train, _ in parts for text in train]
    held_out = [text for _, held_out in parts for text in held_out]
    tokenizer = make_tokenizer(texts, recipe.vocabulary, recipe.context)
    bos = tokenizer.bos_token_id
    tokens = torch.tensor([i for text in texts for i in [bos, *encode(tokenizer, text)]])
    description = {
        "package": PACKAGE,
        "version": novels.version,
        "novels": list(novels.lines),
        "chapters": sum(len(novel) for novel in chapters),
        "train_bytes": sum(len(text.encode()) for text in texts),
        "train_tokens": len(tokens),
        "train_sha256": sha256(BOS.join(texts)),
        "held_out_bytes": sum(len(text.encode()) for text in held_out),
        "held_out_sha256": sha256(BOS.join(held_out)),
    }
    return Corpus(description, tokenizer, tokens, held_out)


def sha256(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


# ---------------------------------------------------------------- training


def batches(tokens: torch.Tensor, recipe: Recipe, bos: int, seed: int) -> Iterator[torch.Tensor]:
    """Yield batches of windows: every epoch other borders, another order.

    A part of the windows begins with BOS, so that the models know running text with and
    without it in front.
    """
    random = torch.Generator().manual_seed(seed)
    n_windows = (len(tokens) - recipe.context) // recipe.context
    for _ in range(recipe.epochs):
        start = int(torch.randint(recipe.context, (1,), generator=random))
        windows = tokens[start : start + n_windows * recipe.context].view(n_windows, -1).clone()
        windows[torch.rand(n_windows, generator=random) < recipe.bos_share, 0] = bos
        order = torch.randperm(n_windows, generator=random)
        for chosen in order.split(recipe.batch_windows):
            if len(chosen) == recipe.batch_windows:
                yield windows[chosen]


def count_steps(tokens: torch.Tensor, recipe: Recipe) -> int:
    """Return the number of batches that `batches` yields."""
    n_windows = (len(tokens) - recipe.context) // recipe.context
    return recipe.epochs * (n_windows // recipe.batch_windows)


def learning_rate_share(step: int, n_steps: int, recipe: Recipe) -> float:
    """Return the share of the peak learning rate at a step: linear warm-up, then a cosine."""
    warmup = max(1, round(recipe.warmup_share * n_steps))
    if step < warmup:
        return (step + 1) / warmup
    cosine = 0.5 * (1 + math.cos(math.pi * (step - warmup) / (n_steps - warmup)))
    low = recipe.final_learning_rate_share
    return low + (1 - low) * cosine


def make_model(rung: Rung, recipe: Recipe, bos: int) -> GPT2LMHeadModel:
    """Return an untrained model, the same one every time."""
    torch.manual_seed(rung.seed)
    config = GPT2Config(
        vocab_size=recipe.vocabulary,
        n_positions=recipe.context,
        n_embd=rung.width,
        n_layer=rung.layers,
        n_head=rung.heads,
        # GPT-2's 0.02 belongs to a width of 768; narrower models with it learn far slower.
        initializer_range=round(0.02 * math.sqrt(768 / rung.width), 4),
        # The same function as GPT-2's "gelu_new", in one fused operation.
        activation_function="gelu_pytorch_tanh",
        embd_pdrop=recipe.dropout,
        attn_pdrop=recipe.dropout,
        resid_pdrop=recipe.dropout,
        bos_token_id=bos,
        eos_token_id=bos,
        attn_implementation="sdpa",
    )
    return GPT2LMHeadModel(config)


def train(rung: Rung, recipe: Recipe, corpus: Corpus) -> Iterator[tuple[int, GPT2LMHeadModel]]:
    """Train one model; yield it, with the step, at the steps to keep and at the end."""
    bos = corpus.tokenizer.bos_token_id
    model = make_model(rung, recipe, bos).train()
    matrices = [p for p in model.parameters() if p.dim() > 1]
    vectors = [p for p in model.parameters() if p.dim() == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}],
        lr=rung.learning_rate,
        betas=recipe.betas,
        weight_decay=recipe.weight_decay,
        fused=True,
    )
    n_steps = count_steps(corpus.train, recipe)
    kept = {round(share * n_steps) for share in rung.kept} | {n_steps}
    losses: list[float] = []
    for step, ids in enumerate(batches(corpus.train, recipe, bos, rung.seed)):
        for group in optimizer.param_groups:
            group["lr"] = rung.learning_rate * learning_rate_share(step, n_steps, recipe)
        loss = model(ids, labels=ids, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        if (step + 1) % 100 == 0:
            recent = sum(losses[-100:]) / 100
            print(f"{rung.name} step {step + 1}/{n_steps} loss {recent:.3f}", flush=True)
        if step + 1 in kept:
            yield step + 1, model


# ---------------------------------------------------------------- measuring and storing


@torch.inference_mode()
def bits_per_byte(
    model: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerFast, texts: list[str]
) -> float:
    """Return the bits that a model needs per UTF-8 byte of some texts.

    Every text begins with BOS. Windows of the full context move by half a context, and every
    token is predicted once, from at least half a context where the text has that much.
    """
    context = model.config.n_positions
    nats, n_bytes = 0.0, 0
    for text in texts:
        ids = torch.tensor([tokenizer.bos_token_id, *encode(tokenizer, text)])
        n_bytes += len(text.encode())
        done = 1
        for start in range(0, max(1, len(ids) - context // 2), context // 2):
            window, first = ids[start : start + context], done - start
            logits = model(window[None], use_cache=False).logits[0, first - 1 : -1].double()
            nats += float(
                torch.nn.functional.cross_entropy(logits, window[first:], reduction="sum")
            )
            done = start + len(window)
    return nats / math.log(2) / n_bytes


def store(model: GPT2LMHeadModel, folder: Path) -> None:
    """Write a model as float16 safetensors with its configuration."""
    deepcopy(model).half().save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)


def measure_stored(folder: Path, corpus: Corpus) -> float:
    """Return the held-out bits per byte of stored (float16) weights, used as float32."""
    model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32).eval()
    return round(bits_per_byte(model, corpus.tokenizer, corpus.held_out), 4)


def build_rung(rung: Rung, recipe: Recipe, corpus: Corpus, out: Path) -> dict[str, Any]:
    """Train, measure and store one model; return its entry for training.json."""
    draft = out / f"{rung.name}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    n_steps = count_steps(corpus.train, recipe)
    entry: dict[str, Any] = asdict(rung) | {"steps": n_steps}
    checkpoints = []
    for step, model in train(rung, recipe, corpus):
        folder = draft if step == n_steps else draft / f"step-{step:05d}"
        store(model, folder)
        score = measure_stored(folder, corpus)
        print(f"{rung.name} step {step}/{n_steps}: {score} bits per byte", flush=True)
        if step < n_steps:
            checkpoints.append({"step": step, "held_out_bits_per_byte": score})
        else:
            entry["parameters"] = model.num_parameters()
            entry["held_out_bits_per_byte"] = score
    shutil.rmtree(out / rung.name, ignore_errors=True)
    draft.replace(out / rung.name)
    return entry | {"checkpoints": checkpoints}


def start_record(path: Path, corpus: Corpus, recipe: Recipe) -> dict[str, Any]:
    """Return the content of training.json, with those models that need no training again."""
    shared = {
        "data": corpus.description,
        "tokenizer_sha256": sha256(corpus.tokenizer.backend_tokenizer.to_str()),
        "recipe": asdict(recipe),
    }
    old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    same = all(old.get(key) == value for key, value in as_json(shared).items())
    options = "" if recipe.epochs == Recipe.epochs else f" --epochs {recipe.epochs}"
    return {
        "command": f"python tools/train_ladder.py{options}",
        **shared,
        "models": old["models"] if same else {},
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "tokenizers": tokenizers.__version__,
        },
        "wall_seconds": old["wall_seconds"] if same else {},
    }


def as_json(content: dict[str, Any]) -> dict[str, Any]:
    """Return what is read back when this is written as JSON, which knows no tuples."""
    return json.loads(json.dumps(content))


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file in one move, so that no reader finds half of it."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


def readme_rows(models: dict[str, Any]) -> str:
    """Return the rows of the table in the ladder's README."""
    rows = []
    for name, model in models.items():
        shape = f"{model['parameters']:,} | {model['layers']} | {model['width']}"
        steps = [
            *(
                (c["step"], c["held_out_bits_per_byte"], f"{name}@step{c['step']}")
                for c in model["checkpoints"]
            ),
            (model["steps"], model["held_out_bits_per_byte"], name),
        ]
        rows += [f"| {label} | {shape} | {step:,} | {bits:.4f} |" for step, bits, label in steps]
    return "\n".join(rows)


def update_readme(path: Path, models: dict[str, Any]) -> None:
    """Put the rows into the README, where its table stands."""
    if path.exists():
        head = "|---|---:|---:|---:|---:|---:|\n"
        before, after = path.read_text(encoding="utf-8").split(head)
        rest = after[after.index("\n\n") :]
        path.write_text(before + head + readme_rows(models) + rest, encoding="utf-8")


# ---------------------------------------------------------------- command line


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    names = [rung.name for rung in LADDER]
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--novels",
        type=Path,
        metavar="FOLDER_OR_DEB",
        help=f"{PACKAGE} as a .deb, or a folder it is unpacked or installed in "
        "(default: apt-get download, into a temporary folder)",
    )
    parser.add_argument(
        "--out", type=Path, default=DEFAULT_OUT, help="where the models go (default: the package)"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=names,
        default=names,
        metavar="MODEL",
        help="train these models only: " + ", ".join(names),
    )
    parser.add_argument(
        "--epochs", type=int, default=Recipe.epochs, help="default: %(default)s, as shipped"
    )
    return parser.parse_args()


def main() -> None:
    """Make the tokenizer, and all models that are not there yet."""
    arguments = parse_arguments()
    out = arguments.out
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    recipe = Recipe(epochs=arguments.epochs)
    with tempfile.TemporaryDirectory() as scratch:
        corpus = make_corpus(load_novels(arguments.novels, Path(scratch)), recipe)
    save_tokenizer(corpus.tokenizer, out / "tokenizer")
    record = start_record(out / "training.json", corpus, recipe)
    for rung in LADDER:
        if rung.name not in arguments.only:
            continue
        known = record["models"].get(rung.name, {})
        if as_json(asdict(rung)).items() <= known.items() and (out / rung.name).exists():
            print(f"{rung.name} is there already", flush=True)
            continue
        began = time.monotonic()
        record["models"][rung.name] = build_rung(rung, recipe, corpus, out)
        record["wall_seconds"][rung.name] = round(time.monotonic() - began)
        write_json(out / "training.json", record)
    update_readme(out / "README.md", record["models"])


if __name__ == "__main__":
    main()
