from __future__ import annotations

import pytest

from nbtrain.commandline.flags import Flag, option_flags, read, split
from nbtrain.commandline.verbs import TRAINING, verb_of, verbs
from nbtrain.config import TrainConfig, fields
from nbtrain.config.schema import live_options
from nbtrain.core.errors import ConfigError
from nbtrain.engine.metric_names import KNOWN

FLAGS = [*option_flags(), Flag("queue", "switch"), Flag("metrics", "names")]


def values(text):
    plain, found = read(split(text), FLAGS, "train")
    assert plain == []
    return found


@pytest.mark.parametrize(("text", "expected"), [
    ("--learning-rate 3e-4", {"learning_rate": 3e-4}),
    ("--learning_rate=3e-4", {"learning_rate": 3e-4}),
    ("--epochs 5 --optimizer sgd", {"epochs": 5, "optimizer": "sgd"}),
    ("--use-ema", {"use_ema": True}),
    ("--use-ema False", {"use_ema": False}),
    ("--use-ema=true", {"use_ema": True}),
    ("--no-use-ema --epochs 2", {"use_ema": False, "epochs": 2}),
    ("--dropout none", {"dropout": None}),
    ("--queue", {"queue": True}),
    ("--metrics accuracy,macro_f1", {"metrics": ["accuracy", "macro_f1"]}),
    ("--monitor 'val_loss'", {"monitor": "val_loss"}),
    ("# a comment\n--epochs 3\n  # another\n--seed 7", {"epochs": 3, "seed": 7}),
])
def test_flags_are_read(text, expected):
    found = values(text)
    assert found == expected
    assert {name: type(value) for name, value in found.items()} == {
        name: type(value) for name, value in expected.items()}


def test_words_that_are_no_flags_are_given_back():
    assert read(["run-1", "--epochs", "2"], FLAGS, "resume") == (["run-1"], {"epochs": 2})


def test_every_option_has_a_flag_and_its_default_is_understood():
    for field in fields():
        flag = "--" + field["name"].replace("_", "-")
        typed = {True: flag, False: f"--no-{flag[2:]}"}.get(field["default"]) if field["type"] == "bool" else (
            f"{flag} {field['default']}")
        assert TrainConfig(**values(typed))[field["name"]] == field["default"]


@pytest.mark.parametrize(("text", "sentence"), [
    ("--learing-rate 3", "train has no option --learing-rate; did you mean --learning-rate?"),
    ("--no-use-emma", "train has no option --no-use-emma; did you mean --no-use-ema?"),
    ("--no-epochs", "train has no option --no-epochs"),
    ("--zzz", "train has no option --zzz; the options are listed by the command help."),
    ("--epochs", "--epochs needs a value, for example --epochs 10."),
    ("--epochs --seed 3", "--epochs needs a value"),
    ("--epochs 3 --epochs 4", "--epochs is given twice; give it once."),
    ("--monitor 'val", "A quotation mark is not closed in: --monitor 'val"),
])
def test_what_cannot_be_read_is_said(text, sentence):
    with pytest.raises(ConfigError) as caught:
        values(text)
    assert str(caught.value).startswith(sentence)


def test_all_problems_are_said_at_once():
    with pytest.raises(ConfigError) as caught:
        values("--learing-rate 3 --epochs --bach-size 4 --seed 1")
    assert [problem.field for problem in caught.value.problems] == ["learing-rate", "epochs", "bach-size"]


def test_a_number_that_is_none_is_left_for_the_schema_to_refuse():
    with pytest.raises(ConfigError, match="epochs is 'many'; it must be a whole number from 1 to 1000"):
        TrainConfig(**values("--epochs many"))


def test_live_edits_take_the_live_options_and_no_others():
    assert {flag.name for flag in verbs()["set"].flags} == {"run", *live_options()}


def test_the_metrics_that_completion_offers_are_there():
    assert {*next(flag for flag in TRAINING if flag.name == "metrics").choices} <= KNOWN.keys()


@pytest.mark.parametrize(("name", "hint"), [("trian", "did you mean train?"), ("xyz", "there are: train, status")])
def test_an_unknown_verb_is_said_with_those_there_are(name, hint):
    with pytest.raises(ConfigError, match=f"no command {name}; {hint}".replace("?", r"\?")):
        verb_of(name)
