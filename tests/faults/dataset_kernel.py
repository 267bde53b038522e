"""A kernel that imports, renames, deletes and brings back datasets of a workspace that others change too."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from nbtrain.core.errors import ConfigError, DatasetNotFoundError
from nbtrain.data.importing.parquet import Imported
from nbtrain.data.keeping.library import Library

#: Few, so that kernels want the same ones.
NAMES = ("one", "ONE", "two", "Two", "three", "four")


def main(seed: int, rounds: int) -> None:
    """Do so many things by chance; says how many were done, and how many another kernel had forestalled."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    library = Library()
    done = forestalled = 0
    for number in range(rounds):
        try:
            _act(library, chance, f"{seed}-{number}")
            done += 1
        except (ConfigError, DatasetNotFoundError):
            forestalled += 1
    library.workspace.database.flush()
    sys.stdout.write(f"{done} {forestalled}\n")


def _act(library: Library, chance: random.Random, content: str) -> None:
    name = chance.choice(NAMES)
    what = chance.choice(("import", "import any", "rename", "delete", "delete", "restore"))
    there = library.list(deleted=what == "restore")
    if what == "import":
        library.write(lambda folder: _fill(folder, content), name=name, else_name=name, source="chance")
    elif what == "import any":
        library.write(lambda folder: _fill(folder, content), name=None, else_name=name, source="chance")
    elif there and what == "rename":
        library.rename(chance.choice(there).id, name)
    elif there and what == "delete":
        library.delete(chance.choice(there).id)
    elif there:
        library.restore(chance.choice(there).id)


def _fill(folder: Path, content: str) -> Imported:
    path = folder / "data.parquet"
    pq.write_table(pa.table({"content": [content]}), path)
    return Imported(1, 1, path.stat().st_size, content)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
