"""The brain side: recordings as they are shared, made into clean time courses per run."""

from hemiscale.brain.atlases import atlas_regions, mask_regions
from hemiscale.brain.cleaning import average_subject, clean_time_courses
from hemiscale.brain.common_masks import agreed_mask, brain_of_recording, common_mask
from hemiscale.brain.confounds import read_confounds
from hemiscale.brain.grids import Grid, resample_mask, symmetric_grid, voxel_coordinates
from hemiscale.brain.homologues import (
    Homologues,
    halves_of_masked_array,
    homologous_voxels,
    reliable_voxels,
    symmetric_mask,
)
from hemiscale.brain.meshes import SurfaceTemplate, mirror_pairs, surface_template
from hemiscale.brain.motion import framewise_displacement, read_motion
from hemiscale.brain.named_atlases import NAMED_ATLASES, fetch_named_atlas
from hemiscale.brain.nifti import open_nifti, read_mask
from hemiscale.brain.parcellations import label_regions, read_labels
from hemiscale.brain.prepared import (
    Prepared,
    prepare_average,
    prepare_recording,
    prepared_file,
    read_prepared,
    recording_fingerprint,
)
from hemiscale.brain.prepared_surfaces import (
    SurfaceCleaning,
    common_vertices,
    prepare_surface,
    prepare_surface_average,
    surface_fingerprint,
)
from hemiscale.brain.recording_checks import check_recordings, check_runs, swapped_runs
from hemiscale.brain.recordings import (
    Recording,
    describe_recording,
    entities,
    find_bids_recordings,
    find_recordings,
)
from hemiscale.brain.regions import read_region_table
from hemiscale.brain.spheres import (
    PAPER_REGIONS,
    VoxelRegion,
    paper_regions,
    places_in_sphere,
    sphere,
)
from hemiscale.brain.surface_recordings import (
    SurfaceRecording,
    describe_surface,
    read_surface,
)
from hemiscale.brain.surfaces import (
    SurfaceVertices,
    homologous_vertices,
    read_cifti,
    read_gifti_pair,
)
from hemiscale.brain.volumes import (
    Cleaning,
    clean_volumes,
    masked_scans,
    whole_volumes,
)

__all__ = [
    "NAMED_ATLASES",
    "PAPER_REGIONS",
    "Cleaning",
    "Grid",
    "Homologues",
    "Prepared",
    "Recording",
    "SurfaceCleaning",
    "SurfaceRecording",
    "SurfaceTemplate",
    "SurfaceVertices",
    "VoxelRegion",
    "agreed_mask",
    "atlas_regions",
    "average_subject",
    "brain_of_recording",
    "check_recordings",
    "check_runs",
    "clean_time_courses",
    "clean_volumes",
    "common_mask",
    "common_vertices",
    "describe_recording",
    "describe_surface",
    "entities",
    "fetch_named_atlas",
    "find_bids_recordings",
    "find_recordings",
    "framewise_displacement",
    "halves_of_masked_array",
    "homologous_vertices",
    "homologous_voxels",
    "intersubject_reliability",
    "label_regions",
    "mask_regions",
    "masked_scans",
    "mirror_pairs",
    "open_nifti",
    "paper_regions",
    "places_in_sphere",
    "prepare_average",
    "prepare_recording",
    "prepare_surface",
    "prepare_surface_average",
    "prepared_file",
    "read_cifti",
    "read_confounds",
    "read_gifti_pair",
    "read_labels",
    "read_mask",
    "read_motion",
    "read_prepared",
    "read_region_table",
    "read_surface",
    "recording_fingerprint",
    "reliable_voxels",
    "resample_mask",
    "sphere",
    "surface_fingerprint",
    "surface_template",
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
