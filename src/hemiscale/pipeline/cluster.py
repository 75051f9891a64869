"""A Dask cluster whose workers do the units of work, with the results folder shared.

The units are those of one machine. What all of them need goes to each worker once and is light:
brain data lie in the results folder, from where each worker reads them itself. Workers may come,
go and die: what they had begun is done by others, and what they had finished is on disk.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import hemiscale
from hemiscale.errors import HemiscaleError, InputError
from hemiscale.pipeline.course import Priority
from hemiscale.pipeline.crews import Crew
from hemiscale.pipeline.progress import Display
from hemiscale.pipeline.shared_targets import shared_targets
from hemiscale.pipeline.station import Job, Report, Station
from hemiscale.pipeline.units import ReadRun, Unit, do
from hemiscale.results import ResultsFolder, file_digest
from hemiscale.study import Study

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["FROM_STUDY", "Cluster", "cluster_at"]

FROM_STUDY = "cluster"
"""The address that asks for the cluster which the study file describes."""
PATIENCE = 30.0  # seconds until people are told that no worker has come
GPU = "GPU"  # the resource by which GPU workers are known
FEW = 4  # workers that are counted on where none has come yet


class Cluster:
    """Workers on many machines; the scheduler is asked when there is something to do.

    Parameters
    ----------
    study : Study
    address : str
        Of the scheduler (``tcp://...``, ``tls://...``), or ``"cluster"``: the one that the study
        file describes.
    folder : ResultsFolder
        That all workers see; the study file in it is how they know it.
    display : Display
    stack : ExitStack
        What is opened is closed with it.
    """

    def __init__(
        self, study: Study, address: str, folder: ResultsFolder, display: Display, stack: ExitStack
    ) -> None:
        self.folder = ResultsFolder(folder.root.resolve())
        self._study, self._address, self._display, self._stack = study, address, display, stack
        self._client: Client | None = None
        self._topic = f"hemiscale-{uuid.uuid4().hex}"

    @contextmanager
    def crew(self, job: Job, *, gpu: bool = False) -> Iterator[Crew]:
        """Gather the workers for a job.

        Parameters
        ----------
        job : Job
        gpu : bool
            Whether some units need a worker with a GPU.

        Yields
        ------
        Crew

        Raises
        ------
        InputError
            Where Dask is not installed, or the study describes no cluster.
        HemiscaleError
            Where no scheduler answers, a worker cannot do its work, or work kills its workers.
        """
        job = replace(
            job,
            # Workers need neither time courses nor headers of recordings.
            inputs=replace(
                job.inputs,
                runs=[replace(run, time_courses={}) for run in job.inputs.runs],
                recordings=[],
                confounds={},
            ),
            targets=shared_targets(job.targets, self.folder),
            folder=self.folder,
        )
        client = self._connected()
        # A task, not scattered data: it is made again where the worker that has it dies.
        shared = client.submit(_same, job, pure=False, key=f"job-{job.key}", priority=1)
        with _scheduler_may_die(), _tell_if_alone(client, self._display, gpu=gpu):
            yield _DaskCrew(client, shared, self._check(), self._expected())

    def map(
        self, function: Callable[..., Any], items: Sequence[tuple[Any, ...]], **common: Any
    ) -> Iterator[Any]:
        """Call a function with each item on some worker.

        Parameters
        ----------
        function : callable
        items : sequence of tuple
            Its arguments.
        **common
            What it needs each time, sent to each worker once.

        Yields
        ------
        object
            Results in the order of the items.
        """
        client = self._connected()
        shared = client.submit(_same, common, pure=False, priority=1)
        check = self._check()
        futures = [
            client.submit(_call, function, item, shared, check, pure=False, priority=-k)
            for k, item in enumerate(items)
        ]
        with _scheduler_may_die(), _tell_if_alone(client, self._display):
            for future in futures:
                yield _result(
                    future, "a recording, half of the listeners, or scores for the tables"
                )

    def _check(self) -> tuple[str, ResultsFolder, str, str]:
        """By what a worker knows that its results would be the same, and not be lost."""
        version = hemiscale.__version__
        return version, self.folder, file_digest(self.folder.study), self._topic

    def _expected(self) -> int:
        table = self._study.cluster
        if self._address == FROM_STUDY and table is not None:
            return table.jobs * (1 if table.gpu else table.cores)
        return FEW

    def _connected(self) -> Client:
        if self._client is None:
            self._client = self._stack.enter_context(
                _client(self._study, self._address, self._display)
            )
            self._client.subscribe_topic(
                self._topic, lambda event: self._display.advance(*event[1])
            )
        return self._client


@contextmanager
def cluster_at(
    study: Study, address: str | None, folder: ResultsFolder, display: Display
) -> Iterator[Cluster | None]:
    """Give the cluster at an address, and leave it in the end.

    Parameters
    ----------
    study : Study
    address : str or None
    folder : ResultsFolder
    display : Display

    Yields
    ------
    Cluster or None
        None where there is no address.
    """
    with ExitStack() as stack:
        yield None if address is None else Cluster(study, address, folder, display, stack)


class _DaskCrew:
    """Workers of a Dask cluster at one job; see `Crew`."""

    def __init__(self, client: Client, shared: Any, check: Any, expected: int) -> None:
        from distributed import as_completed

        self._client, self._shared, self._check = client, shared, check
        self._expected = expected
        self._units: dict[Any, Unit] = {}
        self._coming = as_completed([], loop=client.loop)

    @property
    def n_workers(self) -> int:
        return max(len(self._client.nthreads()), self._expected)

    def submit(self, priority: Priority, unit: Unit) -> None:
        place, stage, number = priority
        options: dict[str, Any] = {"pure": False}
        urgency = -(place * 3 + stage + number / (number + 1.0))
        if isinstance(unit, ReadRun) and unit.device == "cuda":
            # A GPU worker reads as long as there is something to read; anyone fits layers.
            options |= {"resources": {GPU: 1}}
            urgency += 1e9
        future = self._client.submit(
            _work, self._shared, unit, self._check, priority=urgency, **options
        )
        self._units[future] = unit
        self._coming.add(future)

    def results(self) -> Iterator[tuple[Unit, Any]]:
        for future in self._coming:
            unit = self._units.pop(future)
            result = _result(future, unit.feature.name)
            future.release()
            yield unit, result


def _result(future: Any, name: str) -> Any:
    from distributed.scheduler import KilledWorker

    try:
        return future.result()
    except KilledWorker:
        raise HemiscaleError(
            f"{name}: the workers that began it died, one after the other; probably it needs more "
            "memory than they have. What is finished is kept."
        ) from None


@contextmanager
def _scheduler_may_die() -> Iterator[None]:
    """Say so in a sentence where the scheduler does not answer any more."""
    import asyncio
    import concurrent.futures

    from distributed.comm import CommClosedError

    cancelled = (asyncio.CancelledError, concurrent.futures.CancelledError)
    try:
        yield
    except (*cancelled, CommClosedError):
        raise HemiscaleError(
            "the Dask scheduler is gone; start it again, and the study. What is finished is kept."
        ) from None


def _same(value: Any) -> Any:
    return value


def _work(job: Job, unit: Unit, check: tuple[str, ResultsFolder, str, str]) -> Any:
    """Do one unit of work on any worker, with what it has at hand from the last one."""
    import dask
    from distributed import get_worker

    report = _check_worker(*check)
    worker: Any = get_worker()
    station = getattr(worker, "hemiscale_station", None)
    if station is None or station.job.key != job.key:
        station = worker.hemiscale_station = Station(job, report)
    # Else xarray asks the scheduler for a lock on every file.
    with dask.config.set(scheduler="synchronous"):
        return do(unit, station)


def _call(
    function: Callable[..., Any],
    item: tuple[Any, ...],
    common: dict[str, Any],
    check: tuple[str, ResultsFolder, str, str],
) -> Any:
    import dask
    from threadpoolctl import threadpool_limits

    _check_worker(*check)
    with dask.config.set(scheduler="synchronous"), threadpool_limits(1):
        return function(*item, **common)


def _check_worker(version: str, folder: ResultsFolder, study_digest: str, topic: str) -> Report:
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
    if not folder.study.is_file() or file_digest(folder.study) != study_digest:
        raise HemiscaleError(
            f"{here}: does not see the results folder {folder.root}; it must be on a disk "
            "that all machines share, at the same path."
        )

    def report(name: str, done: int | None, total: int) -> None:
        worker.log_event(topic, (name, done, total))

    return report


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
        except (OSError, ValueError, RuntimeError, TypeError) as error:
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
def _tell_if_alone(client: Client, display: Display, *, gpu: bool = False) -> Iterator[None]:
    """Say so where no worker is there, or none with a GPU that is needed; go on waiting."""
    over = threading.Event()

    def watch() -> None:
        told = ""
        while not over.wait(PATIENCE):
            missing = _missing(client, gpu)
            if missing and missing != told:
                display.warn(missing)
            told = missing

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()


def _missing(client: Client, gpu: bool) -> str:
    """Say which workers are missing; nothing where all kinds are there, or nobody can be asked."""
    try:
        address = _address(client)
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
    except (OSError, KeyError, ValueError):
        return ""
    if not workers:
        return (
            f"no worker has come to {address} yet, or all have gone; start some with "
            f"`dask worker {address} --nthreads 1`. Waiting for them."
        )
    if gpu and not any(worker.get("resources", {}).get(GPU) for worker in workers):
        return (
            f"--device cuda: no worker at {address} has the resource {GPU}; start one with "
            f"`dask worker {address} --nthreads 1 --resources {GPU}=1`. Waiting for it."
        )
    return ""
