"""`timeseries`: the class at the last step of a window, or what a series will be some steps later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from nbtrain.config import TrainConfig
from nbtrain.config.recipe_defaults import DEFAULTS
from nbtrain.config.recipe_options import SERIES, SeriesConfig
from nbtrain.core.errors import ConfigError, DataError, Problem
from nbtrain.data.columns import Kind
from nbtrain.data.splits.spec import SplitSpec
from nbtrain.engine.arrays import Reading
from nbtrain.recipes import encoding, goals, measures
from nbtrain.recipes.base import Columns, Order, Prepared
from nbtrain.recipes.building import built
from nbtrain.recipes.encoding import Encoding
from nbtrain.recipes.goals import Goal
from nbtrain.recipes.judging.goal import of_goal
from nbtrain.recipes.judging.showing import Cells, Places
from nbtrain.recipes.judging.verdict import Judge
from nbtrain.recipes.series import Timeline, time_of, timeline
from nbtrain.recipes.tabular import loss_of
from nbtrain.recipes.windows import Windows, ends_of, filled_forward, steps_of

if TYPE_CHECKING:
    import pandas as pd

    from nbtrain.data.table import Table

_FITTING = ("hybrid-cnn-lstm", "lstm", "tcn")
#: What the recipe starts from that is of classes, and how it is left out of a forecast.
_OF_CLASSES = {"label_smoothing": 0.0, "use_focal_loss": False, "use_oversampling": False}


@dataclass(frozen=True, slots=True)
class _Fitted:
    """What was learnt from the training part."""

    goal: Goal
    known: Encoding
    time: str
    group: str | None

    def to_json(self) -> dict[str, Any]:
        return {"goal": self.goal.to_json(), "encoding": self.known.to_json(), "time": self.time, "group": self.group,
                "classes": self.goal.names}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> _Fitted:
        return cls(Goal.from_json(given["goal"]), Encoding.from_json(given["encoding"]), given["time"], given["group"])


class TimeSeries:
    """Windows of series, in the order of time."""

    name: ClassVar[str] = SERIES

    def suits(self, model: str | nn.Module | None, table: Table, columns: Columns) -> bool:
        """Whether the model is one of series, and the rows are steps of them: they have a time, and are no lists."""
        named = isinstance(model, str) and model.removeprefix("architecture:") in _FITTING
        lists = any(column.kind is Kind.NESTED for column in table.columns)
        timed = columns.time is not None or any(column.kind is Kind.DATE for column in table.columns)
        return named and timed and not lists

    def split(self, table: Table, columns: Columns, config: TrainConfig) -> SplitSpec:
        """In the order of time, each series on its own, with `split_gap` rows left out before a border."""
        return SplitSpec(
            method="time", time=time_of(table, columns.time), group=columns.group, gap=config["split_gap"],
            train=1 - config["validation"] - config["test"], validation=config["validation"], test=config["test"])

    def prepare(self, order: Order, fitted: Mapping[str, Any] | None = None) -> Prepared:
        """See `Recipe.prepare`."""
        parts, config = order.parts, order.config
        notes: list[str] = []
        if fitted is None:
            learnt, notes = _learn(order)
        else:
            learnt = _Fitted.from_json(fitted)
        goal = learnt.goal
        outputs = {"features": learnt.known.width, "outputs": goal.outputs_for(order.loss)}
        model = built(order, _FITTING, dict.fromkeys(_FITTING, outputs))
        dtype = Reading.of(model.module).floats
        lines = {name: timeline(table, learnt.time, learnt.group) for name, table in (
            ("train", parts.train), ("validation", parts.validation), ("test", parts.test)) if table is not None}
        _in_order(lines, parts.name, learnt)
        made: dict[str, Windows] = {}
        for name, table in (("train", parts.train), ("validation", parts.validation), ("test", parts.test)):
            if table is not None:
                made[name], said = _windows(
                    table, lines[name], learnt, config, dtype,
                    stretch=name == "train" and goal.classes is not None and config["use_augmentation"])
                notes += said if name == "train" and fitted is None else []
        train = made["train"]
        assert train.targets is not None  # noqa: S101 - made with labels
        changed, said = _without_classes(config) if goal.classes is None else (None, [])
        return Prepared(
            model=model.module, name=model.name, model_origin=model.origin, train=train,
            validation=made.get("validation"), test=made.get("test"),
            columns=replace(order.columns, target=goal.column, features=learnt.known.features, time=learnt.time),
            fitted=learnt.to_json(), loss=loss_of(order, goal, train.targets),
            metrics=measures.of_amounts(order.metrics, goal) if goal.classes is None else order.metrics,
            config=changed, notes=[*model.notes, *notes, *said])

    def rows(self, order: Order, fitted: Mapping[str, Any], table: Table, *, labelled: bool) -> Windows:
        """See `Recipe.rows`; without labels, a window ends at every step that has enough before it."""
        assert isinstance(order.model, nn.Module)  # noqa: S101 - the one that was trained
        learnt = _Fitted.from_json(fitted)
        line = timeline(table, learnt.time, learnt.group)
        return _windows(
            table, line, learnt, order.config, Reading.of(order.model).floats, labelled=labelled)[0]

    def decode(self, order: Order, fitted: Mapping[str, Any], outputs: Any) -> Any:  # noqa: ARG002 - a recipe's
        """A data frame with a row each window; see `Goal.answers`."""
        return Goal.from_json(fitted["goal"]).answers(outputs)

    def answers(self, fitted: Mapping[str, Any], rows: Windows, outputs: Any) -> pd.DataFrame:
        """The same, with the series and the time of each window's last step before it."""
        found = Goal.from_json(fitted["goal"]).answers(outputs)
        for place, (name, cells) in enumerate(rows.steps.items()):
            found.insert(place, name, cells, allow_duplicates=True)
        return found

    def judge(self, order: Order, fitted: Mapping[str, Any], rows: Windows, table: Table | None) -> Judge:  # noqa: ARG002 - a recipe's
        """See `Judges.judge`; a row is that of a window's last step."""
        learnt = _Fitted.from_json(fitted)
        if table is None:
            return of_goal(learnt.goal, Places())
        line, ends = timeline(table, learnt.time, learnt.group), rows.ends.numpy()
        show = Cells(table, learnt.known.features, kept=line.order[ends].tolist())
        return of_goal(learnt.goal, show, beside=steps_of(line, ends, learnt.time, learnt.group))


