"""A thousand commands at random moments from several threads: no deadlock, no thread left, the bits of a quiet run."""

from __future__ import annotations

import random
import sys
import threading
from functools import partial
from typing import Any

import pytest
from torch import nn

import nbtrain
from nbtrain.core.control import Edit
from nbtrain.core.errors import CommandError
from tests.engine import toys

COMMANDS = 1000
#: Far more than is needed: whoever waits longer waits for ever.
WATCHDOG_SECONDS = 240
OPTIONS = {**toys.RICH, "epochs": 150, "early_stopping": False, "checkpoint_every": 50, "validation": 0.3}


class Handle:
    """The run as it is now; whoever stops it resumes it, so that the thousand commands meet one training."""

    def __init__(self, run):
        self.run, self.lock, self.stops = run, threading.Lock(), 0

    def stop_and_resume(self):
        with self.lock:
            try:
                self.run.stop()
            except CommandError:
                return
            self.stops += 1
            self.run = nbtrain.resume(self.run.id, show=False)


def command(handle, draw):
    """One random command; that the run has just been stopped by another thread is a fair answer."""
    run = handle.run
    what = draw.choices(["pause", "resume", "set", "checkpoint", "stop"], [30, 30, 30, 5, 5])[0]
    try:
        if what == "pause":
            run.pause()
            if draw.random() < 0.7:
                run.resume()
        elif what == "resume":
            run.resume()
        elif what == "set":  # to the value it has: the bits must not change
            name = draw.choice(["learning_rate", "weight_decay", "ema_decay", "epochs", "max_grad_norm"])
            run.set(**{name: run.config[name]})
        elif what == "checkpoint":
            run.checkpoint()
        else:
            handle.stop_and_resume()
    except CommandError as error:
        assert "stopped" in str(error) or "finished" in str(error) or "not started" in str(error), error  # noqa: PT017 - in a thread


@pytest.mark.slow
def test_a_thousand_commands_leave_the_bits_of_a_quiet_run():
    interval = sys.getswitchinterval()
    quiet = toys.trained(toys.net(), **OPTIONS)
    handle = Handle(toys.train(toys.net(), **OPTIONS))
    failures = []

    def work(seed):
        draw = random.Random(seed)  # noqa: S311 - a script of commands
        try:
            for _ in range(COMMANDS // 4):
                command(handle, draw)
        except BaseException as error:  # noqa: BLE001 - a thread's failure is told by the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,), daemon=True) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WATCHDOG_SECONDS)
    assert not any(thread.is_alive() for thread in threads), "deadlock"
    assert failures == []
    run = handle.run
    if not run.state.ended:
        run.resume()
    assert run.wait(WATCHDOG_SECONDS) == "finished"
    assert handle.stops > 5
    assert toys.difference(toys.remains(run), toys.remains(quiet)) == []
    assert toys.threads() == set()
    assert sys.getswitchinterval() == interval


def test_edits_at_fixed_steps_give_the_same_bits_each_time():
    edits: dict[int, dict[str, Any]] = {
        3: {"learning_rate": 0.01},
        9: {"weight_decay": 0.1},
        14: {"epochs": 4, "max_grad_norm": 0.5},
    }

    def edited():
        runs: list[Any] = []
        model: nn.Module = toys.net()
        for step, changes in edits.items():
            model = toys.AtStep(model, step, partial(ask, runs, Edit(changes)))
        gate = threading.Event()
        model = toys.AtStep(model, 1, gate.wait)
        runs.append(toys.train(model, epochs=2, batch_size=32))
        gate.set()
        assert runs[0].wait() == "finished"
        assert runs[0].epochs == 4
        return toys.remains(runs[0])

    assert toys.difference(edited(), edited()) == []


def ask(runs, command):
    """Of the run that trains, without waiting."""
    runs[0].request(command)
