"""Whatever a user has to train on, behind one door: files, folders, media, objects of the notebook, the Hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbtrain.core.errors import DataError
from nbtrain.core.tasks import Progress
from nbtrain.data.importing import hub_files, media, objects
from nbtrain.data.importing.featured import featured
from nbtrain.data.importing.opened import Opened
from nbtrain.data.importing.parquet import import_table
from nbtrain.data.reading.opening import DEFAULT, open_source
from nbtrain.data.reading.read_options import ReadOptions
from nbtrain.data.table import Table

__all__ = ["Opened", "open_any"]

_HUB, _MEDIA = frozenset({"config", "split", "revision"}), frozenset({"labels"})
#: Endings of files of rows, which are no part of a dataset's name.
ENDINGS = frozenset({
    ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".txt", ".parquet", ".pq", ".arrow", ".feather", ".ipc",
    ".gz", ".zst",
})


def open_any(
    given: Any, options: ReadOptions = DEFAULT, *, name: str | None = None, progress: Progress | None = None,
    **more: Any,
) -> Opened:
    """Open whatever a user has.

    - a path, a folder, a glob, or a list of paths of files of rows (see `nbtrain.data.reading.open_source`);
    - a folder of images or of sounds (see `nbtrain.data.importing.media.open_media`);
    - ``"hub://owner/name"``, or ``"owner/name"`` when no file is called so (see `nbtrain.data.importing.hub.open_hub`);
    - a pandas data frame, a pyarrow table, a dataset of the ``datasets`` library, a dict of columns, a list of dicts,
      a NumPy array (see `nbtrain.data.importing.objects.open_object`);
    - a `Table`.

    Args:
        given: what to open.
        options: how files of rows are read.
        name: overrides the name made from the source.
        progress: told how far a download is.
        more: ``config``, ``split``, ``revision`` of a Hub dataset; ``labels`` of a media folder.

    Raises:
        DataError: it is nothing that can be opened, or it cannot be read; the sentence says what can.
        DataFileError: as DataError, for a file.
        CancelledError: the work was called off.
    """
    if isinstance(given, Table):
        return _of_table(given, name)
    if hub_files.is_hub_name(given):
        from nbtrain.data.importing import hub  # noqa: PLC0415 - its client takes longer to load than a file to open

        return hub.open_hub(given, options, name=name, progress=progress, **_known(given, more, _HUB))
    if media.is_media_folder(given):
        known = _known(given, more, _MEDIA)
        return media.open_media(given, name=name, on_error=options.on_error, progress=progress, **known)
    _known(given, more, frozenset())
    if isinstance(given, str | Path) or objects.is_paths(given):
        return _of_files(given, options, name, progress)
    return objects.open_object(given, name=name)


def _known(given: Any, more: dict[str, Any], allowed: frozenset[str]) -> dict[str, Any]:
    """The options, when this kind of source has all of them. Raises DataError."""
    unknown = sorted(more.keys() - allowed)
    if unknown:
        has = f"it has: {', '.join(sorted(allowed))}" if allowed else "it has none"
        raise DataError(f"{given!r:.80} has no option {unknown[0]!r}; {has}.")
    return more


def _of_table(table: Table, name: str | None) -> Opened:
    return Opened(
        name or table.name, table.name, {"kind": "table"}, look=lambda _: table,
        write=lambda folder, progress: import_table(table, folder, progress=progress))


def _of_files(
    given: str | Path | Sequence[str | Path], options: ReadOptions, name: str | None, progress: Progress | None,
) -> Opened:
    files = open_source(given, options, progress=progress)
    table = featured({"": files}, name=files.name)
    paths = [given] if isinstance(given, str | Path) else list(given)
    text = str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
    recipe = {
        "kind": "files", "paths": [str(Path(path).absolute()) for path in paths], "options": options.to_json()}
    return Opened(
        name or _stem(Path(paths[0])), text, recipe, look=lambda _: table, files=files.files,
        write=lambda folder, progress: import_table(table, folder, progress=progress))


def _stem(path: Path) -> str:
    """A name without its endings: ``reviews`` of ``reviews.csv.gz``; of a pattern, its folder."""
    while any(sign in path.name for sign in "*?["):
        path = path.parent
    stem = path.name
    while Path(stem).suffix.lower() in ENDINGS:
        stem = Path(stem).stem
    return stem or "data"