def _learn(order: Order) -> tuple[_Fitted, list[str]]:
    """Everything that the training part says."""
    parts, columns = order.parts, order.columns
    column = goals.find(parts.whole, columns.target)
    time = time_of(parts.whole, columns.time)
    line = timeline(parts.whole, time, columns.group)
    goal, said = goals.learn(parts.whole, parts.train, column, order.loss, parts.processing)
    goals.check_loss(order.loss, goal, one=True)
    _check_horizon(order.config, goal)
    besides: dict[str | None, str] = {time: "the time, by which rows are put in order", columns.group: goals.GROUP}
    if goal.classes is not None:  # its past tells an amount
        besides[column.name] = "the target"
    chosen, left = encoding.choose(parts.train, columns.features, besides, texts=False)
    known, learnt = encoding.learn(parts.train, chosen, asked=columns.features is not None)
    turned = [f"{parts.name} has the newest rows first; they are read the other way round."] if line.reversed else []
    return _Fitted(goal, known, time, columns.group), [*turned, *said, *left, *learnt]


def _check_horizon(config: TrainConfig, goal: Goal) -> None:
    """Raises ConfigError for a horizon where nothing is forecast."""
    if goal.classes is not None and config["horizon"] != SeriesConfig().horizon:
        raise ConfigError([Problem("horizon", (
            f"horizon is {config['horizon']}, but the target {goal.column!r} has classes, and that of a window's last "
            "step is learnt; leave it out, and to tell what comes later, make a column of the classes that come later "
            "the target."))])


