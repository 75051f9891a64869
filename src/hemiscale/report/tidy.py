"""From the tables of a study to the tidy frames that the figures draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hemiscale.report.frames import each_row, row_of_largest
from hemiscale.report.load import Results
from hemiscale.report.voxel_regions import selection_names

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "asymmetry_rows",
    "band_rows",
    "baseline_rows",
    "best_on_average",
    "draws",
    "find_law",
    "group_rows",
    "language_models",
    "layer_rows",
    "listener_rows",
    "readable_name",
    "region_rows",
    "score_columns",
    "training_rows",
]

# What knows most on top; within a kind the larger model first.
KIND_ORDER = (
    "trained",
    "static embedding",
    "untrained",
    "control",
    "random embedding",
    "random vector",
)


def readable_name(group: str, kind: str, width: int = 0) -> str:
    """Name of a model or group, as figures and tables show it.

    Parameters
    ----------
    group : str
        As in ``groups.tsv``.
    kind : str
    width : int
        Features.

    Returns
    -------
    str
    """
    if kind == "untrained" and group.endswith("-untrained"):
        return f"{group.removesuffix('-untrained')} (untrained)"
    if kind in ("random vector", "random embedding"):
        known = f"{kind.replace(' ', '-')}-{width}d"
        return f"{kind}, {width} d" if group == known else group
    if kind == "control":
        return group.replace("-", " ")
    return group


def group_rows(results: Results, subjects: str) -> pd.DataFrame:
    """Sort groups into drawing order, scores under plain names whatever `subjects` is."""
    groups = results.groups.copy()
    if subjects == "average":
        plain = ["score", "left", "right", "left_minus_right"]
        for name in plain:
            for end in ("", "_low", "_high"):
                groups[name + end] = groups.get(f"average_{name}{end}", np.nan)
    groups = groups.rename(columns={"score_low": "low", "score_high": "high"})
    groups["label"] = [
        readable_name(g, k, int(w))
        for g, k, w in zip(groups["group"], groups["kind"], groups["width"], strict=True)
    ]
    rank = {kind: k for k, kind in enumerate(KIND_ORDER)}
    groups["rank"] = groups["kind"].map(rank).fillna(len(rank))
    groups = groups.sort_values(
        ["rank", "parameters", "width", "group"],
        ascending=[True, False, False, True],
        kind="stable",
    )
    return groups.drop(columns="rank").reset_index(drop=True)


def baseline_rows(results: Results, subjects: str) -> pd.DataFrame:
    """Every group but checkpoints: score with interval.

    Parameters
    ----------
    results : Results
    subjects : {"listeners", "average"}

    Returns
    -------
    DataFrame
        ``label, group, kind, family, score, low, high`` and the columns of ``groups.tsv``.
    """
    groups = group_rows(results, subjects)
    groups = groups[(groups["kind"] != "checkpoint") & groups["score"].notna()]
    return groups.reset_index(drop=True)


def draws(results: Results, subjects: str) -> pd.DataFrame:
    """Scores of the single seeds of groups that have several: ``label, score``."""
    column = "score" if subjects == "listeners" else "average_score"
    table = results.models[["group", "kind", "width", column]].rename(columns={column: "score"})
    many = table["group"].map(table["group"].value_counts()) > 1
    table = table[many & table["score"].notna()]
    labels = [
        readable_name(g, k, int(w))
        for g, k, w in zip(table["group"], table["kind"], table["width"], strict=True)
    ]
    return table.assign(label=labels)[["label", "score"]]


def region_rows(results: Results, subjects: str) -> pd.DataFrame:
    """Score of each group in each region.

    For groups of several seeds, seeds are averaged within each listener first; the interval is over
    listeners. (The average subject of such groups: mean of the seeds' scores and interval bounds.)

    Parameters
    ----------
    results : Results
    subjects : {"listeners", "average"}

    Returns
    -------
    DataFrame
        ``label, kind, family, region, score, low, high``; of a voxel study, a region stands for
        both sides, and parcels of an atlas are left out.
    """
    import pandas as pd

    groups = baseline_rows(results, subjects)
    members = results.models.groupby("group")["model"].apply(list).to_dict()
    table = results.regions
    table = table[(table["subjects"] == subjects) & (table["layer_choice"] == "validation")]
    names = {str(region): str(region) for region in dict.fromkeys(table["region"])}
    if results.voxelwise:
        table = table[table["hemisphere"] == "both"]
        kept = selection_names(results)
        names = {region: kept[region] for region in names if region in kept}
    by_model = {name: part.set_index("region") for name, part in table.groupby("model")}
    regions = list(names)
    rows = []
    for group in each_row(groups):
        seeds = [name for name in members.get(group.group, []) if name in by_model]
        if not seeds:
            continue
        if len(seeds) > 1 and subjects == "listeners" and results.listeners_over == "listeners":
            parts = _seeds_by_listener(results, seeds, regions)
        else:
            columns = ["score", "low", "high"]
            stack = np.stack([by_model[n].reindex(regions)[columns].to_numpy(float) for n in seeds])
            parts = stack.mean(axis=0)
        for region, (score, low, high) in zip(regions, parts, strict=True):
            rows.append(
                {
                    "label": group.label,
                    "kind": group.kind,
                    "family": group.family,
                    "region": names[region],
                    "score": score,
                    "low": low,
                    "high": high,
                }
            )
    return pd.DataFrame(rows, columns=["label", "kind", "family", "region", "score", "low", "high"])


def _seeds_by_listener(results: Results, names: list[str], regions: list[str]) -> Any:
    from hemiscale.analysis import interval_over_listeners

    part = results.listeners[results.listeners["model"].isin(names)]
    wide = part.pivot_table(index="listener", columns="region", values="score", aggfunc="mean")
    interval = interval_over_listeners(wide.reindex(columns=regions).to_numpy(float))
    return np.stack([interval.estimate, interval.low, interval.high], axis=1)


def score_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep what a figure of mean scores draws."""
    columns = ["label", "kind", "family", "parameters", "bits_per_byte", "n_models"]
    return rows[[*columns, "score", "low", "high"]]


def asymmetry_rows(results: Results, subjects: str) -> pd.DataFrame:
    """Keep groups with a score on both sides of homologous pairs, and their columns of sides."""
    rows = baseline_rows(results, subjects)
    columns = ["label", "kind", "family", "parameters", "bits_per_byte"]
    for name in ("left", "right", "left_minus_right"):
        columns += [name, f"{name}_low", f"{name}_high"]
    return rows.loc[rows["left_minus_right"].notna(), columns].reset_index(drop=True)


def find_law(
    results: Results,
    response: str,
    predictor: str,
    subjects: str,
    *,
    selection: str = "all",
    model_set: str = "all trained models",
) -> dict[str, Any] | None:
    """Find the law through all trained models for a response and a predictor, nothing held."""
    for entry in results.laws:
        if (
            entry.get("response") == response
            and entry.get("predictor") == predictor
            and entry.get("subjects") == subjects
            and entry.get("selection", "all") == selection
            and entry.get("model_set", "all trained models") == model_set
            and not entry.get("held_constant")
        ):
            return entry
    return None


def layer_rows(results: Results, subjects: str, *, most: int = 12) -> pd.DataFrame:
    """Layer profiles of trained models and their untrained twins, mean over regions.

    Parameters
    ----------
    results : Results
    subjects : {"listeners", "average"}
    most : int
        Panels at the most: with more models, the largest.

    Returns
    -------
    DataFrame
        ``panel, label, kind, family, layer, relative_depth, score, low, high``.
    """
    import pandas as pd

    models = results.models
    trained = models[(models["kind"] == "trained") & (models["layers"] > 0)]
    trained = trained.sort_values("parameters", kind="stable").tail(most)
    table = results.layers
    table = table[(table["subjects"] == subjects) & (table["region"] == "all")]
    parts = []
    for model in each_row(trained):
        twins = models[models["group"] == f"{model.group}-untrained"].head(1)
        for name, group, kind in [
            (model.model, model.group, "trained"),
            *((twin.model, twin.group, "untrained") for twin in each_row(twins)),
        ]:
            part = table[table["model"] == name]
            parts.append(
                part.assign(
                    panel=model.model,
                    label=readable_name(group, kind),
                    kind=kind,
                    family=model.family,
                )
            )
    columns = ["panel", "label", "kind", "family", "layer", "relative_depth"]
    columns += ["score", "low", "high"]
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts, ignore_index=True)[columns]


