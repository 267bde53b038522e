from __future__ import annotations

import json

import pytest

from nbtrain.config import TrainConfig, fields
from nbtrain.config.recipe_defaults import DEFAULTS, LEVELS
from nbtrain.config.recipe_faces import face, faces
from nbtrain.config.recipe_options import RECIPES, foreign
from nbtrain.i18n.catalogue import words
from nbtrain.i18n.languages import LANGUAGES


def test_an_option_of_another_recipe_is_one_sentence_that_names_its_own():
    [problem] = foreign("tabular", ["epochs", "window"])
    assert problem.field == "window"
    assert problem.message == (
        "window belongs to the recipe 'timeseries', and this training is by 'tabular'; leave it out, or choose another "
        "recipe.")
    assert "the recipes 'text-classification', 'token-classification', 'causal-lm'" in foreign(
        "custom", ["lora_rank"])[0].message


def test_what_a_recipe_looks_at_and_what_all_do_is_no_mistake():
    [problem] = foreign("landmarks", ["teacher"])
    assert "'auto'" not in problem.message, "no training is by it"
    assert foreign("timeseries", ["window", "epochs", "no such option"]) == []
    assert foreign("a-users-own", ["window", "lora_rank"]) == []


@pytest.mark.parametrize("recipe", RECIPES)
def test_no_default_of_a_recipe_belongs_to_another(recipe):
    assert foreign(recipe, DEFAULTS[recipe]) == []
    own = {field["name"] for field in fields() if field["recipes"] is None or recipe in field["recipes"]}
    assert set(face(recipe)["options"]) <= own


def test_the_time_series_recipe_has_its_fields_with_range_and_recommendation():
    config = TrainConfig.for_recipe("timeseries")
    named = {
        "epochs": 150, "batch_size": 128, "learning_rate": 5e-5, "weight_decay": 0.01, "dropout": 0.4,
        "label_smoothing": 0.1, "use_focal_loss": True, "focal_gamma": 2.5, "gaussian_noise_std": 0.01,
        "use_oversampling": True, "oversample_ratio": 0.5, "scheduler": "cosine_with_restarts", "scheduler_t_0": 10,
        "scheduler_t_mult": 2, "early_stopping": True, "patience": 20}
    assert {name: config[name] for name in named} == named
    assert face("timeseries")["options"].keys() <= named.keys()
    numbers = [name for name, value in named.items() if not isinstance(value, bool | str)] + ["window", "validation"]
    assert len(numbers) == 14
    known = {field["name"]: field for field in fields()}
    recommended = {name: field["recommended"] for name, field in known.items()} | face("timeseries")["options"]
    for name in numbers:
        field = known[name]
        assert field["recipes"] is None or "timeseries" in field["recipes"]
        assert field["min"] <= recommended[name] == config[name] <= field["max"]
        assert all(config[other] in values for other, values in (field["needs"] or {}).items()), "it is on the form"
        for language in LANGUAGES:
            for said in ("label", "help", "small", "medium", "large"):
                assert words(language).get(f"option.{name}.{said}"), f"{name} says no {said} in {language}"


def test_faces_travel_as_json_with_what_an_option_sets():
    told = faces(["custom", "speech", "mine"])
    assert json.loads(json.dumps(told)) == told
    assert [each["name"] for each in told] == ["auto", "custom", "speech", "mine"]
    assert told[2]["steering"] == {"optimization_level": {level: dict(of) for level, of in LEVELS.items()}}
    assert told[1]["columns"] == ["target", "features"]
    assert "time" in told[3]["columns"], "of a recipe nobody knows, everything may be asked"
