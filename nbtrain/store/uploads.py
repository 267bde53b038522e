"""Files that come from the browser, piece by piece, of any size: each piece is checked, and a broken line costs one.

An upload gathers in ``uploads/<id>/`` of the workspace and goes on after a reload of the page, or of the kernel.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import threading
import time
import unicodedata
import zlib
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from nbtrain.core.errors import DataError, DatasetNotFoundError
from nbtrain.core.tasks import Progress
from nbtrain.store import atomic
from nbtrain.store import workspace as workspaces
from nbtrain.store.workspace import Workspace

#: Bytes of the largest piece that is taken; smaller ones show progress sooner.
LARGEST_CHUNK = 32 * 2**20
#: Seconds without a new piece after which an upload is given up.
STALE_SECONDS = 7 * 86_400.0

_PART, _FACTS = "part", "upload.json"
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
#: Bytes of a name: file systems take 255, and something may be put in front.
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload under way. Sizes in bytes."""

    id: str
    name: str
    """The file's name, made harmless."""
    size: int
    had: int
    """So many bytes from the start are here: the next piece begins there."""


class Arrived(NamedTuple):
    """An upload that is whole: the file, and its SHA-256 in hexadecimal digits."""

    path: Path
    sha256: str


class Uploads:
    """The uploads of a workspace. Any thread may call; every call is short, but `finish` after a restart of the kernel.

    Args:
        workspace: None takes the current one.
        purpose: those of another one are not seen: a panel shall not offer to go on with another's.
    """

    def __init__(self, workspace: Workspace | None = None, purpose: str = "") -> None:
        self._workspace = workspace or workspaces.current()
        self._purpose = {"purpose": purpose} if purpose else {}
        self._lock = threading.Lock()
        self._hashes: dict[str, tuple[int, Any]] = {}
        """Upload → bytes that went into its hash, and the hash."""

    def begin(self, name: str, size: int, stamp: str | None = None) -> Upload:
        """Begin, or go on with what a reload cut off: an upload of the same `name`, `size` and `stamp`.

        One that was finished, and is being imported perhaps, is left alone: the file may be another one.

        Args:
            name: as the browser says it; only its last part counts, made harmless.
            size: bytes of the file.
            stamp: tells the file from others of its name and size, e.g. when it was changed; None begins anew.

        Raises:
            DataError: there is not so much space.
            WorkspaceError: the workspace cannot be written.
        """
        if size < 0:
            raise DataError(f"The size of an upload is {size}; it must be a number of bytes.")
        self.sweep()
        facts = {"name": harmless(name), "size": size, "stamp": stamp, **self._purpose}
        with self._lock:
            if stamp is not None:
                for found in self._all():
                    if self._facts(found) == facts and not (found / str(facts["name"])).exists():
                        return self._status(found)
            self._check_space(facts["name"], size)
            folder = self._workspace.upload_folder(self._workspace.new_dataset_id())
            with atomic.told("make the folder", folder):
                self._workspace.uploads_folder.mkdir(exist_ok=True)
            with atomic.new_folder(folder) as beside:
                atomic.write_new(beside / _FACTS, [atomic.to_json(facts)])
                atomic.write_new(beside / _PART, [])
            return self._status(folder)

    def all(self) -> list[Upload]:
        """Every upload that is here, whole or not, oldest first."""
        return [
            self._status(folder) for folder in sorted(self._all())
            if (folder / _FACTS).is_file() and self._facts(folder).get("purpose") == self._purpose.get("purpose")]

    def status(self, upload_id: str) -> Upload:
        """How much of it is here. Raises DatasetNotFoundError when it was given up, or finished."""
        return self._status(self._folder(upload_id))

    def check(self, upload_id: str, size: int, piece: int, digest: str) -> None:
        """Make sure, before it goes on, that what is here is the beginning of the file that shall go on with it.

        Its name, size and stamp may be those of another one.

        Args:
            upload_id: from `begin`.
            size: so many bytes from the start are looked at.
            piece: bytes of a piece; the last one may have fewer.
            digest: of the digests of the pieces as one text, each and itself SHA-256 or CRC-32 as for `chunk`.

        Raises:
            DataError: it is another file, and what was here of it was thrown away; or fewer bytes are here.
            DatasetNotFoundError: there is no such upload any more.
        """
        folder = self._folder(upload_id)
        now = self._status(folder)
        if not (0 <= size <= now.had and 0 < piece <= LARGEST_CHUNK):
            raise DataError(
                f"{size} bytes of {now.name} shall be compared in pieces of {piece}, and {now.had} are here; compare "
                f"no more than those, in pieces of at most {LARGEST_CHUNK}.")
        whole = folder / now.name
        path = whole if whole.exists() else folder / _PART
        with atomic.told("read", path), path.open("rb") as file:
            digests = [
                _digest(memoryview(file.read(min(piece, size - start))), digest) for start in range(0, size, piece)]
        if _digest(memoryview("".join(digests).encode()), digest) != digest.lower():
            self.cancel(upload_id)
            raise DataError(
                f"{now.name} is not the file whose upload was begun, though name, size, date, beginning and end are "
                "the same; what had arrived of the other one was thrown away: upload this one again, from its start.")

    def chunk(self, upload_id: str, offset: int, data: bytes | memoryview, digest: str) -> Upload:
        """Take the piece that begins at `offset`. One that is here already is taken again without harm.

        Args:
            upload_id: from `begin`.
            offset: bytes before it in the file.
            data: at most `LARGEST_CHUNK` bytes.
            digest: its SHA-256 (64 hexadecimal digits) or CRC-32 (8), against damage on the way.

        Raises:
            DataError: it is damaged, out of turn, or reaches beyond the file's size; nothing of it was kept.
            DatasetNotFoundError: there is no such upload any more.
            WorkspaceError: it cannot be written, the disk is full; send it again when there is space.
        """
        view = memoryview(data).cast("B")
        folder = self._folder(upload_id)
        if len(view) > LARGEST_CHUNK:
            raise DataError(f"A piece of an upload has {len(view)} bytes; it may have {LARGEST_CHUNK} at most.")
        if _digest(view, digest) != digest.lower():
            raise DataError(f"The piece at byte {offset} was damaged on the way; send it again.")
        with self._lock:
            now = self._status(folder)
            if not 0 <= offset <= now.had:
                raise DataError(f"A piece begins at byte {offset}, and {now.had} are here; go on from byte {now.had}.")
            if offset + len(view) > now.size:
                raise DataError(
                    f"{now.name} was said to have {now.size} bytes, and a piece reaches to byte {offset + len(view)}; "
                    "the file has changed, so begin the upload anew.")
            _append(folder / _PART, offset, view)
            self._hash(upload_id, now.had, view[now.had - offset:])
            return self._status(folder)

    def finish(self, upload_id: str, digest: str | None = None, *, progress: Progress | None = None) -> Arrived:
        """The whole file, under its own name, to be imported; `remove` it afterwards. May be asked again.

        Args:
            upload_id: from `begin`.
            digest: SHA-256 of the file in hexadecimal digits; None trusts the pieces, each of which was checked.
            progress: is told the bytes that were read again, where that is needed.

        Raises:
            DataError: pieces are missing; or the hash differs, and the upload was thrown away.
            DatasetNotFoundError: there is no such upload any more.
        """
        folder = self._folder(upload_id)
        now = self._status(folder)
        part, whole = folder / _PART, folder / now.name
        if now.had < now.size:
            raise DataError(
                f"Of {now.name}, {now.had} of {now.size} bytes are here; send the rest from byte {now.had} on.")
        found = self._whole_hash(now, whole if whole.exists() else part, progress)
        if digest is not None and found != digest.lower():
            self.remove(upload_id)
            raise DataError(
                f"{now.name} did not arrive as it was sent, for its SHA-256 differs; it may have changed meanwhile: "
                "upload it again.")
        if not whole.exists():
            with atomic.told("write", whole):
                part.replace(whole)
        return Arrived(whole, found)

    def cancel(self, upload_id: str) -> None:
        """Give it up; what was here of it is gone. Nothing happens when there is no such upload."""
        with contextlib.suppress(DatasetNotFoundError):
            self.remove(upload_id)

    def remove(self, upload_id: str) -> None:
        """Take its files away. Raises DatasetNotFoundError when there is no such upload."""
        folder = self._folder(upload_id)
        with self._lock:
            self._hashes.pop(upload_id, None)
            atomic.remove_folder(folder)

    def sweep(self, older_than: float = STALE_SECONDS) -> None:
        """Remove uploads that got no piece for so many seconds, and what a crash left."""
        with atomic.told("look for old uploads in", self._workspace.uploads_folder):
            for folder in self._all(hidden=True):
                newest = max((path.stat().st_mtime for path in [folder, *folder.iterdir()]), default=0.0)
                if time.time() - newest > older_than:
                    shutil.rmtree(folder, ignore_errors=True)  # another kernel may be at it too

    def _hash(self, upload_id: str, start: int, data: memoryview) -> None:
        """Go on with the hash of the whole, where every byte before went into it."""
        done, found = self._hashes.get(upload_id, (0, None))
        if done == start:
            found = sha256() if found is None else found
            found.update(data)
            self._hashes[upload_id] = (start + len(data), found)

    def _whole_hash(self, upload: Upload, path: Path, progress: Progress | None) -> str:
        done, found = self._hashes.get(upload.id, (0, None))
        if found is None or done != upload.size:  # another kernel took some of the pieces
            found = _sha256(path, upload.size, progress)
            self._hashes[upload.id] = (upload.size, found)
        return str(found.hexdigest())

    def _folder(self, upload_id: str) -> Path:
        folder = self._workspace.upload_folder(upload_id)
        if not (folder / _FACTS).is_file():
            raise DatasetNotFoundError(f"There is no upload {upload_id} any more; upload the file again.")
        return folder

    def _all(self, *, hidden: bool = False) -> list[Path]:
        root = self._workspace.uploads_folder
        if not root.is_dir():
            return []
        return [path for path in root.iterdir() if path.is_dir() and (hidden or not path.name.startswith("."))]

    @staticmethod
    def _facts(folder: Path) -> dict[str, object]:
        return dict(json.loads(atomic.read_bytes(folder / _FACTS)))

    def _status(self, folder: Path) -> Upload:
        facts = json.loads(atomic.read_bytes(folder / _FACTS))
        whole, part = folder / facts["name"], folder / _PART
        with atomic.told("look at", part):
            had = facts["size"] if whole.exists() else part.stat().st_size
        return Upload(folder.name, facts["name"], facts["size"], had)

    def _check_space(self, name: object, size: int) -> None:
        """Its import needs about as much again, but how much cannot be known before it is read."""
        with atomic.told("look at", self._workspace.home):
            free = shutil.disk_usage(self._workspace.home).free
        if size > free:
            raise DataError(
                f"{name} has {size:,} bytes, and the disk of the workspace {self._workspace.home} has {free:,} left; "
                "free some space, or choose another workspace with the environment variable NBTRAIN_HOME.")


