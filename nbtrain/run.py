"""`Run`: the handle of one training. It looks at the trainer and asks it things; it computes nothing itself."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from nbtrain.core.control import Command, Edit, Pause, Resume, Save, State, Stop, Ticket
from nbtrain.core.errors import CommandError, ConfigError, Problem
from nbtrain.core.events import Event
from nbtrain.core.history import History
from nbtrain.core.ports import Resumption
from nbtrain.core.samples import Sample, Sign
from nbtrain.store import samples

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from torch import nn

    from nbtrain.config import TrainConfig
    from nbtrain.core.model_views import Stage
    from nbtrain.engine.trainer import Trainer
    from nbtrain.models.promotion import Rule
    from nbtrain.ordering import Asked
    from nbtrain.registering import Registered
    from nbtrain.results import Results


class Run:
    """One training, seen from the notebook.

    Every verb may be called from any cell at any time; `pause`, `resume`, `stop`, `set` and `checkpoint`
    return when the trainer has done it, at its next step boundary.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer

    # -- what it is -----------------------------------------------------------------------------

    @property
    def id(self) -> str:
        return self._trainer.id

    @property
    def name(self) -> str:
        return self._trainer.name

    @property
    def folder(self) -> Path:
        """Where its config, journal, metrics and checkpoints lie."""
        return self._trainer.folder

    @property
    def config(self) -> TrainConfig:
        """Every option, live edits included."""
        return self._trainer.options

    @property
    def parent(self) -> str | None:
        """Id of the run this one was forked from."""
        return self._trainer.parent

    @property
    def resumed(self) -> Resumption | None:
        """None for a run from the start; else whether the resume is exact, and if not, why."""
        return self._trainer.resumed

    @property
    def model(self) -> nn.Module:
        """The module in training: your own object. When the run ends with EMA on, it holds the averaged weights."""
        return self._trainer.model

    # -- how it stands --------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """``preparing running paused finished stopped failed``; compares equal to these words."""
        return self._trainer.control.state

    @property
    def reason(self) -> str:
        """Why it is in this state, a sentence; empty where the state says all."""
        return self._trainer.reason

    @property
    def warnings(self) -> Sequence[str]:
        """What you should know that does not end the run, a sentence each, the newest last."""
        return self._trainer.diary.warnings

    @property
    def signs(self) -> Sequence[Sign]:
        """Figures of the history that tell whether it is well, each with the range it should be in."""
        return self._trainer.given.signs

    @property
    def sampled(self) -> Sequence[int]:
        """Epochs of which `samples` are kept, oldest first."""
        return self._trainer.diary.sampled

    def samples(self, epoch: int | None = None) -> list[Sample]:
        """What the model made after this epoch, counted from 1, or after the newest: texts, pictures, sounds."""
        return samples.read(self.folder, epoch)

    @property
    def step(self) -> int:
        """Optimizer updates done."""
        return self._trainer.at.step

    @property
    def total_steps(self) -> int | None:
        return self._trainer.total_steps

    @property
    def epoch(self) -> int:
        """The epoch in training, from 1; 0 before the first step."""
        at = self._trainer.at
        return min(at.epoch + 1, self.epochs) if at.step else 0

    @property
    def epochs(self) -> int:
        return int(self.config["epochs"])

    @property
    def progress(self) -> float:
        """0.0 to 1.0."""
        if self.state is State.FINISHED:
            return 1.0
        if self.total_steps:
            return min(1.0, self.step / self.total_steps)
        return min(1.0, self._trainer.at.epoch / self.epochs)

    @property
    def seconds(self) -> float:
        """Time spent training, pauses left out."""
        return self._trainer.seconds

    @property
    def samples_per_second(self) -> float | None:
        """Training samples a second, over the last quarter of a second; None before the first."""
        return self.history.last("samples_per_second")

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the time spent so far; None while there is nothing to go by."""
        if self.state.ended or not self.total_steps or not self._trainer.steps_here:
            return None
        return self._trainer.seconds_here / self._trainer.steps_here * max(0, self.total_steps - self.step)

    @property
    def history(self) -> History:
        """``run.history["loss"].steps, .values``; ``run.history.frame()`` for pandas."""
        return self._trainer.history

    @property
    def error(self) -> Exception | None:
        """What ended a failed run; its `details` is the traceback as text."""
        return self._trainer.error

    @property
    def events(self) -> list[Event]:
        """What happened in this kernel, oldest first; the journal in `folder` has all of it."""
        return list(self._trainer.events)

    def options(self) -> Mapping[str, Any]:
        """Every option by its flat name, live edits included."""
        return self.config.flat()

    # -- steering -------------------------------------------------------------------------------

    def pause(self) -> Self:
        """Hold after the current step."""
        return self._ask(Pause())

    def resume(self) -> Self:
        """Go on after a pause. A run that ended goes on with `nbtrain.resume`."""
        return self._ask(Resume())

    def stop(self) -> Self:
        """End after the current step, with a checkpoint. Raises the run's error if it failed instead."""
        self._ask(Stop())
        if not self._trainer.here:
            self.wait()
        return self

    def checkpoint(self) -> Self:
        """Write a checkpoint now; it is on disk some moments later."""
        return self._ask(Save())

    def set(self, **changes: Any) -> Self:
        """Edit options of the running training: learning_rate, weight_decay, max_grad_norm, ema_decay, epochs, …

        Raises:
            ConfigError: unknown, out of range, or not an option that can be edited live.
            CommandError: the run has ended.
        """
        return self._ask(Edit(check_edit(self.config, changes)))

    def request(self, command: Command) -> Ticket:
        """Ask without waiting; the ticket tells when it took effect."""
        if isinstance(command, Edit):
            try:
                check_edit(self.config, command.changes)
            except (ConfigError, CommandError) as error:
                ticket = Ticket(command)
                ticket.resolve(error)
                return ticket
        return self._trainer.control.request(command)

    def wait(self, timeout: float | None = None) -> State:
        """Wait until the run has ended, at most `timeout` seconds. Returns the state; can be interrupted.

        Raises:
            TrainingError: the run failed.
        """
        if self._trainer.control.wait_until_ended(timeout):
            self._trainer.join()
        error = self._trainer.error
        if error is not None:  # a copy: the original must not keep alive what the frames here hold
            raise copy.copy(error) from error.__cause__
        return self.state

    def fork(
        self, step: int | None = None, *, model: nn.Module | None = None, name: str | None = None, **options: Any,
    ) -> Run:
        """A new run from a kept checkpoint of this one, with other options.

        Args:
            step: the checkpoint to start from; None takes the newest.
            model: a module of the same shape to train; None takes a copy of this run's.
            name: the new run's name.
            **options: options that differ.

        Raises:
            CheckpointError: no checkpoint of this step is kept; the message names those that are.
            ConfigError: an option is wrong.
            ModelError: the model cannot be copied, or `model` does not take the data.
        """
        from nbtrain import training  # noqa: PLC0415 - training builds runs, so it imports this module

        return training.fork(self, step=step, model=model, name=name, **options)

    def register(
        self, name: str | None = None, *, stage: Stage = "none", note: str = "", promote: bool | float | Rule = True,
        weights: Literal["best", "last"] = "best", tags: Sequence[str] = (),
    ) -> Registered:
        """Keep what was learnt as a model of the workspace: weights, figures, options, data, labels and recipe.

        Args:
            name: of the model; where there is one, this becomes its next version. None takes the run's name.
            stage: ``none staging production archived``; where none is given, `promote` decides.
            note: of the version.
            promote: True moves it into production where its accuracy is over 0.80; a number is another limit, a
                `nbtrain.models.promotion.Rule` another metric; False leaves it where it is.
            weights: ``best`` as the run was monitored, where they were kept; ``last``: the newest checkpoint, also of
                a run in training.
            tags: of the model, where it is a new one.

        Raises:
            CheckpointError: no checkpoint is sound.
            ModelError: the weights are not finite, or cannot be kept.
            ConfigError: the name, the stage, the note, a tag or the rule cannot be used.
            WorkspaceError: there is no space.
        """
        from nbtrain.registering import register  # noqa: PLC0415 - composed at the top

        return register(self, name, stage=stage, note=note, promote=promote, weights=weights, tags=tags)

    # -- using what was learnt ------------------------------------------------------------------

    def predict(self, data: Any) -> Any:
        """The model's outputs for `data`, as one CPU tensor; shape (rows, …) as the model gives it.

        A run by a recipe gives what that says: classes by their chances, values, points, sounds.

        A run that was fed from a dataset takes new rows as they come (a data frame, a list of dicts, the dict of one
        row, a file) and processes them as that dataset was. Where that scaled the target, amounts come back in the
        units it had before, as float64.

        Raises:
            DataError: the data cannot be read, or does not fit.
        """
        from nbtrain.feeding import new_rows  # noqa: PLC0415 - composed at the top
        from nbtrain.scaled import units_of_run, unscaled  # noqa: PLC0415 - likewise

        if (asked := self._asked) is not None:
            return asked.decoded(self._trainer.predict(asked.rows(data, labelled=False)))
        origin = self._trainer.given.origin
        outputs = self._trainer.predict(new_rows(data, origin, labelled=False))
        return unscaled(outputs, units_of_run(origin), self._trainer.evaluation.task)

    def evaluate(self, data: Any = None) -> dict[str, float]:
        """Loss and metrics on `data`, as `predict` takes it (default: the test part, else the validation part).

        Raises:
            DataError: none is given and none was held out; or as `predict`.
        """
        from nbtrain.feeding import held_out, new_rows  # noqa: PLC0415 - composed at the top

        origin = self._trainer.given.origin
        if (asked := self._asked) is not None:
            return self._trainer.evaluate(None if data is None else asked.rows(data, labelled=True))
        return self._trainer.evaluate(held_out(origin) if data is None else new_rows(data, origin))

    def results(self, data: Any = None, *, worst: int = 12) -> Results:
        """What the model gives beside the truth: confusion, predictions of every row, and the rows it errs on most.

        ``run.results().confusion``, ``.predictions``, ``.worst`` and ``.groups`` are data frames, ``.metrics`` is a
        dict, ``.figure()`` draws. What is found without `data` is kept with the run and shown in its panel.

        Args:
            data: labelled rows, as `evaluate` takes them (default: the test part, else the validation part).
            worst: how many of the worst rows are told, 0–100.

        Raises:
            DataError: none is given and none was held out; or as `evaluate`.
            ConfigError: `worst` is no such number.
        """
        from nbtrain.results import look  # noqa: PLC0415 - composed at the top

        return look(self, data, worst=worst)

    @property
    def _asked(self) -> Asked | None:
        """What puts questions to a run by a recipe."""
        origin = self._trainer.given.origin
        if origin is None or "recipe" not in origin:
            return None
        from nbtrain.ordering import Asked  # noqa: PLC0415 - composed at the top

        return Asked(origin, self.config, self.model)

    # -- looking --------------------------------------------------------------------------------

    def figure(self, *, live: bool = False) -> go.Figure:
        """The curves as a plotly figure; with `live`, a FigureWidget kept up to date until the run ends."""
        from nbtrain.widgets.figure import figure  # noqa: PLC0415 - plotly is slow to import

        return figure(self, live=live)

    def show(self) -> None:
        """Show the run's panel in this cell."""
        from nbtrain.studio import show  # noqa: PLC0415 - composed at the top; only notebooks need it

        show(self)

    def __repr__(self) -> str:
        of = f"/{self.total_steps}" if self.total_steps else ""
        loss = self.history.last("loss")
        return f"<Run {self.id} {self.name!r}: {self.state}, step {self.step}{of}" + (
            "" if loss is None else f", loss {loss:.4g}") + ">"

    def _ask(self, command: Command) -> Self:
        ticket = self._trainer.control.request(command)
        if not self._trainer.here:  # in a metric, say: the trainer obeys after the step, and cannot wait for itself
            ticket.wait()
        return self


def check_edit(config: TrainConfig, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes as validated values. Raises ConfigError with every problem; CommandError when there are none."""
    from nbtrain.config.schema import field_of, live_options  # noqa: PLC0415 - keeps `import nbtrain` light

    if not changes:
        raise CommandError(f"Nothing to set; these can be edited while a run trains: {', '.join(live_options())}.")
    fixed = [name for name in changes if field_of(name) is not None and name not in live_options()]
    problems = [
        Problem(name, f"{name} cannot change while the run trains; these can: {', '.join(live_options())}. "
                      f"For another {name}, branch with run.fork({name}=…).")
        for name in fixed]
    try:
        edited = config.replace(**{name: value for name, value in changes.items() if name not in fixed})
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems]) from None
    if problems:
        raise ConfigError(problems)
    return {name: edited[name] for name in changes}
