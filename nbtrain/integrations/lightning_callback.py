"""The panel for Lightning's `Trainer`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lightning.pytorch import Callback

from nbtrain.integrations.session import Session
from nbtrain.tracking.batches import size_of


class LightningCallback(Callback):  # type: ignore[misc]  # lightning's types are not looked at
    """``Trainer(callbacks=[nbtrain.integrations.LightningCallback()])``: charts, pause, stop, live learning rate.

    The loss of every batch that `training_step` returns is the history's ``loss``, beside all that the module logs.

    Args:
        name: of the run; None takes the module's class name.
        show: show the panel when in a notebook.
    """

    def __init__(self, *, name: str | None = None, show: bool = True) -> None:
        self._name, self._show = name, show
        self._session: Session | None = None
        self._moments: dict[str, str] = {}

    @property
    def run(self) -> Any:
        """The run of the newest training: `state`, `history`, `pause()` …; None before the first."""
        return None if self._session is None else self._session.run

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        if not trainer.is_global_zero:
            return
        batches = trainer.num_training_batches
        length = int(batches) if batches != float("inf") else None
        epochs = trainer.max_epochs if trainer.max_epochs and trainer.max_epochs > 0 else None
        planned = [length * epochs] if length and epochs else []
        if trainer.max_steps > 0:
            planned.append(trainer.max_steps * trainer.accumulate_grad_batches)
        self._session = Session(
            name=self._name or type(pl_module).__name__, epochs=epochs or 1, total=min(planned, default=None),
            optimizers=[one for one in trainer.optimizers if getattr(one, "param_groups", None)], show=self._show,
            options={"gradient_accumulation_steps": trainer.accumulate_grad_batches})
        self._session.run.set_out_from((length or 0) * trainer.current_epoch, trainer.current_epoch)
        self._moments = dict.fromkeys(trainer.callback_metrics, "epoch")  # left of an earlier training

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002 - Lightning's signature, as below
        if self._session is not None:
            self._session.run.advance(self._session.run.step + 1)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        if self._session is None:
            return
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if loss is not None:  # Lightning divides it for the gradients that it adds up
            self._session.log({"loss": loss * trainer.accumulate_grad_batches})
        self._log(trainer, "batch")
        self._session.run.measure(size_of(batch))
        self._heed(trainer)

    def on_validation_batch_end(self, trainer: Any, pl_module: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Pause is heard while it validates, too; a stop takes effect after the next batch."""
        self._heed(trainer)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        self._log(trainer, "validation")

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        if self._session is not None:
            self._log(trainer, "epoch")
            self._session.run.close_epoch()

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        if self._session is not None:
            self._session.end()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:  # noqa: ARG002
        if self._session is not None:
            self._session.run.end_by(exception)

    def _log(self, trainer: Any, moment: str) -> None:
        """What the module logged for this moment: the end of a batch, of a validation, or of an epoch.

        Lightning keeps every figure until there is a newer one; a figure belongs to the moment it was first there.
        """
        if self._session is not None and not self._session.run.state.ended:
            now = trainer.callback_metrics
            self._session.log({
                name: value for name, value in now.items()
                if name != "loss" and self._moments.setdefault(name, moment) == moment})

    def _heed(self, trainer: Any) -> None:
        if self._session is not None and not self._session.run.state.ended and not self._session.run.heed():
            trainer.should_stop = True
