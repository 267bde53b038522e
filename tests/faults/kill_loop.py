"""Trains, is killed with SIGKILL at random moments, resumes, and compares with a run that was left alone.

    python tests/faults/kill_loop.py --kills 40 [--leave-out optimizer ema] [--seed 0]

This process never trains: it imports torch once and forks a child for each training, so a kill costs a tenth
of a second. It prints a JSON object: how many kills hit a run in the middle, and how many resumes came to
the same SHA-256 of weights, optimizer, averaged weights, state and metrics. `--leave-out` breaks the resume on
purpose, to see that the comparison notices: a loop, and an object, for each component.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import mmap
import os
import random
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # optimizers load it when they are made: here once, instead of in every child
import torchmetrics  # noqa: F401 - as above
from torch import nn

import nbtrain
from nbtrain.engine.checkpoint import CheckpointFolder
from nbtrain.engine.engine import Engine
from nbtrain.engine.footing import Position
from nbtrain.store import metrics

OPTIONS: dict[str, Any] = {
    "epochs": 6, "batch_size": 16, "gradient_accumulation_steps": 2, "learning_rate": 3e-3, "weight_decay": 0.05,
    "scheduler": "cosine_with_restarts", "scheduler_t_0": 2, "warmup_steps": 5, "use_ema": True, "ema_decay": 0.9,
    "label_smoothing": 0.1, "gaussian_noise_std": 0.02, "use_oversampling": True,
    "early_stopping": True, "patience": 6, "threshold": 1.0,  # the first epoch stays the best: forgetting it shows

    "checkpoint_every": 7, "keep_checkpoints": 2, "seed": 3,
}
#: Series that measure time, which no resume can repeat.
TIMED = {"samples_per_second", "tokens_per_second"}


def model() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 3))


def data() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    inputs = torch.randn(900, 20, generator=generator)
    labels = (inputs[:, :3] + 0.5 * torch.randn(900, 3, generator=generator)).argmax(1)
    labels[600:] = 0  # so that oversampling has something to do
    return inputs, labels


def train() -> nbtrain.Run:
    return nbtrain.train(model(), data(), show=False, **OPTIONS)


def resume(run_id: str) -> nbtrain.Run:
    return nbtrain.resume(run_id, model=model(), data=data(), show=False)


class Child:
    """A forked process that does `work` and keeps the run's step where the parent can see it."""

    def __init__(self, work: Callable[[], nbtrain.Run]) -> None:
        self._shared = mmap.mmap(-1, 128)
        self.pid = os.fork()
        if self.pid == 0:
            self._be_the_child(work)

    def _be_the_child(self, work: Callable[[], nbtrain.Run]) -> None:
        code = 1
        try:
            run = work()
            self._shared[64:64 + len(run.id)] = run.id.encode()
            while not run.state.ended:
                self._shared[:16] = struct.pack("qq", run.step, run.total_steps or 0)
                run.wait(0.0005)
            self._shared[:8] = struct.pack("q", -1)  # from here on a kill comes too late
            run.wait()
            code = 0
        except BaseException:  # noqa: BLE001 - a child ends here, whatever it was
            traceback.print_exc()
            self._shared[:8] = struct.pack("q", -1)  # nobody waits for its steps any longer
        finally:
            sys.stderr.flush()
            os._exit(code)

    @property
    def step(self) -> int:
        return int(struct.unpack("q", self._shared[:8])[0])

    @property
    def total(self) -> int:
        return int(struct.unpack("q", self._shared[8:16])[0])

    @property
    def run_id(self) -> str:
        return self._shared[64:].rstrip(b"\0").decode()

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def to_the_end(work: Callable[[], nbtrain.Run]) -> str:
    """The id of a run that nobody killed."""
    child = Child(work)
    if child.wait():
        raise SystemExit("A run that was not killed failed; its report is above.")
    return child.run_id


