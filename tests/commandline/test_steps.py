from __future__ import annotations

import pytest

from nbtrain.commandline.steps import EXAMPLE, parse_steps
from nbtrain.core.errors import ConfigError


@pytest.mark.parametrize(("given", "steps"), [
    ("whitespace", [{"step": "whitespace"}]),
    (" whitespace ,lowercase() ", [{"step": "whitespace"}, {"step": "lowercase"}]),
    ("scale(method=robust)", [{"step": "scale", "method": "robust"}]),
    ('scale( columns = [age, "the, income"] , method=robust), clip(reach=2.5)', [
        {"step": "scale", "columns": ["age", "the, income"], "method": "robust"}, {"step": "clip", "reach": "2.5"}]),
    ("missing(columns=my column, method=constant, value='')", [
        {"step": "missing", "columns": "my column", "method": "constant", "value": ""}]),
    ("drop_columns(columns=[])", [{"step": "drop_columns", "columns": []}]),
    ("dates(since=2020-01-31)", [{"step": "dates", "since": "2020-01-31"}]),
])
def test_steps_with_and_without_options(given, steps):
    assert parse_steps(given) == steps


@pytest.mark.parametrize(("given", "said"), [
    ("", "the name of a step at its end"), ("whitespace,", "the name of a step at its end"),
    ("scale(method", "= and a value for method at its end"), ("scale(method=)", "a value before ')'"),
    ("scale(method=robust", "a comma or a closing parenthesis at its end"),
    ("scale(columns=[age income)", "a comma or a closing bracket before ')'"),
    ("scale(columns=[age", "a comma or a closing bracket at its end"),
    ("scale)", "a comma or an opening parenthesis before ')'"), ("two words", "before 'words'"),
    ("scale(columns='age)", "a value before"),
    ("scale(method=robust, method=minmax)", "gives method of scale twice; give it once."),
    ("scale(step=clip)", "gives step of scale twice"),
])
def test_what_cannot_be_read_is_one_sentence(given, said):
    with pytest.raises(ConfigError) as caught:
        parse_steps(given)
    (problem,) = caught.value.problems
    assert problem.field == "steps"
    assert said in problem.message
    assert "twice" in said or EXAMPLE in problem.message
