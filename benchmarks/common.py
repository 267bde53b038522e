"""Measuring in turns, and writing the figures down."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).with_name("results.md")
HEADER = """# Benchmarks

Every figure is a median (minimum–maximum) of one run in which the contenders took turns; `make bench` measures anew.
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, several times, and what it is held to.

    `limit` is the most it may be, or the least where `least` is set. It is held against the median; against the worst
    of `values` where `always` is set.
    """

    what: str
    values: Sequence[float]
    unit: str = ""
    limit: float | None = None
    least: bool = False
    always: bool = False

    @property
    def held(self) -> bool | None:
        """Whether the limit is kept; None where there is none."""
        if self.limit is None:
            return None
        worst = min(self.values) if self.least else max(self.values)
        value = worst if self.always else statistics.median(self.values)
        return value >= self.limit if self.least else value <= self.limit

    def line(self) -> str:
        """A row of `table`."""
        middle, low, high = statistics.median(self.values), min(self.values), max(self.values)
        spread = f" ({_digits(low)}–{_digits(high)})" if len(self.values) > 1 else ""
        unit = f" {self.unit}" if self.unit else ""
        limit = "" if self.limit is None else f"{'≥' if self.least else '≤'} {_digits(self.limit)}{unit}"
        verdict = {None: "", True: "yes", False: "**no**"}[self.held]
        return f"| {self.what} | {_digits(middle)}{spread}{unit} | {limit} | {verdict} |"


def table(figures: Sequence[Figure]) -> list[str]:
    """The figures as lines of a Markdown table."""
    return ["| what | measured | to reach | reached |", "|---|---|---|---|", *(figure.line() for figure in figures)]


def in_turns(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """A B C A B C …: what each contender returns (seconds a step, say), `rounds` times, after one round of warm-up."""
    for run in contenders.values():
        run()
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            taken[name].append(run())
    return taken


def ratios(taken: Mapping[str, list[float]], base: str) -> dict[str, list[float]]:
    """Each contender's ratio to `base`, round by round."""
    return {
        name: [mine / theirs for mine, theirs in zip(values, taken[base], strict=True)]
        for name, values in taken.items()}


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def machine() -> str:
    """Where the figures come from; a load above the number of cores says that others were at work too."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores{load}, torch {torch.__version__} with one "
        "thread")


def record(title: str, command: str, lines: Sequence[str]) -> None:
    """Print the figures and put them into results.md, in the place of those the same command gave before."""
    text = "\n".join(lines)
    print(f"\n{title}\n{text}", flush=True)
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    section = f"## {title}\n\n`{command}`: {today}, {machine()}\n\n{text}\n"
    known = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else HEADER
    header, *sections = re.split(r"^(?=## )", known, flags=re.MULTILINE)
    kept = [old for old in sections if f"`{command}`" not in old]
    RESULTS.write_text("\n".join(part.strip() + "\n" for part in (header, *kept, section)), encoding="utf-8")


def _digits(value: float) -> str:
    """Three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
