"""Models on their way into the registry, as the model browser asks for it: imports, uploads and downloads."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbtrain import model_facts
from nbtrain.arriving import Imports, Wanted, Work, must_be
from nbtrain.config.problems import unknown
from nbtrain.core.errors import ConfigError, Problem
from nbtrain.core.model_views import DownloadView
from nbtrain.core.tasks import Progress, Tasks
from nbtrain.hub.client import Listing
from nbtrain.hub.downloads import Downloads, Maker
from nbtrain.launcher import namespace
from nbtrain.models.registry import Registry

#: What an import may be allowed.
ALLOWED = ("convert", "trust_remote_code")
#: Uploads of datasets are not of these.
PURPOSE = "models"
#: Endings of a file's name that are no part of a model's.
_ENDINGS = (".safetensors", ".zip", ".pt2", ".pth", ".pt", ".bin", ".onnx", ".ckpt", ".pkl", ".joblib")


class Arrivals:
    """Imports, uploads and downloads of models. Any thread may call.

    Args:
        tasks: where long work is begun.
    """

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self.imports = Imports(tasks, "model_import", _importing, purpose=PURPOSE)
        self._downloads: Downloads | None = None
        self._lock = threading.Lock()

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
        return self.imports.begin(Wanted(
            source=path if held is None else held, title=given, name=_checked(name), options=_allowed(options)))

    def import_again(self, task: str, options: Mapping[str, Any]) -> str:
        """Do an import that failed once more, with more allowed; the new task's id."""
        known = self.imports.failed(task)
        return self.imports.begin(replace(known, options={**known.options, **_allowed(options)}))

    def question(self, task: str) -> str:
        """What a failed import would need the user's word for, or empty."""
        from nbtrain.models.importing import NeedsPermission  # noqa: PLC0415 - it loads what looks into files

        found = self._tasks.find(task)
        return found.error.question if found is not None and isinstance(found.error, NeedsPermission) else ""

    # -- uploads --------------------------------------------------------------------------------

    def uploaded(self, upload: str, name: str | None, options: Mapping[str, Any]) -> tuple[str, str]:
        """Import an upload that is whole: the task's id, and the SHA-256 of the file."""
        must_be(str, upload=upload)
        return self.imports.uploaded(upload, lambda: (_checked(name), _allowed(options)))

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


def _importing(wanted: Wanted) -> Work:
    return lambda progress: imported(wanted.source, wanted.title, wanted.name, wanted.options, progress)


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
