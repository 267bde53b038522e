"""What a panel has been told of its runs and its machine, and what it has yet to be told.

A feed belongs to the pump's thread: nobody else may call `snapshot`, `delta`, `watch` or `refresh`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from nbtrain.core.control import State
from nbtrain.core.decimate import minmax
from nbtrain.core.history import Column, Series
from nbtrain.core.ports import HardwareSample, HardwareSource, RunView
from nbtrain.core.tasks import Task, Tasks
from nbtrain.widgets.story import Story
from nbtrain.widgets.wire import RunError, RunState, SeriesPart, TaskState

SNAPSHOT_POINTS = 4000
#: What a series part costs beside its numbers: its fields as JSON.
PART_BYTES = 160
#: Decimation needs four points: two ends, a peak and a dip.
FEWEST_BYTES = 4 * 8

RUNNING_PACE, WAITING_PACE, IDLE_PACE = 0.1, 0.25, 1.0


@dataclass(slots=True)
class Packet:
    """The body of a snapshot or a delta, and the buffers its series parts point to."""

    states: list[RunState] = field(default_factory=list)
    series: list[SeriesPart] = field(default_factory=list)
    hardware: list[HardwareSample] | None = None
    tasks: list[TaskState] | None = None
    buffers: list[bytes] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.states or self.series or self.hardware or self.tasks)

    def body(self) -> dict[str, Any]:
        """The fields of the message."""
        body: dict[str, Any] = {"states": self.states, "series": self.series}
        if self.hardware is not None:
            body["hardware"] = self.hardware
        if self.tasks is not None:
            body["tasks"] = self.tasks
        return body

    def add(self, run: str, name: str, series: Series, *, total: int, reset: bool) -> None:
        """One series part; steps that lie evenly are told by their first and their distance."""
        even = stride_of(series)
        with np.errstate(over="ignore"):  # beyond float32 the browser draws infinity
            self.buffers.append(series.values.astype("<f4").tobytes())
        part = SeriesPart(
            run=run, name=name, count=len(series.values), total=total, reset=reset,
            first=int(series.steps[0]) if len(series.steps) else 0, stride=even or 1,
            steps=None if even is not None else len(self.buffers), values=len(self.buffers) - 1)
        if even is None:
            self.buffers.append(series.steps.astype("<i4").tobytes())
        self.series.append(part)


class Cursor(NamedTuple):
    """How much of a column has been told."""

    version: int
    size: int


class Gain(NamedTuple):
    """What a column has that was not told yet."""

    key: tuple[str, str]
    column: Column
    start: int
    reset: bool


class Feed:
    """What one panel shows: some runs, with or without their curves, or the machine.

    Args:
        runs: what to show first.
        follow: where runs come from by themselves; the last ones stay on show when there are none.
        curves: whether the panel draws series.
        hardware: where samples of the machine come from.
        tasks: long work to tell of.
    """

    def __init__(
        self,
        runs: Sequence[RunView] = (),
        *,
        follow: Callable[[], Sequence[RunView]] | None = None,
        curves: bool = True,
        hardware: HardwareSource | None = None,
        tasks: Tasks | None = None,
    ) -> None:
        self._stories: dict[str, Story] = {run.id: Story(run) for run in runs}
        self._follow = follow
        self._curves = curves
        self._hardware = hardware
        self._tasks = tasks
        self._forget()

    @property
    def runs(self) -> list[RunView]:
        return [story.run for story in self._stories.values()]

    def watch(self, runs: Sequence[RunView], *, keep_following: bool = False) -> None:
        """Show these runs from now on; a snapshot must follow."""
        self._stories = {run.id: self._story_of(run) for run in runs}
        if not keep_following:
            self._follow = None
        self._forget()

    def refresh(self) -> bool:
        """Look for runs to follow. True when others are on show than before, so that a snapshot must follow."""
        if self._follow is None:
            return False
        runs = self._follow()
        if not runs or [id(run) for run in runs] == [id(run) for run in self.runs]:
            return False
        self.watch(runs, keep_following=True)
        return True

    def urgent(self) -> bool:
        """Whether a run changed its state, or a task ended, since the panel was told."""
        return (
            any(self._told_states.get(name) is not story.run.state for name, story in self._stories.items())
            or any(task.phase != self._told_tasks[task.id]["phase"] for task in self._known_tasks()))

    def pace(self) -> float:
        """Seconds in which something may change by itself."""
        pace = IDLE_PACE if self._follow or self._hardware else math.inf
        for story in self._stories.values():
            state = story.run.state
            if state is State.RUNNING:
                return RUNNING_PACE
            if not state.ended:
                pace = WAITING_PACE
        tasks = self._tasks.all() if self._tasks is not None else ()
        if any(not task.ended or task.id not in self._told_tasks for task in tasks):
            pace = min(pace, WAITING_PACE)
        return pace

    def snapshot(self) -> Packet:
        """Everything, each series in at most `SNAPSHOT_POINTS` points."""
        self._forget()
        packet = Packet()
        for name, story in self._stories.items():
            self._tell(packet, name, story)
        for gain in self._gains() if self._curves else ():
            self._append(packet, gain, SNAPSHOT_POINTS)
        if self._hardware is not None:
            packet.hardware = [compact(sample) for sample in self._hardware.history()]
            self._sampled = packet.hardware[-1]["time"] if packet.hardware else 0.0
        if self._tasks is not None:
            packet.tasks = self._news_of_tasks()
        return packet

    def delta(self, budget: int) -> Packet:
        """What is new, in about `budget` bytes; what has no room waits for the next message."""
        packet = Packet()
        self._turn += 1
        left = budget
        for name, story in sorted(self._stories.items(), key=self._by_waiting):
            if left <= 0:
                break
            left -= self._tell(packet, name, story)
        if self._curves:
            self._fill(packet, max(left, budget // 4))  # the states may not keep the curves waiting for ever
        sample = self._hardware.latest() if self._hardware is not None else None
        if sample is not None and sample["time"] > self._sampled:
            packet.hardware = [compact(sample)]
            self._sampled = sample["time"]
        packet.tasks = self._news_of_tasks() or None
        return packet

    def _known_tasks(self) -> list[Task[Any]]:
        """Tasks the panel has been told of."""
        return [] if self._tasks is None else [task for task in self._tasks.all() if task.id in self._told_tasks]

    def _news_of_tasks(self) -> list[TaskState]:
        """Tasks that are not as they were told."""
        news = []
        for task in () if self._tasks is None else self._tasks.all():
            told = state_of(task)
            if told != self._told_tasks.get(task.id):
                self._told_tasks[task.id] = told
                news.append(told)
        return news

    def _story_of(self, run: RunView) -> Story:
        """A run that was resumed has its old id and a new view."""
        known = self._stories.get(run.id)
        return known if known is not None and known.run is run else Story(run)

    def _forget(self) -> None:
        self._told: dict[str, RunState] = {}
        self._told_states: dict[str, State] = {}
        self._cursors: dict[tuple[str, str], Cursor] = {}
        self._served: dict[tuple[str, str] | str, int] = {}
        self._turn = 0
        self._sampled = 0.0
        self._told_tasks: dict[str, TaskState] = {}

    def _by_waiting(self, item: tuple[str, Story]) -> tuple[bool, int]:
        name, story = item
        return self._told_states.get(name) is story.run.state, self._served.get(name, 0)

    def _tell(self, packet: Packet, name: str, story: Story) -> int:
        """Add the run's state if it is news; the bytes it takes."""
        state = story.run.state
        if state.ended and self._told_states.get(name) is state:
            return 0
        told = story.tell()
        # Told last as it was read first: a change in between is told again, not missed.
        self._told_states[name] = state
        if told == self._told.get(name):
            return 0
        self._told[name] = told
        self._served[name] = self._turn
        packet.states.append(told)
        return len(json.dumps(told, ensure_ascii=False).encode())

    def _gains(self) -> Iterator[Gain]:
        for run, story in self._stories.items():
            history = story.run.history
            for name in history.names:
                column = history.column(name)
                cursor = self._cursors.get((run, name), Cursor(column.version, 0))
                changed = cursor.version != column.version
                if changed or len(column) > cursor.size:
                    yield Gain((run, name), column, 0 if changed else cursor.size, changed)

    def _fill(self, packet: Packet, budget: int) -> None:
        """Share the bytes among the series: those that waited longest first, what one leaves goes to the next."""
        gains = sorted(self._gains(), key=lambda gain: self._served.get(gain.key, 0))
        gains = gains[: max(0, budget) // (PART_BYTES + FEWEST_BYTES)]
        budget -= PART_BYTES * len(gains)
        gains.sort(key=lambda gain: len(gain.column) - gain.start)
        for place, gain in enumerate(gains):
            share = budget // (len(gains) - place)
            if gain.reset:  # as a snapshot, and as rare
                self._append(packet, gain, SNAPSHOT_POINTS)
            else:
                budget -= self._append(packet, gain, share // 8, share)

    def _append(self, packet: Packet, gain: Gain, points: int, fits: int = 0) -> int:
        """Add a column's news in at most `points` points, or whole where it takes no more than `fits` bytes."""
        version = gain.column.version  # read first: a truncation in between is then seen next time
        series = gain.column.since(gain.start)
        total = gain.start + len(series.values)
        size = 4 if stride_of(series) is not None else 8
        if size * len(series.values) > fits:
            series = minmax(series, points)
            size = 4 if stride_of(series) is not None else 8
        packet.add(*gain.key, series, total=total, reset=gain.reset)
        self._cursors[gain.key] = Cursor(version, total)
        self._served[gain.key] = self._turn
        return size * len(series.values)


def stride_of(series: Series) -> int | None:
    """The distance of the steps where they lie evenly."""
    steps = series.steps
    if len(steps) < 2:
        return 1
    stride = int(steps[1] - steps[0])
    if int(steps[-1] - steps[0]) != stride * (len(steps) - 1):
        return None
    return stride if bool((np.diff(steps) == stride).all()) else None


def state_of(task: Task[Any]) -> TaskState:
    """A task as the browser is told of it; its time in whole seconds, so that it is not news ten times a second."""
    error = task.error
    return TaskState(
        task=task.id, kind=task.kind, title=task.title, phase=task.phase, done=task.progress.done,
        total=task.progress.total, unit=task.progress.unit, seconds=float(int(task.seconds)),
        error=None if error is None else RunError(kind=type(error).__name__, message=str(error)))


def compact(sample: HardwareSample) -> HardwareSample:
    """A sample without digits nobody can see."""
    return HardwareSample(**{**sample, "cpu": round(sample["cpu"], 3), "cores": [round(c, 2) for c in sample["cores"]]})
