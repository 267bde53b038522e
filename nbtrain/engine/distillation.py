"""Learning from a teacher beside the labels: its soft outputs say how like one another it finds the classes.

The loss is ``(1 − α) hard + α T² KL(teacher ‖ student)``, both outputs divided by the temperature T before the softmax
(Hinton, Vinyals, Dean 2015, “Distilling the Knowledge in a Neural Network”, section 2; T² keeps the size of the
gradients whatever T is).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its name everywhere

from nbtrain.config import TrainConfig
from nbtrain.core.errors import ConfigError, ModelError, Problem
from nbtrain.engine.arrays import Arrays
from nbtrain.engine.batch import Batch
from nbtrain.engine.fingerprint import of_tensors
from nbtrain.engine.forward import call, evaluation_mode
from nbtrain.engine.objective import Objective, Outcome
from nbtrain.engine.randomness import Turn
from nbtrain.engine.tasks import IGNORED, class_dimension

#: Parts of the loss that a teacher adds.
PARTS = ("hard_loss", "soft_loss")
#: Tasks whose outputs are not exclusive classes.
_APART = ("binary", "multilabel")
#: What a teacher gave is kept while it takes no more bytes than this.
KEPT_BYTES = 1 << 30


class Distillation:
    """An objective with a teacher beside it; it stands wherever an `Objective` does.

    Args:
        objective: of the labels.
        teacher: put into evaluation mode whenever it is asked; its weights stay as they are.
        alpha: share of the teacher in the loss, 0–1.
        temperature: by which outputs are divided.
        task: what is learnt; of binary and multilabel ones each output stands for itself.
    """

    def __init__(
        self, objective: Objective, teacher: nn.Module, alpha: float, temperature: float,
        task: str = "classification",
    ) -> None:
        self._objective, self.teacher, self._task = objective, teacher, task
        self._alpha, self._temperature = alpha, temperature
        self.loss = objective.loss

    def __call__(self, model: nn.Module, batch: Batch) -> Outcome:
        """Raises ModelError when the teacher's outputs are not of the student's shape."""
        hard, parts, output = self._objective(model, batch)
        if output is None:
            raise ModelError(
                "A teacher's outputs are compared with the model's, which the step does not give; let it return "
                'them, too: {"loss": …, "output": …}.')
        taught = batch.beside
        if taught is None:
            if isinstance(output, Tensor) and _places(self.teacher) - {output.device}:
                self.teacher.to(output.device)  # another run that has it trains elsewhere
            with torch.no_grad(), evaluation_mode(self.teacher):
                taught = call(self.teacher, batch.inputs)
        soft = _divergence(output, taught, batch.target, self._temperature, self._task)
        loss = (1 - self._alpha) * hard + self._alpha * soft
        return Outcome(loss, {**parts, "hard_loss": hard, "soft_loss": soft}, output)


@dataclass(slots=True)
class _Lent:
    home: set[torch.device]
    users: int = 0


_lent: WeakKeyDictionary[nn.Module, _Lent] = WeakKeyDictionary()


@contextmanager
def at_hand(teacher: nn.Module, device: torch.device) -> Iterator[None]:
    """Within, the teacher is on this device; when nobody needs it there any more, it is where it was before."""
    turn = Turn(0, torch.device("cpu"))  # none of those who have it is just asking it
    with turn.at("teacher"):
        lent = _lent.setdefault(teacher, _Lent(_places(teacher)))
        lent.users += 1
    try:
        with turn.at("teacher"):
            teacher.to(device)  # where there is no room for all of it, some of it is there
        yield
    finally:
        with turn.at("teacher"):
            lent.users -= 1
            if not lent.users:
                del _lent[teacher]
                if len(lent.home) == 1:
                    teacher.to(next(iter(lent.home)))


@contextmanager
def teaching(objective: Objective | Distillation, device: torch.device) -> Iterator[None]:
    """Within, its teacher, if there is one, is on this device."""
    if not isinstance(objective, Distillation):
        yield
        return
    with at_hand(objective.teacher, device):
        yield


def _places(module: nn.Module) -> set[torch.device]:
    return {tensor.device for tensor in (*module.parameters(), *module.buffers())}


def _divergence(output: Any, taught: Any, target: Any, temperature: float, task: str) -> Tensor:
    """T² KL(teacher ‖ student), the mean over rows, or over tokens that count."""
    if not isinstance(output, Tensor) or not isinstance(taught, Tensor) or output.shape != taught.shape:
        raise ModelError(
            f"The teacher gives {_shape(taught)} for a batch and the student {_shape(output)}; they must have the same "
            "classes in the same order.")
    dimension = class_dimension(output, target) if isinstance(target, Tensor) else None
    if task in _APART or output.ndim < 2 or output.shape[-1] < 2:  # each output tells two classes: the other's is 0
        output, taught = (torch.stack([torch.zeros_like(each), each], -1).flatten(0, -2) for each in (output, taught))
    else:
        output, taught = (each.movedim(output.ndim - 1 if dimension is None else dimension, -1)
                          for each in (output, taught))
        counts = _counts(target, output)
        output, taught = (each.flatten(0, -2)[counts] for each in (output, taught))
    student = (output.float() / temperature).log_softmax(-1)
    teacher = (taught.float() / temperature).log_softmax(-1)
    return F.kl_div(student, teacher, reduction="batchmean", log_target=True) * temperature**2


def _counts(target: Any, output: Tensor) -> Tensor:
    """Which of the outputs (…, classes), flat, are of rows or tokens that count."""
    if isinstance(target, Tensor) and target.shape == output.shape[:-1]:
        return (target != IGNORED).flatten()
    return torch.ones(output.shape[:-1], dtype=torch.bool, device=output.device).flatten()


def _shape(value: Any) -> str:
    return f"outputs of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"


def check_options(config: TrainConfig, task: str, target: Any = None) -> None:
    """Raises ConfigError when what is learnt is not of classes."""
    if task == "regression" or (task == "custom" and isinstance(target, Tensor) and target.is_floating_point()):
        raise ConfigError([Problem("teacher", (
            "A teacher teaches how like one another the classes are, and the target of this training is an amount; "
            "leave the teacher out."))])
    if config["distill_alpha"] == 0:
        raise ConfigError([Problem("distill_alpha", (
            "distill_alpha is 0, so nothing would be learnt from the teacher; set it above 0, up to 1, or leave the "
            "teacher out."))])


def fingerprint(teacher: nn.Module) -> str:
    """A short text that changes when the teacher's weights do."""
    return of_tensors(teacher.state_dict().values())


def kept_bytes(output: Any, rows: int) -> int | None:
    """What the outputs for so many rows would take, by those for some of them; None where that is not kept."""
    if not isinstance(output, Tensor):
        return None
    needed = output.nbytes // max(1, len(output)) * rows
    return None if needed > KEPT_BYTES else needed


def with_outputs(
    data: Any, teacher: nn.Module, batches: Callable[[Any], Iterator[Batch]], config: TrainConfig,
) -> Any:
    """Data in memory with what the teacher makes of each row beside it, so that it is asked once.

    As it was where rows change while training (noise, augmentation, batches that are made by rows), or where it would
    take more than `KEPT_BYTES`.
    """
    if not isinstance(data, Arrays) or config["gaussian_noise_std"]:
        return data
    made: list[Tensor] = []
    turn = Turn(config["seed"], torch.device("cpu"))
    with torch.no_grad():
        for batch in batches(data):
            try:
                with turn.at("teacher"), evaluation_mode(teacher):
                    output = call(teacher, batch.inputs)
            except Exception:  # noqa: BLE001 - the trial of the first batch, which follows, tells it in words
                return data
            if kept_bytes(output, data.length) is None:
                return data
            made.append(output.cpu())
    return replace(data, beside=torch.cat(made))
