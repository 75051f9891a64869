"""Reading a story beside the plain loop of the published scripts: speed, memory, agreement.

    python benchmarks/bench_activations.py compare austen-4m --context 512
    python benchmarks/bench_activations.py compare smollm2-135m --context 512
    python benchmarks/bench_activations.py runs smollm2-135m --words 8 40
    python benchmarks/bench_activations.py table

The story is the chapter of Alice that ships with the package: 2,127 words, the size of one run of
Le Petit Prince (nine runs, 1,708 words on average). The plain loop feeds one window after the
other through the whole model, steps by 64 tokens and averages words in numpy. Each way of reading
runs in a process of its own, one after the other, on one thread; time is processor time without
loading the model. Agreement is R² of the activations with those of windows that step by 64
tokens, over words and units of a layer. Results: ``benchmarks/results/activations-MODEL.json``.

``runs`` cuts the chapter into 40 runs of a few words, as in experiments with sentences, and reads
them one by one and as `read_stories` does, several in one batch. Results:
``benchmarks/results/short-runs-MODEL.json``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).parent / "results"
LOOP, REFERENCE = "plain loop, step 64", "hemiscale, step 64"


def ways(context):
    """Name each way of reading, with the arguments of `read_story`."""
    return {
        LOOP: {"context": context, "step": 64},
        REFERENCE: {"context": context, "step": 64},
        f"hemiscale, step {context // 4}": {"context": context, "step": context // 4},
        f"hemiscale, step {context // 2}": {"context": context, "step": context // 2},
        f"hemiscale, step {context - 1}": {"context": context, "step": context - 1},
        "hemiscale, single pass": {"context": None, "step": 64},
    }


def story():
    """Read text and word spans of Alice."""
    import pandas as pd

    from hemiscale.datasets import alice_study
    from hemiscale.stimulus import align_words, read_text

    folder = alice_study().parent
    text = read_text(folder / "text.txt")
    words = pd.read_csv(folder / "words.csv", keep_default_na=False)["word"].tolist()
    return text, align_words(words, text)


def plain_loop(model, tokenizer, text, spans, *, context, step):
    """Feed each window alone; take each token from the first window that holds it."""
    import torch

    from hemiscale.models.tokens import tokenize, words_to_tokens

    tokens = tokenize(tokenizer, text, bos="always")
    front = list(tokens.prefix)
    length = context - len(front)
    layers, start, read = None, 0, 0
    while read < len(tokens.ids):
        stop = min(start + length, len(tokens.ids))
        window = torch.tensor([[*front, *tokens.ids[start:stop].tolist()]])
        with torch.no_grad():
            output = model(window, output_hidden_states=True)
        states = [h[0].numpy() for h in output.hidden_states]
        if layers is None:
            layers = [np.empty((len(tokens.ids), h.shape[1]), np.float32) for h in states]
        for layer, hidden in zip(layers, states, strict=True):
            layer[read:stop] = hidden[len(front) + read - start :]
        read, start = stop, start + step
    ranges = words_to_tokens(spans, tokens, text)
    return np.stack([[layer[a:b].mean(axis=0) for a, b in ranges] for layer in layers])


def fed_tokens(n_tokens, length, step):
    """Count the tokens that are fed in all windows."""
    from hemiscale.models.windows import windows

    return sum(window.length for window in windows(n_tokens, length, step))


def measure(name, way, context, out):
    """Read once in this process, and note what it took."""
    import torch

    from hemiscale.bench.measure import cpu_seconds, peak_memory, sgemm_rate
    from hemiscale.models import load_model, read_story
    from hemiscale.models.contexts import window_length

    torch.set_num_threads(1)
    model, tokenizer = load_model(name)
    text, spans = story()
    options = ways(context)[way]
    before = peak_memory()

    def read():
        if way == LOOP:
            return plain_loop(model, tokenizer, text, spans, **options)
        return read_story(model, tokenizer, text, spans, bos="always", **options).activations

    seconds, activations = cpu_seconds(read)
    n_tokens = len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
    length = window_length(model, 1, options["context"])
    fed = fed_tokens(n_tokens, length, min(options["step"], length))
    n_parameters = sum(p.numel() for p in model.parameters())
    np.save(out, activations)
    return {
        "way": way,
        "cpu_seconds": seconds,
        "story_tokens": n_tokens,
        "tokens_fed": fed,
        "story_tokens_per_cpu_second": n_tokens / seconds,
        "fed_tokens_per_cpu_second": fed / seconds,
        "share_of_sgemm": 2 * n_parameters * fed / seconds / sgemm_rate(),
        "memory_before": before,
        "memory_peak": peak_memory(),
    }


def agreement(found, reference):
    """R² of each layer, over words and units, mean of each unit taken out of the reference."""
    residual = ((found - reference) ** 2).sum(axis=(1, 2), dtype=np.float64)
    centred = reference - reference.mean(axis=1, keepdims=True)
    return (1 - residual / (centred**2).sum(axis=(1, 2), dtype=np.float64)).tolist()


def compare(name, context):
    """Measure every way of reading in turn."""
    from hemiscale.bench.measure import machine_name
    from hemiscale.models import find_model

    longest = find_model(name).context or context
    rows, reference = [], None
    with tempfile.TemporaryDirectory() as scratch:
        for k, way in enumerate(ways(context)):
            if way.endswith("single pass") and longest <= context:
                continue
            out = Path(scratch) / f"{k}.npy"
            command = [sys.executable, __file__, "measure", name, way, str(context), str(out)]
            env = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
            row = json.loads(done.stdout.splitlines()[-1])
            found = np.load(out)
            if way == REFERENCE:
                reference = found
                rows[0]["r2_by_layer"] = agreement(np.load(Path(scratch) / "0.npy"), reference)
            if reference is not None:
                row["r2_by_layer"] = agreement(found, reference)
            rows.append(row)
            print(json.dumps(row), flush=True)
    RESULTS.mkdir(exist_ok=True)
    content = {
        "model": name,
        "context": context,
        "machine": machine_name(),
        "rows": rows,
    }
    path = RESULTS / f"activations-{name}.json"
    path.write_text(json.dumps(content, indent=1) + "\n")


def short_runs(name, n_words, n_runs=40):
    """Read many short runs one by one and in batches, in this process, each after a warm-up."""
    import torch

    from hemiscale.bench.measure import cpu_seconds, machine_name
    from hemiscale.models import load_model, read_stories, read_story

    torch.set_num_threads(1)
    model, tokenizer = load_model(name)
    text, spans = story()
    rows = []
    for words in n_words:
        texts, parts = [], []
        for first in range(0, min(words * n_runs, len(spans) - words), words):
            part = spans[first : first + words]
            texts.append(text[part[0, 0] : part[-1, 1]])
            parts.append(part - part[0, 0])

        def alone(texts=texts, parts=parts):
            return [
                read_story(model, tokenizer, one, part, bos="always").activations
                for one, part in zip(texts, parts, strict=True)
            ]

        def together(texts=texts, parts=parts):
            read = read_stories(model, tokenizer, texts, parts, bos="always")
            return [story.activations for story in read]

        alone(), together()
        one_by_one, expected = cpu_seconds(alone)
        in_batches, found = cpu_seconds(together)
        apart = [
            np.abs(a - b).max() / np.abs(b).max() for a, b in zip(found, expected, strict=True)
        ]
        rows.append(
            {
                "words_per_run": words,
                "runs": len(texts),
                "one_by_one_cpu_seconds": one_by_one,
                "in_batches_cpu_seconds": in_batches,
                "times_faster": one_by_one / in_batches,
                "largest_relative_difference": float(max(apart)),
            }
        )
        print(json.dumps(rows[-1]), flush=True)
    content = {"model": name, "machine": machine_name(), "rows": rows}
    path = RESULTS / f"short-runs-{name}.json"
    path.write_text(json.dumps(content, indent=1) + "\n")


def table():
    """Print what is stored, as a table."""
    print(
        "| model | way of reading | CPU-s | tokens of the story per CPU-s | tokens fed | "
        "share of sgemm | memory above the model, MB | R², worst layer | R², median layer |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    for path in sorted(RESULTS.glob("activations-*.json")):
        content = json.loads(path.read_text())
        for row in content["rows"]:
            r2 = np.array(row["r2_by_layer"])
            print(
                f"| {content['model']}, context {content['context']} | {row['way']} | "
                f"{row['cpu_seconds']:.1f} | {row['story_tokens_per_cpu_second']:.0f} | "
                f"{row['tokens_fed']} | {row['share_of_sgemm']:.2f} | "
                f"{(row['memory_peak'] - row['memory_before']) / 1e6:.0f} | "
                f"{r2.min():.4f} | {np.median(r2):.4f} |"
            )
    print("\n| model | 40 runs of | one by one, CPU-s | in batches, CPU-s | times faster |")
    print("|---|---|---:|---:|---:|")
    for path in sorted(RESULTS.glob("short-runs-*.json")):
        content = json.loads(path.read_text())
        for row in content["rows"]:
            print(
                f"| {content['model']} | {row['words_per_run']} words | "
                f"{row['one_by_one_cpu_seconds']:.1f} | {row['in_batches_cpu_seconds']:.1f} | "
                f"{row['times_faster']:.1f} |"
            )


def main():
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("compare")
    one.add_argument("model")
    one.add_argument("--context", type=int, default=512)
    runs = commands.add_parser("runs")
    runs.add_argument("model")
    runs.add_argument("--words", type=int, nargs="+", default=[8, 40])
    inner = commands.add_parser("measure")
    for name in ("model", "way", "context", "out"):
        inner.add_argument(name)
    commands.add_parser("table")
    given = parser.parse_args()
    if given.command == "compare":
        compare(given.model, given.context)
    elif given.command == "runs":
        short_runs(given.model, given.words)
    elif given.command == "measure":
        print(json.dumps(measure(given.model, given.way, int(given.context), given.out)))
    else:
        table()


if __name__ == "__main__":
    main()
