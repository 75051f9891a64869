"""The table that sets scores and slopes against reliability, region by region."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from hemiscale.analysis import write_tables

N_PAIRS = 9
NAMES = tuple(f"{side}{k}" for k in range(N_PAIRS) for side in "LR")
SIDES = ("left", "right") * N_PAIRS
MIRRORS = tuple(f"{side}{k}" for k in range(N_PAIRS) for side in "RL")
SIZES = (10**6, 10**7, 10**8)


@pytest.fixture
def reliability():
    return np.random.default_rng(0).uniform(0.2, 0.7, 2 * N_PAIRS)


@pytest.fixture
def ceiling(reliability):
    return xr.Dataset(
        {"reliability": (("split", "target"), np.tile(reliability, (3, 1)).astype(np.float32))},
        coords={"target": list(NAMES), "hemisphere": ("target", list(SIDES))},
    )


@pytest.fixture
def study(make_scores, reliability):
    """Scores that follow the reliability, the more so the larger the model: 0.3, 0.4, 0.5."""
    generator = np.random.default_rng(1)
    found = []
    for k, size in enumerate(SIZES):
        score = (0.3 + 0.1 * k) * reliability + generator.normal(0, 0.004, (5, 1, 4, 2 * N_PAIRS))
        validation = (score.sum(axis=2, keepdims=True) - score) / 3
        found.append(
            make_scores(
                f"m{k}",
                score=score,
                validation=validation,
                subjects=("average", "s1", "s2", "s3", "s4"),
                targets=NAMES,
                hemispheres=SIDES,
                homologues=MIRRORS,
                n_parameters=size,
            )
        )
    return found


def test_what_is_planted_comes_back_with_its_interval(study, ceiling, tmp_path):
    write_tables(study, ceiling, tmp_path)
    table = pd.read_csv(tmp_path / "reliability.tsv", sep="\t")
    rows = table.set_index(["model", "quantity", "subjects"])
    assert len(rows) == 3 * 2 * 2 + 2 * 2
    for k in range(3):
        for quantity, n in (("score", 2 * N_PAIRS), ("left_minus_right", N_PAIRS)):
            for subjects, over in (("listeners", "listeners"), ("average", "runs")):
                row = rows.loc[f"m{k}", quantity, subjects]
                assert row["slope"] == pytest.approx(0.3 + 0.1 * k, abs=0.02)
                assert row["low"] < 0.3 + 0.1 * k + 0.01
                assert row["high"] > 0.3 + 0.1 * k - 0.01
                assert row["r"] > 0.98
                assert (row["interval_over"], row["n"]) == (over, 4)
                assert row["n_parcels"] == n
    law = rows.loc["all trained models", "slope of left_minus_right", "listeners"]
    assert law["slope"] == pytest.approx(0.1 / np.log(10), abs=0.005)
    assert law["low"] > 0


def test_few_regions_and_no_ceiling_say_nothing(make_scores, ceiling, study, tmp_path):
    write_tables(study, None, tmp_path)
    assert pd.read_csv(tmp_path / "reliability.tsv", sep="\t").empty
    small = xr.Dataset(
        {"reliability": (("split", "target"), np.full((2, 6), 0.5, np.float32))},
        coords={
            "target": study[0]["target"].values[:6],
            "hemisphere": ("target", list(SIDES[:6])),
        },
    )
    write_tables([one.isel(target=slice(6)) for one in study], small, tmp_path)
    assert pd.read_csv(tmp_path / "reliability.tsv", sep="\t").empty
