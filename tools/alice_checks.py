"""What was checked about the Alice study: timing, penalties, attention sink, alignment.

Reads a finished results folder of ``hemiscale demo`` and writes the tables of docs/alice.md,
between its markers.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd

from hemiscale.brain import average_subject, clean_time_courses, read_region_table
from hemiscale.datasets import alice_study
from hemiscale.encoding import contiguous_blocks, fit_runs, hrf_design, standardise
from hemiscale.results import read_activations, read_dataset
from hemiscale.stimulus import read_words
from hemiscale.study import Study, read_study

REGIONS = ["LATL", "RATL", "LPTL", "LIPL", "LPreM", "LIFG"]
SHIFTS = (-6.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 6.0)


def markdown(frame: pd.DataFrame) -> str:
    """Return a data frame of strings as a Markdown table, numbers to the right."""
    head = "| " + " | ".join(frame.columns) + " |"
    rule = "|---|" + "---:|" * (len(frame.columns) - 1)
    rows = ["| " + " | ".join(row) + " |" for row in frame.astype(str).to_numpy()]
    return "\n".join([head, rule, *rows])


def groups_by_region(results: Path) -> str:
    """Return scores of the average subject by region, seeds averaged."""
    models = pd.read_csv(results / "tables/models.tsv", sep="\t")
    regions = pd.read_csv(results / "tables/regions.tsv", sep="\t")
    chosen = regions.query("layer_choice == 'validation' and subjects == 'average'")
    chosen = chosen[chosen["region"].isin(REGIONS)].merge(models[["model", "group"]], on="model")
    wide = chosen.pivot_table(index="group", columns="region", values="score", aggfunc="mean")
    wide = wide.loc[list(dict.fromkeys(models["group"])), REGIONS]
    wide["mean"] = wide.mean(axis=1)
    shown = wide.map("{:.3f}".format).reset_index(names="model or baseline")
    return markdown(shown)


def groups_over_listeners(results: Path) -> str:
    """Return the mean over listeners and regions with its interval, and left minus right."""
    groups = pd.read_csv(results / "tables/groups.tsv", sep="\t")

    def interval(name: str) -> pd.Series:
        columns = groups[[name, f"{name}_low", f"{name}_high"]]
        return columns.apply(
            lambda r: f"{r.iloc[0]:.3f} [{r.iloc[1]:.3f}, {r.iloc[2]:.3f}]", axis=1
        )

    bits = groups["bits_per_byte"].map(lambda x: f"{x:.3f}" if np.isfinite(x) else "")
    shown = pd.DataFrame(
        {
            "model or baseline": groups["group"],
            "bits per byte of the story": bits,
            "score, 27 listeners": interval("score"),
            "layer by test score": groups["score_test_selected"].map("{:.3f}".format),
            "left minus right (LATL, RATL)": interval("left_minus_right"),
        }
    )
    return markdown(shown)


def average_runs(study: Study) -> list[np.ndarray]:
    """Return the average subject's clean time courses, cut into blocks and standardised."""
    folder, recordings = Path(study.folder), study.recordings
    subjects = [
        clean_time_courses(
            read_region_table(folder / recordings.files.format(subject=s, run=1), REGIONS),
            recordings.t_r,
            high_pass=recordings.high_pass,
        )
        for s in recordings.subjects
    ]
    whole = average_subject(subjects)
    return [standardise(whole[block]) for block in blocks_of(study, len(whole))]


def blocks_of(study: Study, n_scans: int) -> list[slice]:
    """Return the scans of the blocks of the cross-validation."""
    t_r = study.recordings.t_r
    trim, gap = round(study.design.trim / t_r), round(study.design.gap / t_r)
    found = contiguous_blocks(n_scans - 2 * trim, study.design.blocks, gap=gap)
    return [slice(block.start + trim, block.stop + trim) for block in found]


def shifted_scores(results: Path, study: Study) -> str:
    """Return scores when all words are moved in time: they should be best where words are."""
    words = read_words(Path(study.folder) / "words.csv")
    onsets = words["onset"].to_numpy()
    durations = (words["offset"] - words["onset"]).to_numpy()
    brain = average_runs(study)
    alphas = np.geomspace(1.0, 1e7, 22)
    features = {"word rate": np.ones((len(words), 1))}
    for name in ("austen-0.4m", "smollm2-135m"):
        path = results / "activations" / name / "run-01.safetensors"
        if path.is_file():
            layers, _, _ = read_activations(path)
            middle = len(layers) // 2
            features[f"{name}, layer {middle}"] = layers[middle]
    rows = []
    for shift in SHIFTS:
        design = hrf_design(onsets + shift, durations, 362, study.recordings.t_r)
        row = {"words moved by": f"{shift:+g} s" if shift else "0 s"}
        for name, values in features.items():
            sampled = design @ values.astype(np.float64)
            runs = [standardise(sampled[block]) for block in blocks_of(study, len(sampled))]
            fit = fit_runs(runs, brain, alphas=alphas, validation="all")
            row[name] = f"{np.nanmean(fit.scores):.3f}"
        rows.append(row)
    return markdown(pd.DataFrame(rows))


def penalties(results: Path) -> str:
    """Return how often the chosen penalty is the smallest or the largest of the grid."""
    rows = []
    for path in sorted((results / "scores").glob("*.nc")):
        data = read_dataset(path)
        if str(data.attrs["kind"]) not in ("trained", "static embedding", "control"):
            continue
        alpha = data["alpha"]
        average = alpha.sel(subject="average").to_numpy()
        rows.append(
            {
                "model or baseline": path.stem,
                "median, average subject": f"{np.median(average):.0f}",
                "median, listeners": f"{np.median(alpha.to_numpy()):.0f}",
                "smallest chosen": f"{np.mean(alpha.to_numpy() <= 1.0 + 1e-9):.1%}",
                "largest chosen": f"{np.mean(alpha.to_numpy() >= 1e7 - 1):.1%}",
            }
        )
    return markdown(pd.DataFrame(rows))


def sinks(results: Path) -> str:
    """Return the norm of the first token of the story over the median, the largest layer."""
    found = json.loads((results / "diagnostics.json").read_text(encoding="utf-8"))
    rows = []
    for model, runs in found["attention_sink"].items():
        if "untrained" in model or "step" in model:
            continue
        first = np.array(runs[0]["first_token_norm"]) / np.array(runs[0]["median_norm"])
        row = {"model": model, "first token of the story": f"{first.max():.1f}"}
        prefix = runs[0].get("prefix_norm")
        if prefix:
            row["token put in front"] = f"{np.max(np.array(prefix) / runs[0]['median_norm']):.1f}"
        rows.append(row)
    return markdown(pd.DataFrame(rows).fillna(""))


def main() -> None:
    """Fill the tables of docs/alice.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="results folder of hemiscale demo")
    page = Path(__file__).resolve().parents[1] / "docs" / "alice.md"
    parser.add_argument("--page", type=Path, default=page)
    arguments = parser.parse_args()
    study = read_study(alice_study())
    tables = {
        "regions": groups_by_region(arguments.results),
        "listeners": groups_over_listeners(arguments.results),
        "shifts": shifted_scores(arguments.results, study),
        "penalties": penalties(arguments.results),
        "sinks": sinks(arguments.results),
    }
    text = arguments.page.read_text(encoding="utf-8")
    for name, table in tables.items():
        marks = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
        text = re.sub(marks, lambda m, t=table: m[1] + t + "\n" + m[2], text, flags=re.DOTALL)
    arguments.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
