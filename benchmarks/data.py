"""Looking at 4 million rows: first page, any page, profile, import; each in a fresh process, with its memory.

The tables are made in a temporary folder (`benchmarks.tables`). The profile is taken in turns with DuckDB's own
SUMMARIZE of the same file, which estimates what the profile counts. First pages of pandas and pyarrow stand beside.

Usage: ``python -m benchmarks.data [rounds]``
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import tables
from benchmarks.common import ROOT, Figure, record, table
from benchmarks.looking import DEEP, WORKS

FILES = {"CSV": "events.csv", "Parquet": "events.parquet", "JSONL": "events.jsonl"}
MEGABYTES = 500


def child(work: str, path: Path) -> dict[str, float]:
    """What `work` measured in a process of its own, and its peak memory in MB."""
    command = [sys.executable, "-m", "benchmarks.looking", work, str(path)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def figures(name: str, path: Path, rounds: int) -> list[Figure]:
    """All figures of one file."""
    taken: dict[str, list[float]] = {}
    peaks = []
    for _ in range(rounds):
        for work in WORKS:
            found = child(work, path)
            peak = found.pop("peak")
            if work not in {"summarized", "peer_page"}:
                peaks.append(peak)
            for what, value in found.items():
                taken.setdefault(what, []).append(value)
    ratio = [mine / theirs for mine, theirs in zip(taken["profile"], taken["SUMMARIZE"], strict=True)]
    return [
        Figure(f"{name}: first page", taken["first page"], "s", 0.25),
        Figure(f"{name}: first page, {'pyarrow' if name == 'Parquet' else 'pandas'}", taken["pandas"], "s"),
        Figure(f"{name}: opened → every page at hand", taken["until everything is at hand"], "s"),
        Figure(f"{name}: sorted page, the slowest of four columns", taken["sorted page"], "s", 1),
        Figure(f"{name}: sorted page at row {DEEP:,}, likewise", taken["sorted page, deep"], "s", 2),
        Figure(f"{name}: another page there", taken["sorted page, deep, the next"], "s", 1),
        Figure(f"{name}: filtered page, the slowest of three", taken["filtered page"], "s", 1),
        Figure(f"{name}: searched page, the slowest of three", taken["searched page"], "s", 1),
        Figure(f"{name}: last page, unsorted", taken["the last page, unsorted"], "s", 1),
        Figure(f"{name}: profile", taken["profile"], "s"),
        Figure(f"{name}: profile against SUMMARIZE", ratio, "×", 1.3),
        Figure(f"{name}: import", taken["import"], "MB/s", 150 if name == "CSV" else None, least=True),
        Figure(f"{name}: peak memory of a process", peaks, "MB", MEGABYTES, always=True),
    ]


def main(arguments: list[str]) -> None:
    rounds = int(arguments[0]) if arguments else 3
    with tempfile.TemporaryDirectory() as folder:
        tables.write(Path(folder))
        sizes = {name: os.path.getsize(Path(folder) / file) / 1e6 for name, file in FILES.items()}  # noqa: PTH202
        time.sleep(5)  # what was written reaches the disk
        found = [figure for name, file in FILES.items() for figure in figures(name, Path(folder) / file, rounds)]
    told = ", ".join(f"{name} {size:,.0f} MB" for name, size in sizes.items())
    about = (
        f"{tables.ROWS:,} rows of nine columns ({tables.JSONL_ROWS:,} in JSONL): {told}; {rounds} rounds, each "
        "in a fresh process.")
    record("Looking at data", "python -m benchmarks.data", [about, "", *table(found)])


if __name__ == "__main__":
    main(sys.argv[1:])
