"""What a checkpoint costs the training: about 1 GB of weights and AdamW state, written while the run goes on.

In turns with what a plain loop does, which writes the same state with torch.save and waits for it, and with a bare
copy of the tensors in memory, below which no stall can be. The stall is all the time the trainer spends on a
checkpoint; the first is left out, as it makes the room that the others use again.

Usage: ``python -m benchmarks.checkpoint [rounds]``
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

import nbtrain
from benchmarks.common import Figure, record, seconds, table
from nbtrain.core.events import CheckpointSaved
from nbtrain.engine.engine import Engine
from nbtrain.engine.saver import CheckpointSaver

MS_PER_GB = 150
WIDTH, LAYERS = 4096, 5


def model() -> nn.Module:
    """84 million parameters; with AdamW's two moments 1.0 GB."""
    return nn.Sequential(nn.Linear(16, WIDTH), *(nn.Linear(WIDTH, WIDTH) for _ in range(LAYERS)), nn.Linear(WIDTH, 2))


@contextmanager
def stalls() -> Iterator[list[float]]:
    """Seconds the trainer spends in each `save`, while this lasts."""
    found: list[float] = []
    save = CheckpointSaver.save

    def timed(saver: CheckpointSaver, engine: Engine, reason: str) -> None:
        found.append(seconds(lambda: save(saver, engine, reason)))

    CheckpointSaver.save = timed  # type: ignore[method-assign, assignment]
    try:
        yield found
    finally:
        CheckpointSaver.save = save  # type: ignore[method-assign]


def tensors(net: nn.Module) -> list[Tensor]:
    """As many numbers as the checkpoint holds: weights, and two moments of each."""
    return [parameter.detach().clone() for _ in range(3) for parameter in net.parameters()]


def main(arguments: list[str]) -> None:
    torch.set_num_threads(1)
    rounds = int(arguments[0]) if arguments else 5
    with tempfile.TemporaryDirectory() as home, stalls() as stalled:
        os.environ["NBTRAIN_HOME"] = home
        net = model()
        run = nbtrain.train(
            net, (torch.randn(1000, 16), torch.zeros(1000, dtype=torch.int64)), batch_size=1, epochs=1000,
            validation=0.0, save_frequency=0, keep_checkpoints=1, show=False)
        while run.step < 2:
            time.sleep(0.1)
        run.pause()
        state = tensors(net)
        copy = [tensor.clone() for tensor in state]
        plain: list[float] = []
        bare: list[float] = []
        for _ in range(rounds + 2):  # the buffer has two slots, and each is slow once
            written = len(saved(run))
            run.resume().checkpoint().pause()
            while len(saved(run)) == written:
                time.sleep(0.05)
            plain.append(seconds(lambda: torch.save(state, Path(home) / "plain.pt")))
            bare.append(seconds(lambda: torch._foreach_copy_(copy, state)))
        checkpoints = saved(run)[-rounds:]
        asked = stalled[-rounds:]
        run.stop()
    size = checkpoints[-1].bytes / 1e9
    figures = [
        Figure("stall of the training", [1e3 * took / size for took in asked], "ms per GB", MS_PER_GB),
        Figure("a bare copy in memory", [1e3 * took / size for took in bare[-rounds:]], "ms per GB"),
        Figure("torch.save in the loop", [1e3 * took / size for took in plain[-rounds:]], "ms per GB"),
        Figure("from asked for to safe on disk, in the background",
               [event.seconds / size for event in checkpoints], "s per GB"),
    ]
    record(f"A checkpoint of {size:.2f} GB", "python -m benchmarks.checkpoint", table(figures))


def saved(run: nbtrain.Run) -> list[CheckpointSaved]:
    """The checkpoints on disk so far that were asked for."""
    return [event for event in run.events if isinstance(event, CheckpointSaved) and event.reason == "asked"]


if __name__ == "__main__":
    main(sys.argv[1:])
