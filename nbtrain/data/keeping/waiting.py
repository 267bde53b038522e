"""Waiting for long work in a cell or a script: it can be interrupted, and in a terminal it says how far it is."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from nbtrain.core.tasks import Progress, Task

T = TypeVar("T")
#: Seconds before a terminal is told how far it is, and between two times.
_PATIENCE, _PAUSE = 1.0, 0.2
_WIDTH = 24


def waited(kind: str, title: str, work: Callable[[Progress], T], progress: Progress | None = None) -> T:
    """What `work` gives, done in a thread so that Kernel → Interrupt, or Ctrl-C, calls it off at once.

    With a `progress` of the caller's it is done in the caller's thread, and told there.

    Raises:
        KeyboardInterrupt: it was interrupted; nothing half-made is left.
    """
    if progress is not None:
        return work(progress)
    task = Task(kind, title, work)
    over = threading.Event()  # not the thread's own end: up to Python 3.12 an interrupted join takes it for ended

    def run() -> None:
        task.run()
        over.set()

    thread = threading.Thread(target=run, name=f"nbtrain-{task.id}", daemon=True)
    told = False
    try:
        thread.start()  # on a busy machine the work may be far before this comes back
        while not over.wait(_PAUSE):
            if task.seconds > _PATIENCE and sys.stderr.isatty():
                told = True
                sys.stderr.write("\r" + line(title, task.progress, task.seconds))
                sys.stderr.flush()
    except KeyboardInterrupt:
        task.cancel()
        while not over.wait(1.0) and thread.is_alive():
            pass  # it must have tidied up before the cell ends
        raise
    finally:
        if told:
            sys.stderr.write("\n")
    return task.wait()


def line(title: str, progress: Progress, seconds: float) -> str:
    """How far it is, for a terminal: ``reviews.csv  ████████░░░░░░░░  52 %  12 s``."""
    share = min(1.0, progress.done / progress.total) if progress.total else 0.0
    full = round(share * _WIDTH)
    return f"{title:.40}  {'█' * full}{'░' * (_WIDTH - full)}  {share:4.0%}  {seconds:.0f} s"
