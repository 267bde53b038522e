"""Folders of images or of sounds as rows: the encoded file, what its header tells, and what its folder or a table says.

Nothing outside the folder is read: links that lead out of it are left out, and so is all that is no regular file.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import pyarrow as pa

from nbtrain.core.errors import DataError, DataFileError
from nbtrain.core.tasks import Progress
from nbtrain.data.columns import Kind
from nbtrain.data.importing import media_checks, media_labels
from nbtrain.data.importing.media_labels import Labels
from nbtrain.data.importing.opened import Opened
from nbtrain.data.importing.parquet import Imported, import_batches, keep_rejects
from nbtrain.data.importing.plain import unique_names
from nbtrain.data.keeping.stamps import expanded
from nbtrain.data.reading.rejects import Reject, Rejects

#: Bytes of files that are in memory at a time.
BATCH_BYTES = 16 * 2**20
#: A larger file is no image or sound to train on.
MOST_BYTES = 2**30
#: A folder is known for one of media by its first files.
LOOKED_AT = 1_000
_FILE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@dataclass(frozen=True)
class _Found:
    """What is in a folder."""

    files: list[PurePosixPath] = field(default_factory=list)
    """Relative to the folder, in the order of their names."""
    outside: list[PurePosixPath] = field(default_factory=list)
    """Links that lead out of the folder, and what is no regular file."""


def is_media_folder(given: Any) -> bool:
    """Whether this is the path of a folder that holds more images or sounds than other files."""
    if not isinstance(given, str | Path) or not expanded(given).is_dir():
        return False
    folder = expanded(given)
    counts: Counter[bool] = Counter()
    for _, file in zip(range(LOOKED_AT), _walked(folder, folder, None), strict=False):
        counts[_kind(file) is not None] += 1
    return counts[True] > counts[False]


def open_media(
    given: str | Path, *, labels: str | Path | None = None, on_error: Literal["raise", "skip"] = "raise",
    name: str | None = None, inside: Path | None = None, only: Container[str] | None = None,
    progress: Progress | None = None,
) -> Opened:
    """Open a folder of images (png jpg jpeg webp bmp gif tiff) or of sounds (wav flac mp3 ogg).

    A row has ``image`` or ``audio`` (a struct of ``bytes``, the encoded file, and ``path``, relative to the folder);
    the columns of the tables of labels, or ``label``, the folder the file lies in, where there is more than one, and
    ``split`` where the top folders are called train, validation, test; and ``width``, ``height`` (pixels) and ``mode``,
    or ``duration`` (seconds) and ``sample_rate`` (Hz; both only where soundfile is installed).

    A table of labels (CSV, TSV, JSONL or Parquet) lies in the folder of the files it speaks of, or above them, and
    names them in the column ``file_name``, or in any other, by path, name, or name without its ending.

    Args:
        given: the folder.
        labels: a table of labels that lies elsewhere.
        on_error: what to do with a file that is broken, cut short or too large: refuse all, or leave it out.
        name: overrides the folder's name.
        inside: what a link may lead to, if not the folder alone.
        only: paths, relative to the folder; other files are passed over.
        progress: cancelling it ends the search for files.

    Raises:
        DataError: there is no image and no sound, or a table of labels does not fit.
        DataFileError: the folder cannot be read.
    """
    if labels is not None and not isinstance(labels, str | Path):
        raise DataError(f"labels is a {type(labels).__name__}; give the path of a table of labels.")
    folder = expanded(given)
    found = _Found()
    for file in _walked(folder, inside or folder, found.outside, progress):
        if only is None or str(file) in only:
            found.files.append(file)
    kinds = Counter(_kind(file) for file in found.files)
    kind = max((Kind.IMAGE, Kind.AUDIO), key=lambda each: kinds[each])
    if not kinds[kind]:
        raise DataError(
            f"There is no image and no sound in {folder}; it may hold {', '.join(sorted(media_checks.ENDINGS))}.")
    files = [file for file in found.files if _kind(file) is kind]
    known = _labels(folder, files, found.files, labels)
    notes = list(known.notes)
    others = sum(kinds.values()) - kinds[kind] - sum(media_labels.is_table(file.name) for file in found.files)
    if others:
        notes.append(f"{others} files in {folder.name} are no {kind} and were left out.")
    if found.outside:
        notes.append(
            f"{len(found.outside)} entries lead out of the folder, or are no files, and were left out; the first is "
            f"{found.outside[0]}.")
    if on_error not in {"raise", "skip"}:
        raise DataError(f"on_error is {on_error!r}; it may be 'raise' or 'skip'.")
    recipe = {
        "kind": "media", "path": str(folder.absolute()), "labels": None if labels is None else str(expanded(labels)),
        "on_error": on_error}

    def write(to: Path, progress: Progress | None) -> Imported:
        rejects = Rejects()
        batches = _batches(folder, files, kind, known, rejects if on_error == "skip" else None)
        imported = import_batches(batches, to, media={str(kind): kind}, progress=progress, total=len(files))
        return keep_rejects(imported, rejects, to)

    paths = tuple(folder / file for file in files)
    return Opened(
        name or folder.absolute().name or "data", str(folder), recipe, write=write, files=paths, notes=tuple(notes))


def _labels(
    folder: Path, files: list[PurePosixPath], others: list[PurePosixPath], given: str | Path | None,
) -> Labels:
    if given is not None:
        return media_labels.by_tables(files, [(expanded(given), PurePosixPath())])
    tables = [(folder / other, other.parent) for other in others if media_labels.is_table(other.name)]
    return media_labels.by_tables(files, tables) if tables else media_labels.by_folders(files)


def _batches(
    folder: Path, files: list[PurePosixPath], kind: Kind, labels: Labels, rejects: Rejects | None,
) -> Iterator[pa.RecordBatch]:
    """The rows, `BATCH_BYTES` of files at a time; broken files go to `rejects`, or end it when there are none."""
    told = media_checks.fields(kind)
    known = labels.columns
    names = unique_names([str(kind), *known.column_names, *(name for name, _ in told)])
    schema = pa.schema(list(zip(names, [_FILE, *known.schema.types, *(type_ for _, type_ in told)], strict=True)))
    cells: list[dict[str, Any]] = []
    facts: list[tuple[Any, ...]] = []
    rows: list[int] = []
    size = 0

    def batch() -> pa.RecordBatch:
        taken = known.take(pa.array(rows, pa.int64())).combine_chunks() if known.num_columns else known
        columns = [pa.array(cells, _FILE), *(_whole(column) for column in taken.columns)]
        columns += [pa.array([fact[i] for fact in facts], type_) for i, (_, type_) in enumerate(told)]
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    for row, file in enumerate(files):
        try:
            data = _read(folder / file)
            facts.append(media_checks.probe(kind, data))
        except media_checks.BrokenError as error:
            if rejects is None:
                raise DataFileError(
                    f'{folder / file} cannot be used: {error}. Repair or remove it, or read with on_error="skip".',
                    file=str(folder / file)) from None
            rejects.add([Reject(str(file), None, str(kind), str(error), "")])
            continue
        cells.append({"bytes": data, "path": str(file)})
        rows.append(row)
        size += len(data)
        if size >= BATCH_BYTES:
            yield batch()
            cells, facts, rows, size = [], [], [], 0
    yield batch()


def _read(path: Path) -> bytes:
    """A regular file, whole. Raises BrokenError."""
    try:
        with open(path, "rb", opener=_opener) as file:
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise media_checks.BrokenError("it is no file")
            if state.st_size > MOST_BYTES:
                raise media_checks.BrokenError(f"it has {state.st_size:,} bytes; at most {MOST_BYTES:,} are read")
            return file.read(MOST_BYTES)
    except OSError as error:
        raise media_checks.BrokenError(f"it cannot be read ({error.strerror})") from None


def _opener(path: str, flags: int) -> int:
    """A pipe with nobody at its other end does not hold the import up."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _walked(
    folder: Path, inside: Path, outside: list[PurePosixPath] | None, progress: Progress | None = None,
) -> Iterator[PurePosixPath]:
    """The regular files of a folder, and of those in it; not what is hidden. Raises DataFileError."""
    root, around = folder.resolve(), inside.resolve()
    waiting = [PurePosixPath()]
    while waiting:
        here = waiting.pop()
        if progress is not None:
            progress.check()
        try:
            with os.scandir(root / here) as found:
                entries = sorted((entry for entry in found if not entry.name.startswith((".", "__MACOSX"))),
                                 key=lambda entry: entry.name)
        except OSError as error:
            path = folder / here
            raise DataFileError(f"{path} cannot be read: {error.strerror}.", file=str(path)) from error
        inner = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                inner.append(here / entry.name)
            elif _regular(entry, around):
                yield here / entry.name
            elif outside is not None:
                outside.append(here / entry.name)
        waiting += reversed(inner)


def _regular(entry: os.DirEntry[str], around: Path) -> bool:
    """A file, or a link to one inside the folder."""
    if entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(around):
        return False
    return entry.is_file()


def _kind(file: PurePosixPath) -> Kind | None:
    return media_checks.ENDINGS.get(file.suffix.lower())


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()
