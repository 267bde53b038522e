"""A source that was found and understood, and of which as little as possible has been read."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nbtrain.core.tasks import Progress
from nbtrain.data.importing.parquet import DATA, Imported, copy_import, facts_of
from nbtrain.data.table import Table

Write = Callable[[Path, Progress | None], Imported]
Look = Callable[[Progress | None], Table]


class Opened:
    """What `open_any` of `sources` gives: it can be looked at, and imported; either without the other.

    Args:
        name: a short name: of a file or folder without its ending, of a Hub dataset; ``"data"`` for what has none.
        text: where it comes from, for people: a path, ``owner/name on the Hub``, ``a pandas data frame``.
        recipe: how to open it again, as JSON: ``kind``, and what that kind needs. Never a token, never a row.
        write: imports it into a folder.
        look: the table where it lies; None for what DuckDB cannot read where it lies (objects, folders of media).
        files: the files it is made of, where it is made of files.
        notes: sentences on what was decided for the user (the cache was used, files were left out). What is decided
            while files are read comes with what was imported.
    """

    def __init__(
        self, name: str, text: str, recipe: Mapping[str, Any], *, write: Write, look: Look | None = None,
        files: tuple[Path, ...] = (), notes: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.text = text
        self.recipe = dict(recipe)
        self.files = files
        self.notes = notes
        self._write = write
        self._look = look
        self._kept: tuple[Table, Imported, Path] | None = None

    def table(self, *, progress: Progress | None = None) -> Table:
        """What a preview shows.

        What DuckDB cannot read where it lies is written to a temporary Parquet file first, which is removed when
        neither this nor the table is used any more. Raises as `import_to`.
        """
        if self._look is not None:
            return self._look(progress)
        if self._kept is None:
            folder = Path(tempfile.mkdtemp(prefix="nbtrain-opened-"))
            try:
                imported = self._write(folder, progress)
                table = Table.of_parquet(folder / DATA, name=self.name, media=facts_of(folder / DATA)[0])
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)  # the first error is the one to tell
                raise
            weakref.finalize(table, shutil.rmtree, folder, ignore_errors=True)
            self._kept = table, imported, folder
        return self._kept[0]

    def import_to(self, folder: Path, *, progress: Progress | None = None) -> Imported:
        """Write ``folder/data.parquet`` (and ``rejected.csv`` when rows were left out), streamed, whole or not at all.

        Raises:
            DataError: it cannot be read; DataFileError for a file, with its name.
            WorkspaceError: it cannot be written; `errno` says why.
            CancelledError: the work was called off.
        """
        if self._kept is None:
            imported = self._write(folder, progress)
        else:
            _, written, kept = self._kept
            imported = copy_import(written, kept, folder)
        return replace(imported, notes=tuple(dict.fromkeys((*self.notes, *imported.notes))))
