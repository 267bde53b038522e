"""A model of the Hub on its way into the registry, or into a training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from nbtrain.core.errors import HubError
from nbtrain.core.tasks import Progress
from nbtrain.hub import contents
from nbtrain.hub.client import Client
from nbtrain.models.importing import open_model
from nbtrain.models.package import Package


@contextmanager
def fetched(
    repository: str, revision: str | None = None, *, trust_remote_code: bool = False,
    progress: Progress | None = None,
) -> Iterator[Package]:
    """A model of the Hub, fetched where it is not here yet, and checked.

    Raises:
        HubError: there is no such model, it has nothing that can be loaded, or the Hub cannot be asked.
        NeedsPermission: it wants code of its own.
        ModelFileError: a file is not safe, or not what it says it is.
        CancelledError: it was called off.
    """
    client = Client(repository, "model")
    listing = client.listing(revision)
    files = contents.needed(listing.files, code=trust_remote_code)
    if not contents.weights(files):
        raise HubError(f"{repository} has no weights that can be loaded; choose another model.")
    client.download(listing, files, progress)
    with open_model(
            client.snapshot(listing), trust_remote_code=trust_remote_code, called=repository,
            progress=progress) as package:
        yield replace(package, about=replace(
            package.about, source="hub", source_args={"repository": repository, "revision": listing.commit}))
