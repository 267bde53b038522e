"""Handwritten digits: a small network by itself, and the same one beside a teacher.

Usage: ``python -m benchmarks.learning.distillation [--seeds N]``

scikit-learn's digits, a quarter of the rows of each class to test on. The teacher is a wider network that learnt all
other rows. The student learns a tenth of them, or all, alone or with the teacher's outputs beside the labels: the same
first weights, rows, batches in the same order, optimizer, rate and epochs.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from typing import Any

import numpy as np
import torch
from torch import nn

import nbtrain
from benchmarks.common import Figure, record, table

BATCH, RATE = 16, 2e-3
TEACHER, STUDENT = 256, 24
#: Of the teacher in the loss, and what outputs are divided by.
TAUGHT: dict[str, Any] = {"distill_alpha": 0.7, "distill_temperature": 4.0}
#: Of the rows: the share that the student learns from, for how many epochs, and whether that is to be a gain: 60 epochs
#: of a tenth of the rows are too few steps to learn the labels or the outputs to the end.
BUDGETS = ((0.1, 300, True), (1.0, 60, True), (0.1, 60, False))


def digits(seed: int) -> tuple[torch.Tensor, torch.Tensor, np.ndarray, np.ndarray]:
    """Pixels from 0 to 1, numbers of the digits, and the places of rows to learn from and to test on."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    loaded = load_digits()
    learnt, tested = train_test_split(
        np.arange(len(loaded.target)), test_size=0.25, random_state=seed, stratify=loaded.target)
    return (torch.tensor(loaded.data / 16, dtype=torch.float32), torch.tensor(loaded.target, dtype=torch.int64),
            learnt, tested)


def few(labels: torch.Tensor, rows: np.ndarray, share: float, seed: int) -> np.ndarray:
    """A share of these rows, of each class as many as of the others."""
    from sklearn.model_selection import train_test_split

    if share == 1.0:
        return rows
    kept: np.ndarray = train_test_split(rows, train_size=share, random_state=seed, stratify=labels[rows].numpy())[0]
    return kept


def net(width: int, seed: int) -> nn.Module:
    """Two layers, with dropout for the wide one."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(64, width), nn.ReLU(), nn.Dropout(0.3 if width == TEACHER else 0.0), nn.Linear(width, 10))


def learned(model: nn.Module, x: torch.Tensor, y: torch.Tensor, seed: int, epochs: int, **options: Any) -> Any:
    """A run, ended."""
    run = nbtrain.train(
        model, (x, y), epochs=epochs, batch_size=BATCH, learning_rate=RATE, validation=0.0, test=0.0, seed=seed,
        early_stopping=False, device="cpu", show=False, **options)
    run.wait()
    return run


def measure(seeds: int = 3) -> list[Figure]:
    """Accuracy of each on the rows of the test, and what the student gains."""
    taken: dict[tuple[str, bool], list[float]] = {}
    for seed in range(seeds):
        x, y, rows, tested = digits(seed)

        def accuracy(run: Any, x: torch.Tensor = x, y: torch.Tensor = y, tested: np.ndarray = tested) -> float:
            return round(float((run.predict(x[tested]).argmax(1) == y[tested]).float().mean()), 6)

        teacher = learned(net(TEACHER, 100 + seed), x[rows], y[rows], seed, 60)
        taken.setdefault(("accuracy of the teacher", False), []).append(accuracy(teacher))
        for share, epochs, held in BUDGETS:
            own = few(y, rows, share, seed)
            alone = accuracy(learned(net(STUDENT, seed), x[own], y[own], seed, epochs))
            taught = accuracy(learned(
                net(STUDENT, seed), x[own], y[own], seed, epochs, teacher=teacher.model, **TAUGHT))
            said = f"{len(own):,} rows, {epochs} epochs: "
            taken.setdefault((f"{said}accuracy of the student alone", False), []).append(alone)
            taken.setdefault((f"{said}accuracy with the teacher", False), []).append(taught)
            taken.setdefault((f"{said}gain", held), []).append(taught - alone)
        print(seed, {what: round(values[-1], 4) for (what, _), values in taken.items()}, flush=True)
    return [Figure(what, values, limit=0.0 if held else None, least=True) for (what, held), values in taken.items()]


def main() -> None:
    """Take the figures and write them down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NBTRAIN_HOME"] = folder
        figures = measure(seeds)
    said = (
        f"Networks of one hidden layer, of {STUDENT} (student) and {TEACHER} (teacher, which learnt all rows but those "
        f"of the test); batches of {BATCH}, alpha {TAUGHT['distill_alpha']:g}, temperature "
        f"{TAUGHT['distill_temperature']:g}; {seeds} seeds.")
    record(
        "What a student gains by a teacher, on digits", "python -m benchmarks.learning.distillation",
        [said, "", *table(figures)])


if __name__ == "__main__":
    main()
