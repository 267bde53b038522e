"""Files of the Hub, fetched so that nothing is fetched twice: gone on with after a break, checked, then in the cache.

A file gathers as a part (`nbtrain.hub.parts`); what is missing is asked for by its range, at the Hub's own address each
time, because the addresses it leads to (LFS, Xet's bridge) are valid for minutes only. Its hash is checked before it
enters the client's cache.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future
from concurrent.futures import wait as wait_for
from io import FileIO
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from huggingface_hub import get_session, hf_hub_url, hf_raise_for_status
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # documented as exported

from nbtrain.core.errors import CancelledError, HubError
from nbtrain.core.tasks import Progress
from nbtrain.hub import cache, parts
from nbtrain.hub.meter import Meter
from nbtrain.hub.parts import Part, Wanted
from nbtrain.hub.settings import HubSettings
from nbtrain.hub.telling import CutError, check_online, pause, told
from nbtrain.store import atomic

#: Files at a time: more than one, because a folder of images is many small files.
AT_ONCE = 4
#: Bytes of one request: what stands before the Hub's storage gives no more than 50 GB at once.
LARGEST_REQUEST = 40 * 10**9

_PARTIAL, _NO_SUCH_RANGE = 206, 416
#: How often a file is begun anew before it is said to change all the time.
_MOST_BEGINNINGS = 3
_PIECE = 2**20
#: To end what is cut takes an instant; a connection that is only being opened cannot be cut.
_PATIENCE_SECONDS = 1.0


class _AnewError(Exception):
    """What is here of a file is of no use: its content is another one by now, or the answer does not fit."""


def fetch_all(
    files: Sequence[Wanted], folder: Path, settings: HubSettings, progress: Progress | None = None,
) -> dict[str, Path]:
    """Each file in the cache, by its path in the repository.

    Args:
        files: they are of one repository.
        folder: where those gather that are not whole; what is there is gone on with.
        settings: how the Hub is asked.
        progress: is told the bytes of all files together; cancelling it ends the work.

    Raises:
        HubError: a file cannot be fetched, or is not what it should be.
        WorkspaceError: it cannot be written; what arrived is kept.
        CancelledError: it was called off; what arrived is kept.
    """
    files = list(dict.fromkeys(files))
    had = {file.path: parts.have(file, folder) for file in files}
    total, here = sum(file.size or 0 for file in files), sum(had.values())
    parts.check_space(files, total - here, folder)
    meter = Meter(progress, total, here)
    jobs = _begun(files, lambda file: _fetched(file, folder, settings, meter, had[file.path]))
    try:
        wait_for(jobs.values(), return_when=FIRST_EXCEPTION)
    finally:  # an interrupt may come from the keyboard
        if not all(_is_well(job) for job in jobs.values()):
            for job in jobs.values():
                job.cancel()
            meter.interrupt()
            wait_for(jobs.values(), timeout=_PATIENCE_SECONDS)  # who still waits for an answer writes nothing any more
    if progress is not None:
        progress.check()
    errors = [
        error for job in jobs.values() if job.done() and not job.cancelled() and (error := job.exception()) is not None]
    if errors:  # the cause, not what it called off
        raise min(errors, key=lambda error: isinstance(error, CancelledError))
    return {path: job.result() for path, job in jobs.items()}


def _begun(files: Sequence[Wanted], fetch: Callable[[Wanted], Path]) -> dict[str, Future[Path]]:
    """Each file by its path, fetched by threads that do not keep a kernel from ending, as those of an executor do."""
    waiting: SimpleQueue[tuple[Wanted, Future[Path]]] = SimpleQueue()
    jobs: dict[str, Future[Path]] = {file.path: Future() for file in files}
    for file in files:
        waiting.put((file, jobs[file.path]))

    def work() -> None:
        with contextlib.suppress(Empty):
            while True:
                file, job = waiting.get_nowait()
                if not job.set_running_or_notify_cancel():
                    continue
                try:
                    job.set_result(fetch(file))
                except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
                    job.set_exception(error)

    for number in range(min(AT_ONCE, len(files))):
        threading.Thread(target=work, name=f"nbtrain-hub-{number}", daemon=True).start()
    return jobs


def _is_well(job: Future[Path]) -> bool:
    return job.done() and not job.cancelled() and job.exception() is None


def _fetched(wanted: Wanted, folder: Path, settings: HubSettings, meter: Meter, had: int) -> Path:
    """The file in the cache; of `had` bytes the meter knows. Raises as `fetch_all`."""
    meter.check()
    known = _sound(wanted, meter)
    if known is not None:
        meter.add((wanted.size or 0) - had)
        return known
    try:
        with told(wanted.title, settings.endpoint, wanted.commit):
            return _Fetching(wanted, folder, settings, meter, had).run()
    except HubError as error:
        if not error.offline:
            raise
        raise HubError(
            f"{error} {wanted.title} is not downloaded yet; what arrived of it is kept, so try again later.",
            offline=True) from None


def _sound(wanted: Wanted, meter: Meter) -> Path | None:
    """The file, where the cache has it as it is on the Hub; what the cache has of it otherwise is thrown away."""
    for path in wanted.there():
        if not path.exists():  # the content of what was thrown away
            continue
        expected = wanted.digest or cache.named(path, wanted.cached)
        with atomic.told("read", path):
            size = path.stat().st_size
            if wanted.size in {None, size} and _hashed(path, expected, size, meter) in {"", expected}:
                return cache.name(wanted.cached, wanted.commit, wanted.path, path)
        cache.discard(path, wanted.cached)
    return None


def _hashed(path: Path, expected: str, size: int, meter: Meter) -> str:
    """The hash of a file, of the sort of the expected one; empty where that is of no known sort."""
    digest = parts.hasher(expected, size)
    if digest is None:
        return ""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            meter.check()
            digest.update(piece)
    return digest.hexdigest()


class _Fetching:
    """One file on its way."""

    def __init__(self, wanted: Wanted, folder: Path, settings: HubSettings, meter: Meter, counted: int) -> None:
        self._wanted = wanted
        self._part = Part(wanted, folder)
        self._settings = settings
        self._meter = meter
        self._size = wanted.size
        self._etag = self._part.etag
        """Empty until something is here that can be gone on with."""
        self._counted = counted
        """Bytes of this file that the meter knows of."""

    def run(self) -> Path:
        """Ask until all is here, check it, and put it into the cache."""
        failures = begun = 0
        self._count(self._here)
        while not self._is_whole:
            had = self._here
            try:
                self._ask()
            except _AnewError:
                begun += 1
                if begun > _MOST_BEGINNINGS:
                    raise HubError(
                        f"{self._wanted.title} changes on the Hub while it is downloaded; try again later.") from None
                self._begin("")
                continue
            except Exception as error:
                self._meter.check()  # it may have been cut by us
                failures = 0 if self._here > had else failures
                seconds = pause(error, failures)
                if seconds is None or failures >= self._settings.retries:
                    raise
                failures += 1
                self._meter.wait(seconds)
        return self._checked()

    @property
    def _here(self) -> int:
        return self._part.have if self._etag else 0

    @property
    def _is_whole(self) -> bool:
        return bool(self._etag) and self._size is not None and self._here >= self._size

    def _ask(self) -> None:
        """Ask for what is missing and write down what comes. Raises the client's errors."""
        check_online()
        wanted, have = self._wanted, self._here
        address = hf_hub_url(
            wanted.repository, wanted.path, repo_type=wanted.kind, revision=wanted.commit,
            endpoint=self._settings.endpoint)
        headers = {**build_hf_headers(), "Accept-Encoding": "identity", **_range(have, self._size)}
        with get_session().stream(
            "GET", address, headers=headers, timeout=self._settings.timeout, follow_redirects=True,
        ) as answer, self._meter.interrupting(answer):
            self._meter.check()
            if answer.status_code == _NO_SUCH_RANGE:
                raise _AnewError
            hf_raise_for_status(answer)
            etag = _etag_of(answer) or wanted.digest
            if have and (etag != self._etag or _start_of(answer) not in {0, have}):
                raise _AnewError
            self._learn(answer, etag)
            if not have or _start_of(answer) == 0:  # a server need not know of ranges
                self._begin(etag)
            self._write(answer)

    def _learn(self, answer: Any, etag: str) -> None:
        """What the answer says of the file, and whether that fits what the Hub's list said. Raises HubError."""
        title, said = self._wanted.title, _size_of(answer)
        if self._size is None:
            self._size = said
        elif said is not None and said != self._size:
            self._part.remove()
            raise HubError(f"{title} has {said} bytes, and the Hub's list of files says {self._size}; open it again.")
        if self._size is None or parts.hasher(self._wanted.digest or etag, self._size) is None:
            raise HubError(f"The Hub does not say how large {title} is and which hash it has, so it cannot be checked.")

    def _begin(self, etag: str) -> None:
        self._part.begin(etag)
        self._etag = etag
        self._count(0)

    def _write(self, answer: Any) -> None:
        """Put the body at the end of what is here, at once: what a kill leaves is what arrived."""
        here = began = self._here
        size = self._size or 0
        with self._part.path.open("ab", buffering=0) as file:
            for piece in answer.iter_raw() if _is_plain(answer) else answer.iter_bytes():
                if here + len(piece) > size:
                    self._part.remove()
                    raise HubError(
                        f"{self._wanted.title} is longer than the {size} bytes that the Hub said; what arrived was "
                        "thrown away.")
                try:
                    _write_all(file, piece)
                except OSError as error:
                    what = f"{self._wanted.title} stopped at byte {self._part.have} of {size}, and they are kept"
                    raise atomic.explained(error.errno, what, error.strerror or "") from None
                here += len(piece)
                self._count(here)
        if here == began < size:
            raise CutError("Nothing came.")

    def _count(self, here: int) -> None:
        here, self._counted = here - self._counted, here
        self._meter.add(here)

    def _checked(self) -> Path:
        """The file in the cache, if it is what it should be."""
        wanted, size = self._wanted, self._size or 0
        expected = wanted.digest or self._etag
        with atomic.told("read", self._part.path):
            found = _hashed(self._part.path, expected, size, self._meter)
            with self._part.path.open("rb+") as file:
                os.fsync(file.fileno())
        if found != expected:
            self._part.remove()
            raise HubError(
                f"{wanted.title} did not arrive as it is on the Hub: its hash is {found[:12]}… and must be "
                f"{expected[:12]}…; what arrived was thrown away, so download it again.")
        content = cache.put(self._part.path, wanted.cached, self._etag)
        self._part.remove()
        return cache.name(wanted.cached, wanted.commit, wanted.path, content)


