"""One run in one paragraph."""

from __future__ import annotations

import math

from nbtrain.core.control import State
from nbtrain.core.ports import RunView
from nbtrain.i18n import number, printed, text

#: Columns that have a sentence of their own, or say nothing in a summary.
_NOT_METRICS = {"samples_per_second", "steps_per_second", "learning_rate", "grad_norm"}


def summary(run: RunView) -> str:
    """How the run stands, in the current language: state, progress, speed, time, latest figures, error."""
    parts = [text(f"summary.state.{run.state}", name=run.name, id=run.id), run.reason]
    if run.step and run.total_steps:
        percent = math.floor(100 * run.progress)
        parts.append(text(
            "summary.progress",
            epoch=run.epoch, epochs=run.epochs, step=run.step, total=run.total_steps, percent=percent))
    elif run.step:
        parts.append(text("summary.progress_open", epoch=run.epoch, epochs=run.epochs, step=run.step))
    if run.state is State.RUNNING and run.samples_per_second is not None:
        parts.append(text("summary.speed", rate=round(run.samples_per_second)))
    if run.state is State.RUNNING and run.seconds_left is not None:
        parts.append(text("summary.left", time=duration(run.seconds_left)))
    if run.state.ended and run.seconds:
        parts.append(text("summary.trained", time=duration(run.seconds)))
    if run.parent:
        parts.append(text("summary.parent", run=run.parent))
    latest = {name: run.history.last(name) for name in run.history.names if name not in _NOT_METRICS}
    if latest:
        shown = (f"{name} {number(float(f'{value:.4g}'))}" for name, value in latest.items() if value is not None)
        parts.append(" · ".join(shown) + ".")
    if run.error is not None:
        parts.append(f"{type(run.error).__name__}: {run.error}")
    return printed(" ".join(part for part in parts if part))


def duration(seconds: float) -> str:
    """Seconds in their two largest units, as the panels write them: ``1h 5m``."""
    units = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
    rest = round(seconds)
    largest = next((at for at, (_, size) in enumerate(units) if rest >= size), len(units) - 1)
    parts: list[str] = []
    for unit, size in units[largest:largest + 2]:
        count, rest = divmod(rest, size)
        if count or not parts:
            parts.append(text(f"duration.{unit}", value=count))
    return " ".join(parts)
