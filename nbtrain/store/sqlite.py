"""Opening SQLite so that several kernels can share a file, and its errors in words."""

from __future__ import annotations

import contextlib
import errno
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from nbtrain.core.errors import WorkspaceError
from nbtrain.store.atomic import explained

#: Seconds to wait for another kernel that is writing.
BUSY_SECONDS = 15.0

#: Write-ahead logging needs memory shared by all who open the file, which network file systems do not give.
_NETWORK = ("nfs", "cifs", "smb", "9p", "afpfs", "webdav", "fuse", "ceph", "glusterfs", "lustre")


def connect(path: Path, migrations: Sequence[str]) -> sqlite3.Connection:
    """A connection, usable by one thread at a time, to a database with all `migrations` applied.

    A commit has reached the disk when it returns (``synchronous=FULL``).

    Raises:
        WorkspaceError: the file cannot be used, is no database, or was made by a newer nbtrain.
    """
    with told(path):
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            _set_journal_mode(connection, path)
            connection.execute("PRAGMA synchronous=FULL")
            _migrate(connection, path, migrations)
        except BaseException:
            connection.close()
            raise
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block's writes, or none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn sqlite3's errors in the block into a `WorkspaceError` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        # The low byte is the kind, the rest its finer distinction.
        kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
        code, why = _WHY.get(kind, (None, str(error)))
        raise explained(code, f"Cannot use the database {path}", why) from error


@contextlib.contextmanager
def unique(taken: Exception) -> Iterator[None]:
    """Raise `taken` instead, where what is `told` in the block is that an index would hold something twice."""
    try:
        yield
    except WorkspaceError as error:
        if not isinstance(error.__cause__, sqlite3.IntegrityError):
            raise
        raise taken from None


_DAMAGED = "the file is damaged or not a database; move it aside (it is made anew), the folders of the runs stay"
_WHY: dict[int, tuple[int | None, str]] = {
    sqlite3.SQLITE_FULL: (errno.ENOSPC, ""),
    sqlite3.SQLITE_READONLY: (errno.EROFS, ""),
    sqlite3.SQLITE_CANTOPEN: (errno.EACCES, ""),
    sqlite3.SQLITE_IOERR: (errno.EIO, ""),
    sqlite3.SQLITE_BUSY: (errno.EBUSY, f"another kernel kept it locked for {BUSY_SECONDS:.0f} seconds; try again"),
    sqlite3.SQLITE_CORRUPT: (None, _DAMAGED),
    sqlite3.SQLITE_NOTADB: (None, _DAMAGED),
}


def _set_journal_mode(connection: sqlite3.Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode == "wal" or on_network(path):
        return
    # Unlike everything else, the change of mode does not wait for another kernel by itself.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def on_network(path: Path) -> bool:
    """True when `path` lies on a file system that other machines may share."""
    best, kind = "", ""
    resolved = path.resolve()
    for partition in psutil.disk_partitions(all=True):
        if resolved.is_relative_to(partition.mountpoint) and len(partition.mountpoint) >= len(best):
            best, kind = partition.mountpoint, partition.fstype.lower()
    return kind.startswith(_NETWORK)


def _migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> None:
    if _version(connection) == len(migrations):
        return
    with transaction(connection):
        connection.execute("CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, applied REAL NOT NULL)")
        version = _version(connection)  # another kernel may have been faster
        if version > len(migrations):
            raise WorkspaceError(
                f"The database {path} has version {version}, made by a newer nbtrain than this one, which knows "
                f"version {len(migrations)}: update nbtrain, or choose another workspace.")
        for number, script in enumerate(migrations[version:], start=version + 1):
            for statement in script.split(";"):
                connection.execute(statement)
            connection.execute("INSERT INTO migrations VALUES (?, ?)", (number, time.time()))


def _version(connection: sqlite3.Connection) -> int:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").fetchone():
        return 0
    (version,) = connection.execute("SELECT coalesce(max(version), 0) FROM migrations").fetchone()
    return int(version)