def _range(have: int, size: int | None) -> dict[str, str]:
    """The header that asks for what is missing, or for no more of it than one answer has; none for the whole."""
    end = have + LARGEST_REQUEST
    if size is not None and size > end:
        return {"Range": f"bytes={have}-{end - 1}"}
    return {"Range": f"bytes={have}-"} if have else {}


def _etag_of(answer: Any) -> str:
    """By which the Hub knows the content: as it said itself, before it led to where that is stored."""
    chain = [*answer.history, answer]
    own = [each for each in chain if _origin(each.url) == _origin(chain[0].url)]
    linked = (each.headers.get("X-Linked-Etag") for each in own)
    found = next((etag for etag in linked if etag), own[-1].headers.get("ETag")) or ""
    found = found.removeprefix("W/").strip('"')
    return found if cache.is_etag(found) else ""


def _origin(address: Any) -> tuple[str, str, int | None]:
    return address.scheme, address.host, address.port


def _start_of(answer: Any) -> int | None:
    """The place in the file where the body begins; None where that is not said."""
    if answer.status_code != _PARTIAL:
        return 0
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range") or "")
    return int(found[1]) if found and _is_plain(answer) else None


def _size_of(answer: Any) -> int | None:
    """Bytes of the whole file, where that is said."""
    if answer.status_code == _PARTIAL:
        found = re.search(r"/(\d+)$", answer.headers.get("Content-Range") or "")
    else:
        found = re.fullmatch(r"(\d+)", answer.headers.get("Content-Length") or "") if _is_plain(answer) else None
    return int(found[1]) if found else None


def _is_plain(answer: Any) -> bool:
    """Whether the bytes are the file's own, not packed in spite of what was asked for."""
    return (answer.headers.get("Content-Encoding") or "identity") == "identity"


def _write_all(file: FileIO, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[file.write(rest):]
