"""What the page states beside figures: key facts, diagnostics, machine, command, citations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hemiscale.report import numbers
from hemiscale.report.limits import recorded_minutes, recorded_parts
from hemiscale.report.load import Results
from hemiscale.report.tables import Cell, Row, Table

__all__ = [
    "Diagnostics",
    "command",
    "diagnostics",
    "filters",
    "key_facts",
    "machine",
]

_MOST_WORDS = 200


def key_facts(results: Results) -> list[tuple[str, str]]:
    """Facts for the head of the page: number or word, and what it counts.

    Parameters
    ----------
    results : Results

    Returns
    -------
    list of (str, str)
    """
    kinds = results.groups["kind"].value_counts()
    facts = []
    if results.n_listeners:
        facts.append((str(results.n_listeners), "listeners"))
    minutes = recorded_minutes(results)
    if minutes:
        facts.append((f"{minutes:.0f}", "minutes of story"))
    regions = results.regions["region"].nunique() if len(results.regions) else 0
    if results.ceiling_map is not None and results.voxelwise:
        facts.append((numbers.count(len(results.ceiling_map)), "voxels"))
    elif results.maps is not None:
        facts.append((numbers.count(results.maps.sizes["target"]), "voxels"))
    elif regions and not results.voxelwise:
        facts.append((str(regions), "regions"))
    facts.append((str(int(kinds.get("trained", 0))), "trained models"))
    rest = int(kinds.sum() - kinds.get("trained", 0))
    facts.append((str(rest), "baselines, twins and checkpoints"))
    return facts


@dataclass(frozen=True)
class Diagnostics:
    """What was found on the way.

    Attributes
    ----------
    lines : list of (str, str)
        Name and finding.
    words : Table
        Doubtful words of the alignment.
    notices : list of str
        Sentences of the pipeline.
    versions, seeds : list of (str, str)
    """

    lines: list[tuple[str, str]]
    words: Table
    notices: list[str]
    versions: list[tuple[str, str]]
    seeds: list[tuple[str, str]]


def diagnostics(results: Results) -> Diagnostics:
    """Read the pipeline's notes for the page.

    Parameters
    ----------
    results : Results

    Returns
    -------
    Diagnostics
    """
    notes = results.diagnostics
    lines = []
    alignment = notes.get("alignment") or []
    n_words = sum(int(entry.get("n_words") or 0) for entry in alignment)
    doubtful = [(e.get("run"), w) for e in alignment for w in e.get("doubtful") or []]
    if n_words:
        share = len(doubtful) / n_words
        lines.append(
            (
                "Alignment",
                f"{numbers.count(n_words)} words placed in the text, {len(doubtful)} of them "
                f"doubtful ({100 * share:.1f} %; listed below).",
            )
        )
    scans = [int(run.get("scans") or 0) for run in notes.get("scans") or []]
    kept = [int(run.get("scans") or 0) for run in notes.get("runs") or []]
    if scans and kept:
        lines.append(
            (
                "Scans",
                f"{numbers.count(sum(kept))} of {numbers.count(sum(scans))} kept, in "
                f"{len(kept)} {recorded_parts(results)} of {_range(kept)}; the rest lies at the "
                f"ends{' and at the seams' if recorded_parts(results) == 'blocks' else ''}.",
            )
        )
    voxels = notes.get("voxels") or {}
    if voxels.get("n_voxels"):
        names = ("n_voxels", "n_left", "n_midline")
        n_voxels, n_left, n_midline = (numbers.count(voxels.get(name)) for name in names)
        lines.append(
            (
                "Voxels",
                f"{n_voxels} in the mask: {n_left} on the left with their mirror images on the "
                f"right, and {n_midline} on the midline, which belong to neither side.",
            )
        )
    for entry in notes.get("excluded") or []:
        lines.append(("Left out", f"{entry.get('subject')}: {entry.get('reason')}"))
    for entry in notes.get("skipped_models") or []:
        lines.append(("Not computed", f"{entry.get('model')}: {entry.get('reason')}"))
    if "ceiling_seed" in notes and len(results.ceiling):
        splits = int(results.ceiling["n_splits"].max())
        lines.append(("Ceiling", f"{splits} random halves, seed {notes['ceiling_seed']}."))
    notices = [*map(str, notes.get("notices") or []), *map(str, notes.get("model_notices") or [])]
    return Diagnostics(
        lines=lines,
        words=_doubtful(doubtful),
        notices=[*results.problems, *notices],
        versions=[(str(k), str(v)) for k, v in (notes.get("versions") or {}).items()],
        seeds=[(str(k), str(v)) for k, v in (notes.get("seeds") or {}).items()],
    )


def _range(values: list[int]) -> str:
    low, high = min(values), max(values)
    return f"{low} scans" if low == high else f"{low} to {high} scans"


def _doubtful(words: list[tuple[Any, dict[str, Any]]]) -> Table:
    """Whatever the alignment says of a word, a column for each thing it says."""
    names = list(dict.fromkeys(str(key) for _, word in words for key in word))
    columns = [("run", True), *((name.replace("_", " "), False) for name in names)]
    rows = [
        Row(
            [
                Cell(str(run), float(run) if isinstance(run, int) else None),
                *(_plain(word.get(name)) for name in names),
            ]
        )
        for run, word in words[:_MOST_WORDS]
    ]
    return Table("doubtful-words", "", columns, rows, more=max(0, len(words) - _MOST_WORDS))


def _plain(value: Any) -> Cell:
    if isinstance(value, (int, float)):
        return Cell(f"{value:g}", float(value))
    if isinstance(value, list):
        value = " to ".join(str(part) for part in value)
    return Cell("" if value is None else str(value), None if value is None else str(value))


def machine(results: Results) -> list[str]:
    """Sentences about the last run: how long, on what, with how much memory.

    Parameters
    ----------
    results : Results

    Returns
    -------
    list of str
    """
    last = results.timings.get("last_run") or {}
    where = results.timings.get("machine") or {}
    sentences = []
    seconds = last.get("seconds_before_tables")
    if seconds is not None:
        done = last.get("models_done") or []
        workers = last.get("workers") or 1
        sentences.append(
            f"The last run computed {len(done)} feature sets and took {numbers.duration(seconds)} "
            f"with {workers} process{'es' if workers != 1 else ''}, tables and page not counted."
        )
    peak = last.get("peak_memory") or {}
    main, worker = peak.get("main_process_bytes"), peak.get("largest_worker_bytes")
    if main:
        text = f"Peak memory: {numbers.size_of_file(main)} in the main process"
        if worker:
            text += f", {numbers.size_of_file(worker)} in the largest worker"
        sentences.append(text + ".")
    parts = [str(where[key]) for key in ("system", "processor") if where.get(key)]
    if parts:
        sentences.append(f"Machine: {', '.join(parts)}.")
    return sentences


def command(results: Results) -> str:
    """Say the command that makes the results again.

    Parameters
    ----------
    results : Results

    Returns
    -------
    str
    """
    return str(results.diagnostics.get("command") or "hemiscale run study.toml")


def filters(results: Results) -> dict[str, list[str]]:
    """List what the page can filter by: kinds, and families.

    Parameters
    ----------
    results : Results

    Returns
    -------
    dict
        ``{"kind": [...], "family": [...]}``, without empty names.
    """
    models = results.models
    return {
        "kind": list(dict.fromkeys(k for k in models["kind"] if k)),
        "family": sorted({f for f in models["family"] if f}),
    }
