"""The brain side: recordings as they are shared, made into clean time courses per run."""

from hemiscale.brain.cleaning import average_subject, clean_time_courses
from hemiscale.brain.homologues import Homologues, homologous_voxels
from hemiscale.brain.motion import framewise_displacement, read_motion
from hemiscale.brain.regions import read_region_table

__all__ = [
    "Homologues",
    "average_subject",
    "clean_time_courses",
    "framewise_displacement",
    "homologous_voxels",
    "intersubject_reliability",
    "read_motion",
    "read_region_table",
]


def __getattr__(name: str) -> object:
    # The ceiling is computed by the engine; it is offered here too, where people look for it.
    if name == "intersubject_reliability":
        from hemiscale.encoding import intersubject_reliability

        return intersubject_reliability
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