def _windows(
    table: Table, line: Timeline, learnt: _Fitted, config: TrainConfig, dtype: torch.dtype, *, labelled: bool = True,
    stretch: bool = False,
) -> tuple[Windows, list[str]]:
    """The windows of one part, and what the user should know of them. Raises DataError where there is none."""
    goal, window = learnt.goal, config["window"]
    horizon = config["horizon"] if goal.classes is None and labelled else 0
    ends = ends_of(line, window=window, horizon=horizon, stride=config["window_stride"] if labelled else 1)
    needed = window + horizon
    if not len(ends):
        longest = int(line.lengths.max())
        of = f"window {window} and horizon {horizon} take" if horizon else "a window takes"
        raise DataError(
            f"No window fits into {table.name}: {'its longest series has' if learnt.group else 'it has'} {longest:,} "
            f"rows, and {of} {needed:,}; take shorter windows, give this part a larger share, or give more data.")
    notes = _short(line, needed)
    cells = learnt.known.read(table)[0][line.order]
    values = torch.from_numpy(learnt.known.filled(filled_forward(cells, line), np.isnan(cells))).to(dtype)
    targets = None
    if labelled:
        every: npt.NDArray[Any] = goal.read(table, gaps=True)[line.order][ends + horizon]
        there = every >= 0 if goal.classes is not None else ~np.isnan(every)
        if not there.all():
            notes.append(
                f"{int((~there).sum()):,} of {len(ends):,} windows of {table.name} are left out, as their target is "
                "missing.")
        ends, targets = ends[there], torch.from_numpy(every[there])
        if not len(ends):
            raise DataError(f"No window of {table.name} has a target: {goal.column!r} is missing at the end of each.")
    if targets is not None and targets.is_floating_point():
        targets = targets.to(dtype)
    return Windows(
        values, torch.from_numpy(ends), targets, window, classes=goal.names, stretch=stretch,
        steps=None if labelled else steps_of(line, ends, learnt.time, learnt.group)), notes


def _short(line: Timeline, needed: int) -> list[str]:
    """Says which series are too short for a window."""
    short = np.flatnonzero(line.lengths < needed)
    if not len(short):
        return []
    named = [f"{line.names[place]} ({line.lengths[place]} rows)" for place in short[:8].tolist()]
    said = (
        f"{len(short):,} of {len(line.names):,} series of the training part have fewer than {needed} rows, too few for "
        f"a window, and are left out: {', '.join(named)}{', …' if len(short) > len(named) else ''}.")
    return [said]


def _in_order(lines: Mapping[str, Timeline], name: str, learnt: _Fitted) -> None:
    """Raises DataError where a part has a row that is older than one of the part before it, in one series."""
    seen: dict[str | None, tuple[float, str]] = {}
    for part in ("train", "validation", "test"):
        line = lines.get(part)
        if line is None:
            continue
        for place, series in enumerate(line.names):
            first, last = line.times[line.starts[place]], line.times[line.starts[place + 1] - 1]
            if series in seen and first <= seen[series][0]:
                of = f" of {learnt.group} {series!r:.60}" if learnt.group else ""
                grouped = f", group={learnt.group!r}" if learnt.group else ""
                raise DataError(
                    f"The parts of {name} are not in the order of time: {part}{of} begins before {seen[series][1]} "
                    f"ends, so windows would show the future; split it with dataset.split(method='time', "
                    f"time={learnt.time!r}{grouped}).")
            seen[series] = (float(last), part)


def _without_classes(config: TrainConfig) -> tuple[TrainConfig | None, list[str]]:
    """The options of a forecast: what the recipe starts from for the sake of classes is left out."""
    start = DEFAULTS[SERIES]
    left = {name: off for name, off in _OF_CLASSES.items() if config[name] == start[name] != off}
    if not left:
        return None, []
    return config.replace(**left), [f"An amount is forecast, so what is for classes is left out: {', '.join(left)}."]
