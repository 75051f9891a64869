"""One process at a time writes into a results folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from hemiscale.errors import HemiscaleError
from hemiscale.pipeline.progress import Display
from hemiscale.results import ResultsFolder

__all__ = ["locked"]

PATIENCE = 2.0  # seconds


@contextmanager
def locked(folder: ResultsFolder, display: Display) -> Iterator[None]:
    """Keep others who would write into the folder out of it.

    The system lets go of the lock when a run was killed and its processes have ended, which they
    do within a second: a lock that is held is asked for again for a moment.

    Parameters
    ----------
    folder : ResultsFolder
        Made where it is not there.
    display : Display

    Yields
    ------
    None

    Raises
    ------
    HemiscaleError
        Where another process is at work in it, or it cannot be written.

    Warns
    -----
    HemiscaleWarning
        On the display, where the disk keeps no locks.
    """
    import fcntl

    try:
        folder.root.mkdir(parents=True, exist_ok=True)
        stream = (folder.root / ".lock").open("a")
    except OSError as error:
        raise HemiscaleError(
            f"{folder.root}: cannot be written ({error.strerror}); "
            "choose another folder with --out."
        ) from None
    deadline = time.monotonic() + PATIENCE
    with stream:
        try:
            while True:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise
                time.sleep(0.1)
        except BlockingIOError:
            raise HemiscaleError(
                f"{folder.root}: another run is at work in this folder; wait for it to end."
            ) from None
        except OSError as error:
            display.warn(
                f"{folder.root}: this disk keeps no locks ({error.strerror}); see to it that no "
                "second run works in this folder."
            )
        yield
