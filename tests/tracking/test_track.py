from __future__ import annotations

import gc
import json
import math
import subprocess
import sys
import weakref

import pytest
import torch

import nbtrain
from nbtrain import training
from nbtrain.core.events import EpochEnd
from nbtrain.core.ports import OWN_LOOP
from nbtrain.store.stored import StoredRun
from nbtrain.store.workspace import current
from nbtrain.widgets import twin
from nbtrain.widgets.story import Story
from tests.tracking.loops import endless, loader


def trained(**options):
    """The run of a bare loop that learned a line."""
    torch.manual_seed(0)
    net = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    tracked = nbtrain.track(loader(), epochs=3, model=net, optimizer=optimizer, **options)
    for inputs, targets in tracked:
        loss = (net(inputs)[:, 0] - targets).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        nbtrain.log(loss=loss)
    return tracked


def test_a_loop_is_a_run_of_the_workspace():
    tracked = trained(hidden=3, note="first")
    assert (tracked.state, tracked.step, tracked.total_steps, tracked.progress) == ("finished", 30, 30, 1.0)
    assert tracked.epoch == tracked.epochs == 3
    [row] = nbtrain.runs()
    assert (row["id"], row["name"], row["state"]) == (tracked.id, "Linear", "finished")
    assert (row["step"], row["live"]) == (30, False)
    assert row["metrics"]["loss"] == tracked.history.last("loss")
    stored = current().database.run(tracked.id)
    assert stored.options["hidden"] == 3
    assert stored.options["learning_rate"] == 0.1
    kinds = [(event["event"], event.get("state")) for event in current().journal(tracked.id).read()]
    assert kinds == [("StateChanged", "running"), *[("EpochEnd", None)] * 3, ("StateChanged", "finished")]
    assert [line.kind for line in current().database.activity()] == ["finished", "training"]
    assert training.active() == []


def test_what_it_logs_is_the_history_in_memory_and_on_disk():
    tracked = trained()
    loss, rate = tracked.history["loss"], tracked.history["learning_rate"]
    assert loss.steps.tolist() == rate.steps.tolist() == list(range(1, 31))
    assert loss.values[20:].mean() < loss.values[:10].mean() / 2
    assert tracked.history["train_loss"].steps.tolist() == [10, 20, 30]
    assert tracked.history["train_loss"].values[0] == pytest.approx(loss.values[:10].mean())
    current().close()
    again = StoredRun(current(), current().database.run(tracked.id))
    assert again.history["loss"].values.tolist() == loss.values.tolist()


def test_figures_go_to_the_innermost_loop_and_then_to_the_outer_one_again():
    outer, inner = nbtrain.track([1, 2], name="outer"), None
    for _ in outer:
        inner = nbtrain.track([1, 2, 3], name="inner")
        for number in inner:
            nbtrain.log(seen=number)
        nbtrain.log(rounds=1.0)
    assert inner is not None
    assert inner.history["seen"].values.tolist() == [1, 2, 3]
    assert inner.history.names == ["seen"]
    assert outer.history["rounds"].steps.tolist() == [1, 2]


def test_epoch_by_epoch_there_is_room_for_validation():
    tracked = nbtrain.track(loader(), epochs=3)
    for number, batches in enumerate(tracked.by_epoch()):
        for at, _ in enumerate(batches):
            tracked.log(loss=1.0)
            if (number, at) == (1, 3):
                break  # this epoch alone
        tracked.log(val_loss=0.5 - number / 10)
    assert (tracked.state, tracked.epochs_done, tracked.step) == ("finished", 3, 24)
    assert tracked.history["val_loss"].steps.tolist() == [10, 14, 24]
    ends = [event for event in tracked.events if isinstance(event, EpochEnd)]
    assert [event.metrics["val_loss"] for event in ends] == [0.5, 0.4, 0.3]


def test_held_open_it_takes_figures_after_the_data_and_its_state_says_so():
    with nbtrain.track([1, 2, 3]) as tracked:
        for _ in tracked:
            pass
        assert tracked.state == "running"
        nbtrain.log(test_accuracy=0.9)
    assert tracked.state == "finished"
    assert tracked.history.last("test_accuracy") == 0.9
    with pytest.raises(nbtrain.CommandError, match="hold the run open"):
        tracked.log(test_accuracy=0.9)


def test_a_loader_without_a_length_has_no_total_until_it_was_gone_through_once():
    class Stream:
        def __iter__(self):
            return iter(range(5))

    tracked = nbtrain.track(Stream(), epochs=2)
    assert [tracked.total_steps for _ in tracked] == [None] * 5 + [10] * 5
    told = nbtrain.track(Stream(), epochs=2, total=4)
    assert [told.total_steps for _ in told] == [8, 8, 8, 8, 8, 10, 10, 10, 10, 10]


def test_an_empty_loader_ends_at_once_and_says_why():
    tracked: nbtrain.Tracked[int] = nbtrain.track([])
    assert list(tracked) == []
    assert (tracked.state, tracked.step, tracked.progress) == ("finished", 0, 1.0)
    assert tracked.warnings == ["The loader gave no batch in epoch 1; it is empty."]


def test_a_loader_that_is_spent_after_one_epoch_is_told():
    class Once:
        rows = iter(range(3))

        def __iter__(self):
            return self.rows

    tracked = nbtrain.track(Once(), epochs=2)
    assert list(tracked) == [0, 1, 2]
    assert tracked.warnings == ["The loader gave no batch in epoch 2: it can be gone through only once."]