def kill_in_the_middle(work: Callable[[], nbtrain.Run], share: float) -> tuple[str, int] | None:
    """Id and step of a run killed at about `share` of its steps, having begun; None when the kill came too late."""
    child = Child(work)
    while child.step == 0:
        time.sleep(0.0003)
    first = child.step
    while 0 <= child.step < first + share * (child.total - first):
        time.sleep(0.0003)
    time.sleep(random.random() * 0.004)  # noqa: S311 - not always just after a step was told
    step = child.step
    child.kill()
    if child.wait() > 0:
        raise SystemExit("A run failed before it was killed; its report is above.")
    return None if step < 0 or not child.run_id else (child.run_id, step)


def remains(home: Path, run_id: str) -> dict[str, str]:
    """SHA-256 of all a run left: each tensor file, the state without its clock, every series that is not of time."""
    folder = home / "runs" / run_id
    generation = CheckpointFolder(folder / "checkpoints").generations()[-1]
    found = {name: digest for name, (_, digest) in generation.files.items() if name != "state.json"}
    state = json.loads((generation.path / "state.json").read_text())["state"]
    del state["position"]["seconds"]
    found["state"] = hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
    history = metrics.load(folder)
    for name in sorted(set(history.names) - TIMED):
        steps, values = history[name]
        found[f"metric {name}"] = hashlib.sha256(steps.tobytes() + values.tobytes()).hexdigest()
    return found


@contextmanager
def left_out(what: str) -> Iterator[None]:
    """Break the resume: `what` is not restored, as if it had not been saved."""
    whole = Engine.restore

    def broken(engine: Engine, components: dict[str, Any], state: dict[str, Any]) -> None:
        fresh = {"components": engine.components(), "state": engine.state()}
        if what in components:
            components = {**components, what: fresh["components"][what]}
        elif what in state:
            state = {**state, what: fresh["state"][what]}
        else:
            position = {**state["position"], what: getattr(Position(), what)}
            state = {**state, "position": position}
        whole(engine, components, state)

    Engine.restore = broken  # type: ignore[method-assign, assignment]
    yield
    Engine.restore = whole  # type: ignore[method-assign]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--leave-out", nargs="*", default=[])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ["NBTRAIN_HOME"] = folder
        undisturbed = remains(home, to_the_end(train))
        for what in arguments.leave_out or [None]:
            random.seed(arguments.seed)
            with left_out(what) if what else nullcontext():
                print(json.dumps(loop(home, arguments.kills, undisturbed)))  # noqa: T201 - its result


def loop(home: Path, kills: int, undisturbed: dict[str, str]) -> dict[str, Any]:
    """Kill and resume until so many kills hit a run in the middle."""
    killed = same = late = 0
    steps: list[int] = []
    differing: set[str] = set()
    while killed < kills:
        hit = kill_in_the_middle(train, random.random())  # noqa: S311
        if hit is None:
            late += 1
            continue
        run_id, step = hit
        killed += 1
        steps.append(step)
        take_up = partial(resume, run_id)
        again = kill_in_the_middle(take_up, random.random()) if killed % 4 == 0 else None  # noqa: S311
        if (again is None or again[1] >= 0) and nbtrain_state(home, run_id) != "finished":
            to_the_end(take_up)
        left = remains(home, run_id)
        same += left == undisturbed
        differing.update(name for name in undisturbed if left.get(name) != undisturbed[name])
    return {"killed": killed, "same": same, "too_late": late, "steps": sorted(steps), "differing": sorted(differing)}


def nbtrain_state(home: Path, run_id: str) -> str:
    """The recorded state, read by a child so that this process never opens the database."""
    import sqlite3  # noqa: PLC0415

    with sqlite3.connect(f"file:{home / 'workspace.db'}?mode=ro", uri=True) as connection:
        (state,) = connection.execute("SELECT state FROM runs WHERE id = ?", (run_id,)).fetchone()
    return str(state)


if __name__ == "__main__":
    main()
