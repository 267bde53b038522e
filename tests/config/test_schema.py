from __future__ import annotations

import json

from nbtrain.config import TrainConfig, fields
from nbtrain.config.options import groups
from nbtrain.config.recipe_options import RECIPES
from nbtrain.config.schema import field_of, has_needs, live_options


def test_every_option_has_a_field_in_the_order_declared():
    assert [field["name"] for field in fields()] == list(groups()) == list(TrainConfig().flat())
    assert {field["group"] for field in fields()} == set(TrainConfig.model_fields)


def test_defaults_are_the_configs():
    assert {field["name"]: field["default"] for field in fields()} == TrainConfig().flat()


def test_fields_travel_as_json():
    assert json.loads(json.dumps(fields())) == [dict(field) for field in fields()]


def test_what_a_slider_shows_lies_within_what_is_allowed():
    for field in fields():
        if field["type"] not in {"int", "float"}:
            assert field["min"] is field["max"] is field["form_min"] is None
            continue
        assert field["min"] is not None
        assert field["max"] is not None
        assert field["form_min"] is not None
        assert field["form_max"] is not None
        assert field["min"] <= field["form_min"] < field["form_max"] <= field["max"], field["name"]
        if field["scale"] == "log":
            assert field["form_min"] > 0 or field["name"] == "checkpoint_every", field["name"]


def test_the_default_can_be_shown_and_the_recommended_value_is_allowed():
    for field in fields():
        assert TrainConfig(**{field["name"]: field["recommended"]})[field["name"]] == field["recommended"]
        if field["form_min"] is not None and not field["optional"]:
            assert field["form_min"] <= field["default"] <= field["form_max"], field["name"]


def test_types():
    types = {field["name"]: field["type"] for field in fields()}
    assert types["epochs"] == "int"
    assert types["learning_rate"] == "float"
    assert types["use_ema"] == "bool"
    assert types["optimizer"] == "choice"
    assert types["device"] == "text"
    assert types["dropout"] == "float"
    assert [field["name"] for field in fields() if field["optional"]] == ["dropout", "teacher", "mlflow"]


def test_needs_name_options_and_values_that_exist():
    for field in fields():
        for other, values in (field["needs"] or {}).items():
            assert all(TrainConfig(**{other: value})[other] == value for value in values)


def test_a_field_without_named_values_needs_any_but_none():
    field = field_of("distill_alpha")
    assert field is not None
    assert [has_needs(field, {"teacher": name}) for name in ("large", "", None)] == [True, False, False]
    patience = field_of("patience")
    assert patience is not None
    assert [has_needs(patience, {"early_stopping": on}) for on in (True, False)] == [True, False]


def test_a_teacher_is_asked_for_where_there_are_classes_or_tokens():
    for name in ("teacher", "distill_alpha", "distill_temperature"):
        field = field_of(name)
        assert field is not None
        assert field["recipes"] is not None
        assert {"auto", *RECIPES} - set(field["recipes"]) == {"landmarks", "speech"}


def test_live_options_are_those_the_issue_names():
    assert set(live_options()) == {
        "epochs", "learning_rate", "weight_decay", "max_grad_norm", "ema_decay", "checkpoint_every", "patience"}


def test_a_field_by_its_name():
    found = field_of("batch_size")
    assert found is not None
    assert (found["form_min"], found["form_max"], found["max"]) == (1, 256, 65_536)
    assert field_of("nonsense") is None
