"""All that is known of a model of the Hub before it is downloaded: asked for in three requests at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from huggingface_hub import get_session, hf_raise_for_status
from huggingface_hub.errors import GatedRepoError, RemoteEntryNotFoundError
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # documented as exported

from nbtrain.core.errors import HubError
from nbtrain.core.model_views import FileView, HubFacts, HubRow
from nbtrain.hub import cache, card, contents, here, memory, rows
from nbtrain.hub import settings as hub_settings
from nbtrain.hub.client import checked_revision, is_repository
from nbtrain.hub.settings import HubSettings
from nbtrain.hub.telling import again, check_online, told

#: Bytes of a card and of a config that are read.
LONGEST = 2_000_000
#: Bytes of the Hub's facts, which name every file.
LONGEST_FACTS = 50_000_000
#: Most files that are shown; the sums are of all.
MOST_FILES = 2_000
#: Names of precisions in safetensors → torch's.
_PRECISIONS = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2", "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8"}


class _HasFiles(Protocol):
    """A `Listing` of the client."""

    @property
    def files(self) -> Mapping[str, int]: ...


def needed(listing: _HasFiles, *, code: bool = False) -> list[str]:
    """The files that loading needs: weights of one format, safetensors where there are any, and what lies beside them.

    Args:
        listing: all files of a repository.
        code: modules too, because the user allowed code of the repository's own.
    """
    return contents.needed(listing.files, code=code)


def details(
    repository: str, revision: str | None = None, training: Mapping[str, Any] | None = None,
) -> HubFacts:
    """What is known of a model; where the Hub cannot be asked, what is on this machine, with a note.

    Args:
        repository: ``owner/name``.
        revision: a branch, tag or commit; None is ``main``.
        training: options of a training, for the memory that it would take; see `memory.fit`.

    Raises:
        HubError: there is no such model or revision, it may not be looked at, or the Hub cannot be asked and nothing
            of it was downloaded.
    """
    if not is_repository(repository):
        raise HubError(f"{repository!r:.120} is no name of a repository; names look like owner/name.")
    checked_revision(revision)
    try:
        known = _asked(repository, revision, hub_settings.current())
    except HubError as error:
        if not error.offline:
            raise
        known = _here(repository, revision, error)
    return _facts(known, revision, training or {})


@dataclass
class _Known:
    """What was found out, from the Hub or from the cache."""

    row: HubRow
    commit: str
    files: dict[str, int]
    etags: Mapping[str, str]
    card: str
    config: Mapping[str, Any]
    tags: list[str]
    precisions: Mapping[str, int]
    offline: bool = False
    notes: list[str] = field(default_factory=list)
    problem: str = ""


def _asked(repository: str, revision: str | None, hub: HubSettings) -> _Known:
    """From the Hub: facts, card and config at the same time, so that who clicked waits for one answer only."""
    at = quote(revision or "main", safe="")
    info = f"{hub.endpoint}/api/models/{repository}" + (f"/revision/{at}" if revision else "")
    files = f"{hub.endpoint}/{repository}/resolve/{at}"
    with ThreadPoolExecutor(3, "nbtrain-hub") as pool:
        asked = pool.submit(_said, info, repository, revision, hub)
        texts = [
            pool.submit(_text, f"{files}/{name}", f"{name} of {repository}", hub)
            for name in ("README.md", "config.json")]
        said = asked.result()
        card_text, config_text = (text.result() for text in texts)
    if not isinstance(said.get("siblings"), list) or not rows.text(said.get("sha")):
        raise HubError(f"{hub.endpoint} answered with no facts of {repository}; is this the address of a Hub?")
    known = _of_hub(repository, said)
    known.card, known.config = card_text.words, _json(config_text.words) or known.config
    known.notes += [text.note for text in (card_text, config_text) if text.note]
    known.problem = config_text.problem or card_text.problem
    if said.get("disabled") is True:
        known.problem = f"{repository} was disabled by the Hub; nothing of it can be downloaded."
    return known


def _of_hub(repository: str, said: Mapping[str, Any]) -> _Known:
    """What the Hub says in its facts, taken with care."""
    files, etags = {}, {}
    for each in said["siblings"]:
        path = each.get("rfilename") if isinstance(each, dict) else None
        if isinstance(path, str) and path.isprintable():
            files[path] = rows.number(each.get("size")) or 0
            stored = each.get("lfs")
            etags[path] = rows.text(stored.get("sha256") if isinstance(stored, dict) else each.get("blobId"))
    config, counts = said.get("config"), said.get("safetensors")
    counts = counts.get("parameters") if isinstance(counts, dict) else None
    counts = counts if isinstance(counts, dict) else {}
    local = here.model(repository)
    return _Known(
        row=rows.of_hub({**said, "id": repository}, cached=local is not None and local.whole),
        commit=rows.text(said["sha"]), files=files, etags=etags, card="", tags=rows.texts(said.get("tags"))[:200],
        config=config if isinstance(config, dict) else {},
        precisions={str(name): rows.number(count) or 0 for name, count in counts.items()})


def _here(repository: str, revision: str | None, error: HubError) -> _Known:
    """What is in the cache of it. Raises HubError when nothing is."""
    local = here.model(repository, revision)
    if local is None or not local.files:
        raise HubError(f"{error} Nothing of {repository} was downloaded earlier.", offline=True) from None
    return _Known(
        row=rows.of_cache(local), commit=local.commit, files=dict(local.files), etags={}, card=local.text("README.md"),
        config=local.config, tags=rows.texts(local.card.get("tags"))[:200], precisions=local.parameters, offline=True,
        notes=[f"{error} What was downloaded earlier is shown."])


def _facts(known: _Known, revision: str | None, training: Mapping[str, Any]) -> HubFacts:
    """As the interface is told."""
    code = bool(known.config.get("auto_map"))
    wanted = contents.needed(known.files, code=code)
    weights = [path for path in contents.weights(known.files) if not path.endswith(".json")]
    precision = _precision(known)
    total = sum(known.files[path] for path in wanted)
    have = total if known.offline else _have(known, wanted)
    parameters = known.row["parameters"] or round(
        sum(known.files[path] for path in weights) / memory.size_of(precision)) or None
    why = contents.problem(known.files, known.config or None)
    if why and not known.problem:
        known.problem = f"{known.row['id']} {why}."
    if weights and not why and not all(map(contents.is_safe, weights)):
        known.notes.append(
            "It has no safetensors, only files that can run code when they are loaded: they are converted in a process "
            "of their own, after you are asked.")
    return HubFacts(
        row=known.row, revision=revision or "main", commit=known.commit, card=card.blocks(known.card),
        files=_views(known.files), tags=known.tags, architecture=rows.architecture(known.config), precision=precision,
        download=total - have, have=have, remote_code=code,
        fit=memory.fit(parameters, precision, config=known.config, training=training),
        offline=known.offline, note=" ".join(known.notes), problem=known.problem)


def _views(files: Mapping[str, int]) -> list[FileView]:
    return [
        FileView(path=path, size=files[path], safe=contents.is_safe(path))
        for path in sorted(files, key=lambda path: ("/" in path, path))[:MOST_FILES]]


def _precision(known: _Known) -> str:
    """Of most parameters; else as the config says."""
    if known.precisions:
        most = max(known.precisions, key=lambda name: known.precisions[name])
        return _PRECISIONS.get(most, most.lower()[:20])
    said = known.config.get("dtype") or known.config.get("torch_dtype")
    return rows.text(said).removeprefix("torch.")[:20]


def _have(known: _Known, wanted: Iterable[str]) -> int:
    """Bytes of these files that are in the cache, be it of another commit."""
    repository = known.row["id"]
    folder = cache.folder(repository, "model")
    return sum(
        known.files[path] for path in wanted
        if cache.blob(folder, known.etags.get(path, ""), known.files[path]) is not None
        or cache.found(repository, "model", known.commit, path, known.files[path]) is not None)


@dataclass(frozen=True)
class _Text:
    """A file's words, or why there are none."""

    words: str = ""
    note: str = ""
    problem: str = ""


