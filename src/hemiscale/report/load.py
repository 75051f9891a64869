"""Read a results folder: tables, study and what the pipeline noted. Nothing is computed here."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hemiscale.errors import HemiscaleError
from hemiscale.report.map_files import read_ceiling_map, read_maps, read_voxels

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["Results", "load_results"]

_TABLES = ("models", "groups", "regions", "layers", "asymmetry", "listeners", "ceiling")
_MORE_TABLES = ("listener_slopes", "layer_asymmetry", "reliability")
_TEXT_COLUMNS = ("model", "kind", "group", "family", "region", "hemisphere", "listener", "pair")


@dataclass(frozen=True)
class Results:
    """All that the page is made from.

    Attributes
    ----------
    folder : Path
    study, diagnostics, timings : dict
        As stored; empty where there is no such file.
    models, groups, regions, layers, asymmetry, listeners, ceiling : DataFrame
        The tables; empty where there is no such file.
    listener_slopes, layer_asymmetry, reliability : DataFrame
        The same; older results do not have them.
    voxels : xarray.Dataset or None
        Of a voxel study, from ``voxels.nc``: where the voxels are, and their regions.
    maps : xarray.Dataset or None
        Of a voxel study, from ``maps/``.
    ceiling_map : DataFrame or None
        Of a voxel study: ``x, y, z, hemisphere, value``, the mean reliability of each voxel.
    laws : list of dict
        Entries of ``laws.json``.
    problems : list of str
        Files that could not be read, one sentence each.
    """

    folder: Path
    study: dict[str, Any]
    diagnostics: dict[str, Any]
    timings: dict[str, Any]
    models: pd.DataFrame
    groups: pd.DataFrame
    regions: pd.DataFrame
    layers: pd.DataFrame
    asymmetry: pd.DataFrame
    listeners: pd.DataFrame
    ceiling: pd.DataFrame
    listener_slopes: pd.DataFrame
    layer_asymmetry: pd.DataFrame
    reliability: pd.DataFrame
    laws: list[dict[str, Any]]
    voxels: xr.Dataset | None = None
    maps: xr.Dataset | None = None
    ceiling_map: pd.DataFrame | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def simulated(self) -> bool:
        """Whether the brain data are made up."""
        return bool(self.study.get("simulated", False))

    @property
    def name(self) -> str:
        """What the study calls itself."""
        return str(self.study.get("title") or self.study.get("name") or self.folder.name)

    @property
    def voxelwise(self) -> bool:
        """Whether targets are voxels: what tables call regions are then selections of them."""
        return len(self.regions) > 0 and bool((self.regions["hemisphere"] == "both").any())

    @property
    def has_listeners(self) -> bool:
        """Whether individuals were scored."""
        return len(self.listeners) > 0

    @property
    def listeners_over(self) -> str:
        """What the intervals of the listeners' scores are over: runs, of an only listener."""
        if not (self.has_listeners and "interval_over" in self.regions):
            return "listeners"
        over = self.regions.loc[self.regions["subjects"] == "listeners", "interval_over"]
        return "runs" if len(over) and (over == "runs").all() else "listeners"

    @property
    def has_average(self) -> bool:
        """Whether the average subject was scored."""
        return "average_score" in self.groups and bool(self.groups["average_score"].notna().any())

    @property
    def n_listeners(self) -> int:
        """How many individuals were scored."""
        return int(self.listeners["listener"].nunique()) if self.has_listeners else 0


def load_results(folder: Path) -> Results:
    """Read what the page needs; a file that is missing or damaged leaves a sentence.

    Parameters
    ----------
    folder : Path
        A results folder.

    Returns
    -------
    Results

    Raises
    ------
    HemiscaleError
        Where there is no table of models, without which there is nothing to show.
    """
    import pandas as pd

    folder = Path(folder)
    problems: list[str] = []
    tables = {name: _table(folder / "tables" / f"{name}.tsv", problems) for name in _TABLES}
    for name in _MORE_TABLES:
        path = folder / "tables" / f"{name}.tsv"
        tables[name] = _table(path, problems) if path.is_file() else pd.DataFrame()
    if not len(tables["models"]):
        raise HemiscaleError(
            f"{folder / 'tables' / 'models.tsv'}: there are no scores to report yet; "
            "run the study first."
        )
    if not len(tables["groups"]):
        tables["groups"] = tables["models"].assign(n_models=1)
    # Columns that the user added stand in the table of models only; a group of one has its values.
    models = tables["models"].drop_duplicates("model").set_index("model")
    for column in models.columns.difference(tables["groups"].columns):
        tables["groups"][column] = tables["groups"]["group"].map(models[column])
    laws = _json(folder / "tables" / "laws.json", problems).get("laws", [])
    study = {}
    path = folder / "study.toml"
    try:
        study = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        problems.append(f"{path.name} could not be read ({error}).")
    groups = [str(name) for name in tables["groups"]["group"]]
    voxels = read_voxels(folder, problems)
    return Results(
        folder=folder,
        study=study,
        diagnostics=_json(folder / "diagnostics.json", problems),
        timings=_json(folder / "timings.json", problems),
        laws=[entry for entry in laws if isinstance(entry, dict)],
        voxels=voxels,
        maps=read_maps(folder, voxels, groups, problems),
        ceiling_map=read_ceiling_map(folder / "ceiling.nc", problems),
        problems=problems,
        **tables,
    )


def _table(path: Path, problems: list[str]) -> pd.DataFrame:
    import pandas as pd

    try:
        # Names such as "NA" or "null" are names; only an empty field is a missing value.
        table = pd.read_csv(
            path,
            sep="\t",
            keep_default_na=False,
            na_values=[""],
            dtype=dict.fromkeys(_TEXT_COLUMNS, "object"),
        )
    except (OSError, ValueError) as error:
        problems.append(f"{path.name} could not be read ({error}).")
        return pd.DataFrame()
    for column in _TEXT_COLUMNS:
        if column in table:
            table[column] = table[column].fillna("").astype(str)
    return table


def _json(path: Path, problems: list[str]) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        problems.append(f"{path.name} could not be read ({error}).")
        return {}
    if not isinstance(content, dict):
        problems.append(f"{path.name} does not hold what it should.")
        return {}
    return content
