"""Score features of your own, here word length and word rate, on the Alice recordings.

Everything is a plain function on arrays: put your own values in place of `features_of`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from hemiscale.brain import clean_time_courses, read_region_table
from hemiscale.datasets import alice_study
from hemiscale.encoding import contiguous_blocks, fit_runs, hrf_design, standardise
from hemiscale.stimulus import read_words

T_R = 2.0
REGIONS = ["LATL", "RATL", "LPTL", "LIPL", "LPreM", "LIFG"]


def features_of(words: pd.DataFrame) -> np.ndarray:
    """Give each word its features: words × features."""
    return np.column_stack([np.ones(len(words)), words["word"].str.len()])


def main() -> None:
    """Print the score of each region, averaged over listeners and blocks."""
    folder = alice_study().parent
    words = read_words(folder / "words.csv")
    tables = sorted((folder / "timecourses_6mm").glob("s*-timecourses.txt"))
    listeners = [read_region_table(path, REGIONS) for path in tables if "s33" not in path.name]
    average = np.mean(
        [standardise(clean_time_courses(scans, T_R, high_pass=128)) for scans in listeners], axis=0
    )

    design = hrf_design(
        words["onset"], words["offset"] - words["onset"], n_scans=len(average), t_r=T_R
    )
    columns = design @ features_of(words)

    # 20 s are dropped at both ends. One recording: six contiguous blocks, 16 s between them.
    columns, average = columns[10:-10], average[10:-10]
    blocks = contiguous_blocks(len(average), 6, gap=8)
    scores = fit_runs(
        [standardise(columns[block]) for block in blocks],
        [standardise(average[block]) for block in blocks],
        alphas=np.logspace(0, 7, 22),
        validation="all",
    )
    for region, score in zip(REGIONS, scores.mean, strict=True):
        print(f"{region:6s} {score:+.3f}")


if __name__ == "__main__":
    main()
