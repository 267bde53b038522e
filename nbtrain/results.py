"""How well a run does on rows it did not learn from: `Results`, and how they are found."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrain.core.errors import CheckpointError, CommandError, ConfigError, DatasetNotFoundError, Problem
from nbtrain.core.outcomes import Outcome, Part
from nbtrain.i18n import text, words
from nbtrain.store import results as store

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    from torch import nn

    from nbtrain.core.tasks import Progress
    from nbtrain.data.processing.units import Units
    from nbtrain.data.table import Table
    from nbtrain.engine.batch import Batch
    from nbtrain.engine.evaluation import Evaluation
    from nbtrain.engine.job import Ingredients
    from nbtrain.ordering import Asked
    from nbtrain.recipes.judging.showing import Show
    from nbtrain.recipes.judging.verdict import Judge
    from nbtrain.run import Run

#: Rows that are called the worst, where nobody says how many.
WORST = 12
#: Rows of a repr.
_SAID = 5


class Results:
    """What a run gives for rows beside the truth.

    Args:
        outcome: what was found.
        predictions: columns with an entry each row.
        name: of the run.
    """

    def __init__(self, outcome: Outcome, predictions: Mapping[str, Any], name: str) -> None:
        self.outcome, self._predictions, self._name = outcome, predictions, name

    @property
    def metrics(self) -> dict[str, float]:
        """As `run.evaluate` gives them, and those of the task besides; errors in the units that are told here."""
        return dict(self.outcome.metrics)

    @property
    def notes(self) -> list[str]:
        """What is to be known of them, a sentence each."""
        return list(self.outcome.notes)

    @cached_property
    def confusion(self) -> pd.DataFrame | None:
        """How many rows of each class (down) were taken for which (across); None where there are no classes."""
        import numpy as np  # noqa: PLC0415 - pandas and NumPy load when somebody looks
        import pandas as pd  # noqa: PLC0415

        names = list(self.outcome.classes)
        if not names:
            return None
        counts = np.zeros((len(names), len(names)), np.int64)
        for truth, said, count in self.outcome.confusion:
            counts[truth, said] = count
        return pd.DataFrame(counts, pd.Index(names, name="truth"), pd.Index(names, name="predicted"))

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Every row: its number in its data, the truth, what was predicted, and how sure or how far off that is."""
        import pandas as pd  # noqa: PLC0415 - as above

        return pd.DataFrame(dict(self._predictions))

    @cached_property
    def groups(self) -> pd.DataFrame:
        """Figures of each class, each kind of entity, or each point."""
        import pandas as pd  # noqa: PLC0415 - as above

        return pd.DataFrame([{"name": each.name, "rows": each.rows, **each.figures} for each in self.outcome.groups])

    @cached_property
    def worst(self) -> pd.DataFrame:
        """The rows on which it errs most, the worst first: with their cells or text, and `image` as bytes."""
        import pandas as pd  # noqa: PLC0415 - as above

        from nbtrain.recipes.judging.verdict import free  # noqa: PLC0415 - as above

        found = []
        for each in self.outcome.worst:
            line: dict[str, Any] = {"row": each.row, self.outcome.measure: each.measure}
            line |= {name: value for name, value in (("truth", each.truth), ("predicted", each.predicted)) if value}
            line |= {} if each.chance is None else {"chance": each.chance}
            line |= {"text": each.text} if each.text else {}
            found.append(line | ({"image": each.image} if each.image else {}))
        own = {name for line in found for name in line}
        for line, each in zip(found, self.outcome.worst, strict=True):
            line |= {free(name, own): cell for name, cell in each.cells}
        return pd.DataFrame(found)

    def figure(self) -> go.Figure:
        """A heat map of the classes, amounts beside their truth, or how far off each point is.

        Raises:
            CommandError: there is nothing of these to draw; `worst` and `predictions` tell the rows.
        """
        import plotly.graph_objects as go  # noqa: PLC0415 - plotly is slow to import

        if (counts := self.confusion) is not None:
            names = [html.escape(str(name), quote=False) for name in counts.index]  # plotly reads tags in names
            drawn = go.Figure(go.Heatmap(
                z=counts.to_numpy(), colorscale="Blues", showscale=False, xgap=1, ygap=1,
                texttemplate="%{z}" if len(names) <= 20 else None))
            ticks = {"tickvals": list(range(len(names))), "ticktext": names}
            drawn.update_yaxes(autorange="reversed", title=text("results.truth"), **ticks)
            return drawn.update_xaxes(title=text("results.predicted"), **ticks)
        if self.outcome.points:
            truth, said = zip(*self.outcome.points, strict=True)
            ends = [min(*truth, *said), max(*truth, *said)]
            drawn = go.Figure([
                go.Scattergl(x=truth, y=said, mode="markers", marker={"size": 5, "opacity": 0.5}),
                go.Scatter(x=ends, y=ends, mode="lines", line={"dash": "dot", "width": 1}, hoverinfo="skip")])
            drawn.update_layout(showlegend=False)
            drawn.update_xaxes(title=text("results.truth"))
            return drawn.update_yaxes(title=text("results.predicted"))
        if self.outcome.groups:
            first = next(iter(self.outcome.groups[0].figures), "rows")
            drawn = go.Figure(go.Bar(
                x=[html.escape(each.name, quote=False) for each in self.outcome.groups],
                y=[each.figures.get(first) for each in self.outcome.groups]))
            return drawn.update_yaxes(title=words().get(f"charts.metric.{first}", first))
        raise CommandError("There is nothing to draw of these results; look at .worst and .predictions.")

    def __repr__(self) -> str:
        told = self.outcome
        figures = ", ".join(f"{name} {value:.4g}" for name, value in told.metrics.items())
        lines = [f"Results of {self._name!r} on {told.rows:,} rows ({told.part}): {figures}."]
        wrong = sorted((pair for pair in told.confusion if pair[0] != pair[1]), key=lambda pair: -pair[2])
        lines += [
            f"  {count:,} × {told.classes[truth]!r} taken for {told.classes[said]!r}"
            for truth, said, count in wrong[:_SAID]]
        lines += [f"  Row {each.row}: {told.measure} {each.measure:.4g}" + (
            f", {each.truth[:60]!r} taken for {each.predicted[:60]!r}" if each.truth != each.predicted else "")
            for each in told.worst[:_SAID]]
        return "\n".join([*lines, *(f"  {note}" for note in told.notes)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A model that is laid beside the truth, and what is known of its run."""

    name: str
    folder: Path
    """Of the run, where what is found is kept."""
    step: int
    model: nn.Module
    given: Ingredients
    evaluation: Evaluation
    asked: Asked | None
    """What puts questions to a run by a recipe; None for any other."""


def look(run: Run, data: Any = None, *, worst: int = WORST, progress: Progress | None = None) -> Results:
    """See `Run.results`. What is found on the run's own rows is kept in its folder."""
    from nbtrain.recipes.judging.verdict import MOST_WORST  # noqa: PLC0415 - torch is there once a run is

    if type(worst) is not int or not 0 <= worst <= MOST_WORST:
        raise ConfigError([Problem("worst", f"worst is {worst!r}; it must be a whole number from 0 to {MOST_WORST}.")])
    trainer, asked = run._trainer, run._asked  # noqa: SLF001 - a Run is the trainer's face
    of = Examined(
        name=run.name, folder=run.folder, step=run.step, model=run.model, given=trainer.given,
        evaluation=trainer.evaluation, asked=asked)
    return examine(of, data, worst=worst, progress=progress, left=lambda: _left(run))


def examine(
    of: Examined, data: Any = None, *, worst: int = WORST, progress: Progress | None = None,
    left: Callable[[], tuple[nn.Module, tuple[str, ...]]] | None = None,
) -> Results:
    """See `Run.results`.

    Args:
        of: whose rows, and whose judge.
        data: as there.
        worst: likewise.
        progress: hears how many rows were judged.
        left: the model to ask, and what is to be said of it; None: that of `of`. Called once the rows are there.

    Raises:
        DataError: as `Run.results`.
        CancelledError: `progress` was cancelled.
    """
    part, rows, judge, notes = _subject(of, data)
    model, said = (of.model, ()) if left is None else left()
    metrics = of.evaluation.evaluate(model, rows, _watched(judge, rows, progress))
    verdict = judge.verdict(worst)
    said += (*_scaled(of.given.origin, verdict.units), *_shuffled(rows))
    metrics = metrics if verdict.units is None else _in_units(metrics, verdict.figures)
    figures = {name: value for name, value in verdict.figures.items() if name not in metrics}
    outcome = Outcome(
        part=part, rows=verdict.rows, step=of.step, metrics={**metrics, **figures}, classes=verdict.classes,
        confusion=verdict.confusion, groups=verdict.groups, points=verdict.points, measure=verdict.measure,
        worst=verdict.worst, notes=(*said, *notes, *verdict.notes))
    if data is None:
        store.keep(of.folder, outcome)
    return Results(outcome, verdict.predictions, of.name)


def can_look(run: Run) -> bool:
    """Whether rows were held out that could be looked at. Cheap: splits nothing."""
    given, config = run._trainer.given, run.config  # noqa: SLF001 - as above
    if given.test is not None or given.validation is not None:
        return True
    if given.origin is not None and "recipe" not in given.origin and given.origin["test"] is not None:
        return True
    return not given.parted and bool(config["validation"] or config["test"])


def _scaled(origin: Mapping[str, Any] | None, units: Units | None) -> tuple[str, ...]:
    """That the figures of the training are of other units than those that are told here."""
    return () if origin is None or units is None else (
        text("results.note.scaled", column=str(origin["target"]), one=units.scale),)


def _in_units(metrics: Mapping[str, float], found: Mapping[str, float]) -> dict[str, float]:
    """What a run measured of scaled amounts, errors as they were `found` of those that are told."""
    if not found:  # no row was judged
        return dict(metrics)
    own = {"mae": found["mae"], "rmse": found["rmse"], "mse": found["rmse"] ** 2}
    return {name: own.get(name, value) for name, value in metrics.items()}


def _shuffled(rows: Any) -> tuple[str, ...]:
    """That numbers of rows mean nothing, where a loader gives them in another order each time."""
    from torch.utils.data import BatchSampler, DataLoader, IterableDataset, SequentialSampler  # noqa: PLC0415 - as above

    if not isinstance(rows, DataLoader) or isinstance(rows.dataset, IterableDataset):
        return ()
    drawn = rows.batch_sampler
    sampler = drawn.sampler if type(drawn) is BatchSampler else rows.sampler if drawn is None else drawn
    return () if isinstance(sampler, SequentialSampler) else (text("results.note.shuffled"),)


# -- whose weights --------------------------------------------------------------------------------


def _left(run: Run) -> tuple[nn.Module, tuple[str, ...]]:
    """The model with the weights that the run has, or had when it ended; and what is to be said of that.

    A module is trained in place, so another run may have trained it on since: then a copy gets this run's weights back.
    """
    from nbtrain.engine import job, left_behind, recompute  # noqa: PLC0415 - torch is there once a run is
    from nbtrain.engine.checkpoint import CheckpointFolder  # noqa: PLC0415
    from nbtrain.engine.saver import CHECKPOINTS  # noqa: PLC0415

    model = run.model
    if not run.state.ended:
        return model, ()
    try:
        snapshot, _, _ = CheckpointFolder(run.folder / CHECKPOINTS).load(run.step)
    except CheckpointError:
        return model, (text("results.note.unknown_weights", step=run.step),)
    left = left_behind.weights(run.state, snapshot, model)
    now = model.state_dict()
    if all(name in now and left_behind.same(tensor, now[name]) for name, tensor in left.items()):
        return model, ()
    copied = job.copy_of(model, "so what this run left it cannot be looked at beside what it is now.")
    if run.config["gradient_checkpointing"]:
        recompute.forget(copied)
    try:
        copied.load_state_dict(left)
    except RuntimeError as error:
        raise CommandError(
            f"The module was changed since run {run.id} ended, so that the weights of its last checkpoint do not fit "
            f"it any more; look before you change it. ({error})") from error
    return copied, (text("results.note.changed"),)


# -- which rows -----------------------------------------------------------------------------------


def _subject(of: Examined, data: Any) -> tuple[Part, Any, Judge, tuple[str, ...]]:
    """Which part it is, its rows as the engine takes them, who judges them, and what is to be said of that."""
    from nbtrain.recipes.judging.showing import Cells, Inputs, Places  # noqa: PLC0415 - as above

    given, evaluation, asked = of.given, of.evaluation, of.asked
    part: Part
    if asked is not None:
        if data is None:
            part, rows = evaluation.held_out()
            table = asked.part(part)
        else:
            part, rows = "given", asked.rows(data, labelled=True)
            table = asked.table
        notes = () if table is not None else (text("results.note.gone"),)
        show: Show = Places() if table is None else Cells(table)
        return part, rows, asked.judge(rows, table) or _guessing(of, show), notes
    fed, places = _fed(given.origin, data), None
    if fed is None:
        part, rows = evaluation.held_out()
        places = evaluation.places()
        table = _part(given.origin, part if places is None else "train")
    else:
        part, rows, table = fed
    if given.origin is None or (table is None and part == "given"):
        rows = _in_memory(of, rows)
        return part, rows, _guessing(of, Inputs(rows, kept=places)), ()
    if table is None:
        return part, rows, _guessing(of, Places()), (text("results.note.gone"),)
    return part, rows, _guessing(of, Cells(table, given.origin["features"], kept=places)), ()


def _fed(origin: Mapping[str, Any] | None, data: Any) -> tuple[Part, Any, Table | None] | None:
    """Rows that were given, or the test part of the dataset that a run was fed from; None where it is neither."""
    from nbtrain.feeding import held_out, new_rows  # noqa: PLC0415 - composed at the top

    if data is not None:
        return "given", new_rows(data, origin), None
    rows = held_out(origin)
    return None if rows is None else ("test", rows, _part(origin, "test"))


def _part(origin: Mapping[str, Any] | None, part: str) -> Table | None:
    """A part of the dataset that a run without a recipe was fed from; None where it is not to be had any more."""
    from nbtrain.data.keeping.library import Library  # noqa: PLC0415 - loads DuckDB and Arrow
    from nbtrain.data.splits.splitting import part_of  # noqa: PLC0415
    from nbtrain.feeding import split_of  # noqa: PLC0415

    if origin is None or (part == "validation" and origin.get("validation_given", True)):  # older runs do not tell
        return None
    library = Library()
    try:
        record = library.find(origin["dataset"])
        table = library.table(record.id)
    except DatasetNotFoundError:
        return None
    if part == "train" and origin["split"] is None:  # the engine split it
        return table
    made = split_of(library.folder(record.id))
    if made is None or sha256(made.parts.tobytes()).hexdigest() != origin["split"]:
        return None
    return part_of(table, made, part)


def _in_memory(of: Examined, rows: Any) -> Any:
    """Arrays of what lies in memory, so that a row of them can be shown; anything else as it is."""
    from nbtrain.engine import arrays  # noqa: PLC0415 - as above

    return arrays.prepare(rows, arrays.Reading.of(of.model), of.evaluation.classes or None)


def _guessing(of: Examined, show: Show) -> Judge:
    from nbtrain.recipes.judging.goal import Guessing  # noqa: PLC0415 - as above
    from nbtrain.scaled import units_of_run  # noqa: PLC0415 - composed at the top

    return Guessing(of.evaluation.task, of.evaluation.classes, show, units_of_run(of.given.origin))


def _watched(judge: Judge, rows: Any, progress: Progress | None) -> Callable[[nn.Module, Batch, Any], None]:
    """The judge, which says how far it is."""
    from torch.utils.data import DataLoader  # noqa: PLC0415 - as above

    counted = rows
    while isinstance(counted, tuple | dict) and counted:  # of arrays for inputs and target, the first
        counted = next(iter(counted.values() if isinstance(counted, dict) else counted))
    known = len(counted) if isinstance(counted, Sized) and not isinstance(counted, DataLoader) else getattr(
        counted, "length", None)
    done, total = 0, None if known is None else float(known)

    def see(model: nn.Module, batch: Batch, output: Any) -> None:
        nonlocal done
        judge.see(model, batch, output)
        done += batch.size
        if progress is not None:
            progress.report(done, total, "rows")

    return see
