"""A tiny study on disk, with brain data made from known features."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

STUDY = """\
name = "tiny"
title = "A tiny simulated study"
simulated = true

[stimulus]
words = "words.csv"
text = "text.txt"

[recordings]
files = "{subject}.txt"
subjects = ["s1", "s2", "s3", "s4"]
t_r = 2.0
ceiling_splits = 3

[[recordings.regions]]
name = "L"
hemisphere = "left"
homologue = "R"

[[recordings.regions]]
name = "R"
hemisphere = "right"
homologue = "L"

[design]
blocks = 4
gap = 8.0

[baselines]
word_rate = true
random_vectors = { dimensions = [20], seeds = 2 }
random_embeddings = { dimensions = [20], seeds = 2 }
"""

VOCABULARY = [
    "the",
    "a",
    "rabbit",
    "ran",
    "down",
    "hole",
    "and",
    "then",
    "saw",
    "queen",
    "who",
    "said",
    "nothing",
    "at",
    "all",
    "but",
    "looked",
    "very",
    "cross",
    "while",
    "alice",
    "drank",
    "some",
    "tea",
    "with",
    "sugar",
]


class NoiseRuns:
    """A listener whose runs are drawn when they are asked for, as if they were read from disk."""

    def __init__(self, number: int, n_runs: int, n_scans: int, n_targets: int) -> None:
        self.number, self.n_runs, self.shape = number, n_runs, (n_scans, n_targets)

    def __len__(self) -> int:
        return self.n_runs

    def __getitem__(self, run: int) -> np.ndarray:
        rng = np.random.default_rng([self.number, run])
        return rng.standard_normal(self.shape, dtype=np.float32)


@pytest.fixture
def noise_runs() -> type[NoiseRuns]:
    """Give listeners of noise that hold nothing in memory."""
    return NoiseRuns


@pytest.fixture
def study_folder(tmp_path: Path) -> Path:
    """Write a study whose left region follows word onsets and whose right one is noise."""
    from hemiscale.encoding import hrf_design

    rng = np.random.default_rng(0)
    n_scans, t_r = 160, 2.0
    gaps = rng.uniform(0.25, 0.9, size=600)
    onsets = gaps.cumsum()
    onsets = onsets[onsets < n_scans * t_r - 1]
    # Pauses make the word rate vary, so that it can be told from noise.
    onsets = onsets[np.sin(onsets / 9) > -0.3]
    words = [VOCABULARY[i] for i in rng.integers(0, len(VOCABULARY), len(onsets))]
    folder = tmp_path / "study"
    folder.mkdir()
    pd.DataFrame({"word": words, "onset": onsets, "offset": onsets + 0.2}).to_csv(
        folder / "words.csv", index=False
    )
    (folder / "text.txt").write_text(" ".join(words), encoding="utf-8")
    signal = hrf_design(onsets, np.full(len(onsets), 0.2), n_scans, t_r).sum(axis=1)
    signal = (signal - signal.mean()) / signal.std()
    for subject in ("s1", "s2", "s3", "s4"):
        noise = rng.normal(size=(n_scans, 2))
        np.savetxt(folder / f"{subject}.txt", 100 + noise + np.stack([2 * signal, 0 * signal], 1))
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return folder
