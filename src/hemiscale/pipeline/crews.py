"""Those who do the units of work on one machine: this process, or several."""

from __future__ import annotations

import heapq
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

from hemiscale.errors import HemiscaleError
from hemiscale.pipeline.course import Priority
from hemiscale.pipeline.orphans import end_with, end_with_parent
from hemiscale.pipeline.progress import Display
from hemiscale.pipeline.station import Job, Report, Station
from hemiscale.pipeline.units import ReadRun, Unit, do

__all__ = ["Crew", "OneProcess", "Processes", "local_crew"]


class Crew(Protocol):
    """Workers who are given units and hand back results."""

    @property
    def n_workers(self) -> int:
        """How many work at a time."""

    def submit(self, priority: Priority, unit: Unit) -> None:
        """Ask for a unit to be done.

        Parameters
        ----------
        priority : Priority
            Lower comes first.
        unit : Unit
        """

    def results(self) -> Iterator[tuple[Unit, Any]]:
        """Give units and their results as they come, until all that was asked for is done.

        Yields
        ------
        (unit, result)
            More may be asked for after each.
        """


class OneProcess:
    """One process, the one that asks, does everything.

    Parameters
    ----------
    job : Job
    report : callable
    """

    n_workers = 1

    def __init__(self, job: Job, report: Report) -> None:
        self._station = Station(job, report)
        self._waiting = _Waiting()

    def submit(self, priority: Priority, unit: Unit) -> None:
        """See `Crew`.

        Parameters
        ----------
        priority : Priority
        unit : Unit
        """
        self._waiting.add(priority, unit)

    def results(self) -> Iterator[tuple[Unit, Any]]:
        """See `Crew`.

        Yields
        ------
        (unit, result)
        """
        while (unit := self._waiting.next(lambda unit: True)) is not None:
            yield unit, do(unit, self._station)


class Processes:
    """Processes of this machine, one thread each.

    Parameters
    ----------
    executor : concurrent.futures.Executor
        Whose processes have called `_begin`.
    n_workers : int
    memory : callable
        Gives the bytes that a unit needs beyond the usual.
    free : float
        Bytes that units may need together.
    """

    def __init__(
        self, executor: Any, n_workers: int, memory: Callable[[Unit], float], free: float
    ) -> None:
        self.n_workers = n_workers
        self._executor, self._memory, self._free = executor, memory, free
        self._waiting = _Waiting()
        self._running: dict[Any, Unit] = {}

    def submit(self, priority: Priority, unit: Unit) -> None:
        """See `Crew`.

        Parameters
        ----------
        priority : Priority
        unit : Unit
        """
        self._waiting.add(priority, unit)

    def results(self) -> Iterator[tuple[Unit, Any]]:
        """See `Crew`.

        Yields
        ------
        (unit, result)

        Raises
        ------
        HemiscaleError
            Where a process dies.
        """
        from concurrent.futures import FIRST_COMPLETED, wait
        from concurrent.futures.process import BrokenProcessPool

        while True:
            try:
                while len(self._running) < self.n_workers:
                    unit = self._waiting.next(self._fits_in)
                    if unit is None:
                        break
                    self._running[self._executor.submit(_do_here, unit)] = unit
                if not self._running:
                    return
                done, _ = wait(self._running, return_when=FIRST_COMPLETED)
                finished = [(self._running.pop(future), future.result()) for future in done]
            except BrokenProcessPool:
                raise HemiscaleError(
                    "a worker process died; probably it needed more memory than there is. "
                    "Start again with fewer --workers: what is finished is kept."
                ) from None
            yield from finished

    def _fits_in(self, unit: Unit) -> bool:
        """Whether there is memory for it beside what runs; a single one is always tried."""
        needed = self._memory(unit)
        taken = sum(self._memory(running) for running in self._running.values())
        return not needed or not taken or taken + needed <= self._free


class _Waiting:
    """Units that wait, the most urgent first."""

    def __init__(self) -> None:
        self._heap: list[tuple[Priority, int, Unit]] = []
        self._count = itertools.count()

    def add(self, priority: Priority, unit: Unit) -> None:
        heapq.heappush(self._heap, (priority, next(self._count), unit))

    def next(self, wanted: Callable[[Unit], bool]) -> Unit | None:
        """Take the most urgent unit that is wanted."""
        passed_over = []
        found = None
        while self._heap:
            entry = heapq.heappop(self._heap)
            if wanted(entry[2]):
                found = entry[2]
                break
            passed_over.append(entry)
        for entry in passed_over:
            heapq.heappush(self._heap, entry)
        return found


@contextmanager
def local_crew(
    job: Job, n_workers: int, display: Display, *, memory: Callable[[Unit], float]
) -> Iterator[Crew]:
    """Gather workers on this machine.

    Parameters
    ----------
    job : Job
    n_workers : int
    display : Display
        Shows what they report.
    memory : callable
        Gives the bytes that a unit needs beyond the usual.

    Yields
    ------
    Crew
    """
    if n_workers <= 1:
        yield OneProcess(job, display.advance)
        return
    from multiprocessing.managers import SyncManager

    from joblib.externals.loky import ProcessPoolExecutor, get_reusable_executor

    from hemiscale.models.estimates import available_memory

    # Those who cleaned the recordings wait for more of them, and hold memory meanwhile.
    get_reusable_executor().shutdown(wait=True)
    with ExitStack() as stack:
        manager = SyncManager()
        manager.start(end_with_parent)
        stack.callback(manager.shutdown)
        events = manager.Queue()
        stack.enter_context(display.listen(events))
        threads = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")
        executor = ProcessPoolExecutor(
            n_workers,
            initializer=_begin,
            initargs=(job, events, os.getpid()),
            env={f"{library}_NUM_THREADS": "1" for library in threads},
        )
        # Where the work is broken off, nobody waits for what is begun: it leaves nothing half done.
        stack.callback(executor.shutdown, wait=True, kill_workers=True)
        yield Processes(executor, n_workers, memory, available_memory())


def reading_memory(needs: dict[str, float]) -> Callable[[Unit], float]:
    """Say what memory units need, from what models need.

    Parameters
    ----------
    needs : dict
        Bytes by the name of the feature set.

    Returns
    -------
    callable
    """
    return lambda unit: needs.get(unit.feature.name, 0.0) if isinstance(unit, ReadRun) else 0.0


_here: list[Station] = []  # what a worker process has at hand; empty in all other processes


def _begin(job: Job, events: Any, parent: int) -> None:
    """Give a new process what all units need."""
    end_with(parent)
    from joblib.externals.loky import process_executor

    # loky takes a process that has grown by 300 MB for one that leaks, and starts another in its
    # place. Ours keeps brain data at hand, and would have to read them again.
    process_executor._MAX_MEMORY_LEAK_SIZE = float("inf")

    def report(name: str, done: int | None, total: int) -> None:
        events.put((name, done, total))

    _here[:] = [Station(job, report)]


def _do_here(unit: Unit) -> Any:
    return do(unit, _here[0])
