"""Follow one word through the whole of hemiscale: from the text to the score of a region.

The same steps, with the files that a study keeps of them, are in docs/architecture.md.
"""

from __future__ import annotations

import numpy as np

from hemiscale.analysis import best_layers, take_layers
from hemiscale.brain import clean_time_courses, read_region_table
from hemiscale.datasets import alice_study
from hemiscale.encoding import contiguous_blocks, fit_runs, hrf_design, standardise
from hemiscale.models import extract_activations, load_model
from hemiscale.stimulus import align_words, read_text, read_words

T_R = 2.0
TRIM = 10  # scans dropped at both ends
REGIONS = ["LATL", "RATL", "LPTL", "LIPL", "LPreM", "LIFG"]


def main(word: str = "Rabbit", name: str = "austen-0.1m") -> None:
    """Print what becomes of the first occurrence of `word`."""
    folder = alice_study().parent

    print("stimulus")
    words, text = read_words(folder / "words.csv"), read_text(folder / "text.txt")
    spoken = list(words["word"])
    k = spoken.index(word)
    onset, offset = float(words["onset"][k]), float(words["offset"][k])
    print(f"  word {k + 1} of {len(spoken)}, {word!r}, heard from {onset:.2f} s to {offset:.2f} s")
    spans = align_words(spoken, text)
    first, last = spans[k]
    print(f"  characters {first} to {last} of the text: {text[first:last]!r}")

    print("models")
    model, tokenizer = load_model(name)
    layers = extract_activations(model, tokenizer, text, spans, bos="always")
    middle = len(layers) // 2
    values = ", ".join(f"{value:+.2f}" for value in layers[middle][k][:4])
    print(f"  {name}: {len(layers)} layers of {layers[middle].shape[1]} units")
    print(f"  its activation in layer {middle}: {values}, ...")

    print("encoding: from words to scans")
    tables = sorted((folder / "timecourses_6mm").glob("s*-timecourses.txt"))
    listeners = [read_region_table(path, REGIONS) for path in tables if "s33" not in path.name]
    n_scans = len(listeners[0])
    design = hrf_design(words["onset"], words["offset"] - words["onset"], n_scans=n_scans, t_r=T_R)
    heard = np.flatnonzero(np.abs(design[:, k]) > 0.01 * np.abs(design[:, k]).max())
    peak = int(np.argmax(design[:, k]))
    print(f"  it is felt in scans {heard[0]} to {heard[-1]}, most in scan {peak} ({peak * T_R} s)")

    print("brain")
    clean = [standardise(clean_time_courses(scans, T_R, high_pass=128)) for scans in listeners]
    average = np.mean(clean, axis=0)[TRIM:-TRIM]
    blocks = contiguous_blocks(len(average), 6, gap=8)
    order = np.arange(len(average))
    block = next(n for n, scans in enumerate(blocks) if peak - TRIM in order[scans])
    print(f"  average of {len(clean)} listeners, {len(average)} scans; its block: {block + 1} of 6")

    print("encoding: left-out blocks")
    targets = [standardise(average[scans]) for scans in blocks]
    test, validation = [], []
    for activations in layers:
        columns = (design @ activations)[TRIM:-TRIM]
        scores = fit_runs(
            [standardise(columns[scans]) for scans in blocks],
            targets,
            alphas=np.logspace(0, 7, 22),
            validation="all",
        )
        test.append(scores.scores)
        validation.append(np.nanmean(scores.validation_scores, axis=1))
    print(f"  layer {middle}, block {block + 1}: " + _told(test[middle][block]))

    print("analysis")
    chosen = best_layers(np.stack(validation))
    taken = take_layers(np.stack(test), chosen)
    print(f"  layers chosen without block {block + 1}: {chosen[block].tolist()}")
    print(f"  block {block + 1}: " + _told(taken[block]))
    print("  mean of six blocks, as in tables/regions.tsv: " + _told(np.nanmean(taken, axis=0)))


def _told(values: np.ndarray) -> str:
    return ", ".join(f"{name} {value:+.3f}" for name, value in zip(REGIONS, values, strict=True))


if __name__ == "__main__":
    main()
