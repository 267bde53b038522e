"""The loss that fits a task, by name or found out from the first batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from nbtrain.config import RegularisationConfig
from nbtrain.config.problems import unknown
from nbtrain.core.errors import ConfigError, DataError, ModelError, NbtrainError, Problem
from nbtrain.engine.tasks import IGNORED, Task, check_labels, check_shapes, class_dimension, infer_task, shape_of

__all__ = ["NAMES", "Loss", "Task", "Weighted", "build", "check", "infer_task", "task_of"]

Loss = Callable[[Any, Any], Any]

#: Losses by name, and the task each stands for (bce's is binary or multilabel, as the shapes say).
NAMES: Mapping[str, Task] = MappingProxyType({
    "cross_entropy": "classification", "bce": "binary", "mse": "regression", "mae": "regression", "huber": "regression",
})
_OF_CLASSES = ("cross_entropy", "bce")
_MODULES: tuple[tuple[type[nn.Module], Task], ...] = (
    (nn.CrossEntropyLoss, "classification"), (nn.NLLLoss, "classification"), (nn.BCEWithLogitsLoss, "binary"),
    (nn.MSELoss, "regression"), (nn.L1Loss, "regression"), (nn.HuberLoss, "regression"),
    (nn.SmoothL1Loss, "regression"),
)


@dataclass(frozen=True)
class Weighted:
    """The loss that fits classes, each row of which counts as much as its class: ``Weighted((0.6, 3.1))``.

    It is the mean over the rows, not over their weights as in torch's: so a batch in four pieces is the batch.
    Label smoothing and focal loss go with it.
    """

    weights: tuple[float, ...]
    """By the numbers of the classes."""

    def __call__(self, output: Any, target: Any) -> Tensor:
        """Of a batch, without smoothing."""
        value: Tensor = build(self, task_of(self, output), RegularisationConfig())(output, target)
        return value


class Several:
    """Losses by the names of a model's outputs and of the targets, each given as ``<name>_loss``.

    Label smoothing and focal loss act on those of classes.
    """

    def __init__(self, given: Mapping[str, str | Loss], config: RegularisationConfig) -> None:
        self._losses = {
            name: build(loss, task_of(loss, None), config if loss in _OF_CLASSES else RegularisationConfig())
            for name, loss in given.items()}

    def __call__(self, output: Any, target: Any) -> dict[str, Tensor]:
        """Raises ModelError or DataError where a name is missing."""
        for kind, found, part in ((ModelError, output, "output"), (DataError, target, "target")):
            missing = [name for name in self._losses if not isinstance(found, Mapping) or name not in found]
            if missing:
                there = ", ".join(map(str, found)) if isinstance(found, Mapping) else shape_of(found)
                raise kind(f"loss names {missing[0]!r}, which is no {part}; as {part} there is: {there}.")
        return {f"{name}_loss": loss(output[name], target[name]) for name, loss in self._losses.items()}


def task_of(loss: str | Loss | Mapping[str, Any], output: Any) -> Task:
    """The task that a named or well-known loss stands for; custom for a function of the user's, or several losses."""
    if isinstance(loss, Mapping):
        return "custom"
    if isinstance(loss, Weighted):
        return "binary" if isinstance(output, Tensor) and output.numel() == len(output) else "classification"
    if isinstance(loss, str):
        task = NAMES.get(loss, "custom")
    else:
        task = next((task for kind, task in _MODULES if isinstance(loss, kind)), "custom")
    if task == "binary" and isinstance(output, Tensor) and output.numel() > output.shape[0]:
        return "multilabel"
    return task


def build(loss: str | Loss | Mapping[str, Any] | None, task: Task, config: RegularisationConfig) -> Loss:
    """``(output, target) -> 0-d tensor``: the mean over the batch (of each entry that is not `IGNORED`).

    Args:
        loss: one of `NAMES`, the user's own function, several of them by the names of outputs and targets, or None
            for what fits the task.
        task: from `infer_task` or `task_of`.
        config: label smoothing and focal loss.

    Raises:
        ConfigError: there is no loss of this name, or smoothing or focal loss do not go with it.
    """
    if isinstance(loss, Mapping):
        return Several(loss, config)
    if isinstance(loss, str) and loss not in NAMES:
        raise ConfigError([Problem("loss", unknown("loss", loss, list(NAMES)))])
    smoothing = config.label_smoothing
    gamma = config.focal_gamma if config.use_focal_loss else None
    weights = loss.weights if isinstance(loss, Weighted) else None
    loss = None if isinstance(loss, Weighted) else loss
    name = loss if isinstance(loss, str) else _fitting(task)
    if callable(loss) or name not in _OF_CLASSES:
        _refuse(loss, name, smoothing, gamma)
    if callable(loss):
        return loss
    if name == "cross_entropy":
        return _cross_entropy(smoothing, gamma, weights)
    if name == "bce":
        return _binary(smoothing, gamma, weights)
    if name is not None:
        return _elementwise(_OF_AMOUNTS[name])
    raise ConfigError([Problem("loss", (
        "The data has no target to compare the model's output with, so no loss can be chosen; give one: "
        "loss=lambda output, target: …, where target is None."))])


_OF_AMOUNTS: Mapping[str, Callable[..., Tensor]] = MappingProxyType({
    "mse": F.mse_loss, "mae": F.l1_loss, "huber": F.huber_loss})


def _fitting(task: Task) -> str | None:
    return {"classification": "cross_entropy", "binary": "bce", "multilabel": "bce", "regression": "mse"}.get(task)


