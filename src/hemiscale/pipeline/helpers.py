"""Help with what comes before the models: the same function for many recordings or halves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from hemiscale.pipeline.cluster import Cluster

__all__ = ["Helpers"]

T = TypeVar("T")


@dataclass(frozen=True)
class Helpers:
    """Processes of this machine, or the workers of a cluster.

    Attributes
    ----------
    workers : int
        Processes of this machine.
    cluster : Cluster or None
        Where there is one, it does the work.
    """

    workers: int = 1
    cluster: Cluster | None = None

    def map(
        self,
        function: Callable[..., Any],
        items: Sequence[tuple[Any, ...]],
        *,
        memory: float = 0.0,
        **common: Any,
    ) -> Iterator[Any]:
        """Call a function with each item.

        Parameters
        ----------
        function : callable
            Of a module; its arguments and results travel between processes.
        items : sequence of tuple
            Its arguments.
        memory : float
            Bytes that a call needs; on this machine no more run at a time than fit.
        **common
            Arguments that are the same for all.

        Yields
        ------
        object
            Results in the order of the items.
        """
        if not items:
            return
        if self.cluster is not None:
            yield from self.cluster.map(function, items, **common)
            return
        workers = max(1, min(self.workers, len(items)))
        if memory and workers > 1:
            from hemiscale.models.estimates import available_memory

            # Half of what is free: others may want some too.
            workers = max(1, min(workers, int(available_memory() / 2 // memory)))
        if workers == 1:
            for item in items:
                yield function(*item, **common)
            return
        from joblib import Parallel, delayed, parallel_config

        with parallel_config(backend="loky", inner_max_num_threads=1):
            yield from Parallel(n_jobs=workers, return_as="generator")(
                delayed(function)(*item, **common) for item in items
            )

    def map_batches(
        self,
        function: Callable[..., Any],
        items: Sequence[T],
        sizes: Sequence[float],
        *,
        least: float,
        memory: float = 0.0,
        **common: Any,
    ) -> Iterator[tuple[list[T], Any]]:
        """Call a function with some items at a time, enough to be worth a process's while.

        Parameters
        ----------
        function : callable
            As for `map`; its first argument is a list of neighbouring items.
        items : sequence
        sizes : sequence of float
            How large they are.
        least : float
            A batch is at least so large. What is one batch is done here: nobody is asked for it,
            not even a scheduler.
        memory : float
        **common
            As for `map`.

        Yields
        ------
        (items, result)
            In order.
        """
        batches: list[list[T]] = []
        room = 0.0
        for item, size in zip(items, sizes, strict=True):
            if room <= 0:
                batches.append([])
                room = least
            batches[-1].append(item)
            room -= size
        helpers = self if len(batches) > 1 else Helpers()
        found = helpers.map(function, [(one,) for one in batches], memory=memory, **common)
        yield from zip(batches, found, strict=True)
