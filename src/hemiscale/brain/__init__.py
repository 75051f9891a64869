"""The brain side: recordings as they are shared, made into clean time courses per run."""

from hemiscale.brain.atlases import atlas_regions, mask_regions
from hemiscale.brain.cleaning import average_subject, clean_time_courses
from hemiscale.brain.confounds import read_confounds
from hemiscale.brain.grids import Grid, resample_mask, symmetric_grid, voxel_coordinates
from hemiscale.brain.homologues import (
    Homologues,
    halves_of_masked_array,
    homologous_voxels,
    reliable_voxels,
    symmetric_mask,
)
from hemiscale.brain.motion import framewise_displacement, read_motion
from hemiscale.brain.named_atlases import NAMED_ATLASES, fetch_named_atlas
from hemiscale.brain.nifti import open_nifti, read_mask
from hemiscale.brain.prepared import (
    prepare_average,
    prepare_recording,
    prepared_file,
    read_prepared,
    recording_fingerprint,
)
from hemiscale.brain.recording_checks import check_recordings, swapped_runs
from hemiscale.brain.recordings import (
    Recording,
    describe_recording,
    entities,
    find_bids_recordings,
    find_recordings,
)
from hemiscale.brain.regions import read_region_table
from hemiscale.brain.spheres import PAPER_REGIONS, VoxelRegion, paper_regions, sphere
from hemiscale.brain.surfaces import (
    SurfaceVertices,
    homologous_vertices,
    read_cifti,
    read_gifti_pair,
)
from hemiscale.brain.volumes import (
    Cleaning,
    clean_volumes,
    common_mask,
    masked_scans,
    whole_volumes,
)

__all__ = [
    "NAMED_ATLASES",
    "PAPER_REGIONS",
    "Cleaning",
    "Grid",
    "Homologues",
    "Recording",
    "SurfaceVertices",
    "VoxelRegion",
    "atlas_regions",
    "average_subject",
    "check_recordings",
    "clean_time_courses",
    "clean_volumes",
    "common_mask",
    "describe_recording",
    "entities",
    "fetch_named_atlas",
    "find_bids_recordings",
    "find_recordings",
    "framewise_displacement",
    "halves_of_masked_array",
    "homologous_vertices",
    "homologous_voxels",
    "intersubject_reliability",
    "mask_regions",
    "masked_scans",
    "open_nifti",
    "paper_regions",
    "prepare_average",
    "prepare_recording",
    "prepared_file",
    "read_cifti",
    "read_confounds",
    "read_gifti_pair",
    "read_mask",
    "read_motion",
    "read_prepared",
    "read_region_table",
    "recording_fingerprint",
    "reliable_voxels",
    "resample_mask",
    "sphere",
    "swapped_runs",
    "symmetric_grid",
    "symmetric_mask",
    "voxel_coordinates",
    "whole_volumes",
]


def __getattr__(name: str) -> object:
    # The ceiling is computed by the engine; it is offered here too, where people look for it.
    if name == "intersubject_reliability":
        from hemiscale.encoding import intersubject_reliability

        return intersubject_reliability
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