def training_rows(results: Results, subjects: str) -> pd.DataFrame:
    """Checkpoints, with the untrained twin and the finished model of each trajectory.

    Returns
    -------
    DataFrame
        ``trajectory, label, kind, family, training_step, score, low, high, bits_per_byte``, and
        ``left_minus_right`` with its interval; a checkpoint's name is that of its model, ``@`` and
        the step.
    """
    groups = group_rows(results, subjects)
    checkpoint = groups["kind"] == "checkpoint"
    groups["trajectory"] = [
        (name.rpartition("@")[0] or family) if is_one else None
        for name, family, is_one in zip(groups["group"], groups["family"], checkpoint, strict=True)
    ]
    names = set(groups.loc[checkpoint, "trajectory"])
    for kind, ending in (("trained", ""), ("untrained", "-untrained")):
        of_kind = groups["kind"] == kind
        base = groups["group"].str.removesuffix(ending) if ending else groups["group"]
        groups.loc[of_kind, "trajectory"] = base[of_kind].where(base.isin(names))
    rows = groups[groups["trajectory"].notna() & groups["score"].notna()]
    columns = ["trajectory", "label", "kind", "family", "training_step"]
    columns += ["score", "low", "high", "bits_per_byte"]
    columns += [f"left_minus_right{end}" for end in ("", "_low", "_high")]
    return rows[columns].reset_index(drop=True)


