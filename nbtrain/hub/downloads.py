"""The downloads of a workspace: several at once, each gone on with after a stop, a restart of the kernel or a kill.

What a download is and how it ended is kept in its folder (`nbtrain.hub.queued`). A lock that goes with its kernel says
whether someone is at it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from nbtrain.core.errors import (
    CancelledError,
    CommandError,
    HubError,
    ModelNotFoundError,
    NbtrainError,
    WorkspaceError,
)
from nbtrain.core.tasks import Progress, Task, Tasks
from nbtrain.hub import cache, choosing, queued
from nbtrain.hub.client import Client, Listing, checked_revision
from nbtrain.hub.meter import Rate
from nbtrain.hub.queued import Queued
from nbtrain.store import atomic, lock
from nbtrain.store import workspace as workspaces
from nbtrain.store.lock import FolderLock
from nbtrain.store.workspace import Workspace

#: Downloads at a time; each fetches several files at once.
AT_ONCE = 3

Phase = Literal["waiting", "running", "stopped", "done", "failed"]
#: Makes a model of the files that arrived, by their paths in the repository; returns its id.
Maker = Callable[[Listing, dict[str, Path]], str]
#: Which files of a repository are needed.
Chooser = Callable[[Listing], Sequence[str]]

_REFUSAL = "The download {folder} is under way {where}; stop it there first."
_BUSY = "A download is just being begun {where}, and that takes long; try again."
#: How long another kernel may take to begin one.
_BEGINNING_SECONDS = 15.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A download as it is now. Sizes in bytes."""

    id: str
    repository: str
    revision: str
    """As it was asked for; empty for the newest."""
    commit: str
    """Empty until the Hub said it."""
    have: int
    total: int
    """0 until the Hub said it."""
    speed: float | None
    """Bytes a second over the last seconds; None while it is not known."""
    left: float | None
    """Seconds that it will still take; None while that is not known."""
    phase: Phase
    task: str
    """Of this kernel's task that works on it; empty when none does, or another kernel's."""
    error: str
    """Why it failed, in a sentence."""
    model: str
    """What was made of it, once done."""
    remote_code: bool
    """The user allowed code of the repository."""
    convert: bool
    """The user allowed pickles to be read for their tensors."""
    question: str
    """What it failed for the want of: ``convert``, ``remote_code`` or empty."""


@dataclass(slots=True)
class _Job:
    """A download that this kernel works on."""

    folder: Path
    facts: Queued
    lock: FolderLock
    make: Maker | None
    choose: Chooser | None
    had: int
    """Bytes that were here when it began."""
    rate: Rate
    waiting: bool = True
    dropped: bool = False
    task: Task[str] | None = None


#: The downloads that this process works on, whoever began them, and how it makes models of them.
_jobs: dict[tuple[int, Path], _Job] = {}
_makers: dict[Path, tuple[Maker | None, Chooser | None]] = {}
_changing = threading.RLock()
_slots = threading.BoundedSemaphore(AT_ONCE)


