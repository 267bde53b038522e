"""A run told for the eye: its stage, the heat under it, how much it bubbles, and what the chef says.

The stages and their bounds are fixed: preheating before the first step, simmering below 30 %, boiling below
70 %, finishing below 100 %, then ready; burnt after an error, paused off the heat.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from nbtrain.config.schema import fields, has_needs
from nbtrain.core.control import State
from nbtrain.core.errors import NonFiniteLossError
from nbtrain.core.ports import OWN_LOOP
from nbtrain.widgets.wire import Chef, RunError, RunState, SignView, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbtrain.core.history import History, Values
    from nbtrain.core.ports import RunView
    from nbtrain.core.samples import Sign

#: Losses that `bubbles` looks at.
BUBBLING = 64
#: Readings of the throughput that count as now: a single one may be low for any reason.
READINGS = 20
#: Latest warnings told with the state.
WARNINGS = 3
#: Latest figures told with the state; a state goes out several times a second.
METRICS = 100
#: A trend is looked at anew when the loss has this much more points: the chef does not change his mind every step.
#: Nor more often than so many seconds of training: it looks at a fifth of all points, and a fast run has many.
FRESH, FRESH_SECONDS = 1.02, 2.0

_colours: defaultdict[str, int] = defaultdict(itertools.count().__next__)


def editable(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that may be edited while the run trains and have an effect on it, by their value now."""
    own = options.get(OWN_LOOP)
    return {
        field["name"]: options[field["name"]] for field in fields()
        if field["live"] and field["name"] in options and (own is None or field["name"] in own)
        and has_needs(field, options)
    }


class Story:
    """Tells one run again and again, and remembers what the telling needs: its best throughput, its trend."""

    def __init__(self, run: RunView) -> None:
        self.run = run
        self._best_speed = float(every(run.history, "samples_per_second").max(initial=0.0))
        self._trend: Chef = say("chef.started")
        self._looked_at = 0
        self._looked_after = -math.inf

    def tell(self) -> RunState:
        """The run as it is now. Cheap enough for ten times a second."""
        run = self.run
        state, step, progress, speed = run.state, run.step, finite(run.progress) or 0.0, finite(run.samples_per_second)
        options = run.options()
        history = run.history
        self._best_speed = max(self._best_speed, speed or 0.0)
        heat = speed / self._best_speed if state is State.RUNNING and speed and self._best_speed else 0.0
        return RunState(
            run=run.id, name=run.name, state=str(state), stage=stage_of(state, step, progress), reason=run.reason,
            warnings=[*dict.fromkeys(run.warnings[-WARNINGS:])],
            step=step, total_steps=run.total_steps, epoch=run.epoch, epochs=run.epochs, progress=progress,
            samples_per_second=speed, seconds_left=finite(run.seconds_left), seconds=finite(run.seconds) or 0.0,
            heat=heat, bubbles=bubbles(history) if state is State.RUNNING else 0.0,
            chef=self._chef(state, step, progress), error=error_of(run), resumed=run.resumed, parent=run.parent,
            live=editable(options), own_loop=OWN_LOOP in options,
            last={name: finite(history.last(name)) for name in history.names[:METRICS]},
            signs=[view for sign in run.signs if (view := health(sign, history)) is not None],
            sampled=[*run.sampled], colour=_colours[run.id],
        )

    def _chef(self, state: State, step: int, progress: float) -> Chef:
        match state:
            case State.PREPARING:
                return say("chef.waiting" if self.run.reason else "chef.preparing")
            case State.PAUSED:
                return say("chef.paused", step=step)
            case State.RUNNING:
                return self._while_cooking(progress)
            case _:
                return at_the_end(self.run)

    def _while_cooking(self, progress: float) -> Chef:
        history = self.run.history
        points = len(history.column("loss")) if "loss" in history else 0
        seconds = finite(self.run.seconds) or 0.0
        fresh = points > self._looked_at * FRESH and abs(seconds - self._looked_after) >= FRESH_SECONDS
        if points < self._looked_at or fresh:
            self._looked_at, self._looked_after = points, seconds
            self._trend = trend(history)
        if self._trend["key"] in {"chef.overfitting", "chef.rising", "chef.slow"}:
            return self._trend
        loss = history.last("loss") if points else None
        if progress >= 0.9 and loss is not None and math.isfinite(loss):
            return say("chef.finishing", now=rounded(loss))
        return self._trend


def health(sign: Sign, history: History) -> SignView | None:
    """A figure that tells whether the run is well, beside what it should be; None while there is none."""
    value = history.last(sign.name)
    if value is None:
        return None
    known = math.isfinite(value)
    return SignView(
        name=sign.name, value=value if known else None, low=sign.low, high=sign.high,
        health="bad" if not known else "good" if sign.low <= value <= sign.high else "off")