def _text(address: str, what: str, hub: HubSettings) -> _Text:
    """A small file; one that there is not is empty, and one that cannot be read now is told."""
    gated = False
    try:
        with told(what, hub.endpoint):
            try:
                return _Text(_read(address, hub, LONGEST))
            except RemoteEntryNotFoundError:
                return _Text()
            except GatedRepoError:
                gated = True
                raise
    except HubError as error:
        return _Text(problem=str(error)) if gated else _Text(note=f"{what} could not be read: {error}")


def _said(address: str, repository: str, revision: str | None, hub: HubSettings) -> dict[str, Any]:
    """The Hub's facts of a repository, with the size of each file."""
    with told(repository, hub.endpoint, revision):
        return _json(_read(f"{address}?blobs=true", hub, LONGEST_FACTS))


def _read(address: str, hub: HubSettings, most: int) -> str:
    """The beginning of an answer, so many bytes at most. Raises the client's errors."""
    check_online()
    return again(lambda: _answer(address, hub, most), hub.retries)


def _answer(address: str, hub: HubSettings, most: int) -> str:
    with get_session().stream(
            "GET", address, headers=build_hf_headers(), timeout=hub.timeout, follow_redirects=True) as answer:
        hf_raise_for_status(answer)
        taken = bytearray()
        for piece in answer.iter_bytes():
            taken += piece
            if len(taken) > most:
                break
    return taken[:most].decode("utf-8", "replace")


def _json(text: str) -> dict[str, Any]:
    """An object of JSON; empty where it is none."""
    try:
        known = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}