def listener_rows(results: Results, *, most: int = 4) -> pd.DataFrame:
    """Each listener's mean over regions, for a few telling models.

    The best trained model, the best static embedding, word rate, and the random embeddings; the
    best by the mean over listeners.

    Returns
    -------
    DataFrame
        ``listener, label, kind, family, score``.
    """
    import pandas as pd

    groups = baseline_rows(results, "listeners")
    picked = []
    for kind in ("trained", "static embedding", "control", "random embedding", "untrained"):
        of_kind = groups[groups["kind"] == kind]
        if len(of_kind):
            picked.append(row_of_largest(of_kind, "score"))
    members = results.models.groupby("group")["model"].apply(list).to_dict()
    parts = []
    for group in picked[:most]:
        part = results.listeners[results.listeners["model"].isin(members[group["group"]])]
        if results.voxelwise:
            part = part[part["region"] == "all"]
        mean = part.groupby("listener", sort=False)["score"].mean().reset_index()
        parts.append(mean.assign(label=group["label"], kind=group["kind"], family=group["family"]))
    columns = ["listener", "label", "kind", "family", "score"]
    if not parts:
        return pd.DataFrame(columns=columns)
    rows = pd.concat(parts, ignore_index=True)
    return rows[rows["score"].notna()][columns]


def best_on_average(results: Results) -> pd.DataFrame:
    """Find the best trained model on the average subject: ``region, score, model``."""
    import pandas as pd

    groups = baseline_rows(results, "average") if results.has_average else pd.DataFrame()
    trained = groups[groups["kind"] == "trained"] if len(groups) else groups
    if not len(trained):
        return pd.DataFrame(columns=["region", "score", "model"])
    best = row_of_largest(trained, "score")
    rows = region_rows(results, "average")
    rows = rows[rows["label"] == best["label"]]
    return rows.rename(columns={"label": "model"})[["region", "score", "model"]]


def language_models(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep the trained and untrained language models."""
    return rows[rows["kind"].isin(["trained", "untrained"])].reset_index(drop=True)


def band_rows(results: Results, subjects: str) -> pd.DataFrame:
    """Baselines to draw beside a law, one of each sort, so that bands do not cover each other.

    Word rate, the best static embedding, and the widest random embedding and vector.

    Returns
    -------
    DataFrame
        Rows of `baseline_rows`.
    """
    rows = baseline_rows(results, subjects)
    picked = list(rows.index[rows["group"] == "word-rate"])
    for kind, column in (
        ("static embedding", "score"),
        ("random embedding", "width"),
        ("random vector", "width"),
    ):
        of_kind = rows[rows["kind"] == kind]
        if len(of_kind):
            picked.append(of_kind[column].idxmax())
    return rows.loc[picked].reset_index(drop=True)
