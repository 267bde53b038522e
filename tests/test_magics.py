"""`%nbtrain` in a real IPython shell, on a real training."""

from __future__ import annotations

import re
import time

import pytest
from IPython.core.error import UsageError

from nbtrain import training
from nbtrain.core.errors import RunNotFoundError
from tests.shell import complete

NOTEBOOK = """
import numpy as np
import torch
from nbtrain import training

torch.manual_seed(0)
X = torch.randn(64, 4)
y = (X[:, 0] > 0).long()
Xy = (X, y)
net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
table = np.zeros((3, 2))
words = ("not", "data")
"""
#: Long enough that nothing ends by itself while a test steers it.
LONG = "%nbtrain train --model net --data X,y --epochs 1000 --batch-size 4"


@pytest.fixture
def notebook(shell):
    assert shell.run_cell(NOTEBOOK).success
    return shell


def newest_that_trains():
    """The newest active run, once it has taken its first step."""
    run = training.active()[-1]
    while not run.step and not run.state.ended:
        time.sleep(0.01)
    return run


# -- training -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("notebook")
def test_a_run_is_started_steered_and_stopped(answer):
    answer(f"run = {LONG} --name first")
    run = newest_that_trains()
    assert (run.name, run.epochs, run.options()["batch_size"]) == ("first", 1000, 4)

    assert answer("%nbtrain pause").startswith(f"first ({run.id}) is paused.")
    assert run.state == "paused"
    assert answer("%nbtrain set --learning-rate 3e-4 --weight-decay 0") == (
        f"learning_rate is 0.0003 from step {run.step + 1} on.\nweight_decay is 0 from step {run.step + 1} on.")
    assert run.options()["learning_rate"] == 3e-4
    assert answer("%nbtrain resume").startswith(f"first ({run.id}) is training.")
    assert "is training." in answer("%nbtrain status")

    assert answer("%nbtrain stop").startswith(f"first ({run.id}) was stopped.")
    assert run.state == "stopped"
    assert answer("%nbtrain status").startswith("Nothing is running; this is the newest run.\nfirst (")
    assert re.search(rf"{run.id}\s+first\s+stopped", answer("%nbtrain runs"))


@pytest.mark.usefixtures("notebook")
def test_a_run_that_ended_goes_on_from_its_checkpoint(answer):
    answer(LONG)
    first = newest_that_trains()
    answer("%nbtrain pause")
    answer("%nbtrain stop")
    answer(f"run = %nbtrain resume {first.id}")
    again = training.active()[-1]
    assert again.id == first.id
    assert again is not first
    assert again.resumed == {"exact": True, "reasons": []}
    answer("%nbtrain stop")
    assert again.step >= first.step


@pytest.mark.usefixtures("notebook")
def test_a_cell_holds_options_on_several_lines(answer):
    answer("""%%nbtrain train
# what is trained
--model net --data Xy
# data of its own, not a share
--validation X,y
--metrics accuracy
--epochs=1 --use-ema
""")
    answer("run = training.find(training.runs()[0]['id']); run.wait(60)")
    run = training.find(training.runs()[0]["id"])
    assert run.options()["use_ema"] is True
    assert "val_accuracy" in run.history
    assert "val_macro_f1" not in run.history


@pytest.mark.usefixtures("notebook")
def test_with_several_runs_the_newest_is_meant_and_another_can_be_named(answer):
    answer(f"{LONG} --name older")
    older = newest_that_trains()
    answer(f"net2 = torch.nn.Linear(4, 2)\n{LONG.replace('net ', 'net2 ')} --name newer")
    newer = newest_that_trains()
    assert answer("%nbtrain pause").startswith("newer (")
    assert answer(f"%nbtrain pause --run {older.id}").startswith("older (")
    assert (older.state, newer.state) == ("paused", "paused")
    assert answer(f"%nbtrain stop {older.id}").startswith("older (")
    assert training.active() == [newer]


@pytest.mark.usefixtures("notebook")
def test_a_recipe_is_told_what_the_columns_of_a_dataset_are(answer):
    answer("""
import numpy as np, pandas as pd
import nbtrain
rows = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=300), "price": np.sin(np.arange(300) / 5)})
rows["label"] = np.where(rows.price > 0, "up", "down")
nbtrain.load_dataset(rows, name="prices")
""")
    answer("run = %nbtrain train --model hybrid-cnn-lstm --data dataset:prices --recipe timeseries --target label "
           "--time day --features price --window 16 --epochs 1")
    answer("run.wait(120)")
    run = training.find(training.runs()[0]["id"])
    assert run.state == "finished"
    assert (run.options()["recipe"], run.options()["window"]) == ("timeseries", 16)
    assert "val_macro_f1" in run.history


# -- what it refuses ----------------------------------------------------------------------------