def stage_of(state: State, step: int, progress: float) -> Stage:
    """Where the dish is; a stopped run keeps the stage of its progress."""
    match state:
        case State.PREPARING:
            return "preheating"
        case State.PAUSED:
            return "paused"
        case State.FAILED:
            return "burnt"
        case State.FINISHED:
            return "ready"
    if step == 0:
        return "preheating"
    return "simmering" if progress < 0.3 else "boiling" if progress < 0.7 else "finishing"


def bubbles(history: History) -> float:
    """How much the loss moves: standard deviation of the last losses, as a share of it and their mean, 0–1."""
    values = latest(history, "loss", BUBBLING)
    if len(values) < 2:
        return 0.0
    spread = float(values.std())
    return spread / (abs(float(values.mean())) + spread) if spread else 0.0


def trend(history: History) -> Chef:
    """Where the loss is going: the last tenth of its points against the tenth before."""
    points = len(history.column("loss")) if "loss" in history else 0
    if points < 16:
        return say("chef.started" if points < 4 else "chef.cooking")
    window = max(8, points // 10)
    values = latest(history, "loss", 2 * window)
    if len(values) < 2 * window:  # some were not finite
        return say("chef.cooking")
    before, now = values[:window], values[window:]
    start, end = float(before.mean()), float(now.mean())
    # Two standard errors of a difference of two means: what chance alone would hardly do.
    noise = 2.0 * math.sqrt(float(before.var() + now.var()) / window)
    said = (
        overfits(history) if end <= start else None,
        say("chef.rising", before=rounded(start), now=rounded(end)) if end > max(start + noise, start * 1.05) else None,
        say("chef.falling", before=rounded(start), now=rounded(end)) if end < start - noise else None,
        slowed(history),
        say("chef.plateau", now=rounded(end)) if points >= 200 else None,
    )
    return next(filter(None, said), say("chef.cooking"))


def overfits(history: History) -> Chef | None:
    """What to say when validation loss was best at least two looks ago and has risen by a twentieth since."""
    values = every(history, "val_loss")
    if len(values) < 3:
        return None
    at, now = int(values.argmin()), float(values[-1])
    best = float(values[at])
    if at > len(values) - 3 or now < best + 0.05 * abs(best):
        return None
    return say("chef.overfitting", now=rounded(now), best=rounded(best))


def slowed(history: History) -> Chef | None:
    """What to say when throughput has lain below half of what it was at its best, for some seconds."""
    speeds = every(history, "samples_per_second")
    if len(speeds) < 2 * READINGS:
        return None
    now, best = float(np.median(speeds[-READINGS:])), float(np.percentile(speeds, 90))
    return say("chef.slow", now=rounded(now), best=rounded(best)) if now < best / 2 else None


def at_the_end(run: RunView) -> Chef:
    """The last words over a run that finished, was stopped, or failed."""
    match run.state:
        case State.STOPPED:
            return say("chef.stopped", step=run.step)
        case State.FAILED if isinstance(run.error, NonFiniteLossError):
            rate = run.options().get("learning_rate")
            # As text: it is there to be typed, so it keeps its Latin digits.
            return say("chef.burnt_nonfinite", step=run.step, suggestion=f"{rate / 10:g}" if rate else "1e-4")
        case State.FAILED:
            return say("chef.burnt", step=run.step)
    if run.total_steps is not None and run.step < run.total_steps:
        return say("chef.early", step=run.step)
    return served(run.history)


def served(history: History) -> Chef:
    """The dish is ready, and how it tastes by the best figure there is."""
    validated = every(history, "val_loss")
    if len(validated):
        return say("chef.ready_validated", best=rounded(float(validated.min())))
    losses = latest(history, "loss", 1)
    return say("chef.ready", now=rounded(float(losses[0]))) if len(losses) else say("chef.ready_plain")


def error_of(run: RunView) -> RunError | None:
    """The run's error for the wire. A user's exception may be as long as it likes; a panel's line may not."""
    if run.error is None:
        return None
    return RunError(kind=type(run.error).__name__, message=brief(str(run.error), 2000))


def say(key: str, **args: str | float) -> Chef:
    """A sentence of the catalogue, with what its braces hold."""
    return Chef(key=key, args=args)


def finite(value: float | None) -> float | None:
    """JSON has no NaN."""
    return value if value is not None and math.isfinite(value) else None


def rounded(value: float) -> float:
    """Three significant digits: more would flicker."""
    return float(f"{value:.3g}")


def brief(text: str, length: int = 200) -> str:
    """`text` cut to `length` characters, with an ellipsis where it was longer."""
    return text if len(text) <= length else text[: length - 1] + "…"


def latest(history: History, name: str, count: int) -> Values:
    """The last `count` values of a series that are finite."""
    if name not in history:
        return np.empty(0)
    column = history.column(name)
    values = column.since(max(0, len(column) - count)).values
    return values[np.isfinite(values)]


def every(history: History, name: str) -> Values:
    """All values of a series that are finite; none where there is no such series."""
    return latest(history, name, len(history.column(name))) if name in history else np.empty(0)
