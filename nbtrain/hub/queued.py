"""What is kept of a download, so that any kernel goes on with it: ``download.json``, beside the parts of its files."""

from __future__ import annotations

import errno
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nbtrain.core.errors import HubError, ModelNotFoundError, WorkspaceError
from nbtrain.hub import cache
from nbtrain.hub.client import Client, Listing, is_repository
from nbtrain.hub.settings import HubSettings
from nbtrain.store import atomic

#: Where it stands, in the folder of the download.
FACTS = "download.json"


@dataclass(slots=True, kw_only=True)
class Queued:
    """What is kept of a download."""

    repository: str
    revision: str | None
    remote_code: bool
    """The user allowed code of the repository."""
    convert: bool = False
    """The user allowed pickles to be read for their tensors."""
    begun: float
    phase: str = "running"
    error: str = ""
    question: str = ""
    """What it would need the user's word for: ``convert``, ``remote_code`` or empty."""
    model: str = ""
    listing: dict[str, Any] | None = None
    outdated: bool = False
    """The Hub refused something: the next time it is asked anew what there is."""
    files: list[str] = field(default_factory=list)
    damaged: bool = False
    """What was kept cannot be used; `error` says why."""

    @property
    def known(self) -> Listing | None:
        return None if self.listing is None else Listing(**self.listing)

    def allow(self, *, remote_code: bool | None, convert: bool | None) -> None:
        """What the user allows now; None changes nothing."""
        if remote_code is not None and remote_code != self.remote_code:
            self.remote_code, self.outdated = remote_code, True  # with its code, or without
        if convert is not None:
            self.convert = convert

    def have(self, folder: Path) -> int:
        """Bytes of its files that are here."""
        listing = self.known
        if listing is None:
            return 0
        return Client(self.repository, "model", HubSettings()).have(listing, self.files, folder)


def read(folder: Path) -> Queued:
    """What is kept in the folder of a download; what cannot be used is one that failed, and says so.

    Raises ModelNotFoundError when nothing is there (any more).
    """
    damaged = Queued(
        repository=folder.name, revision=None, remote_code=False, begun=time.time(), phase="failed", damaged=True,
        error=f"What was kept of the download {folder.name} cannot be read; drop it, and begin it again.")
    try:
        found = Queued(**json.loads(atomic.read_bytes(folder / FACTS)))
        damaged.repository, damaged.begun = str(found.repository), float(found.begun)
        _check(found)
    except WorkspaceError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR}:
            raise ModelNotFoundError(f"There is no download {folder.name} (any more); begin it again.") from None
        damaged.error = str(error)
    except HubError as error:
        damaged.error = str(error)
    except (ValueError, TypeError):
        pass
    else:
        return found
    return damaged


def write(folder: Path, queued: Queued) -> None:
    """Keep it. Raises WorkspaceError."""
    atomic.write_json(folder / FACTS, asdict(queued))


def _check(queued: Queued) -> None:
    """Raises TypeError for what no download is, and HubError for a name that may not be written."""
    listing: Any = queued.known
    texts = [queued.phase, queued.error, queued.question, queued.model, *queued.files]
    sizes = listing.files if listing is not None else {}
    hashes = listing.hashes if listing is not None else {}
    if not (is_repository(queued.repository) and isinstance(sizes, dict) and isinstance(hashes, dict)
            and all(isinstance(text, str) for text in (*texts, queued.revision or ""))
            and all(isinstance(size, int) for size in sizes.values())):
        raise TypeError(queued.repository)
    for file in queued.files:
        cache.checked_path(file)
