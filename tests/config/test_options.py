from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nbtrain.config import LoopConfig, TrainConfig, fields
from nbtrain.config.options import groups
from nbtrain.config.schema import Field
from nbtrain.core.errors import ConfigError

NAMES = [field["name"] for field in fields()]
TEXTS = {"device": ["auto", "cpu", "cuda:1"], "monitor": ["val_loss", "f.1"], "recipe": ["auto", "custom"],
         "teacher": ["bert"], "mlflow": ["trials of May"]}


def value_of(field: Field) -> st.SearchStrategy[Any]:
    """Any value the option allows."""
    kinds: dict[str, Any] = {
        "int": lambda: st.integers(int(field["min"] or 0), int(field["max"] or 0)),
        "float": lambda: st.floats(field["min"], field["max"]),
        "bool": st.booleans,
        "choice": lambda: st.sampled_from(field["choices"] or []),
        "text": lambda: st.sampled_from(TEXTS[field["name"]]),
    }
    found: st.SearchStrategy[Any] = kinds[field["type"]]()
    return st.none() | found if field["optional"] else found


def agreeing(options: dict[str, Any]) -> bool:
    return not (options.get("warmup_steps") and options.get("warmup_epochs")) and (
        options.get("validation", 0.15) + options.get("test", 0.0) <= 0.8)


flat_options = st.fixed_dictionaries(
    {}, optional={field["name"]: value_of(field) for field in fields()}).filter(agreeing)


