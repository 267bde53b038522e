from __future__ import annotations

import random
import threading
import time
from typing import Any

import numpy as np
import pytest
import torch

from nbtrain.engine.replay import Key, Replayed, generators_kept, seed_all, untouched


@pytest.mark.parametrize("draw", [
    lambda: torch.rand(1), np.random.normal, random.random, lambda: torch.randperm(3),
    lambda: np.random.randint(5), lambda: random.choice([1, 2]),  # noqa: NPY002, S311
])
def test_any_draw_from_any_generator_is_noticed(draw: Any):
    seed_all(0)
    assert untouched()
    seed_all(0)
    draw()
    assert not untouched()


def draw_and_fail() -> float:
    seed_all(9)
    return random.random() / 0  # noqa: S311


def test_generators_come_back_as_they_were_also_after_an_error():
    seed_all(4)
    expected = torch.rand(1).item(), np.random.random_sample(), random.random()  # noqa: NPY002, S311
    seed_all(4)
    with pytest.raises(ZeroDivisionError), generators_kept():
        assert draw_and_fail()
    assert (torch.rand(1).item(), np.random.random_sample(), random.random()) == expected  # noqa: NPY002, S311


def test_two_readers_do_not_take_each_others_state_for_the_users():
    def read() -> None:
        for _ in range(300):
            with generators_kept():
                seed_all(9)
                time.sleep(0)
                np.random.random_sample()  # noqa: NPY002

    seed_all(4)
    expected = np.random.random_sample(), random.random()  # noqa: NPY002, S311
    seed_all(4)
    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert (np.random.random_sample(), random.random()) == expected  # noqa: NPY002, S311


class Sometimes:
    """Draws for one sample in ten only, so that many batches pass before the first draw."""

    def __len__(self) -> int:
        return 100

    def __getitem__(self, i: int) -> tuple[int, float]:
        return i, torch.rand(()).item() if i % 10 == 9 else 0.0


def test_what_is_drawn_depends_on_the_place_alone_not_on_what_was_read_before():
    keys = [Key(2, place, index) for place, index in enumerate(reversed(range(100)))]
    one_batch = Replayed(Sometimes(), 7).__getitems__(keys)
    reader = Replayed(Sometimes(), 7)
    small_batches = [sample for start in range(0, 100, 3) for sample in reader.__getitems__(keys[start : start + 3])]
    only_the_last = Replayed(Sometimes(), 7).__getitems__(keys[50:])
    assert one_batch == small_batches
    assert one_batch[50:] == only_the_last
    assert len({drawn for _, drawn in one_batch}) == 11
    assert one_batch != Replayed(Sometimes(), 8).__getitems__(keys)
    other = Replayed(Sometimes(), 7).__getitems__([key._replace(epoch=3) for key in keys])
    assert one_batch != other
