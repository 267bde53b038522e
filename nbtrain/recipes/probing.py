"""One image through a module, to see what it does with it: nothing is learnt, and the module stays as it is."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from nbtrain.core.errors import ModelError
from nbtrain.engine.forward import call, evaluation_mode
from nbtrain.engine.randomness import Turn


def takes(module: nn.Module, shape: tuple[int, int, int], argument: str | None) -> bool:
    """Whether one image of this shape (channels, height, width) goes through."""
    try:
        _through(module, shape, argument)
    except Exception:  # noqa: BLE001 - that is the answer; a run's own trial says what it was
        return False
    return True


def used(module: nn.Module, shape: tuple[int, int, int], argument: str | None) -> list[str]:
    """The names of a module's parameters, in the order in which one image meets them; without those it never meets.

    Raises ModelError: it takes no such image.
    """
    order = _Order({id(parameter): name for name, parameter in module.named_parameters()})
    try:
        with order:
            _through(module, shape, argument)
    except Exception as error:
        raise ModelError(
            f"{type(module).__name__} cannot take images of shape {shape}: {type(error).__name__}: "
            f"{(str(error).splitlines() or [''])[0]}") from error
    return list(order.met)


def _through(module: nn.Module, shape: tuple[int, int, int], argument: str | None) -> None:
    device = next((each.device for each in module.parameters()), torch.device("cpu"))
    # By turns, for another run may draw meanwhile, or train the module.
    with Turn(0, device).at("probe"), torch.no_grad(), evaluation_mode(module):
        x = torch.zeros(1, *shape, device=device)
        call(module, x if argument is None else {argument: x})


class _Order(TorchFunctionMode):
    """Writes down which parameters torch's functions are called with, each once."""

    def __init__(self, names: dict[int, str]) -> None:
        super().__init__()
        self.met: dict[str, None] = {}
        self._names = names

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        if getattr(func, "__name__", "") != "__get__":  # to ask for a shape or a type is no use
            self._note([*args, *named.values()])
        return func(*args, **named)

    def _note(self, given: Any) -> None:
        for each in given:
            if isinstance(each, Tensor) and id(each) in self._names:
                self.met.setdefault(self._names[id(each)])
            elif isinstance(each, list | tuple):
                self._note(each)
