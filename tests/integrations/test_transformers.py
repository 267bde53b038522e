from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import nbtrain
from nbtrain import training
from nbtrain.core.events import EpochEnd
from tests.integrations.trainers import Rows, trainer
from tests.tracking.loops import in_a_thread
from tests.waiting import reached, until

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"), pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),  # the libraries' own
]


def test_a_training_of_the_trainer_is_a_run(tmp_path):
    callback = nbtrain.integrations.TransformersCallback()
    done = trainer(tmp_path, callback, eval_strategy="epoch").train()
    run = callback.run
    assert (run.state, run.step, run.total_steps, run.epoch) == ("finished", 8, 8, 2)
    assert run.name == "BertForSequenceClassification"
    assert run.history["loss"].steps.tolist() == list(range(1, 9))
    assert run.history["loss"].values.mean() == pytest.approx(done.training_loss, rel=1e-3)
    assert run.history["val_loss"].steps.tolist() == [4, 8]
    assert run.history["learning_rate"].values.tolist() == pytest.approx([1e-3 * (1 - step / 8) for step in range(8)])
    assert "grad_norm" in run.history
    assert not [name for name in run.history.names if "runtime" in name or name in {"epoch", "total_flos"}]
    [row] = nbtrain.runs()
    assert (row["state"], row["step"], row["metrics"]["val_loss"]) == ("finished", 8, run.history.last("val_loss"))
    assert run.warnings == []


def test_without_logging_each_step_the_history_has_what_is_logged(tmp_path):
    callback = nbtrain.integrations.TransformersCallback(name="sparse")
    trainer(tmp_path, callback, logging_steps=4, gradient_accumulation_steps=2, max_steps=6).train()
    assert (callback.run.state, callback.run.step, callback.run.total_steps) == ("finished", 6, 6)
    assert callback.run.history["loss"].steps.tolist() == [4]
    assert callback.run.name == "sparse"


@pytest.mark.parametrize(("saved", "epochs"), [(4, [2, 3]), (6, [2, 3])])
def test_a_training_that_goes_on_counts_the_epochs_that_were_done(tmp_path, saved, epochs):
    trainer(tmp_path, None, num_train_epochs=3, max_steps=-1, save_strategy="steps", save_steps=2).train()
    callback = nbtrain.integrations.TransformersCallback()
    trainer(tmp_path, callback, num_train_epochs=3, max_steps=-1).train(
        resume_from_checkpoint=str(tmp_path / f"checkpoint-{saved}"))
    run = callback.run
    assert (run.state, run.step, run.epoch) == ("finished", 12, 3)
    assert run.history["loss"].steps.tolist() == list(range(saved + 1, 13))
    assert [event.epoch for event in run.events if isinstance(event, EpochEnd)] == epochs


def test_pause_edit_and_stop_reach_the_trainer(tmp_path):
    callback = nbtrain.integrations.TransformersCallback()
    mine: Any = trainer(tmp_path, callback, num_train_epochs=1000, lr_scheduler_type="cosine", weight_decay=0.05)
    with in_a_thread(mine.train) as raised:
        until(lambda: callback.run is not None, "the callback has its run")
        reached(callback.run, 3)
        run = callback.run
        assert training.active() == [run]
        run.pause()
        step = run.step
        before = run.history.last("learning_rate")
        assert run.state == "paused"
        assert sorted(run.options()["own_loop"]) == ["learning_rate", "weight_decay"]
        ticket = run.request(nbtrain.core.control.Edit({"learning_rate": 4e-3, "weight_decay": 0.02}))
        assert ticket.wait(60)
        assert (run.step, mine.state.global_step) == (step, step)
        run.resume()
        reached(run, step + 4)
        rates = run.history["learning_rate"]
        after = rates.values[rates.steps > step + 1][0]  # of then, not of now: it falls from step to step
        run.stop()
    assert raised == []
    assert run.state == "stopped"
    assert mine.state.global_step == run.step < 4000
    assert after / before == pytest.approx(4, rel=0.05)  # the scheduler goes on from the new rate
    assert mine.lr_scheduler.base_lrs == pytest.approx([4e-3, 4e-3])
    assert [group["weight_decay"] for group in mine.optimizer.param_groups] == pytest.approx([0.02, 0])


class Broken(Rows):
    def __getitem__(self, index):
        raise OSError("the disk is gone")


def test_an_error_is_told_where_the_callback_is_held_open(tmp_path):
    callback = nbtrain.integrations.TransformersCallback()
    with pytest.raises(OSError, match="the disk is gone"), callback:
        trainer(tmp_path, callback, train=Broken()).train()
    assert str(callback.run.error) == "The run failed at step 0: OSError: the disk is gone"


def test_in_a_cell_an_error_is_told_when_the_cell_ends(tmp_path, shell):
    shell.push({"folder": tmp_path, "trainer": trainer, "Broken": Broken})
    shell.run_cell(
        "import nbtrain\ncallback = nbtrain.integrations.TransformersCallback()\n"
        "trainer(folder, callback, train=Broken()).train()")
    run = shell.user_ns["callback"].run
    assert (run.state, str(run.error)) == ("failed", "The run failed at step 0: OSError: the disk is gone")


def test_the_next_training_closes_one_that_was_left(tmp_path):
    callback = nbtrain.integrations.TransformersCallback()
    with pytest.raises(OSError, match="the disk is gone"):
        trainer(tmp_path, callback, train=Broken()).train()
    first = callback.run
    assert first.state == "running"
    trainer(tmp_path, callback, max_steps=1).train()
    assert (first.state, first.reason) == ("stopped", "The trainer was left before its end.")
    assert callback.run.state == "finished"


def test_a_script_that_ends_by_an_error_fails_the_run(tmp_path):
    code = (
        "import sys, warnings, nbtrain\n"
        "warnings.simplefilter('ignore')\n"
        "from pathlib import Path\n"
        "from tests.integrations.trainers import Rows, trainer\n"
        "class Broken(Rows):\n    def __getitem__(self, index): raise OSError('the disk is gone')\n"
        "trainer(Path(sys.argv[1]), nbtrain.integrations.TransformersCallback(), train=Broken()).train()\n")
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    [row] = nbtrain.runs()
    assert row["state"] == "failed"
    assert str(training.find(row["id"]).error) == "The run failed at step 0: OSError: the disk is gone"


def test_a_library_that_is_not_there_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightning", None)
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    monkeypatch.delitem(sys.modules, "nbtrain.integrations.lightning_callback", raising=False)
    monkeypatch.delitem(vars(nbtrain.integrations), "LightningCallback", raising=False)
    with pytest.raises(nbtrain.NbtrainError, match="LightningCallback needs lightning, which is not installed"):
        nbtrain.integrations.LightningCallback  # noqa: B018 - the look-up is the test
    with pytest.raises(AttributeError, match="no attribute 'KerasCallback'"):
        nbtrain.integrations.KerasCallback  # noqa: B018 - as above