class Downloads:
    """The downloads of a workspace. Every call is short, and any thread may call.

    Args:
        workspace: None takes the current one.
        tasks: where each download shows as a task of the kind ``download``.
        choose: which files of a repository are fetched; None takes those that loading needs.
    """

    def __init__(
        self, workspace: Workspace | None = None, tasks: Tasks | None = None, choose: Chooser | None = None,
    ) -> None:
        self._workspace = workspace or workspaces.current()
        self._tasks = tasks or Tasks()
        self._choose = choose
        self._rates: dict[Path, Rate] = {}

    def begin(
        self, repository: str, revision: str | None = None, *, trust_remote_code: bool = False, convert: bool = False,
        on_done: Maker | None = None,
    ) -> Download:
        """Begin to download a model, or go on with a download of it that was not finished.

        Args:
            repository: ``owner/name``.
            revision: a branch, tag or commit; None is the newest.
            trust_remote_code: is kept with the download: the user allowed code of the repository.
            convert: likewise: pickles may be read for their tensors.
            on_done: makes a model of the files, in the download's thread; what it raises fails the download.

        Raises:
            HubError: `repository` is no such name, or `revision` none.
            ConfigError: the settings of the Hub are wrong.
            WorkspaceError: the workspace cannot be written.
        """
        Client(repository)
        checked_revision(revision)
        with _changing, self._alone():
            for folder, facts in self._unfinished(repository, revision):
                if not lock.is_held(folder):
                    return self.resume(
                        folder.name, on_done=on_done, trust_remote_code=trust_remote_code, convert=convert)
                if (facts.remote_code, facts.convert) == (trust_remote_code, convert):
                    return self._view(folder)
            folder = self._workspace.download_folder(self._workspace.new_download_id())
            facts = Queued(
                repository=repository, revision=revision, remote_code=trust_remote_code, convert=convert,
                begun=time.time())
            with atomic.new_folder(folder) as beside:
                queued.write(beside, facts)
            return self._start(folder, facts, on_done, self._choose)

    def all(self) -> list[Download]:
        """Every download that was not dropped, oldest first; those of other kernels too."""
        found = sorted(self._all(), key=lambda each: each[1].begun)
        return [self._view(folder) for folder, _ in found]

    def find(self, download_id: str) -> Download:
        """One of them. Raises ModelNotFoundError when there is none (any more)."""
        return self._view(self._folder(download_id))

    def stop(self, download_id: str) -> None:
        """Stop it; what arrived is kept. Nothing happens to one that nobody works on.

        Raises:
            CommandError: another kernel works on it.
            ModelNotFoundError: there is none (any more).
        """
        folder = self._folder(download_id)
        with _changing:
            job = _job(folder)
        if job is not None and job.task is not None:
            job.task.cancel()
        elif lock.is_held(folder):
            with FolderLock(folder, _REFUSAL):
                return

    def resume(
        self, download_id: str, *, on_done: Maker | None = None, trust_remote_code: bool | None = None,
        convert: bool | None = None,
    ) -> Download:
        """Go on with one that was stopped, failed, or lost its kernel; one that runs or is done stays as it is.

        Args:
            download_id: of the download.
            on_done: as for `begin`; None takes what `begin` was given in this kernel, else no model is made.
            trust_remote_code: as for `begin`; None leaves it as it was.
            convert: likewise.

        Raises:
            CommandError: another kernel works on it, or what was kept of it cannot be used.
            ModelNotFoundError: there is none (any more).
        """
        folder = self._folder(download_id)
        with _changing:
            facts = queued.read(folder)
            if _job(folder) is not None or facts.phase == "done":
                return self._view(folder)
            if facts.damaged:
                raise CommandError(facts.error)
            facts.allow(remote_code=trust_remote_code, convert=convert)
            known, choose = _makers.get(folder, (None, self._choose))
            return self._start(folder, facts, on_done or known, choose)

    def drop(self, download_id: str) -> None:
        """Give it up; what arrived of it is gone. A model that it became stays.

        Raises:
            CommandError: another kernel works on it.
            ModelNotFoundError: there is none (any more).
        """
        folder = self._folder(download_id)
        with _changing:
            job = _job(folder)
            if job is not None and job.task is not None:
                job.dropped = True  # its thread takes the folder away
                job.task.cancel()
                return
            with FolderLock(folder, _REFUSAL):
                pass
            _makers.pop(folder, None)
            atomic.remove_folder(folder)

    def _start(
        self, folder: Path, facts: Queued, make: Maker | None, choose: Chooser | None,
    ) -> Download:
        """Work on it in a thread. Raises CommandError when another kernel does."""
        held = FolderLock(folder, _REFUSAL)
        held.acquire()
        try:
            facts.phase, facts.error, facts.question = "running", "", ""
            queued.write(folder, facts)
            _makers[folder] = make, choose
            had = facts.have(folder)
            job = _Job(folder, facts, held, make, choose, had, Rate(had))
            _jobs[os.getpid(), folder] = job  # its thread waits for `_changing` before it looks
            job.task = self._tasks.start("download", facts.repository, partial(_work, job))
        except BaseException:
            _jobs.pop((os.getpid(), folder), None)
            held.release()
            raise
        return self._view(folder)

    def _view(self, folder: Path) -> Download:
        with _changing:
            job = _job(folder)
        facts = job.facts if job is not None else queued.read(folder)
        listing = facts.known
        total = sum(listing.files.get(file, 0) for file in facts.files) if listing is not None else 0
        phase, have, speed = self._state(folder, facts, job)
        left = max(0, total - have) / speed if speed else None
        return Download(
            id=folder.name, repository=facts.repository, revision=facts.revision or "",
            commit=listing.commit if listing is not None else "", have=have, total=total, speed=speed, left=left,
            phase=phase, task=job.task.id if job is not None and job.task is not None else "", error=facts.error,
            model=facts.model, remote_code=facts.remote_code, convert=facts.convert, question=facts.question)

    def _state(self, folder: Path, facts: Queued, job: _Job | None) -> tuple[Phase, int, float | None]:
        """Phase, bytes that are here, and speed."""
        if job is not None:
            begun = job.task is not None and job.task.progress.total is not None
            have = int(job.task.progress.done) if job.task is not None and begun else job.had
            return ("waiting", have, None) if job.waiting else ("running", have, job.rate.look(have))
        have = facts.have(folder)
        if facts.phase in {"done", "failed"} or not lock.is_held(folder):
            self._rates.pop(folder, None)
            phase: Phase = "done" if facts.phase == "done" else "failed" if facts.phase == "failed" else "stopped"
            return phase, have, None  # who was at it when it says “running” is no more
        return "running", have, self._rates.setdefault(folder, Rate(have)).look(have)

    def _all(self) -> Iterator[tuple[Path, Queued]]:
        root = self._workspace.downloads_folder
        for folder in root.iterdir() if root.is_dir() else []:
            job = _job(folder)
            if folder.name.startswith(".") or (job is not None and job.dropped):
                continue
            with contextlib.suppress(ModelNotFoundError):  # another kernel may have dropped it, or it is the lock
                yield folder, queued.read(folder)

    def _unfinished(self, repository: str, revision: str | None) -> list[tuple[Path, Queued]]:
        """Downloads of this that are not done; those that somebody works on last."""
        found = [
            (folder, facts) for folder, facts in self._all()
            if (facts.repository, facts.revision) == (repository, revision)
            and facts.phase != "done" and not facts.damaged]
        return sorted(found, key=lambda each: lock.is_held(each[0]))

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """While this kernel looks whether there is a download already, and begins one, no other does."""
        root = self._workspace.downloads_folder
        with atomic.told("make the folder", root):
            root.mkdir(exist_ok=True)
        with FolderLock(root, _BUSY, patience=_BEGINNING_SECONDS):
            yield

    def _folder(self, download_id: str) -> Path:
        folder = self._workspace.download_folder(download_id)
        job = _job(folder)
        if not (folder / queued.FACTS).is_file() or (job is not None and job.dropped):
            raise ModelNotFoundError(f"There is no download {download_id} (any more); begin it again.")
        return folder


