"""Help with what comes before the models: the same function for many recordings or halves."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hemiscale.errors import HemiscaleWarning, InputError
from hemiscale.pipeline.orphans import end_with

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
    unseen : set of Path
        Folders that the others were found not to see; each is told once.
    """

    workers: int = 1
    cluster: Cluster | None = None
    unseen: set[Path] = field(default_factory=set, compare=False)

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
                delayed(_call)(os.getpid(), function, item, common) for item in items
            )

    def map_seen(
        self,
        function: Callable[..., Any],
        items: Sequence[tuple[Any, ...]],
        paths: Sequence[Sequence[Path]],
        **common: Any,
    ) -> Iterator[Any]:
        """Call a function with each item; what the others do not see is done here.

        Parameters
        ----------
        function : callable
            As for `map`; it gives None where it does not see its recordings.
        items : sequence of tuple
            Its arguments.
        paths : sequence of sequences of Path
            Of each item, the recordings that it needs.
        **common
            Arguments that are the same for all.

        Yields
        ------
        object
            Results in the order of the items, none of them None.

        Raises
        ------
        InputError
            Naming every recording that is not there any more.

        Warns
        -----
        HemiscaleWarning
            Once for each folder that others do not see.
        """
        found_by_others = self.map(function, items, **common)
        for item, needed, found in zip(items, paths, found_by_others, strict=True):
            if found is None:
                found = function(*item, **common)
                if found is None:
                    gone = dict.fromkeys(p for some in paths for p in some if not p.is_file())
                    raise InputError(*(f"{path}: is not there any more." for path in gone))
                self._tell_unseen(needed[0].parent)
            yield found

    def _tell_unseen(self, folder: Path) -> None:
        if folder in self.unseen:
            return
        self.unseen.add(folder)
        warnings.warn(
            f"{folder}: the workers do not see this folder; its recordings are read on this "
            "machine.",
            HemiscaleWarning,
            stacklevel=4,
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


def _call(
    parent: int, function: Callable[..., Any], item: tuple[Any, ...], common: dict[str, Any]
) -> Any:
    end_with(parent)
    return function(*item, **common)
