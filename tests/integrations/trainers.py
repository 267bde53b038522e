"""A tiny `transformers.Trainer` on a model built from a config: nothing is downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments
from transformers.utils import logging


class Rows(torch.utils.data.Dataset[dict[str, Any]]):
    """Rows of words; the label is whether a word occurs in them."""

    def __init__(self, count: int = 32) -> None:
        generator = torch.Generator().manual_seed(0)
        self.words = torch.randint(5, 50, (count, 8), generator=generator)

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, index: int) -> dict[str, Any]:
        words = self.words[index]
        return {"input_ids": words, "labels": int((words < 10).any())}


def trainer(folder: Path, callback: Any, *, train: Any = None, **arguments: Any) -> Trainer:
    """A trainer of few steps that says nothing."""
    logging.disable_progress_bar()
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=16)
    chosen: dict[str, Any] = {
        "num_train_epochs": 2, "per_device_train_batch_size": 8, "logging_steps": 1, "learning_rate": 1e-3,
        "save_strategy": "no", **arguments}
    return Trainer(
        model=BertForSequenceClassification(config),
        args=TrainingArguments(
            str(folder), report_to=[], disable_tqdm=True, use_cpu=True, **chosen),
        train_dataset=train or Rows(), eval_dataset=Rows(16), callbacks=[callback] if callback else None)
