"""Small real trainings for the tests of the engine: data, models, and the loop everybody would write."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import torch
from torch import Tensor, nn

import nbtrain
from nbtrain.config import TrainConfig
from nbtrain.core.control import Command
from nbtrain.core.history import History
from nbtrain.engine import sampler
from nbtrain.engine.checkpoint import CheckpointFolder
from nbtrain.engine.split import split
from nbtrain.run import Run

#: Everything on: what a resume or an interruption could get wrong.
RICH: dict[str, Any] = {
    "epochs": 3,
    "batch_size": 16,
    "gradient_accumulation_steps": 2,
    "learning_rate": 3e-3,
    "scheduler": "cosine",
    "warmup_steps": 3,
    "use_ema": True,
    "ema_decay": 0.9,
    "label_smoothing": 0.1,
    "gaussian_noise_std": 0.02,
    "use_oversampling": True,
    "early_stopping": True,
    "patience": 5,
    "seed": 3,
}
#: Series that measure time, which no second run repeats.
TIMED = {"samples_per_second"}


def data(rows: int = 240, classes: int = 3, seed: int = 2) -> tuple[Tensor, Tensor]:
    """Inputs (rows, 8) and class numbers (rows,), of which the first class is the most frequent."""
    draw = torch.Generator().manual_seed(seed)
    inputs = torch.randn(rows, 8, generator=draw)
    labels = (inputs[:, :classes] + 0.3 * torch.randn(rows, classes, generator=draw)).argmax(1)
    labels[rows * 2 // 3 :] = 0
    return inputs, labels


def net(classes: int = 3, *, dropout: float = 0.3, norm: bool = True) -> nn.Sequential:
    """A small classifier with everything that has a state of its own: dropout, running means."""
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Linear(8, 16),
        nn.BatchNorm1d(16) if norm else nn.Identity(),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(16, classes),
    )


def plain_net(classes: int = 3) -> nn.Sequential:
    """The same without randomness and running means: what a sum over micro-batches cannot change."""
    return net(classes, dropout=0.0, norm=False)


def train(model: nn.Module | None = None, given: Any = None, **options: Any) -> Any:
    """`nbtrain.train` without a panel. Tests look inside the run, so its type is not told."""
    return nbtrain.train(net() if model is None else model, data() if given is None else given, show=False, **options)


def trained(model: nn.Module | None = None, given: Any = None, **options: Any) -> Any:
    """A run that has finished."""
    run = train(model, given, **options)
    assert run.wait() == "finished"
    return run


def asked(model: nn.Module, call: int, *commands: Command, given: Any = None, **options: Any) -> Any:
    """A run that is asked this at the beginning of the forward pass `call`, as `AtStep` counts them."""
    known: Future[Run] = Future()  # the pass may come before `train` has returned

    def ask() -> None:
        for command in commands:
            known.result(60).request(command)

    known.set_result(run := train(AtStep(model, call, ask), given, **options))
    return run


def resume(run_id: str, **handed_in: Any) -> Any:
    """`nbtrain.resume` without a panel."""
    return nbtrain.resume(run_id, show=False, **handed_in)


def bare_loop(
    model: nn.Module,
    given: tuple[Tensor, Tensor],
    make: Callable[[list[nn.Parameter]], torch.optim.Optimizer],
    *,
    rate: Callable[[int, int], float],
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.cross_entropy,
    **options: Any,
) -> list[float]:
    """The loop of every tutorial, on the rows and in the order of nbtrain. `rate` takes step and number of steps."""
    config = TrainConfig(**options)
    arrays, _, _ = split(given, config["validation"], 0.0, config["seed"])
    optimizer = make(list(model.parameters()))
    size: int = config["batch_size"]
    losses: list[float] = []
    total = config["epochs"] * -(-arrays.length // size)
    model.train()
    for epoch in range(config["epochs"]):
        for rows in sampler.order(arrays.length, config["seed"], epoch).split(size):
            for group in optimizer.param_groups:
                group["lr"] = rate(len(losses), total)
            optimizer.zero_grad()
            value = loss(model(arrays.inputs[rows]), arrays.target[rows])
            value.backward()
            if config["max_grad_norm"]:
                nn.utils.clip_grad_norm_(model.parameters(), config["max_grad_norm"])
            optimizer.step()
            losses.append(value.item())
    return losses


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    """Every weight and buffer, to the bit."""
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)


def measured(history: History) -> dict[str, str]:
    """SHA-256 of every series that is not of time."""
    return {
        name: hashlib.sha256(history[name].steps.tobytes() + history[name].values.tobytes()).hexdigest()
        for name in sorted(set(history.names) - TIMED)
        if len(history[name].steps)
    }


def remains(run: Run) -> dict[str, Any]:
    """What a run left that must not depend on how it came there: newest checkpoint and metrics, without clocks."""
    snapshot, _, _ = CheckpointFolder(run.folder / "checkpoints").load()
    state = {name: value for name, value in snapshot.state.items() if name != "environment"}
    state["position"] = {name: value for name, value in state["position"].items() if name != "seconds"}
    for group in state["trees"]["optimizer"]["param_groups"]:
        del group["lr"]  # set anew from the step before each update
    tensors = {
        f"{component} {name}": hashlib.sha256(
            tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        ).hexdigest()
        for component, named in snapshot.components.items()
        for name, tensor in named.items()
    }
    return {**tensors, **measured(run.history), **{f"state {name}": value for name, value in state.items()}}


def difference(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Names of what differs between two `remains`."""
    return [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]


def checkpoints(run: Run) -> list[tuple[int, str]]:
    """Step and reason of each checkpoint that is kept, oldest first."""
    return [(kept.step, kept.reason) for kept in CheckpointFolder(run.folder / "checkpoints").generations()]


def threads() -> set[str]:
    """Names of the threads of nbtrain that are alive, but the store's, which ends by itself."""
    import threading  # noqa: PLC0415 - only here

    return {thread.name for thread in threading.enumerate() if thread.name.startswith("nbtrain-")} - {"nbtrain-store"}


class AtStep(nn.Module):
    """A model that calls `act` at the beginning of the forward pass of update `step`, in training mode."""

    def __init__(self, model: nn.Module, step: int, act: Callable[[], Any]) -> None:
        super().__init__()
        self.inner, self.at, self.act, self.calls = model, step, act, 0

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.calls += 1
            if self.calls == self.at:
                changed = self.act()
                x = changed(x) if callable(changed) else x
        answer: Tensor = self.inner(x)
        return answer
