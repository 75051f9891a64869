"""The brain side of a study file: region tables, volumes (BIDS or by pattern), or surfaces."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from hemiscale.study.base import Name, NotNegative, Point, Positive, Table, twice

__all__ = [
    "AVERAGE",
    "RECORDING_KINDS",
    "BidsRecordings",
    "Excluded",
    "Motion",
    "Recordings",
    "Region",
    "RegionTables",
    "SurfaceFiles",
    "VolumeFiles",
    "Volumes",
]

AVERAGE = "average"
"""The name of the average subject."""


class Region(Table):
    """One column of the region tables."""

    name: Name
    label: str = Field(default="", description="the name in words, for figures and tables")
    hemisphere: Literal["left", "right", "midline", "unknown"] = "unknown"
    homologue: str = Field(default="", description="the region that mirrors this one, if any")


class Excluded(Table):
    """A recording that is left out, and why."""

    subject: str
    reason: str = Field(min_length=1)


class Motion(Table):
    """Files of motion parameters, shown in the diagnostics."""

    files: str = Field(description="path with {subject}; * matches anything")
    skip_rows: int = Field(default=0, ge=0, description="rows before the first analysed scan")


class _Listened(Table):
    """What recordings of every kind have."""

    subjects: list[Name] = Field(default=[], description="default: all that are there")
    high_pass: NotNegative = Field(default=128.0, description="cut-off in seconds; 0: none")
    average: bool = Field(default=True, description="also score the average of all subjects")
    individuals: bool = Field(default=True, description="score every subject")
    ceiling_splits: int = Field(default=10, ge=0, description="random halves of the ceiling")
    ceiling_seed: int = Field(default=0, ge=0)
    excluded: list[Excluded] = Field(default=[])
    motion: Motion | None = None

    @model_validator(mode="after")
    def _listeners(self) -> _Listened:
        again = twice(list(self.subjects))
        if again:
            raise ValueError(f"names subjects twice: {', '.join(again)}")
        if AVERAGE in self.subjects:
            raise ValueError("has a subject named 'average'; that name is for the average subject")
        if not (self.average or self.individuals):
            raise ValueError("asks for neither average nor individuals: nothing is left to score")
        both = {entry.subject for entry in self.excluded} & set(self.subjects)
        if both:
            raise ValueError(f"lists as subject and as excluded: {', '.join(sorted(both))}")
        return self


class RegionTables(_Listened):
    """One table of time courses per subject (and run), a column per region."""

    kind: Literal["regions"] = "regions"
    files: str = Field(description="path with {subject} and, with several runs, {run}")
    subjects: list[Name] = Field(min_length=1)
    regions: list[Region] = Field(min_length=1)
    t_r: Positive = Field(description="seconds between scans")

    @field_validator("files")
    @classmethod
    def _placeholders(cls, value: str) -> str:
        if "subject" not in _placeholders(value):
            raise ValueError("must hold the placeholder {subject}")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> RegionTables:
        again = twice([region.name for region in self.regions])
        if again:
            raise ValueError(f"names regions twice: {', '.join(again)}")
        known = {region.name: region for region in self.regions}
        mirrored = [region for region in self.regions if region.homologue]
        for region in mirrored:
            if region.homologue not in known:
                raise ValueError(
                    f"region {region.name} names {region.homologue!r} as its homologue, "
                    "which is no region of this study"
                )
        for region in mirrored:
            mirror = known[region.homologue]
            sides = {region.hemisphere, mirror.hemisphere}
            if mirror.homologue != region.name or sides != {"left", "right"}:
                raise ValueError(
                    f"regions {region.name} and {mirror.name} must name each other as homologue, "
                    "one of them left and the other right"
                )
        return self


class Volumes(_Listened):
    """What recordings as NIfTI volumes have, however they are found."""

    t_r: Positive | None = Field(
        default=None, description="seconds between scans; default: as sidecars or headers say"
    )
    mask: str | None = Field(
        default=None,
        description="mask image, or petit-prince-en; default: what is brain in all recordings",
    )
    own_masks: bool = Field(
        default=False, description="every subject has a mask of its own, as in the paper"
    )
    mask_share: Annotated[float, Field(ge=0, le=1)] = Field(
        default=1.0,
        description="where there is no mask: what is brain in more than this share of the "
        "recordings; 1: in all, 0.5: the paper's",
    )
    grid: str | None = Field(
        default=None,
        description="where there is no mask: an image whose grid is that of the analysis, or "
        "petit-prince-en; default: a symmetric grid of voxel_size",
    )
    voxel_size: Positive = Field(
        default=4.0, description="mm; of the grid where there is neither mask nor grid"
    )
    interpolation: Literal["continuous", "linear", "nearest"] = "continuous"
    smoothing: NotNegative = Field(default=0.0, description="full width at half maximum, mm")
    drift: Literal["cosine", "butterworth"] = "cosine"
    confounds: list[str] = Field(default=[], description="columns that are regressed out")
    reliability: str | None = Field(
        default=None,
        description="inter-subject reliability that is known already: petit-prince-en, or a file",
    )
    paper_regions: bool = Field(
        default=False, description="the paper's seven regions and their mirror images"
    )
    spheres: dict[Name, Point] = Field(default={}, description="centres of further regions, mm")
    sphere_radius: Positive = Field(default=10.0, description="mm")
    atlas: str | None = Field(
        default=None, description="label image, or a name such as harvard-oxford-cortical"
    )
    atlas_names: str | None = Field(default=None, description="table of index and name")
    region_masks: dict[Name, str] = Field(default={}, description="mask images by name")

    @model_validator(mode="after")
    def _named_atlas(self) -> Volumes:
        if self.atlas_names and not self.atlas:
            raise ValueError("gives atlas_names without an atlas")
        if self.mask and self.grid:
            raise ValueError("gives both mask and grid; the mask has the grid of the analysis")
        if self.own_masks and (self.average or self.mask or self.reliability):
            raise ValueError(
                "has own_masks, which go with average = false, without a mask and without a "
                "reliability of another mask"
            )
        return self


class BidsRecordings(Volumes):
    """BIDS derivatives: the runs of a task, in ascending order of their number."""

    kind: Literal["bids"] = "bids"
    folder: str = Field(description="the folder that holds sub-...")
    task: str
    space: str | None = None
    desc: str | None = None
    session: str | None = None

    @field_validator("subjects")
    @classmethod
    def _without_prefix(cls, value: list[str]) -> list[str]:
        return [subject.removeprefix("sub-") for subject in value]


class VolumeFiles(Volumes):
    """NIfTI files by pattern; without {subject}, they are those of an average subject."""

    kind: Literal["volumes"] = "volumes"
    files: str = Field(description="path with {run} and, for several subjects, {subject}")
    confound_files: str | None = Field(default=None, description="path, likewise")

    @field_validator("files", "confound_files")
    @classmethod
    def _known_placeholders(cls, value: str | None) -> str | None:
        if value is not None:
            _placeholders(value)
        return value

    @model_validator(mode="after")
    def _named_subjects(self) -> VolumeFiles:
        by_subject = "subject" in _placeholders(self.files)
        if by_subject and not self.subjects:
            raise ValueError("has {subject} in files, so subjects must name them")
        if self.subjects and not by_subject:
            raise ValueError("names subjects, so files must hold the placeholder {subject}")
        if not by_subject and not self.average:
            raise ValueError(
                "has files of an average subject (no {subject}), so average cannot be false"
            )
        if bool(self.confounds) != bool(self.confound_files):
            raise ValueError("needs both confounds (columns) and confound_files, or neither")
        return self

    @property
    def is_average(self) -> bool:
        """Whether the files are those of one average subject."""
        return not self.subjects


class SurfaceFiles(_Listened):
    """Recordings on the surface of the cortex: GIFTI by hemisphere, or CIFTI with both."""

    kind: Literal["surface"] = "surface"
    left: str | None = Field(
        default=None,
        description="GIFTI series of the left hemisphere: path with {run} and, for several "
        "subjects, {subject}",
    )
    right: str | None = Field(default=None, description="of the right hemisphere, likewise")
    files: str | None = Field(
        default=None, description="CIFTI series of both hemispheres, likewise; or left and right"
    )
    template: Literal["fsaverage5", "fsaverage6", "fsaverage", "fsLR"] | None = Field(
        default=None, description="whose vertices these are; default: the mesh that follows"
    )
    mesh_left: list[str] = Field(
        default=[],
        description="surfaces of the left hemisphere (white and pial, or one between them); "
        "default: those of fsaverage",
    )
    mesh_right: list[str] = Field(default=[], description="of the right hemisphere, likewise")
    pairing: Literal["number", "position"] | None = Field(
        default=None,
        description="how homologous vertices are told; default: by number in fsLR, otherwise by "
        "position",
    )
    t_r: Positive | None = Field(
        default=None, description="seconds between scans; default: as sidecars or files say"
    )
    drift: Literal["cosine", "butterworth"] = "cosine"
    confounds: list[str] = Field(default=[], description="columns that are regressed out")
    confound_files: str | None = Field(default=None, description="path, as files")
    paper_regions: bool = Field(
        default=False, description="the paper's seven regions and their mirror images"
    )
    spheres: dict[Name, Point] = Field(default={}, description="centres of further regions, mm")
    sphere_radius: Positive = Field(default=10.0, description="mm")
    labels_left: str | None = Field(
        default=None, description="regions of the left hemisphere: .label.gii or .annot"
    )
    labels_right: str | None = Field(default=None, description="of the right hemisphere, likewise")

    @field_validator("left", "right", "files", "confound_files")
    @classmethod
    def _known_placeholders(cls, value: str | None) -> str | None:
        if value is not None:
            _placeholders(value)
        return value

    @model_validator(mode="after")
    def _either_pair_or_both(self) -> SurfaceFiles:
        pair = bool(self.left) + bool(self.right)
        if pair == 1 or bool(self.files) == (pair == 2):
            raise ValueError(
                "needs either files (CIFTI), or left and right (GIFTI of each hemisphere)"
            )
        for one, other in (("mesh_left", "mesh_right"), ("labels_left", "labels_right")):
            if bool(getattr(self, one)) != bool(getattr(self, other)):
                raise ValueError(f"needs both {one} and {other}, or neither")
        if len(self.mesh_left) != len(self.mesh_right):
            raise ValueError("needs as many surfaces in mesh_left as in mesh_right")
        if not (self.template or self.mesh_left or self.pairing == "number"):
            raise ValueError(
                "names neither template nor mesh_left and mesh_right, so homologous vertices "
                "cannot be told"
            )
        places = self.mesh_left or self.template not in (None, "fsLR")
        if (self.paper_regions or self.spheres) and not places:
            raise ValueError(
                "has spheres, which need the places of the vertices: name mesh_left and mesh_right"
            )
        if bool(self.confounds) != bool(self.confound_files):
            raise ValueError("needs both confounds (columns) and confound_files, or neither")
        return self

    @model_validator(mode="after")
    def _named_subjects(self) -> SurfaceFiles:
        by_subject = {"subject" in _placeholders(pattern) for pattern in self.patterns}
        if by_subject == {True, False}:
            raise ValueError("has the placeholder {subject} in one of left and right only")
        if True in by_subject and not self.subjects:
            raise ValueError("has {subject} in its patterns, so subjects must name them")
        if self.subjects and True not in by_subject:
            raise ValueError("names subjects, so its patterns must hold the placeholder {subject}")
        if self.is_average and not self.average:
            raise ValueError(
                "has files of an average subject (no {subject}), so average cannot be false"
            )
        return self

    @property
    def patterns(self) -> list[str]:
        """Patterns of the files of one run: one of CIFTI, or left and right of GIFTI."""
        return [pattern for pattern in (self.files, self.left, self.right) if pattern]

    @property
    def is_average(self) -> bool:
        """Whether the files are those of one average subject."""
        return not self.subjects


def _placeholders(value: str) -> set[str]:
    try:
        names = {name for _, name, _, _ in string.Formatter().parse(value) if name is not None}
    except ValueError:
        raise ValueError("has a curly bracket that is not closed") from None
    if not names <= {"subject", "run"}:
        raise ValueError("may hold the placeholders {subject} and {run}, and no others")
    return names


RECORDING_KINDS: Mapping[str, type[_Listened]] = {
    "regions": RegionTables,
    "bids": BidsRecordings,
    "volumes": VolumeFiles,
    "surface": SurfaceFiles,
}
"""The table type that each value of ``recordings.kind`` asks for."""


def _kind(value: Any) -> Any:
    if isinstance(value, dict):
        return value.get("kind", "regions")
    return getattr(value, "kind", None)


Recordings = Annotated[
    Annotated[RegionTables, Tag("regions")]
    | Annotated[BidsRecordings, Tag("bids")]
    | Annotated[VolumeFiles, Tag("volumes")]
    | Annotated[SurfaceFiles, Tag("surface")],
    Discriminator(_kind),
]
