"""The kernel's one DuckDB: it reads files where they lie, out of core, and keeps no database of its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from functools import cache
from multiprocessing.util import Finalize

import duckdb

from nbtrain.core.errors import CancelledError
from nbtrain.core.tasks import Progress

#: What DuckDB may hold in memory before it writes to the disk; the rest of the 500 MB promised is for its results.
MEMORY_LIMIT = "256MB"
#: With more, each has too little of it.
THREADS = min(4, os.cpu_count() or 1)

#: Times that a query is interrupted, every 20 ms, when Python ends.
_INSISTED = 500

_opening = threading.Lock()


@contextlib.contextmanager
def cursor(progress: Progress | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for one piece of work in one thread; cancelling `progress` interrupts its query.

    Raises:
        CancelledError: in place of DuckDB's error, when the work was called off.
    """
    with _opening:
        own = _database(os.getpid()).cursor()
    over, interrupting = threading.Event(), list[threading.Thread]()
    try:
        if progress is not None:
            progress.check()
            progress.on_cancel(lambda: _interrupt(own, over, interrupting))
        yield own
    except duckdb.InterruptException:
        if progress is not None and progress.cancelled:
            raise CancelledError("It was called off; nothing was left behind.") from None
        raise
    finally:
        over.set()
        for thread in interrupting:
            with contextlib.suppress(RuntimeError):  # not yet begun, or refused
                thread.join()
        own.close()


def _interrupt(
    connection: duckdb.DuckDBPyConnection, over: threading.Event, interrupting: list[threading.Thread],
) -> None:
    """Until the work is over: a query that has not yet begun does not hear the first time."""
    def insist(times: int | None = None) -> None:
        with contextlib.suppress(duckdb.ConnectionException):  # closed in between
            for _ in itertools.count() if times is None else range(times):
                if over.wait(0.02):
                    return
                connection.interrupt()

    if over.is_set():
        return
    try:
        thread = threading.Thread(target=insist, name="nbtrain-interrupt", daemon=True)
        interrupting.append(thread)
        thread.start()
    except RuntimeError:  # Python ends, and Python 3.12 then starts no thread any more
        insist(_INSISTED)


def _spill_folder() -> str:
    """A folder that nobody else made, or looks into; it goes with the process."""
    folder = tempfile.mkdtemp(prefix="nbtrain-")
    # Not atexit: processes of multiprocessing end without it. A forked child leaves its parent's folder alone.
    Finalize(None, shutil.rmtree, (folder,), {"ignore_errors": True}, exitpriority=0)
    return folder


@cache
def _database(process: int) -> duckdb.DuckDBPyConnection:  # noqa: ARG001 - by which it is cached
    """One for each process: a forked child cannot use its parent's."""
    database = duckdb.connect(config={
        "memory_limit": MEMORY_LIMIT,
        "threads": THREADS,
        "temp_directory": _spill_folder(),
        "preserve_insertion_order": "true",
        "autoinstall_known_extensions": "false",  # nothing is fetched from the network behind the user's back
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
    })
    database.execute("SET GLOBAL TimeZone = 'UTC'")
    return database
