"""What `benchmarks.data` measures, in a process of its own that has nothing else in memory, torch least of all.

Usage: ``python -m benchmarks.looking WORK FILE``; it prints what it took in seconds, and its peak memory in MB.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

DEEP = 2_000_000


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def first_page(path: Path) -> dict[str, float]:
    """Opening the file, its columns, 100 rows."""
    from nbtrain.data.duck import cursor
    from nbtrain.data.reading.opening import open_source
    with cursor() as connection:
        connection.sql("SELECT 1").fetchall()  # starting DuckDB belongs to the kernel's start, once
    return {"first page": seconds(lambda: open_source(path).page())}


def pages(path: Path) -> dict[str, float]:
    """Pages that a reader asks for one after the other; the first sort when the file has just been opened."""
    from nbtrain.data.looking.pages import Pager
    from nbtrain.data.query import Filter, Op, Query, Sort
    from nbtrain.data.reading.opening import open_source
    taken: dict[str, float] = {}

    def take(what: str, work: Callable[[], object]) -> None:
        taken[what] = max(taken.get(what, 0.0), seconds(work))

    with Pager(open_source(path)) as pager:
        pager.page()
        take("until everything is at hand", pager.settled)
        rows = pager.rows()
        deep = min(DEEP, rows - 200)
        for name, descending in (("price", False), ("moment", True), ("customer", False), ("comment", False)):
            query = Query(sort=(Sort(name, descending),))
            take("sorted page", lambda query=query: pager.page(query))  # type: ignore[misc]
            take("sorted page, deep", lambda query=query: pager.page(query, offset=deep))  # type: ignore[misc]
            take("sorted page, deep, the next", lambda query=query: pager.page(query, offset=deep - 500))  # type: ignore[misc]
        for query in (
            Query((Filter("price", Op.GREATER, 785.7),)), Query((Filter("amount", Op.BETWEEN, (20, 30)),)),
            Query((Filter("label", Op.EQUAL, "ASK"),), sort=(Sort("score", descending=True),)),
        ):
            take("filtered page", lambda query=query: pager.page(query))  # type: ignore[misc]
        for text in ("Garden", "not there", "سلام"):
            take("searched page", lambda text=text: pager.page(Query(search=text)))  # type: ignore[misc]
        take("the last page, unsorted", lambda: pager.page(offset=rows - 100))
    return taken


def profiled(path: Path) -> dict[str, float]:
    from nbtrain.data.looking.profile import profile
    from nbtrain.data.reading.opening import open_source
    source = open_source(path)
    return {"profile": seconds(lambda: profile(source, target="label"))}


def summarized(path: Path) -> dict[str, float]:
    import duckdb

    from nbtrain.data.columns import path_literal
    with duckdb.connect(config={"memory_limit": "350MB", "temp_directory": str(path.parent / "spill")}) as connection:
        return {"SUMMARIZE": seconds(lambda: connection.sql(f"SUMMARIZE FROM {path_literal(path)}").fetchall())}


def imported(path: Path) -> dict[str, float]:
    from nbtrain.data.importing.parquet import import_table
    from nbtrain.data.reading.opening import open_source
    source = open_source(path)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        taken = seconds(lambda: import_table(source, Path(folder)))
    return {"import": path.stat().st_size / 1e6 / taken}


def peer_page(path: Path) -> dict[str, float]:
    """The first 100 rows with pandas; of Parquet with pyarrow."""
    import pandas as pd
    import pyarrow.parquet as pq

    def read() -> Any:
        if path.suffix == ".parquet":
            return next(pq.ParquetFile(path).iter_batches(100))
        return pd.read_csv(path, nrows=100) if path.suffix == ".csv" else pd.read_json(path, lines=True, nrows=100)

    return {"pandas": seconds(read)}


WORKS: dict[str, Callable[[Path], dict[str, float]]] = {
    "first_page": first_page, "pages": pages, "profiled": profiled, "summarized": summarized, "imported": imported,
    "peer_page": peer_page,
}


def main(work: str, path: str) -> None:
    taken = WORKS[work](Path(path))
    # On Linux the peak is in KiB.
    print(json.dumps(taken | {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main(*sys.argv[1:])
