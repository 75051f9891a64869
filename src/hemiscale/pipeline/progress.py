"""What people see while a study runs: bars with the time left, a line per finished model, a log."""

from __future__ import annotations

import logging
import queue as queues
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from hemiscale.errors import HemiscaleError, HemiscaleWarning
from hemiscale.results import cannot_be_written

__all__ = ["Display", "log_to"]

logger = logging.getLogger("hemiscale")


class _LogFile(logging.FileHandler):
    """A log that is given up where it cannot be written; the work tells why it ends."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        pass

    def close(self) -> None:
        with suppress(OSError):
            super().close()


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Write all log messages to a file as well, one run after the other.

    Parameters
    ----------
    path : Path

    Yields
    ------
    None
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(path, encoding="utf-8")
    except OSError as error:
        raise cannot_be_written(path, error.strerror or str(error)) from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    except HemiscaleError:
        raise
    except Exception:
        logger.exception("an error that hemiscale did not foresee")
        raise
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
        handler.close()


class Display:
    """Bars and lines on a terminal; lines only where there is none; nothing when quiet.

    Parameters
    ----------
    console : rich.console.Console
    quiet : bool
        Show nothing; the log file still gets every line.
    """

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self.console = console
        self.quiet = quiet
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("[dim]elapsed"),
            TimeElapsedColumn(),
            TextColumn("[dim]left"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=quiet or not console.is_terminal,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._gone: set[str] = set()
        self._lock = threading.Lock()

    def say(self, message: str, *, style: str | None = None) -> None:
        """Show a line, and log it.

        Parameters
        ----------
        message : str
        style : str, optional
            A rich style.
        """
        logger.info(message)
        if not self.quiet:
            self.console.print(message, style=style, markup=False, highlight=False)

    def warn(self, message: str) -> None:
        """Show a line that should not be overlooked, and log it.

        Parameters
        ----------
        message : str
        """
        logger.warning(message)
        if not self.quiet:
            self.console.print(f"note: {message}", style="yellow", markup=False, highlight=False)

    @contextmanager
    def warnings(self) -> Iterator[None]:
        """Show our own warnings as notes while the block runs; others as Python shows them.

        Yields
        ------
        None
        """
        with warnings.catch_warnings():
            shown_by_python = warnings.showwarning

            def show(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
                if issubclass(category, HemiscaleWarning):
                    self.warn(str(message))
                else:
                    shown_by_python(message, category, *where, **more)

            warnings.showwarning = show
            warnings.simplefilter("always", HemiscaleWarning)
            yield

    @contextmanager
    def bars(self) -> Iterator[None]:
        """Show the bars while the block runs.

        Yields
        ------
        None
        """
        with self._bars:
            yield

    def advance(self, name: str, done: int | None, total: int) -> None:
        """Move the bar of one piece of work; it goes when the work is done.

        May be called from any thread.

        Parameters
        ----------
        name : str
        done : int or None
            None: one more than before.
        total : int
        """
        with self._lock:
            if name in self._gone:  # told late, by a process or machine
                return
            if name not in self._tasks:
                self._tasks[name] = self._bars.add_task(name, total=total)
            if done is None:
                self._bars.update(self._tasks[name], advance=1, total=total)
            else:
                self._bars.update(self._tasks[name], completed=done, total=total)

    def finish(self, name: str) -> None:
        """Take a bar away.

        Parameters
        ----------
        name : str
        """
        with self._lock:
            task = self._tasks.pop(name, None)
            if task is not None:
                self._bars.remove_task(task)
            self._gone.add(name)

    @contextmanager
    def listen(self, events: Any) -> Iterator[None]:
        """Show what worker processes report.

        Parameters
        ----------
        events : queue
            Gives (name, done, total) as for `advance`; (None, 0, 0) ends it.

        Yields
        ------
        None
        """

        def follow() -> None:
            while True:
                try:
                    name, done, total = events.get()
                except (EOFError, OSError, queues.Empty):
                    return
                if name is None:
                    return
                self.advance(name, done, total)

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            events.put((None, 0, 0))
            thread.join(timeout=5)