def harmless(name: str) -> str:
    """A file name that can be used in a folder of ours: no folders, no hidden files, no devices, not too long."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    kept = "".join("_" if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} or c in '<>:"|?*' else c for c in last)
    kept = kept.strip().strip(".").strip()
    stem, dot, ending = kept.partition(".")
    while len(kept.encode()) > _LONGEST:
        if len(stem) > 1:
            stem = stem[:-1]
        else:
            ending = ending[1:]
        kept = stem + dot + ending
    if not kept or _DEVICES.fullmatch(kept) or kept in {_PART, _FACTS}:
        kept = f"file_{kept}"
    return kept


def _digest(data: memoryview, given: str) -> str:
    """Of the sort that was given."""
    if re.fullmatch(r"[0-9a-fA-F]{8}", given):
        return f"{zlib.crc32(data):08x}"
    return sha256(data).hexdigest()


def _sha256(path: Path, size: int, progress: Progress | None) -> Any:
    found, done = sha256(), 0
    with atomic.told("read", path), path.open("rb") as file:
        while data := file.read(atomic.CHUNK):
            found.update(data)
            done += len(data)
            if progress is not None:
                progress.report(done, size, "bytes")
    return found


def _append(path: Path, offset: int, data: memoryview) -> None:
    """Write at the end, or find the same bytes there; a piece that does not fit on the disk is taken back."""
    with atomic.told("write", path), path.open("r+b", buffering=0) as file:
        had = file.seek(0, os.SEEK_END)
        file.seek(offset)
        known = file.read(min(len(data), had - offset))
        if known != data[: len(known)]:
            raise DataError(
                f"The piece at byte {offset} is not what is here; the file has changed, so begin the upload anew.")
        rest = data[len(known):]
        try:
            file.seek(had)
            while len(rest):
                rest = rest[file.write(rest):]
        except OSError:
            with contextlib.suppress(OSError):  # the first error is the one to tell
                file.truncate(had)
            raise
