"""The next token of text messages: a small GPT-2 from random weights, by nbtrain and by the Trainer of transformers.

Usage: ``python -m benchmarks.learning.next_token FILE [--seeds N]``, FILE as for `benchmarks.learning.spam`. Model,
first weights, blocks, batches and their order, optimizer and schedule are the same; what is compared is the perplexity
on the test part after the same steps. So that the steps are the same there is no dropout, whose chance would be another
in each; no warm-up, which the Trainer begins with a step of rate 0; and no label at the first place of a block, which
the Trainer does not predict but divides by. Each of these alone moves the perplexity by up to 2.5 %.
"""

from __future__ import annotations

import argparse
import copy
import os
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.common import Figure, record, table
from benchmarks.learning.spam import messages

EPOCHS, BATCH, RATE = 3, 8, 1e-3
OPTIONS: dict[str, Any] = {
    "recipe": "causal-lm", "epochs": EPOCHS, "batch_size": BATCH, "learning_rate": RATE, "warmup_epochs": 0.0,
    "max_length": 64, "vocabulary_size": 2000, "validation": 0.0, "test": 0.1, "device": "cpu", "sample_every": 0,
    "dropout": 0.0}


def batches(rows: Any, seed: int, epochs: int, *, train: bool) -> list[tuple[dict[str, Tensor], Tensor]]:
    """The batches of all epochs as the engine makes them."""
    from nbtrain.engine.rows import RowSource

    source = RowSource(rows, batch_size=BATCH, seed=seed, train=train, device=torch.device("cpu"))
    return [({name: value for name, value in batch.inputs.items() if isinstance(value, Tensor)}, batch.target)
            for epoch in range(epochs) for batch in source.epoch(epoch)]


def perplexity(model: nn.Module, rows: Any) -> float:
    """Over all tokens."""
    from nbtrain.recipes.going_on import Perplexity

    metric = Perplexity()
    model.eval()
    with torch.no_grad():
        for inputs, target in batches(rows, 0, 1, train=False):
            metric.update(model(**inputs).logits, target)
    return metric.compute()


def transformers_run(model: Any, given: list[tuple[dict[str, Tensor], Tensor]], seed: int) -> nn.Module:
    """The Trainer on these batches, whose labels are the tokens themselves: it looks one ahead on its own."""
    from transformers import Trainer, TrainingArguments

    class Ours(Trainer):
        def get_train_dataloader(self) -> Any:
            return [{**inputs, "labels": _labels(inputs)} for inputs, _ in given]

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, max_steps=len(given), per_device_train_batch_size=BATCH, learning_rate=RATE, weight_decay=0.01,
            lr_scheduler_type="cosine", warmup_steps=0, max_grad_norm=1.0,
            logging_steps=500, save_strategy="no", report_to=[], disable_tqdm=True, use_cpu=True, seed=seed)
        Ours(model=model, args=arguments, train_dataset=[{"input_ids": [0]}]).train()
    trained: nn.Module = model
    return trained


def _labels(inputs: dict[str, Tensor]) -> Tensor:
    """The tokens that are to be predicted by those before them."""
    mask = inputs.get("attention_mask")
    there = torch.ones_like(inputs["input_ids"], dtype=torch.bool) if mask is None else mask.bool()
    labels = torch.where(there, inputs["input_ids"], -100)
    labels[:, 0] = -100
    return labels


def main(file: Path, seeds: int = 3) -> None:
    """All seeds; into results.md."""
    import nbtrain
    from nbtrain import ordering
    from nbtrain.engine.job import set_dropout
    from nbtrain.recipes.base import Columns

    torch.set_num_threads(1)
    data = messages(file)
    ours, theirs, before = [], [], []
    with tempfile.TemporaryDirectory() as home:
        os.environ["NBTRAIN_HOME"] = home
        for seed in range(seeds):
            made = ordering.ordered("gpt2-tiny", data, Columns(text="text"), OPTIONS | {"seed": seed})
            assert made is not None  # noqa: S101 - a recipe is named
            prepared = made.prepared()
            other = copy.deepcopy(prepared.model)
            set_dropout(other, OPTIONS["dropout"])
            before.append(perplexity(other, prepared.test))
            run = nbtrain.train("gpt2-tiny", data, text="text", show=False, **OPTIONS | {"seed": seed})
            run.wait()
            ours.append(perplexity(run.model, prepared.test))
            theirs.append(perplexity(transformers_run(
                other, batches(prepared.train, seed, EPOCHS, train=True), seed), prepared.test))
            print(seed, before[-1], ours[-1], theirs[-1], flush=True)
    record(
        f"Learning: the next token of {len(data):,} messages, a GPT-2 of 2 layers from random weights, {seeds} seeds",
        "python -m benchmarks.learning.next_token", table([
            Figure("perplexity before training", before),
            Figure("nbtrain: perplexity on the test part", ours),
            Figure("Trainer, on the same batches: perplexity on the test part", theirs),
            Figure("how far they are apart", [abs(mine / other - 1) * 100 for mine, other in zip(
                ours, theirs, strict=True)], unit="%", limit=1.0, always=True),
        ]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    main(given.file, given.seeds)
