"""The whole calibration, stored as it goes."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import hemiscale
from hemiscale.calibration.tally import Tally
from hemiscale.results import write_json

__all__ = ["calibrate"]

# Studies between two writes of what is done: a killed calibration loses no more.
_AT_ONCE = 50


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
        same seed goes on where the first one was stopped, also to more studies.
    n_studies : int
        Simulated studies per line of the page.
    seed : int
    say : callable
        Called now and then with what is done.

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
    from hemiscale.calibration.listeners import examine_listeners
    from hemiscale.calibration.page import write_page
    from hemiscale.calibration.power import power_table
    from hemiscale.calibration.rises import examine_rises
    from hemiscale.calibration.runs import RUNS, examine_engine, examine_runs
    from hemiscale.calibration.voxels import examine_voxels

    if n_studies < 1:
        raise ValueError(f"n_studies must be positive, got {n_studies}")
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    store = out / "calibration.json"
    settings = {"hemiscale": hemiscale.__version__, "n_studies": n_studies, "seed": seed}
    done: dict[str, Any] = {"settings": settings}
    if store.is_file():
        found = json.loads(store.read_text(encoding="utf-8"))
        before = found.get("settings", {})
        if {**before, "n_studies": n_studies} == settings:
            done = found | done
            if before["n_studies"] != n_studies:  # counts go on; these are made anew
                for name in ("power", *(f"engine: {n_runs} runs" for n_runs in RUNS)):
                    done.pop(name, None)
    counted: dict[str, tuple[int, Callable[[range], dict[str, Tally]]]] = {
        f"laws: {name}": (n_studies, partial(examine_laws, law, seed=seed + k))
        for k, (name, law) in enumerate(SCENARIOS.items())
    }
    counted["voxels"] = (n_studies, partial(examine_voxels, seed=seed))
    counted["listeners"] = (n_studies, partial(examine_listeners, seed=seed))
    counted["rises"] = (n_studies, partial(examine_rises, seed=seed))
    for n_runs in RUNS:
        counted[f"runs: {n_runs} runs"] = (n_studies, partial(examine_runs, n_runs, seed=seed))
    for name, (total, examine) in counted.items():
        part = done.setdefault(name, {"studies": 0, "tallies": {}})
        while part["studies"] < total:
            last = min(part["studies"] + _AT_ONCE, total)
            for method, tally in examine(range(part["studies"], last)).items():
                before = Tally(*part["tallies"].get(method, []))
                part["tallies"][method] = (before + tally).counts()
            part["studies"] = last
            write_json(store, done)
            say(f"{name}: {last} of {total}")
    for n_runs in RUNS:
        name = f"engine: {n_runs} runs"
        if name not in done:
            found = examine_engine(n_runs, n_studies, seed)
            done[name] = {"tallies": {method: tally.counts() for method, tally in found.items()}}
            write_json(store, done)
            say(f"{name}: done")
    if "power" not in done:
        done["power"] = power_table(max(n_studies // 4, 1), seed)
        write_json(store, done)
        say("power: done")
    return write_page(out, done)