def _work(job: _Job, progress: Progress) -> str:
    """What the thread of a download does; returns the model's id."""
    facts = job.facts
    turn = contextlib.ExitStack()
    try:
        with _changing:
            pass  # whoever began it has put it into the list
        turn.enter_context(_slot(progress))
        job.waiting = False
        facts.model = _fetched(job, progress)
        facts.phase = "done"
    except CancelledError:
        facts.phase = "stopped"
        raise CancelledError(f"The download of {facts.repository} was stopped; what arrived is kept.") from None
    except BaseException as error:
        if isinstance(error, HubError) and not error.offline:
            facts.outdated = True
        facts.phase = "stopped" if progress.cancelled else "failed"
        facts.error = "" if progress.cancelled else _said(error)
        facts.question = "" if progress.cancelled else str(getattr(error, "question", ""))
        raise
    finally:
        with turn:  # until its end is written it shows as running, so the next one waits
            _end(job)
    return facts.model


def _fetched(job: _Job, progress: Progress) -> str:
    facts = job.facts
    client = Client(facts.repository)
    listing = None if facts.outdated else facts.known
    if listing is None:
        listing = client.listing(facts.revision)
        progress.check()
        if job.choose is None:
            files = choosing.chosen(client, listing, code=facts.remote_code, progress=progress, folder=job.folder)
        else:
            files = [cache.checked_path(file) for file in job.choose(listing)]
        facts.listing, facts.files, facts.outdated = asdict(listing), list(files), False
    queued.write(job.folder, facts)
    paths = client.download(listing, facts.files, progress, folder=job.folder)
    for path in job.folder.iterdir():  # parts of another commit's files
        if path.name not in {queued.FACTS, lock.NAME}:
            path.unlink(missing_ok=True)
    return "" if job.make is None else job.make(listing, paths)


def _end(job: _Job) -> None:
    """Keep how it ended, and let go of it."""
    with _changing:
        try:
            if job.dropped:
                _makers.pop(job.folder, None)
                shutil.rmtree(job.folder, ignore_errors=True)  # what is in use now is dropped when it is dropped again
            else:
                queued.write(job.folder, job.facts)
        except WorkspaceError:
            log.exception("How the download of %s ended could not be kept.", job.facts.repository)
        finally:
            _jobs.pop((os.getpid(), job.folder), None)
            job.lock.release()


@contextlib.contextmanager
def _slot(progress: Progress) -> Iterator[None]:
    """Wait for one of `AT_ONCE` turns. Raises CancelledError."""
    while not _slots.acquire(timeout=0.1):
        progress.check()
    try:
        progress.check()
        yield
    finally:
        _slots.release()


def _job(folder: Path) -> _Job | None:
    return _jobs.get((os.getpid(), folder))


def _said(error: BaseException) -> str:
    if isinstance(error, NbtrainError):
        return str(error)
    return f"It ended by an error that nobody expected ({type(error).__name__}); the log of the kernel has it."

