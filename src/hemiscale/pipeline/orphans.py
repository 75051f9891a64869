"""Processes that end soon after the one that started them, however that came about.

A run that is killed cannot tell its workers to stop. Left alone, they would wait for work for ever,
hold memory, and, where they were forked, the lock of the results folder.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time

__all__ = ["end_with", "end_with_parent"]

PAUSE = 0.5  # seconds
_NAME = "ends this process with its parent"


def end_with(parent: int) -> None:
    """Let this process end when the one that started it has ended; what it writes is not harmed.

    Parameters
    ----------
    parent : int
        Number of the process that started this one. Nothing is done in that process itself, where
        work is done that nobody else was found for.
    """
    if os.getpid() == parent:
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PAUSE)
        os._exit(1)

    if all(thread.name != _NAME for thread in threading.enumerate()):
        threading.Thread(target=watch, name=_NAME, daemon=True).start()


def end_with_parent() -> None:
    """Let this process, which multiprocessing started, end when its parent has ended."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, name=_NAME, daemon=True).start()
