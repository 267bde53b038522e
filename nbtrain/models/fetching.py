"""A model of the Hub on its way into the registry, or into a training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from nbtrain.core.errors import ModelNotFoundError
from nbtrain.core.tasks import Progress
from nbtrain.hub import choosing, contents
from nbtrain.hub.client import Client, Listing, is_repository
from nbtrain.models import checked
from nbtrain.models.importing import NeedsPermission, open_model
from nbtrain.models.package import Package, Version
from nbtrain.models.registry import ModelRecord, Registry
from nbtrain.store.models import taken
from nbtrain.store.names import checked_name


@contextmanager
def fetched(
    repository: str, revision: str | None = None, *, convert: bool = False, trust_remote_code: bool = False,
    progress: Progress | None = None,
) -> Iterator[Package]:
    """A model of the Hub, fetched where it is not here yet, and checked. What would be refused is not fetched.

    Raises:
        HubError: there is no such model, it has nothing that can be loaded, or the Hub cannot be asked.
        NeedsPermission: it wants code of its own, or its pickles to be converted.
        ModelFileError: a file is not safe, or not what it says it is.
        CancelledError: it was called off.
    """
    client = Client(repository, "model")
    listing = client.listing(revision)
    files = choosing.chosen(client, listing, code=trust_remote_code, progress=progress)
    pickles = contents.pickles(files)
    if pickles and not convert:
        raise NeedsPermission(
            f"{pickles[0]} of {repository} is a pickle, which could run code when it is opened; allow it to be "
            "converted (convert=True): a process of its own, without network, then reads its tensors alone and writes "
            "safetensors.", question="convert", file=pickles[0])
    client.download(listing, files, progress)
    with arrived(listing, convert=convert, trust_remote_code=trust_remote_code, progress=progress) as package:
        yield package


@contextmanager
def arrived(
    listing: Listing, *, convert: bool = False, trust_remote_code: bool = False, progress: Progress | None = None,
) -> Iterator[Package]:
    """A model of the Hub whose files are here, checked, unless they were before. Raises as `fetched`, but HubError."""
    told = {"repository": listing.repository, "revision": listing.commit}
    folder = Client(listing.repository).snapshot(listing)
    key = checked.key_of(folder, listing.repository, trust=trust_remote_code, progress=progress)
    with ExitStack() as stack:
        package = checked.recall(key, folder, listing.repository, trust=trust_remote_code)
        if package is None:
            package = stack.enter_context(open_model(
                folder, convert=convert, trust_remote_code=trust_remote_code, called=listing.repository,
                progress=progress))
            checked.remember(key, folder, package)
        yield replace(package, about=replace(package.about, source="hub", source_args=told))


def known(registry: Registry, repository: str, name: str | None = None) -> ModelRecord | None:
    """The model of which what a repository has now is a version: one that came from there, called `name` if given.

    Raises ConfigError when the name cannot be used, or another model has it.
    """
    if name is None:
        return registry.of_repository(repository) if is_repository(repository) else None
    wanted = checked_name(name, "model")
    try:
        record = registry.find(wanted)
    except ModelNotFoundError:
        return None
    if record.source != "hub" or record.source_args.get("repository") != repository:
        raise taken(record.name)
    return record


def kept(registry: Registry, package: Package, name: str | None = None, progress: Progress | None = None) -> Version:
    """Register a model of the Hub: the same commit once, another one as a new version of its model. Raises as `known`.

    Args:
        registry: where.
        package: from `fetched` or `arrived`.
        name: how it is called; None takes the repository's name.
        progress: as for `Registry.add`.
    """
    repository = package.about.source_args["repository"]
    model = known(registry, repository, name)
    if model is None:
        return registry.add(package, name=name, else_name=repository.rsplit("/", 1)[-1], progress=progress)
    if dict(model.source_args) == dict(package.about.source_args):
        return registry.versions(model.id)[0]
    return registry.add(package, model=model.id, progress=progress)
