"""What the panels send: messages and bytes a second at any length of the history, with the whole Studio open.

Counted is everything a real kernel publishes, in bytes on its socket, while a run goes on: a real one at some
thousand steps a second, and one that does 10,000 steps a second because it trains nothing. Before counting begins
both have a history of 1,000, 100,000 and 1,000,000 steps. And what the open panels cost the trainer, in turns with
panels that nobody looks at.

Usage: ``python -m benchmarks.wire [seconds]``
"""

from __future__ import annotations

import sys
import time
from collections import Counter

from benchmarks.common import Figure, record, table
from benchmarks.kernel import Heard, Kernel

LENGTHS = (1_000, 100_000, 1_000_000)
PANELS = ("control_panel", "live_charts", "kitchen", "hardware_monitor")
MESSAGES, BYTES, COST = 10, 50_000, 0.01
TURNS, TURN = 6, 2.0

REAL = """
import numpy as np, torch, nbtrain
torch.set_num_threads(1)
inputs = np.random.default_rng(0).normal(size=(400_000, 2)).astype("float32")
labels = (inputs[:, 0] > 0).astype("int64")
run = nbtrain.train(torch.nn.Linear(2, 2), (inputs, labels), batch_size=2, epochs=1000, validation=0.001, show=False)
while run.step < 10:
    pass
run.pause()
for name in run.history.names:
    column = run.history.column(name)
    values = np.resize(column.since(0).values, {points})
    column.truncate(-1)
    column.extend(np.arange(run.step - {points} + 1, run.step + 1), values)
run.resume()
"""
FAKE = """
import nbtrain
from nbtrain import training
from benchmarks.flow import FlowRun
run = FlowRun({points}, rate=10_000)
training.active = lambda: [run]
"""
SHOW = "nbtrain.Studio()"
#: Runs for so many seconds; leaves steps a second, and the share of one core that the panels' thread took.
WATCH = """
import threading, time

def pump():
    # The thread's own clock, of Linux: ticks of 10 ms tell little of a thread that works for one at a time.
    thread = next(thread for thread in threading.enumerate() if thread.name == "nbtrain-pump")
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))

step, spent, began = run.step, pump(), time.monotonic()
time.sleep({seconds})
took = time.monotonic() - began
watched = [(run.step - step) / took, (pump() - spent) / took]
"""


def open_studio(kernel: Kernel) -> list[str]:
    """Show a Studio and open all its panels; ids of all, the Studio's first."""
    kernel.run(SHOW)
    studio = _wait_for(kernel, 1)[0]
    for place, name in enumerate(PANELS):
        kernel.ask(studio, "open", panel=name)
        _wait_for(kernel, place + 2)
    return list(kernel.widgets)


def _wait_for(kernel: Kernel, count: int) -> list[str]:
    until = time.monotonic() + 30
    while len(kernel.widgets) < count:
        if time.monotonic() > until:
            raise RuntimeError(f"{len(kernel.widgets)} of {count} panels opened in 30 seconds.")
        time.sleep(0.05)
    return list(kernel.widgets)


def by_second(heard: list[Heard], began: float, seconds: int) -> tuple[list[float], list[float]]:
    """Messages, and bytes, of each whole second."""
    messages, sizes = Counter[int](), Counter[int]()
    for message in heard:
        messages[int(message.time - began)] += 1
        sizes[int(message.time - began)] += message.bytes
    return [float(messages[second]) for second in range(seconds)], [float(sizes[second]) for second in range(seconds)]


def flow(start: str, points: int, seconds: int) -> tuple[list[Figure], float]:
    """What is sent at this length, and the run's steps a second."""
    with Kernel() as kernel:
        kernel.run(start.format(points=points))
        open_studio(kernel)
        time.sleep(3)  # snapshots, and what was asked at the opening, are apart
        first, began = kernel.run("", "run.step"), time.monotonic()
        time.sleep(0.2)  # so is the answer to that question
        counted = time.monotonic()
        messages, sizes = by_second(kernel.listen(seconds + 0.1), counted, seconds)
        rate = (kernel.run("", "run.step") - first) / (time.monotonic() - began)
    what = f"at {points:,} steps"
    return [
        Figure(f"messages a second {what}", messages, "", MESSAGES),
        Figure(f"bytes a second {what}", sizes, "", BYTES, always=True),
    ], rate


def cost() -> list[Figure]:
    """What the panels take of a real run while they are on show."""
    with Kernel() as kernel:
        kernel.run(REAL.format(points=LENGTHS[1]))
        panels = open_studio(kernel)
        rates: dict[str, list[float]] = {"hello": [], "bye": []}
        busy: list[float] = []
        for turn in range(2 * TURNS + 2):
            kind = "hello" if turn % 2 else "bye"
            for panel in panels:
                kernel.ask(panel, kind)
            time.sleep(0.5)
            rate, spent = kernel.run(WATCH.format(seconds=TURN), "watched")
            if turn < 2:
                continue
            rates[kind].append(rate)
            if kind == "hello":
                busy.append(spent)
    shares = [seen / unseen for seen, unseen in zip(rates["hello"], rates["bye"], strict=True)]
    return [
        Figure("processor time of the panels' thread, of one core", busy, "", COST),
        Figure("steps a second, panels on show against hidden", shares, "×"),
        Figure("steps a second, panels on show", rates["hello"]),
    ]


def main(arguments: list[str]) -> None:
    seconds = int(arguments[0]) if arguments else 10
    lines: list[str] = []
    for who, start in (("A real run", REAL), ("A run that trains nothing", FAKE)):
        figures: list[Figure] = []
        rates: list[float] = []
        for points in LENGTHS:
            found, rate = flow(start, points, seconds)
            figures += found
            rates.append(rate)
        lines += [f"{who} at {min(rates):,.0f}–{max(rates):,.0f} steps a second:", "", *table(figures), ""]
    lines += ["What it costs the trainer:", "", *table(cost())]
    record("Messages of the panels", "python -m benchmarks.wire", lines)


if __name__ == "__main__":
    main(sys.argv[1:])
