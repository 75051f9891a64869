"""A results folder of a voxel study with made-up scores (marked simulated)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from hemiscale.analysis import write_tables
from hemiscale.pipeline.voxels import write_maps
from hemiscale.results import write_dataset

STEP = 12.0
N_RUNS = 4
LISTENERS = tuple(f"sub-{k:02d}" for k in range(1, 7))
MODELS = tuple(
    (f"{family}-{size}", family, parameters, layers)
    for family, layers in (("alpha", 4), ("beta", 6), ("gamma", 5), ("delta", 3), ("iota", 4))
    for size, parameters in (("small", 1.2e8), ("large", 7.1e9))
)

STUDY = """\
name = "simulated-voxels"
title = "A simulated story, in voxels"
description = "Made-up scores in the shape of a volume study."
simulated = true

[recordings]
t_r = 2.0
paper_regions = true
atlas = "boxes.nii.gz"
"""


def grid() -> dict[str, Any]:
    """An ellipsoid of 12 mm voxels, mirror-symmetric about x = 0."""
    axes = [np.arange(-5, 6) * STEP, np.arange(-8, 6) * STEP, np.arange(-4, 7) * STEP]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = (((places - [0, -18, 10]) / [66, 88, 65]) ** 2).sum(axis=1) < 1
    places = places[inside]
    position = {tuple(place): k for k, place in enumerate(places)}
    mirror = np.array([position[(-x, y, z)] for x, y, z in places])
    side = np.where(places[:, 0] < 0, "left", np.where(places[:, 0] > 0, "right", "midline"))
    mirror[side == "midline"] = -1
    return {
        "target": [f"v{k}" for k in range(len(places))],
        "hemisphere": ("target", side),
        "x": ("target", places[:, 0]),
        "y": ("target", places[:, 1]),
        "z": ("target", places[:, 2]),
        "mirror": ("target", mirror),
    }


def _temporal(coords: dict[str, Any]) -> np.ndarray:
    """A bump over both temporal lobes: where scores are high."""
    x, y, z = (coords[name][1] for name in "xyz")
    return np.exp(-(((np.abs(x) - 50) / 25) ** 2 + ((y + 20) / 35) ** 2 + (z / 25) ** 2))


def _scores(name: str, kind: str, family: str, parameters: float, layers: int, seed: int) -> Any:
    coords = grid()
    rng = np.random.default_rng(seed)
    bump = _temporal(coords)
    size = np.log10(max(parameters, 1e8) / 1e8)
    level = {"trained": 0.2 + 0.04 * size, "untrained": 0.1, "checkpoint": 0.15}.get(kind, 0.09)
    left = (coords["hemisphere"][1] == "left") * (0.012 * (size - 0.4) if kind == "trained" else 0)
    depth = np.linspace(0, 1, layers + 1) if layers else np.array([0.6])
    profile = 0.7 + 0.3 * np.exp(-(((depth - 0.6) / 0.4) ** 2))
    talent = np.concatenate([[1.0], np.linspace(0.35, 0.6, len(LISTENERS))])
    score = np.einsum("s,l,t->slt", talent, profile, (0.25 + bump) * (level + left))
    shape = (len(talent), len(depth), N_RUNS, len(bump))
    noisy = {
        kind_of: (
            ("subject", "layer", "run", "target"),
            (score[:, :, None, :] + rng.normal(0, 0.02, shape)).astype(np.float32),
        )
        for kind_of in ("score", "validation_score")
    }
    return xr.Dataset(
        noisy | {"alpha": (("subject", "layer", "run"), np.full(shape[:3], 1e3))},
        coords={
            "subject": ["average", *LISTENERS],
            "layer": np.arange(len(depth)),
            "run": np.arange(1, N_RUNS + 1),
            **coords,
        },
        attrs={
            "model": name,
            "kind": kind,
            "group": name.removesuffix("-seed0"),
            "family": family,
            "n_parameters": int(parameters),
            "n_layers": layers,
            "width": 64,
            "seed": -1,
            "training_step": int(name.rpartition("step")[2]) if kind == "checkpoint" else -1,
            "bits_per_byte": 1.4 - 0.15 * size if kind == "trained" else float("nan"),
            "perplexity": 30 - 8 * size if kind == "trained" else float("nan"),
        },
    )


def make_regions(coords: dict[str, Any]) -> dict[str, np.ndarray]:
    """Two of the paper's regions on both sides, and an atlas of twelve boxes on the left."""
    x, y, z = (coords[axis][1] for axis in "xyz")
    half = {"AG_TPJ": np.abs(y + 50) < 20, "BA45": (np.abs(y - 20) < 20) & (z < 20)}
    regions = {
        f"{name}_{side}": inside & ((x < 0) if side == "left" else (x > 0))
        for name, inside in half.items()
        for side in ("left", "right")
    }
    for k in range(12):
        low = -102 + 27 * (k // 2)
        regions[f"parcel_{k + 1}"] = (x < 0) & (y >= low) & (y < low + 27) & ((z > 10) == k % 2)
    return regions


def _side(name: str) -> str:
    return "right" if name.endswith("_right") else "left"


def _homologue(name: str) -> str:
    base, _, side = name.rpartition("_")
    return {"left": f"{base}_right", "right": f"{base}_left"}.get(side, "")


def write_voxel_results(folder: Path) -> Path:
    """Write all that `write_report` reads of a voxel study."""
    folder.mkdir(parents=True, exist_ok=True)
    coords = grid()
    rng = np.random.default_rng(11)
    bump = _temporal(coords)
    regions = make_regions(coords)
    ceiling = xr.Dataset(
        {
            "reliability": (
                ("split", "target"),
                (0.15 + 0.4 * bump + rng.normal(0, 0.03, (10, len(bump)))).astype(np.float32),
            )
        },
        coords=coords,
    )
    write_dataset(folder / "ceiling.nc", ceiling)
    shape = (11, 14, 11)
    first = np.array([-5, -8, -4])
    places = np.stack([coords[axis][1] for axis in "xyz"], axis=1)
    mask = np.zeros(shape, dtype=bool)
    mask[tuple((np.rint(places / STEP).astype(int) - first).T)] = True
    affine = np.diag([STEP, STEP, STEP, 1.0])
    affine[:3, 3] = first * STEP
    voxels = xr.Dataset(
        {
            "mask": (("i", "j", "k"), mask),
            "affine": (("row", "column"), affine),
            "region": (("region_name", "target"), np.stack(list(regions.values()))),
        },
        coords={
            "region_name": list(regions),
            "region_hemisphere": ("region_name", [_side(name) for name in regions]),
            "region_homologue": ("region_name", [_homologue(name) for name in regions]),
            **coords,
        },
    )
    write_dataset(folder / "voxels.nc", voxels)
    everything = [(name, "trained", family, n, layers) for name, family, n, layers in MODELS]
    everything += [("alpha-small-untrained-seed0", "untrained", "alpha", 1.2e8, 4)]
    everything += [(f"alpha-small@step{n}", "checkpoint", "alpha", 1.2e8, 4) for n in (8, 64, 512)]
    everything += [("word-rate", "control", "", 0, 0), ("glove", "static embedding", "", 0, 0)]
    maps = write_tables(
        (_scores(*what, seed=k) for k, what in enumerate(everything)),
        ceiling,
        folder / "tables",
        voxels=voxels,
        columns={"hellaswag": {name: 30 + 15 * np.log10(n / 1e8) for name, _, n, _ in MODELS}},
    )
    assert maps is not None
    write_maps(maps, voxels, folder / "maps", simulated=True)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    for name, content in (
        ("diagnostics.json", {"scans": [{"run": k + 1, "scans": 300} for k in range(N_RUNS)]}),
        ("timings.json", {}),
    ):
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder
