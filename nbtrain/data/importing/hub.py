"""Datasets of the Hugging Face Hub, by its own client: the files that hold the rows, downloaded or cached.

Files lie in the client's cache (``HF_HOME``), where other tools find them too: each is downloaded once, a cut
connection goes on where it was cut, and a file is there whole or not at all. Which files a dataset has is kept in the
workspace, so that what was downloaded can be opened without a network.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from nbtrain.core.errors import DataError, HubError
from nbtrain.core.tasks import Progress
from nbtrain.data.importing import hub_files
from nbtrain.data.importing.featured import featured
from nbtrain.data.importing.hub_files import Picked
from nbtrain.data.importing.media import open_media
from nbtrain.data.importing.opened import Opened
from nbtrain.data.importing.parquet import DATA, Imported, import_table, keep_rejects, kept_rejects
from nbtrain.data.reading.opening import DEFAULT, FileTable, open_source
from nbtrain.data.reading.read_options import ReadOptions
from nbtrain.data.reading.rejects import Rejects
from nbtrain.data.table import Table
from nbtrain.hub.client import Client, Listing

#: The branch where the Hub keeps every dataset as Parquet.
CONVERTED = "refs/convert/parquet"


def open_hub(
    given: str, options: ReadOptions = DEFAULT, *, config: str | None = None, split: str | None = None,
    revision: str | None = None, name: str | None = None, progress: Progress | None = None,
) -> Opened:
    """Open a dataset of the Hub: its list of files is fetched, the files themselves when they are needed.

    Parquet is preferred to other formats; a dataset that has none of a known format is taken from the Parquet that the
    Hub makes of it. Several parts (train, test) become one table with the column ``split``. Class labels become their
    names; images and sounds are known as such. The endpoint is ``HF_ENDPOINT``; with ``HF_HUB_OFFLINE``, without a
    network or when the Hub fails, what was downloaded earlier is used, and `Opened.notes` says so.

    Args:
        given: ``hub://owner/name`` or ``owner/name``.
        options: how files of rows are read.
        config: which of several configurations (subsets).
        split: one part only.
        revision: a branch, tag or commit; None is the newest.
        name: overrides the dataset's name.
        progress: cancelling it ends the work.

    Raises:
        DataError: there is no such dataset, configuration or part; it may not be read (log in, or accept its
            conditions); the Hub cannot be reached and nothing is cached.
    """
    repository = given.removeprefix("hub://").strip("/")
    if not hub_files.is_repository(repository):
        raise DataError(f"{given!r} is no name of a Hub dataset; names look like owner/name.")
    with _of_data():
        client = Client(repository, "dataset")
        listing = client.listing(revision)
        picked = hub_files.pick(listing, config, split)
        if picked is None and revision is None:
            listing = client.listing_or_none(CONVERTED) or listing
            picked = hub_files.pick(listing, config, split)
    if picked is None:
        raise DataError(
            f"{repository} has no file that can be read as rows, images or sounds, and the Hub has not converted it "
            "to Parquet; look at its page for how it is meant to be read.")
    if progress is not None:
        progress.check()
    opening = _Opening(client, listing, picked, options)
    recipe = {
        "kind": "hub", "dataset": repository, "config": config, "split": split, "revision": revision,
        "commit": listing.commit}
    text = f"{repository} on the Hub" + (f" ({config})" if config else "") + (f", {split}" if split else "")
    notes = (listing.note,) if listing.note else ()
    return Opened(
        name or repository.split("/")[-1], text, recipe, write=opening.write,
        look=None if picked.is_media else opening.table, notes=notes)


class _Opening:
    """A dataset whose files are downloaded when they are first needed."""

    def __init__(self, client: Client, listing: Listing, picked: Picked, options: ReadOptions) -> None:
        self._client = client
        self._listing = listing
        self._picked = picked
        self._options = options

    def write(self, folder: Path, progress: Progress | None) -> Imported:
        if self._picked.is_media:
            self._downloaded(progress)
            opened = open_media(
                self._client.snapshot(self._listing), on_error=self._options.on_error, inside=self._client.cache,
                only=frozenset(self._picked.files), progress=progress)
            return opened.import_to(folder, progress=progress)
        parts = self._parts(progress)
        if len(parts) == 1 or all(file.endswith(".parquet") for file in self._picked.files):
            return import_table(featured(parts, name=self._client.repository), folder, progress=progress)
        # Each part of text may need to be read in another way than its beginning shows: they are joined afterwards.
        with tempfile.TemporaryDirectory(prefix="nbtrain-hub-", ignore_cleanup_errors=True) as temporary:
            rejects, joined, notes = Rejects(), dict[str, FileTable](), list[str]()
            for number, (part, table) in enumerate(parts.items()):
                own = Path(temporary, str(number))
                notes += import_table(table, own, progress=progress).notes
                rejects.add(kept_rejects(own))
                joined[part] = open_source(own / DATA)
            imported = import_table(featured(joined, name=self._client.repository), folder, progress=progress)
            return keep_rejects(replace(imported, notes=tuple(dict.fromkeys(notes))), rejects, folder)

    def table(self, progress: Progress | None) -> Table:
        return featured(self._parts(progress), name=self._client.repository)

    def _parts(self, progress: Progress | None) -> dict[str, FileTable]:
        paths = self._downloaded(progress)
        return {
            part: open_source([paths[file] for file in files], self._options, progress=progress)
            for part, files in self._picked.parts.items()}

    def _downloaded(self, progress: Progress | None) -> dict[str, Path]:
        with _of_data():
            return self._client.download(self._listing, self._picked.files, progress)


@contextlib.contextmanager
def _of_data() -> Iterator[None]:
    """What the Hub refuses is, for who asked for data, an error of the data."""
    try:
        yield
    except HubError as error:
        raise DataError(str(error)) from None
