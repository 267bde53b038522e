from __future__ import annotations

import pytest

from nbtrain.commandline.completion import complete
from nbtrain.commandline.verbs import verbs
from nbtrain.config import PRESETS

HELD = {"model": ["net", "big_net"], "data": ["X", "Xy", "y"], "run": ["run-1", "run-2"],
        "dataset": ["reviews", "Reviews of 2025"], "deleted": ["old"]}


def completed(text):
    return complete(text, HELD.__getitem__)


@pytest.mark.parametrize(("text", "names", "fragment"), [
    (" tr", ["train"], "tr"),
    (" st", ["status", "stop"], "st"),
    (" train --model ", ["net", "big_net"], ""),
    (" train --model n", ["net"], "n"),
    (" train --data X,", ["X", "Xy", "y"], ""),
    (" train --data=X,y", ["y"], "y"),
    (" train --optimizer ad", ["adam", "adamw", "adafactor"], "ad"),
    (" train --optimizer=l", ["lamb"], "l"),
    (" train --preset ", list(PRESETS), ""),
    (" train --device c", ["cpu", "cuda"], "c"),
    (" train --metrics accuracy,ma", ["macro_f1", "mae"], "ma"),
    (" train --learning-rate ", ["0.001"], ""),
    (" train --use-ema T", ["True"], "T"),
    (" train --learning_r", ["--learning-rate"], "--learning_r"),
    (" train --no-use-e", ["--no-use-ema"], "--no-use-e"),
    (" resume ", ["run-1", "run-2", "--run", "--model", "--data", "--validation"], ""),
    (" pause --run run-2", ["run-2"], "run-2"),
    (" help lear", ["learning_rate"], "lear"),
    (" runs ", [], ""),
    (" trian --e", [], "--e"),
    (" data pro", ["profile", "process"], "pro"),
    (" data profile re", ["reviews", "'Reviews of 2025'"], "re"),
    (" data profile 'rev", ["reviews", "'Reviews of 2025'"], "'rev"),
    (" data profile reviews ", ["--target"], ""),
    (" data undo ", ["old"], ""),
    (" data help ex", ["export"], "ex"),
    (" data split reviews --method ", ["random", "stratified", "group", "time", "column", "kfold"], ""),
    (" data split reviews --method=k", ["kfold"], "k"),
    (" data split --seed 3 re", ["reviews", "'Reviews of 2025'"], "re"),
    (" data nothing ", [], ""),
])
def test_what_could_come_next(text, names, fragment):
    assert completed(text) == (names, fragment)


def test_at_the_start_there_are_the_verbs():
    assert completed(" ") == (list(verbs()), "")


def test_a_flag_is_offered_once():
    names, _ = completed(" train --epochs 5 --no-use-ema --e")
    assert names == ["--early-stopping", "--ema-decay"]


def test_after_a_switch_come_its_values_and_further_flags():
    names, _ = completed(" train --use-ema ")
    assert names[:2] == ["True", "False"]
    assert "--epochs" in names
    assert "--use-ema" not in names


def test_the_set_verb_offers_only_what_can_be_edited_live():
    names, _ = completed(" set --")
    assert "--learning-rate" in names
    assert "--batch-size" not in names


def test_lines_of_a_cell_are_one_command():
    assert completed(" train\n--epochs 5\n--lea") == (["--learning-rate"], "--lea")
