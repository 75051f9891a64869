"""The whole calibration: parts one after the other, each stored when it is done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hemiscale
from hemiscale.results import write_json

__all__ = ["calibrate"]


def calibrate(
    folder: str | Path,
    *,
    n_studies: int = 1000,
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Simulate studies, count what the intervals hold, and write the page about it.

    Parameters
    ----------
    folder : path
        Made if it does not exist. ``calibration.json`` holds what is done; a second call with the
        same numbers goes on where the first one was stopped.
    n_studies : int
        Simulated studies per line of the page.
    seed : int
    say : callable
        Called with a sentence after each part.

    Returns
    -------
    Path
        ``calibration.md``, with figures in ``images/``. All of it is simulated, and says so.

    Raises
    ------
    ValueError
        If `n_studies` is not positive.
    """
    from hemiscale.calibration.laws import SCENARIOS, examine_laws
    from hemiscale.calibration.page import write_page
    from hemiscale.calibration.parts import examine_layers, examine_ridge, examine_voxels
    from hemiscale.calibration.power import power_table

    if n_studies < 1:
        raise ValueError(f"n_studies must be positive, got {n_studies}")
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    store = out / "calibration.json"
    settings = {"hemiscale": hemiscale.__version__, "n_studies": n_studies, "seed": seed}
    done: dict[str, Any] = {"settings": settings}
    if store.is_file():
        found = json.loads(store.read_text(encoding="utf-8"))
        done = found if found.get("settings") == settings else done
    todo: dict[str, Callable[[], Any]] = {
        f"laws: {name}": lambda law=law, k=k: examine_laws(law, n_studies, seed + k)  # type: ignore[misc]
        for k, (name, law) in enumerate(SCENARIOS.items())
    }
    todo |= {
        "layers": lambda: examine_layers(max(n_studies // 4, 1), seed),
        "voxels": lambda: examine_voxels(n_studies, seed),
        "ridge": lambda: examine_ridge(max(n_studies // 2, 1), seed),
        "power": lambda: power_table(max(n_studies // 4, 1), seed),
    }
    for name, make in todo.items():
        if name not in done:
            done[name] = make()
            write_json(store, done)
            say(f"✓ {name}")
    return write_page(out, done)
