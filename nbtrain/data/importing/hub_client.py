"""The Hub's own client: lists of files, downloads that can be watched and called off, and its errors in our words."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import huggingface_hub
from huggingface_hub import constants, errors
from huggingface_hub.file_download import repo_folder_name

from nbtrain.core.errors import CancelledError, DataError, WorkspaceError
from nbtrain.core.tasks import Progress
from nbtrain.store import atomic
from nbtrain.store import workspace as workspaces

#: Downloads at a time: more than one, because a folder of images is many small files.
AT_ONCE = 4
#: Seconds to wait for the list of files.
TIMEOUT = 15.0
#: What the Hub may answer that does not mean that the dataset is not there: what is cached can be used.
_TROUBLE = {408, 425, 429, 500, 502, 503, 504}
#: The root of the errors of the HTTP library, which is not the same in all versions of the client.
_TransportError: type[Exception] = errors.HfHubHTTPError.__bases__[0]


@dataclass(frozen=True)
class Listing:
    """The files of a dataset at one commit."""

    repository: str
    commit: str
    files: dict[str, int]
    """Path → size in bytes."""
    card: dict[str, Any] = field(default_factory=dict)
    """Of its card, what tells configurations: ``configs``."""
    note: str = ""
    """Says that it was not fetched but kept, and why."""


class Client:
    """One dataset of the Hub. The token is the client's own (``HF_TOKEN``, or a login); it is in no message.

    Args:
        repository: ``owner/name``.
    """

    def __init__(self, repository: str) -> None:
        self.repository = repository
        self.endpoint = os.environ.get("HF_ENDPOINT", constants.ENDPOINT).rstrip("/")
        self.cache = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repository, repo_type="dataset")

    def listing(self, revision: str | None) -> Listing:
        """Which files there are; as it was kept, with a note, when the Hub cannot be asked.

        Raises:
            DataError: there is no such dataset or revision, it may not be read, or the Hub cannot be asked and
                nothing was kept.
        """
        kept = self._kept_at(revision)
        try:
            with _told(self.repository, self.endpoint):
                listing = self._fetched(revision)
        except _UnreachableError as error:
            known = _read(kept)
            if known is None:
                raise DataError(f"{error} Nothing of {self.repository} was downloaded earlier.") from None
            return Listing(**{**known, "note": f"{error} What was downloaded earlier is used."})
        except errors.RevisionNotFoundError:
            raise DataError(
                f"{self.repository} has no revision {revision!r}; give a branch, a tag or a commit, or none.") from None
        kept.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_json(kept, asdict(listing))
        return listing

    def listing_or_none(self, revision: str) -> Listing | None:
        """The same for a revision that need not be there."""
        try:
            return self.listing(revision)
        except DataError:
            return None

    def download(self, listing: Listing, files: Sequence[str], progress: Progress | None) -> dict[str, Path]:
        """Each of these files in the cache; what is there already is not downloaded again.

        Raises:
            DataError: a file cannot be downloaded.
            WorkspaceError: there is no space for it.
            CancelledError: it was called off; files that were whole by then stay in the cache.
        """
        meter = _Meter(progress, sum(listing.files.get(file, 0) for file in files))
        with ThreadPoolExecutor(AT_ONCE, "nbtrain-hub") as pool:
            jobs = [pool.submit(self._downloaded, listing, file, meter) for file in files]
            try:
                return {file: job.result() for file, job in zip(files, jobs, strict=True)}
            except BaseException:
                meter.stop()
                for job in jobs:
                    job.cancel()
                raise

    def snapshot(self, listing: Listing) -> Path:
        """The folder in the cache that shows the files of a commit under their names."""
        return self.cache / "snapshots" / listing.commit

    def _fetched(self, revision: str | None) -> Listing:
        _check_online()
        api = huggingface_hub.HfApi(endpoint=self.endpoint)
        facts = api.dataset_info(self.repository, revision=revision, timeout=TIMEOUT)
        commit = str(facts.sha)
        tree = api.list_repo_tree(self.repository, recursive=True, revision=commit, repo_type="dataset")
        files = {entry.path: entry.size for entry in tree if isinstance(entry, huggingface_hub.hf_api.RepoFile)}
        # What JSON cannot keep (dates) is nothing that is asked for.
        configs = json.loads(json.dumps(getattr(facts.card_data, "configs", None) or [], default=str))
        return Listing(self.repository, commit, files, {"configs": configs})

    def _kept_at(self, revision: str | None) -> Path:
        """Where the list of files is kept; the name says nothing, so no name from outside can lead anywhere."""
        key = json.dumps([self.endpoint, self.repository, revision])
        return workspaces.current().home / "hub" / f"{sha256(key.encode()).hexdigest()[:32]}.json"

    def _downloaded(self, listing: Listing, file: str, meter: _Meter) -> Path:
        meter.check()
        known = huggingface_hub.try_to_load_from_cache(
            self.repository, file, revision=listing.commit, repo_type="dataset")
        if isinstance(known, str):
            meter.add(listing.files.get(file, 0))
            return Path(known)
        try:
            with _told(f"{file} of {self.repository}", self.endpoint):
                _check_online()
                return Path(huggingface_hub.hf_hub_download(
                    self.repository, file, repo_type="dataset", revision=listing.commit, endpoint=self.endpoint,
                    tqdm_class=meter.bar()))
        except _UnreachableError as error:
            raise DataError(f"{error} {file} of {self.repository} is not downloaded yet; try again.") from None


class _UnreachableError(Exception):
    """The Hub could not be asked, or could not answer; the sentence says why."""


class _Meter:
    """Bytes of all downloads together."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    def stop(self) -> None:
        """End the downloads that run: one has failed."""
        self._stopped.set()

    def check(self) -> None:
        if self._stopped.is_set():
            raise CancelledError("Another file could not be downloaded.")
        if self._progress is not None:
            self._progress.check()

    def add(self, count: float) -> None:
        """So many more bytes are here (fewer, when the client begins anew). Raises CancelledError."""
        self.check()
        with self._lock:
            self._done += int(count)
            if self._progress is not None:
                self._progress.report(min(self._done, self._total), self._total, "bytes")

    def bar(self) -> Any:
        """What the client shows the progress of one file with."""
        meter = self

        class Bar:
            """As much of tqdm as the client asks for."""

            def __init__(self, *_: Any, total: float | None = None, initial: float = 0, **__: Any) -> None:
                self.total, self.n = total, initial
                meter.add(initial)

            def update(self, n: float | None = 1) -> None:
                self.n += n or 0
                meter.add(n or 0)

            def close(self) -> None:
                """Nothing is shown."""

            def set_description(self, *_: Any, **__: Any) -> None:
                """Nothing is shown."""

            set_description_str = set_postfix = set_postfix_str = refresh = set_description

            def __enter__(self) -> Any:
                return self

            def __exit__(self, *_: object) -> None:
                self.close()

        return Bar


