from __future__ import annotations

import pytest

from nbtrain.commandline.models import FORMATS, STAGES, TOPIC
from nbtrain.core.errors import ConfigError
from nbtrain.models.exporting import FORMATS as EXPORTED
from nbtrain.store.model_listing import RANKS, SORTS


def test_the_choices_are_those_of_the_registry_and_of_exporting():
    flags = {flag.name: flag for flag in TOPIC.actions["list"].flags}
    assert set(STAGES) == set(RANKS)
    assert set(FORMATS) == set(EXPORTED)
    assert set(flags["sort"].choices) == set(SORTS)


@pytest.mark.parametrize("name", list(TOPIC.actions))
def test_every_action_and_flag_has_words(name):
    said = TOPIC.help_text("nbtrain models", name)
    assert "command.models" not in said
    assert all(flag.text in said for flag in TOPIC.actions[name].flags)


def test_the_last_word_may_stand_several_times():
    assert TOPIC.parse(["tag", "digits", "a", "b c"], "x")[1] == {"model": "digits", "tags": ["a", "b c"]}
    assert TOPIC.parse(["tag", "digits"], "x")[1] == {"model": "digits", "tags": []}
    assert TOPIC.parse(["predict", "m", "age=3", "--version", "2"], "x")[1:] == (
        {"model": "m", "values": ["age=3"]}, {"version": 2})
    with pytest.raises(ConfigError, match="Usage: x tag MODEL"):
        TOPIC.parse(["tag"], "x")
    with pytest.raises(ConfigError, match="did you mean 'export'"):
        TOPIC.parse(["exprot"], "x")


def test_names_stages_and_formats_are_completed():
    def offers(kind):
        return {"registered": ["digits", "my net"], "deleted_model": ["gone"], "model": ["net"]}[kind]

    def complete(*words):
        return TOPIC.complete(words[:-1], words[-1], offers)[0]

    assert complete("ex") == ["export"]
    assert complete("export", "d") == ["digits"]
    assert complete("export", "digits", "o") == ["onnx"]
    assert complete("rename", "m") == ["'my net'"]
    assert complete("move", "digits", "pro") == ["production"]
    assert complete("undo", "g") == ["gone"]
    assert "net" in complete("import", "n")
    assert complete("list", "--sort", "m") == ["metric"]
    assert complete("search", "--si") == ["--size"]
