"""What is on its way into the workspace, from a source or an upload: begun once, done again, and remembered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nbtrain.core.dataset_views import UploadView
from nbtrain.core.errors import CommandError, ConfigError, Problem
from nbtrain.core.tasks import Progress, Tasks
from nbtrain.store.uploads import Uploads


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an import is asked to do, so that it can be done again in another way."""

    source: Any
    """A path, an object of the notebook, or what else the import understands."""
    title: str
    """How the source was said."""
    name: str | None
    """What is made of it shall be called; None takes a name from the title."""
    options: Mapping[str, Any]
    upload: str | None = None
    sha256: str = ""
    """Of an upload."""
    said: str | None = None
    """Where it comes from, where `source` does not tell."""
    failed: tuple[str, ...] = ()
    """The tasks that tried it before."""


#: What imports: told how far it is, it gives the id of what it made.
Work = Callable[[Progress], str]


class Imports:
    """The imports of one kind, and the uploads that they are of. Any thread may call.

    Args:
        tasks: where they are begun.
        kind: of their tasks.
        work: checks what is wanted, and gives what does it.
        purpose: of the uploads (`nbtrain.store.uploads`).
    """

    def __init__(
        self, tasks: Tasks, kind: str, work: Callable[[Wanted], Work], *, purpose: str | None = None,
    ) -> None:
        self._tasks, self._kind, self._work, self._purpose = tasks, kind, work, purpose
        self._wanted: dict[str, Wanted] = {}
        """Task → an import that is under way, or failed; none that succeeded since, for it may hold what is large."""
        self._arrived: dict[str, tuple[str, str]] = {}
        """Upload → the task that imported it, and the file's SHA-256: whoever missed the answer asks again."""
        self._uploads: Uploads | None = None
        self._lock = threading.Lock()
        self._beginning = threading.RLock()
        self._finishing = threading.Lock()

    @property
    def uploads(self) -> Uploads:
        """One for all calls: it keeps the hashes of what is arriving."""
        with self._lock:
            if self._uploads is None:
                self._uploads = Uploads() if self._purpose is None else Uploads(purpose=self._purpose)
            return self._uploads

    def begin(self, wanted: Wanted) -> str:
        """The task's id. Raises what the check of it raises."""
        import_it = self._work(wanted)

        def work(progress: Progress) -> str:
            made = import_it(progress)
            with self._beginning:
                for each in (*wanted.failed, task.id):
                    self._wanted.pop(each, None)
                if wanted.upload is not None:
                    self._remember(wanted.upload, task.id, wanted.sha256)
            if wanted.upload is not None:
                self.uploads.cancel(wanted.upload)
            return made

        with self._beginning:  # the work ends after it is known
            task = self._tasks.start(self._kind, Path(wanted.title).name or wanted.title, work)
            self._wanted[task.id] = wanted
        return task.id

    def failed(self, task: str) -> Wanted:
        """What an import was asked to do that did not succeed, to be begun again. Raises CommandError."""
        known = self._wanted.get(task)
        if known is None:
            raise CommandError("This import is no longer known; give its source again.")
        return replace(known, failed=(*known.failed, task))

    def uploaded(
        self, upload: str, asked: Callable[[], tuple[str | None, Mapping[str, Any]]],
    ) -> tuple[str, str]:
        """Import an upload that is whole: the task's id, and the SHA-256 of the file.

        Args:
            upload: its id.
            asked: checks name and options, and gives them; only where it is not imported already.
        """
        with self._finishing:
            begun = self._known(upload)  # the answer was lost, or two pages sent the same file
            if begun is None:
                name, options = asked()
                path, sha256 = self.uploads.finish(upload)
                begun = self.begin(Wanted(
                    source=path, title=path.name, name=name, options=options, upload=upload, sha256=sha256)), sha256
            return begun

    def _known(self, upload: str) -> tuple[str, str] | None:
        """The task that imports an upload, or did so, and the file's SHA-256; None where none is known."""
        with self._beginning:
            if upload in self._arrived:
                return self._arrived[upload]
            for task_id, wanted in self._wanted.items():
                task = self._tasks.find(task_id) if wanted.upload == upload else None
                if task is not None and not task.ended:
                    return task_id, wanted.sha256
        return None

    def _remember(self, upload: str, task_id: str, sha256: str) -> None:
        """For as long as the task is known."""
        known = {task.id for task in self._tasks.all()}
        kept = {each: told for each, told in self._arrived.items() if told[0] in known}
        self._arrived = {**kept, upload: (task_id, sha256)}


class TakesUploads:
    """The part of `nbtrain.core.ports.ArrivalDesk` that takes uploads in.

    Args:
        imports: those that uploads become.
    """

    def __init__(self, imports: Imports) -> None:
        self._imports = imports

    def uploads(self) -> Sequence[UploadView]:
        return [
            UploadView(upload=each.id, name=each.name, size=each.size, have=each.had)
            for each in self._imports.uploads.all() if each.had < each.size]

    def upload(self, name: str, size: int, stamp: str) -> UploadView:
        must_be(str, name=name, stamp=stamp)
        must_be(int, size=size)
        begun = self._imports.uploads.begin(name, size, stamp)
        return UploadView(upload=begun.id, name=begun.name, size=begun.size, have=begun.had)

    def check_upload(self, upload: str, size: int, piece: int, digest: str) -> None:
        must_be(str, upload=upload, digest=digest)
        must_be(int, size=size, piece=piece)
        self._imports.uploads.check(upload, size, piece, digest)

    def chunk(self, upload: str, offset: int, data: memoryview, digest: str) -> int:
        must_be(str, upload=upload, digest=digest)
        must_be(int, offset=offset)
        return self._imports.uploads.chunk(upload, offset, data, digest).had

    def drop_upload(self, upload: str) -> None:
        must_be(str, upload=upload)
        self._imports.uploads.cancel(upload)


def must_be(kind: type[Any], **given: Any) -> None:
    """Arguments of one type, as Python may give others than the wire does. Raises ConfigError."""
    words = {str: "a text", int: "a whole number", Mapping: "a dict"}
    problems = [
        Problem(name, f"{name} is {value!r:.60}; it must be {words[kind]}.") for name, value in given.items()
        if not isinstance(value, kind)]
    if problems:
        raise ConfigError(problems)
