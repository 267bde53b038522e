"""What holds for every step there is."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pytest

from nbtrain import i18n
from nbtrain.core.errors import ConfigError, DataError
from nbtrain.data.processing import ROW, Recipe, Scale, Step, Whitespace, steps_schema
from nbtrain.data.processing.arrow import kind_of_arrow
from nbtrain.data.processing.randomness import generator
from nbtrain.data.processing.step import Group, step_classes

#: A table in which every step finds something to do, and for each what it does not take by default.
BATCH = pa.RecordBatch.from_pydict({
    "text": ["<p>Hi</p> 😀", " ي www.x.org", "", None, "<p>Hi</p> 😀", "۴"],
    "says": ["1,5", "yes", None, "7", "1,5", "3"],
    "n": pa.array([1, 2, None, 4, 1, 900], pa.int64()), "x": [0.5, float("nan"), None, 2.0, 0.5, -1.0],
    "b": [True, False, None, True, True, False],
    "when": ["03/04/2024", "13.04.2024", None, "2024-04-15", "soon", ""],
    "day": [dt.date(2024, 1, day) if day else None for day in (1, 2, 0, 4, 5, 6)],
    "series": pa.array([[1.0, 2.0, 3.0]] * 6, pa.list_(pa.float32())),
    "picture": pa.array([None] * 6, pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
})
OPTIONS: dict[str, dict[str, Any]] = {
    "tokenize": {"columns": ["text"], "vocabulary": 300}, "to_number": {"columns": ["says"]},
    "to_date": {"columns": ["when"]},
    "drop_columns": {"columns": ["b"]}, "windows": {"columns": ["n"], "target": "x", "time": "day", "window": 2},
    "missing": {"columns": ["n", "x"], "indicator": True},
}
NAMES = list(step_classes())


def fitted(name):
    step = Step.from_json({"step": name, **OPTIONS.get(name, {})})
    return step.settled(BATCH.schema).fit([BATCH])


@pytest.mark.parametrize("name", NAMES)
def test_a_step_read_from_json_does_the_same(name):
    step = fitted(name)
    again = Step.from_json(json.loads(json.dumps(step.to_json())), step.files())
    assert again == step
    assert hash(again) == hash(step)
    assert again.fingerprint() == step.fingerprint()
    assert str(again.apply(BATCH).to_pydict()) == str(step.apply(BATCH).to_pydict())  # NaN is unlike itself
    sample = BATCH.to_pylist()[0]
    assert again.augment(sample, generator(0, 1, 2)) == step.augment(sample, generator(0, 1, 2))


@pytest.mark.parametrize("name", NAMES)
def test_a_step_leaves_what_it_is_given_and_other_columns_alone(name):
    before = BATCH.to_pydict()
    given = BATCH.append_column(ROW, pa.array(range(6)))
    step = fitted(name)
    found = step.apply(given)
    assert str(BATCH.to_pydict()) == str(before)
    assert ROW in found.schema.names
    if step.group != "series":
        kept = set(BATCH.schema.names) - {*step.reads(), *step.columns} if step.columns else set()
        rows = found.column(ROW)
        assert all(str(found.column(n)) == str(BATCH.column(n).take(rows)) for n in kept)


@pytest.mark.parametrize("name", NAMES)
def test_the_schema_of_what_comes_out_is_known_before(name):
    step = fitted(name)
    assert step.outputs(BATCH.schema) == step.apply(BATCH).schema
    assert step.apply(BATCH.slice(0, 0)).num_rows == 0


@pytest.mark.parametrize("name", [name for name in NAMES if fitted(name).group != "series"])
def test_no_new_row_is_left_out(name):
    assert fitted(name).apply_new(BATCH).num_rows == BATCH.num_rows


@pytest.mark.parametrize("name", [name for name, step in step_classes().items() if step.learns])
def test_a_step_that_learns_must_have_learned(name):
    with pytest.raises(DataError, match="has not learned from training rows"):
        fitted(name).unfitted().apply(BATCH)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "drop_columns"])
def test_a_column_that_is_not_there_is_refused_by_name(name):
    step = Step.from_json({"step": name, **OPTIONS.get(name, {}), "columns": ["nowhere"]})
    with pytest.raises(DataError, match="'nowhere'"):
        step.settled(BATCH.schema)


@pytest.mark.parametrize("name", [name for name, step in step_classes().items() if step.named])
def test_a_step_that_would_spoil_other_columns_must_be_told_which(name):
    with pytest.raises(DataError, match=f"Step {name} has no columns"):
        Step.from_json({"step": name}).settled(BATCH.schema)
    with pytest.raises(DataError, match=f"Step {name} has no columns"):
        Recipe([{"step": name}]).fit(pa.Table.from_batches([BATCH]))


@pytest.mark.parametrize("form", steps_schema(), ids=lambda form: form["name"])
def test_a_form_can_grow_out_of_the_schema(form):
    """Its defaults are taken, its limits hold, its choices are all there are, and everything has words."""
    name, words = form["name"], i18n.words("en")
    assert {f"step.{name}", f"step.{name}.help", f"step_group.{form['group']}", "step.columns"} <= words.keys()
    assert form["group"] in get_args(Group)
    given = {field["name"]: field["default"] for field in form["fields"]}
    plain = Step.from_json({"step": name, **given})
    assert plain == step_classes()[name]()
    for field in form["fields"]:
        assert field["name"] == "columns" or f"step.{name}.{field['name']}" in words
        for choice in field["choices"] or ():
            assert f"step.{name}.{field['name']}.{choice}" in words
        wrong = []
        if field["min"] is not None:
            wrong.append(field["min"] - 1)
        if field["max"] is not None:
            wrong.append(field["max"] + 1)
        if field["choices"]:
            assert field["default"] in field["choices"]
            wrong.append("none of these")
        for value in wrong:
            with pytest.raises(ConfigError, match=f"Step {name}: {field['name']} is {value!r}; it must be"):
                Step.from_json({"step": name, field["name"]: value})
        for other, values in (field["needs"] or {}).items():
            [needed] = [each for each in form["fields"] if each["name"] == other]
            assert set(map(str, values)) <= set(needed["choices"] or ["True", "False"])
    json.dumps(form)


def test_the_steps_are_in_the_order_of_their_use():
    groups = [form["group"] for form in steps_schema()]
    assert groups[0] == "cleaning"
    assert groups[-1] == "augmentation"
    assert len(NAMES) == len(set(NAMES)) == 25


def test_one_column_may_be_given_as_a_text():
    assert Scale(columns="a") == Scale(columns=["a"]) != Scale(columns=["b"])
    with pytest.raises(ConfigError, match="columns is 5; it must be the name of a column, or a list of names"):
        Scale(columns=5)


@pytest.mark.parametrize(("kind", "expected"), [
    (pa.null(), None), (pa.bool_(), "boolean"), (pa.uint8(), "integer"), (pa.decimal128(5, 2), "number"),
    (pa.float16(), "number"), (pa.large_string(), "text"), (pa.dictionary(pa.int8(), pa.string()), "text"),
    (pa.date32(), "date"), (pa.timestamp("ns", "UTC"), "date"), (pa.time64("us"), "time"),
    (pa.duration("s"), "duration"), (pa.binary(4), "binary"), (pa.list_(pa.int8()), "nested"),
    (pa.struct([("a", pa.int8())]), "nested"), (pa.map_(pa.string(), pa.int8()), "nested"),
])
def test_kinds_of_arrow_columns(kind, expected):
    assert kind_of_arrow(kind) == expected


def test_numbers_of_a_sample_depend_on_nothing_else():
    first = generator(1, 2, 3).random(5)
    assert (generator(1, 2, 3).random(5) == first).all()
    others = [generator(*key).random() for key in ((2, 2, 3), (1, 3, 3), (1, 2, 4), (1, 2, 3, 1))]
    assert len({first[0], *others}) == 5
    assert isinstance(generator(2**63, 0, 2**40).random(), float)
    assert np.isfinite(first).all()


def test_steps_may_be_given_as_json():
    assert Recipe([{"step": "whitespace", "columns": "t"}]) == Recipe([Whitespace(columns=["t"])])