def as_groups(options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    grouped: dict[str, dict[str, Any]] = {}
    for name, value in options.items():
        grouped.setdefault(groups()[name], {})[name] = value
    return grouped


@given(options=flat_options)
def test_flat_grouped_and_json_are_the_same(options: dict[str, Any]):
    config = TrainConfig(**options)
    assert config == TrainConfig(**as_groups(options))
    assert config == TrainConfig.model_validate(options)
    assert config == TrainConfig.model_validate_json(json.dumps(options))
    assert config == TrainConfig.model_validate_json(config.to_json())
    assert config == TrainConfig.model_validate_json(config.model_dump_json())
    assert {name: config[name] for name in options} == options
    assert list(config.flat()) == NAMES


@given(options=flat_options, changes=flat_options)
def test_replace_changes_what_is_given_and_nothing_else(options: dict[str, Any], changes: dict[str, Any]):
    merged = {**options, **changes}
    if not agreeing(merged):
        return
    config = TrainConfig(**options)
    assert config.replace(**changes) == TrainConfig(**merged)
    assert config == TrainConfig(**options), "the original stays"


def wrong_values(field: Field) -> list[Any]:
    low, high = field["min"], field["max"]
    match field["type"]:
        case "int":
            assert low is not None
            assert high is not None
            return [low - 1, high + 1, 1.5, "many", math.inf]
        case "float":
            assert low is not None
            assert high is not None
            return [math.nextafter(low, -math.inf) - 1e-9, high * 1.001 + 1e-9, math.nan, -math.inf, "little"]
        case "bool":
            return ["perhaps", 2]
        case "choice":
            return ["nonsense", 7]
    return ["", " no such thing!", 5]


@given(data=st.data())
def test_every_wrong_option_is_reported_in_one_error_with_its_range(data: st.DataObject):
    chosen = data.draw(st.lists(st.sampled_from(fields()), min_size=1, max_size=8, unique_by=lambda f: f["name"]))
    options = {field["name"]: data.draw(st.sampled_from(wrong_values(field))) for field in chosen}
    for give in (options, as_groups(options)):
        with pytest.raises(ConfigError) as caught:
            TrainConfig(**give)
        problems = {problem.field: problem.message for problem in caught.value.problems}
        assert problems.keys() == options.keys()
        for field in chosen:
            message = problems[field["name"]]
            assert message.startswith(f"{field['name']} is {options[field['name']]!r}; it must be ")
            for bound in (field["min"], field["max"]):
                assert bound is None or f"{bound:g}" in message.replace("4294967295", "4.29497e+09").replace(
                    "10000000", "1e+07") or str(bound) in message
            assert all(choice in message for choice in field["choices"] or [])
        assert str(caught.value).count("\n") == len(options) - 1, "one line each"


@given(field=st.sampled_from([field for field in fields() if field["min"] is not None]))
def test_the_bounds_themselves_are_allowed(field: Field):
    for bound in (field["min"], field["max"]):
        assert TrainConfig(**{field["name"]: bound})[field["name"]] == bound


@pytest.mark.parametrize(("wrong", "near"), [
    ("optimiser", "optimizer"), ("lerning_rate", "learning_rate"), ("batchsize", "batch_size"), ("epoch", "epochs"),
    ("warmup", "warmup_steps"), ("use_focal", "use_focal_loss"),
])
def test_an_unknown_option_names_the_nearest(wrong: str, near: str):
    for options in ({wrong: 1}, {"loop": {wrong: 1}}):
        with pytest.raises(ConfigError, match=rf"^There is no option '{wrong}'; did you mean '{near}'\?$"):
            TrainConfig(**options)


def test_an_unknown_option_that_is_near_to_nothing_lists_what_there_is():
    with pytest.raises(ConfigError, match="There is no option 'qqqq'; there are: epochs, batch_size, "):
        TrainConfig(qqqq=1)


def test_unknown_wrong_and_contradicting_options_are_reported_together():
    with pytest.raises(ConfigError) as caught:
        TrainConfig(epochs=0, bach_size=3, optimization={"learning_rate": 2}, warmup_steps=5, warmup_epochs=1)
    assert {problem.field for problem in caught.value.problems} == {
        "epochs", "bach_size", "learning_rate", "warmup_epochs"}


@pytest.mark.parametrize(("options", "sentence"), [
    ({"warmup_steps": 10, "warmup_epochs": 2.5}, "warmup_epochs is 2.5 and warmup_steps is 10: give one of the two"),
    ({"validation": 0.5, "test": 0.4}, r"validation \(0.5\) and test \(0.4\) together leave less than a fifth"),
])
def test_options_that_contradict_each_other(options: dict[str, Any], sentence: str):
    with pytest.raises(ConfigError, match=sentence) as caught:
        TrainConfig(**options)
    assert len(caught.value.problems) == 1
    with pytest.raises(ConfigError, match=sentence):
        TrainConfig().replace(**options)


@pytest.mark.parametrize(("options", "sentence"), [
    ({"loop": 5}, "loop is a group of options, so it takes a mapping of option to value, not 5"),
    ({"loop": 5, "epochs": 3}, "loop is a group of options"),
    ({"epochs": list(range(100))}, r"epochs is \[0, 1, .*…; it must be a whole number from 1 to 1000"),
    ({"dropout": 2}, "dropout is 2; it must be a number from 0 to 0.95, or None"),
    ({"device": "tpu"}, "device is 'tpu'; it must be auto, cpu, mps, cuda or cuda:<number>"),
    ({"monitor": "a b"}, "monitor is 'a b'; it must be the name of a metric"),
])
def test_sentences(options: dict[str, Any], sentence: str):
    with pytest.raises(ConfigError, match=sentence):
        TrainConfig(**options)


@pytest.mark.parametrize(("text", "sentence"), [
    ("{", "Invalid JSON"), ("[]", r"The options must be a mapping of option to value, not \[\]"), ("null", "not None"),
    ('{"epochs": 0, "batch": 1}', "epochs is 0;"), ('{"learning_rate": NaN}', "learning_rate is nan;"),
])
def test_json_that_does_not_fit(text: str, sentence: str):
    with pytest.raises(ConfigError, match=sentence):
        TrainConfig.model_validate_json(text)


def test_a_mapping_that_does_not_fit():
    with pytest.raises(ConfigError, match="epochs is 0;"):
        TrainConfig.model_validate({"epochs": 0})


def test_a_group_may_be_given_as_an_object_and_flat_options_win():
    assert TrainConfig(loop=LoopConfig(epochs=3), batch_size=8).loop == LoopConfig(epochs=3, batch_size=8)
    assert TrainConfig(loop={"epochs": 3}, epochs=4)["epochs"] == 4


def test_a_config_cannot_be_changed():
    config = TrainConfig()
    with pytest.raises(ValidationError, match="frozen"):
        config.loop.epochs = 3  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        config.loop = LoopConfig()  # type: ignore[misc]
    with pytest.raises(KeyError):
        config["nonsense"]


def test_names_are_unique_over_all_groups():
    declared = [name for info in TrainConfig.model_fields.values() for name in info.annotation.model_fields]  # type: ignore[union-attr]
    assert len(declared) == len(set(declared)) == len(groups())


def test_recipes():
    assert TrainConfig.for_recipe("custom") == TrainConfig(recipe="custom")
    assert TrainConfig.for_recipe("custom").replace(recipe="auto") == TrainConfig()
    with pytest.raises(ConfigError, match="There is no recipe 'costum'; did you mean 'custom'"):
        TrainConfig.for_recipe("costum")
