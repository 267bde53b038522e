"""Runs that were stopped half-way, and what would have become of them."""

from __future__ import annotations

from nbtrain.core.control import Stop
from tests.engine import toys


def stopped_at(step, **options):
    """A run that was stopped after `step` steps, everything on."""
    run = toys.train(toys.AtStep(toys.net(), step * 2, lambda: run.request(Stop())), **{**toys.RICH, **options})
    assert run.wait() == "stopped"
    assert run.step == step
    return run


def wrapped():
    """A model of the same shape as `stopped_at` trains."""
    return toys.AtStep(toys.net(), 0, lambda: None)


def undisturbed(**options):
    return toys.trained(wrapped(), **{**toys.RICH, **options})
