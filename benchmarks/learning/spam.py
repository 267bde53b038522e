"""Spam among text messages: a small BERT from random weights, by nbtrain and by the Trainer of transformers.

Usage: ``python -m benchmarks.learning.spam FILE [--seeds N]``, FILE being the SMS Spam Collection (Almeida and Gómez
Hidalgo, CC BY 4.0): a label and a message a line, tab-separated. Model, first weights, tokens, split, optimizer,
schedule, batch size and epochs are the same; each trainer takes the rows in its own order. Timed is training alone:
processor seconds, which other work on the machine changes little, and those on the clock.
"""

from __future__ import annotations

import argparse
import copy
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.common import Figure, record, table
from benchmarks.peers import Stopwatch

EPOCHS, BATCH, RATE, WARM_UP = 5, 32, 1e-3, 0.1
OPTIONS: dict[str, Any] = {
    "recipe": "text-classification", "epochs": EPOCHS, "batch_size": BATCH, "learning_rate": RATE,
    "warmup_epochs": WARM_UP, "max_length": 128, "vocabulary_size": 4000, "validation": 0.0, "test": 0.2,
    "device": "cpu", "mixed_precision": "off", "show": False}


class Watch(Stopwatch):
    """Processor seconds too."""

    def start(self, *_: Any, **__: Any) -> None:
        super().start()
        self._work = time.process_time()

    def stop(self, *_: Any, **__: Any) -> None:
        super().stop()
        self.work = time.process_time() - self._work


def messages(path: Path) -> pd.DataFrame:
    """Label and text of each line; the stray tabs at the ends of some are no part of them."""
    rows = [line.rstrip("\t").split("\t", 1) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return pd.DataFrame([(label, text.strip().strip('"')) for label, text in rows], columns=["label", "text"])


def nbtrain_run(data: pd.DataFrame, seed: int) -> tuple[dict[str, float], Any, Any]:
    """What it reached and took, what it was prepared as, and its first weights."""
    import nbtrain
    from nbtrain import ordering
    from nbtrain.recipes.base import Columns

    options = {key: value for key, value in OPTIONS.items() if key != "show"}
    made = ordering.ordered("bert-tiny", data, Columns(), options | {"seed": seed})
    assert made is not None  # noqa: S101 - a recipe is named
    prepared = made.prepared()
    first = copy.deepcopy(prepared.model)
    run = nbtrain.train("bert-tiny", data, **OPTIONS | {"seed": seed})
    began, work = run.seconds, time.process_time()
    run.wait()
    took = {"accuracy": run.evaluate()["accuracy"], "clock": run.seconds - began}
    return took | {"work": time.process_time() - work}, prepared, first


def transformers_run(prepared: Any, model: Any, seed: int, *, grouped: bool) -> dict[str, float]:
    """The same with the Trainer; `grouped`: with batches of like lengths, which is no default of its."""
    from transformers import (
        DataCollatorWithPadding,
        PreTrainedTokenizerFast,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    from nbtrain.recipes.vocabulary import Vocabulary

    tokenizer: PreTrainedTokenizerFast = Vocabulary.of_json(prepared.fitted["tokenizer"]).tokenizer
    watch = Watch()

    class Timed(TrainerCallback):
        on_train_begin, on_train_end = watch.start, watch.stop

    def rows(part: Any) -> list[dict[str, Any]]:
        found = []
        for number in range(len(part)):
            inputs, target = part.take(torch.tensor([number]), None)
            found.append({name: value[0].tolist() for name, value in inputs.items()} | {"labels": int(target[0])})
        return found

    train = rows(prepared.train)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, num_train_epochs=EPOCHS, per_device_train_batch_size=BATCH, per_device_eval_batch_size=BATCH,
            learning_rate=RATE, weight_decay=0.01, lr_scheduler_type="cosine",
            warmup_steps=int(WARM_UP * -(-len(train) // BATCH)), max_grad_norm=1.0, logging_steps=500,
            save_strategy="no", report_to=[], disable_tqdm=True, use_cpu=True, seed=seed,
            train_sampling_strategy="group_by_length" if grouped else "random")
        trainer = Trainer(
            model=model, args=arguments, train_dataset=train, data_collator=DataCollatorWithPadding(tokenizer),
            callbacks=[Timed()])
        trainer.train()
        test: Any = rows(prepared.test)
        held = trainer.predict(test)
    accuracy = float((np.asarray(held.predictions).argmax(1) == held.label_ids).mean())
    return {"accuracy": accuracy, "clock": watch.seconds, "work": watch.work}


def main(file: Path, seeds: int = 3) -> None:
    """Three seeds, in turns; into results.md."""
    torch.set_num_threads(1)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    data = messages(file)
    ours, theirs, grouped = [], [], []
    with tempfile.TemporaryDirectory() as home:
        os.environ["NBTRAIN_HOME"] = home
        for seed in range(seeds):
            mine, prepared, first = nbtrain_run(data, seed)
            ours.append(mine)
            theirs.append(transformers_run(prepared, copy.deepcopy(first), seed, grouped=False))
            grouped.append(transformers_run(prepared, first, seed, grouped=True))
            print(seed, ours[-1], theirs[-1], grouped[-1], flush=True)

    def ratio(of: list[dict[str, float]], what: str) -> list[float]:
        return [mine[what] / other[what] for mine, other in zip(ours, of, strict=True)]

    record(
        f"Learning: spam among {len(data):,} messages, a BERT of 2 layers from random weights, {seeds} seeds",
        "python -m benchmarks.learning.spam", table([
            Figure("nbtrain: accuracy on the test part", [each["accuracy"] for each in ours], limit=0.97, least=True),
            Figure("Trainer: accuracy on the test part", [each["accuracy"] for each in theirs]),
            Figure("nbtrain − Trainer: accuracy", [
                mine["accuracy"] - other["accuracy"] for mine, other in zip(ours, theirs, strict=True)],
                limit=0.0, least=True),
            Figure("Trainer, batches of like lengths: accuracy", [each["accuracy"] for each in grouped]),
            Figure("processor seconds of training, nbtrain / Trainer", ratio(theirs, "work"), limit=0.85),
            Figure("seconds on the clock, nbtrain / Trainer", ratio(theirs, "clock")),
            Figure("processor seconds, nbtrain / Trainer with batches of like lengths", ratio(grouped, "work")),
        ]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    main(given.file, given.seeds)
