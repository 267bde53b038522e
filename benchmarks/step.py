"""A training step against a bare PyTorch loop, and against the trainers people use.

Measured is what a trainer adds to each step. nbtrain records loss, learning rate and gradient norm every step,
looks for commands every step, writes checkpoints, and trains in its background thread, in a real kernel, with its
panel on show; all the others train in the kernel's main thread, so that they meet the same machine.

Usage: ``python -m benchmarks.step [rounds] [--peers]``
"""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import warnings
from collections.abc import Callable
from functools import partial

import torch

from benchmarks import peers, work
from benchmarks.common import Figure, in_turns, ratios, record, table
from benchmarks.kernel import Kernel
from benchmarks.work import Work

BASE, OURS = "bare loop", "nbtrain, panel on show"
#: The most that nbtrain may take of the bare loop's time, by work.
LIMITS = {"small": 0.60, "large": 1.02}


def nbtrain_with_panel(given: Work) -> float:
    """As a cell of a notebook does it. Seconds a step."""
    import nbtrain
    from nbtrain.widgets.base import PUMP, Panel

    run = nbtrain.train(
        given.make(), (given.inputs, given.labels), validation=0.0, epochs=given.epochs, batch_size=given.batch_size,
        learning_rate=work.RATE, max_grad_norm=work.CLIP)
    run.wait()
    for panel in PUMP.clients:
        if isinstance(panel, Panel):
            panel.close()
    return run.seconds / run.step


def measure(name: str, rounds: int, *, with_peers: bool) -> dict[str, list[float]]:
    """Seconds a step of everyone, round by round. Called in the kernel."""
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    given = {"small": work.small, "large": work.large}[name]()
    contenders = {BASE: work.bare, "limit (indexing, fused, no scheduler object)": work.limit, OURS: nbtrain_with_panel}
    if with_peers:
        contenders |= peers.installed()
    return in_turns({who: partial(_quietly, partial(train, given)) for who, train in contenders.items()}, rounds)


def _quietly(train: Callable[[], float]) -> float:
    """Without the contender's own output, which is not what is measured."""
    with (
        contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        return train()


def main(arguments: list[str]) -> None:
    torch.set_num_threads(1)
    with_peers = "--peers" in arguments
    if with_peers and len(peers.installed()) < 4:
        print("Not every peer is installed here; `make bench` measures with all of them.")
    rounds = next((int(argument) for argument in arguments if argument.isdigit()), 7)
    lines: list[str] = []
    for name, limit in LIMITS.items():
        with Kernel() as kernel:
            taken: dict[str, list[float]] = kernel.run(
                "from benchmarks import step",
                f"step.measure({name!r}, {rounds}, with_peers={with_peers and name == 'small'})")
        base = sorted(taken[BASE])[rounds // 2]
        figures = [
            Figure(who, found, "×", limit if who == OURS else None) for who, found in ratios(taken, BASE).items()
            if who != BASE]
        title = f"Time of a step against the bare loop's {base * 1e3:.2f} ms, {rounds} rounds:"
        lines += [title, "", *table(figures), ""]
    record("A training step", f"python -m benchmarks.step{' --peers' if with_peers else ''}", lines)


if __name__ == "__main__":
    main(sys.argv[1:])