def _refuse(loss: str | Loss | None, name: str | None, smoothing: float, gamma: float | None) -> None:
    """Label smoothing and focal loss are made for classes. Raises ConfigError."""
    what = f"the {name} loss" if not callable(loss) else "your own loss function"
    problems = []
    if smoothing:
        problems.append(Problem("label_smoothing", (
            f"label_smoothing is {smoothing:g}, which does not go with {what}; set it to 0, "
            "or use loss='cross_entropy'.")))
    if gamma is not None:
        problems.append(Problem("use_focal_loss", (
            f"use_focal_loss is True, which does not go with {what}; set it to False, or use loss='cross_entropy'.")))
    if problems:
        raise ConfigError(problems)


def _rows_of_logits(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (N, C) in full precision against class numbers (N,), or class probabilities (N, C)."""
    if output.dtype in {torch.float16, torch.bfloat16}:
        output = output.float()
    if target.ndim != 1 or output.ndim != 2:
        dimension = class_dimension(output, target)
        if dimension is not None:
            output, target = output.movedim(dimension, -1).flatten(0, -2), target.flatten()
        elif target.shape == (len(output), 1):  # class numbers as a column
            target = target.flatten()
        else:
            return output, target.to(output.dtype)
    return output, target if target.dtype == torch.int64 else target.long()


def _cross_entropy(smoothing: float, gamma: float | None, weights: Sequence[float] | None) -> Loss:
    if gamma is None and weights is None:
        def cross_entropy(output: Tensor, target: Tensor) -> Tensor:
            output, target = _rows_of_logits(output, target)
            return F.cross_entropy(output, target, ignore_index=IGNORED, label_smoothing=smoothing)

        return cross_entropy

    def focal(output: Tensor, target: Tensor) -> Tensor:
        """Σ_c q_c (1 − p_c)^γ (−log p_c), q the smoothed target (Lin et al. 2017, eq. 4, where q is one-hot).

        With weights, times that of the row's class; without focal loss, γ is 0.
        """
        output, target = _rows_of_logits(output, target)
        if target.ndim == 1:
            counts = target != IGNORED
            output, target = output[counts], F.one_hot(target[counts], output.shape[1]).to(output.dtype)
        log_p = output.log_softmax(1)
        each = -log_p if gamma is None else _not_certain(log_p.exp(), gamma) * -log_p
        each = (_smooth(target, smoothing, output.shape[1]) * each).sum(1)
        return each.mean() if weights is None else (each * (target @ target.new_tensor(weights))).mean()

    return focal


def _binary(smoothing: float, gamma: float | None, weights: Sequence[float] | None) -> Loss:
    def binary(output: Tensor, target: Tensor) -> Tensor:
        """BCE on logits; focal: Σ over both classes of q (1 − p)^γ (−log p), as for more classes."""
        output, target = _aligned(output, target)
        of_row = None if weights is None else weights[0] + (weights[1] - weights[0]) * target
        target = _smooth(target, smoothing, 2)
        if gamma is None:
            return F.binary_cross_entropy_with_logits(output, target, of_row)
        yes, no = F.logsigmoid(output), F.logsigmoid(-output)
        each = target * _not_certain(yes.exp(), gamma) * yes + (1 - target) * _not_certain(no.exp(), gamma) * no
        return -(each if of_row is None else each * of_row).mean()

    return binary


def _not_certain(p: Tensor, gamma: float) -> Tensor:
    """(1 − p)^γ. At p = 1 the slope of a power below 1 is infinite, so p is kept just under it."""
    return (1 - p).clamp_min(torch.finfo(p.dtype).eps) ** gamma if gamma < 1 else (1 - p) ** gamma


def _smooth(target: Tensor, smoothing: float, classes: int) -> Tensor:
    """(1 − s) q + s / C (Szegedy et al. 2016)."""
    return target * (1 - smoothing) + smoothing / classes if smoothing else target


def _elementwise(function: Callable[[Tensor, Tensor], Tensor]) -> Loss:
    def elementwise(output: Tensor, target: Tensor) -> Tensor:
        return function(*_aligned(output, target))

    return elementwise


def _aligned(output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both in full precision and in the target's shape: (B, 1) against (B,) would broadcast to (B, B)."""
    if output.dtype in {torch.float16, torch.bfloat16}:
        output = output.float()
    if output.shape != target.shape and output.numel() == target.numel():
        output = output.reshape(target.shape)
    return output, target if target.dtype == output.dtype else target.to(output.dtype)


def check(loss: Loss, output: Any, target: Any, task: Task) -> Any:
    """The loss of a first batch, after a look at whether output, target and loss go together.

    Raises:
        ModelError: the output is no tensor, or of a shape that does not fit the target; the loss fails, or is not one
            number.
        DataError: labels outside the classes.
    """
    if task != "custom":
        check_shapes(output, target, task)
        if task == "classification":
            check_labels(target, output)
    try:
        value = loss(output, target)
    except NbtrainError:
        raise
    except Exception as error:
        shapes = f"output {shape_of(output)}, target {shape_of(target)}"
        raise ModelError(f"The loss cannot be computed: {type(error).__name__}: {error} ({shapes}).") from error
    if isinstance(value, Mapping):  # several by name, which the objective looks at
        return value
    if not isinstance(value, Tensor):
        raise ModelError(
            f"The loss is a {type(value).__name__}; it must be a tensor of one number, as torch's losses return.")
    if value.numel() != 1 or value.ndim:
        raise ModelError(
            f"The loss is a tensor of shape {tuple(value.shape)}; it must be one number (shape ()): end the loss "
            "function with .mean(), or leave reduction at 'mean'.")
    return value
