"""The metrics that have a name here: which class of torchmetrics they are, and what it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from nbtrain.engine.tasks import IGNORED, Task, class_dimension

if TYPE_CHECKING:
    from torchmetrics import Metric

#: What a metric is shown of (output, target).
View = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

#: Names for which less is better; a user's own metric counts as one of them when one of these is part of its name.
LOWER = ("loss", "error", "perplexity", "mse", "rmse", "mae", "mape")

_CLASSES: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType({
    "accuracy": ("Accuracy", {"average": "micro"}),
    "balanced_accuracy": ("Accuracy", {"average": "macro"}),
    "macro_f1": ("F1Score", {"average": "macro"}),
    "weighted_f1": ("F1Score", {"average": "weighted"}),
    "f1": ("F1Score", {"average": "macro"}),
    "precision": ("Precision", {"average": "macro"}),
    "recall": ("Recall", {"average": "macro"}),
    "auroc": ("AUROC", {"average": "macro"}),
    "average_precision": ("AveragePrecision", {"average": "macro"}),
    "matthews": ("MatthewsCorrCoef", {}),
})
_NUMBERS: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType({
    "r2": ("R2Score", {}),
    "mae": ("MeanAbsoluteError", {}),
    "mse": ("MeanSquaredError", {}),
    "rmse": ("MeanSquaredError", {"squared": False}),
    "mape": ("MeanAbsolutePercentageError", {}),
    "explained_variance": ("ExplainedVariance", {}),
})
#: Of the class "yes", where there are two; the others are taken over both classes.
_OF_YES = frozenset({"f1", "precision", "recall", "auroc", "average_precision"})

#: Every name, and the tasks it is for.
KNOWN: Mapping[str, frozenset[Task]] = MappingProxyType({
    **dict.fromkeys(_CLASSES, frozenset[Task]({"classification", "binary", "multilabel"})),
    "perplexity": frozenset[Task]({"classification"}),
    **dict.fromkeys(_NUMBERS, frozenset[Task]({"regression"})),
})


def defaults(task: Task, output: Any) -> tuple[str, ...]:
    """What is measured when nothing is asked for."""
    if task == "classification" and isinstance(output, Tensor) and output.ndim == 3:
        return "perplexity", "accuracy"  # three dimensions are a language model's
    if task == "regression":
        return "r2", "mae"
    return () if task == "custom" else ("accuracy", "macro_f1")


def make(name: str, task: Task, output: Tensor, target: Tensor) -> tuple[Metric, View]:
    """The metric of this name for a task that it is for, and its view. The first time torchmetrics is imported."""
    import torchmetrics  # noqa: PLC0415 - takes a second, and is needed only once something is measured
    import torchmetrics.classification as of_classes  # noqa: PLC0415
    from torchmetrics.text import Perplexity  # noqa: PLC0415

    if name == "perplexity":
        return Perplexity(), _as_sequence
    if task == "regression":
        kind, options = _NUMBERS[name]
        return getattr(torchmetrics, kind)(**options), _as_numbers
    kind, options = _CLASSES[name]
    if task == "multilabel":
        made = getattr(of_classes, f"Multilabel{kind}")(num_labels=target[0].numel(), validate_args=False, **options)
        return made, _as_labels
    if task == "binary" and name in _OF_YES:
        return getattr(of_classes, f"Binary{kind}")(validate_args=False), _as_yes
    classes = 2 if task == "binary" else output.shape[class_dimension(output, target) or 1]
    made = getattr(of_classes, f"Multiclass{kind}")(num_classes=classes, validate_args=False, **options)
    return made, _as_two if task == "binary" else _as_classes


def _logits(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (N, C) and class numbers (N,), without those that count for nothing."""
    dimension = class_dimension(output, target)
    if dimension is None:  # a column of class numbers, or a row of probabilities for each
        target = target.flatten() if target.numel() == len(output) else target.argmax(1)
    else:
        output, target = output.movedim(dimension, -1).flatten(0, -2), target.flatten()
    counts = target != IGNORED
    return output[counts], target[counts].long()


def _as_classes(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    logits, labels = _logits(output, target)
    return logits.softmax(1), labels


def _as_sequence(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    logits, labels = _logits(output, target)
    return logits.unsqueeze(0), labels.unsqueeze(0)


def _as_yes(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    # torchmetrics would take logits that happen to lie between 0 and 1 for probabilities.
    return output.flatten().sigmoid(), target.flatten().long()


def _as_two(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    yes, labels = _as_yes(output, target)
    return torch.stack([1 - yes, yes], 1), labels


def _as_labels(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    return output.flatten(1).sigmoid(), target.flatten(1).long()


def _as_numbers(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """(N,), or (N, K) for K > 1 numbers a row."""
    target = target.flatten(1) if target.ndim > 1 and target[0].numel() > 1 else target.flatten()
    return output.reshape(target.shape), target.to(output.dtype)
