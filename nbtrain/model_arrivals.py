"""Models on their way into the registry, as the model browser asks for it: imports, uploads and downloads."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbtrain import model_facts
from nbtrain.config.problems import unknown
from nbtrain.core.errors import CommandError, ConfigError, Problem
from nbtrain.core.model_views import DownloadView
from nbtrain.core.tasks import Progress, Tasks
from nbtrain.hub.client import Listing
from nbtrain.hub.downloads import Downloads, Maker
from nbtrain.launcher import namespace
from nbtrain.models.registry import Registry
from nbtrain.store.uploads import Uploads

#: What an import may be allowed.
ALLOWED = ("convert", "trust_remote_code")
#: Uploads of datasets are not of these.
PURPOSE = "models"
#: Endings of a file's name that are no part of a model's.
_ENDINGS = (".safetensors", ".zip", ".pt2", ".pth", ".pt", ".bin", ".onnx", ".ckpt", ".pkl", ".joblib")


@dataclass(frozen=True, slots=True)
class _Import:
    """What an import was asked to do, so that it can be done again with more allowed."""

    source: Any
    title: str
    name: str | None
    options: dict[str, bool]
    upload: str | None = None
    sha256: str = ""
    """Of an upload."""


@dataclass(slots=True)
class _Memory:
    """What is remembered while the kernel lives."""

    imports: dict[str, _Import] = field(default_factory=dict)
    """Task → an import that is under way, or failed; not one that succeeded, for it may hold a module."""
    arrived: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Upload → the task that imported it, and the file's SHA-256: whoever missed the answer asks again."""


class Arrivals:
    """Imports, uploads and downloads of models. Any thread may call.

    Args:
        tasks: where long work is begun.
    """

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._known = _Memory()
        self._uploads: Uploads | None = None
        self._downloads: Downloads | None = None
        self._lock = threading.Lock()
        self._beginning = threading.RLock()
        self._finishing = threading.Lock()

    # -- importing ------------------------------------------------------------------------------

    def import_source(self, source: str, name: str | None, options: Mapping[str, Any]) -> str:
        """Import a path or a variable of the notebook; the task's id."""
        must_be(str, source=source)
        given = source.strip()
        if not given:
            raise ConfigError([Problem("source", "The source is empty; give a path, or a variable of the notebook.")])
        path = _expanded(given)
        held = namespace().get(given) if given.isidentifier() and not _exists(path) else None
        if held is None and not _exists(path):
            hint = "; to fetch it from the Hub, look for it there" if given.count("/") == 1 else ""
            raise ConfigError([Problem(
                "source", f"There is no file, folder or variable {given!r:.200}{hint}; look at the spelling.")])
        return self._import(_Import(path if held is None else held, given, _checked(name), _allowed(options)))

    def import_again(self, task: str, options: Mapping[str, Any]) -> str:
        """Do an import that failed once more, with more allowed; the new task's id."""
        known = self._known.imports.get(task)
        if known is None:
            raise CommandError("This import is no longer known; give its source again.")
        return self._import(replace(known, options=known.options | _allowed(options)))

    def question(self, task: str) -> str:
        """What a failed import would need the user's word for, or empty."""
        from nbtrain.models.importing import NeedsPermission  # noqa: PLC0415 - it loads what looks into files

        found = self._tasks.find(task)
        return found.error.question if found is not None and isinstance(found.error, NeedsPermission) else ""

    # -- uploads --------------------------------------------------------------------------------

    @property
    def uploads(self) -> Uploads:
        """One for all calls: it keeps the hashes of what is arriving."""
        with self._lock:
            if self._uploads is None:
                self._uploads = Uploads(purpose=PURPOSE)
            return self._uploads

    def uploaded(self, upload: str, name: str | None, options: Mapping[str, Any]) -> tuple[str, str]:
        """Import an upload that is whole: the task's id, and the SHA-256 of the file."""
        must_be(str, upload=upload)
        with self._finishing:
            begun = self._known_import(upload)  # the answer was lost, or two pages sent the same file
            if begun is None:
                checked, allowed = _checked(name), _allowed(options)
                path, sha256 = self.uploads.finish(upload)
                begun = self._import(_Import(path, path.name, checked, allowed, upload, sha256)), sha256
            return begun

    # -- downloads ------------------------------------------------------------------------------

    def download(
        self, repository: str, revision: str | None, *, trust_remote_code: bool = False, convert: bool = False,
    ) -> str:
        """Begin to download a model, or go on; the download's id."""
        begun = self._fetching().begin(
            repository, revision, trust_remote_code=trust_remote_code, convert=convert,
            on_done=_maker(trust=trust_remote_code, convert=convert))
        return begun.id

    def downloads(self) -> Sequence[DownloadView]:
        """Those of this kernel, and those that an earlier one did not end."""
        return [model_facts.download(each) for each in self._fetching().all()]

    def stop_download(self, download: str) -> None:
        """Stop; what has arrived stays."""
        must_be(str, download=download)
        self._fetching().stop(download)

    def resume_download(self, download: str, options: Mapping[str, Any]) -> str:
        """Go on with one, with more allowed; its id."""
        must_be(str, download=download)
        known, allowed = self._fetching().find(download), _allowed(options)
        trust = allowed.get("trust_remote_code", known.remote_code)
        convert = allowed.get("convert", known.convert)
        return self._fetching().resume(
            download, trust_remote_code=trust, convert=convert, on_done=_maker(trust=trust, convert=convert)).id

    def drop_download(self, download: str) -> None:
        """Forget it, with what has arrived."""
        must_be(str, download=download)
        self._fetching().drop(download)

    # -- inside ---------------------------------------------------------------------------------

    def _fetching(self) -> Downloads:
        with self._lock:
            if self._downloads is None:
                self._downloads = Downloads(tasks=self._tasks)
            return self._downloads

    def _known_import(self, upload: str) -> tuple[str, str] | None:
        """The task that imports an upload, or did so, and the file's SHA-256; None where none is known."""
        with self._beginning:
            if upload in self._known.arrived:
                return self._known.arrived[upload]
            for task_id, asked in self._known.imports.items():
                task = self._tasks.find(task_id) if asked.upload == upload else None
                if task is not None and not task.ended:
                    return task_id, asked.sha256
        return None

    def _arrived(self, upload: str, task_id: str, sha256: str) -> None:
        """Remember it for as long as its task is known."""
        known = {task.id for task in self._tasks.all()}
        kept = {each: told for each, told in self._known.arrived.items() if told[0] in known}
        self._known.arrived = {**kept, upload: (task_id, sha256)}

    def _import(self, asked: _Import) -> str:
        def work(progress: Progress) -> str:
            model = imported(asked.source, asked.title, asked.name, asked.options, progress)
            with self._beginning:
                self._known.imports.pop(task.id, None)
                if asked.upload is not None:
                    self._arrived(asked.upload, task.id, asked.sha256)
            if asked.upload is not None:
                self.uploads.cancel(asked.upload)
            return model

        with self._beginning:  # the work ends after it is known
            task = self._tasks.start("model_import", Path(asked.title).name or asked.title, work)
            self._known.imports[task.id] = asked
        return task.id


