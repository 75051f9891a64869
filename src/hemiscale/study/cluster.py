"""The batch system that a study may be run on: only with ``--dask cluster``, never by itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hemiscale.study.base import Table

__all__ = ["Cluster"]

# One word, because it goes into a job script: a study file cannot smuggle commands into it.
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@:+-]*$", max_length=100)]


class Cluster(Table):
    """Jobs to ask for. Commands at the start of jobs belong into Dask's own configuration."""

    kind: Literal["slurm", "pbs", "sge", "lsf", "local"]
    jobs: int = Field(default=1, ge=1, le=10_000, description="jobs to ask for")
    cores: int = Field(default=1, ge=1, description="of a job; a worker process on each")
    memory: Annotated[str, Field(pattern=r"^[0-9]+ ?[KMGT]i?B$")] = Field(
        default="8GB", description="of a job"
    )
    walltime: Word | None = Field(default=None, description="HH:MM:SS")
    queue: Word | None = Field(default=None, description="queue or partition")
    account: Word | None = Field(default=None, description="account or project")
    gpu: bool = Field(default=False, description="a GPU per job, one worker process")
