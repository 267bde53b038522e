from __future__ import annotations

from typing import Any

import pytest
import torch

import nbtrain
from nbtrain import training
from tests.tracking.loops import in_a_thread, loader
from tests.waiting import reached, until

pytest.importorskip("lightning")
import lightning

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's own, about loaders and loggers


class Line(lightning.LightningModule):  # type: ignore[misc]  # its types are not in the environment of lint
    """A linear layer that logs what Lightning's users log."""

    def __init__(self, *, fails_at: int | None = None) -> None:
        super().__init__()
        self.net = torch.nn.Linear(1, 1)
        self.fails_at = fails_at

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        if self.fails_at == batch_idx:
            raise ValueError("the step is broken")
        loss = (self.net(batch[0])[:, 0] - batch[1]).square().mean()
        self.log("train_error", loss.sqrt(), on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val_loss", (self.net(batch[0])[:, 0] - batch[1]).square().mean())

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)]


def trainer(callback: Any, **options: Any) -> Any:
    return lightning.Trainer(
        **{"max_epochs": 3, **options}, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, callbacks=[callback])


def test_a_training_of_lightning_is_a_run():
    callback = nbtrain.integrations.LightningCallback()
    trainer(callback).fit(Line(), loader(), loader())
    run = callback.run
    assert (run.state, run.step, run.total_steps, run.epochs_done, run.name) == ("finished", 30, 30, 3, "Line")
    loss = run.history["loss"]
    assert loss.steps.tolist() == list(range(1, 31))
    assert run.history["train_error_step"].values ** 2 == pytest.approx(loss.values, rel=1e-4)
    assert run.history["val_loss"].steps.tolist() == [10, 20, 30]
    assert run.history["train_error_epoch"].steps.tolist() == [10, 20, 30]
    assert run.history["learning_rate"].values.tolist() == pytest.approx([0.1] * 10 + [0.05] * 10 + [0.025] * 10)
    assert nbtrain.runs()[0]["state"] == "finished"
    assert run.warnings == []


def test_the_loss_is_whole_where_gradients_are_added_up():
    callback = nbtrain.integrations.LightningCallback(name="added")
    trainer(callback, accumulate_grad_batches=2, max_epochs=1).fit(Line(), loader(), loader())
    run = callback.run
    assert run.name == "added"
    assert run.history["train_error_step"].values ** 2 == pytest.approx(run.history["loss"].values, rel=1e-4)


def test_pause_edit_and_stop_reach_the_trainer():
    callback = nbtrain.integrations.LightningCallback()
    mine, module = trainer(callback, max_epochs=10_000), Line()
    with in_a_thread(lambda: mine.fit(module, loader())) as raised:
        until(lambda: callback.run is not None, "the callback has its run")
        reached(callback.run, 3)
        run = callback.run
        assert training.active() == [run]
        run.pause()
        step = run.step
        assert run.state == "paused"
        rate = mine.optimizers[0].param_groups[0]["lr"]
        base = run.options()["learning_rate"]
        assert run.request(nbtrain.core.control.Edit({"learning_rate": base / 2})).wait(60)
        assert run.step == step
        now = mine.optimizers[0].param_groups[0]["lr"]
        run.resume()
        reached(run, step + 31)
        run.stop()
    assert raised == []
    assert run.state == "stopped"
    assert now == pytest.approx(rate / 2)
    assert mine.lr_scheduler_configs[0].scheduler.base_lrs == pytest.approx([base / 2])


def test_an_error_in_the_module_fails_the_run():
    callback = nbtrain.integrations.LightningCallback()
    with pytest.raises(ValueError, match="the step is broken"):
        trainer(callback).fit(Line(fails_at=4), loader(), loader())
    assert str(callback.run.error) == "The run failed at step 5: ValueError: the step is broken"
