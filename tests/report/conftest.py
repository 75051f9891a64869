"""A results folder as the pipeline leaves it, with made-up scores (marked simulated)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from filelock import FileLock

from hemiscale.analysis import write_tables

REGIONS = ("LATL", "RATL", "LPTL", "LIPL", "LPreM", "LIFG")
SIDES = ("left", "right", "left", "left", "left", "left")
MIRRORS = ("RATL", "LATL", "", "", "", "")
# How well each region is predicted, against the mean over regions.
STRENGTH = np.array([0.8, 0.75, 1.5, 1.1, 0.7, 1.15])
N_RUNS = 6

# What a study may carry that a page must not run or render: <script> in names and sentences.
HOSTILE = '<script>alert("hemiscale")</script> & <b>bold</b>'

STUDY = """\
# hemiscale 0.1.0
name = "simulated-alice"
title = "Alice in Wonderland, chapter 1, in English"
description = "Made-up scores in the shape of the Alice study: {n} listeners, six regions."
language = "en"
simulated = true
caveats = ["Twelve minutes of one story. {hostile}"]
attribution = "Nobody's data: numbers drawn by a random generator. {hostile}"
citation = "@misc{{nobody,\\n  title = {{Nothing}},\\n}}"

[recordings]
t_r = 2.0
subjects = [{subjects}]

[[recordings.regions]]
name = "LATL"
label = "left anterior temporal lobe"
hemisphere = "left"
homologue = "RATL"

[[recordings.regions]]
name = "RATL"
label = "right anterior temporal lobe"
hemisphere = "right"
homologue = "LATL"

[[recordings.regions]]
name = "LPTL"
label = "left posterior temporal lobe"
hemisphere = "left"

[design]
hrf_model = "glover"
blocks = 6
gap = 16.0
trim = 20.0

