"""Real loops for the tests of tracking."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils.data import DataLoader, TensorDataset

from nbtrain.core.control import State
from nbtrain.tracked import Tracked
from tests.waiting import until


def loader(rows: int = 40, batch_size: int = 4) -> DataLoader[Any]:
    """Rows of a line that a linear layer can learn."""
    inputs = torch.linspace(-1, 1, rows).reshape(-1, 1)
    return DataLoader(TensorDataset(inputs, 3 * inputs[:, 0] + 1), batch_size=batch_size)


def endless() -> Iterator[int]:
    """A stream without an end."""
    number = 0
    while True:
        yield number
        number += 1


@contextmanager
def in_a_thread(loop: Callable[[], object]) -> Iterator[list[BaseException]]:
    """Run a loop beside the test; what it raised is in the list once the block is over."""
    raised: list[BaseException] = []

    def work() -> None:
        try:
            loop()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield raised
    finally:
        thread.join(60)
        assert not thread.is_alive()


def running(tracked: Tracked[Any]) -> None:
    """Wait until the loop runs."""
    until(lambda: tracked.state is State.RUNNING and tracked.step > 0, "the loop runs")
