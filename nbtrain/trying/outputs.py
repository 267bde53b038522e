"""What a model gives, as classes with probabilities or as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from nbtrain.core.errors import ModelError
from nbtrain.core.model_views import Guess, MetricView
from nbtrain.trying.way import Way

#: Classes, numbers and tokens that are told.
MOST_GUESSES, MOST_VALUES, MOST_TOKENS = 100, 200, 10
#: Probabilities that were softmaxed already sum to 1 within this.
_ONE = 1e-3


def told(way: Way, inputs: Any, output: Any, module: Any) -> tuple[list[Guess], list[MetricView]]:
    """Of one sample: classes, the likeliest first; or numbers by their names. Raises ModelError for other outputs."""
    if isinstance(output, tuple | list) and output:
        output = output[0]
    if not isinstance(output, Tensor):
        raise ModelError(f"The model gives a {type(output).__name__}, which cannot be shown; load it in Python.")
    output = output.detach().float().cpu()
    if not bool(torch.isfinite(output).all()):
        raise ModelError("The model gives values that are NaN or infinite for this input; it may have diverged.")
    tokenizer = getattr(way, "tokenizer", None)
    if output.ndim == 3 and tokenizer is not None:
        return _tokens(tokenizer, inputs, output), []
    row = output.reshape(-1) if output.ndim <= 1 else output[0].reshape(-1)
    labels = list(way.labels(len(row)))
    if _is_classifier(way, labels, row, output):
        return _guesses(row, labels, several=_several(way, module)), []
    return [], _values(way, row)


def _is_classifier(way: Way, labels: Sequence[str], row: Tensor, output: Tensor) -> bool:
    """Whether these are scores of classes."""
    if output.ndim > 2:
        return False
    if labels:
        return len(row) == len(labels) or (len(row) == 1 and len(labels) == 2)
    return way.version.about.task.endswith("classification")


def _several(way: Way, module: Any) -> bool:
    """Whether classes do not exclude one another."""
    config = getattr(module, "config", None)
    kind = getattr(config, "problem_type", None)
    return kind == "multi_label_classification" or bool(way.version.about.inputs.get("multi_label"))


def _guesses(row: Tensor, labels: list[str], *, several: bool) -> list[Guess]:
    if len(row) == 1:
        inside = torch.sigmoid(row[0])
        row, names = torch.stack([1 - inside, inside]), labels or ["0", "1"]
    else:
        names = labels or [str(at) for at in range(len(row))]
        done = bool((row >= 0).all()) and abs(float(row.sum()) - 1) < _ONE
        if several:
            row = torch.sigmoid(row)
        elif not done:  # what ends in a softmax gives probabilities
            row = torch.softmax(row, 0)
    order = torch.argsort(row, descending=True, stable=True)[:MOST_GUESSES].tolist()
    return [Guess(label=names[at], probability=float(row[at])) for at in order]


def _tokens(tokenizer: Any, inputs: Any, output: Tensor) -> list[Guess]:
    """What could stand in the gap, or come next."""
    ids = inputs["input_ids"][0]
    gaps = [] if tokenizer.mask_token_id is None else (ids == tokenizer.mask_token_id).nonzero().flatten().tolist()
    scores = torch.softmax(output[0, gaps[0] if gaps else -1], 0)
    best = torch.topk(scores, min(MOST_TOKENS, len(scores)))
    return [
        Guess(label=tokenizer.decode([token]), probability=float(score))
        for score, token in zip(best.values.tolist(), best.indices.tolist(), strict=True)]


def _values(way: Way, row: Tensor) -> list[MetricView]:
    name = str(way.version.about.inputs.get("target") or "output")
    values = way.unscaled(row.tolist())[:MOST_VALUES]
    if len(row) == 1:
        return [MetricView(name=name, value=values[0])]
    labels = way.labels(len(row))
    names = labels if len(labels) == len(row) else [f"{name} {at + 1}" for at in range(len(row))]
    return [MetricView(name=each, value=value) for each, value in zip(names, values, strict=False)]
