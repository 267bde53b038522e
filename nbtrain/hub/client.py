"""Repositories of the Hub, models and datasets alike: their lists of files, and their files in the client's own cache.

Which files a repository has is kept in the workspace, so that what was downloaded can be opened without a network. The
token is the client's own (``HF_TOKEN``, or a login); it is in no message and no file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import huggingface_hub
from huggingface_hub import get_session, hf_raise_for_status
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # documented as exported

from nbtrain.core.errors import HubError, WorkspaceError
from nbtrain.core.tasks import Progress
from nbtrain.hub import cache, fetching, here, parts
from nbtrain.hub import settings as hub_settings
from nbtrain.hub.cache import Kind
from nbtrain.hub.parts import Wanted
from nbtrain.hub.settings import HubSettings
from nbtrain.hub.telling import again, check_online, told
from nbtrain.store import atomic
from nbtrain.store import workspace as workspaces

__all__ = ["Client", "Kind", "Listing", "checked_revision", "is_repository", "told"]

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
#: Pages of a list of files that are read: some millions of files.
_MOST_PAGES = 5_000


@dataclass(frozen=True)
class Listing:
    """The files of a repository at one commit."""

    repository: str
    commit: str
    files: dict[str, int]
    """Path → size in bytes."""
    card: dict[str, Any] = field(default_factory=dict)
    """What its card says at the top; of a dataset's only ``configs``."""
    note: str = ""
    """Says that it was not fetched but kept, and why."""
    hashes: dict[str, str] = field(default_factory=dict)
    """Path → SHA-256 of a large file, or the git blob's SHA-1 of a small one."""
    revision: str = "main"
    """What was asked for: a branch, a tag or a commit."""


