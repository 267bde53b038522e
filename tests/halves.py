"""Runs that were stopped half-way, and what would have become of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from nbtrain.core.control import Stop
from nbtrain.engine.randomness import Turn
from tests.engine import toys


def stopped_at(step, **options):
    """A run that was stopped after `step` steps, everything on."""
    run = toys.asked(toys.net(), step * 2, Stop(), **{**toys.RICH, **options})
    assert run.wait() == "stopped"
    assert run.step == step
    return run


def stopped(train: Callable[..., Any], *given: Any, after: int = 5, **options: Any) -> Any:
    """What `train` starts, stopped once it has done some more than `after` steps, however short it is and late we are.

    It begins behind another run, so that it cannot end before it is asked, and asks for its stop itself.
    """
    with Turn(0, torch.device("cpu")).at("ahead"):  # others may be in a step, and draw from the same generator
        model = toys.net()
    ahead = toys.train(model, epochs=900).pause()
    run = train(*given, queue=True, **options)

    def look(*_: Any) -> None:
        if run.step >= after:
            run.request(Stop())

    hook = run.model.register_forward_pre_hook(look)
    ahead.stop()
    assert run.wait() == "stopped"
    hook.remove()
    return run


def wrapped():
    """A model of the same shape as `stopped_at` trains."""
    return toys.AtStep(toys.net(), 0, lambda: None)


def undisturbed(**options):
    return toys.trained(wrapped(), **{**toys.RICH, **options})