@pytest.mark.usefixtures("notebook")
@pytest.mark.parametrize(("cell", "sentence"), [
    ("%nbtrain trian", "%nbtrain has no command trian; did you mean train?"),
    ("%nbtrain train", "%nbtrain train needs --model and --data: the names of variables of this notebook."),
    ("%nbtrain train --model net", "%nbtrain train needs --data: the names of variables of this notebook."),
    ("%nbtrain train --model net --data Xy --learing-rate 3",
     "%nbtrain train has no option --learing-rate; did you mean --learning-rate?"),
    ("%nbtrain train --model nett --data Xy",
     "--model names 'nett', and this notebook has no such variable; there are: net."),
    ("%nbtrain train --model net --data X,z",
     "--data names 'z', and this notebook has no such variable; there are: X, y, Xy, table."),
    ("%nbtrain train --model net --data Xy --epochs 0 --optimizer adamm",
     ("epochs is 0; it must be a whole number from 1 to 1000.\n"
      "optimizer is 'adamm'; it must be one of adam, adamw, sgd, rmsprop, lamb, adafactor.")),
    ("%nbtrain train --model net --data Xy extra", "%nbtrain train does not know what to do with 'extra'."),
    ("%nbtrain pause", "Nothing is running, so there is nothing to pause."),
    ("%nbtrain set --batch-size 4", "%nbtrain set has no option --batch-size; it takes --run, --epochs, "),
    ("%nbtrain resume", "Nothing is running, and this workspace has no runs yet."),
    ("%nbtrain pause no-such-run", "There is no run 'no-such-run'"),
    ("%nbtrain help learning-rat", "There is no option 'learning_rat'; did you mean 'learning_rate'?"),
])
def test_what_cannot_be_done_is_one_sentence(complaint, cell, sentence):
    assert complaint(cell).startswith(sentence)
    assert training.runs() == []


@pytest.mark.usefixtures("notebook")
def test_an_edit_out_of_range_changes_nothing(answer, complaint):
    answer(LONG)
    assert complaint("%nbtrain set --learning-rate 5") == "learning_rate is 5; it must be a number from 1e-07 to 1."
    assert training.active()[-1].options()["learning_rate"] == 1e-3


@pytest.mark.usefixtures("notebook")
def test_a_run_that_ended_cannot_be_paused(answer, complaint):
    answer(LONG)
    run_id = training.active()[-1].id
    answer("%nbtrain stop")
    assert complaint(f"%nbtrain pause {run_id}") == (
        f"Run {run_id} has ended (it is stopped), so %nbtrain pause cannot reach it.")
    with pytest.raises(RunNotFoundError):
        training.find("another")


# -- help, completion, unloading ----------------------------------------------------------------


def test_help_lists_every_command_and_option(answer):
    overview = answer("%nbtrain help")
    assert answer("%nbtrain") == overview
    assert "%nbtrain resume" in overview
    assert "--gradient-accumulation-steps" in overview
    assert "--queue" in overview


def test_help_tells_of_an_option(answer):
    assert "Default: 0.001" in answer("%nbtrain help learning-rate")


@pytest.mark.parametrize(("cell", "names"), [
    ("%nbtrain tr", ["train"]),
    ("run = %nbtrain tr", ["train"]),
    ("%nbtrain train --model n", ["net"]),
    ("%nbtrain train --model hybrid", ["hybrid-cnn-lstm"]),
    ("%nbtrain train --data ", ["X", "Xy", "table", "y"]),
    ("%nbtrain train --data X,t", ["table"]),
    ("%nbtrain train --optimizer sg", ["sgd"]),
    ("%%nbtrain train\n--model net\n--bat", ["--batch-size"]),
    ("a = 1\n%nbtrain help warm", ["warmup_epochs", "warmup_steps"]),
])
def test_completion(notebook, cell, names):
    assert complete(notebook, cell) == names


def test_completion_offers_runs(notebook, answer):
    answer(LONG)
    assert complete(notebook, "%nbtrain pause ")[-1] == training.active()[-1].id


def test_other_lines_are_left_to_ipython(notebook):
    assert "table" in complete(notebook, "tab")
    assert complete(notebook, "nbtrain --ep") == []


def test_unloading_takes_everything_out(shell, capsys):
    before = len(shell.Completer.custom_matchers)
    shell.run_line_magic("reload_ext", "nbtrain")
    assert len(shell.Completer.custom_matchers) == before
    shell.run_line_magic("unload_ext", "nbtrain")
    assert len(shell.Completer.custom_matchers) == before - 1
    assert "--epochs" not in complete(shell, "%nbtrain train --ep")
    assert isinstance(shell.run_cell("%nbtrain help").error_in_exec, UsageError)


def test_train_takes_a_dataset_or_a_file_by_name(notebook, answer, complaint, tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("a,b,c,d,label\n" + "1,2,3,4,0\n4,3,2,1,1\n" * 20, "utf-8")
    answer(f"%nbtrain data import {file} --name numbers")
    for named in ("numbers", file):
        answer(f"run = %nbtrain train --model net --data {named} --epochs 1")
        run = notebook.user_ns["run"]
        assert run.wait() == "finished"
        assert len(run._trainer.given.data[0]) == 40
    assert "has no such variable" in complaint("%nbtrain train --model net --data numberz")