class Client:
    """One repository of the Hub.

    Args:
        repository: ``owner/name``, or the plain name of an old model.
        kind: what it holds.
        settings: how the Hub is asked; None takes those of the workspace.

    Raises:
        HubError: `repository` is no such name.
        ConfigError: the settings are wrong.
    """

    def __init__(self, repository: str, kind: Kind = "model", settings: HubSettings | None = None) -> None:
        if not is_repository(repository):
            raise HubError(f"{repository!r:.120} is no name of a repository; names look like owner/name.")
        self.repository = repository
        self.kind: Kind = kind
        self.settings = settings or hub_settings.current()
        self.endpoint = self.settings.endpoint
        self.cache = cache.folder(repository, kind)

    def listing(self, revision: str | None) -> Listing:
        """Which files there are; as it was kept, with a note, when the Hub cannot be asked.

        Raises:
            HubError: there is no such repository or revision, it may not be read, or the Hub cannot be asked and
                nothing was kept.
        """
        kept = self._kept_at(checked_revision(revision))
        try:
            with told(self.repository, self.endpoint, revision):
                listing = self._fetched(revision)
        except HubError as error:
            if not error.offline:
                raise
            known = _read(kept) or self._cached(revision)
            if known is None:
                raise HubError(
                    f"{error} Nothing of {self.repository} was downloaded earlier.", offline=True) from None
            return Listing(**{**known, "note": f"{error} What was downloaded earlier is used."})
        kept.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_json(kept, asdict(listing))
        return listing

    def listing_or_none(self, revision: str) -> Listing | None:
        """The same for a revision that need not be there."""
        try:
            return self.listing(revision)
        except HubError:
            return None

    def download(
        self, listing: Listing, files: Sequence[str], progress: Progress | None = None, *, folder: Path | None = None,
    ) -> dict[str, Path]:
        """Each of these files in the client's cache; what is there already is not downloaded again.

        What arrived of a file that is not whole stays, and the next call goes on with it. When all are there, the
        client finds them under the revision's name too.

        Args:
            listing: of this repository.
            files: which of it.
            progress: is told the bytes; cancelling it ends the work.
            folder: where files gather that are not whole; None takes one that all calls for this commit share.

        Raises:
            HubError: a file cannot be downloaded, is not what it should be, or has a name that may not be written.
            WorkspaceError: there is no space for it.
            CancelledError: it was called off.
        """
        wanted = self._wanted(listing, files)
        with parts.gathering(folder, f"{self.kind} {self.repository} {listing.commit}") as gathered:
            paths = fetching.fetch_all(wanted, gathered, self.settings, progress)
        cache.name_revision(self.cache, listing.revision, listing.commit)
        return paths

    def have(self, listing: Listing, files: Sequence[str], folder: Path) -> int:
        """How many bytes of these files are here: in the cache, or gathered in `folder`; nobody is asked."""
        return sum(parts.have(wanted, folder) for wanted in self._wanted(listing, files))

    def snapshot(self, listing: Listing) -> Path:
        """The folder in the cache that shows the files of a commit under their names."""
        return self.cache / "snapshots" / listing.commit

    def _wanted(self, listing: Listing, files: Sequence[str]) -> list[Wanted]:
        return [
            Wanted(
                repository=self.repository, kind=self.kind, commit=listing.commit, path=cache.checked_path(file),
                size=listing.files.get(file), digest=listing.hashes.get(file, ""))
            for file in files]

    def _fetched(self, revision: str | None) -> Listing:
        check_online()
        api = huggingface_hub.HfApi(endpoint=self.endpoint)
        info: Any = api.model_info if self.kind == "model" else api.dataset_info
        facts = again(
            lambda: info(self.repository, revision=revision, timeout=self.settings.timeout), self.settings.retries)
        commit = str(facts.sha)
        if not _COMMIT.fullmatch(commit):
            raise HubError(f"The Hub at {self.endpoint} names {commit!r:.60} as the commit of {self.repository}, which "
                           "is none; is this the address of a Hub?")
        files, hashes = self._tree(commit)
        return Listing(
            self.repository, commit, files, self._card(facts.card_data), hashes=hashes, revision=revision or "main")

    def _card(self, card: Any) -> dict[str, Any]:
        said = card.to_dict() if card is not None else {}
        if self.kind == "dataset":
            said = {"configs": said.get("configs") or []}
        # What JSON cannot keep (dates) is nothing that is asked for.
        return dict(json.loads(json.dumps(said, default=str)))

    def _tree(self, commit: str) -> tuple[dict[str, int], dict[str, str]]:
        """Sizes and hashes of all files. Asked for page by page, because the client's own way waits without end."""
        address = f"{self.endpoint}/api/{self.kind}s/{self.repository}/tree/{commit}"
        sizes: dict[str, int] = {}
        hashes: dict[str, str] = {}
        query = "recursive=true&expand=false"
        for _ in range(_MOST_PAGES):
            answer = again(lambda: self._asked(f"{address}?{query}"), self.settings.retries)  # noqa: B023 - called now
            for path, size, found in self._entries(answer):
                sizes[path], hashes[path] = size, found
            following = answer.links.get("next", {}).get("url")
            if not following:
                break
            query = urlsplit(following).query  # of the address, nothing else: the token goes to our endpoint alone
        return sizes, hashes

    def _asked(self, address: str) -> Any:
        answer = get_session().get(address, headers=build_hf_headers(), timeout=self.settings.timeout)
        hf_raise_for_status(answer)
        return answer

    def _entries(self, answer: Any) -> list[tuple[str, int, str]]:
        """Path, size and hash of each file on a page."""
        try:
            files = [entry for entry in answer.json() if entry["type"] == "file"]
            stored = [(str(entry["path"]), entry.get("lfs") or entry) for entry in files]
            return [
                (path, max(0, int(facts["size"])), found if _HASH.fullmatch(found := str(facts["oid"])) else "")
                for path, facts in stored]
        except (ValueError, TypeError, KeyError, AttributeError):
            raise HubError(
                f"The Hub at {self.endpoint} answered with no list of the files of {self.repository}; is this the "
                "address of a Hub?") from None

    def _cached(self, revision: str | None) -> dict[str, Any] | None:
        """A model that others downloaded with the client, if it is whole; what is missing of a dataset nobody sees."""
        found = here.model(self.repository, revision) if self.kind == "model" else None
        if found is None or not found.whole:
            return None
        return asdict(Listing(self.repository, found.commit, dict(found.files), revision=revision or "main"))

    def _kept_at(self, revision: str | None) -> Path:
        """Where the list of files is kept; the name says nothing, so no name from outside can lead anywhere."""
        key = json.dumps([self.endpoint, self.kind, self.repository, revision])
        return workspaces.current().home / "hub" / f"{sha256(key.encode()).hexdigest()[:32]}.json"


def checked_revision(revision: Any) -> str | None:
    """A branch, a tag or a commit, or None for the newest. Raises HubError for what can be none."""
    if revision is not None and (not isinstance(revision, str) or not revision or not revision.isprintable()):
        raise HubError(f"{revision!r:.120} is no revision; give a branch, a tag or a commit, or None for the newest.")
    return revision


def is_repository(name: Any) -> bool:
    """Whether this looks like ``owner/name``, or the plain name of an old model, as the Hub allows them."""
    return (
        isinstance(name, str) and len(name) <= 96 and _NAME.fullmatch(name) is not None
        and ".." not in name and "--" not in name and not name.endswith((".git", ".", "-")))


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        known = json.loads(atomic.read_bytes(path))
    except (WorkspaceError, ValueError):
        return None
    return known if isinstance(known, dict) else None
