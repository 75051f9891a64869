"""Ask a batch system for Dask workers, as the table [cluster] of a study file describes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hemiscale.errors import HemiscaleError, InputError
from hemiscale.study import Cluster

__all__ = ["job_options", "start_cluster"]

CLASSES = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "lsf": "LSFCluster",
    "local": "LocalCluster",
}


def job_options(table: Cluster) -> dict[str, Any]:
    """Turn the table into options of dask-jobqueue.

    Parameters
    ----------
    table : Cluster

    Returns
    -------
    dict
        One thread per worker process. What the table does not say is as the user's own
        configuration of dask-jobqueue has it.
    """
    options: dict[str, Any] = {
        "cores": table.cores,
        "processes": table.cores,
        "memory": table.memory,
        "worker_extra_args": ["--resources", "GPU=1"] if table.gpu else [],
    }
    if table.walltime:
        options["walltime"] = table.walltime
    if table.queue:
        options["queue"] = table.queue
    if table.account:
        name = "project" if table.kind in ("sge", "lsf") else "account"
        options[name] = table.account
    if table.gpu:
        options["processes"] = 1
        options["cores"] = 1
        if table.kind == "slurm":
            options["job_extra_directives"] = ["--gres=gpu:1", f"--cpus-per-task={table.cores}"]
            options["job_directives_skip"] = ["--cpus-per-task"]
    return options


@contextmanager
def start_cluster(table: Cluster) -> Iterator[Any]:
    """Start a scheduler here and ask for workers; send them home in the end.

    Parameters
    ----------
    table : Cluster

    Yields
    ------
    distributed.deploy.Cluster

    Raises
    ------
    InputError
        Where dask-jobqueue is not installed.
    HemiscaleError
        Where the batch system refuses.
    """
    if table.kind == "local":
        from distributed import LocalCluster

        made: Any = LocalCluster(n_workers=table.jobs, threads_per_worker=1, dashboard_address=None)
    else:
        try:
            import dask_jobqueue
        except ImportError:
            raise InputError(
                "a [cluster] needs dask-jobqueue, which is not installed here: "
                "pip install 'hemiscale[cluster]'."
            ) from None
        try:
            made = getattr(dask_jobqueue, CLASSES[table.kind])(**job_options(table))
            made.scale(jobs=table.jobs)
        except (OSError, RuntimeError, ValueError) as error:
            raise HemiscaleError(f"{table.kind}: cannot be asked for workers ({error}).") from None
    with made:
        yield made
