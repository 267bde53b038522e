from __future__ import annotations

import pytest

from nbtrain.config import PRESETS, TrainConfig
from nbtrain.config.presets import RECOMMENDED
from nbtrain.core.errors import ConfigError


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_valid_and_lies_beneath_what_is_given(name: str):
    config = TrainConfig(preset=name)
    assert {option: config[option] for option in PRESETS[name]} == dict(PRESETS[name])
    assert config == TrainConfig(**PRESETS[name])
    edited = TrainConfig(preset=name, epochs=7, optimization={"learning_rate": 0.5})
    assert (edited["epochs"], edited["learning_rate"]) == (7, 0.5)
    assert edited["batch_size"] == config["batch_size"]
    assert TrainConfig.model_validate_json(f'{{"preset": "{name}"}}') == config


def test_presets_are_those_of_the_requirements():
    rows = {
        name: [TrainConfig(preset=name)[option] for option in (
            "epochs", "batch_size", "gradient_accumulation_steps", "learning_rate", "early_stopping",
            "gradient_checkpointing")]
        for name in PRESETS
    }
    assert rows == {
        "fast": [5, 64, 1, 1e-3, False, False],
        "careful": [20, 32, 1, 3e-4, True, False],
        "small_gpu": [10, 8, 4, 5e-4, False, True],
    }
    assert all(TrainConfig(preset=name)["mixed_precision"] != "off" for name in PRESETS)
    assert TrainConfig(preset="careful")["patience"] == 5
    assert TrainConfig(preset="careful")["scheduler"] == "cosine_with_restarts"
    assert RECOMMENDED in PRESETS


def test_presets_cannot_be_changed():
    with pytest.raises(TypeError):
        PRESETS["fast"]["epochs"] = 3  # type: ignore[index]


@pytest.mark.parametrize(("name", "sentence"), [
    ("carefull", r"There is no preset 'carefull'; did you mean 'careful'\?"),
    (3, "There is no preset '3'; there are: fast, careful, small_gpu"),
])
def test_an_unknown_preset_is_one_problem_among_others(name: object, sentence: str):
    with pytest.raises(ConfigError, match=sentence) as caught:
        TrainConfig(preset=name, epochs=0)
    assert [problem.field for problem in caught.value.problems] == ["epochs", "preset"]


def test_no_preset_is_the_defaults():
    assert TrainConfig(preset=None) == TrainConfig()
