"""A model's call made quicker: images with their channels innermost, and code that torch compiles.

Both leave names and values of all weights as they are, and are taken back when the run ends.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from nbtrain.engine import nest
from nbtrain.engine.batch import Batch
from nbtrain.engine.forward import evaluation_mode
from nbtrain.engine.objective import Objective
from nbtrain.engine.randomness import Turn

Undo = Callable[[], None]


def channels_last(model: nn.Module) -> Undo:
    """Let convolutions read images channel by channel of a pixel (torch's ``channels_last``), weights and inputs alike.

    Returns:
        A function that makes the model as it was.
    """
    _laid(model, torch.channels_last)
    handle = model.register_forward_pre_hook(_innermost, with_kwargs=True)

    def undo() -> None:
        handle.remove()
        _laid(model, torch.contiguous_format)

    return undo


def forget(model: nn.Module) -> None:
    """Take back from a copy of a model what `channels_last` did to the model."""
    own = [key for key, hook in model._forward_pre_hooks.items() if hook is _innermost]  # noqa: SLF001 - a copy has no handles
    for key in own:
        del model._forward_pre_hooks[key], model._forward_pre_hooks_with_kwargs[key]  # noqa: SLF001 - as above
    if own:
        _laid(model, torch.contiguous_format)


def _laid(model: nn.Module, order: torch.memory_format) -> None:
    """Tensors of four dimensions in this order in memory; of five, which it does not fit, none."""
    with torch.no_grad():
        for each in [*model.parameters(), *model.buffers()]:
            if each.ndim == 4:
                each.data = each.data.contiguous(memory_format=order)


def _innermost(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:  # noqa: ARG001 - how torch calls it
    return nest.over(_image_last, given), nest.over(_image_last, named)


def _image_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x


def compiled(model: nn.Module, objective: Objective, batch: Batch, turn: Turn) -> tuple[Undo, list[str]]:
    """Let torch compile what happens when the model is called.

    It is tried on a batch, with gradients, which are forgotten; in evaluation mode, which leaves running means alone.

    Args:
        model: its ``forward`` stays as it is, and so do the names of its weights.
        objective: calls it and gives a loss.
        batch: to try it on.
        turn: of the run's random numbers, none of which are used up.

    Returns:
        A function that makes the model as it was; and why it is not compiled, a sentence, where it cannot be.
    """
    def undo() -> None:
        model._compiled_call_impl = None  # noqa: SLF001 - torch has no public way back

    def whole(*given: Any, **named: Any) -> Any:
        return model._call_impl(*given, **named)  # noqa: SLF001 - what calling it does, hooks and all

    try:
        with turn.at("trial"), evaluation_mode(model):
            model._compiled_call_impl = torch.compile(whole)  # noqa: SLF001 - as `nn.Module.compile`, which skips torch's own
            objective(model, batch).loss.backward()
    except Exception as error:  # noqa: BLE001 - whatever the compiler cannot do, the model can without it
        undo()
        cause = getattr(error, "inner_exception", error)  # what a backend of torch.compile ran into
        first = (str(cause).strip().splitlines() or [""])[0]
        said = (
            f"use_compile is on, but {type(model).__name__} cannot be compiled here ({type(cause).__name__}: "
            f"{first:.200}); it trains as it is.")
        return undo, [said]
    finally:
        model.zero_grad(set_to_none=True)
    return undo, []
