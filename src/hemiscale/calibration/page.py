"""The page about calibration: tables in Markdown, two figures. Simulated, and says so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hemiscale.calibration.rises import ORDER
from hemiscale.calibration.tally import Tally
from hemiscale.results import write_atomically, write_text

__all__ = ["OTHER_WAYS", "page_text", "write_page"]

_HEAD = """# Do the intervals hold what they say?

Everything on this page is **simulated**: no number here is about real brains. Made by
`hemiscale calibrate --out docs --studies {n_studies}` (seed {seed}, version {hemiscale}).

Simulated studies have the paper's shape: the sizes and families of the 28 published models, 12
listeners, nine runs of 300 scans, 36 homologous pairs of voxels 8 mm apart. Signal and noise are
smooth in space (12 mm) and autocorrelated in time; listeners share the signal, models share the
listeners' noise. Families differ in level (about as much as the models within them scatter), in
half of the rounds also in slope. Planted: slopes, crossing and scores of the published size, scaled
to individuals.

*Holds* is the share of 95 % intervals that hold the planted value, with its Monte Carlo standard
error: 95 % is right, 93 to 97 % is the bar. *Says yes* is the share of intervals that do not hold
zero; where nothing is planted, 5 % is right. Lines in italics are not the intervals to read: naive
versions, and two other ways with families (families resampled, a random family effect), there to be
seen to fall short.
"""

OTHER_WAYS = ("families resampled", "random family")
"""Ways with families that are given beside the interval to read."""

_AFTER_LAWS = """
What to read: for other **models**, `over families` (errors robust to whatever models of one family
have in common, with degrees of freedom of each question's own); for other **people**, `over
listeners`; for both, `over families and listeners`. Resampling families and a random family effect
(`family_slope_...` in `laws.json`) fall short where families differ in slope.

Some intervals are counted against two planted values. An interval over listeners is about listeners
of *this* story: a model's errors go with the story's signal by chance, for all listeners alike, so
read as if it held for any story it is too short (the line in italics). An interval over families is
about these listeners and recordings: noise of the recordings moves the lines of all models alike up
or down, and with them where they cross zero. The same interval of the crossing, read as if for any
recording, is too short (in italics again); over families and listeners it is not.
"""

_LISTENERS = """## Few and many listeners

One model of seven billion parameters, intervals over listeners: Student's below 20 listeners, the
bias-corrected bootstrap from there on. The index is left minus right over left plus right. What is
planted is what listeners of this story would show.
"""

_VOXELS = """## Voxels as independent

Left minus right of one model that fits both sides equally well, in every listener. The interval
over listeners holds what listeners of this story would show; for the story at large the runs have
to speak.
"""

_RUNS = """## Runs train and choose for each other

One subject, intervals over runs. Runs are not independent: each takes part in choosing the layers
for the others, and in training the models that are tested on them. The interval that the tables
have comes from doing everything again without each run (nested cross-validation, see
[statistics](statistics.md)). In italics: Student's, which takes runs as independent, and layers
chosen by the test score.

Here runs share the choice of layers only. One model whose layers are all equally good, each voxel
with its own layer: whatever the choice gains is not there. And laws of 28 models on an exact line,
with four layers each and slopes as published of the average subject. *Width* is the mean width of
the bounded intervals.

![Coverage of intervals over runs on simulated studies](images/calibration-runs.png)
"""

_ENGINE = """Ridge regressions with the engine (runs of 80 scans, 30 features, 24 voxels): here runs
share training data as well, in one layer, and the choice among three. Four brains, that differ in
the features' weights, have equal shares of the studies; what is planted is the score that a brain
gives on average.
"""

_RISES = """## Along training

The step at which a curve has done half of its rise (`rises.tsv`). Twelve checkpoints, steps 1 to
2,048; the mean curve is a sigmoid in log step, flat or steep, with its middle anywhere from the
second checkpoint to the last but one. *Noise* is the standard deviation of a checkpoint's mean over
units, as a share of the rise, of its own at each checkpoint. Listeners differ in level and in how
much they rise. Runs share nothing, or (*that share*) errors as much as the correction of Nadeau and
Bengio supposes; where they share nothing it is too wide. *Cannot tell*: studies in which it is not
sure that the curve rises at all, so that no interval is given; the other columns are over the rest.
*Bias* (negative: early) and *width* are in doublings of the step. *Wrong order*: two curves of the
same units, alike but for noise, and one is said to rise first; 5 % is the most that is right. A
curve known exactly, such as bits per byte, is set in a wrong order as often as the interval does
not hold. In italics: the first passage of half of the rise, with percentiles of units resampled.
"""

_POWER = """## Power

Share of simulated studies in which left minus right is seen to grow: the 95 % interval of the slope
over families and listeners at once lies above zero (so without any slope 2.5 % is right). The slope
is per tenfold of parameters, r × 1,000; the published one on reliable voxels of the average of 49
listeners is 7.3, of which individuals show about a third.
"""


def write_page(folder: Path, results: dict[str, Any]) -> Path:
    """Write ``calibration.md`` and its figures.

    Parameters
    ----------
    folder : Path
    results : dict
        As in ``calibration.json``.

    Returns
    -------
    Path
        The page.
    """
    (folder / "images").mkdir(parents=True, exist_ok=True)
    summaries = _summaries(results)
    _coverage_figure(folder / "images" / "calibration.png", _parts(summaries, "laws: "))
    # Layers chosen by test hold nothing at all: on one axis with the rest, nothing else is seen.
    drawn = {
        runs: {name: s for name, s in part.items() if not name.endswith("chosen by test")}
        for runs, part in _parts(summaries, "runs: ").items()
    }
    _coverage_figure(folder / "images" / "calibration-runs.png", drawn)
    _power_figure(folder / "images" / "power.png", results["power"])
    page = folder / "calibration.md"
    write_text(page, page_text(results))
    return page


def page_text(results: dict[str, Any]) -> str:
    """Write the page's text.

    Parameters
    ----------
    results : dict
        As in ``calibration.json``.

    Returns
    -------
    str
        Markdown.
    """
    summaries = _summaries(results)
    laws, over_runs, engine = (_parts(summaries, of) for of in ("laws: ", "runs: ", "engine: "))
    parts = [
        _HEAD.format(**results["settings"]),
        "![Coverage of 95 % intervals on simulated studies](images/calibration.png)\n",
        "## Scores, slopes and crossings\n",
    ]
    for name, tallies in laws.items():
        parts.append(f"### {name[0].upper()}{name[1:]}\n\n{_tallies(tallies)}")
    parts += [
        _AFTER_LAWS.lstrip("\n"),
        f"{_LISTENERS}\n{_tallies(summaries['listeners'])}",
        f"{_VOXELS}\n{_tallies(summaries['voxels'])}",
        f"{_RUNS}\n{_spread([*over_runs.values(), *engine.values()])}",
        *(f"### {name}\n\n{_tallies(found, widths=True)}" for name, found in over_runs.items()),
        f"### With the engine\n\n{_ENGINE}",
        # What is planted there is the mean of the estimates: their bias says nothing.
        *(
            f"#### {name}\n\n{_tallies(found, widths=True, bias=False)}"
            for name, found in engine.items()
        ),
        f"{_RISES}\n{_rises(summaries['rises'])}",
        f"{_POWER}\n![Power on simulated studies](images/power.png)\n\n{_power(results['power'])}",
    ]
    return "\n".join(parts)


def _summaries(results: dict[str, Any]) -> dict[str, dict[str, dict[str, float]]]:
    return {
        name: {method: Tally(*counts).summary() for method, counts in part["tallies"].items()}
        for name, part in results.items()
        if isinstance(part, dict) and "tallies" in part
    }


def _parts(
    summaries: dict[str, dict[str, dict[str, float]]], start: str
) -> dict[str, dict[str, dict[str, float]]]:
    """Take the parts whose name starts so, without that."""
    return {
        name.removeprefix(start): part for name, part in summaries.items() if name.startswith(start)
    }


def _tallies(
    tallies: dict[str, dict[str, float]], *, widths: bool = False, bias: bool = True
) -> str:
    rows = []
    in_order = sorted(tallies.items(), key=lambda item: _beside(item[0]))
    for name, s in in_order:
        label = f"*{name.removeprefix('naive: ')}*" if _beside(name) else name
        # The planted crossing is a logarithm far from zero: "yes" has no sense there.
        of_score = "crossing" not in name
        row = [
            label,
            f"{s['held']:.1f} ± {s['held_error']:.1f} %",
            f"{s['without_zero']:.1f} ± {s['without_zero_error']:.1f} %" if of_score else "",
        ]
        if bias:
            off = f"{1000 * s['bias']:.2f} ± {1000 * s['bias_error']:.2f}"
            row.append(off if of_score else "")
        if widths:
            row.append(f"{1000 * s['width']:.2f}" if of_score else "")
        rows.append([*row, f"{s['n']:.0f}"])
    header = ["95 % interval", "holds", "says yes", *(["bias (r × 1,000)"] if bias else [])]
    return _table([*header, *(["width (r × 1,000)"] if widths else []), "studies"], rows)


def _rises(tallies: dict[str, dict[str, float]]) -> str:
    header = ["units", "noise", "cannot tell"]
    for column in ("holds", "bias", "width", "wrong order"):
        header += [column, f"*{column}*"]
    rows = []
    for name in tallies:
        if name.startswith("naive") or name.endswith(ORDER):
            continue
        shipped, naive = (tallies[of] for of in (name, f"naive: {name}"))
        order, naive_order = (tallies[f"{of}, {ORDER}"] for of in (name, f"naive: {name}"))
        studies = shipped["n"] + shipped["none"]
        row = [*name.split(", noise "), f"{100 * shipped['none'] / studies:.0f} %"]
        for column, of in (
            ("held", (shipped, naive)),
            ("bias", (shipped, naive)),
            ("width", (shipped, naive)),
            ("without_zero", (order, naive_order)),
        ):
            row += [_rise_cell(column, of[0]), f"*{_rise_cell(column, of[1])}*"]
        rows.append(row)
    return _table(header, rows)


def _rise_cell(column: str, summary: dict[str, float]) -> str:
    if not summary["n"]:
        return "none"
    if column == "width":
        return f"{summary[column]:.1f}"
    error = summary[f"{column}_error"]
    if column == "bias":
        return f"{summary[column]:+.2f} ± {error:.2f}"
    return f"{summary[column]:.1f} ± {error:.1f} %"


def _beside(name: str) -> int:
    """Order methods: those to read, other ways with families, naive ones."""
    return 2 if name.startswith("naive") else int(name.endswith(OTHER_WAYS))


def _spread(parts: Sequence[dict[str, dict[str, float]]]) -> str:
    """Say between which shares the intervals over runs hold, and Student's beside them."""
    lines = [
        (name, s["held"])
        for tallies in parts
        for name, s in tallies.items()
        if not name.endswith("chosen by test") and "crossing" not in name
    ]
    student = [held for name, held in lines if name.startswith("naive")]
    shipped = [held for name, held in lines if not name.startswith("naive")]
    ranges = [f"{min(held):.0f} to {max(held):.0f} %" for held in (shipped, student)]
    return (
        "Over all lines below, crossings aside, the shipped intervals hold the planted value in\n"
        f"{ranges[0]} of studies, Student's in {ranges[1]}. Crossings are held more often than\n"
        "need be: where a slope may be zero, its crossing has no bound.\n"
    )


def _power(rows: Sequence[dict[str, Any]]) -> str:
    slopes = sorted({row["slope_per_tenfold"] for row in rows})
    cells: dict[tuple[int, int, int, int], dict[float, str]] = {}
    for row in rows:
        key = (row["models"], row["families"], row["runs"], row["listeners"])
        cells.setdefault(key, {})[row["slope_per_tenfold"]] = f"{row['power']:.0f} %"
    header = ["models", "families", "runs", "listeners"]
    header += [f"slope {1000 * slope:.1f}" for slope in slopes]
    body = [[*map(str, key), *(found[slope] for slope in slopes)] for key, found in cells.items()]
    return _table(header, body)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _coverage_figure(path: Path, laws: dict[str, dict[str, dict[str, float]]]) -> None:
    """Draw the share of intervals that hold the planted value, per method and round."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(name for tallies in laws.values() for name in tallies))
    names.sort(key=_beside)
    figure = Figure(figsize=(9.0, 0.34 * len(names) + 1.9), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(93, 97, color="#dfeee2", lw=0)
    axes.axvline(95, color="#6a8f73", lw=1)
    for k, (round_name, tallies) in enumerate(laws.items()):
        at = [(i, tallies[name]) for i, name in enumerate(names) if name in tallies]
        axes.errorbar(
            [s["held"] for _, s in at],
            [i + 0.18 * (k - 1.5) for i, _ in at],
            xerr=[1.96 * s["held_error"] for _, s in at],
            fmt="osD^"[k % 4],
            ms=4,
            lw=1,
            label=round_name,
        )
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.margins(y=0.01)
    axes.invert_yaxis()
    axes.set_xlabel("95 % intervals that hold the planted value (%), ± 1.96 Monte Carlo errors")
    axes.set_title("Simulated studies", loc="left", fontsize=10)
    axes.set_xlim(right=100.5)
    figure.legend(fontsize=7, loc="outside lower center", ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    with write_atomically(path) as part:
        figure.savefig(part, format="png", dpi=130, metadata={"Software": None})


def _power_figure(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Draw power against listeners, a panel per number of models, a line per slope and runs."""
    from matplotlib.figure import Figure

    models = sorted({row["models"] for row in rows})
    slopes = sorted({row["slope_per_tenfold"] for row in rows})
    runs = sorted({row["runs"] for row in rows})
    figure = Figure(figsize=(9.0, 3.2), layout="constrained")
    panels = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
    for axes, n_models in zip(panels, models, strict=True):
        for c, slope in enumerate(slopes):
            for n_runs, style in zip(runs, ("--", "-"), strict=False):
                line = [
                    row
                    for row in rows
                    if row["models"] == n_models
                    and row["slope_per_tenfold"] == slope
                    and row["runs"] == n_runs
                ]
                axes.plot(
                    [row["listeners"] for row in line],
                    [row["power"] for row in line],
                    style,
                    color=f"C{c}",
                    marker="o",
                    ms=3,
                    label=f"{1000 * slope:.1f}, {n_runs} runs",
                )
        axes.set_title(f"{n_models} models (simulated)", fontsize=9)
        axes.set_xlabel("listeners")
        axes.set_ylim(0, 100)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("seen to grow (%)")
    panels[-1].legend(
        fontsize=7,
        frameon=False,
        handlelength=3,
        title="slope (r × 1,000\nper tenfold)",
        title_fontsize=7,
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
    )
    with write_atomically(path) as part:
        figure.savefig(part, format="png", dpi=130, metadata={"Software": None})
