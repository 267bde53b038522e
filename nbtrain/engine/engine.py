"""The loop: `fit → epoch → step`. It knows batches, weights and commands, and nothing of notebooks or files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from nbtrain.config import TrainConfig
from nbtrain.core.control import Command, Control, Edit, Pause, Resume, Save, State, Stop, Ticket
from nbtrain.core.errors import CommandError, NbtrainError
from nbtrain.core.events import EpochEnd, Event, OptionEdited, Warned
from nbtrain.core.history import History
from nbtrain.engine import optimizers
from nbtrain.engine.batches import Batch
from nbtrain.engine.ema import Ema
from nbtrain.engine.forward import add_noise, call
from nbtrain.engine.job import Job
from nbtrain.engine.precision import Precision
from nbtrain.engine.randomness import Turn
from nbtrain.engine.readout import Lookback, judge
from nbtrain.engine.schedules import Schedule
from nbtrain.engine.stopping import EarlyStopping

#: Seconds over which one figure of throughput is taken.
THROUGHPUT_WINDOW = 0.25
#: Options that the order of the batches depends on: where one differs, a fork begins its epoch anew.
_ORDER = ("batch_size", "seed", "validation", "test", "use_oversampling", "oversample_ratio")


@dataclass(slots=True)
class Position:
    """How far a run has come. Everything here is saved and restored."""

    step: int = 0
    """Optimizer updates done."""
    epoch: int = 0
    """Epochs completed."""
    batch: int = 0
    """Micro-batches of the current epoch already trained on."""
    samples: int = 0
    seconds: float = 0.0
    """Time spent training, pauses left out."""
    loss_sum: float = 0.0
    loss_count: int = 0
    """With `loss_sum`: the mean loss of the current epoch so far."""


class Saver(Protocol):
    """Decides when a checkpoint is due, and writes it. Never blocks longer than a copy of the state takes."""

    def after_step(self, engine: Engine) -> None: ...
    def after_epoch(self, engine: Engine, *, improved: bool, figures: dict[str, float]) -> None: ...
    def save(self, engine: Engine, reason: str) -> None: ...


class StopRequested(Exception):  # noqa: N818 - not an error: the way out of nested loops
    """Stop was asked for; unwinds to `fit`."""


class Engine:
    """One training, driven by one thread."""

    def __init__(  # noqa: PLR0913 - the collaborators of the loop, each named
        self, job: Job, config: TrainConfig, *, control: Control, history: History,
        publish: Callable[[Event], None], saver: Saver,
    ) -> None:
        self.job, self.model, self.device = job, job.model, job.device
        self.control, self.history, self.publish, self.saver = control, history, publish, saver
        self.at = Position()
        self.options = config
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = optimizers.build(config.optimization, self.model)
        self.precision = Precision(config.precision, self.device)
        self.ema = Ema(self.model, config["ema_decay"]) if config["use_ema"] else None
        self.stopping = EarlyStopping(config.stopping, higher_is_better=job.metrics.higher_is_better(config["monitor"]))
        self.turn = Turn(config["seed"], self.device)
        self.lookback = self._lookback()
        #: True while weights change: an exception then leaves them half updated, and they are not saved.
        self.updating = False
        self.stop_tickets: list[Ticket] = []
        self._pauses: list[Ticket] = []
        self._save_due: list[Ticket] = []
        self._validating = False
        self._window = (0, 0.0)
        self._began: float | None = None
        self._read_options()

    # -- the loop -------------------------------------------------------------------------------

    def fit(self) -> State:
        """Train to the last epoch, to early stopping, or to a stop. Returns the state the run ends in."""
        self._start_clock()
        try:
            while self.at.epoch < self.epochs and not self.out_of_patience:
                self.epoch()
        except StopRequested:
            return State.STOPPED
        finally:
            self._stop_clock()
            self.settle()
        return State.FINISHED

    def epoch(self) -> None:
        """Train on every batch once (from where a resumed run left off), validate, and draw the balance."""
        self.model.train()
        batches = iter(self.job.train.epoch(self.at.epoch, skip=self.at.batch))
        while True:
            self.obey()
            with self.turn.at(self.at.step):
                group = list(islice(batches, self.accumulation))
                if not group:
                    break
                self.step(group)
            self.saver.after_step(self)
        self.settle()
        self.close_epoch(self.validate())

    def step(self, group: list[Batch]) -> None:
        """One optimizer update from the micro-batches of `group`."""
        at = self.at
        rate = self.learning_rate * self.schedule(at.step)
        optimizers.apply(self.optimizer, learning_rate=rate)
        self.optimizer.zero_grad(set_to_none=True)
        if self.lookback is not None:
            self.lookback.before_forward()
        loss = self.backward(group)
        self.update(at.step + 1, loss)
        at.step += 1
        at.batch += len(group)
        at.samples += sum(batch.size for batch in group)
        self.history.append("learning_rate", at.step, rate)
        self._measure_throughput()

    def backward(self, group: list[Batch]) -> Tensor:
        """Gradients of the mean loss over all samples of the group. Returns that loss, 0-d, on the device."""
        if len(group) == 1:
            loss = self.loss_of(group[0])
            self._scaled(loss).backward()  # type: ignore[no-untyped-call]
            return loss.detach()
        samples = sum(batch.size for batch in group)
        total = torch.zeros((), device=self.device)
        for batch in group:
            loss = self.loss_of(batch) * (batch.size / samples)
            self._scaled(loss).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return total

    def loss_of(self, batch: Batch) -> Tensor:
        """Training loss of one micro-batch, 0-d."""
        inputs = add_noise(batch.inputs, self.noise) if self.noise else batch.inputs
        with self.precision.autocast():
            return self.job.loss(call(self.model, inputs), batch.target)

    def update(self, step: int, loss: Tensor) -> None:
        """Clip, look at loss and gradient, and move the weights. Raises NonFiniteLossError before they move."""
        scaler = self.precision.scaler
        if scaler is not None:
            scaler.unscale_(self.optimizer)
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        if self.lookback is not None:
            self._clip(norm)
            self.lookback.mask(step, loss, norm)
            self._move()
            return
        loss_value, norm_value = loss.item(), norm.item()
        overflow = scaler is not None and scaler.get_scale() > 1.0 and not torch.isfinite(norm)
        judge(step, loss_value, 0.0 if overflow else norm_value)  # fp16 finds its scale by overflowing now and then
        if norm_value > self.max_grad_norm > 0:
            self._clip(norm)
        self._move()
        self._settled(step, loss_value, norm_value)

    def validate(self) -> dict[str, float]:
        """Loss and metrics on the validation data, named ``val_…``; with the averaged weights where EMA is on."""
        source = self.job.validation
        if source is None:
            return {}
        if self.ema is None:
            figures = self._validate(source.epoch(0))
        else:
            with self.ema.swapped_in(self.model):
                figures = self._validate(source.epoch(0))
        self.model.train()
        for ticket in self._save_due:
            self._answer(ticket, lambda: self.saver.save(self, "asked"))
        self._save_due.clear()
        return figures

    @torch.no_grad()
    def _validate(self, batches: Iterable[Batch]) -> dict[str, float]:
        self.model.eval()
        self._validating = True
        total, samples = torch.zeros((), device=self.device), 0
        self.job.metrics.reset()
        try:
            for number, batch in enumerate(batches):
                with self.turn.at("validate", self.at.epoch, number), self.precision.autocast():
                    output = call(self.model, batch.inputs)
                    total += self.job.loss(output, batch.target).detach() * batch.size
                self.job.metrics.update(output, batch.target)
                samples += batch.size
                self.obey()
        finally:
            self._validating = False
        figures = {"val_loss": total.item() / max(samples, 1)}
        return figures | {f"val_{name}": value for name, value in self.job.metrics.compute().items()}

    def close_epoch(self, figures: dict[str, float]) -> None:
        """Write the epoch's figures, see whether it was the best so far, and turn the page."""
        at = self.at
        figures = {"train_loss": at.loss_sum / max(at.loss_count, 1), **figures}
        for name, value in figures.items():
            self.history.append(name, at.step, value)
        at.epoch, at.batch, at.loss_sum, at.loss_count = at.epoch + 1, 0, 0.0, 0
        # Without validation data the training loss is all there is to go by.
        improved = self.stopping.update(figures.get(self.options["monitor"], figures["train_loss"]), at.step)
        self.publish(EpochEnd(step=at.step, epoch=at.epoch, metrics=figures))
        self.saver.after_epoch(self, improved=improved, figures=figures)

    @property
    def out_of_patience(self) -> bool:
        return bool(self.options["early_stopping"]) and self.stopping.should_stop

    @property
    def seconds(self) -> float:
        """Time spent training, pauses left out."""
        began = self._began
        return self.at.seconds + (0.0 if began is None else time.monotonic() - began)

    @property
    def total_steps(self) -> int | None:
        """Optimizer updates of the whole run as planned now; None for data without a length."""
        length = self.job.train.length
        if length is None or self.steps_per_epoch is None:
            return None
        # Counted from where it stands: a fork with another batch size has done a different number of steps.
        left = -(-(length - self.at.batch) // self.accumulation) + (self.epochs - self.at.epoch - 1) * self.steps_per_epoch
        return self.at.step + max(0, left)

    # -- commands, between steps ----------------------------------------------------------------

    def obey(self) -> None:
        """Carry out what was asked. While paused, waits here. Raises StopRequested."""
        if not self.control.pending and not self._pauses:
            return
        self._stop_clock()
        while True:
            for ticket in self.control.take():
                self._carry_out(ticket)
            if self.stop_tickets:
                raise StopRequested
            if self._pauses:
                self._hold()
            if self.control.state is not State.PAUSED:
                break
            self.control.wait_for_command()
        self._start_clock()

    def prepare_for(self, ticket: Ticket) -> None:
        """A command that arrives before the first step."""
        if isinstance(ticket.command, Save):
            ticket.resolve(CommandError("The run has not started, so there is nothing to save yet; ask again when it runs."))
        elif isinstance(ticket.command, Resume):
            for pause in self._pauses:
                pause.resolve()
            self._pauses.clear()
            ticket.resolve()
        else:
            self._carry_out(ticket)

    def _carry_out(self, ticket: Ticket) -> None:
        command: Command = ticket.command
        match command:
            case Stop():
                self.stop_tickets.append(ticket)
            case Pause():
                self._pauses.append(ticket)
            case Resume():
                self._answer(ticket, lambda: self.control.move_to(State.RUNNING))
            case Save() if self._validating:
                self._save_due.append(ticket)
            case Save():
                self._answer(ticket, lambda: self.saver.save(self, "asked"))
            case Edit(changes=changes):
                self._answer(ticket, lambda: self.edit(dict(changes)))
            case _:
                ticket.resolve(CommandError(f"The trainer does not know the command {type(command).__name__}."))

    def _hold(self) -> None:
        self.settle()
        self.control.move_to(State.PAUSED)
        for ticket in self._pauses:
            ticket.resolve()
        self._pauses.clear()

    @staticmethod
    def _answer(ticket: Ticket, do: Callable[[], None]) -> None:
        try:
            do()
        except NbtrainError as error:
            ticket.resolve(error)
        except BaseException as error:
            ticket.resolve(CommandError(f"The command failed with {type(error).__name__}: {error}"))
            raise
        else:
            ticket.resolve()

    def edit(self, changes: dict[str, Any]) -> None:
        """Change options from the next step on. Raises ConfigError or CommandError, with nothing changed."""
        options = self.options.replace(**changes)
        if options["epochs"] <= self.at.epoch:
            raise CommandError(
                f"epochs is {options['epochs']}, but {self.at.epoch} are done already; "
                f"give at least {self.at.epoch + 1}, or stop the run.")
        before, self.options = self.options, options
        self._read_options()
        for name in changes:
            if before[name] != options[name]:
                self.publish(OptionEdited(step=self.at.step, name=name, old=before[name], new=options[name]))

    def _read_options(self) -> None:
        """Plain attributes for what every step reads."""
        options = self.options
        self.epochs: int = options["epochs"]
        self.learning_rate: float = options["learning_rate"]
        self.max_grad_norm: float = options["max_grad_norm"]
        self.accumulation: int = options["gradient_accumulation_steps"]
        self.noise: float = options["gaussian_noise_std"]
        self.checkpoint_every: int = options["checkpoint_every"]
        length = self.job.train.length
        self.steps_per_epoch = None if length is None else -(-length // self.accumulation)
        # Data without a length is only let in with a scheduler that never asks where the end is.
        self.schedule = Schedule(options.schedule, self.total_steps or 1, self.steps_per_epoch or 1)
        optimizers.apply(self.optimizer, weight_decay=options["weight_decay"])
        self.stopping.patience = options["patience"]
        if self.ema is not None:
            self.ema.decay = options["ema_decay"]

    # -- state ----------------------------------------------------------------------------------

    def components(self) -> dict[str, Any]:
        """State dicts of everything that learns or remembers, by the name of its file in a checkpoint."""
        self.settle()
        parts: dict[str, Any] = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        if self.ema is not None:
            parts["ema"] = self.ema.state_dict()
        return parts

    def state(self) -> dict[str, Any]:
        """The rest of what a resume needs, as plain JSON."""
        scaler = self.precision.scaler
        return {
            "position": asdict(self.at) | {"seconds": self.seconds},
            "options": self.options.flat(),
            "stopping": self.stopping.state_dict(),
            "scaler": None if scaler is None else scaler.state_dict(),
        }

    def restore(self, components: dict[str, Any], state: dict[str, Any]) -> None:
        """Take up where `components` and `state` were saved."""
        before, now = state["options"], self.options.flat()
        self.at = Position(**state["position"])
        self.model.load_state_dict(components["model"])
        # A fork may differ in these; what no longer fits then starts anew.
        if before["optimizer"] == now["optimizer"]:
            self.optimizer.load_state_dict(components["optimizer"])
        if self.ema is not None and "ema" in components:
            self.ema.load_state_dict(components["ema"])
        if self.precision.scaler is not None and state["scaler"] is not None:
            self.precision.scaler.load_state_dict(state["scaler"])
        if before["monitor"] == now["monitor"]:
            self.stopping.load_state_dict(state["stopping"])
        if any(before[name] != now[name] for name in _ORDER):
            self.at.batch, self.at.loss_sum, self.at.loss_count = 0, 0.0, 0
        self._read_options()  # loading the optimizer brought the old weight decay back

    def settle(self) -> None:
        """Look at the step that is still on the device, if any. Raises NonFiniteLossError."""
        if self.lookback is not None:
            self.lookback.look()

    def _settled(self, step: int, loss: float, norm: float) -> None:
        """Update `step` is known to be good: record it, and let the averaged weights follow."""
        self.history.append("loss", step, loss)
        self.history.append("grad_norm", step, norm)
        self.at.loss_sum += loss
        self.at.loss_count += 1
        if self.ema is not None:
            self.ema.update(self.model)

    # -- small parts ----------------------------------------------------------------------------

    def _lookback(self) -> Lookback | None:
        masked = getattr(self.optimizer, "_step_supports_amp_scaling", False)
        if self.device.type != "cuda" or not masked or self.precision.scaler is not None:
            return None
        return Lookback(self.optimizer, self.model, self._settled)

    def _scaled(self, loss: Tensor) -> Tensor:
        scaler = self.precision.scaler
        return loss if scaler is None else scaler.scale(loss)

    def _clip(self, norm: Tensor) -> None:
        if self.max_grad_norm > 0:
            nn.utils.clip_grads_with_norm_(self.parameters, self.max_grad_norm, norm)

    def _move(self) -> None:
        self.updating = True
        scaler = self.precision.scaler
        if scaler is None:
            self.optimizer.step()
        else:
            scaler.step(self.optimizer)
            scaler.update()
        self.updating = False

    def _start_clock(self) -> None:
        self._began = time.monotonic()
        self._window = (self.at.samples, self._began)

    def _stop_clock(self) -> None:
        self.at.seconds = self.seconds
        self._began = None

    def _measure_throughput(self) -> None:
        samples, since = self._window
        now = time.monotonic()
        if now - since >= THROUGHPUT_WINDOW:
            self.history.append("samples_per_second", self.at.step, (self.at.samples - samples) / (now - since))
            self._window = (self.at.samples, now)

    def warn(self, message: str) -> None:
        self.publish(Warned(step=self.at.step, message=message))

