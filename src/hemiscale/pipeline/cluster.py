"""The feature sets of a study on the workers of a Dask cluster, with the results folder shared.

The unit of work is the same as on one machine. What all units need goes to each worker once; the
scans of voxelwise studies are read from the shared folder. Workers may come, go and die: what they
had begun is done by others, and what they had finished is on disk.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import hemiscale
from hemiscale.errors import HemiscaleError, HemiscaleWarning, InputError
from hemiscale.pipeline.inputs import StudyInputs
from hemiscale.pipeline.plan import FeatureSet
from hemiscale.pipeline.progress import Display
from hemiscale.pipeline.targets import StoredSubject, Targets
from hemiscale.pipeline.work import Outcome, work_on
from hemiscale.results import ResultsFolder, file_digest
from hemiscale.study import Study

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["FROM_STUDY", "Job", "work_on_cluster"]

FROM_STUDY = "cluster"
"""The address that asks for the cluster which the study file describes."""
TOPIC = "hemiscale"
PATIENCE = 30.0  # seconds until people are told that no worker has come
GPU = "GPU"  # the resource by which GPU workers are known


@dataclass(frozen=True)
class Job:
    """What every unit of work of a study needs, sent to each worker once.

    Attributes
    ----------
    study : Study
    inputs : StudyInputs
    targets : Targets
    folder : ResultsFolder
        With an absolute path, the same on all machines.
    study_digest : str
        Of the study file in the results folder, by which a worker knows the folder.
    """

    study: Study
    inputs: StudyInputs
    targets: Targets
    folder: ResultsFolder
    study_digest: str


def work_on_cluster(
    study: Study,
    inputs: StudyInputs,
    targets: Targets,
    features: list[FeatureSet],
    folder: ResultsFolder,
    device: str,
    address: str,
    display: Display,
) -> Iterator[Outcome]:
    """Make the scores of feature sets on a Dask cluster.

    Parameters
    ----------
    study : Study
    inputs : StudyInputs
    targets : Targets
        Without listeners.
    features : list of FeatureSet
        The longest first.
    folder : ResultsFolder
    device : str
        With "cuda", language models read on workers that have the resource ``GPU``.
    address : str
        Of the scheduler (``tcp://...``, ``tls://...``), or ``"cluster"``: the one that the study
        file describes.
    display : Display

    Yields
    ------
    Outcome
        As they come.

    Raises
    ------
    InputError
        Where Dask is not installed, or the study describes no cluster.
    HemiscaleError
        Where no scheduler answers, a worker cannot do its work, or work kills its workers.
    """
    root = ResultsFolder(folder.root.resolve())
    job = Job(study, inputs, _absolute(targets), root, file_digest(folder.study))
    with _client(study, address, display) as client:
        from distributed import as_completed

        client.subscribe_topic(TOPIC, lambda event: display.advance(*event[1]))
        shared = client.scatter(job, broadcast=False, hash=False)
        futures = {}
        for k, feature in enumerate(features):
            options: dict[str, Any] = {"priority": -k, "pure": False}
            notices: Any = []
            if device == "cuda" and feature.reads_story:
                # The GPU is free for the next model while any worker fits this one's layers.
                on_gpu = options | {"resources": {GPU: 1}}
                notices = client.submit(_read, shared, feature, hemiscale.__version__, **on_gpu)
            future = client.submit(
                _work, shared, feature, hemiscale.__version__, notices, **options
            )
            futures[future] = feature.name
        with _tell_if_alone(client, display):
            for future in as_completed(futures, loop=client.loop):
                yield _outcome(future, futures[future])
                future.release()


def _outcome(future: Any, name: str) -> Outcome:
    from asyncio import CancelledError

    from distributed.scheduler import KilledWorker

    try:
        return future.result()
    except KilledWorker:
        raise HemiscaleError(
            f"{name}: the workers that began it died, one after the other; probably it needs more "
            "memory than they have. What is finished is kept."
        ) from None
    except CancelledError:
        raise HemiscaleError(
            f"{name}: the Dask scheduler is gone; start it again, and the study. "
            "What is finished is kept."
        ) from None


def _read(job: Job, feature: FeatureSet, version: str) -> list[str]:
    """Let a language model read the story on a GPU worker; return what is worth knowing."""
    from hemiscale.pipeline.features import extract

    report = _check_worker(job, version)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", HemiscaleWarning)
        extract(
            job.study,
            job.inputs,
            feature,
            job.folder,
            device="cuda",
            progress=lambda done, total: report(f"{feature.name}: reading", done, total),
        )
    ours = [w for w in caught if issubclass(w.category, HemiscaleWarning)]
    return [f"{feature.name}: {warning.message}" for warning in ours]


def _work(job: Job, feature: FeatureSet, version: str, notices: list[str]) -> Outcome:
    """Do one unit of work on any worker."""
    import dask

    report = _check_worker(job, version)
    # Else xarray asks the scheduler for a lock on every file.
    with dask.config.set(scheduler="synchronous"):
        outcome = work_on(job.study, job.inputs, job.targets, feature, job.folder, "cpu", report)
    return replace(outcome, notices=[*notices, *outcome.notices])


def _check_worker(job: Job, version: str) -> Callable[[str, int, int], None]:
    """Refuse to work where results would differ or be lost; else say how to report progress."""
    from distributed import get_worker

    worker = get_worker()
    here = f"worker {worker.name} on {worker.ip}"
    if version != hemiscale.__version__:
        raise HemiscaleError(
            f"{here}: has hemiscale {hemiscale.__version__} where the study is run with {version}; "
            "install the same everywhere."
        )
    if worker.state.nthreads > 1:
        raise HemiscaleError(
            f"{here}: has {worker.state.nthreads} threads; start workers with --nthreads 1 and "
            "--nworkers for as many processes as there are cores."
        )
    stored = job.folder.study
    if not stored.is_file() or file_digest(stored) != job.study_digest:
        raise HemiscaleError(
            f"{here}: does not see the results folder {job.folder.root}; it must be on a disk "
            "that all machines share, at the same path."
        )

    def report(name: str, done: int, total: int) -> None:
        worker.log_event(TOPIC, (name, done, total))

    return report


def _absolute(targets: Targets) -> Targets:
    """Paths of stored scans as they are on every machine."""
    parts = [
        replace(part, files=[path.resolve() for path in part.files])
        if isinstance(part, StoredSubject)
        else part
        for part in targets.parts
    ]
    return replace(targets, parts=parts)


@contextmanager
def _client(study: Study, address: str, display: Display) -> Iterator[Client]:
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            "--dask needs Dask, which is not installed here: pip install 'hemiscale[cluster]'."
        ) from None
    with ExitStack() as stack:
        where: Any = address
        if address == FROM_STUDY:
            if study.cluster is None:
                raise InputError(
                    "--dask cluster asks for the cluster that the study file describes, but it "
                    "has no table [cluster]."
                )
            from hemiscale.pipeline.job_queue import start_cluster

            where = stack.enter_context(start_cluster(study.cluster))
            display.say(f"asked {study.cluster.kind} for {study.cluster.jobs} jobs")
        try:
            client = stack.enter_context(
                Client(where, timeout=15, set_as_default=False, name="hemiscale")
            )
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise HemiscaleError(
                f"{address}: no Dask scheduler answers there ({reason}); start one with "
                "`dask scheduler` and give the address that it prints."
            ) from None
        display.say(f"Dask scheduler {_address(client)}")
        yield client


def _address(client: Client) -> str:
    return str(client.scheduler_info(n_workers=0)["address"])


@contextmanager
def _tell_if_alone(client: Client, display: Display) -> Iterator[None]:
    """Say so where no worker has come after a while; go on waiting."""

    def tell() -> None:
        if not client.nthreads():
            display.warn(
                f"no worker has come to {_address(client)} yet; start some with "
                f"`dask worker {_address(client)} --nthreads 1`. Waiting for them."
            )

    timer = threading.Timer(PATIENCE, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