[encoding]
validation = "all"
"""


@dataclass(frozen=True)
class Invented:
    """What one feature set is, and how it shall score."""

    name: str
    kind: str
    strength: float
    family: str = ""
    group: str = ""
    n_parameters: int = 0
    n_layers: int = 0
    width: int = 1
    seed: int = -1
    step: int = -1
    bits: float = float("nan")


def invent_models(n_seeds: int = 3) -> list[Invented]:
    """The feature sets of the Alice study."""
    ladder = [
        ("austen-0.1m", 105_000, 2, 32, 2.68, 0.98),
        ("austen-0.4m", 430_000, 3, 80, 2.41, 1.03),
        ("austen-1.1m", 1_120_000, 4, 128, 2.20, 1.10),
        ("austen-4m", 4_050_000, 6, 224, 2.04, 1.16),
    ]
    models = []
    for name, parameters, layers, width, bits, strength in ladder:
        shape = {"family": "austen", "n_parameters": parameters, "n_layers": layers, "width": width}
        models.append(Invented(name, "trained", strength, bits=bits, **shape))
        models.append(
            Invented(
                f"{name}-untrained-seed0",
                "untrained",
                0.86,
                group=f"{name}-untrained",
                seed=0,
                bits=3.9,
                **shape,
            )
        )
    shape = {"family": "austen", "n_parameters": 1_120_000, "n_layers": 4, "width": 128}
    for step, bits, strength in (
        (31, 3.31, 0.90),
        (78, 2.95, 0.97),
        (194, 2.71, 1.02),
        (486, 2.50, 1.05),
        (1215, 2.31, 1.09),
        (2430, 2.22, 1.10),
    ):
        models.append(
            Invented(
                f"austen-1.1m@step{step:05d}", "checkpoint", strength, step=step, bits=bits, **shape
            )
        )
    models.append(
        Invented(
            "smollm2-135m",
            "trained",
            1.32,
            family="smollm2",
            n_parameters=134_515_008,
            n_layers=30,
            width=576,
            bits=1.06,
        )
    )
    models.append(Invented("glove-6b-50d", "static embedding", 0.97, width=50))
    models += [
        Invented(name, "control", strength)
        for name, strength in (("word-rate", 0.9), ("word-length", 0.7), ("word-position", 0.25))
    ]
    for kind, strengths in (("random vector", (0.0, 0.0)), ("random embedding", (0.5, 0.62))):
        for width, strength in zip((300, 1024), strengths, strict=True):
            group = f"{kind.replace(' ', '-')}-{width}d"
            models += [
                Invented(f"{group}-seed{s}", kind, strength, group=group, width=width, seed=s)
                for s in range(n_seeds)
            ]
    return models


def invent_scores(model: Invented, listeners: tuple[str, ...], number: int) -> xr.Dataset:
    """Scores of one feature set: region by listener by block, with noise of a real size."""
    people = np.random.default_rng(7)
    talent = people.lognormal(0, 0.35, len(listeners))
    rng = np.random.default_rng(100 + number)
    n_layers = model.n_layers + 1 if model.n_layers else 1
    depth = np.linspace(0, 1, n_layers) if n_layers > 1 else np.array([0.6])
    profile = 0.82 + 0.24 * np.exp(-(((depth - 0.6) / 0.35) ** 2))
    base = model.strength * STRENGTH * (1 + 0.1 * np.array([1, -1, 0, 0, 0, 0]) * model.strength)
    level = np.concatenate([[0.29], 0.095 * talent])  # the average first
    score = np.einsum("s,l,t->slt", level, profile, base)[:, :, None, :]
    shape = (len(level), n_layers, N_RUNS, len(REGIONS))
    block = rng.normal(0, 0.05, (len(level), 1, N_RUNS, len(REGIONS)))
    return xr.Dataset(
        {
            name: (
                ("subject", "layer", "run", "target"),
                (score + block + rng.normal(0, 0.012, shape)).astype(np.float32),
            )
            for name in ("score", "validation_score")
        }
        | {"alpha": (("subject", "layer", "run"), np.full(shape[:3], 1e3))},
        coords={
            "subject": ["average", *listeners],
            "layer": np.arange(n_layers),
            "run": np.arange(1, N_RUNS + 1),
            "target": list(REGIONS),
            "hemisphere": ("target", list(SIDES)),
            "homologue": ("target", list(MIRRORS)),
        },
        attrs={
            "model": model.name,
            "kind": model.kind,
            "group": model.group or model.name,
            "family": model.family,
            "n_parameters": model.n_parameters,
            "n_layers": model.n_layers,
            "width": model.width,
            "seed": model.seed,
            "training_step": model.step,
            "bits_per_byte": model.bits,
            "perplexity": 2 ** (model.bits * 3.4),
        },
    )


def write_results(
    folder: Path,
    models: list[Invented],
    n_listeners: int = 27,
    *,
    average: bool = True,
    **study: Any,
) -> Path:
    """Write all that `write_report` reads."""
    listeners = tuple(f"s{k}" for k in range(18, 18 + n_listeners))
    rng = np.random.default_rng(3)
    ceiling = xr.Dataset(
        {
            "reliability": (
                ("split", "target"),
                (0.36 * np.sqrt(STRENGTH) + rng.normal(0, 0.04, (50, 6))).astype(np.float32),
            )
        },
        coords={
            "target": list(REGIONS),
            "hemisphere": ("target", list(SIDES)),
            "homologue": ("target", list(MIRRORS)),
        },
    )
    folder.mkdir(parents=True, exist_ok=True)
    scores = (invent_scores(m, listeners, k) for k, m in enumerate(models))
    if not average:
        scores = (one.sel(subject=list(listeners)) for one in scores)
    write_tables(scores, ceiling, folder / "tables")
    (folder / "study.toml").write_text(
        STUDY.format(
            n=n_listeners,
            hostile=HOSTILE.replace('"', '\\"'),
            subjects=", ".join(f'"{name}"' for name in listeners),
        ),
        encoding="utf-8",
    )
    _write_json(folder / "diagnostics.json", invent_diagnostics(models, listeners))
    _write_json(folder / "timings.json", invent_timings(models))
    return folder


def invent_diagnostics(models: list[Invented], listeners: tuple[str, ...]) -> dict[str, Any]:
    """What the pipeline writes beside the tables."""
    rng = np.random.default_rng(5)
    sink = {}
    for model in models:
        if not model.n_layers:
            continue
        median = 5 + 120 * np.linspace(0, 1, model.n_layers + 1)
        first = median * (150 if model.family == "smollm2" else 1.4)
        first[0] = median[0]
        sink[model.name] = [
            {
                "run": 1,
                "first_token_norm": first.tolist(),
                "median_norm": median.tolist(),
                "prefix_norm": (2 * first).tolist() if model.family == "smollm2" else [],
            }
        ]
    return {
        "alignment": [
            {
                "run": 1,
                "n_words": 2127,
                "doubtful": [
                    {"index": 406, "word": "nt", "span": [1922, 1924], "text": "n't", "row": 408},
                    {"index": 9, "word": HOSTILE, "span": [40, 44], "text": "sister", "row": 11},
                ],
            }
        ],
        "scans": [{"run": 1, "scans": 362}],
        "runs": [
            {"run": k + 1, "recorded_run": 1, "first_scan": 10 + 58 * k, "scans": 50}
            for k in range(N_RUNS)
        ],
        "excluded": [{"subject": "s33", "reason": f"all values are zero {HOSTILE}"}],
        "motion": [
            {
                "subject": name,
                "mean_displacement_mm": float(rng.gamma(4, 0.03)),
                "max_displacement_mm": float(rng.gamma(3, 0.5)),
                "scans_above_half_mm": int(rng.poisson(4)),
            }
            for name in listeners
        ],
        "notices": [],
        "skipped_models": [{"model": "gemma-3-270m", "reason": "gemma-3-270m: install it first."}],
        "attention_sink": sink,
        "model_notices": ["austen-0.1m, layer 0: 1 of 32 features never change in some run."],
        "seeds": {model.name: model.seed for model in models if model.seed >= 0},
        "ceiling_seed": 0,
        "versions": {"hemiscale": "0.1.0", "python": "3.12.0", "numpy": "2.4.6"},
        "command": "hemiscale demo --out 'my results'",
    }


def invent_timings(models: list[Invented]) -> dict[str, Any]:
    """Seconds per model and stage."""
    seconds = {
        model.name: {
            "features": 0.02 + 2 * model.n_layers + model.n_parameters / 1.5e6,
            "encoding": 0.6 * (model.n_layers + 1) * (1 + model.width / 400),
        }
        for model in models
    }
    return {
        "models": seconds,
        "last_run": {
            "seconds_before_tables": sum(sum(s.values()) for s in seconds.values()) / 2,
            "models_done": list(seconds),
            "workers": 2,
            "peak_memory": {"main_process_bytes": 4.1e8, "largest_worker_bytes": 1.9e9},
        },
        "machine": {"system": "Linux-6.1", "processor": "x86_64"},
    }


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def write_coarse_report(folder: Path) -> Path:
    """Write the page with PNG files of few dots, which take most of the time."""
    from hemiscale.report import svg, write_report

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(svg, "DOTS_PER_INCH", 40)
        return write_report(folder)


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[..., Path]:
    """Make a folder once for all processes that test; nobody changes it."""

    def made(name: str, make: Callable[[Path], object]) -> Path:
        base = tmp_path_factory.getbasetemp()
        folder = (base if worker_id == "master" else base.parent) / name
        with FileLock(folder.with_suffix(".lock")):
            if not folder.with_suffix(".done").exists():
                make(folder)
                folder.with_suffix(".done").touch()
        return folder

    return made


@pytest.fixture(scope="session")
def simulated_results(once: Callable[..., Path]) -> Path:
    """The whole simulated study; tests read it and must not change it."""
    return once("simulated", lambda folder: write_results(folder, invent_models()))


@pytest.fixture(scope="session")
def simulated_report(once: Callable[..., Path]) -> Path:
    """Its page, made once."""

    def make(folder: Path) -> None:
        write_coarse_report(write_results(folder, invent_models()))

    return once("simulated-page", make) / "report.html"


@pytest.fixture
def make_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write a results folder with some of the models, to be changed at will; coarse PNG files."""
    from hemiscale.report import svg

    monkeypatch.setattr(svg, "DOTS_PER_INCH", 40)

    def make(*names: str, n_listeners: int = 5, average: bool = True) -> Path:
        models = [m for m in invent_models(2) if not names or (m.group or m.name) in names]
        return write_results(tmp_path / "results", models, n_listeners, average=average)

    return make


@pytest.fixture(scope="session")
def voxel_report(once: Callable[..., Path]) -> Path:
    """The page of a simulated voxel study, made once."""
    from importlib.util import module_from_spec, spec_from_file_location

    # Tests are no package; the helper lies beside this file.
    spec = spec_from_file_location("report_voxels", Path(__file__).with_name("voxels.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)

    def make(folder: Path) -> None:
        write_coarse_report(module.write_voxel_results(folder))

    return once("voxels-page", make) / "report.html"
