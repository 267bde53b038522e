"""Measuring in turns, and writing the line down."""

from __future__ import annotations

import datetime
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

RESULTS = Path(__file__).with_name("results.md")


def in_turns(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """A B C A B C …: what each contender returns (seconds a step, say), `rounds` times, after one round of warm-up."""
    for run in contenders.values():
        run()
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            taken[name].append(run())
    return taken


def ratios(taken: Mapping[str, list[float]], base: str) -> dict[str, tuple[float, float, float]]:
    """Minimum, median and maximum of each contender's ratio to `base`, round by round."""
    found = {}
    for name, seconds in taken.items():
        pairs = sorted(mine / theirs for mine, theirs in zip(seconds, taken[base], strict=True))
        found[name] = (pairs[0], statistics.median(pairs), pairs[-1])
    return found


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def machine() -> str:
    return f"{platform.system()} {platform.machine()}, torch {torch.__version__}, {torch.get_num_threads()} thread(s)"


def record(title: str, command: str, lines: list[str]) -> None:
    """Print the figures and add them to results.md, with machine, date and command."""
    text = "\n".join(lines)
    print(f"\n{title}\n{text}")
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    with RESULTS.open("a") as file:
        file.write(f"\n## {title}\n\n{today}, {machine()}, `{command}`\n\n{text}\n")
