from __future__ import annotations

import pytest

from nbtrain.commandline.actions import paths
from nbtrain.commandline.data import TOPIC
from nbtrain.core.errors import ConfigError
from nbtrain.data.reading.read_options import ReadOptions
from nbtrain.data.splits.spec import METHODS, SplitSpec


def test_an_action_its_words_and_its_flags():
    action, plain, values = TOPIC.parse(["import", "a b.csv", "--no-header", "--on_error=skip"], "nbtrain data")
    assert (action.name, plain, values) == ("import", {"source": "a b.csv"}, {"header": False, "on_error": "skip"})
    assert TOPIC.parse(["undo"], "x")[1] == {}
    assert TOPIC.parse(["undo", "reviews"], "x")[1] == {"deleted": "reviews"}
    assert TOPIC.parse([], "x")[0].name == TOPIC.parse(["--help"], "x")[0].name == "help"


@pytest.mark.parametrize("words", [["export", "a"], ["list", "a"], ["delete"], ["rename", "a", "b", "c"]])
def test_too_few_or_too_many_words_are_told_with_the_usage(words):
    with pytest.raises(ConfigError, match=f"Usage: nbtrain data {words[0]}"):
        TOPIC.parse(words, "nbtrain data")


def test_every_reading_and_splitting_option_has_its_flag():
    importing = {flag.name for flag in TOPIC.actions["import"].flags}
    assert importing > set(ReadOptions.__dataclass_fields__)
    splitting = {flag.name: flag for flag in TOPIC.actions["split"].flags}
    assert set(splitting) == set(SplitSpec.__dataclass_fields__) - {"values"}
    assert splitting["method"].choices == METHODS


@pytest.mark.parametrize("name", list(TOPIC.actions))
def test_every_action_and_flag_has_words(name):
    said = TOPIC.help_text("nbtrain data", name)
    assert "command.data" not in said
    assert all(flag.text in said for flag in TOPIC.actions[name].flags)


def test_paths_are_offered_as_they_are_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("data.csv", "data two.csv", ".hidden", "sub/inner.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert paths("") == ["'data two.csv'", "data.csv", "sub/"]
    assert paths("'data t") == ["'data two.csv'"]
    assert paths(".h") == [".hidden"]
    assert paths("sub/") == ["sub/inner.json"]
    assert paths("sub/in") == ["sub/inner.json"]
    assert paths(f"{tmp_path}/sub/") == [f"{tmp_path}/sub/inner.json"]
    assert paths("nowhere/") == []
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "~/data.csv" in paths("~/d")
    assert paths("~nobody-is-called-so/") == []