def test_a_figure_that_is_not_finite_is_a_gap_and_one_warning():
    tracked = nbtrain.track(range(4))
    for number in tracked:
        nbtrain.log(loss=math.nan if number in {1, 2} else 1.0)
    assert tracked.state == "finished"
    assert [math.isnan(value) for value in tracked.history["loss"].values] == [False, True, True, False]
    [warning] = tracked.warnings
    assert warning.startswith("loss was nan at step 2")
    assert tracked.history.to_json()["loss"]["values"] == [1.0, None, None, 1.0]


def test_a_run_that_ended_holds_neither_data_nor_optimizer():
    data = loader()
    net = torch.nn.Linear(1, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    tracked = nbtrain.track(data, model=net, optimizer=optimizer)
    list(tracked)
    held = [weakref.ref(thing) for thing in (data, net, optimizer)]
    del data, net, optimizer
    gc.collect()
    assert [one() for one in held] == [None, None, None]
    assert tracked.options()["learning_rate"] == 0.1


def test_outside_of_a_loop_there_is_nothing_to_log_into():
    with pytest.raises(nbtrain.CommandError, match="none is running: for batch in"):
        nbtrain.log(loss=1.0)
    list(nbtrain.track([1]))
    with pytest.raises(nbtrain.CommandError, match="none is running"):
        nbtrain.log(loss=1.0)


def test_a_loop_is_gone_through_once():
    tracked = nbtrain.track([1, 2])
    assert tracked.state == "preparing"
    list(tracked)
    with pytest.raises(nbtrain.CommandError, match="by_epoch"):
        list(tracked)


@pytest.mark.parametrize(("given", "said"), [
    ({"loader": 5}, "loader is a int, which cannot be looped over"),
    ({"loader": iter([1]), "epochs": 2}, "can be gone through once, but epochs is 2"),
    ({"loader": [1], "epochs": 0}, "epochs is 0; it must be a whole number from 1 on"),
    ({"loader": [1], "epochs": True}, "epochs is True"),
    ({"loader": [1], "total": 2.5}, r"total is 2\.5; it must be a whole number"),
    ({"loader": [1], "name": 3}, "name is 3; it must be a text"),
    ({"loader": [1], "optimizer": torch.nn.Linear(1, 1)}, "optimizer is a Linear; hand in the torch.optim optimizer"),
    ({"loader": [1], "layers": [64, 64]}, "layers is a list; what is to be remembered"),
])
def test_what_is_wrong_is_one_sentence_before_anything_starts(given, said):
    with pytest.raises(nbtrain.NbtrainError, match=said) as caught:
        nbtrain.track(**given)
    assert "\n" not in str(caught.value)
    assert nbtrain.runs() == []


def test_nothing_is_resumed_saved_or_registered():
    tracked = nbtrain.track([1])
    list(tracked)
    with pytest.raises(nbtrain.CommandError, match="a loop of your own"):
        nbtrain.resume(tracked.id)
    for verb in (tracked.pause, tracked.stop):
        with pytest.raises(nbtrain.CommandError, match="The run is finished"):
            verb()


def test_it_is_shown_like_any_run():
    tracked = trained(name="mine")
    told = Story(tracked).tell()
    assert (told["state"], told["stage"], told["own_loop"], told["name"]) == ("finished", "ready", True, "mine")
    assert "Loss" in twin.render([tracked], "en")
    assert sorted(told["live"]) == ["epochs", "learning_rate", "weight_decay"]
    assert tracked.options()[OWN_LOOP] == ["epochs", "learning_rate", "weight_decay"]
    assert len(tracked.figure().data) > 0


def test_tracking_does_not_load_torch():
    code = "import nbtrain, sys\nfor _ in nbtrain.track([1]): nbtrain.log(loss=1.0)\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_a_killed_loop_is_listed_as_interrupted(workspace):
    code = (
        "import nbtrain, os\n"
        "from tests.tracking.loops import endless\n"
        "for number in nbtrain.track(endless(), name='killed'):\n"
        "    nbtrain.log(loss=1.0 / (number + 1))\n"
        "    if number == 500:\n"
        "        print(nbtrain.runs()[0]['id'], flush=True)\n")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        run_id = child.stdout.readline().strip()
        recorded = workspace / "runs" / run_id / "metrics.sqlite"
        assert recorded.is_file()
        child.kill()
    [row] = nbtrain.runs()
    assert (row["id"], row["state"], row["live"]) == (run_id, "running", False)
    assert "killed  running (interrupted)" in repr(nbtrain.runs())
    view = training.find(run_id)
    assert (view.state, view.reason) == ("stopped", "Its kernel ended while the loop ran.")


def test_a_script_that_ends_with_an_open_loop_says_so():
    code = "import nbtrain\nopen_ = iter(nbtrain.track([1, 2], name='open'))\nnext(open_)\nnbtrain.log(loss=1)\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    record = current().database.runs()[0]
    assert (record.state, record.reason) == ("stopped", "The interpreter ended.")


def test_events_can_be_read_as_json(workspace):
    tracked = nbtrain.track(endless(), total=10)
    for number in tracked:
        tracked.log(loss=float("inf"))
        if number == 2:
            break
    lines = (workspace / "runs" / tracked.id / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["StateChanged", "Warned", "StateChanged"]
