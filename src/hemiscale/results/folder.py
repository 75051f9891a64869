"""Where each file of a results folder lies."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ResultsFolder", "safe_name"]


@dataclass(frozen=True)
class ResultsFolder:
    """Paths inside a results folder.

    Parameters
    ----------
    root : Path
        The folder; it need not exist yet.
    """

    root: Path

    @property
    def study(self) -> Path:
        """The study as run."""
        return self.root / "study.toml"

    @property
    def ceiling(self) -> Path:
        """Inter-subject reliability."""
        return self.root / "ceiling.nc"

    @property
    def prepared(self) -> Path:
        """Folder of clean recordings, where they are volumes."""
        return self.root / "prepared"

    @property
    def voxels(self) -> Path:
        """Mask and regions of a voxelwise study."""
        return self.root / "voxels.nc"

    @property
    def maps(self) -> Path:
        """Folder of NIfTI images."""
        return self.root / "maps"

    @property
    def tables(self) -> Path:
        """Folder of the tables."""
        return self.root / "tables"

    @property
    def diagnostics(self) -> Path:
        """What was found on the way: alignment, scans, models left out."""
        return self.root / "diagnostics.json"

    @property
    def timings(self) -> Path:
        """Seconds per model and stage."""
        return self.root / "timings.json"

    @property
    def log(self) -> Path:
        """Everything that was said on the screen, and more."""
        return self.root / "log.txt"

    @property
    def report(self) -> Path:
        """The page."""
        return self.root / "report.html"

    def activations(self, model: str, run: int) -> Path:
        """Activations of a model in a run (counted from 1)."""
        return self.root / "activations" / safe_name(model) / f"run-{run:02d}.safetensors"

    def scores(self, model: str) -> Path:
        """Scores of a model."""
        return self.root / "scores" / f"{safe_name(model)}.nc"

    def summary(self, model: str, subject: int) -> Path:
        """Scores of a model in a subject (counted from 0), reduced for the tables."""
        return self.root / "summaries" / safe_name(model) / f"subject-{subject:03d}.safetensors"

    def pieces(self, model: str) -> Path:
        """Diagnostics and timings of one model, merged when all models are done."""
        return self.root / "scores" / f"{safe_name(model)}.json"


def safe_name(name: str) -> str:
    """File name for a model's name: no separators, no leading dot, unchanged where it can be.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
        Letters, digits and ``._@+-``; two different names never give the same file name.
    """
    plain = re.sub(r"[^A-Za-z0-9._@+-]", "_", name)
    if plain == name and not name.startswith(".") and 0 < len(name) <= 120:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{plain.lstrip('.')[:100]}-{digest}"
