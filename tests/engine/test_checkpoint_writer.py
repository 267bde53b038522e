from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

from nbtrain.core.errors import WorkspaceError
from nbtrain.engine.checkpoint import CheckpointFolder, Generation
from nbtrain.engine.checkpoint_writer import CheckpointWriter, Outcome
from nbtrain.engine.snapshot import Snapshot


class Gate:
    """A `before` that waits until it is opened."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        assert self.opened.wait(60)


def submit(writer: CheckpointWriter, step: int, reason: str = "every", **options: object) -> None:
    components = writer.buffer.take({"model": {"w": torch.full((3,), float(step))}})
    writer.submit(Snapshot(step, components), reason, **options)  # type: ignore[arg-type]


def values(folder: CheckpointFolder) -> list[float]:
    return [folder.load(g.step)[0].components["model"]["w"][0].item() for g in folder.generations()]


@pytest.fixture
def folder(tmp_path: Path) -> CheckpointFolder:
    return CheckpointFolder(tmp_path / "checkpoints", keep=100)


def test_everything_is_written_in_order_and_told(folder: CheckpointFolder) -> None:
    told: list[Outcome] = []
    writer = CheckpointWriter(folder, told.append)
    for step in range(1, 21):
        submit(writer, step, best=step == 3)
    assert writer.drain()
    assert [outcome.step for outcome in told] == list(range(1, 21))
    assert all(isinstance(outcome.generation, Generation) and outcome.error is None for outcome in told)
    assert values(folder) == [float(step) for step in range(1, 21)]
    assert [g.step for g in folder.generations() if g.best] == [3]
    writer.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "nbtrain-checkpoint"]


def test_the_trainer_goes_on_while_one_is_written_and_nothing_is_overwritten(folder: CheckpointFolder) -> None:
    gate, told = Gate(), list[Outcome]()
    writer = CheckpointWriter(folder, told.append)
    submit(writer, 1, before=gate)
    assert gate.reached.wait(60)
    submit(writer, 2)  # returns: the second buffer is free
    third = threading.Thread(target=submit, args=(writer, 3))
    third.start()
    third.join(0.1)
    assert third.is_alive()  # both buffers are needed
    assert not writer.drain(timeout=0.01)
    gate.opened.set()
    third.join(60)
    writer.close()
    assert values(folder) == [1.0, 2.0, 3.0]


def test_what_must_be_durable_before_is_done_before_it_can_be_seen(folder: CheckpointFolder) -> None:
    seen: list[list[Generation]] = []
    writer = CheckpointWriter(folder, lambda outcome: None)
    submit(writer, 1, before=lambda: seen.append(folder.generations()))
    writer.close()
    assert seen == [[]]
    assert len(folder.generations()) == 1


def test_an_error_is_told_and_the_next_is_written(folder: CheckpointFolder) -> None:
    told: list[Outcome] = []
    writer = CheckpointWriter(folder, told.append)

    def full() -> None:
        raise WorkspaceError("The disk is full.")

    for _ in range(3):  # a buffer that was not given back would block the third
        submit(writer, 1, before=full)
    submit(writer, 2)
    writer.close()
    assert [(outcome.step, type(outcome.error)) for outcome in told] == [(1, WorkspaceError)] * 3 + [(2, type(None))]
    assert values(folder) == [2.0]


def test_a_listener_that_fails_is_raised_where_one_waits(folder: CheckpointFolder) -> None:
    def fail(outcome: Outcome) -> None:
        raise KeyError(outcome.step)

    writer = CheckpointWriter(folder, fail)
    submit(writer, 1)
    with pytest.raises(KeyError):
        writer.drain()
    submit(writer, 2)
    with pytest.raises(KeyError):
        writer.close()
    assert values(folder) == [1.0, 2.0]


def test_room_is_made_in_the_background(folder: CheckpointFolder) -> None:
    writer = CheckpointWriter(folder, lambda outcome: None)
    writer.prepare({"model": {"w": torch.rand(3)}})
    writer.drain()
    address = writer.buffer._slots[0].components["model"]["w"].data_ptr()
    assert writer.buffer.take({"model": {"w": torch.rand(3)}})["model"]["w"].data_ptr() == address
    writer.close()


def test_after_the_end_nothing_is_taken(folder: CheckpointFolder) -> None:
    writer = CheckpointWriter(folder, lambda outcome: None)
    writer.close()
    writer.close()
    for _ in range(3):
        with pytest.raises(RuntimeError, match="closed"):
            submit(writer, 1)
    assert writer.drain()
