"""Which files of a model are fetched, and that a model which importing would refuse is not fetched at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nbtrain.core.errors import HubError
from nbtrain.core.tasks import Progress
from nbtrain.hub import cache, contents
from nbtrain.hub.client import Client, Listing
from nbtrain.store import atomic


def chosen(
    client: Client, listing: Listing, *, code: bool = False, progress: Progress | None = None,
    folder: Path | None = None,
) -> list[str]:
    """The files of a model that loading needs, as `contents.needed`; their names may be written.

    Where the names alone do not tell whether it can be imported, its config is fetched and looked at.

    Args:
        client: of the repository.
        listing: all of its files.
        code: modules too, because the user allowed code of the repository's own.
        progress: as for `Client.download`.
        folder: likewise.

    Raises:
        HubError: it could not be imported, whatever arrives; or a name is not safe, or the Hub cannot be asked.
    """
    files = [cache.checked_path(file) for file in contents.needed(listing.files, code=code)]
    config = None
    if contents.is_doubtful(listing.files):
        path = client.download(listing, [contents.CONFIG], progress, folder=folder)[contents.CONFIG]
        config = _json(path)
    why = contents.problem(listing.files, config)
    if why:
        raise HubError(f"{listing.repository} {why}.")
    return files


def _json(path: Path) -> dict[str, Any]:
    """An object of JSON; empty where it is none, which importing tells."""
    try:
        found = json.loads(atomic.read_bytes(path))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