@contextlib.contextmanager
def _told(what: str, hub: str) -> Iterator[None]:
    """The client's errors in our words, which hold nothing that the Hub or a request said.

    Raises:
        _UnreachableError: the Hub did not answer, or said that it has trouble. DataError: any other refusal.
    """
    try:
        yield
    except errors.RevisionNotFoundError:
        raise
    except errors.LocalEntryNotFoundError:
        raise _UnreachableError(f"The Hub at {hub} cannot be reached.") from None
    except errors.RemoteEntryNotFoundError:
        raise DataError(f"{what} is not on the Hub (any more); open the dataset again.") from None
    except errors.HfHubHTTPError as error:
        raise _refused(what, hub, error) from None
    except errors.OfflineModeIsEnabled:
        raise _UnreachableError("HF_HUB_OFFLINE is set, so the Hub was not asked.") from None
    except (_TransportError, ConnectionError, TimeoutError):
        raise _UnreachableError(f"The Hub at {hub} cannot be reached.") from None
    except OSError as error:
        if error.errno is not None:
            raise atomic.explained(error.errno, f"Cannot download {what}", error.strerror or "") from None
        raise _UnreachableError(f"The connection to the Hub at {hub} was cut too often.") from None


def _refused(what: str, hub: str, error: errors.HfHubHTTPError) -> Exception:
    """What an answer that is no success means."""
    status = int(getattr(error.response, "status_code", 0) or 0)
    if isinstance(error, errors.GatedRepoError):
        return DataError(
            f"{what} is only for those who accept its conditions: accept them on its page at {hub}, and log in with "
            "huggingface_hub.login() or HF_TOKEN.")
    if isinstance(error, errors.RepositoryNotFoundError):
        return DataError(
            f"{what} is not on the Hub at {hub} under this name, or is private: check the name; for a private one log "
            "in with huggingface_hub.login() or HF_TOKEN.")
    if status == 429:
        return _UnreachableError("The Hub was asked too often (429); wait a few minutes, or log in for a higher limit.")
    if status in _TROUBLE:
        return _UnreachableError(f"The Hub at {hub} has trouble ({status}).")
    if status in {401, 403}:
        return DataError(
            f"{what} may not be read ({status}): log in with huggingface_hub.login() or HF_TOKEN, by a token that may "
            "read it.")
    return DataError(f"The Hub at {hub} refused {what} ({status}).")


def _check_online() -> None:
    """Raises the client's error when it was told to stay offline, also after it was imported."""
    if constants.HF_HUB_OFFLINE or os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        raise errors.OfflineModeIsEnabled


def _read(path: Path) -> dict[str, Any] | None:
    try:
        known = json.loads(atomic.read_bytes(path))
    except (WorkspaceError, ValueError):
        return None
    return known if isinstance(known, dict) else None
