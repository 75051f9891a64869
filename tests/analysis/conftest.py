"""Synthetic scores files with planted truths."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

REGIONS = ("LATL", "RATL", "LPTL", "LIPL", "LPreM", "LIFG")
SIDES = ("left", "right", "left", "left", "left", "left")
MIRRORS = ("RATL", "LATL", "", "", "", "")


@pytest.fixture
def make_scores() -> Callable[..., xr.Dataset]:
    def make(
        name: str = "tiny",
        *,
        score: np.ndarray | None = None,
        validation: np.ndarray | None = None,
        subjects: tuple[str, ...] = ("average", "s1", "s2", "s3"),
        n_layers: int = 3,
        n_runs: int = 4,
        targets: tuple[str, ...] = REGIONS,
        hemispheres: tuple[str, ...] = SIDES,
        homologues: tuple[str, ...] = MIRRORS,
        seed: int = 0,
        **attrs: Any,
    ) -> xr.Dataset:
        generator = np.random.default_rng(seed)
        shape = (len(subjects), n_layers, n_runs, len(targets))
        if score is None:
            score = generator.normal(0.2, 0.05, shape)
        if validation is None:
            validation = generator.normal(0.2, 0.05, shape)
        dims = ("subject", "layer", "run", "target")
        values = {
            "model": name,
            "kind": "trained",
            "group": name,
            "family": "Tiny",
            "n_parameters": 1_000_000,
            "n_layers": score.shape[1] - 1,
            "width": 64,
            "seed": -1,
            "training_step": -1,
            "bits_per_byte": 1.5,
            "perplexity": 40.0,
            "fingerprint": "0",
        } | attrs
        return xr.Dataset(
            {
                "score": (dims, np.asarray(score, dtype=np.float32)),
                "validation_score": (dims, np.asarray(validation, dtype=np.float32)),
                "alpha": (dims[:3], np.full(score.shape[:3], 1e3)),
            },
            coords={
                "subject": list(subjects),
                "layer": np.arange(score.shape[1]),
                "run": np.arange(1, score.shape[2] + 1),
                "target": list(targets),
                "hemisphere": ("target", list(hemispheres)),
                "homologue": ("target", list(homologues)),
            },
            attrs=values,
        )

    return make
