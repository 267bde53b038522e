"""What is left of a training while a cell of the same kernel spins in pure Python, as a share of what it does alone.

The two take the interpreter in turns, so a step that works long in torch loses little, and one that is mostly Python
loses much; both are measured.

Usage: ``python -m benchmarks.busy [rounds]``
"""

from __future__ import annotations

import sys

from benchmarks.common import Figure, record, table
from benchmarks.kernel import Kernel

SHARE = 0.48
TURN = 3.0

#: Width of a hidden layer and batch size, by what a step is.
WORK = {"steps of some 18 ms": (1024, 160), "steps of half a millisecond": (32, 32)}
TRAIN = """
import time
import numpy as np, torch, nbtrain
torch.set_num_threads(1)
inputs = np.random.default_rng(0).normal(size=(60_000, 64)).astype("float32")
# Nothing can be learnt from these, so gradients do not vanish, and steps stay alike.
labels = np.random.default_rng(1).integers(0, 2, size=60_000)
net = torch.nn.Sequential(
    torch.nn.Linear(64, {width}), torch.nn.ReLU(), torch.nn.Linear({width}, {width}), torch.nn.ReLU(),
    torch.nn.Linear({width}, 2))
run = nbtrain.train(net, (inputs, labels), validation=0.01, epochs=1000, batch_size={batch_size}, save_frequency=0)

def alone(seconds):
    time.sleep(seconds)

def beside_a_cell(seconds):
    end, spins = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        spins += 1

def rate(how):
    step, began = run.step, time.monotonic()
    how({turn})
    return (run.step - step) / (time.monotonic() - began)

alone(2)
"""


def measure(width: int, batch_size: int, rounds: int) -> tuple[list[float], list[float]]:
    """Steps a second alone, and beside a spinning cell, in turns."""
    with Kernel() as kernel:
        kernel.run(TRAIN.format(width=width, batch_size=batch_size, turn=TURN))
        pairs = [kernel.run("", "[rate(alone), rate(beside_a_cell)]") for _ in range(rounds)]
    return [alone for alone, _ in pairs], [beside for _, beside in pairs]


def main(arguments: list[str]) -> None:
    rounds = int(arguments[0]) if arguments else 5
    figures: list[Figure] = []
    for place, (what, (width, batch_size)) in enumerate(WORK.items()):
        alone, beside = measure(width, batch_size, rounds)
        shares = [second / first for first, second in zip(alone, beside, strict=True)]
        figures += [
            Figure(f"share of its pace kept, {what}", shares, "", None if place else SHARE, least=True),
            Figure(f"steps a second alone, {what}", alone),
        ]
    record("Beside a busy cell", "python -m benchmarks.busy", table(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
