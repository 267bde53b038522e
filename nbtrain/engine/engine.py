"""The loop: `fit → epoch → step`. It knows batches, weights and commands, and nothing of notebooks or files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from nbtrain.config import TrainConfig
from nbtrain.core.control import Control, State
from nbtrain.core.errors import NonFiniteLossError
from nbtrain.core.events import EpochEnd, Event
from nbtrain.core.history import History
from nbtrain.core.samples import Sample
from nbtrain.engine import looking, optimizers
from nbtrain.engine.batches import Batch
from nbtrain.engine.crew import Crew, hire
from nbtrain.engine.ema import Ema
from nbtrain.engine.footing import Footing, Position
from nbtrain.engine.forward import add_noise
from nbtrain.engine.job import Job
from nbtrain.engine.objective import Parts
from nbtrain.engine.precision import Precision
from nbtrain.engine.randomness import Turn
from nbtrain.engine.readout import Lookback, judge
from nbtrain.engine.schedules import Schedule
from nbtrain.engine.steering import Steering, StopRequested
from nbtrain.engine.stopping import EarlyStopping

#: A loss, 0-d, and its parts by name.
Figures = tuple[Tensor, Mapping[str, Any]]

#: Seconds over which one figure of throughput is taken.
THROUGHPUT_WINDOW = 0.25
#: Options that the optimizer's state depends on: where one differs, a fork begins with a fresh one.
_OPTIMIZER = ("optimizer", "momentum")
#: Options that the order of the batches depends on: where one differs, a fork begins its epoch anew.
_ORDER = ("batch_size", "seed", "validation", "test", "use_oversampling", "oversample_ratio")


class Saver(Protocol):
    """Decides when a checkpoint is due, and writes it. Never blocks longer than a copy of the state takes."""

    def after_step(self, engine: Engine) -> None: ...
    def after_epoch(self, engine: Engine, *, improved: bool, figures: dict[str, float]) -> None: ...
    def save(self, engine: Engine, reason: str) -> None: ...
    def keep_samples(self, engine: Engine, samples: Sequence[Sample]) -> None: ...
    def settle(self) -> None:
        """The run is to go on after a pause: where something failed, wait for what is still being written."""
    def catch_up(self, engine: Engine) -> None:
        """The run goes on after a pause: write what could not be written before."""


class Engine:
    """One training, driven by one thread."""

    def __init__(
        self, job: Job, config: TrainConfig, *, control: Control, history: History,
        publish: Callable[[Event], None], saver: Saver,
    ) -> None:
        self.job, self.model, self.device = job, job.model, job.device
        self.control, self.history, self.publish, self.saver = control, history, publish, saver
        self.at = Position()
        self.options = config
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = optimizers.build(config.optimization, self.model, job.given.rates)
        self.precision = Precision(config.precision, self.device)
        self.ema = Ema(self.model, config["ema_decay"]) if config["use_ema"] else None
        self.stopping = EarlyStopping(config.stopping, higher_is_better=job.metrics.higher_is_better(config["monitor"]))
        self.turn = Turn(config["seed"], self.device)
        self.lookback = self._lookback()
        self.footing = Footing(self.model)
        self.steering = Steering(self)
        self.told: set[str] = set()
        """What `looking` said already, each once in a run."""
        #: True while the state is neither that of one step nor of the next; what fails then leaves nothing to save.
        self.torn = False
        self.crew: Crew | None = None
        """Other processes that make a share of each gradient."""
        kinds = {(p.device, p.dtype, type(p.data)) for p in self.parameters}
        self._alike = len(kinds) == 1 and kinds.pop()[2] is Tensor
        self.tokens = 0
        """Seen since the clock was started; 0 where samples are not made of tokens."""
        self._window = (0, 0, 0.0)
        self._began: float | None = None
        self._read_options()

    # -- the loop -------------------------------------------------------------------------------

    def fit(self) -> State:
        """Train to the last epoch, to early stopping, or to a stop. Returns the state the run ends in."""
        try:
            self.crew = hire(self.job, self.options)
            self.steering.obey()
            while self.at.epoch < self.epochs and not self.out_of_patience:
                self.epoch()
        except StopRequested:
            return State.STOPPED
        finally:
            self.stop_clock()
            if self.crew is not None:
                self.crew.close()
            if not self.torn:
                self.settle()
        return State.FINISHED

    def epoch(self) -> None:
        """Train on every batch once (from where a resumed run left off), validate, and draw the balance."""
        self.set_mode(training=True)
        batches = iter(self.job.train.epoch(self.at.epoch, skip=self.at.batch))
        while True:
            if self.control.pending:
                self.steering.obey()
                self.set_mode(training=True)  # during a pause the user may have tried the model out
            with self.turn.at(self.at.step):
                group = list(islice(batches, self.accumulation))
                if not group:
                    break
                self.step(group)
            self.saver.after_step(self)
        self.settle()
        self.close_epoch(looking.validate(self) if looking.learned(self) else {})

    def step(self, group: list[Batch]) -> None:
        """One optimizer update from the micro-batches of `group`. What fails leaves no trace in the state."""
        at = self.at
        self.footing.remember(at)
        rate = self.learning_rate * self.schedule(at.step)
        optimizers.apply(self.optimizer, learning_rate=rate)
        for parameter in self.parameters:  # `zero_grad` opens a profiler record: a twentieth of a small step
            parameter.grad = None
        try:
            self.update(at.step + 1, self.backward(group))
        except BaseException as error:
            if not self.torn:
                self._go_back(error.step - 1 if isinstance(error, NonFiniteLossError) else at.step)
            raise
        at.step += 1
        at.batch += len(group)
        at.samples += sum(batch.size for batch in group)
        if group[0].tokens:
            self.tokens += sum(batch.tokens for batch in group)
        self.history.append("learning_rate", at.step, rate)
        self._measure_throughput()

    def backward(self, group: list[Batch]) -> Figures:
        """Gradients of the mean loss over all samples of the group. Returns that loss and its parts, on the device."""
        if self.crew is not None:
            scaler = self.precision.scaler
            return self.crew.backward(group, self.at.step, self.noise, 1.0 if scaler is None else scaler.get_scale())
        if len(group) == 1:
            loss, parts = self.loss_of(group[0])
            self._scaled(loss).backward()
            return loss.detach(), {name: part.detach() for name, part in parts.items()} if parts else parts
        samples = sum(batch.size for batch in group)
        total, sums = torch.zeros((), device=self.device), Parts()
        for batch in group:
            share = batch.size / samples
            loss, parts = self.loss_of(batch)
            self._scaled(loss * share).backward()
            total += loss.detach() * share
            sums.add(parts, batch.size)
        return total, sums.means()

    def loss_of(self, batch: Batch) -> Figures:
        """Training loss of one micro-batch, 0-d, and its parts by name."""
        if self.noise:
            batch = batch._replace(inputs=add_noise(batch.inputs, self.noise))
        with self.precision.autocast():
            return self.job.objective(self.model, batch)[:2]

    def update(self, step: int, figures: Figures) -> None:
        """Clip, look at loss and gradient, and move the weights. Raises NonFiniteLossError before they move."""
        (loss, parts), scaler = figures, self.precision.scaler
        if scaler is not None:
            scaler.unscale_(self.optimizer)
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        norm = self._total_norm(gradients)
        if self.lookback is not None:
            self._clip(norm)
            self.settle()
            self.lookback.mask(step, loss, norm, parts)
            self._move()
            return
        loss_value, norm_value = loss.item(), norm.item()
        overflow = scaler is not None and scaler.get_scale() > 1.0 and not torch.isfinite(norm)
        judge(step, loss_value, 0.0 if overflow else norm_value)  # fp16 finds its scale by overflowing now and then
        if norm_value > self.max_grad_norm > 0:
            self._clip(norm)
        self._move()
        self._settled(step, loss_value, norm_value, {name: part.item() for name, part in parts.items()})

    @contextmanager
    def weights_swapped(self) -> Iterator[None]:
        """Within, the model has the averaged weights where EMA is on; within that again, its own."""
        self._swap_weights()
        try:
            yield
        finally:
            self._swap_weights()

    def _swap_weights(self) -> None:
        if self.ema is not None:
            with self.turn.at("swap"):  # not while someone predicts
                self.ema.swap(self.model)

    def set_mode(self, *, training: bool) -> None:
        """Training or evaluation mode, for all modules; not while someone predicts, who changes it for a moment."""
        with self.turn.at("mode"):
            self.model.train(training)

    def close_epoch(self, figures: dict[str, float]) -> None:
        """Write the epoch's figures, see whether it was the best so far, and turn the page."""
        at = self.at
        figures = {**({"train_loss": at.loss_sum / at.loss_count} if at.loss_count else {}), **figures}
        for name, value in figures.items():
            self.history.append(name, at.step, value)
        at.epoch, at.batch, at.loss_sum, at.loss_count = at.epoch + 1, 0, 0.0, 0
        monitored = looking.monitored(self, figures)
        improved = monitored is not None and self.stopping.update(monitored, at.step)
        self.publish(EpochEnd(step=at.step, epoch=at.epoch, metrics=figures))
        looking.show_samples(self)
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
        at, length = self.at, self.job.train.length
        if length is None or self.steps_per_epoch is None:
            return None
        # Counted from where it stands: a fork with another batch size has done a different number of steps.
        this_epoch = -(-(length - at.batch) // self.accumulation)
        return at.step + max(0, this_epoch + (self.epochs - at.epoch - 1) * self.steps_per_epoch)

    def adopt(self, options: TrainConfig) -> None:
        """Go by these options from the next step on."""
        self.options = options
        self._read_options()

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
        self.steps_per_epoch: int | None = None if length is None else -(-length // self.accumulation)
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
        if all(before[name] == now[name] for name in _OPTIMIZER):
            self.optimizer.load_state_dict(components["optimizer"])
            optimizers.lay_as_parameters(self.optimizer)
        if self.ema is not None:
            if "ema" in components:
                self.ema.load_state_dict(components["ema"])
            else:
                self.ema = Ema(self.model, self.options["ema_decay"])  # from here, not from where the model was
        if self.precision.scaler is not None and state["scaler"] is not None:
            self.precision.scaler.load_state_dict(state["scaler"])
        if before["monitor"] == now["monitor"]:
            self.stopping.load_state_dict(state["stopping"])
        if any(before[name] != now[name] for name in _ORDER):
            self.at.batch, self.at.loss_sum, self.at.loss_count = 0, 0.0, 0
        self._read_options()  # loading the optimizer brought the old weight decay back

    def settle(self) -> None:
        """Look at the step that is still on the device, if any. Raises NonFiniteLossError, that step taken back."""
        if self.lookback is None:
            return
        try:
            self.lookback.look()
        except NonFiniteLossError as error:
            self._go_back(error.step - 1)
            raise

    def _settled(self, step: int, loss: float, norm: float, parts: Mapping[str, float]) -> None:
        """Update `step` is known to be good: record it, and let the averaged weights follow."""
        self.history.append("loss", step, loss)
        self.history.append("grad_norm", step, norm)
        for name, part in parts.items():
            self.history.append(name, step, part)
        self.at.loss_sum += loss
        self.at.loss_count += 1
        if self.ema is not None:
            self.ema.update(self.model)

    def _go_back(self, step: int) -> None:
        """To where update `step` left the run, which is one of the last two: what came after it never was."""
        self.torn = True
        self.footing.back_to(step, self.at)
        self.history.truncate(step)
        if step == 0:
            self.optimizer.state.clear()  # a masked first update leaves zeros where there was nothing
        if self.ema is not None:
            self.ema.follow_buffers(self.model)
        self.torn = False

    # -- small parts ----------------------------------------------------------------------------

    def _lookback(self) -> Lookback | None:
        masked = getattr(self.optimizer, "_step_supports_amp_scaling", False)
        if self.device.type != "cuda" or not masked or self.precision.scaler is not None:
            return None
        return Lookback(self.optimizer, self._settled)

    def _scaled(self, loss: Tensor) -> Tensor:
        scaler = self.precision.scaler
        return loss if scaler is None else scaler.scale(loss)

    def _total_norm(self, gradients: list[Tensor]) -> Tensor:
        """`nn.utils.get_total_norm`, 0-d; it sorts by device and type each time, a twentieth of a small step."""
        if not self._alike or not gradients:
            return nn.utils.get_total_norm(gradients)
        norms = torch._foreach_norm(gradients)  # noqa: SLF001 - torch's own function calls it too
        norm: Tensor = torch.linalg.vector_norm(torch.stack(norms))
        return norm

    def _clip(self, norm: Tensor) -> None:
        if self.max_grad_norm > 0:
            nn.utils.clip_grads_with_norm_(self.parameters, self.max_grad_norm, norm)

    def _move(self) -> None:
        self.torn = True
        scaler = self.precision.scaler
        if scaler is None:
            self.optimizer.step()
        else:
            scaler.step(self.optimizer)
            scaler.update()
        self.torn = False

    def start_clock(self) -> None:
        self._began = time.monotonic()
        self._window = (self.at.samples, self.tokens, self._began)

    def stop_clock(self) -> None:
        self.at.seconds = self.seconds
        self._began = None

    def _measure_throughput(self) -> None:
        samples, tokens, since = self._window
        now = time.monotonic()
        if now - since >= THROUGHPUT_WINDOW:
            self.history.append("samples_per_second", self.at.step, (self.at.samples - samples) / (now - since))
            if self.tokens > tokens:
                self.history.append("tokens_per_second", self.at.step, (self.tokens - tokens) / (now - since))
            self._window = (self.at.samples, self.tokens, now)

