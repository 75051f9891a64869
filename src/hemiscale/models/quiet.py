"""Keep transformers' progress bars and advice off the screen while we call it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

__all__ = ["quiet_transformers"]


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence transformers inside the block, and leave its settings as they were.

    Yields
    ------
    None
    """
    from tqdm import tqdm
    from transformers.utils import logging

    if not hasattr(tqdm, "_lock"):
        # Its own lock is also for other processes: a semaphore, which Python says has leaked when
        # a worker process ends.
        tqdm.set_lock(threading.RLock())

    verbosity = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
