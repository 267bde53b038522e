"""What is to be learnt, told by the shapes of output and target; and what does not fit, in one sentence."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor

from nbtrain.core.errors import DataError, ModelError

Task = Literal["classification", "binary", "multilabel", "regression", "custom"]

#: Targets of this value count for nothing: padding, in language models.
IGNORED = -100


def infer_task(target: Any, output: Any) -> Task:
    """What the shapes and values of a batch say is to be learnt.

    ======================  ====================================  ===============
    output                  target                                task
    ======================  ====================================  ===============
    (B, C), C > 1           (B,) whole numbers                    classification
    (B, T, C)               (B, T) whole numbers                  classification
    (B, C, H, W)            (B, H, W) whole numbers               classification
    (B, C), C > 1           (B, C), each row 0/1 with a single 1  classification
    (B,) or (B, 1)          (B,) or (B, 1), only 0 and 1          binary
    as the target           two or more dimensions, only 0 and 1  multilabel
    anything else                                                 regression
    ======================  ====================================  ===============

    Without a target, or without a tensor as output, it is custom.
    """
    if not isinstance(target, Tensor) or not isinstance(output, Tensor):
        return "custom"
    whole = not target.is_floating_point() or bool((target == target.round()).all())
    if whole and class_dimension(output, target) is not None:
        return "classification"
    if not whole or bool((target.min() < 0) | (target.max() > 1)):
        return "regression"
    if output.numel() == output.shape[0] == target.numel():
        return "binary"
    if output.shape != target.shape:
        return "regression"
    return "classification" if target.ndim == 2 and bool((target.sum(1) == 1).all()) else "multilabel"


def class_dimension(output: Tensor, target: Tensor) -> int | None:
    """Where the classes lie in `output`, for a target of class numbers; None when the shapes are not of that kind.

    Images have them second, (B, C, H, W), as torch does; sequences last, (B, T, C), as language models do.
    """
    if output.ndim != target.ndim + 1:
        return None
    last, second = output.shape[:-1] == target.shape, output.shape[:1] + output.shape[2:] == target.shape
    if second and (output.ndim > 3 or not last):
        dimension = 1
    elif last:
        dimension = output.ndim - 1
    else:
        return None
    return dimension if output.shape[dimension] > 1 else None


def check_labels(targets: Any, output: Any) -> None:
    """Class numbers must lie within the classes the model knows.

    Args:
        targets: of as many rows as there are to look at, such as all of `BatchSource.targets`.
        output: of one batch; only its shape is looked at.

    Raises:
        DataError: some lie outside. On a GPU such a label would end the whole kernel's use of the device.
    """
    if not isinstance(targets, Tensor) or not isinstance(output, Tensor) or targets.is_floating_point():
        return
    labels = targets.flatten() if targets.ndim == 2 and targets.shape[1] == 1 else targets
    dimension = class_dimension(output, labels[:1].expand(len(output), *labels.shape[1:]))
    if dimension is None:
        return
    classes = output.shape[dimension]
    outside = (labels != IGNORED) & ((labels < 0) | (labels >= classes))
    if bool(outside.any()):
        rows = int(outside.reshape(len(labels), -1).any(1).sum())
        which = sorted(set(labels[outside].tolist()))
        shown = ", ".join(map(str, which[:5])) + (", …" if len(which) > 5 else "")
        raise DataError(
            f"Labels outside the classes: {shown}, in {rows} of {len(labels)} rows; the model has {classes} outputs, "
            f"so labels must be 0 to {classes - 1}. Number the classes from 0, or give the model more outputs.")


def check_shapes(output: Any, target: Any, task: Task) -> None:
    """Output and target must be tensors of shapes that go together. Raises ModelError or DataError."""
    if not isinstance(output, Tensor):
        raise ModelError(
            f"The model returns a {type(output).__name__}, not a tensor; return the tensor alone, or give a loss "
            "function of your own: loss=lambda output, target: ….")
    if not isinstance(target, Tensor):
        raise DataError(f"The target is {shape_of(target)}; the {task} loss needs a tensor of one entry a row.")
    shapes = f"output {shape_of(output)}, target {shape_of(target)}"
    if not output.ndim or not target.ndim or len(output) != len(target):
        raise ModelError(
            f"The model must give one row of output for each row of target, but the shapes are: {shapes}.")
    if task == "classification":
        column = target.shape == (len(output), 1) and output.ndim == 2
        shares = output.shape == target.shape and output.ndim > 1  # of each class, for each row
        if not (shares or column or class_dimension(output, target) is not None):
            raise ModelError(
                f"The shapes do not fit for classification: {shapes}; the output needs one number a class for each "
                "label.")
    elif output.numel() != target.numel():
        raise ModelError(f"The shapes do not fit for {task}: {shapes}; the two must be the same.")
    elif task in {"binary", "multilabel"} and bool(((target < 0) | (target > 1)).any()):
        raise DataError(
            f"The target holds values from {target.min().item():g} to {target.max().item():g}; for {task} they must "
            "lie between 0 and 1.")


def shape_of(value: Any) -> str:
    """``(32, 10)`` for a tensor, else the name of its type."""
    return str(tuple(value.shape)) if isinstance(value, Tensor) else f"a {type(value).__name__}"
