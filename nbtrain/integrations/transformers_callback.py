"""The panel for `transformers.Trainer`."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from transformers import TrainerCallback

from nbtrain.integrations.session import Session

#: Of what the Trainer logs: how fast it was at the end, which is measured here too, and what is counted here.
_LEFT_OUT = ("_runtime", "_per_second", "total_flos", "epoch", "step")


class TransformersCallback(TrainerCallback):
    """``Trainer(…, callbacks=[nbtrain.integrations.TransformersCallback()])``: charts, pause, stop, live learning rate.

    What the Trainer logs is the history: with ``logging_steps=1`` there is a loss for every step. ``eval_loss`` is
    called ``val_loss`` here.

    The Trainer does not tell its callbacks of an error. In a notebook it is known when the cell ends; elsewhere hold
    the callback open: ``with callback: trainer.train()``.

    Args:
        name: of the run; None takes the model's class name.
        show: show the panel when in a notebook.
    """

    def __init__(self, *, name: str | None = None, show: bool = True) -> None:
        self._name, self._show = name, show
        self._session: Session | None = None

    @property
    def run(self) -> Any:
        """The run of the newest training: `state`, `history`, `pause()` …; None before the first."""
        return None if self._session is None else self._session.run

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
    ) -> None:
        if self._session is not None and error is not None:
            self._session.run.end_by(error)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002 - the Trainer's signature, as below
        if not state.is_world_process_zero:
            return
        if self._session is not None:  # it was left by an error that nobody told of
            self._session.left()
        optimizer, model = kwargs.get("optimizer"), kwargs.get("model")
        self._session = Session(
            name=self._name or type(model).__name__, epochs=state.num_train_epochs or args.num_train_epochs,
            total=state.max_steps if state.max_steps > 0 else None,
            optimizers=[optimizer] if getattr(optimizer, "param_groups", None) else None, show=self._show,
            options={
                "batch_size": args.per_device_train_batch_size, "seed": args.seed,
                "gradient_accumulation_steps": args.gradient_accumulation_steps, "max_grad_norm": args.max_grad_norm,
            })
        self._session.run.set_out_from(state.global_step, int(state.epoch or 0))

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        if self._session is not None:
            self._session.run.advance(state.global_step + 1)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        if self._session is None:
            return
        run = self._session.run
        run.measure(args.train_batch_size * args.gradient_accumulation_steps * args.world_size)
        if not run.heed():
            control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:  # noqa: ARG002
        if self._session is not None and not self._session.run.state.ended:
            known = "learning_rate" in self._session.run.options()  # and so written at every step
            self._session.log({
                name.replace("eval_", "val_", 1) if name.startswith("eval_") else name: value
                for name, value in (logs or {}).items()
                if not name.endswith(_LEFT_OUT) and not (known and name == "learning_rate")})

    def on_prediction_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Pause is heard while it evaluates, too; a stop takes effect after the next step."""
        if self._session is not None and not self._session.run.state.ended:
            self._session.run.heed()

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        if self._session is not None:
            self._session.run.close_epoch()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        if self._session is not None:
            self._session.end()
