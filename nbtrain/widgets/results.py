"""What a run did on rows held out, as its panel shows it: looked for when it is asked, kept with the run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nbtrain.core.errors import CommandError
from nbtrain.core.outcomes import Group, Outcome
from nbtrain.core.ports import Launcher
from nbtrain.core.tasks import Task
from nbtrain.widgets.commands import Answer, Handler, text
from nbtrain.widgets.story import brief
from nbtrain.widgets.wire import GroupView, PairView, Request, ResultsView, WorstView

#: Classes of a table that one still reads, confused pairs, and groups that are listed.
TABLE, PAIRS, GROUPS = 20, 12, 30
#: Characters of the name of a class, and of a cell.
NAME, CELL = 80, 300


class ResultsDesk:
    """Answers the requests `results`, `look`, `looked` and `look_off` of a panel."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._tasks: dict[str, Task[Outcome]] = {}
        """The newest of each run."""
        self._told: set[str] = set()
        """Those whose end the browser has heard of."""

    def handlers(self) -> dict[str, Handler]:
        """By kind of request."""
        return {
            "results": Handler(self._results, slow=True),
            "look": Handler(self._look, slow=True),
            "looked": Handler(self._looked),
            "look_off": Handler(self._look_off),
        }

    def _results(self, request: Request) -> Answer:
        """What is kept, whether one can look, and how far a look is that was begun before the page was loaded anew."""
        run = text(request, "run")
        outcome = self._launcher.results(run)
        told, buffers = (None, []) if outcome is None else view(outcome)
        task = self._tasks.get(run)
        untold = task is not None and (not task.ended or (task.phase == "failed" and task.id not in self._told))
        looking = task.id if task is not None and untold else None
        return Answer({"results": told, "can": self._launcher.can_look(run), "task": looking}, buffers)

    def _look(self, request: Request) -> dict[str, str]:
        run = text(request, "run")
        task = self._tasks.get(run)
        if task is None or task.ended:
            task = self._tasks[run] = self._launcher.look(run)
        return {"task": task.id}

    def _looked(self, request: Request) -> dict[str, Any]:
        """How far it is. Raises what ended it."""
        task = self._task(request)
        if task.ended:
            self._told.add(task.id)
        if task.ended and task.phase != "cancelled":
            task.wait()
        progress = task.progress
        return {"phase": task.phase, "done": progress.done, "total": progress.total}

    def _look_off(self, request: Request) -> None:
        self._task(request).cancel()

    def _task(self, request: Request) -> Task[Outcome]:
        wanted = text(request, "task")
        for task in self._tasks.values():
            if task.id == wanted:
                return task
        raise CommandError(f"There is no look at results {wanted!r:.60} under way; look again.")


def view(outcome: Outcome) -> tuple[ResultsView, list[bytes]]:
    """As the browser is told of it, and the buffers that go along."""
    buffers: list[bytes] = []
    points = None
    if outcome.points:
        points = len(buffers)
        buffers.append(np.asarray(outcome.points, "<f8").tobytes())
    worst = []
    for each in outcome.worst:
        image = None
        if each.image:
            image = len(buffers)
            buffers.append(each.image)
        worst.append(WorstView(
            row=each.row, truth=brief(each.truth, CELL), predicted=brief(each.predicted, CELL),
            measure=finite(each.measure), chance=None if each.chance is None else finite(each.chance), text=each.text,
            cells=[[brief(name, NAME), brief(cell, CELL)] for name, cell in each.cells], image=image, mime=each.mime))
    names = [brief(name, NAME) for name in outcome.classes]
    told = ResultsView(
        part=outcome.part, rows=outcome.rows, step=outcome.step, metrics=plain(outcome.metrics),
        classes=names if len(names) <= TABLE else [], matrix=matrix(outcome.confusion, len(names)),
        pairs=pairs(outcome.confusion, names) if names else None, groups=groups(outcome.groups),
        of_groups=len(outcome.groups), points=points, measure=outcome.measure, worst=worst, notes=list(outcome.notes))
    return told, buffers


def matrix(confusion: Sequence[tuple[int, int, int]], classes: int) -> list[list[int]] | None:
    """Truth down, prediction across; None where there are no classes, or more than one reads."""
    if not 0 < classes <= TABLE:
        return None
    found = [[0] * classes for _ in range(classes)]
    for truth, said, count in confusion:
        found[truth][said] = count
    return found


def pairs(confusion: Sequence[tuple[int, int, int]], names: Sequence[str]) -> list[PairView]:
    """Those that are confused most often."""
    there: dict[int, int] = {}
    for truth, _, count in confusion:
        there[truth] = there.get(truth, 0) + count
    wrong = sorted((each for each in confusion if each[0] != each[1]), key=lambda each: (-each[2], each[0], each[1]))
    return [PairView(truth=names[truth], predicted=names[said], count=count, of=there[truth])
            for truth, said, count in wrong[:PAIRS]]


def groups(given: Sequence[Group]) -> list[GroupView]:
    """All in their order; of many those with the lowest F1, or whatever their last figure is, absent ones last."""
    chosen = list(given)
    if len(chosen) > GROUPS:
        chosen = sorted(chosen, key=lambda each: (each.rows == 0, list(each.figures.values())[-1:] or [0.0]))[:GROUPS]
    return [GroupView(name=brief(each.name, NAME), rows=each.rows, figures=plain(each.figures)) for each in chosen]


def plain(figures: Mapping[str, float]) -> dict[str, float | None]:
    """Figures as JSON has them."""
    return {name: finite(value) for name, value in figures.items()}


def finite(value: float) -> float | None:
    """None for what is no number JSON knows."""
    return float(value) if math.isfinite(value) else None
