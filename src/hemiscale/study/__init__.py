"""The study file: one TOML from which everything follows.

`read_study` turns it into a validated `Study`; what is wrong with it is said in one sentence per
problem, with the line it stands on and, for an unknown key, the nearest known one.
"""

from hemiscale.study.cluster import Cluster
from hemiscale.study.model import (
    ActivationOptions,
    Baselines,
    Design,
    Encoding,
    ModelChoice,
    Stimulus,
    Study,
)
from hemiscale.study.reading import read_study
from hemiscale.study.recordings import (
    AVERAGE,
    BidsRecordings,
    Recordings,
    Region,
    RegionTables,
    SurfaceFiles,
    VolumeFiles,
    Volumes,
)
from hemiscale.study.writing import study_toml

__all__ = [
    "AVERAGE",
    "ActivationOptions",
    "Baselines",
    "BidsRecordings",
    "Cluster",
    "Design",
    "Encoding",
    "ModelChoice",
    "Recordings",
    "Region",
    "RegionTables",
    "Stimulus",
    "Study",
    "SurfaceFiles",
    "VolumeFiles",
    "Volumes",
    "read_study",
    "study_toml",
]
