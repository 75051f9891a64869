"""Score every layer of a small model on Alice, and choose one without looking at the test."""

from __future__ import annotations

import numpy as np

from hemiscale.analysis import best_layers, take_layers
from hemiscale.brain import clean_time_courses, read_region_table
from hemiscale.datasets import alice_study
from hemiscale.encoding import contiguous_blocks, fit_runs, hrf_design, standardise
from hemiscale.models import extract_activations, load_model
from hemiscale.stimulus import align_words, read_text, read_words

T_R = 2.0
REGIONS = ["LATL", "RATL", "LPTL", "LIPL", "LPreM", "LIFG"]


def main(name: str = "austen-0.1m") -> None:
    """Print each layer's score, and that of the layer that validation chooses."""
    folder = alice_study().parent
    words, text = read_words(folder / "words.csv"), read_text(folder / "text.txt")
    spans = align_words(list(words["word"]), text)
    model, tokenizer = load_model(name)
    layers = extract_activations(model, tokenizer, text, spans, bos="always")

    tables = sorted((folder / "timecourses_6mm").glob("s*-timecourses.txt"))
    listeners = [read_region_table(path, REGIONS) for path in tables if "s33" not in path.name]
    average = np.mean(
        [standardise(clean_time_courses(scans, T_R, high_pass=128)) for scans in listeners], axis=0
    )
    design = hrf_design(
        words["onset"], words["offset"] - words["onset"], n_scans=len(average), t_r=T_R
    )[10:-10]
    blocks = contiguous_blocks(len(design), 6, gap=8)
    targets = [standardise(average[10:-10][block]) for block in blocks]

    test, validation = [], []
    for activations in layers:
        columns = design @ activations
        scores = fit_runs(
            [standardise(columns[block]) for block in blocks],
            targets,
            alphas=np.logspace(0, 7, 22),
            validation="all",
        )
        test.append(scores.scores)
        # Mean over validation runs: none of them saw the test run.
        validation.append(np.nanmean(scores.validation_scores, axis=1))
        print(f"layer {len(test) - 1}: {np.mean(scores.scores):.3f}")
    chosen = best_layers(np.stack(validation))
    print(f"chosen by validation: {np.nanmean(take_layers(np.stack(test), chosen)):.3f}")


if __name__ == "__main__":
    main()