def must_be(kind: type[Any], **given: Any) -> None:
    """Arguments of one type, as Python may give others than the wire does. Raises ConfigError."""
    words = {str: "a text", int: "a whole number", Mapping: "a dict"}
    problems = [
        Problem(name, f"{name} is {value!r:.60}; it must be {words[kind]}.") for name, value in given.items()
        if not isinstance(value, kind)]
    if problems:
        raise ConfigError(problems)


def imported(source: Any, title: str, name: str | None, options: Mapping[str, bool], progress: Progress) -> str:
    """Check a model and register it; its id.

    Args:
        source: a path, or an object of the notebook.
        title: how it was said: the path, or the variable.
        name: how the model is called; None takes one from `title`.
        options: what is allowed, as `ALLOWED`.
        progress: is told how far it is.
    """
    from nbtrain.models.importing import open_model  # noqa: PLC0415 - it loads what looks into files

    file = isinstance(source, Path)
    with open_model(
            source, convert=options.get("convert", False), trust_remote_code=options.get("trust_remote_code", False),
            progress=progress) as package:
        said = {"file": Path(title).name} if file else {"name": title}
        about = package.about
        if not about.source_args:  # an export of ours tells more
            about = replace(about, source="file" if file else "object", source_args=said)
        return Registry().add(
            replace(package, about=about), name=name, else_name=plain_name(title), progress=progress).model


def plain_name(title: str) -> str:
    """A model's name from that of its file: without the folder and the endings."""
    name = Path(title).name
    return next((name[: -len(ending)] for ending in _ENDINGS if name.lower().endswith(ending)), name) or "model"


def _maker(*, trust: bool, convert: bool) -> Maker:
    """Registers a model of the Hub whose files have arrived; gives its id."""
    def make(listing: Listing, _: Mapping[str, Path]) -> str:
        from nbtrain.models import fetching  # noqa: PLC0415 - it loads what looks into files

        with fetching.arrived(listing, convert=convert, trust_remote_code=trust) as package:
            return fetching.kept(Registry(), package).model

    return make


def _allowed(options: Mapping[str, Any]) -> dict[str, bool]:
    """Raises ConfigError for anything else than `ALLOWED`."""
    must_be(Mapping, options=options)
    problems = [Problem(name, unknown("option of an import", name, ALLOWED)) for name in options if name not in ALLOWED]
    problems += [
        Problem(name, f"{name} is {value!r:.40}; it must be true or false.") for name, value in options.items()
        if name in ALLOWED and not isinstance(value, bool)]
    if problems:
        raise ConfigError(problems)
    return {name: bool(value) for name, value in options.items()}


def _checked(name: str | None) -> str | None:
    """A name that is free. Raises ConfigError, before anything is read."""
    if name is None:
        return None
    must_be(str, name=name)
    if not name.strip():
        return None
    Registry().check(name=name)
    return name


def _expanded(given: str) -> Path:
    try:
        return Path(given).expanduser()
    except RuntimeError:  # of a user that is not here
        return Path(given)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long for a path, say
        return False
