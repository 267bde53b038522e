"""Runs share a kernel's generators, with each other and with its cells, and still give the same bits."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from nbtrain.engine.randomness import Turn, stream_seed
from tests.engine import toys

OPTIONS = {"epochs": 6, "batch_size": 16, "gaussian_noise_std": 0.1}


class Drawing(Dataset[Any]):
    """A dataset that draws from torch's and NumPy's global generators."""

    def __init__(self):
        self.inputs, self.targets = toys.data()

    def __len__(self):
        return len(self.inputs)

    def __getitem__(self, index):
        noise = torch.randn(8) + float(np.random.rand())  # noqa: NPY002 - the global one is the point
        return self.inputs[index] + 0.1 * noise, self.targets[index]


def test_two_runs_at_once_give_the_bits_of_each_alone():
    given = {5: toys.data(), 6: Drawing()}
    alone = {}
    for seed in (5, 6):
        alone[seed] = toys.net()
        toys.trained(alone[seed], given[seed], seed=seed, **OPTIONS)
    both = {seed: toys.net() for seed in (5, 6)}
    runs = [toys.train(both[seed], given[seed], seed=seed, **OPTIONS) for seed in (5, 6)]
    for run in runs:
        assert run.wait() == "finished"
    assert all(toys.same_weights(alone[seed], both[seed]) for seed in (5, 6))
    assert not toys.same_weights(both[5], both[6])


def test_a_cell_that_draws_between_steps_changes_nothing():
    alone, beside = toys.net(), toys.net()
    toys.trained(alone, **OPTIONS)
    run = toys.train(beside, **OPTIONS)
    turn = Turn(99, torch.device("cpu"))
    drawn = 0
    while not run.state.ended:
        with turn.at(drawn):  # between two steps, as a cell does that is not unlucky
            torch.rand(10)
        drawn += 1
    run.wait()
    assert drawn
    assert toys.same_weights(alone, beside)


def test_evaluating_and_predicting_while_it_trains_changes_nothing():
    options = {**OPTIONS, "use_ema": True, "epochs": 8}
    given = Drawing()
    alone, beside = toys.net(), toys.net()
    toys.trained(alone, given, **options)
    run = toys.train(beside, given, **options)
    looks = 0
    while not run.state.ended:
        run.predict(toys.data()[0])
        run.evaluate(given)
        looks += 1
    assert run.wait() == "finished"
    assert looks
    assert toys.same_weights(alone, beside)


def test_seeds_of_different_places_differ():
    places = [(0,), (1,), ("validate", 0, 0), ("validate", 0, 1), ("validate", 1, 0), ("evaluate", 0)]
    seeds = {stream_seed(seed, *place) for seed in (0, 1) for place in places}
    assert len(seeds) == 2 * len(places)
    assert stream_seed(3, "validate", 1) == stream_seed(3, "validate", 1)


def test_nobody_elses_step_draws_during_a_turn():
    inside, overlaps = [], []

    def work(seed):
        turn = Turn(seed, torch.device("cpu"))
        for step in range(200):
            with turn.at(step):
                inside.append(seed)
                overlaps.append(len(inside) > 1)
                first = torch.rand(())
                with turn.at(step):  # a metric that evaluates on the way
                    assert torch.equal(torch.rand(()), first)
                inside.remove(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(overlaps) == 800
    assert not any(overlaps)


def test_an_interrupted_turn_is_given_back(monkeypatch):
    turn = Turn(1, torch.device("cpu"))
    with monkeypatch.context() as patch:
        patch.setattr("nbtrain.engine.randomness.stream_seed", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        try:
            with turn.at(1):
                raise AssertionError
        except KeyboardInterrupt:
            pass

    def take_a_turn():
        with turn.at(2):
            pass

    other = threading.Thread(target=take_a_turn, daemon=True)
    other.start()
    other.join(60)
    taken = not other.is_alive()
    assert taken
